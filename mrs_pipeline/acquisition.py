"""How an FID was sampled, and the one sign and ppm convention of the whole package.

The convention is that of NIfTI-MRS on disk. Under a plain ``numpy.fft.fft`` of the stored FID a resonance at
chemical shift ``ppm`` lies at ``frequency_hz = (4.65 - ppm) * spectrometer_frequency_mhz``: positive frequencies are
to the right of water on the customary decreasing ppm axis. Nothing inside the package conjugates; readers of formats with another sign
convert once, in ``mrs_pipeline.io``.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.errors import DataError

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
BoolArray = NDArray[np.bool_]

#: Chemical shift of the carrier (water at body temperature), ppm.
CARRIER_PPM = 4.65


def hz_from_ppm(ppm: FloatArray | float, *, spectrometer_frequency_mhz: float) -> FloatArray:
    """Frequency of a chemical shift under a plain FFT, in Hz (`CARRIER_PPM` is 0 Hz)."""
    return (CARRIER_PPM - np.asarray(ppm, dtype=float)) * spectrometer_frequency_mhz


def ppm_from_hz(frequency_hz: FloatArray | float, *, spectrometer_frequency_mhz: float) -> FloatArray:
    """Chemical shift of a frequency under a plain FFT, in ppm."""
    return CARRIER_PPM - np.asarray(frequency_hz, dtype=float) / spectrometer_frequency_mhz


def spectrum_from_fid(fid: ComplexArray) -> ComplexArray:
    """Spectrum of FIDs along the last axis, ordered as `Acquisition.frequency_hz` and `Acquisition.ppm`."""
    return np.asarray(np.fft.fftshift(np.fft.fft(fid, axis=-1), axes=-1))


def fid_from_spectrum(spectrum: ComplexArray) -> ComplexArray:
    """Inverse of `spectrum_from_fid`."""
    return np.asarray(np.fft.ifft(np.fft.ifftshift(spectrum, axes=-1), axis=-1))


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """Sampling and timing of an FID; everything else about its axes is derived.

    `echo_time_s` and `repetition_time_s` are None where a file does not state them: no value is ever assumed.
    """

    nucleus: str
    spectrometer_frequency_mhz: float
    spectral_width_hz: float
    n_points: int
    echo_time_s: float | None
    repetition_time_s: float | None

    def __post_init__(self) -> None:
        """Refuse values no scanner can produce; `DataError` names the field."""
        for name in ("spectrometer_frequency_mhz", "spectral_width_hz", "n_points"):
            self._require_positive(name)
        for name in ("echo_time_s", "repetition_time_s"):
            if getattr(self, name) is not None:
                self._require_positive(name)

    def _require_positive(self, name: str) -> None:
        value = getattr(self, name)
        if not (np.isfinite(value) and value > 0):
            raise DataError(f"{name} is {value}: a positive number is expected")

    @property
    def dwell_time_s(self) -> float:
        """Time between two samples, s."""
        return 1.0 / self.spectral_width_hz

    @property
    def time_s(self) -> FloatArray:
        """Sampling times, starting at 0 s, shape (n_points,)."""
        return np.arange(self.n_points, dtype=np.float64) * self.dwell_time_s

    @property
    def frequency_hz(self) -> FloatArray:
        """Frequency axis of `spectrum_from_fid`, ascending, shape (n_points,)."""
        return np.fft.fftshift(np.fft.fftfreq(self.n_points, self.dwell_time_s))

    @property
    def ppm(self) -> FloatArray:
        """Chemical-shift axis of `spectrum_from_fid`, descending, shape (n_points,)."""
        return ppm_from_hz(self.frequency_hz, spectrometer_frequency_mhz=self.spectrometer_frequency_mhz)

    def with_n_points(self, n_points: int) -> "Acquisition":
        """The same acquisition, sampled for another number of points."""
        return replace(self, n_points=n_points)

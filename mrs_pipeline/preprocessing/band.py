"""The part of the spectrum transients are compared in, and what may differ there between transients without being signal."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import tukey

from mrs_pipeline.acquisition import CARRIER_PPM, Acquisition, BoolArray, ComplexArray, FloatArray

#: Places (ppm) and half width of broad lines that may vary by themselves: lipids (0.9, 1.3, 2.05, 2.25, 2.8) and what is between them.
_BROAD_PPM = (0.75, 0.9, 1.05, 1.2, 1.3, 1.4, 1.55, 1.7, 2.05, 2.25, 2.8)
_BROAD_HALF_WIDTH_PPM = 0.1
#: Place (ppm) and relative size of the lipid lines.
_LIPIDS = ((1.3, 1.0), (0.9, 0.5))
_WATER_HALF_WIDTH_PPM = 0.04
#: Number of background columns (straight line and water) that are free where too few transients show what varies.
N_PLAIN = 4


@dataclass(frozen=True, kw_only=True)
class Band:
    """Bins (FFT order) of the spectral range aligned on, and the background columns that are free in every transient."""

    acquisition: Acquisition
    bins: BoolArray
    background: ComplexArray
    offset_hz: float = 0.0

    def taper(self) -> FloatArray:
        """Window over all bins (FFT order): 1 inside the band with cosine edges of a tenth of it, 0 outside."""
        frequency = np.fft.fftfreq(self.acquisition.n_points, self.acquisition.dwell_time_s)
        inside = np.flatnonzero(self.bins)[np.argsort(frequency[self.bins])]
        window = np.zeros(self.acquisition.n_points)
        window[inside] = tukey(inside.size, 0.2)
        return window

    def spectra(self, fids: ComplexArray) -> ComplexArray:
        """Spectra in the band, shape (..., n_bins)."""
        return np.asarray(np.fft.fft(fids, axis=-1)[..., self.bins])


def make_band(acquisition: Acquisition, *, range_ppm: tuple[float, float], offset_hz: float) -> Band:
    """The band of a range of shifts in a session whose resonances lie ``offset_hz`` above their places.

    Background: a straight line, water as a line and its square (which a line that moves or broadens needs), and broad lines.
    """
    frequency = np.fft.fftfreq(acquisition.n_points, acquisition.dwell_time_s) - offset_hz
    ppm = np.asarray(CARRIER_PPM - frequency / acquisition.spectrometer_frequency_mhz, dtype=np.float64)
    bins = (ppm >= min(range_ppm)) & (ppm <= max(range_ppm))
    line = np.linspace(-1.0, 1.0, int(bins.sum()))
    water = _lorentzian(ppm[bins] - CARRIER_PPM, _WATER_HALF_WIDTH_PPM)
    broad = [_lorentzian(ppm[bins] - place, _BROAD_HALF_WIDTH_PPM) for place in _BROAD_PPM]
    background = np.stack([np.ones_like(line), line, water, water**2, *broad], axis=1)
    return Band(acquisition=acquisition, bins=bins, background=np.linalg.qr(background)[0], offset_hz=offset_hz)


def lipid_band(band: Band) -> tuple[Band, ComplexArray]:
    """The same bins with a background of straight line, water and lipids (1.3 ppm and half as much at 0.9 ppm).

    Second: the lipids of unit height in terms of those background columns, shape (n_columns,).
    """
    frequency = np.fft.fftfreq(band.acquisition.n_points, band.acquisition.dwell_time_s) - band.offset_hz
    ppm = np.asarray(CARRIER_PPM - frequency[band.bins] / band.acquisition.spectrometer_frequency_mhz)
    lipids = np.sum([size * _lorentzian(ppm - place, _BROAD_HALF_WIDTH_PPM) for place, size in _LIPIDS], axis=0)
    columns = np.linalg.qr(np.concatenate([band.background[:, :N_PLAIN], lipids[:, None]], axis=1))[0]
    return replace(band, background=columns), np.asarray(columns.conj().T @ lipids)


def _lorentzian(distance_ppm: NDArray[np.floating[Any]], half_width_ppm: float) -> ComplexArray:
    """Complex line of unit height at a distance on the ppm axis, which runs against the frequency."""
    return np.asarray(half_width_ppm / (half_width_ppm - 1j * distance_ppm), dtype=np.complex128)

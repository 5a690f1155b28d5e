"""Height, position and width of the line that a fitted component shows near a chemical shift."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm, ppm_from_hz

#: The tallest line is sought within this distance; its flanks are followed up to the second one.
SEARCH_PPM, REACH_HZ = 0.15, 60.0
_STEP_HZ = 0.25


@dataclass(frozen=True, kw_only=True)
class LineProbe:
    """A direct transform onto a fine grid about a chemical shift, prepared once for many fits.

    `transform`, shape (n_frequencies, n_times), gives the spectrum at `frequency_hz` of an FID at the times it was made for, in the scale
    of the plain FFT of the data.
    """

    transform: ComplexArray
    frequency_hz: FloatArray
    centre_hz: float
    search_hz: float
    spectrometer_frequency_mhz: float

    def measure(self, fids: ComplexArray) -> list[tuple[float, float, float]]:
        """Height, position (ppm) and full width at half maximum (Hz) of the tallest line of FIDs (n_fids, n_times).

        NaN where there is none, or no half maximum.
        """
        return [self._measured(curve) for curve in (fids @ self.transform.T).real]

    def _measured(self, curve: FloatArray) -> tuple[float, float, float]:
        near = np.abs(self.frequency_hz - self.centre_hz) <= self.search_hz
        index = int(np.argmax(np.where(near, curve, -np.inf)))
        if not curve[index] > 0.0:
            return np.nan, np.nan, np.nan
        offset, height = _vertex(curve, index)
        width = _crossing(curve[index:], height) - offset + _crossing(curve[index::-1], height) + offset
        position_hz = self.frequency_hz[index] + offset * _STEP_HZ
        position_ppm = float(ppm_from_hz(position_hz, spectrometer_frequency_mhz=self.spectrometer_frequency_mhz))
        return height, position_ppm, width * _STEP_HZ


def line_probe(time_s: FloatArray, *, near_ppm: float, acquisition: Acquisition, origin_hz: float) -> LineProbe:
    """The probe for FIDs at `time_s` whose frequencies are counted from `origin_hz`."""
    frequency_mhz = acquisition.spectrometer_frequency_mhz
    centre_hz = float(hz_from_ppm(near_ppm, spectrometer_frequency_mhz=frequency_mhz))
    search_hz = SEARCH_PPM * frequency_mhz
    frequency = centre_hz + np.arange(-(search_hz + REACH_HZ), search_hz + REACH_HZ, _STEP_HZ)
    return LineProbe(
        transform=np.exp(-2j * np.pi * (frequency[:, None] - origin_hz) * time_s),
        frequency_hz=frequency,
        centre_hz=centre_hz,
        search_hz=search_hz,
        spectrometer_frequency_mhz=frequency_mhz,
    )


def _vertex(curve: FloatArray, index: int) -> tuple[float, float]:
    """Offset (grid steps) and height of the parabola through the top three points."""
    if not 0 < index < curve.size - 1:
        return 0.0, float(curve[index])
    below, top, above = curve[index - 1 : index + 2]
    bend = below - 2.0 * top + above
    offset = 0.5 * (below - above) / bend if bend < 0.0 else 0.0
    return float(offset), float(top - 0.25 * (below - above) * offset)


def _crossing(falling: FloatArray, height: float) -> float:
    """Grid steps from the first point to half the height, between points by linear interpolation; NaN if it is not reached."""
    below = np.flatnonzero(falling < height / 2.0)
    if not below.size or below[0] == 0:
        return float("nan")
    last = int(below[0]) - 1
    return last + float((falling[last] - height / 2.0) / (falling[last] - falling[last + 1]))

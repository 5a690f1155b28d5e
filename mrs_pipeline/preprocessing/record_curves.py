"""Curves small enough for the record of a step, for the figure of the report."""

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, spectrum_from_fid

#: Most values of a curve, and digits of each.
_N_MOST = 300
_DIGITS = 4


def rounded(values: FloatArray) -> FloatArray:
    """Values with four significant digits."""
    values = np.asarray(values, dtype=np.float64)
    size = np.floor(np.log10(np.maximum(np.abs(values), 1e-300)))
    unit = 10.0 ** (_DIGITS - 1 - size)
    return np.asarray(np.where(values == 0, 0.0, np.round(values * unit) / unit))


def thinned(values: FloatArray) -> FloatArray:
    """Every k-th value, at most 300 of them."""
    return rounded(values[:: max(-(-values.size // _N_MOST), 1)])


def spectrum_range(fid: ComplexArray, *, acquisition: Acquisition, range_ppm: tuple[float, float]) -> tuple[FloatArray, ComplexArray]:
    """Shifts and spectrum of an FID within a range, the FID cut so that at most 300 points lie in it."""
    span_hz = (max(range_ppm) - min(range_ppm)) * acquisition.spectrometer_frequency_mhz
    n = min(acquisition.n_points, int(_N_MOST * acquisition.spectral_width_hz / span_hz))
    shorter = acquisition.with_n_points(n)
    inside = (shorter.ppm >= min(range_ppm)) & (shorter.ppm <= max(range_ppm))
    return rounded(shorter.ppm[inside]), np.asarray(spectrum_from_fid(fid[:n])[inside])

"""Where the search begins: noise level, frequency shift and phase of a spectrum found without a fit."""

import numpy as np
import scipy.signal

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm, ppm_from_hz, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet

#: Rough amplitudes of a brain spectrum (mmol/kg), used to find shift and phase only: only their order of magnitude matters.
TYPICAL_AMPLITUDES: dict[str, float] = {
    "NAA": 10.0, "NAAG": 1.5, "Cr": 5.0, "PCr": 4.0, "GPC": 1.0, "PCh": 0.6, "Cho": 1.5, "Ins": 6.0, "Glu": 9.0, "Gln": 3.0,
}  # fmt: skip

_SEARCH_PPM = 0.35
_MARGIN_PPM = 0.4


def noise_sd(fid: ComplexArray, *, ppm: FloatArray) -> float:
    """SD of the noise in the real part of the spectrum: median over blocks away from metabolites and water.

    Each block of about 50 points is freed of a quadratic trend; the median passes over blocks with a signal of their own.
    """
    spectrum = spectrum_from_fid(fid)
    outside = ((ppm < -0.5) & (ppm > -6.0)) | ((ppm > 8.6) & (ppm < 15.0))  # no farther: receivers filter the edges of the band
    if outside.sum() < 64:
        outside = (ppm < 0.2) | (ppm > 5.2)
    points = spectrum[outside]
    n_blocks = max(1, min(8, points.size // 48))
    spreads = [_detrended_sd(block) for block in np.array_split(points, n_blocks) if block.size > 6]
    return float(np.median(spreads)) if spreads else 0.0


def _detrended_sd(block: ComplexArray) -> float:
    x = np.linspace(-1.0, 1.0, block.size)
    design = np.vander(x, 3)
    rest = block - design @ np.linalg.lstsq(design.astype(complex), block, rcond=None)[0]
    return float(np.sqrt(np.sum(np.abs(rest) ** 2) / (2.0 * (block.size - 3))))


def coarse_shift_and_phase(fid: ComplexArray, *, basis: BasisSet, ppm_range: tuple[float, float]) -> tuple[float, float]:
    """Shift (Hz) and zero-order phase (rad) that best match a typical spectrum, by cross-correlation over +-0.35 ppm.

    Broad signals (baseline, macromolecules) are suppressed by a weight that rises over the first 10 ms.
    """
    acquisition = basis.acquisition
    time = acquisition.time_s
    weights = np.array([TYPICAL_AMPLITUDES.get(name, 0.0) for name in basis.metabolites])
    template = (weights if weights.any() else np.ones_like(weights)) @ basis.fids
    sharpen = 1.0 - np.exp(-((time / 0.010) ** 2))
    template = _band(template * np.exp(-np.pi * 6.0 * time), ppm=acquisition.ppm, ppm_range=ppm_range) * sharpen
    data = _band(fid, ppm=acquisition.ppm, ppm_range=ppm_range) * sharpen
    n_padded = 8 * time.size
    correlation = np.fft.fft(data * np.conj(template), n_padded)
    shifts = np.fft.fftfreq(n_padded, acquisition.dwell_time_s)
    near = np.abs(shifts) <= _SEARCH_PPM * acquisition.spectrometer_frequency_mhz
    best = int(np.argmax(np.where(near, np.abs(correlation), -1.0)))
    return float(shifts[best]), float(np.angle(correlation[best]))


def _band(fid: ComplexArray, *, ppm: FloatArray, ppm_range: tuple[float, float]) -> ComplexArray:
    """The part of an FID inside the fitted range and a margin, the water side cut at 4.3 ppm."""
    keep = (ppm > ppm_range[0] - _MARGIN_PPM) & (ppm < min(ppm_range[1] + _MARGIN_PPM, 4.3))
    return np.asarray(np.fft.ifft(np.fft.ifftshift(np.where(keep, spectrum_from_fid(fid), 0.0))))


def peak_and_width(fid: ComplexArray, *, near_ppm: float, basis: BasisSet) -> tuple[float, float, float]:
    """Height, position (ppm) and full width at half maximum (Hz) of the tallest line within 0.15 ppm of `near_ppm` in the real spectrum.

    Evaluated on a fine grid by a direct transform, in the scale of the plain FFT; NaN where there is no line.
    """
    acquisition = basis.acquisition
    centre = float(hz_from_ppm(near_ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz))
    half_span = 0.15 * acquisition.spectrometer_frequency_mhz
    coarse, frequency = _real_spectrum(fid, centre - half_span, centre + half_span, acquisition=acquisition)
    if not np.any(coarse > 0):
        return np.nan, np.nan, np.nan
    top = float(frequency[np.argmax(coarse)])
    curve, frequency = _real_spectrum(fid, top - 40.0, top + 40.0, acquisition=acquisition)
    height, index = float(curve.max()), int(np.argmax(curve))
    width = _crossing_hz(curve[index:], height=height, step_hz=0.05) + _crossing_hz(curve[index::-1], height=height, step_hz=0.05)
    position_ppm = float(ppm_from_hz(frequency[index], spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz))
    return height, position_ppm, width


def _crossing_hz(falling: FloatArray, *, height: float, step_hz: float) -> float:
    """Distance from a peak (first point) to half its height, between points by linear interpolation; NaN if it is not reached."""
    below = np.flatnonzero(falling < height / 2.0)
    if not below.size:
        return float("nan")
    last = int(below[0]) - 1
    return float(step_hz * (last + (falling[last] - height / 2.0) / (falling[last] - falling[last + 1])))


def _real_spectrum(fid: ComplexArray, low_hz: float, high_hz: float, *, acquisition: Acquisition) -> tuple[FloatArray, FloatArray]:
    """Real spectrum on 1601 frequencies between two limits (chirp z-transform), in the scale of the plain FFT."""
    n_points = 1601
    curve = scipy.signal.zoom_fft(fid, [low_hz, high_hz], n_points, fs=acquisition.spectral_width_hz, endpoint=True)
    return np.asarray(curve.real), np.linspace(low_hz, high_hz, n_points)

"""Where the search begins: noise level, frequency shift and phase of a spectrum found without a fit."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from mrs_pipeline.acquisition import ComplexArray, FloatArray, spectrum_from_fid
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
    trend = _trend(block.size)
    square = np.vdot(block, block).real - np.sum(np.abs(trend.T @ block) ** 2)
    return float(np.sqrt(max(square, 0.0) / (2.0 * (block.size - trend.shape[1]))))


@cache
def _trend(n_points: int) -> FloatArray:
    """Orthonormal quadratic trends, shape (n_points, 3)."""
    return np.asarray(np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, n_points), 3))[0])


@dataclass(frozen=True, kw_only=True)
class StartTemplate:
    """What a spectrum is compared with to find its shift and phase: a typical one in the band `places` of the frequency axis.

    `conjugate` is its FID on a grid of as many samples as places, conjugated and weighted; `shifts_hz` are those tried, all others
    are not among `candidates` of the transform of length `n_padded`.
    """

    places: NDArray[np.intp]
    conjugate: ComplexArray
    n_padded: int
    candidates: NDArray[np.intp]
    shifts_hz: FloatArray


def start_template(basis: BasisSet, *, ppm_range: tuple[float, float]) -> StartTemplate:
    """The template of a basis set: its fitted range and a margin, the water side cut at 4.3 ppm; shifts of up to 0.35 ppm.

    The first 10 ms are weighted down, so that broad signals do not decide.
    """
    acquisition, ppm = basis.acquisition, basis.acquisition.ppm
    keep = (ppm > ppm_range[0] - _MARGIN_PPM) & (ppm < min(ppm_range[1] + _MARGIN_PPM, 4.3))
    places = np.flatnonzero(keep)
    weights = np.array([TYPICAL_AMPLITUDES.get(name, 0.0) for name in basis.metabolites])
    typical = (weights if weights.any() else np.ones_like(weights)) @ basis.fids * np.exp(-np.pi * 6.0 * acquisition.time_s)
    duration_s = acquisition.n_points * acquisition.dwell_time_s
    time_s = np.arange(places.size) * duration_s / max(places.size, 1)
    sharpen = 1.0 - np.exp(-((time_s / 0.010) ** 2))
    n_padded = int(scipy.fft.next_fast_len(8 * max(places.size, 1)))
    shifts = np.fft.fftfreq(n_padded, duration_s / max(places.size, 1))
    candidates = np.flatnonzero(np.abs(shifts) <= _SEARCH_PPM * acquisition.spectrometer_frequency_mhz)
    return StartTemplate(
        places=places,
        conjugate=np.asarray(np.conj(_in_band(typical, places)) * sharpen**2, dtype=complex),
        n_padded=n_padded,
        candidates=candidates,
        shifts_hz=np.asarray(shifts[candidates], dtype=float),
    )


def _in_band(fid: ComplexArray, places: NDArray[np.intp]) -> ComplexArray:
    return np.asarray(scipy.fft.ifft(np.fft.ifftshift(spectrum_from_fid(fid)[places])))


def coarse_shift_and_phase(fid: ComplexArray, *, template: StartTemplate) -> tuple[float, float]:
    """Shift (Hz) and zero-order phase (rad) that best match a typical spectrum, by cross-correlation."""
    correlation = scipy.fft.fft(_in_band(fid, template.places) * template.conjugate, template.n_padded)[template.candidates]
    best = int(np.argmax(np.abs(correlation)))
    return float(template.shifts_hz[best]), float(np.angle(correlation[best]))

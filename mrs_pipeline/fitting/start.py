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
#: Delays tried, s; of those every eighth one first. A delay is believed when the correlation rises by this factor.
DELAYS_S = np.round(np.arange(-40, 41) * 1e-4, 7)
COARSE_DELAYS, DELAY_GAIN = 8, 1.1
_MARGIN_PPM = 0.4
#: Share of a narrow band at either edge that a receiver's filter may have changed, and how few points make it narrow.
_EDGE, _FEW_POINTS = 0.04, 128


def noise_sd(fids: ComplexArray, *, ppm: FloatArray) -> FloatArray:
    """SD of the noise in the real part of the spectra of FIDs (..., n_points): median over blocks away from metabolites and water.

    Each block of about 50 points is freed of a quadratic trend; the median passes over blocks with a signal of their own. A narrow band
    has too few points there: it is then taken from nearer to water, its edges left out.
    """
    spectra = spectrum_from_fid(fids)
    outside = ((ppm < -0.5) & (ppm > -6.0)) | ((ppm > 8.6) & (ppm < 15.0))  # no farther: receivers filter the edges of the band
    if outside.sum() < _FEW_POINTS:
        edge = _EDGE * np.ptp(ppm)
        outside = ((ppm < 0.2) | (ppm > 5.2)) & (ppm > ppm.min() + edge) & (ppm < ppm.max() - edge)
    points = spectra[..., outside]
    n_blocks = max(1, min(8, points.shape[-1] // 48))
    spreads = [_detrended_sd(block) for block in np.array_split(points, n_blocks, axis=-1) if block.shape[-1] > 6]
    return np.asarray(np.median(spreads, axis=0) if spreads else np.zeros(points.shape[:-1]))


def _detrended_sd(blocks: ComplexArray) -> FloatArray:
    n_points = blocks.shape[-1]
    trend = _trend(n_points)
    squares = np.sum(np.abs(blocks) ** 2, axis=-1) - np.sum(np.abs(blocks @ trend) ** 2, axis=-1)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0) / (2.0 * (n_points - trend.shape[1]))))


@cache
def _trend(n_points: int) -> FloatArray:
    """Orthonormal quadratic trends, shape (n_points, 3)."""
    return np.asarray(np.linalg.qr(np.vander(np.linspace(-1.0, 1.0, n_points), 3))[0])


@dataclass(frozen=True, kw_only=True)
class StartTemplate:
    """What a spectrum is compared with to find its shift, phases and delay: a typical one in the band `places` of the frequency axis.

    `conjugate`, shape (n_delays, n_places), is its FID for each delay of `delays_s` on a grid of as many samples as places, conjugated and
    weighted; `shifts_hz` are those tried, all others are not among `candidates` of the transform of length `n_padded`. Phases count from
    `pivot_hz`.
    """

    places: NDArray[np.intp]
    conjugate: ComplexArray
    delays_s: FloatArray
    time_s: FloatArray
    n_padded: int
    candidates: NDArray[np.intp]
    shifts_hz: FloatArray

    def correlations(self, fid: ComplexArray, *, rows: NDArray[np.intp]) -> ComplexArray:
        """Correlation with the templates of some delays at every shift, shape (n_rows, n_shifts)."""
        products = in_band(fid, self.places) * self.conjugate[rows]
        return np.asarray(scipy.fft.fft(products, self.n_padded, axis=-1)[:, self.candidates])


def start_template(basis: BasisSet, *, ppm_range: tuple[float, float], pivot_hz: float) -> StartTemplate:
    """The template of a basis set: its fitted range and a margin, the water side cut at 4.3 ppm; shifts of up to 0.35 ppm.

    The first 10 ms are weighted down, so that broad signals do not decide.
    """
    acquisition, ppm = basis.acquisition, basis.acquisition.ppm
    places = np.flatnonzero((ppm > ppm_range[0] - _MARGIN_PPM) & (ppm < min(ppm_range[1] + _MARGIN_PPM, 4.3)))
    n_places = max(places.size, 1)
    weights = np.array([TYPICAL_AMPLITUDES.get(name, 0.0) for name in basis.metabolites])
    typical = (weights if weights.any() else np.ones_like(weights)) @ basis.fids * np.exp(-np.pi * 6.0 * acquisition.time_s)
    duration_s = acquisition.n_points * acquisition.dwell_time_s
    time_s = np.arange(places.size) * duration_s / n_places
    ramps = np.exp(2j * np.pi * (acquisition.frequency_hz[places] - pivot_hz) * DELAYS_S[:, None])
    delayed = scipy.fft.ifft(np.fft.ifftshift(spectrum_from_fid(typical)[places] * ramps, axes=-1), axis=-1)
    n_padded = int(scipy.fft.next_fast_len(4 * n_places))
    shifts = np.fft.fftfreq(n_padded, duration_s / n_places)
    candidates = np.flatnonzero(np.abs(shifts) <= _SEARCH_PPM * acquisition.spectrometer_frequency_mhz)
    return StartTemplate(
        places=places,
        conjugate=np.asarray(np.conj(delayed) * (1.0 - np.exp(-((time_s / 0.010) ** 2))) ** 2, dtype=complex),
        delays_s=DELAYS_S,
        time_s=np.asarray(time_s, dtype=float),
        n_padded=n_padded,
        candidates=candidates,
        shifts_hz=np.asarray(shifts[candidates], dtype=float),
    )


def in_band(fids: ComplexArray, places: NDArray[np.intp]) -> ComplexArray:
    """The part of FIDs (..., n_points) in a band of frequencies, as many samples as places."""
    return np.asarray(scipy.fft.ifft(np.fft.ifftshift(spectrum_from_fid(fids)[..., places], axes=-1), axis=-1))


def coarse_start(fid: ComplexArray, *, template: StartTemplate) -> tuple[float, float, float]:
    """Shift (Hz), zero-order phase (rad) and delay (s) that best match a typical spectrum, by cross-correlation.

    The delay (the first-order phase over 2 pi f) is zero unless another one, on a coarse grid, matches better by `DELAY_GAIN`: signals
    begin with the first sample but for faults.
    """
    every = np.arange(template.delays_s.size)
    height = np.abs(template.correlations(fid, rows=every[::COARSE_DELAYS])).max(axis=1)
    coarse = every[::COARSE_DELAYS]
    best = int(coarse[np.argmax(height)])
    zero = int(np.flatnonzero(template.delays_s == 0.0)[0])
    if best == zero or height.max() < DELAY_GAIN * height[coarse == zero].max():
        return _shift_and_phase(template.correlations(fid, rows=np.array([zero]))[0], template, delay_s=0.0)
    near = every[max(0, best - COARSE_DELAYS) : best + COARSE_DELAYS + 1]
    correlations = template.correlations(fid, rows=near)
    row = int(np.argmax(np.abs(correlations).max(axis=1)))
    return _shift_and_phase(correlations[row], template, delay_s=float(template.delays_s[near[row]]))


def _shift_and_phase(correlation: ComplexArray, template: StartTemplate, *, delay_s: float) -> tuple[float, float, float]:
    best = int(np.argmax(np.abs(correlation)))
    return float(template.shifts_hz[best]), float(np.angle(correlation[best])), delay_s

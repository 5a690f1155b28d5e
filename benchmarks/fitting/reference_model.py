"""The yardstick of these benchmarks: Cramer-Rao bounds of a model written without the package's fit.

Known: the true signal of every component, each with its own shift and width. Free and without any prior: the amplitude of every
metabolite and of every broad component (macromolecules, lipids), the amplitude and phase of residual water, and, common to all,
zero-order phase, first-order phase, shift, Lorentzian and Gaussian width. A baseline, where there is one, is a real cubic spline
with knots every `KNOT_PPM` and its Hilbert partner, free too: the spectrum of sinc^4(h t) exp(2 pi i f t) for t >= 0 with knot spacing h
(Hz) is a cubic B-spline at f together with that partner. Everything is evaluated at the truth, over the fitted range of the spectrum of
all samples. No unbiased estimate of the same unknowns can have a smaller variance; one with prior knowledge can.

Where the shifts and widths of single components are drawn, no fit knows them, and this bound is out of reach at high signal-to-noise
ratios. The bound with a `Spread` adds them to the unknowns, each known beforehand to within the standard deviation of its draws.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray

KNOT_PPM = 0.4
#: Knots beyond the fitted range, for the Hilbert partners of what lies outside.
MARGIN_PPM = 0.8
RANGE_PPM = (0.2, 4.0)
GAUSSIAN = np.pi**2 / (4.0 * np.log(2.0))


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a spectrum consists of, upright and at its place: rotating all of it changes no bound.

    `metabolites` and `broad` are components times the common lineshape, shapes (n_metabolites, n_points) and (n_broad, n_points), `others`
    whatever else has a free complex amplitude and is no part of the lineshape (residual water); `baseline` is a smooth FID.
    """

    names: tuple[str, ...]
    amplitudes: FloatArray
    metabolites: ComplexArray
    broad_amplitudes: FloatArray
    broad: ComplexArray
    others: ComplexArray
    baseline: ComplexArray
    gaussian_hz: float
    acquisition: Acquisition

    @property
    def lines(self) -> ComplexArray:
        """All that has the common lineshape."""
        return np.asarray(self.amplitudes @ self.metabolites + self.broad_amplitudes @ self.broad)

    @property
    def signal(self) -> ComplexArray:
        """The noise-free FID."""
        return np.asarray(self.lines + self.others.sum(axis=0) + self.baseline)

    @property
    def profile_known(self) -> "Truth":
        """The same with broad components of known ratios: one amplitude for all of them."""
        whole = np.atleast_2d(self.broad_amplitudes @ self.broad)
        return Truth(**{**self.__dict__, "broad": whole, "broad_amplitudes": np.ones(1)})


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Standard deviations (Hz) of the draws of shifts and widths of single components; NAA is the reference of both."""

    shift_hz: float = 0.0
    width_hz: float = 0.0
    broad_shift_hz: float = 0.0
    broad_width_hz: float = 0.0


def fitted_points(acquisition: Acquisition, *, ppm_range: tuple[float, float] = RANGE_PPM) -> FloatArray:
    """Indices of the plain FFT inside the range."""
    ppm = 4.65 - np.fft.fftfreq(acquisition.n_points, acquisition.dwell_time_s) / acquisition.spectrometer_frequency_mhz
    return np.flatnonzero((ppm >= ppm_range[0]) & (ppm <= ppm_range[1]))


@lru_cache(maxsize=8)
def causal_splines(acquisition: Acquisition, *, knot_ppm: float) -> ComplexArray:
    """Spectra of the baseline's columns on the fitted points, shape (n_fitted, n_columns)."""
    low, high = RANGE_PPM[0] - MARGIN_PPM, RANGE_PPM[1] + MARGIN_PPM
    centres = np.linspace(low, high, round((high - low) / knot_ppm) + 1)
    frequency_hz = (4.65 - centres[:, None]) * acquisition.spectrometer_frequency_mhz
    spacing_hz = knot_ppm * acquisition.spectrometer_frequency_mhz
    fids = np.sinc(spacing_hz * acquisition.time_s) ** 4 * np.exp(2j * np.pi * frequency_hz * acquisition.time_s)
    return np.fft.fft(fids, axis=-1)[:, fitted_points(acquisition)].T


def jacobian(truth: Truth, *, knot_ppm: float | None) -> ComplexArray:
    """Derivatives of the spectrum by all unknowns, metabolite amplitudes first, shape (n_fitted, n_unknowns)."""
    acquisition, points = truth.acquisition, fitted_points(truth.acquisition)
    time, lines = acquisition.time_s, truth.lines
    widths = np.stack([2j * np.pi * time * lines, -np.pi * time * lines, -2 * GAUSSIAN * max(truth.gaussian_hz, 0.1) * time**2 * lines])
    fids = np.concatenate([truth.metabolites, truth.broad, truth.others, 1j * truth.others, widths, truth.signal[None]])
    columns = np.fft.fft(fids, axis=-1)[:, points].T
    whole = columns[:, -1]
    frequency = np.fft.fftfreq(acquisition.n_points, acquisition.dwell_time_s)[points]
    phases = np.stack([1j * whole, 1j * (frequency - frequency.mean()) * whole], axis=1)
    smooth = [causal_splines(acquisition, knot_ppm=knot_ppm)] if knot_ppm else []
    return np.concatenate([columns[:, :-1], phases, *smooth], axis=1)


def own_derivatives(truth: Truth, spread: Spread) -> ComplexArray:
    """Derivatives by the drawn shifts and widths in units of their standard deviations, shape (n_fitted, n_drawn)."""
    time, points = truth.acquisition.time_s, fitted_points(truth.acquisition)
    others = np.array(truth.names) != "NAA"
    metabolites = truth.amplitudes[others, None] * truth.metabolites[others]
    broad = truth.broad_amplitudes[:, None] * truth.broad
    shifts = np.concatenate([spread.shift_hz * metabolites, spread.broad_shift_hz * broad])
    widths = np.concatenate([spread.width_hz * metabolites, spread.broad_width_hz * broad])
    return np.fft.fft(np.concatenate([2j * np.pi * time * shifts, -np.pi * time * widths]), axis=-1)[:, points].T


def amplitude_bound(truth: Truth, *, noise_sd: float, knot_ppm: float | None = KNOT_PPM, spread: Spread | None = None) -> FloatArray:
    """Cramer-Rao bound of the covariance of the metabolites' amplitudes; `noise_sd` is that of the real part of the spectrum."""
    stacked = jacobian(truth, knot_ppm=knot_ppm)
    real = np.concatenate([stacked.real, stacked.imag]) / noise_sd
    scale = 1.0 / np.maximum(np.linalg.norm(real, axis=0), 1e-300)
    real = real * scale
    if spread is not None:
        own = own_derivatives(truth, spread)
        own = np.concatenate([own.real, own.imag]) / noise_sd
        known = np.hstack([np.zeros((own.shape[1], real.shape[1])), np.eye(own.shape[1])])
        real = np.vstack([np.hstack([real, own]), known])
    _, singular, right = np.linalg.svd(real, full_matrices=False)
    kept = singular > 1e-9 * singular[0]
    n = truth.amplitudes.size
    half = right[kept, :n] / singular[kept, None] * scale[:n]
    return np.asarray(half.T @ half)


def ratio_bound(truth: Truth, covariance: FloatArray, *, above: tuple[str, ...], below: tuple[str, ...]) -> float:
    """Bound of a ratio of sums (a plain sum where nothing is below) as a fraction of its true value."""
    weights = [np.array([float(name in part) for name in truth.names]) for part in (above, below)]
    gradient = weights[0] / (weights[0] @ truth.amplitudes)
    if below:
        gradient = gradient - weights[1] / (weights[1] @ truth.amplitudes)
    return float(np.sqrt(gradient @ covariance @ gradient))

"""Bootstrap and Monte Carlo check of a fit: spectra rebuilt from what it found, with new noise, fitted again from the beginning.

Whatever standard errors rest on (a linear model, normal errors, amplitudes free at zero) is put to the test, except the model itself.
The parametric bootstrap keeps everything where the fit found it. The Monte Carlo check draws shifts and widths of single components and the
curvature of the baseline anew from their priors each time: then the printed standard errors, which allow for these, should be true.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fitting.fit import Fitter, fit_spectrum
from mrs_pipeline.fitting.linearisation import final_parameters, linearised
from mrs_pipeline.fitting.model import as_complex, as_real
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit

#: A baseline is broad: its signal has decayed after this time.
_BROAD_S = 0.128
#: Signals of which the fitted range sees less than this share (relative to the best seen) are left out: they would be large outside.
_SEEN = 0.05


def rebuilt_fid(fit: SpectrumFit, *, fitter: Fitter, theta: FloatArray | None = None, baseline: ComplexArray | None = None) -> ComplexArray:
    """The FID that a fit describes, without noise, shape (n_points,); `DataError` for a fit that failed.

    Components are there at all frequencies; what the baseline is beyond the fitted range is not known (`_causal`). `theta` are
    parameters in place of those fitted (`final_parameters`), `baseline` a curve on the fitted points in place of that fitted.
    """
    if fit.curves is None:
        raise DataError(f"a fit with status '{fit.status}' describes no spectrum: bootstrap one that is ok")
    model, fitted = fitter.model, final_parameters(fit, fitter=fitter)
    theta = fitted if theta is None else theta
    acquisition = model.basis.acquisition
    time_s = acquisition.time_s
    decay = np.exp(model.rates(theta)[:, None] * time_s) * model.envelope(theta, time_s, model.lineshape.columns(time_s))
    used = fit.amplitudes @ (model.basis.fids * decay) + _causal(fit.curves.baseline if baseline is None else baseline, fitter)
    turn = theta[0] + 2 * np.pi * (acquisition.frequency_hz - model.pivot_hz) * theta[1]
    used = np.fft.ifft(np.fft.fft(used) * np.fft.ifftshift(np.exp(1j * turn)))
    taken_out_hz = fit.parameters["shift_hz"] - fitted[COMMON.index("shift_hz")]
    used = used * np.exp(2j * np.pi * taken_out_hz * time_s)
    return np.concatenate([used, np.zeros(fitter.basis.acquisition.n_points - used.size)])


def _causal(baseline: ComplexArray, fitter: Fitter) -> ComplexArray:
    """The shortest signal that has the fitted baseline inside the range: of least norm among those of the first `_BROAD_S` of time."""
    acquisition, mask = fitter.model.basis.acquisition, fitter.model.mask
    n_early = min(acquisition.n_points // 2, int(np.ceil(_BROAD_S * acquisition.spectral_width_hz)))
    transform = np.exp(-2j * np.pi * np.outer(acquisition.frequency_hz[mask], acquisition.time_s[:n_early]))
    early = np.linalg.lstsq(transform, baseline, rcond=_SEEN)[0]
    return np.concatenate([early, np.zeros(acquisition.n_points - n_early)])


def refits(fit: SpectrumFit, *, fitter: Fitter, n_draws: int, rng: np.random.Generator, redrawn: bool = False) -> Iterator[SpectrumFit]:
    """Fits of `n_draws` spectra rebuilt from `fit` with white noise, the baseline as stiff as there.

    The noise has the SD that weighted the data: that of signal-free regions, or of the residual where it is larger. `redrawn`: with
    shifts and widths of single components and the curvature of the baseline from their priors (Monte Carlo check) instead of as fitted
    (bootstrap).
    """
    fitted, clean = final_parameters(fit, fitter=fitter), rebuilt_fid(fit, fitter=fitter)
    noise_sd = max(fit.quality["noise_sd"], fit.quality["residual_sd"]) / np.sqrt(clean.size)
    for _ in range(n_draws):
        if redrawn:
            baseline = _redrawn_baseline(fit, fitter=fitter, rng=rng)
            clean = rebuilt_fid(fit, fitter=fitter, theta=_redrawn(fitted, fitter=fitter, rng=rng), baseline=baseline)
        noise = rng.standard_normal((2, clean.size))
        yield fit_spectrum(clean + noise_sd * (noise[0] + 1j * noise[1]), fitter=fitter, smoothing=fit.smoothing)


def _redrawn(fitted: FloatArray, *, fitter: Fitter, rng: np.random.Generator) -> FloatArray:
    """Parameters with those of single components drawn from their priors, inside the bounds; the common ones as they are."""
    own = slice(len(COMMON), None)
    precision = fitter.priors.precision[own]
    informed = precision > 0
    drawn = fitter.priors.following(fitted).centre[own] + rng.standard_normal(precision.size) / np.sqrt(np.where(informed, precision, 1.0))
    theta = fitted.copy()
    theta[own] = np.clip(np.where(informed, drawn, fitted[own]), fitter.lower[own], fitter.upper[own])
    return theta


def _redrawn_baseline(fit: SpectrumFit, *, fitter: Fitter, rng: np.random.Generator) -> ComplexArray:
    """The fitted baseline with its penalised part drawn anew: the penalty is a Gaussian prior (Wahba 1985, Ann Stat 13:1378).

    In the orthonormal columns of the smoother the prior variance is w / (1 - w) times that of the noise, with the weight w of a column.
    """
    model = linearised(fit, fitter=fitter)
    if model is None or fit.curves is None:
        raise DataError(f"a fit with status '{fit.status}' has no baseline: bootstrap one that is ok")
    smoother = fitter.model.smoother
    weights = smoother.weights(fit.smoothing)
    coefficients = smoother.columns.T @ as_real(fit.curves.baseline)
    penalised = weights < 1.0
    spread = model.unit * np.sqrt(weights[penalised] / (1.0 - weights[penalised]))
    coefficients[penalised] = spread * rng.standard_normal(spread.size)
    return as_complex(smoother.columns @ coefficients)


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """Refits of one quantity, failed ones NaN: its value in the rebuilt spectra, and what each refit prints of it with its interval."""

    truth: float
    values: FloatArray
    sds: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, kw_only=True)
class BootstrapSummary:
    """What the scatter of refits says of a quantity, and what it says of the printed numbers.

    `sd_ratio` is the scatter over the mean of the printed standard errors (1: they are true), `coverage` the share of all draws whose
    printed interval holds the truth (a failed fit does not), `low` and `high` the percentile interval about the estimate.
    """

    bias: float
    sd: float
    low: float
    high: float
    sd_ratio: float
    coverage: float
    n_draws: int
    n_failed: int


def summarise(found: Resampled, *, confidence: float) -> BootstrapSummary:
    """Summary of the refits of one quantity (Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, chapters 6 and 13)."""
    good = np.isfinite(found.values)
    values, n_draws = found.values[good], found.values.size
    if values.size < 2:
        nothing = dict.fromkeys(("bias", "sd", "low", "high", "sd_ratio", "coverage"), np.nan)
        return BootstrapSummary(**nothing, n_draws=n_draws, n_failed=n_draws - values.size)
    sd, printed = float(values.std(ddof=1)), float(found.sds[good].mean())
    low, high = np.quantile(values, [0.5 - 0.5 * confidence, 0.5 + 0.5 * confidence])
    upper = np.where(np.isnan(found.high[good]), np.inf, found.high[good])  # an interval without an upper end
    held = (found.low[good] <= found.truth) & (found.truth <= upper)
    return BootstrapSummary(
        bias=float(values.mean()) - found.truth,
        sd=sd,
        low=float(low),
        high=float(high),
        sd_ratio=sd / printed if printed > 0 else np.nan,
        coverage=float(held.sum()) / n_draws,
        n_draws=n_draws,
        n_failed=n_draws - values.size,
    )

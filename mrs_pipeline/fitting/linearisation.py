"""A finished fit as a linear model: what each of its unknowns does to the spectrum, and which part of the noise they take.

At its minimum a fit with data y, derivatives D by its unknowns, penalty P and a baseline that takes S e out of what is left (`smoother`)
leaves the residual M y with ``M = W - W D (D'W D + P)^-1 D'W`` and W = I - S. M is I - F F' with few columns F.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.fids import read_only
from mrs_pipeline.fitting.fit import Fitter, residual_sd
from mrs_pipeline.fitting.model import as_real
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.quality import symmetric_inverse
from mrs_pipeline.fitting.spectrum_fit import FitCurves, SpectrumFit

_RIDGE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Linearised:
    """A fit on its 2 n_points real data, amplitudes first among its unknowns, in multiples of `unit` (the SD that weighted the data).

    What the fit took over from another one is not among the unknowns: `decided` marks the components whose amplitudes are.
    `design` has shape (2 n_points, n_unknowns), `penalty` its square; `smooth_rows` Q are those of the baseline, S = Q'Q. `moving` marks
    what the fit could move: neither amplitudes held at zero nor parameters at a bound. `theta` are the non-linear parameters.
    """

    theta: FloatArray
    design: FloatArray
    penalty: FloatArray
    smooth_rows: FloatArray
    residual: FloatArray
    moving: FloatArray
    decided: BoolArray
    unit: float

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for name in ("theta", "design", "penalty", "smooth_rows", "residual", "moving", "decided"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def amplitude_covariance(self, *, with_baseline: bool = True) -> FloatArray:
        """Covariance of the amplitudes in the units of the data, zero for those not decided; without the baseline: if that were known."""
        smooth = self.smooth_rows @ self.design
        information = self.design.T @ self.design + self.penalty
        if with_baseline:
            information -= smooth.T @ smooth
        scale = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-300))
        scaled = information * scale[:, None] * scale + _RIDGE * np.eye(scale.size)
        n, covariance = int(np.count_nonzero(self.decided)), np.zeros((self.decided.size, self.decided.size))
        covariance[np.ix_(self.decided, self.decided)] = symmetric_inverse(scaled)[:n, :n] * scale[:n, None] * scale[:n]
        return covariance * self.unit**2

    @cached_property
    def taken(self) -> FloatArray:
        """Columns F, shape (2 n_points, n_columns): of noise e the fit leaves the residual (I - F F') e."""
        moving = self.moving > 0
        design = self.design[:, moving]
        design = design - self.smooth_rows.T @ (self.smooth_rows @ design)
        gram = self.design[:, moving].T @ design + self.penalty[np.ix_(moving, moving)]
        scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
        lower = scipy.linalg.cholesky(gram * scale[:, None] * scale + 1e-10 * np.eye(scale.size), lower=True)
        solved = scipy.linalg.solve_triangular(lower, (design * scale).T, lower=True)
        return np.concatenate([self.smooth_rows, solved]).T

    @property
    def effective_dimension(self) -> float:
        """Trace of F F': how many real numbers of the data the fit follows, baseline and penalised unknowns by their share."""
        return float(np.sum(self.taken**2))


def linearised(fit: SpectrumFit, *, fitter: Fitter) -> Linearised | None:
    """The linear model at the parameters of a fit by `fitter`; None for a fit that failed."""
    if fit.curves is None:
        return None
    model, curves = fitter.model, fit.curves
    theta = final_parameters(fit, fitter=fitter)
    rows = model.smoother.rows(fit.smoothing)
    unit = _unit(fit, curves, fitter)
    fids = model.modulated(theta)
    columns = as_real(model.spectra(fids))
    slopes = as_real(model.derivatives(fids, amplitudes=fit.amplitudes / unit, explained=(curves.data - curves.residual) / unit))
    decided = np.array([name not in fit.held for name in fit.metabolites])
    free = np.array([name not in fit.held and (fitter.options.priors or name in COMMON) for name in fitter.parameter_names])
    amplitude_penalty = _amplitude_penalty(fit, columns, rows, fitter, unit=unit)
    within = (theta > fitter.lower) & (theta < fitter.upper)
    return Linearised(
        theta=theta,
        design=np.concatenate([columns[:, decided], slopes[:, free]], axis=1),
        penalty=scipy.linalg.block_diag(amplitude_penalty[np.ix_(decided, decided)], np.diag(fitter.priors.precision[free])),
        smooth_rows=rows,
        residual=as_real(curves.residual) / unit,
        moving=np.concatenate([fit.amplitudes[decided] > 0, within[free]]).astype(float),
        decided=decided,
        unit=unit,
    )


def final_parameters(fit: SpectrumFit, *, fitter: Fitter) -> FloatArray:
    """Parameters as the last search knew them: a shift taken out of the data beforehand is not in the ppm axis of the curves."""
    theta = np.array([fit.parameters[name] for name in fitter.parameter_names])
    if fit.curves is not None:
        axis = fitter.model.basis.acquisition
        theta[COMMON.index("shift_hz")] = (fit.curves.ppm[0] - axis.ppm[fitter.model.mask][0]) * axis.spectrometer_frequency_mhz
    return theta


def _unit(fit: SpectrumFit, curves: FitCurves, fitter: Fitter) -> float:
    """Noise of the fitted spectrum, or the residual per degree of freedom left by amplitudes and baseline where that is larger."""
    n_amplitudes = sum(name not in fit.held for name in fit.metabolites)
    left = residual_sd(curves.residual, n_amplitudes=n_amplitudes, smoother=fitter.model.smoother, smoothing=fit.smoothing)
    return max(fit.quality["noise_sd"] / fitter.noise_scale, left)


def _amplitude_penalty(fit: SpectrumFit, columns: FloatArray, rows: FloatArray, fitter: Fitter, *, unit: float) -> FloatArray:
    smooth = rows @ columns
    least_sd = 1.0 / np.sqrt(np.sum(columns**2, axis=0) - np.sum(smooth**2, axis=0))
    priors = fitter.ratio_priors.rows(amplitudes=fit.amplitudes / unit, sd=least_sd)
    return np.asarray(priors.T @ priors)

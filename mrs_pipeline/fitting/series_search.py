"""Levenberg-Marquardt search for the common parameters of many spectra at once (`series`), each with a damping of its own."""

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.fitting.non_negative import within
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.series import Series, SeriesState, evaluated
from mrs_pipeline.fitting.solver import FIRST_DAMPING, NEGLIGIBLE_GAIN

_LARGEST_DAMPING, _RIDGE = 1e8, 1e-10


def search(series: Series, start: FloatArray, *, guess: BoolArray, max_iterations: int) -> tuple[SeriesState, BoolArray]:
    """Minimise every spectrum's cost from `start` (n_spectra, n_common); the states, and which converged as in `levenberg_marquardt`."""
    state = evaluated(series, np.clip(start, series.lower, series.upper), guess=guess)
    damping, converged = np.full(len(start), FIRST_DAMPING), np.zeros(len(start), dtype=bool)
    going = np.arange(len(start))
    for _ in range(max_iterations):
        now = state.take(going)
        step, gain = _step(series, now, damping=damping[going])
        converged[going] = ((gain <= NEGLIGIBLE_GAIN) & (damping[going] <= 1e-2)) | (damping[going] >= _LARGEST_DAMPING)
        moving = ~converged[going]
        going, now, step, gain = going[moving], now.take(np.flatnonzero(moving)), step[moving], gain[moving]
        if not going.size:
            break
        trial = evaluated(series.take(going), np.clip(now.theta + step, series.lower, series.upper), guess=now.amplitudes > 0)
        gained = now.cost - trial.cost
        better = gained > 0
        state.put(going, trial, better)
        damping[going] = np.where(better & (gained > 0.25 * gain), np.maximum(damping[going] / 30.0, 1e-9), 8.0 * damping[going])
    return state, converged


def projected_hessians(series: Series, state: SeriesState) -> FloatArray:
    """Gauss-Newton matrices of the common parameters, amplitudes above zero following, (n_spectra, n_common, n_common)."""
    gram = state.gram * (1.0 + _RIDGE * np.eye(state.gram.shape[1]))
    followed = state.cross.mT @ within(gram, state.cross, state.amplitudes > 0)
    return np.asarray(state.slope_gram - followed + np.diag(series.precision))


def covariances(series: Series, state: SeriesState) -> FloatArray:
    """Covariances of the amplitudes in noise units, (n_spectra, n_free, n_free): inverse information, common parameters integrated out.

    As in `quality.covariances`, amplitudes at zero count as free.
    """
    free = np.flatnonzero(series.free)
    slopes = state.slope_gram[:, free][:, :, free] + np.diag(series.precision[free])
    cross = state.cross[:, :, free]
    information = state.gram - cross @ np.linalg.solve(slopes, cross.mT)
    index = np.arange(information.shape[1])
    scale = 1.0 / np.sqrt(np.maximum(information[:, index, index], 1e-300))
    scaled = information * scale[:, :, None] * scale[:, None, :]
    scaled[:, index, index] += 1e-12
    return np.asarray(np.linalg.inv(scaled) * scale[:, :, None] * scale[:, None, :])


def width_covariances(series: Series, state: SeriesState) -> FloatArray:
    """Covariances of the squared Gaussian and the Lorentzian width, (n_spectra, 2, 2), zero where these are held."""
    free, widths = np.flatnonzero(series.free), [COMMON.index("gaussian_square_hz2"), COMMON.index("lorentzian_hz")]
    if not series.free[widths].all():
        return np.zeros((len(state.theta), 2, 2))
    inverse = np.linalg.inv(projected_hessians(series, state)[:, free[:, None], free])
    places = np.searchsorted(free, widths)
    return np.asarray(inverse[:, places[:, None], places])


def _step(series: Series, state: SeriesState, *, damping: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Damped steps over the parameters that are free and not held at a bound, and the gains that the quadratic model promises."""
    theta, gradient = state.theta, state.gradient
    at_bound = ((theta <= series.lower) & (gradient < 0)) | ((theta >= series.upper) & (gradient > 0))
    hessian = projected_hessians(series, state)
    index = np.arange(theta.shape[1])
    scale = 1.0 / np.sqrt(np.maximum(hessian[:, index, index], 1e-12))
    scaled = hessian * scale[:, :, None] * scale[:, None, :]
    scaled[:, index, index] += damping[:, None] + 1e-9
    step = scale * within(scaled, gradient * scale, series.free & ~at_bound)
    return step, np.sum(gradient * step, axis=1)

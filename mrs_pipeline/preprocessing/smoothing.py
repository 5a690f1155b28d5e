"""A drift that wanders and sometimes jumps, from noisy single estimates of known precision."""

from itertools import pairwise

import numpy as np
from scipy.linalg import solveh_banded

from mrs_pipeline.acquisition import FloatArray

#: A prediction error beyond this many of its SD is a step of the field, not wandering.
_STEP_SD = 4.0


def smooth_drift(values: FloatArray, *, sd: FloatArray, n_repeats: int = 20) -> FloatArray:
    """Most probable path of a random walk seen with noise of standard deviation ``sd``, steps permitted; shape (n,).

    The size of the walk is estimated from the series itself by maximum likelihood, so that real shot-to-shot changes are followed and
    only noise is smoothed. Increments are Cauchy-like distributed around 0, which leaves steps sharp; as that has several
    solutions, the better of a wandering and a piecewise constant start is taken. ``sd`` is inf where there is no estimate.
    """
    if values.size < 3 or np.isfinite(sd).sum() < 3:
        return values
    precision = np.where(np.isfinite(sd), 1.0 / np.maximum(sd, 1e-9) ** 2, 0.0)
    known = np.where(precision > 0, values, 0.0)
    variance = walk_variance(known, precision=precision)
    wandering = _path(known, precision, np.full(values.size - 1, 1.0 / variance))
    candidates = [_refined(start, known, precision, variance, n_repeats) for start in (wandering, _piecewise(known, precision))]
    return min(candidates, key=lambda path: _cost(path, known, precision, variance))


def _refined(path: FloatArray, values: FloatArray, precision: FloatArray, variance: float, n_repeats: int) -> FloatArray:
    """The nearest path of least cost (reweighted least squares)."""
    for _ in range(n_repeats):
        path = _path(values, precision, 1.0 / (variance * (1.0 + np.diff(path) ** 2 / variance / _STEP_SD**2)))
    return path


def _cost(path: FloatArray, values: FloatArray, precision: FloatArray, variance: float) -> float:
    """Minus twice the logarithm of the posterior density: normal noise, Cauchy-like increments."""
    steps = _STEP_SD**2 * np.log1p(np.diff(path) ** 2 / variance / _STEP_SD**2)
    return float(np.sum(precision * (values - path) ** 2) + steps.sum())


def _piecewise(values: FloatArray, precision: FloatArray, n_repeats: int = 60) -> FloatArray:
    """A start that knows where the steps are: least total variation, which is convex and so finds them from anywhere."""
    sd = 1.0 / np.sqrt(np.median(precision[precision > 0]))
    path = _path(values, precision, np.full(values.size - 1, 1.0 / sd**2))
    for _ in range(n_repeats):
        path = _path(values, precision, _STEP_SD / sd / (np.abs(np.diff(path)) + 0.01 * sd))
    return path


def _path(values: FloatArray, precision: FloatArray, stiffness: FloatArray) -> FloatArray:
    """Minimum of ``sum precision (values - z)^2 + sum stiffness (z_k+1 - z_k)^2``: one banded solve."""
    bands = np.zeros((2, values.size))
    bands[0, 1:] = -stiffness
    bands[1] = precision + 1e-12 * precision.max()
    bands[1, 1:] += stiffness
    bands[1, :-1] += stiffness
    return np.asarray(solveh_banded(bands, precision * values))


def walk_variance(values: FloatArray, *, precision: FloatArray) -> float:
    """Variance of one increment of the walk, by maximum likelihood over a grid.

    Kalman filter of the local-level model: Durbin & Koopman 2012, Time Series Analysis by State Space Methods, section 2.2.
    A prediction error too large for wandering restarts the level and does not count.
    """
    seen = np.flatnonzero(precision > 0)
    typical = float(np.median(1.0 / precision[seen]))
    grid = typical * np.logspace(-5, 3, 33)
    level, uncertainty = np.full(grid.size, values[seen[0]]), np.full(grid.size, 1.0 / precision[seen[0]])
    likelihood = np.zeros(grid.size)
    for before, now in pairwise(seen):
        predicted = uncertainty + grid * (now - before)
        total = predicted + 1.0 / precision[now]
        error = values[now] - level
        step = error**2 > _STEP_SD**2 * total
        likelihood -= 0.5 * (np.log(total) + np.minimum(error**2 / total, _STEP_SD**2))
        gain = np.where(step, 1.0, predicted / total)
        level = level + gain * error
        uncertainty = np.where(step, 1.0 / precision[now], (1.0 - gain) * predicted)
    return float(grid[np.argmax(likelihood)])

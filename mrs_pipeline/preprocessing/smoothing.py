"""A drift that wanders and sometimes jumps, with scatter from shot to shot, from noisy single estimates of known precision.

Model of a series: ``z_k = level_k + jitter_k`` is seen with noise of known SD; the level is a random walk upon a slope that itself wanders
(local linear trend: Durbin & Koopman 2012, Time Series Analysis by State Space Methods, section 3.2), the jitter is white (breathing
is, at the usual repetition times). How large each part is follows from the series itself, so that real changes are followed and only
noise is smoothed.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from mrs_pipeline.acquisition import FloatArray

IntArray = NDArray[np.int_]

#: A prediction error beyond this many of its SD is a step of the field, not wandering.
_STEP_SD = 4.0
#: Variances tried, relative to that of one estimate: of the steps of the level, of the changes of the slope, of the jitter.
_LEVEL = (1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 10.0, 100.0)
_SLOPE = (1e-12, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
_JITTER = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0)


@dataclass(frozen=True, kw_only=True)
class Wander:
    """Variances of one step of the level, of one change of its slope, and of the jitter."""

    level: float
    slope: float
    jitter: float


def smooth_drift(values: FloatArray, *, sd: FloatArray) -> FloatArray:
    """Most probable series seen with noise of standard deviation ``sd`` (inf where there is no estimate), steps permitted; shape (n,)."""
    if values.size < 3 or np.isfinite(sd).sum() < 3:
        return values
    seen = np.isfinite(sd)
    variance = np.where(seen, np.maximum(sd, 1e-9) ** 2, np.inf)
    known = np.where(seen, values, 0.0)
    wander = wander_of(known, variance=variance)
    precision = 1.0 / (variance + wander.jitter)
    level = _path(known, precision, wander, _stiff_where_no_step(known, precision, wander))[0]
    return np.asarray(level + wander.jitter * precision * (known - level))


def _stiff_where_no_step(values: FloatArray, precision: FloatArray, wander: Wander) -> FloatArray:
    """Weight of each increment (n - 1,): 0 where the level may jump, else 1.

    Steps are taken in as long as each lowers minus twice the logarithm of the posterior by more than the square of `_STEP_SD`. Candidates
    are the largest increments of the path of least total variation, which is convex and so finds them from anywhere.
    """
    weights = np.ones(values.size - 1)
    candidates = _likely_steps(values, precision)
    cost = _cost(values, precision, wander, weights)
    while candidates.size:
        trials = np.array([_cost(values, precision, wander, np.where(np.arange(weights.size) == k, 0.0, weights)) for k in candidates])
        best = int(np.argmin(trials))
        if trials[best] > cost - _STEP_SD**2:
            break
        weights[candidates[best]], cost = 0.0, trials[best]
        candidates = np.delete(candidates, best)
    return weights


def _likely_steps(values: FloatArray, precision: FloatArray, n_repeats: int = 60, n_most: int = 16) -> IntArray:
    """Increments that may be steps, by reweighted least squares for ``sum precision (values - z)^2 + const sum |increment|``."""
    sd = 1.0 / np.sqrt(np.median(precision[precision > 0]))
    flat = Wander(level=sd**2, slope=1e-12 * sd**2, jitter=0.0)
    path = _path(values, precision, flat, np.ones(values.size - 1))
    for _ in range(n_repeats):
        path = _path(values, precision, flat, _STEP_SD * sd / (np.abs(_increments(path)) + 0.01 * sd))
    size = np.abs(_increments(path))
    largest = np.argsort(-size, kind="stable")[:n_most]
    return np.asarray(largest[size[largest] > 0.5 * sd])


def _increments(path: FloatArray) -> FloatArray:
    """Steps of the level beyond its slope; ``path`` is (2, n): level and slope."""
    return np.asarray(np.diff(path[0]) - path[1, :-1])


def _cost(values: FloatArray, precision: FloatArray, wander: Wander, weights: FloatArray) -> float:
    """Minus twice the logarithm of the posterior density at its maximum, but for constants."""
    path = _path(values, precision, wander, weights)
    steps, bends = weights * _increments(path) ** 2 / wander.level, np.diff(path[1]) ** 2 / wander.slope
    return float(np.sum(precision * (values - path[0]) ** 2) + steps.sum() + bends.sum())


def _path(values: FloatArray, precision: FloatArray, wander: Wander, weights: FloatArray) -> FloatArray:
    """Level and slope (2, n) of least squares: one banded solve.

    Minimum of ``sum precision (values - z)^2 + sum weights (z_k+1 - z_k - s_k)^2 / level + sum (s_k+1 - s_k)^2 / slope``;
    unknowns are interleaved (z_0, s_0, z_1, s_1, ...), so the matrix has three upper bands.
    """
    n = values.size
    bands = np.zeros((4, 2 * n))
    stiff, bend = np.maximum(weights, 1e-12) / wander.level, np.full(n - 1, 1.0 / wander.slope)
    bands[3, 0::2] = precision + 1e-12 * precision.max()
    bands[3, 1::2] = 1e-12 * bend[0]
    bands[3, 0:-2:2] += stiff
    bands[3, 2::2] += stiff
    bands[3, 1:-2:2] += stiff + bend
    bands[3, 3::2] += bend
    bands[2, 1:-2:2] += stiff  # z_k s_k
    bands[1, 2::2] -= stiff  # z_k z_k+1
    bands[1, 3::2] -= bend  # s_k s_k+1
    bands[2, 2::2] -= stiff  # s_k z_k+1
    right = np.zeros(2 * n)
    right[0::2] = precision * values
    solution = solveh_banded(bands, right)
    return np.stack([solution[0::2], solution[1::2]])


def wander_of(values: FloatArray, *, variance: FloatArray) -> Wander:
    """Variances of the model by maximum likelihood over a grid; ``variance`` is that of each value's noise, inf where there is none.

    Kalman filter of all grid points at once. A prediction error too large for wandering restarts the level and counts as one of that size.
    """
    seen = np.flatnonzero(np.isfinite(variance))
    typical = float(np.median(variance[seen]))
    grid = typical * np.array(list(product(_LEVEL, _SLOPE, _JITTER)))
    q_level, q_slope, jitter = grid.T
    level, slope = np.full(len(grid), values[seen[0]]), np.zeros(len(grid))
    # covariance of level and slope: slopes of one SD a transient are as good as unknown
    p11, p12, p22 = variance[seen[0]] + jitter, np.zeros(len(grid)), np.full(len(grid), typical)
    likelihood = np.zeros(len(grid))
    for k in range(seen[0] + 1, seen[-1] + 1):
        level, p11, p12, p22 = level + slope, p11 + 2 * p12 + p22 + q_level, p12 + p22, p22 + q_slope
        if not np.isfinite(variance[k]):
            continue
        noise = variance[k] + jitter
        total, error = p11 + noise, values[k] - level
        step = error**2 > _STEP_SD**2 * total
        likelihood -= 0.5 * (np.log(total) + np.minimum(error**2 / total, _STEP_SD**2))
        gain, gain_slope = np.where(step, 1.0, p11 / total), np.where(step, 0.0, p12 / total)
        level, slope = level + gain * error, slope + gain_slope * error
        p22 = p22 - gain_slope * p12
        p11, p12 = np.where(step, noise, (1.0 - gain) * p11), np.where(step, 0.0, (1.0 - gain) * p12)
    best = grid[int(np.argmax(likelihood))]
    return Wander(level=float(best[0]), slope=float(best[1]), jitter=float(best[2]))

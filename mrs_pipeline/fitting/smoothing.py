"""How stiff the baseline is: a criterion of the data, or a fixed effective dimension."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.baseline import BaselineModel
from mrs_pipeline.fitting.model import as_real
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.solver import Problem, State, evaluate

#: Weight of the effective dimension in the modified Akaike criterion (Wilson 2021, Magn Reson Med 85:13).
_MAIC_WEIGHT = 5.0
_N_CANDIDATES, _STRIDE, _RIDGE = 24, 3, 1e-10


@dataclass(frozen=True, kw_only=True)
class SmoothingScale:
    """Relation of smoothing parameter and effective dimension of a penalised baseline."""

    eigenvalues: FloatArray
    range_ppm: float

    def effective_dimension(self, smoothing: float) -> float:
        """Trace of the smoother of the baseline alone."""
        return float(np.sum(1.0 / (1.0 + smoothing * self.eigenvalues)))

    def smoothing(self, effective_dimension: float) -> float:
        """Smoothing parameter of an effective dimension, by interpolation on a log scale (monotone)."""
        exponents, dimensions = self._table
        return float(10.0 ** np.interp(-effective_dimension, -dimensions, exponents))

    @cached_property
    def _table(self) -> tuple[FloatArray, FloatArray]:
        """Exponents of ten of the smoothing parameter, rising, and their effective dimensions, falling."""
        exponents = np.linspace(-12.0, 16.0, 2801)
        return exponents, np.sum(1.0 / (1.0 + 10.0 ** exponents[:, None] * self.eigenvalues), axis=1)

    def candidates(self, max_ed_per_ppm: float) -> list[float]:
        """Smoothing parameters from nearly a straight line to `max_ed_per_ppm`, stiff to flexible."""
        highest = min(max_ed_per_ppm * self.range_ppm, 0.95 * self.eigenvalues.size)
        return [self.smoothing(dimension) for dimension in np.geomspace(2.2, max(highest, 3.0), _N_CANDIDATES)]


def smoothing_scale(baseline: BaselineModel, *, ppm_range: tuple[float, float]) -> SmoothingScale | None:
    """Scale of a baseline model; None where it has no penalty to tune."""
    if not np.any(baseline.penalty):
        return None
    penalised = np.diag(baseline.penalty) > 0
    design = as_real(baseline.design[:, penalised])
    gram = design.T @ design
    gram += 1e-8 * np.trace(gram) / gram.shape[0] * np.eye(gram.shape[0])
    penalty = baseline.penalty[np.ix_(penalised, penalised)]
    eigenvalues = np.clip(scipy.linalg.eigh(penalty, gram, eigvals_only=True), 0.0, None)
    # rounding leaves a penalty on straight lines that the largest smoothing parameters would find
    eigenvalues[: penalty.shape[0] - np.linalg.matrix_rank(penalty)] = 0.0
    return SmoothingScale(eigenvalues=eigenvalues, range_ppm=ppm_range[1] - ppm_range[0])


def choose_smoothing(problem: Problem, theta: FloatArray, *, scale: SmoothingScale | None, options: FitOptions) -> float:
    """Smoothing parameter by the configured criterion at the present non-linear parameters.

    The criterion is smooth in the logarithm of the parameter: every third candidate is tried, then those about the best.
    """
    if scale is None:
        return 0.0
    if options.baseline_stiffness == "fixed":
        return scale.smoothing(options.baseline_ed_per_ppm * scale.range_ppm)
    candidates = np.array(scale.candidates(options.max_ed_per_ppm))
    system = _system(problem, evaluate(problem, theta))
    values = np.full(candidates.size, np.inf)
    places = np.union1d(np.arange(0, candidates.size, _STRIDE), candidates.size - 1)
    while places.size:
        values[places] = (
            _reml(system, candidates[places]) if options.baseline_stiffness == "reml" else _maic(system, candidates[places], scale)
        )
        best = int(np.argmin(values))
        near = np.arange(max(0, best - _STRIDE + 1), min(candidates.size, best + _STRIDE))
        places = near[np.isinf(values[near])]
    return float(candidates[best])


@dataclass(frozen=True, kw_only=True)
class _System:
    """Normal equations of the components in use before the baseline is taken out, and what the smoother's columns see.

    `gram` with the penalty on amplitudes, `right` and `square`: products of the components and the data; `smooth` (n_columns, n_components)
    and `smooth_data`: both in the smooth columns.
    """

    roughness: FloatArray
    n_data: int
    gram: FloatArray
    right: FloatArray
    square: float
    smooth: FloatArray
    smooth_data: FloatArray

    def matrices(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Equations with the baseline taken out for every row of `weights` (n, n_columns): matrices and right sides."""
        matrices = self.gram - (self.smooth.T * weights[:, None, :]) @ self.smooth
        matrices += _RIDGE * np.diagonal(matrices, axis1=1, axis2=2)[:, None, :] * np.eye(len(self.right))
        return matrices, self.right - (weights * self.smooth_data) @ self.smooth


def _system(problem: Problem, state: State) -> _System:
    active, smoother = state.amplitudes > 0, problem.model.smoother
    columns, data = state.columns[:, active], as_real(state.residual + state.explained)
    return _System(
        roughness=smoother.roughness,
        n_data=2 * problem.data.size,
        gram=columns.T @ columns + problem.penalty[np.ix_(active, active)],
        right=columns.T @ data,
        square=float(data @ data),
        smooth=smoother.columns.T @ columns,
        smooth_data=smoother.columns.T @ data,
    )


def _reml(system: _System, smoothing: FloatArray) -> FloatArray:
    """Restricted likelihood of the smoothing, residual variance profiled (Wahba 1985; Wood 2011, J R Stat Soc B 73:3).

    The last pivot of the equations bordered by their right side is the penalised square.
    """
    weights = 1.0 / (1.0 + smoothing[:, None] * system.roughness)
    matrices, right = system.matrices(weights)
    n = len(system.right)
    bordered = np.empty((smoothing.size, n + 1, n + 1))
    bordered[:, :n, :n], bordered[:, n, :n], bordered[:, :n, n] = matrices, right, right
    bordered[:, n, n] = system.square - weights @ system.smooth_data**2
    pivots = np.diagonal(np.linalg.cholesky(bordered), axis1=1, axis2=2) ** 2
    rank = int(np.count_nonzero(system.roughness))
    n_fixed = n + system.roughness.size - rank
    log_determinant = np.log(pivots[:, :n]).sum(axis=1) + np.log1p(smoothing[:, None] * system.roughness).sum(axis=1)
    return np.asarray((system.n_data - n_fixed) * np.log(pivots[:, n]) + log_determinant - rank * np.log(smoothing))


def _maic(system: _System, smoothing: FloatArray, scale: SmoothingScale) -> FloatArray:
    """Modified Akaike criterion: log residual square plus weighted effective dimension over the number of real data."""
    weights = 1.0 / (1.0 + smoothing[:, None] * system.roughness)
    matrices, right = system.matrices(weights)
    amplitudes = np.linalg.solve(matrices, right[:, :, None])[:, :, 0]
    unexplained = system.square - 2.0 * amplitudes @ system.right + np.einsum("ni,ij,nj->n", amplitudes, system.gram, amplitudes)
    left = system.smooth_data - amplitudes @ system.smooth.T
    square = unexplained - np.sum(weights * (2.0 - weights) * left**2, axis=1)
    dimensions = np.array([scale.effective_dimension(value) for value in smoothing])
    return np.asarray(np.log(np.maximum(square, 1e-300)) + 2.0 * _MAIC_WEIGHT * dimensions / system.n_data)

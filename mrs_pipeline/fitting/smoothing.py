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
_N_CANDIDATES = 24


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
        return exponents, np.array([self.effective_dimension(10.0**exponent) for exponent in exponents])

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
    """Smoothing parameter by the configured criterion at the present non-linear parameters."""
    if scale is None:
        return 0.0
    if options.baseline_stiffness == "fixed":
        return scale.smoothing(options.baseline_ed_per_ppm * scale.range_ppm)
    candidates = np.array(scale.candidates(options.max_ed_per_ppm))
    solutions = _solutions(problem, evaluate(problem, theta), candidates)
    values = _reml(solutions) if options.baseline_stiffness == "reml" else _maic(solutions, scale)
    return float(candidates[int(np.argmin(values))])


@dataclass(frozen=True, kw_only=True)
class _Solutions:
    """Least squares over the components in use and all columns of the smoother, one solution for each smoothing parameter.

    `square`: of the data less the components, with the penalty on amplitudes; `left`: that difference in the smooth columns, shape
    (n_candidates, n_columns); `log_determinant`: of the components' matrix.
    """

    smoothing: FloatArray
    weights: FloatArray
    roughness: FloatArray
    n_data: int
    n_components: int
    square: FloatArray
    left: FloatArray
    log_determinant: FloatArray


def _solutions(problem: Problem, state: State, smoothing: FloatArray) -> _Solutions:
    active, smoother = state.amplitudes > 0, problem.model.smoother
    columns, data = state.columns[:, active], as_real(state.residual + state.explained)
    gram = columns.T @ columns + problem.penalty[np.ix_(active, active)]
    right, smooth_data, smooth = columns.T @ data, smoother.columns.T @ data, smoother.columns.T @ columns
    weights = 1.0 / (1.0 + smoothing[:, None] * smoother.roughness)
    matrices = gram - (smooth.T * weights[:, None, :]) @ smooth
    matrices += 1e-10 * np.diagonal(matrices, axis1=1, axis2=2)[:, None, :] * np.eye(gram.shape[0])
    amplitudes = np.linalg.solve(matrices, (right - (weights * smooth_data) @ smooth)[:, :, None])[:, :, 0]
    return _Solutions(
        smoothing=smoothing,
        weights=weights,
        roughness=smoother.roughness,
        n_data=2 * problem.data.size,
        n_components=gram.shape[0],
        square=float(data @ data) - 2.0 * amplitudes @ right + np.einsum("ni,ij,nj->n", amplitudes, gram, amplitudes),
        left=smooth_data - amplitudes @ smooth.T,
        log_determinant=np.linalg.slogdet(matrices)[1],
    )


def _reml(found: _Solutions) -> FloatArray:
    """Restricted likelihood of the smoothing, residual variance profiled (Wahba 1985; Wood 2011, J R Stat Soc B 73:3)."""
    penalised_square = found.square - np.sum(found.weights * found.left**2, axis=1)
    rank = int(np.count_nonzero(found.roughness))
    n_fixed = found.n_components + found.roughness.size - rank
    log_determinant = found.log_determinant + np.log1p(found.smoothing[:, None] * found.roughness).sum(axis=1)
    likelihood = (found.n_data - n_fixed) * np.log(np.maximum(penalised_square, 1e-300))
    return np.asarray(likelihood + log_determinant - rank * np.log(found.smoothing))


def _maic(found: _Solutions, scale: SmoothingScale) -> FloatArray:
    """Modified Akaike criterion: log residual square plus weighted effective dimension over the number of real data."""
    square = found.square - np.sum(found.weights * (2.0 - found.weights) * found.left**2, axis=1)
    dimensions = np.array([scale.effective_dimension(smoothing) for smoothing in found.smoothing])
    return np.asarray(np.log(np.maximum(square, 1e-300)) + 2.0 * _MAIC_WEIGHT * dimensions / found.n_data)

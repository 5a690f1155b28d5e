"""How stiff the baseline is: a criterion of the data, or a fixed effective dimension."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.baseline import BaselineModel
from mrs_pipeline.fitting.model import as_real
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.smoother import Smoother
from mrs_pipeline.fitting.solver import Problem, State, evaluate

#: Weight of the effective dimension in the modified Akaike criterion (Wilson 2021, Magn Reson Med 85:13).
_MAIC_WEIGHT = 5.0
_N_CANDIDATES = 20


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
    criterion = _reml if options.baseline_stiffness == "reml" else _maic
    candidates = scale.candidates(options.max_ed_per_ppm)
    equations = _normal_equations(problem, evaluate(problem, theta))
    values = [criterion(equations, smoothing, scale) for smoothing in candidates]
    return candidates[int(np.argmin(values))]


@dataclass(frozen=True, kw_only=True)
class _Equations:
    """Least squares over the components in use and all columns of the smoother: products of components, data and smooth columns."""

    smoother: Smoother
    n_data: int
    gram: FloatArray
    right: FloatArray
    total: float
    smooth_components: FloatArray
    smooth_data: FloatArray

    def solved(self, smoothing: float) -> tuple[FloatArray, FloatArray, float]:
        """Amplitudes, residual in the smooth columns before the baseline is taken out, and log determinant of the components' matrix."""
        weights = self.smoother.weights(smoothing)
        matrix = self.gram - self.smooth_components.T @ (weights[:, None] * self.smooth_components)
        matrix += np.diag(1e-10 * np.diag(matrix))
        factor = scipy.linalg.cho_factor(matrix)
        amplitudes = scipy.linalg.cho_solve(factor, self.right - self.smooth_components.T @ (weights * self.smooth_data))
        left = self.smooth_data - self.smooth_components @ amplitudes
        return np.asarray(amplitudes), np.asarray(left), float(2.0 * np.log(np.diag(factor[0])).sum())

    def square(self, amplitudes: FloatArray) -> float:
        """Square of the data less the components, with the penalty on amplitudes."""
        return self.total - 2.0 * float(self.right @ amplitudes) + float(amplitudes @ self.gram @ amplitudes)


def _normal_equations(problem: Problem, state: State) -> _Equations:
    active = state.amplitudes > 0
    columns, smoother = state.columns[:, active], problem.model.smoother
    data = as_real(state.residual + state.explained)
    return _Equations(
        smoother=smoother,
        n_data=2 * problem.data.size,
        gram=columns.T @ columns + problem.penalty[np.ix_(active, active)],
        right=columns.T @ data,
        total=float(data @ data),
        smooth_components=smoother.columns.T @ columns,
        smooth_data=smoother.columns.T @ data,
    )


def _reml(equations: _Equations, smoothing: float, _: SmoothingScale) -> float:
    """Restricted likelihood of the smoothing, residual variance profiled (Wahba 1985; Wood 2011, J R Stat Soc B 73:3)."""
    amplitudes, left, log_determinant = equations.solved(smoothing)
    roughness = equations.smoother.roughness
    penalised_square = equations.square(amplitudes) - float(equations.smoother.weights(smoothing) @ left**2)
    rank = int(np.count_nonzero(roughness))
    n_fixed = amplitudes.size + roughness.size - rank
    log_determinant += float(np.log1p(smoothing * roughness).sum())
    return float((equations.n_data - n_fixed) * np.log(max(penalised_square, 1e-300)) + log_determinant - rank * np.log(smoothing))


def _maic(equations: _Equations, smoothing: float, scale: SmoothingScale) -> float:
    """Modified Akaike criterion: log residual square plus weighted effective dimension over the number of real data."""
    amplitudes, left, _ = equations.solved(smoothing)
    weights = equations.smoother.weights(smoothing)
    square = equations.square(amplitudes) - float((weights * (2.0 - weights)) @ left**2)
    return float(np.log(max(square, 1e-300)) + 2.0 * _MAIC_WEIGHT * scale.effective_dimension(smoothing) / equations.n_data)

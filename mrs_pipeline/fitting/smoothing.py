"""How stiff the baseline is: a criterion of the data, or a fixed effective dimension."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.baseline import BaselineModel
from mrs_pipeline.fitting.model import as_real
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.solver import Problem, State

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
        """Smoothing parameter of an effective dimension (monotone, by bisection on a log scale)."""
        low, high = -12.0, 16.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.effective_dimension(10.0**middle) > effective_dimension else (low, middle)
        return float(10.0 ** (0.5 * (low + high)))

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
    eigenvalues = np.clip(scipy.linalg.eigh(baseline.penalty[np.ix_(penalised, penalised)], gram, eigvals_only=True), 0.0, None)
    return SmoothingScale(eigenvalues=eigenvalues, range_ppm=ppm_range[1] - ppm_range[0])


def choose_smoothing(problem: Problem, state: State, *, scale: SmoothingScale | None, options: FitOptions) -> float:
    """Smoothing parameter by the configured criterion at the present non-linear parameters."""
    if scale is None:
        return 0.0
    if options.baseline_stiffness == "fixed":
        return scale.smoothing(options.baseline_ed_per_ppm * scale.range_ppm)
    criterion = _reml if options.baseline_stiffness == "reml" else _maic
    candidates = scale.candidates(options.max_ed_per_ppm)
    gram, right, total, n_active = _normal_equations(problem, state)
    values = [criterion(problem, smoothing, gram, right, total, n_active, scale) for smoothing in candidates]
    return candidates[int(np.argmin(values))]


def _normal_equations(problem: Problem, state: State) -> tuple[FloatArray, FloatArray, float, int]:
    """Gram matrix, right side and total square over components in use (first) and baseline columns."""
    active = np.concatenate([state.amplitudes > 0, np.ones(state.baseline.size, dtype=bool)])
    stacked = as_real(state.columns[:, active])
    data = as_real(state.residual + state.explained)
    gram = stacked.T @ stacked
    rows = problem.linear_priors.rows[:, state.amplitudes > 0]
    n_active = rows.shape[1]
    gram[:n_active, :n_active] += rows.T @ rows
    return gram, stacked.T @ data, float(data @ data), n_active


def _penalised(problem: Problem, smoothing: float, gram: FloatArray, right: FloatArray, n_active: int) -> tuple[FloatArray, float]:
    """Solution and log determinant of the penalised normal equations."""
    matrix = gram.copy()
    matrix[n_active:, n_active:] += smoothing * problem.model.baseline.penalty
    matrix += np.diag(1e-10 * np.diag(matrix))
    factor = scipy.linalg.cho_factor(matrix)
    return scipy.linalg.cho_solve(factor, right), float(2.0 * np.log(np.diag(factor[0])).sum())


def _reml(problem: Problem, smoothing: float, gram: FloatArray, right: FloatArray, total: float, n_active: int, _: SmoothingScale) -> float:
    """Restricted likelihood of the smoothing, residual variance profiled (Wahba 1985; Wood 2011, J R Stat Soc B 73:3)."""
    solution, log_determinant = _penalised(problem, smoothing, gram, right, n_active)
    penalised_square = total - float(right @ solution)
    rank = int(np.linalg.matrix_rank(problem.model.baseline.penalty))
    n_fixed = n_active + problem.model.baseline.n_columns - rank
    n_data = 2 * problem.data.size
    return float((n_data - n_fixed) * np.log(max(penalised_square, 1e-300)) + log_determinant - rank * np.log(smoothing))


def _maic(
    problem: Problem, smoothing: float, gram: FloatArray, right: FloatArray, total: float, n_active: int, scale: SmoothingScale
) -> float:
    """Modified Akaike criterion: log residual square plus weighted effective dimension over the number of real data."""
    solution, _ = _penalised(problem, smoothing, gram, right, n_active)
    square = total - 2.0 * float(right @ solution) + float(solution @ gram @ solution)
    return float(np.log(max(square, 1e-300)) + 2.0 * _MAIC_WEIGHT * scale.effective_dimension(smoothing) / (2 * problem.data.size))

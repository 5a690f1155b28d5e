"""Variable projection: amplitudes and baseline are solved exactly for each trial of the non-linear parameters.

Golub & Pereyra 1973 (SIAM J Numer Anal 10:413) with Kaufman's (1975) Jacobian, Levenberg-Marquardt steps, non-negative amplitudes.
All columns (components, baseline, derivatives) enter one Gram matrix, from which step, cost and covariance follow.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import scipy.optimize

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fitting.model import SpectralModel, as_real
from mrs_pipeline.fitting.parameters import Priors

_RIDGE = 1e-10

#: Gain of the cost (in units of the noise variance) that moves no parameter by more than a thirtieth of its standard error.
NEGLIGIBLE_GAIN = 1e-3


@dataclass(frozen=True, kw_only=True)
class LinearPriors:
    """Gaussian penalties on linear combinations of the amplitudes: sum of squares of `rows` @ amplitudes."""

    rows: FloatArray


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One spectrum to be fitted: data in noise units on the fitted points, and every penalty that acts."""

    model: SpectralModel
    data: ComplexArray
    priors: Priors
    linear_priors: LinearPriors
    smoothing: float
    free: FloatArray
    lower: FloatArray
    upper: FloatArray

    @cached_property
    def penalty(self) -> FloatArray:
        """Penalty on all linear unknowns (amplitudes, then baseline coefficients)."""
        rows = self.linear_priors.rows
        return np.asarray(scipy.linalg.block_diag(rows.T @ rows, self.smoothing * self.model.baseline.penalty))


@dataclass(frozen=True, kw_only=True)
class State:
    """The solution at one point of the non-linear parameters; `gram` (of the columns) and `cost` include all penalties."""

    theta: FloatArray
    amplitudes: FloatArray
    baseline: FloatArray
    residual: ComplexArray
    explained: ComplexArray
    fids: ComplexArray
    columns: ComplexArray
    gram: FloatArray
    cost: float


def non_negative(gram: FloatArray, right: FloatArray, n_amplitudes: int) -> FloatArray:
    """Minimise x'Gx - 2 x'r with the first `n_amplitudes` unknowns non-negative and the others free."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram * scale[:, None] * scale[None, :] + _RIDGE * np.eye(gram.shape[0])
    target = right * scale
    free = scaled[n_amplitudes:, n_amplitudes:]
    cross = scaled[:n_amplitudes, n_amplitudes:]
    if free.size:
        factor = scipy.linalg.cho_factor(free, lower=True)
        solved = scipy.linalg.cho_solve(factor, np.column_stack([cross.T, target[n_amplitudes:]]))
        reduced = scaled[:n_amplitudes, :n_amplitudes] - cross @ solved[:, :-1]
        reduced_target = target[:n_amplitudes] - cross @ solved[:, -1]
    else:
        solved, reduced, reduced_target = np.zeros((0, n_amplitudes + 1)), scaled, target
    upper = scipy.linalg.cholesky(reduced + _RIDGE * np.eye(n_amplitudes))
    amplitudes, _ = scipy.optimize.nnls(upper, scipy.linalg.solve_triangular(upper, reduced_target, trans="T"))
    baseline = solved[:, -1] - solved[:, :-1] @ amplitudes
    return np.concatenate([amplitudes, baseline]) * scale


def evaluate(problem: Problem, theta: FloatArray) -> State:
    """Solve the linear unknowns at `theta`."""
    model = problem.model
    fids = model.modulated(theta)
    components = model.spectra(fids)
    data = model.rotated(problem.data, theta)
    columns = np.hstack([components, model.baseline.design])
    stacked = as_real(columns)
    gram = stacked.T @ stacked + problem.penalty
    solution = non_negative(gram, stacked.T @ as_real(data), model.n_components)
    explained = np.asarray(columns @ solution, dtype=np.complex128)
    residual = data - explained
    deviation = theta - problem.priors.centre
    cost = float(np.vdot(residual, residual).real + solution @ problem.penalty @ solution + problem.priors.precision @ deviation**2)
    return State(
        theta=theta,
        amplitudes=solution[: model.n_components],
        baseline=solution[model.n_components :],
        residual=residual,
        explained=explained,
        fids=fids,
        columns=columns,
        gram=gram,
        cost=cost,
    )


def _derivatives(problem: Problem, state: State) -> ComplexArray:
    return problem.model.derivatives(state.fids, amplitudes=state.amplitudes, explained=state.explained)


def joint_information(problem: Problem, state: State) -> FloatArray:
    """Information matrix of amplitudes, baseline coefficients and non-linear parameters, penalties included, in noise units."""
    stacked = as_real(np.hstack([state.columns, _derivatives(problem, state)]))
    return np.asarray(stacked.T @ stacked + scipy.linalg.block_diag(problem.penalty, np.diag(problem.priors.precision)))


def projected_step(problem: Problem, state: State) -> tuple[FloatArray, FloatArray]:
    """Gauss-Newton matrix and gradient of the projected problem in the non-linear parameters (Kaufman)."""
    derivative = as_real(_derivatives(problem, state))
    active = np.concatenate([state.amplitudes > 0, np.ones(state.baseline.size, dtype=bool)])
    linear = as_real(state.columns[:, active])
    gram = state.gram[np.ix_(active, active)]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    gram = gram * scale[:, None] * scale[None, :] + _RIDGE * np.eye(scale.size)
    half = scipy.linalg.solve_triangular(scipy.linalg.cholesky(gram), (linear * scale).T @ derivative, trans="T")
    hessian = derivative.T @ derivative - half.T @ half + np.diag(problem.priors.precision)
    gradient = derivative.T @ as_real(state.residual) - problem.priors.precision * (state.theta - problem.priors.centre)
    return hessian, gradient


def levenberg_marquardt(problem: Problem, start: FloatArray, *, max_iterations: int, tolerance: float = 1e-7) -> tuple[State, bool]:
    """Minimise the projected cost from `start` within the bounds; returns the state and whether it converged.

    Converged means that no step leads lower, that a full step promises less than `tolerance` of relative gain, or that two steps in a
    row gained next to nothing (`NEGLIGIBLE_GAIN`): Kaufman's Jacobian may creep where amplitudes and widths trade places.
    """
    state = evaluate(problem, np.clip(start, problem.lower, problem.upper))
    damping, n_small = 1e-3, 0
    for _ in range(max_iterations):
        better, damping = _improved(problem, state, damping=damping, tolerance=tolerance)
        if better is None:
            return state, True
        n_small = n_small + 1 if state.cost - better.cost <= max(NEGLIGIBLE_GAIN, tolerance * state.cost) else 0
        state = better
        if n_small == 2:
            return state, True
    return state, False


def _improved(problem: Problem, state: State, *, damping: float, tolerance: float) -> tuple[State | None, float]:
    """A state of lower cost and the damping to go on with; None at a minimum."""
    hessian, gradient = projected_step(problem, state)
    while damping < 1e8:
        step, gain = _step(problem, state, hessian=hessian, gradient=gradient, damping=damping)
        if gain <= tolerance * state.cost and damping <= 1e-2:
            return None, damping
        trial = evaluate(problem, np.clip(state.theta + step, problem.lower, problem.upper))
        if trial.cost < state.cost:
            return trial, max(damping / 8.0, 1e-9)
        damping *= 8.0
    return None, damping


def _step(problem: Problem, state: State, *, hessian: FloatArray, gradient: FloatArray, damping: float) -> tuple[FloatArray, float]:
    """Damped step over the parameters that are free and not held at a bound, and the gain the quadratic model promises."""
    at_bound = ((state.theta <= problem.lower) & (gradient < 0)) | ((state.theta >= problem.upper) & (gradient > 0))
    moving = (problem.free > 0) & ~at_bound
    step = np.zeros_like(gradient)
    sub = hessian[np.ix_(moving, moving)]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(sub), 1e-12))
    scaled = sub * scale[:, None] * scale[None, :] + (damping + 1e-9) * np.eye(scale.size)
    step[moving] = scale * np.linalg.solve(scaled, gradient[moving] * scale)
    return step, float(gradient @ step)

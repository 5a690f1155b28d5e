"""Variable projection: amplitudes and baseline are solved exactly for each trial of the non-linear parameters.

Golub & Pereyra 1973 (SIAM J Numer Anal 10:413) with Kaufman's (1975) Jacobian, Levenberg-Marquardt steps, non-negative amplitudes.
The baseline is eliminated beforehand: every product of two columns is taken with the weight I - Q'Q of its smoother (`smoother`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import scipy.optimize

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fitting.model import SpectralModel, as_complex, as_real
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
    def smooth_rows(self) -> FloatArray:
        """Rows Q of the baseline's smoother: it takes Q'Q e out of a residual e."""
        return self.model.smoother.rows(self.smoothing)

    @cached_property
    def penalty(self) -> FloatArray:
        """Penalty on the amplitudes."""
        return np.asarray(self.linear_priors.rows.T @ self.linear_priors.rows)


@dataclass(frozen=True, kw_only=True)
class State:
    """The solution at one point of the non-linear parameters.

    `columns` are the components and `smooth` what the baseline's smoother sees of them; `gram` (of the components, baseline taken out) and
    `cost` include all penalties. `explained` is the baseline and all components, on the rotated data.
    """

    theta: FloatArray
    amplitudes: FloatArray
    residual: ComplexArray
    explained: ComplexArray
    fids: ComplexArray
    columns: FloatArray
    smooth: FloatArray
    gram: FloatArray
    cost: float

    @property
    def baseline(self) -> ComplexArray:
        """The baseline on the fitted points."""
        return np.asarray(self.explained - as_complex(self.columns @ self.amplitudes))


def non_negative(gram: FloatArray, right: FloatArray) -> FloatArray:
    """Minimise x'Gx - 2 x'r over non-negative x."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram * scale[:, None] * scale[None, :] + _RIDGE * np.eye(gram.shape[0])
    upper = scipy.linalg.cholesky(scaled, check_finite=False)
    target = scipy.linalg.solve_triangular(upper, right * scale, trans="T", check_finite=False)
    return np.asarray(scipy.optimize.nnls(upper, target)[0] * scale)


def evaluate(problem: Problem, theta: FloatArray) -> State:
    """Solve the linear unknowns at `theta`: amplitudes with the baseline eliminated."""
    model, rows = problem.model, problem.smooth_rows
    fids = model.modulated(theta)
    columns = as_real(model.spectra(fids))
    data = as_real(model.rotated(problem.data, theta))
    smooth = rows @ columns
    gram = columns.T @ columns - smooth.T @ smooth + problem.penalty
    amplitudes = non_negative(gram, columns.T @ data - smooth.T @ (rows @ data))
    unexplained = data - columns @ amplitudes
    taken = rows @ unexplained
    residual = unexplained - rows.T @ taken
    deviation = theta - problem.priors.centre
    # the penalised minimum over the baseline: |e|^2 - |Q e|^2
    misfit = float(unexplained @ unexplained - taken @ taken + amplitudes @ problem.penalty @ amplitudes)
    return State(
        theta=theta,
        amplitudes=amplitudes,
        residual=as_complex(residual),
        explained=as_complex(data - residual),
        fids=fids,
        columns=columns,
        smooth=smooth,
        gram=gram,
        cost=misfit + float(problem.priors.precision @ deviation**2),
    )


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """Derivatives by the non-linear parameters, what the smoother sees of them, and their products with the baseline taken out."""

    columns: FloatArray
    gram: FloatArray
    cross: FloatArray


def _slopes(problem: Problem, state: State) -> Slopes:
    """`gram`: of the derivatives, shape (n_parameters, n_parameters), without priors; `cross`: components against derivatives."""
    columns = as_real(problem.model.derivatives(state.fids, amplitudes=state.amplitudes, explained=state.explained))
    smooth = problem.smooth_rows @ columns
    return Slopes(columns=columns, gram=columns.T @ columns - smooth.T @ smooth, cross=state.columns.T @ columns - state.smooth.T @ smooth)


def joint_information(problem: Problem, state: State) -> FloatArray:
    """Information matrix of amplitudes and non-linear parameters, the baseline integrated out, penalties included, in noise units."""
    slopes = _slopes(problem, state)
    return np.asarray(np.block([[state.gram, slopes.cross], [slopes.cross.T, slopes.gram + np.diag(problem.priors.precision)]]))


def projected_step(problem: Problem, state: State) -> tuple[FloatArray, FloatArray]:
    """Gauss-Newton matrix and gradient of the projected problem in the non-linear parameters (Kaufman)."""
    slopes, active = _slopes(problem, state), state.amplitudes > 0
    gram = state.gram[np.ix_(active, active)]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    gram = gram * scale[:, None] * scale[None, :] + _RIDGE * np.eye(scale.size)
    upper = scipy.linalg.cholesky(gram, check_finite=False)
    half = scipy.linalg.solve_triangular(upper, slopes.cross[active] * scale[:, None], trans="T", check_finite=False)
    hessian = slopes.gram - half.T @ half + np.diag(problem.priors.precision)
    gradient = slopes.columns.T @ as_real(state.residual) - problem.priors.precision * (state.theta - problem.priors.centre)
    return hessian, gradient


def levenberg_marquardt(
    problem: Problem, start: State | FloatArray, *, max_iterations: int, tolerance: float = 1e-7, n_small_steps: int = 2
) -> tuple[State, bool]:
    """Minimise the projected cost from `start` within the bounds; returns the state and whether it converged.

    Converged means that no step leads lower, that a full step promises less than `tolerance` of relative gain, or that `n_small_steps` in
    a row gained next to nothing (`NEGLIGIBLE_GAIN`): Kaufman's Jacobian may creep where amplitudes and widths trade places.
    """
    state = start if isinstance(start, State) else evaluate(problem, np.clip(start, problem.lower, problem.upper))
    damping, n_small = 1e-3, 0
    for _ in range(max_iterations):
        better, damping = _improved(problem, state, damping=damping, tolerance=tolerance)
        if better is None:
            return state, True
        n_small = n_small + 1 if state.cost - better.cost <= max(NEGLIGIBLE_GAIN, tolerance * state.cost) else 0
        state = better
        if n_small == n_small_steps:
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

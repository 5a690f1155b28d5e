"""Variable projection: amplitudes and baseline are solved exactly for each trial of the non-linear parameters.

Golub & Pereyra 1973 (SIAM J Numer Anal 10:413) with Kaufman's (1975) Jacobian, Levenberg-Marquardt steps, non-negative amplitudes.
The baseline is eliminated beforehand: every product of two columns is taken with the weight I - Q'Q of its smoother (`smoother`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.fitting.model import SpectralModel, as_complex, as_real
from mrs_pipeline.fitting.non_negative import non_negative, solved_triangular
from mrs_pipeline.fitting.parameters import COMMON, Priors

_RIDGE = 1e-10
#: Gain of the cost (in units of the noise variance) that moves no parameter by more than a thirtieth of its standard error.
NEGLIGIBLE_GAIN = 1e-3
#: Damping of the first step, relative to the diagonal of the scaled Gauss-Newton matrix.
FIRST_DAMPING = 1e-4
#: After a step that gained less than this, the Gauss-Newton matrix is not computed anew but corrected.
REUSE_GAIN = 3.0


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

    @property
    def common_only(self) -> bool:
        """Whether none but common parameters are free, so that only their derivatives are needed."""
        return not self.free[len(COMMON) :].any()

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


def evaluate(problem: Problem, theta: FloatArray, *, guess: BoolArray | None = None) -> State:
    """Solve the linear unknowns at `theta`: amplitudes with the baseline eliminated; `guess` as in `non_negative`."""
    model, rows = problem.model, problem.smooth_rows
    fids = model.modulated(theta)
    columns = as_real(model.spectra(fids))
    rotated = model.rotated(problem.data, theta)
    data = as_real(rotated)
    smooth = rows @ columns
    gram = columns.T @ columns - smooth.T @ smooth + problem.penalty
    amplitudes = non_negative(gram, columns.T @ data - smooth.T @ (rows @ data), guess=guess)
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
    """Products of the derivatives by the non-linear parameters with each other and with the components, the baseline taken out."""

    gram: FloatArray
    cross: FloatArray


def slope_columns(problem: Problem, state: State) -> FloatArray:
    """Derivatives by the non-linear parameters, shape (2 n_points, n_parameters); while only common ones are free, by these."""
    derivatives = problem.model.common_derivatives if problem.common_only else problem.model.derivatives
    return as_real(derivatives(state.fids, amplitudes=state.amplitudes, explained=state.explained))


def _slopes(problem: Problem, state: State) -> Slopes:
    """`gram`: of the derivatives, shape (n_parameters, n_parameters), without priors; `cross`: components against derivatives.

    While only common parameters are free, only theirs.
    """
    columns = slope_columns(problem, state)
    smooth = problem.smooth_rows @ columns
    return Slopes(gram=columns.T @ columns - smooth.T @ smooth, cross=state.columns.T @ columns - state.smooth.T @ smooth)


def projected_hessian(problem: Problem, state: State) -> FloatArray:
    """Gauss-Newton matrix of the projected problem in the non-linear parameters (Kaufman).

    While only common parameters are free, only theirs.
    """
    slopes, active = _slopes(problem, state), state.amplitudes > 0
    n = slopes.gram.shape[0]
    gram = state.gram[np.ix_(active, active)]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    gram = gram * scale[:, None] * scale[None, :]
    gram.flat[:: scale.size + 1] += _RIDGE
    half = solved_triangular(scipy.linalg.cholesky(gram, check_finite=False), slopes.cross[active] * scale[:, None])
    hessian = slopes.gram - half.T @ half
    hessian.flat[:: n + 1] += problem.priors.precision[:n]
    return np.asarray(hessian)


def projected_gradient(problem: Problem, state: State) -> FloatArray:
    """Half the slope of the cost downwards in the non-linear parameters, amplitudes and baseline following (exact)."""
    slope = problem.model.slope(state.fids, amplitudes=state.amplitudes, explained=state.explained, residual=state.residual)
    return np.asarray(slope - problem.priors.precision * (state.theta - problem.priors.centre))


def levenberg_marquardt(
    problem: Problem, start: State | FloatArray, *, max_iterations: int, negligible: float = NEGLIGIBLE_GAIN
) -> tuple[State, bool]:
    """Minimise the projected cost from `start` within the bounds; returns the state and whether it converged.

    Converged: a full step promises to gain less than `negligible` (in units of the noise variance), or no step leads lower. Near the
    minimum the Gauss-Newton matrix is kept and follows the gradients (BFGS): cheaper, and it learns what Kaufman's Jacobian leaves out,
    so that the search does not creep where amplitudes and widths trade places.
    """
    state = start if isinstance(start, State) else evaluate(problem, np.clip(start, problem.lower, problem.upper))
    gradient = projected_gradient(problem, state)
    hessian, damping = projected_hessian(problem, state), FIRST_DAMPING
    for _ in range(max_iterations):
        better, damping = _improved(problem, state, hessian=hessian, gradient=gradient, damping=damping, negligible=negligible)
        if better is None:
            return state, True
        before, state, gradient_before = state, better, gradient
        gradient = projected_gradient(problem, state)
        if before.cost - state.cost > REUSE_GAIN:
            hessian = projected_hessian(problem, state)
        else:
            hessian = _updated(hessian, step=state.theta - before.theta, bend=gradient_before - gradient)
    return state, False


def _updated(hessian: FloatArray, *, step: FloatArray, bend: FloatArray) -> FloatArray:
    """The matrix that agrees with the last change of the gradient (BFGS); as it was where that says nothing."""
    n = hessian.shape[0]
    s, y = step[:n], bend[:n]
    curvature, known = float(s @ y), hessian @ s
    expected = float(s @ known)
    if not curvature > 0.1 * expected > 0.0:
        return hessian
    return np.asarray(hessian + np.outer(y, y) / curvature - np.outer(known, known) / expected)


def _improved(
    problem: Problem, state: State, *, hessian: FloatArray, gradient: FloatArray, damping: float, negligible: float
) -> tuple[State | None, float]:
    """A state of lower cost and the damping to go on with; None at a minimum."""
    while damping < 1e8:
        step, gain = _step(problem, state, hessian=hessian, gradient=gradient[: hessian.shape[0]], damping=damping)
        if gain <= negligible and damping <= 1e-2:
            return None, damping
        trial = evaluate(problem, np.clip(state.theta + step, problem.lower, problem.upper), guess=state.amplitudes > 0)
        if trial.cost < state.cost:
            trusted = state.cost - trial.cost > 0.25 * gain
            return trial, max(damping / 30.0, 1e-9) if trusted else 8.0 * damping
        damping *= 8.0
    return None, damping


def _step(problem: Problem, state: State, *, hessian: FloatArray, gradient: FloatArray, damping: float) -> tuple[FloatArray, float]:
    """Damped step over the parameters that are free and not held at a bound, and the gain the quadratic model promises."""
    n = gradient.size
    theta, lower, upper = state.theta[:n], problem.lower[:n], problem.upper[:n]
    at_bound = ((theta <= lower) & (gradient < 0)) | ((theta >= upper) & (gradient > 0))
    moving = (problem.free[:n] > 0) & ~at_bound
    step = np.zeros_like(state.theta)
    sub = hessian[np.ix_(moving, moving)]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(sub), 1e-12))
    scaled = sub * scale[:, None] * scale[None, :]
    scaled.flat[:: scale.size + 1] += damping + 1e-9
    step[:n][moving] = scale * np.linalg.solve(scaled, gradient[moving] * scale)
    return step, float(gradient @ step[:n])

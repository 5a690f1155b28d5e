"""Gauss-Newton search for the minimum of a joint fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.fitting.arrow import Blocks, Solution, solved
from mrs_pipeline.fitting.joint_model import JointProblem
from mrs_pipeline.fitting.parameters import COMMON

_MAX_ITERATIONS = 20
#: Gain of the whole cost below which no unknown moves by more than a tenth of its standard error.
_NEGLIGIBLE = 1e-2
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-3, 1e4


@dataclass(frozen=True, kw_only=True)
class JointMinimum:
    """Unknowns at the minimum, covariances through `solution`, and the SD of the residuals in units of the noise assumed.

    `residual_sds` (n_spectra,) are those of single spectra, what all have in common taken out: a line that is described badly is so in
    all of them, and makes no difference between them. `residual_sd` is that of all.
    """

    problem: JointProblem
    local: FloatArray
    shared: FloatArray
    solution: Solution
    residual_sds: FloatArray
    converged: bool

    @property
    def residual_sd(self) -> float:
        """Root mean square of `residual_sds`."""
        return float(np.sqrt(np.mean(self.residual_sds**2)))


@dataclass(frozen=True, kw_only=True)
class _State:
    local: FloatArray
    shared: FloatArray
    blocks: Sequence[Blocks]
    squares: FloatArray
    cost: float


def minimised(problem: JointProblem, local: FloatArray, shared: FloatArray) -> JointMinimum:
    """The minimum by Gauss-Newton steps from the given unknowns, damped where one does not lead lower."""
    state, damping, converged = _state(problem, local, shared), 0.0, False
    for _ in range(_MAX_ITERATIONS):
        step = _step(problem, state, damping)
        if _gain(problem, state, step) < _NEGLIGIBLE and damping <= _FIRST_DAMPING:
            converged = True
            break
        trial = _state(problem, _bounded(problem, state.local + step.local), state.shared + step.shared)
        if trial.cost < state.cost:
            state, damping = trial, damping / 10.0
        elif damping < _LARGEST_DAMPING:
            damping = max(10.0 * damping, _FIRST_DAMPING)
        else:
            break
    return JointMinimum(
        problem=problem,
        local=state.local,
        shared=state.shared,
        solution=_solved(problem, state, state.blocks),
        residual_sds=_residual_sds(problem, state),
        converged=converged,
    )


def _residual_sds(problem: JointProblem, state: _State) -> FloatArray:
    """Root mean square residuals of single spectra but for what they have in common, degrees of freedom taken off."""
    dof, weight = _degrees_of_freedom(problem), problem.weight
    if len(weight) == 1:
        return np.asarray(np.sqrt(state.squares / dof))
    left = np.concatenate([piece.left for piece in problem.pieces(state.local, state.shared)])
    shared = weight / np.linalg.norm(weight)
    along = left @ (shared @ left)
    squares = state.squares - 2.0 * shared * along + shared**2 * np.sum((shared @ left) ** 2)
    return np.asarray(np.sqrt(np.maximum(squares, 0.0) / (dof * (1.0 - shared**2))))


def _degrees_of_freedom(problem: JointProblem) -> float:
    """Real data of a spectrum less what unknowns and departures of baselines take, at least half of them."""
    n_spectra, n_data = len(problem.weight), problem.baseline.shape[1]
    taken = problem.unknowns.local.size + np.sum(problem.rows**2) + problem.unknowns.shared.size / n_spectra
    return float(max(n_data - taken, 0.5 * n_data))


def _state(problem: JointProblem, local: FloatArray, shared: FloatArray) -> _State:
    """Equations of a step and the cost at the given unknowns."""
    blocks, squares, off = [], [], local - problem.local_centre
    for piece in problem.pieces(local, shared):
        blocks.append(piece.blocks(local[piece.part]))
        squares.append(piece.squares)
    misfit = np.concatenate(squares)
    penalty = float(shared @ problem.shared_penalty @ shared + np.sum((off @ problem.local_penalty) * off))
    return _State(local=local, shared=shared, blocks=blocks, squares=misfit, cost=float(misfit.sum()) + penalty)


def _step(problem: JointProblem, state: _State, damping: float) -> Solution:
    """The step from a state, common parameters at a bound held where it leads beyond."""
    blocks = [_damped(item, problem, damping) for item in state.blocks] if damping else state.blocks
    step = _solved(problem, state, blocks)
    held = _bounded(problem, state.local + step.local) == state.local
    held &= step.local != 0.0
    if not held.any():
        return step
    ends = np.cumsum([len(item.local) for item in blocks])[:-1]
    return _solved(problem, state, [_held(item, part) for item, part in zip(blocks, np.split(held, ends), strict=True)])


def _solved(problem: JointProblem, state: _State, blocks: Sequence[Blocks]) -> Solution:
    return solved(blocks, penalty=problem.shared_penalty, penalty_right=-problem.shared_penalty @ state.shared)


def _held(blocks: Blocks, held: BoolArray) -> Blocks:
    """Equations whose solution is zero where `held` (n, n_local)."""
    moves = ~held
    local = blocks.local * moves[:, :, None] * moves[:, None, :] + held[:, :, None] * np.eye(held.shape[1])
    return replace(blocks, local=local, cross=blocks.cross * moves[:, :, None], local_right=blocks.local_right * moves)


def _damped(blocks: Blocks, problem: JointProblem, damping: float) -> Blocks:
    """Equations whose common parameters are slowed down; amplitudes and baseline, linear given these, follow."""
    local, shared = blocks.local.copy(), blocks.shared.copy()
    slow = _common(problem, problem.unknowns.local)
    local[:, slow, slow] *= 1.0 + damping
    slow = _common(problem, problem.unknowns.shared)
    shared[slow, slow] *= 1.0 + damping
    return replace(blocks, local=local, shared=shared)


def _common(problem: JointProblem, places: np.ndarray) -> np.ndarray:
    """Which unknowns are changes of common parameters."""
    first = problem.n_components
    return np.flatnonzero((places >= first) & (places < first + len(COMMON)))


def _gain(problem: JointProblem, state: _State, step: Solution) -> float:
    """What the quadratic model promises of a step."""
    right = np.concatenate([item.local_right for item in state.blocks])
    shared_right = np.sum([item.shared_right for item in state.blocks], axis=0) - problem.shared_penalty @ state.shared
    return float(np.sum(right * step.local) + shared_right @ step.shared)


def _bounded(problem: JointProblem, local: FloatArray) -> FloatArray:
    """Local unknowns with the common parameters inside their bounds."""
    for column in _common(problem, problem.unknowns.local):
        index = problem.unknowns.local[column] - problem.n_components
        theta = problem.theta[:, index]
        local[:, column] = np.clip(theta + local[:, column], problem.lower[index], problem.upper[index]) - theta
    return local

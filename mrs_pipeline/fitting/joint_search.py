"""Gauss-Newton search for the minimum of a joint fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.arrow import Blocks, Solution, solved
from mrs_pipeline.fitting.joint_model import JointProblem
from mrs_pipeline.fitting.parameters import COMMON

_MAX_ITERATIONS = 20
#: Gain of the whole cost below which no unknown moves by more than a tenth of its standard error.
_NEGLIGIBLE = 1e-2
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-3, 1e4


@dataclass(frozen=True, kw_only=True)
class JointMinimum:
    """Unknowns at the minimum, covariances through `solution`, and the SD of the residuals in units of the noise assumed."""

    problem: JointProblem
    local: FloatArray
    shared: FloatArray
    solution: Solution
    residual_sd: float
    converged: bool


@dataclass(frozen=True, kw_only=True)
class _State:
    local: FloatArray
    shared: FloatArray
    blocks: Sequence[Blocks]
    misfit: float
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
        solution=_step(problem, state, 0.0),
        residual_sd=float(np.sqrt(state.misfit / _degrees_of_freedom(problem))),
        converged=converged,
    )


def _degrees_of_freedom(problem: JointProblem) -> float:
    """Real data less what unknowns and departures of baselines take, at least half of them."""
    n_spectra, n_data = len(problem.weight), problem.baseline.shape[1]
    taken = n_spectra * (problem.unknowns.local.size + np.sum(problem.rows**2)) + problem.unknowns.shared.size
    return float(max(n_spectra * n_data - taken, 0.5 * n_spectra * n_data))


def _state(problem: JointProblem, local: FloatArray, shared: FloatArray) -> _State:
    """Equations of a step and the cost at the given unknowns."""
    blocks, misfit, off = [], 0.0, local - problem.local_centre
    for piece in problem.pieces(local, shared):
        blocks.append(piece.blocks(local[piece.part]))
        misfit += float(piece.squares.sum())
    penalty = float(shared @ problem.shared_penalty @ shared + np.sum((off @ problem.local_penalty) * off))
    return _State(local=local, shared=shared, blocks=blocks, misfit=misfit, cost=misfit + penalty)


def _step(problem: JointProblem, state: _State, damping: float) -> Solution:
    blocks = [_damped(item, problem, damping) for item in state.blocks] if damping else state.blocks
    return solved(blocks, penalty=problem.shared_penalty, penalty_right=-problem.shared_penalty @ state.shared)


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

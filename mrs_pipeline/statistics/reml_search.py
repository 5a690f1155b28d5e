"""The search for the maximum of the restricted likelihood: Newton steps where the surface is concave, Fisher scoring elsewhere."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.statistics.blocks import Blocks
from mrs_pipeline.statistics.likelihood import Evaluation, evaluate

#: The search ends when the expected gain in log-likelihood of a further step falls below this.
TOLERANCE = 1e-13

#: Step from which the likelihood no longer resolves the gain and the Newton step is taken as it is.
PLAIN_NEWTON = 1e-7

MAX_STEPS = 100
MAX_HALVINGS = 30


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Least and largest value of every component (n_components,), infinite where there is none."""

    lower: FloatArray
    upper: FloatArray

    def held(self, current: Evaluation) -> BoolArray:
        """Components at a bound whose score points beyond it."""
        below = (current.components <= self.lower) & (current.score <= 0)
        return np.asarray(below | ((current.components >= self.upper) & (current.score >= 0)))

    def left_by(self, step: FloatArray, *, current: Evaluation) -> BoolArray:
        """Components at a bound that a step would leave."""
        return np.asarray(((current.components <= self.lower) & (step < 0)) | ((current.components >= self.upper) & (step > 0)))


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """Where a search ended, in the units of the outcome it was given."""

    components: FloatArray
    log_likelihood: float
    at_boundary: BoolArray
    converged: bool


def search(blocks: Blocks, *, start: FloatArray, bounds: Bounds) -> SearchResult:
    """Maximum of the restricted likelihood reached from ``start`` (n_components,).

    Components stay within their bounds: one at a bound whose score points beyond it is held there (active set).
    If the Newton steps end without converging, a bounded quasi-Newton search takes over and Newton steps polish its end.
    """
    result = _newton(blocks, start=start, bounds=bounds)
    if result.converged:
        return result
    return _newton(blocks, start=_quasi_newton(blocks, start=result.components, bounds=bounds), bounds=bounds)


def _newton(blocks: Blocks, *, start: FloatArray, bounds: Bounds) -> SearchResult:
    """Newton or scoring steps with halving until the expected gain vanishes."""
    current = evaluate(blocks, components=start)
    assert current is not None
    converged = False
    for _ in range(MAX_STEPS):
        step, gain = _step(current, bounds=bounds)
        if gain < TOLERANCE:
            converged = True
            break
        following = _line_search(blocks, current=current, step=step, gain=gain, bounds=bounds)
        if following is None:
            break
        current = following
    return SearchResult(
        components=current.components,
        log_likelihood=current.log_likelihood,
        at_boundary=bounds.held(current),
        converged=converged,
    )


def _step(current: Evaluation, *, bounds: Bounds) -> tuple[FloatArray, float]:
    """Direction over the components that are free to move, and half its product with the score (the expected gain)."""
    held = bounds.held(current)
    step = np.zeros_like(current.components)
    while not np.all(held):
        free = np.flatnonzero(~held)
        step = np.zeros_like(current.components)
        step[free] = _direction(current, free=free)
        leaving = ~held & bounds.left_by(step, current=current)
        if not np.any(leaving):
            break
        held = held | leaving
    return step, 0.5 * float(step @ current.score)


def _direction(current: Evaluation, *, free: np.ndarray[tuple[int], np.dtype[np.intp]]) -> FloatArray:
    """Newton direction if the observed information is positive definite, else the scoring direction."""
    index = np.ix_(free, free)
    for information in (current.observed_information[index], current.expected_information[index]):
        values, vectors = np.linalg.eigh(information)
        if values[0] > 1e-10 * values[-1]:
            return np.asarray(vectors @ ((vectors.T @ current.score[free]) / values))
    return np.asarray(np.linalg.lstsq(information, current.score[free], rcond=1e-10)[0])


def _line_search(blocks: Blocks, *, current: Evaluation, step: FloatArray, gain: float, bounds: Bounds) -> Evaluation | None:
    """First of the full, half, quarter ... steps that raises the likelihood; None if there is none."""
    for halving in range(MAX_HALVINGS):
        moved = current.components + step * 0.5**halving
        following = evaluate(blocks, components=np.clip(moved, bounds.lower, bounds.upper))
        if following is None:
            continue
        if gain < PLAIN_NEWTON or following.log_likelihood > current.log_likelihood:
            return following
    return None


def _quasi_newton(blocks: Blocks, *, start: FloatArray, bounds: Bounds) -> FloatArray:
    """End of a bounded L-BFGS search; outside the positive-definite region the target is a large constant."""

    def target(components: FloatArray) -> tuple[float, FloatArray]:
        found = evaluate(blocks, components=components)
        return (1e10, np.zeros_like(components)) if found is None else (-found.log_likelihood, -found.score)

    limits = list(zip(bounds.lower, bounds.upper, strict=True))
    end = np.asarray(minimize(target, start, jac=True, method="L-BFGS-B", bounds=limits).x)
    return end if evaluate(blocks, components=end) is not None else start

"""Permutation tests of a crossover: who had which order of the conditions is drawn again, the data stay as they are.

Let D_i be the later session of participant i less the earlier one and s_i = +1 if the condition was given later, -1 if earlier. The model
is D_i = period + s_i tau + error. If the condition does nothing, D_i would have been the same under the other order, so that
exchanging the signs among participants of the same two periods (as many of each order as there were) gives data as probable as those
observed, whatever their distribution and whatever the effect of period. Where periods are not known every sign may be
exchanged by itself, which supposes differences that are symmetric about zero.

The statistic is the t of least squares, with M the projection away from period and covariates: a monotone function of
|s'MD| / sqrt(s'Ms). The shift tau subtracted from the data leaves s'M(D - s_observed tau), linear in tau, so that each rearrangement is as
extreme as the data for the tau of one interval between two roots, and limits of confidence (the tau that the test does not
reject) are order statistics of those roots: the exact inversion of the test from one pass.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError

Signs = NDArray[np.int8]

#: All rearrangements are listed up to this number, which 10 + 10 participants stay below.
MOST_LISTED = 200_000

#: Statistics closer than this, relative, are ties: they differ by rounding.
TIE = 1e-9

#: Rearrangements multiplied at a time, which bounds memory.
BLOCK = 20_000


@dataclass(frozen=True, kw_only=True)
class PermutationOptions:
    """``n_draws`` random rearrangements with ``seed`` where there are too many to list all."""

    n_draws: int = 100_000
    seed: int = 1


@dataclass(frozen=True, kw_only=True)
class Rearrangements:
    """Signs (n_rearrangements, n_participants), the observed ones among them; ``exact`` if they are all there are."""

    signs: Signs
    exact: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Differences (n_participants,) of later and earlier session, NaN where there is none, and what is adjusted for (n_participants, q)."""

    differences: FloatArray
    nuisance: FloatArray


@dataclass(frozen=True, kw_only=True)
class FlipResult:
    """Estimate of least squares with its standard error and t, the permutation p and the interval of all values it does not reject.

    ``p_adjusted`` counts all outcomes that were tested together.
    Limits are infinite if the rearrangements are too few for the confidence asked.
    """

    estimate: float
    se: float
    t: float
    p: float
    p_adjusted: float
    ci_low: float
    ci_high: float


def rearrangements(signs: NDArray[np.generic], *, strata: Sequence[Hashable] | None, options: PermutationOptions) -> Rearrangements:
    """What the signs (n,) of +1 and -1 could have been: exchanged within ``strata`` (n,), or each by itself if that is None."""
    observed = np.asarray(signs, dtype=np.int8)
    groups = None if strata is None else _groups(strata)
    if _number(observed, groups) <= max(options.n_draws, MOST_LISTED):
        return Rearrangements(signs=_all(observed, groups), exact=True)
    return Rearrangements(signs=_drawn(tuple(observed.tolist()), None if strata is None else tuple(strata), options), exact=False)


def flip_tests(outcomes: Sequence[Outcome], *, signs: NDArray[np.generic], drawn: Rearrangements, confidence: float) -> list[FlipResult]:
    """Test and interval of the effect of the condition in each outcome. `DataError` if it cannot be told from what is adjusted for.

    ``p_adjusted`` is by step-down max-T over the outcomes (Westfall & Young 1993, algorithm 4.1): the same rearrangement of
    participants goes through all of them, so that the dependence between them counts.
    """
    projected = [_projected(outcome, signs=signs) for outcome in outcomes]
    scores = _scores(projected, drawn=drawn)
    adjusted = _step_down(
        np.array([abs(item.t(np.array([item.z]))[0]) for item in projected]),
        drawn_t=np.stack([np.abs(item.t(z)) for item, (z, _) in zip(projected, scores, strict=True)]),
    )
    return [
        _result(item, z=z, slope=slope, p_adjusted=float(p), confidence=confidence)
        for item, (z, slope), p in zip(projected, scores, adjusted, strict=True)
    ]


def _result(projected: "_Projected", *, z: FloatArray, slope: FloatArray, p_adjusted: float, confidence: float) -> FlipResult:
    estimate = projected.z / projected.root
    se = float(np.sqrt(projected.error(projected.z) / projected.df)) / projected.root
    low, high = _interval(projected, z=z, slope=slope, confidence=confidence)
    share = float(np.mean(np.abs(z) >= abs(projected.z) * (1 - TIE)))
    return FlipResult(estimate=estimate, se=se, t=estimate / se, p=share, p_adjusted=p_adjusted, ci_low=low, ci_high=high)


def _step_down(observed: FloatArray, *, drawn_t: FloatArray) -> FloatArray:
    """Adjusted p of |t| (n_outcomes,) from those of all rearrangements (n_outcomes, n_rearrangements)."""
    order = np.argsort(-observed, kind="stable")
    largest_of_rest = np.maximum.accumulate(drawn_t[order[::-1]], axis=0)[::-1]
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate(np.mean(largest_of_rest >= observed[order, None] * (1 - TIE), axis=1))
    return adjusted


@dataclass(frozen=True, kw_only=True)
class _Projected:
    """An outcome freed of its nuisance: ``columns`` (n, 2 + q) hold MD, M s_observed and a basis of the nuisance, zero where absent.

    ``root`` is sqrt(s'Ms) and ``z`` is s'MD / root, both of the observed signs.
    """

    columns: FloatArray
    n_present: int
    total: float
    root: float
    z: float
    df: int

    def error(self, z: FloatArray | float) -> FloatArray:
        """Residual sum of squares that goes with scores."""
        return np.maximum(self.total - np.square(z), 1e-12 * self.total)

    def t(self, z: FloatArray) -> FloatArray:
        """T statistics of scores (m,)."""
        return np.asarray(z * np.sqrt(self.df / self.error(z)))


def _projected(outcome: Outcome, *, signs: NDArray[np.generic]) -> _Projected:
    """The outcome ready for multiplication with rearranged signs."""
    present = np.isfinite(outcome.differences)
    d, s = outcome.differences[present], np.asarray(signs, dtype=float)[present]
    basis = _basis(outcome.nuisance[present])
    md, ms = d - basis @ (basis.T @ d), s - basis @ (basis.T @ s)
    squared, df = float(s @ ms), len(d) - basis.shape[1] - 1
    if df < 1 or squared <= 1e-9 * len(d):
        raise DataError("period and condition cannot be told apart: both orders of the conditions are needed")
    columns = np.zeros((len(present), 2 + basis.shape[1]))
    columns[present] = np.column_stack([md, ms, basis])
    total, z = float(md @ md), float(s @ md) / np.sqrt(squared)
    if total <= 1e-20 * float(d @ d) or total - z**2 <= 1e-12 * total:
        raise DataError("the differences between sessions do not vary")
    return _Projected(columns=columns, n_present=len(d), total=total, root=float(np.sqrt(squared)), z=float(z), df=df)


def _basis(nuisance: FloatArray) -> FloatArray:
    """Orthonormal basis of the columns (n, q), those that say nothing new left out."""
    if nuisance.shape[1] == 0 or len(nuisance) == 0:
        return np.zeros((len(nuisance), 0))
    left, values, _ = np.linalg.svd(nuisance, full_matrices=False)
    return np.asarray(left[:, values > 1e-10 * max(values[0], 1e-300)])


def _scores(projected: Sequence[_Projected], *, drawn: Rearrangements) -> list[tuple[FloatArray, FloatArray]]:
    """Of each outcome the score s'MD / sqrt(s'Ms) of every rearrangement (m,), and its fall with the shift, s'M s_observed / sqrt(s'Ms)."""
    columns = np.concatenate([item.columns for item in projected], axis=1)
    scores = [np.empty((2, len(drawn.signs))) for _ in projected]
    for start in range(0, len(drawn.signs), BLOCK):
        block = slice(start, start + BLOCK)
        product = drawn.signs[block].astype(float) @ columns
        for item, score in zip(projected, scores, strict=True):
            width = item.columns.shape[1]
            score[:, block] = _standardised(product[:, :width], n_present=item.n_present)
            product = product[:, width:]
    return [(score[0], score[1]) for score in scores]


def _standardised(product: FloatArray, *, n_present: int) -> FloatArray:
    """Scores and slopes (2, m) from products with the columns of one outcome; 0 where a rearrangement leaves nothing to compare."""
    basis = product[:, 2:]
    squared = n_present - np.einsum("ij,ij->i", basis, basis)
    informed = squared > 1e-9 * n_present
    return np.where(informed, product[:, :2].T / np.sqrt(np.where(informed, squared, 1.0)), 0.0)


def _interval(projected: _Projected, *, z: FloatArray, slope: FloatArray, confidence: float) -> tuple[float, float]:
    """Smallest and largest shift that the two-sided test does not reject at 1 - confidence."""
    first, second = projected.root - slope, projected.root + slope
    same = np.minimum(first, second) <= 1e-9 * projected.root  # the observed order or its mirror image: as extreme for every shift
    roots = np.stack([(projected.z - z) / np.where(same, 1.0, first), (projected.z + z) / np.where(same, 1.0, second)])
    low, high = np.where(same, -np.inf, roots.min(axis=0)), np.where(same, np.inf, roots.max(axis=0))
    rank = int(np.floor((1 - confidence) * len(z) + 1e-9))
    return float(np.partition(low, rank)[rank]), float(-np.partition(-high, rank)[rank])


def _groups(strata: Sequence[Hashable]) -> list[NDArray[np.intp]]:
    """Positions of the members of each stratum."""
    names = list(dict.fromkeys(strata))
    return [np.array([position for position, name in enumerate(strata) if name == wanted], dtype=np.intp) for wanted in names]


def _number(observed: Signs, groups: list[NDArray[np.intp]] | None) -> int:
    """How many rearrangements there are."""
    if groups is None:
        return int(2 ** len(observed))
    return prod(comb(len(members), int(np.sum(observed[members] > 0))) for members in groups)


def _all(observed: Signs, groups: list[NDArray[np.intp]] | None) -> Signs:
    """Every rearrangement, one a row."""
    if groups is None:
        bits = np.arange(2 ** len(observed))[:, None] >> np.arange(len(observed))
        return np.asarray(2 * (bits & 1) - 1, dtype=np.int8)
    rows = np.zeros((1, len(observed)), dtype=np.int8)
    for members in groups:
        chosen = _choices(len(members), n_positive=int(np.sum(observed[members] > 0)))
        rows = np.repeat(rows, len(chosen), axis=0)
        rows[:, members] = np.tile(chosen, (len(rows) // len(chosen), 1))
    return rows


def _choices(n: int, *, n_positive: int) -> Signs:
    """Every way to give ``n_positive`` of n places a plus."""
    places = np.array(list(combinations(range(n), n_positive)), dtype=np.intp).reshape(-1, n_positive)
    rows = np.full((len(places), n), -1, dtype=np.int8)
    np.put_along_axis(rows, places, 1, axis=1)
    return rows


@lru_cache(maxsize=4)  # measures of a study have the same participants, so the same rearrangements
def _drawn(observed: tuple[int, ...], strata: tuple[Hashable, ...] | None, options: PermutationOptions) -> Signs:
    """The observed signs and random rearrangements (1 + n_draws, n_participants), read-only."""
    rng = np.random.default_rng(options.seed)
    rows = np.tile(np.array(observed, dtype=np.int8), (options.n_draws + 1, 1))
    if strata is None:
        rows[1:] = 2 * rng.integers(0, 2, size=rows[1:].shape, dtype=np.int8) - 1
    for members in [] if strata is None else _groups(strata):
        rows[1:, members] = rng.permuted(rows[1:, members], axis=1)
    rows.flags.writeable = False
    return rows

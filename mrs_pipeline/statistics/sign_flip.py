"""The paired summary by permutation: orders of the conditions are drawn again, for one number per session or window by window."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.comparisons import Comparison
from mrs_pipeline.statistics.crossover_model import window_weights
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, size_of
from mrs_pipeline.statistics.inference import TestResult
from mrs_pipeline.statistics.model_tests import NamedTest, contrast_name
from mrs_pipeline.statistics.paired_summary import Pair, PairedData, PairedTest, pair_periods, pair_rows, paired_data
from mrs_pipeline.statistics.permutation import FlipResult, Outcome, PermutationOptions, Rearrangements, flip_tests, rearrangements


@dataclass(frozen=True, kw_only=True)
class _Orders:
    """Who had which order of the conditions (+1: the reference first), and what the orders could have been."""

    participants: pd.Index
    signs: FloatArray
    drawn: Rearrangements


def sign_flip(
    data: MeasureData, *, confidence: float, summary: str = "mean", permutation: PermutationOptions | None = None
) -> list[NamedTest]:
    """The paired summary of each pair of conditions with p and interval by permutation of the orders of the conditions."""
    tests = []
    for comparison in _exchangeable(data):
        assert comparison.pair is not None
        found = sign_flip_test(data, pair=comparison.pair, confidence=confidence, summary=summary, permutation=permutation)
        change = window_weights(data, phase="infusion") - window_weights(data, phase="baseline")
        tests.append(_row(data, found, comparison=comparison, windows=change, kind="main"))
    return tests


def max_t(data: MeasureData, *, confidence: float, permutation: PermutationOptions | None = None) -> list[NamedTest]:
    """Each infusion window against the baseline by the same permutation, p adjusted for all windows by step-down max-T."""
    tests = []
    for comparison in _exchangeable(data):
        assert comparison.pair is not None
        for place, found in window_flip_tests(data, pair=comparison.pair, confidence=confidence, permutation=permutation):
            tests.append(_row(data, found, comparison=comparison, windows=np.eye(len(data.windows))[place], kind="window"))
    return tests


def _exchangeable(data: MeasureData) -> list[Comparison]:
    """The pairs of conditions; `UnanswerableError` for a design whose participants do not have both."""
    pairs = [comparison for comparison in data.comparisons if comparison.pair]
    if data.design != "crossover" or not pairs:
        reason = "the permutation exchanges the orders of two conditions within participants, and this design has no such orders"
        raise UnanswerableError("not_applicable", reason)
    return pairs


def _row(data: MeasureData, found: PairedTest | UnanswerableError, *, comparison: Comparison, windows: FloatArray, kind: str) -> NamedTest:
    """A test under the name of its contrast, or why there is none."""
    name = contrast_name(data, name=comparison.name, windows=windows, kind=kind)
    row = NamedTest(contrast=name, kind=kind, pair=comparison.pair, test=None, size=data.size)
    if isinstance(found, UnanswerableError):
        return replace(row, status=found.status, reason=str(found))
    return replace(row, test=found.test, size=found.size, reason=found.note, p_adjusted=found.p_adjusted)


def sign_flip_test(
    data: MeasureData, *, pair: Pair, confidence: float, summary: str = "mean", permutation: PermutationOptions | None = None
) -> PairedTest:
    """The estimate of `paired_test` with p and interval by permutation of the orders of the conditions (see `permutation`).

    The standard error is that of least squares, for orientation; there are no degrees of freedom. `UnanswerableError` as there.
    """
    paired = paired_data(data, pair=pair, summary=summary)
    orders = _orders(data, pair=pair, participants=paired.participants, permutation=permutation)
    (flip,) = _flipped([paired], data=data, orders=orders, confidence=confidence)
    rows = pair_rows(data, pair=pair, participants=paired.participants)
    return _paired_test(flip, rows=rows, drawn=orders.drawn, confidence=confidence)


def window_flip_tests(
    data: MeasureData, *, pair: Pair, confidence: float, permutation: PermutationOptions | None = None
) -> list[tuple[int, PairedTest | UnanswerableError]]:
    """The same test of each infusion window against the baseline, with p adjusted for all of them by step-down max-T.

    Pairs of the position among the windows of the design and its test, or why it has none; p is adjusted for those that have one.
    """
    answers: dict[int, PairedTest | UnanswerableError] = {}
    found: dict[int, PairedData] = {}
    for place in np.flatnonzero((data.windows["phase"] == "infusion").to_numpy()).tolist():
        try:
            found[place] = _window_data(data, place=place, pair=pair)
        except UnanswerableError as error:
            answers[place] = error
    if found:
        participants = pair_periods(data, pair=pair).dropna().index
        orders = _orders(data, pair=pair, participants=participants, permutation=permutation)
        flips = _flipped(list(found.values()), data=data, orders=orders, confidence=confidence)
        for (place, paired), flip in zip(found.items(), flips, strict=True):
            rows = pair_rows(data, pair=pair, participants=paired.participants, window=data.windows["window"].iloc[place])
            test = _paired_test(flip, rows=rows, drawn=orders.drawn, confidence=confidence)
            answers[place] = replace(test, p_adjusted=flip.p_adjusted)
    return sorted(answers.items())


def _window_data(data: MeasureData, *, place: int, pair: Pair) -> PairedData:
    """Differences in one window; `UnanswerableError` unless both orders of the conditions are among them."""
    paired = paired_data(data, pair=pair, window=data.windows["window"].iloc[place])
    periods = pair_periods(data, pair=pair).loc[paired.participants]
    if data.has_period and (periods[pair[0]] > periods[pair[1]]).nunique() < 2:
        raise UnanswerableError("not_estimable", f"{data.measure}: participants of one order of the conditions alone have this window")
    return paired


def _orders(data: MeasureData, *, pair: Pair, participants: pd.Index, permutation: PermutationOptions | None) -> _Orders:
    """Signs and strata of the participants: the two periods of each; without periods every sign is +1 and free."""
    options = permutation or PermutationOptions()
    if not data.has_period:
        signs = np.ones(len(participants))
        return _Orders(participants=participants, signs=signs, drawn=rearrangements(signs, strata=None, options=options))
    periods = pair_periods(data, pair=pair).loc[participants].to_numpy(dtype=float)
    signs = np.where(periods[:, 0] > periods[:, 1], 1.0, -1.0)
    strata = [tuple(sorted(row)) for row in periods.tolist()]
    return _Orders(participants=participants, signs=signs, drawn=rearrangements(signs, strata=strata, options=options))


def _flipped(found: list[PairedData], *, data: MeasureData, orders: _Orders, confidence: float) -> list[FlipResult]:
    outcomes = [_outcome(paired, orders=orders) for paired in found]
    try:
        return flip_tests(outcomes, signs=orders.signs, drawn=orders.drawn, confidence=confidence)
    except DataError as error:
        raise UnanswerableError("not_estimable", f"{data.measure}: {error}") from error


def _paired_test(flip: FlipResult, *, rows: pd.DataFrame, drawn: Rearrangements, confidence: float) -> PairedTest:
    """The result in the form of a paired test; the note says how many rearrangements there were and whether they were all."""
    count = f"all {len(drawn.signs)} rearrangements" if drawn.exact else f"{len(drawn.signs) - 1} random rearrangements"
    enough = bool(np.isfinite(flip.ci_low) and np.isfinite(flip.ci_high))
    low, high = (flip.ci_low, flip.ci_high) if enough else (np.nan, np.nan)
    return PairedTest(
        test=TestResult(estimate=flip.estimate, se=flip.se, df=np.nan, t=flip.t, p=flip.p, ci_low=low, ci_high=high),
        size=size_of(rows),
        note=count if enough else f"{count}, too few for an interval of {100 * confidence:g} %",
    )


def _outcome(paired: PairedData, *, orders: _Orders) -> Outcome:
    """Later less earlier session of all participants, missing where a participant has no difference."""
    place = orders.participants.get_indexer(paired.participants)
    differences = np.full(len(orders.participants), np.nan)
    nuisance = np.zeros((len(orders.participants), paired.nuisance.shape[1]))
    differences[place] = paired.difference * orders.signs[place]
    nuisance[place] = paired.nuisance * orders.signs[place][:, None]
    return Outcome(differences=differences, nuisance=nuisance)

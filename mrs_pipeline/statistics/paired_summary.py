"""One number per session, one difference per participant: the paired t test adjusted for period."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.statistics.design import MIN_PARTICIPANTS, MeasureData, Size, UnanswerableError, size_of
from mrs_pipeline.statistics.inference import TestResult, t_test


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """The test of one pair of conditions, and the size of the data of the participants with both."""

    test: TestResult
    size: Size


def session_summaries(data: MeasureData, *, column: str) -> pd.Series:
    """Mean of a column over the infusion windows of each session, minus that over its baseline windows where the design has any.

    Indexed by participant and condition; sessions that lack one of the two are absent.
    """
    means = data.rows.pivot_table(index=["participant", "condition"], columns="phase", values=column, aggfunc="mean")
    summary = means["infusion"] - means["baseline"] if data.has_baseline else means["infusion"]
    return summary.dropna()


def paired_test(data: MeasureData, *, pair: tuple[str, str], confidence: float) -> PairedTest:
    """Difference of session summaries within participants, regressed on the differences of period and covariates.

    The intercept is the contrast at an average period (the mean of the sequence means): with two periods this is the textbook crossover
    analysis (Jones & Kenward, Design and Analysis of Cross-Over Trials, section 2.3). `UnanswerableError` where it cannot be computed.
    """
    difference = _differences(session_summaries(data, column="y"), pair=pair)
    participants = difference.index
    if len(participants) < MIN_PARTICIPANTS:
        raise UnanswerableError("too_few_participants", f"{len(participants)} participants have both sessions complete in {data.measure}")
    columns = [np.ones(len(participants)), *_period_columns(data, pair=pair, participants=participants)]
    for name in data.covariates:
        shift = _differences(session_summaries(data, column=name), pair=pair).loc[participants].to_numpy(dtype=float)
        if np.ptp(shift) > 0 or shift[0] != 0:
            columns.append(shift)
    return PairedTest(
        test=_intercept_test(difference.to_numpy(dtype=float), columns=columns, measure=data.measure, confidence=confidence),
        size=size_of(data.rows[data.rows["participant"].isin(participants) & data.rows["condition"].isin(pair)]),
    )


def _differences(summaries: pd.Series, *, pair: tuple[str, str]) -> pd.Series:
    """Condition minus reference, per participant with both."""
    wide = summaries.unstack("condition").reindex(columns=list(pair))
    return (wide[pair[0]] - wide[pair[1]]).dropna()


def _period_columns(data: MeasureData, *, pair: tuple[str, str], participants: pd.Index) -> list[FloatArray]:
    """Differences of the period codes (sum to zero) within each participant; empty without periods."""
    if not data.has_period:
        return []
    periods = data.rows.drop_duplicates(["participant", "condition"]).set_index(["participant", "condition"])["period"].unstack("condition")
    first, *later = sorted(data.rows["period"].unique())
    wide = periods.loc[participants, list(pair)]
    codes = [(wide == period).astype(float) - (wide == first).astype(float) for period in later]
    return [(code[pair[0]] - code[pair[1]]).to_numpy() for code in codes]


def _intercept_test(difference: FloatArray, *, columns: list[FloatArray], measure: str, confidence: float) -> TestResult:
    """Least squares; the test of the first coefficient."""
    x = np.column_stack(columns)
    n, p = x.shape
    if n <= p or np.linalg.matrix_rank(x) < p:
        raise UnanswerableError(
            "not_estimable", f"period and condition of {measure} cannot be told apart: both orders of the conditions are needed"
        )
    coefficients = np.linalg.lstsq(x, difference, rcond=None)[0]
    residual = difference - x @ coefficients
    variance = float(residual @ residual) / (n - p) * np.linalg.inv(x.T @ x)[0, 0]
    if variance <= 0:
        raise UnanswerableError("not_estimable", f"the differences of {measure} between sessions do not vary")
    return t_test(estimate=float(coefficients[0]), se=float(np.sqrt(variance)), df=float(n - p), confidence=confidence)

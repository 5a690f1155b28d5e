"""One number per session, one difference per participant: the paired t test adjusted for period."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import unknown_name
from mrs_pipeline.statistics.design import MIN_PARTICIPANTS, MeasureData, Size, UnanswerableError, size_of
from mrs_pipeline.statistics.inference import TestResult, t_test
from mrs_pipeline.statistics.options import SUMMARIES

Pair = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class PairedTest:
    """The test of one pair of conditions, the size of the data of the participants with both, and what the reader should know."""

    test: TestResult
    size: Size
    note: str = ""
    p_adjusted: float | None = None


@dataclass(frozen=True, kw_only=True)
class PairedData:
    """Condition less reference of each participant with both (n,), and the same of period codes and covariates (n, q)."""

    participants: pd.Index
    difference: FloatArray
    nuisance: FloatArray


def session_summaries(data: MeasureData, *, column: str, summary: str = "mean", window: object = None) -> pd.Series:
    """Mean of a column over the infusion windows of each session, minus that over its baseline windows where the design has any.

    ``summary`` is one of `SUMMARIES`; ``auc`` stays in the unit of the column. With ``window`` that infusion window stands alone.
    Indexed by participant and condition; sessions that lack one of the two phases are absent.
    """
    if summary not in SUMMARIES:
        raise unknown_name("summary of a session", summary, SUMMARIES)
    rows = _of_window(data.rows, window)
    weight = (rows["window_stop_s"] - rows["window_start_s"]) if summary == "auc" else pd.Series(1.0, index=rows.index)
    keys = [rows["participant"], rows["condition"], rows["phase"]]
    means = ((rows[column] * weight).groupby(keys).sum() / weight.groupby(keys).sum()).unstack("phase")
    means = means.reindex(columns=["baseline", "infusion"])
    found = means["infusion"] - means["baseline"] if data.has_baseline else means["infusion"]
    return found.dropna()


def paired_data(data: MeasureData, *, pair: Pair, summary: str = "mean", window: object = None) -> PairedData:
    """Differences of session summaries within participants, with those of period codes and of covariates that vary.

    `UnanswerableError` for fewer than `MIN_PARTICIPANTS` differences.
    """
    difference = _differences(session_summaries(data, column="y", summary=summary, window=window), pair=pair)
    participants = difference.index
    if len(participants) < MIN_PARTICIPANTS:
        raise UnanswerableError("too_few_participants", f"{len(participants)} participants have both sessions complete in {data.measure}")
    columns = _period_columns(data, pair=pair, participants=participants)
    for name in data.covariates:
        values = _differences(session_summaries(data, column=name, summary=summary, window=window), pair=pair)
        shift = values.loc[participants].to_numpy(dtype=float)
        if np.ptp(shift) > 0 or shift[0] != 0:
            columns.append(shift)
    nuisance = np.column_stack(columns) if columns else np.zeros((len(participants), 0))
    return PairedData(participants=participants, difference=difference.to_numpy(dtype=float), nuisance=nuisance)


def paired_test(data: MeasureData, *, pair: Pair, confidence: float, summary: str = "mean") -> PairedTest:
    """Difference of session summaries within participants, regressed on the differences of period and covariates.

    The intercept is the contrast at an average period (the mean of the sequence means): with two periods this is the textbook crossover
    analysis (Jones & Kenward, Design and Analysis of Cross-Over Trials, section 2.3). `UnanswerableError` where it cannot be computed.
    """
    paired = paired_data(data, pair=pair, summary=summary)
    test = _intercept_test(paired, measure=data.measure, confidence=confidence)
    return PairedTest(test=test, size=size_of(pair_rows(data, pair=pair, participants=paired.participants)))


def pair_periods(data: MeasureData, *, pair: Pair) -> pd.DataFrame:
    """Periods in which each participant had the two conditions (0 without periods), missing where a session is."""
    column = "period" if data.has_period else "zero"
    rows = data.rows.assign(zero=0.0).drop_duplicates(["participant", "condition"]).set_index(["participant", "condition"])
    return rows[column].unstack("condition").reindex(columns=list(pair))


def pair_rows(data: MeasureData, *, pair: Pair, participants: pd.Index, window: object = None) -> pd.DataFrame:
    """The data of those participants under the two conditions; with ``window`` of that and the baseline alone."""
    return _of_window(data.rows[data.rows["participant"].isin(participants) & data.rows["condition"].isin(pair)], window)


def _of_window(rows: pd.DataFrame, window: object) -> pd.DataFrame:
    return rows if window is None else rows[(rows["phase"] == "baseline") | (rows["window"] == window)]


def _differences(summaries: pd.Series, *, pair: Pair) -> pd.Series:
    """Condition minus reference, per participant with both."""
    wide = summaries.unstack("condition").reindex(columns=list(pair))
    return (wide[pair[0]] - wide[pair[1]]).dropna()


def _period_columns(data: MeasureData, *, pair: Pair, participants: pd.Index) -> list[FloatArray]:
    """Differences of the period codes (sum to zero) within each participant; empty without periods."""
    if not data.has_period:
        return []
    wide = pair_periods(data, pair=pair).loc[participants]
    first, *later = sorted(data.rows["period"].unique())
    codes = [(wide == period).astype(float) - (wide == first).astype(float) for period in later]
    return [(code[pair[0]] - code[pair[1]]).to_numpy() for code in codes]


def _intercept_test(paired: PairedData, *, measure: str, confidence: float) -> TestResult:
    """Least squares; the test of the first coefficient."""
    difference = paired.difference
    x = np.column_stack([np.ones(len(difference)), paired.nuisance])
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

"""One number per session where `paired_summary` has no pairs: groups, factors of a factorial design, and one group against no change."""

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.statistics.comparisons import Comparison
from mrs_pipeline.statistics.design import MIN_PARTICIPANTS, MeasureData, UnanswerableError, size_of
from mrs_pipeline.statistics.inference import TestResult, t_test
from mrs_pipeline.statistics.paired_summary import PairedTest, session_summaries


def summary_test(data: MeasureData, *, comparison: Comparison, confidence: float, summary: str = "mean") -> PairedTest:
    """Test of a comparison of session summaries: between groups, within participants, or of one group against zero.

    `UnanswerableError` where it cannot be computed, as where participants have some of the conditions but not all.
    """
    if data.design == "parallel":
        return _between_test(data, comparison=comparison, confidence=confidence, summary=summary)
    weighted = _weighted(session_summaries(data, column="y", summary=summary), comparison=comparison)
    if weighted.empty:
        reason = f"'{comparison.name}' is partly between and partly within participants: one number a session cannot test it"
        raise UnanswerableError("not_estimable", reason)
    return _within_test(data, weighted=weighted, comparison=comparison, confidence=confidence, summary=summary)


def _within_test(data: MeasureData, *, weighted: pd.Series, comparison: Comparison, confidence: float, summary: str) -> PairedTest:
    """The weighted sum of summaries of each participant, regressed on the same of period and covariates; its mean is tested."""
    participants = weighted.index
    if len(participants) < MIN_PARTICIPANTS:
        what = "a complete session" if len(comparison.conditions) == 1 else "all sessions complete"
        raise UnanswerableError("too_few_participants", f"{len(participants)} participants have {what} in {data.measure}")
    columns = [np.ones(len(participants)), *_period_columns(data, comparison=comparison, participants=participants)]
    for name in data.covariates:
        shift = _weighted(_covariate(data, name=name, summary=summary), comparison=comparison).loc[participants].to_numpy(dtype=float)
        if np.ptp(shift) > 0 or shift[0] != 0:
            columns.append(shift)
    weights = np.eye(len(columns))[0]
    test = _tested(weighted.to_numpy(dtype=float), x=np.column_stack(columns), weights=weights, data=data, confidence=confidence)
    rows = data.rows[data.rows["participant"].isin(participants) & data.rows["condition"].isin(comparison.conditions)]
    return PairedTest(test=test, size=size_of(rows))


def _between_test(data: MeasureData, *, comparison: Comparison, confidence: float, summary: str) -> PairedTest:
    """Means of the groups and covariates by least squares: with two groups the two-sample t test with equal variances."""
    conditions = list(comparison.conditions)
    changes = session_summaries(data, column="y", summary=summary)
    changes = changes[changes.index.get_level_values("condition").isin(conditions)]
    group = changes.index.get_level_values("condition").to_numpy()
    columns = [(group == condition).astype(float) for condition in conditions]
    columns += [_covariate(data, name=name, summary=summary).loc[changes.index].to_numpy(dtype=float) for name in data.covariates]
    weights = np.concatenate([comparison.over(conditions), np.zeros(len(data.covariates))])
    test = _tested(changes.to_numpy(dtype=float), x=np.column_stack(columns), weights=weights, data=data, confidence=confidence)
    participants = changes.index.get_level_values("participant")
    return PairedTest(test=test, size=size_of(data.rows[data.rows["participant"].isin(participants)]))


def _covariate(data: MeasureData, *, name: str, summary: str) -> pd.Series:
    """What a covariate adds to a summary: its change, or, where sessions have one value and are not their own control, that value."""
    if data.design == "crossover" or not data.constant_in_sessions(name):
        return session_summaries(data, column=name, summary=summary)
    by_session = data.rows.groupby(["participant", "condition"])[name].mean()
    return by_session - float(by_session.mean())


def _weighted(summaries: pd.Series, *, comparison: Comparison) -> pd.Series:
    """The weighted sum over conditions, per participant with all of them."""
    wide = summaries.unstack("condition").reindex(columns=list(comparison.conditions)).dropna()
    return wide @ pd.Series(dict(comparison.weights))


def _period_columns(data: MeasureData, *, comparison: Comparison, participants: pd.Index) -> list[FloatArray]:
    """Weighted sums of the period codes (sum to zero) within each participant; empty without periods."""
    if not data.has_period:
        return []
    sessions = data.rows.drop_duplicates(["participant", "condition"]).set_index(["participant", "condition"])["period"]
    wide = sessions.unstack("condition").loc[participants, list(comparison.conditions)]
    first, *later = sorted(data.rows["period"].unique())
    codes = [(wide == period).astype(float) - (wide == first).astype(float) for period in later]
    return [(code @ pd.Series(dict(comparison.weights))).to_numpy() for code in codes]


def _tested(outcome: FloatArray, *, x: FloatArray, weights: FloatArray, data: MeasureData, confidence: float) -> TestResult:
    """Least squares; the test of a weighted sum of coefficients."""
    n, p = x.shape
    if n <= p or np.linalg.matrix_rank(x) < p:
        reason = f"the {p} coefficients of conditions, periods and covariates of {data.measure} cannot be told apart in {n} participants"
        raise UnanswerableError("not_estimable", reason)
    coefficients = np.linalg.lstsq(x, outcome, rcond=None)[0]
    residual = outcome - x @ coefficients
    variance = float(residual @ residual) / (n - p) * float(weights @ np.linalg.inv(x.T @ x) @ weights)
    if variance <= 0:
        raise UnanswerableError("not_estimable", f"the differences of {data.measure} between sessions do not vary")
    return t_test(estimate=float(weights @ coefficients), se=float(np.sqrt(variance)), df=float(n - p), confidence=confidence)

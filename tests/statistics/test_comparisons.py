"""Groups, factorial designs and one group against the classical tests of session changes; trends and effect sizes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from mrs_pipeline.commands.contrast import contrasts_of
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.comparisons import comparisons
from mrs_pipeline.statistics.contrasts import contrast_table
from mrs_pipeline.statistics.effect_size import hedges_correction, partial_eta_squared, standardised_difference
from mrs_pipeline.statistics.inference import FTestResult, t_test

Study = Callable[..., pd.DataFrame]
FACTORS = {"drug": {"no": ["a", "b"], "yes": ["c", "d"]}, "blocker": {"no": ["a", "c"], "yes": ["b", "d"]}}
SECTION: dict[str, Any] = {"measures": ["Glx/tNAA"], "analyses": ["session_aware", "paired_summary"]}


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """Mean change from baseline of every session, in per cent: participant, condition, change."""
    table = table.assign(y=100 * np.log(table["value"]), during=table["window_stop_s"] > 0)
    means = table.groupby(["participant", "condition", "during"])["y"].mean().unstack("during")
    return (means[True] - means[False]).rename("change").reset_index()


def groups(study: Study, *, names: str = "ab", n: int = 12, **truth: Any) -> pd.DataFrame:
    """The first session of each participant, under one of the conditions in turn."""
    table = study(n_participants=n, **truth)
    first = table[table["session"] == "1"].drop(columns=["period", "sequence"])
    return first.assign(condition=[names[int(name) % len(names)] for name in first["participant"]])


def rows(table: pd.DataFrame, **section: Any) -> pd.DataFrame:
    return contrast_table(table, statistics={**SECTION, **section}).set_index(["analysis", "contrast"])


@pytest.mark.parametrize(("n_baseline", "n_infusion"), [(1, 4), (2, 3), (1, 1), (0, 4), (0, 1)])
def test_two_groups_are_the_two_sample_t_test_of_changes(study: Study, n_baseline: int, n_infusion: int) -> None:
    table = groups(study, n=13, n_baseline_windows=n_baseline, n_infusion_windows=n_infusion)
    if n_baseline:
        change = changes(table)
    else:
        change = table.assign(change=100 * np.log(table["value"])).groupby(["participant", "condition"])["change"].mean().reset_index()
    samples = [change.loc[change["condition"] == name, "change"] for name in "ba"]
    classical = stats.ttest_ind(*samples)
    found = rows(table, conditions=["a", "b"])
    for analysis in SECTION["analyses"]:
        ours = found.loc[(analysis, f"b - a: infusion {'change' if n_baseline else 'mean'}")]
        assert (ours["statistic"], ours["df"], ours["p"]) == pytest.approx((classical.statistic, 11, classical.pvalue), rel=1e-5)
        assert ours["effect"] == "d_s"
        pooled = np.sqrt(sum((len(sample) - 1) * sample.var() for sample in samples) / 11)
        assert ours["effect_size"] == pytest.approx(ours["estimate"] / pooled * hedges_correction(11), rel=1e-5)
        assert "between participants" in ours["reason"]


def test_one_group_is_the_one_sample_t_test_of_changes(study: Study) -> None:
    table = groups(study, names="a", n=9)
    change = changes(table)["change"]
    classical = stats.ttest_1samp(change, 0)
    found = rows(table, conditions=["a"])
    for analysis in SECTION["analyses"]:
        ours = found.loc[(analysis, "a: infusion change")]
        assert (ours["statistic"], ours["df"], ours["p"]) == pytest.approx((classical.statistic, 8, classical.pvalue), rel=1e-5)
        assert ours["effect_size"] == pytest.approx(change.mean() / change.std() * hedges_correction(8), rel=1e-5)
    assert not found.index.get_level_values("contrast").str.contains("baseline").any()


def test_age_is_the_analysis_of_covariance_of_changes(study: Study) -> None:
    table = groups(study, n=14).assign(age=lambda table: 20 + 3.0 * (table["participant"].astype(int) * 5 % 13))
    change = changes(table).merge(table[["participant", "age"]].drop_duplicates())
    x = np.column_stack([np.ones(14), change["condition"] == "b", change["age"]])
    fit = np.linalg.lstsq(x, change["change"], rcond=None)
    se = np.sqrt(fit[1][0] / 11 * np.linalg.inv(x.T @ x)[1, 1])
    found = rows(table, conditions=["a", "b"], covariates=["age"])
    for analysis in SECTION["analyses"]:
        ours = found.loc[(analysis, "b - a: infusion change")]
        assert (ours["estimate"], ours["se"], ours["df"]) == pytest.approx((fit[0][1], se, 11), rel=1e-5)


@pytest.mark.parametrize("within", [False, True])
def test_factorial_design_is_the_analysis_of_variance_of_changes(study: Study, within: bool) -> None:
    if within:
        parts = [study(n_participants=8, seed=seed).assign(seed=seed) for seed in (1, 2)]
        table = pd.concat(parts).drop(columns=["period", "sequence"])
        table["session"] = table["session"] + "." + table["seed"].astype(str)
        order = sorted(set(table["session"]))
        table["condition"] = ["abcd"[(order.index(s) + int(p)) % 4] for s, p in zip(table["session"], table["participant"], strict=True)]
    else:
        table = groups(study, names="abcd", n=19)
    change = changes(table)
    found = rows(table, conditions=list("abcd"), factors=FACTORS)
    weights = {"drug, yes - no": [-0.5, -0.5, 0.5, 0.5], "blocker, yes - no": [-0.5, 0.5, -0.5, 0.5], "drug x blocker": [1, -1, -1, 1]}
    for name, w in weights.items():
        if within:
            scores = change.pivot_table(index="participant", columns="condition", values="change")[list("abcd")] @ np.array(w)
            t, df = stats.ttest_1samp(scores, 0).statistic, 7
        else:
            by_group = change.groupby("condition")["change"]
            variance = (by_group.var() * (by_group.count() - 1)).sum() / 15
            t, df = (by_group.mean() @ np.array(w)) / np.sqrt(variance * (np.array(w) ** 2 / by_group.count()).sum()), 15
        paired = found.loc[("paired_summary", f"{name}: infusion change")]
        assert (paired["statistic"], paired["df"]) == pytest.approx((t, df), rel=1e-6)
        mixed = found.loc[("session_aware", f"{name}: infusion change")]
        if within:  # one error term for all contrasts, so that only the estimate is that of the scores
            assert mixed["estimate"] == pytest.approx(paired["estimate"], rel=1e-6)
            assert mixed["df"] == pytest.approx(21, rel=1e-4)
        else:
            assert (mixed["statistic"], mixed["df"]) == pytest.approx((t, df), rel=1e-5)


def test_a_design_with_one_factor_between_participants(study: Study) -> None:
    table = study(n_participants=16)
    second = table["participant"].astype(int) > 8
    names = np.where(table["condition"] == "placebo", np.where(second, "c", "a"), np.where(second, "d", "b"))
    table = table.assign(condition=names)
    found = rows(table, conditions=list("abcd"), factors=FACTORS, analyses=["session_aware"])
    assert (found["status"] == "ok").all()
    within, between = (found.loc[("session_aware", f"{name}, yes - no: infusion change")] for name in ("blocker", "drug"))
    assert within["df"] == pytest.approx(13, abs=0.01)
    assert between["df"] == pytest.approx(14, abs=0.01)
    with_paired = rows(table, conditions=list("abcd"), factors=FACTORS, analyses=["paired_summary"])
    assert "partly between and partly within" in with_paired["reason"].iloc[0]


def test_trend_and_windows_are_those_of_complete_data(study: Study) -> None:
    table = study(n_participants=10)
    table["minutes"] = (table["window_start_s"] + table["window_stop_s"]) / 120
    during = table[table["window_stop_s"] > 0].assign(y=lambda rows: 100 * np.log(rows["value"]))
    slope = during.groupby(["participant", "condition"])[["minutes", "y"]].apply(lambda rows: np.polyfit(rows["minutes"], rows["y"], 1)[0])
    wide = slope.unstack("condition")
    found = rows(table, conditions=["placebo", "naltrexone"])
    trend = found.loc[("session_aware", "naltrexone - placebo: infusion trend")]
    assert trend["estimate"] == pytest.approx((wide["naltrexone"] - wide["placebo"]).mean(), rel=1e-6)
    assert trend["unit"] == "%/min"
    joint = found.loc[("session_aware", "naltrexone - placebo: infusion by window")]
    assert (joint["df_numerator"], joint["effect"]) == (3, "partial_eta2")
    # balanced: the F test of condition by window against the windows within sessions
    y = during.pivot_table(index=["participant", "condition"], columns="window", values="y")
    within = y.sub(y.mean(axis=1), axis=0)
    model = within.groupby("condition").transform("mean")
    difference = (model.xs("naltrexone", level="condition").iloc[0] - model.xs("placebo", level="condition").iloc[0]).to_numpy()
    error = float(((within - model) ** 2).to_numpy().sum()) / (3 * 18)
    assert joint["statistic"] == pytest.approx(10 / 2 * float(difference @ difference) / 3 / error, rel=1e-4)
    assert joint["df"] == pytest.approx(54, rel=1e-4)
    assert np.isnan(joint["estimate"])


def test_three_conditions_have_a_joint_test(study: Study) -> None:
    table = groups(study, names="abc", n=15)
    joint = rows(table, conditions=list("abc")).loc[("session_aware", "all conditions: infusion by window")]
    assert joint["df_numerator"] == 6


def test_effect_sizes_of_equal_t_have_the_intervals_of_the_noncentral_distribution() -> None:
    test = t_test(estimate=2.3, se=1.0, df=24.0, confidence=0.95)
    effect = standardised_difference(test, per_root=26**-0.5, kind="d_z", confidence=0.95)
    assert hedges_correction(25) == pytest.approx(1 - 3 / 99, abs=1e-3)
    for end, probability in ((effect.low, 0.975), (effect.high, 0.025)):
        noncentrality = optimize.brentq(lambda nc, p=probability: stats.nct.cdf(2.3, 24, nc) - p, -5, 10)
        assert end == pytest.approx(noncentrality * 26**-0.5 * hedges_correction(24), rel=1e-4)


def test_partial_eta_squared_has_the_interval_of_the_noncentral_distribution() -> None:

    test = FTestResult(f=5.0, df_numerator=3.0, df_denominator=54.0, p=0.004)
    effect = partial_eta_squared(test, confidence=0.9)
    assert effect.value == pytest.approx(15 / 69)
    for end, probability in ((effect.low, 0.95), (effect.high, 0.05)):
        noncentrality = optimize.brentq(lambda nc, p=probability: stats.ncf.cdf(5.0, 3, 54, nc) - p, 1e-6, 80)
        assert end == pytest.approx(noncentrality / (noncentrality + 3 + 54 + 1), rel=1e-3)
    assert partial_eta_squared(replace(test, f=0.1), confidence=0.9).low == 0


def test_weights_of_a_factorial_design() -> None:
    found = {item.name: item.over("abcd").tolist() for item in comparisons("abcd", factors=FACTORS)}
    assert found["b - a"] == [-1, 1, 0, 0]
    assert found["drug, yes - no"] == [-0.5, -0.5, 0.5, 0.5]
    assert found["drug x blocker"] == [1, -1, -1, 1]


@pytest.mark.parametrize(
    ("design", "names", "message"),
    [
        ("crossover", "ab", "every participant has sessions under one condition only"),
        ("pre_post", "ab", "name one condition in statistics.conditions"),
    ],
)
def test_groups_declared_as_something_else_are_refused(study: Study, design: str, names: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(groups(study, names=names), conditions=list(names), design=design)


def test_a_participant_in_both_groups_is_refused(study: Study) -> None:
    with pytest.raises(DataError, match="parallel, but participant 01 has sessions under 2 conditions"):
        rows(study(), conditions=["placebo", "naltrexone"], design="parallel")


def test_small_groups_are_a_status(study: Study) -> None:
    table = groups(study, n=6)
    alone = table[(table["condition"] == "a") | (table["participant"] == "01")]
    found = rows(alone, conditions=["a", "b"])
    assert (found["status"] == "too_few_participants").all()
    assert "1 under 'b'" in found["reason"].iloc[0]


def test_one_condition_without_baseline_is_a_status(study: Study) -> None:
    table = groups(study, names="a", n_baseline_windows=0)
    assert (rows(table, conditions=["a"])["status"] == "no_baseline").all()
    whole = {**SECTION, "conditions": ["a"], "primary": {"analysis": "session_aware", "measure": "Glx/tNAA", "contrast": None}}
    assert contrasts_of(table, statistics=whole)[0]["status"].tolist() == ["nothing_to_contrast"]
    with_baseline, means = contrasts_of(groups(study, names="a"), statistics=whole)
    assert with_baseline.iloc[0]["contrast"] == "a: infusion change"
    assert set(means["condition"]) == {"a"}


def test_task_and_rest_of_one_condition(study: Study) -> None:
    table = groups(study, names="a").assign(phase=lambda rows: np.where(rows["window"] % 2 == 1, "task", "rest"))
    found = rows(table, conditions=["a"])
    change = table.assign(y=100 * np.log(table["value"])).groupby(["participant", "phase"])["y"].mean().unstack()
    classical = stats.ttest_1samp(change["task"] - change["rest"], 0)
    for analysis in SECTION["analyses"]:
        ours = found.loc[(analysis, "a: task change")]
        assert (ours["statistic"], ours["p"]) == pytest.approx((classical.statistic, classical.pvalue), rel=1e-5)

"""The table of contrasts: names, units, families, statuses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.statistics import crossover_model
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.contrasts import COLUMNS, MARGINAL_COLUMNS, contrast_table, marginal_means

Study = Callable[..., pd.DataFrame]
MAIN = "naltrexone - placebo: infusion change"


def several(study: Study, names: list[str]) -> pd.DataFrame:
    return pd.concat([study(seed=number).assign(measure=name) for number, name in enumerate(names, start=10)], ignore_index=True)


def row(table: pd.DataFrame, **values: str) -> pd.Series:
    chosen = table[np.logical_and.reduce([table[column] == value for column, value in values.items()])]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_columns_and_names(study: Study, section: dict[str, Any]) -> None:
    table = contrast_table(study(), statistics=section)
    assert list(table.columns) == list(COLUMNS)
    aware = table[table["analysis"] == "session_aware"]["contrast"].tolist()
    windows = [f"naltrexone - placebo: window {start} to {start + 300} s" for start in (0, 300, 600, 900)]
    changes = ["placebo: infusion change", "naltrexone: infusion change"]
    over_time = ["naltrexone - placebo: infusion trend", "naltrexone - placebo: infusion by window"]
    assert aware == [MAIN, "naltrexone - placebo: baseline", *changes, *windows, *over_time]
    assert table[table["analysis"] == "as_published"]["contrast"].tolist() == ["naltrexone - placebo: infusion mean"]
    assert (table["status"] == "ok").all()
    assert (table["unit"] == np.where(table["contrast"].str.endswith("trend"), "%/min", "%")).all()
    assert (table["n_participants"] == 8).all()
    sizes = {name: tuple(row(table, analysis=name, contrast=c)[["n_sessions", "n_windows"]]) for name, c in (("session_aware", MAIN),)}
    assert sizes == {"session_aware": (16, 80)}
    assert row(table, analysis="as_published")["n_windows"] == 64


def test_contrasts_add_up(study: Study, section: dict[str, Any]) -> None:
    table = contrast_table(study(missing_fraction=0.1), statistics=section)
    estimate = table[table["analysis"] == "session_aware"].set_index("contrast")["estimate"]
    assert estimate["naltrexone: infusion change"] - estimate["placebo: infusion change"] == pytest.approx(estimate[MAIN])
    assert estimate[estimate.index.str.contains("window")].mean() == pytest.approx(estimate[MAIN])


def test_estimates_recover_a_large_effect(study: Study, section: dict[str, Any]) -> None:
    quiet = study(effect_percent=5.0, window_sd_percent=0.01, response_sd_percent=0.01, period_response_percent=-3.0)
    main = row(contrast_table(quiet, statistics=section), analysis="session_aware", contrast=MAIN)
    assert main["estimate"] == pytest.approx(5.0, abs=0.05)
    assert main["ci_low"] < 5.0 < main["ci_high"]


def test_without_baseline_the_means_are_contrasted(study: Study, section: dict[str, Any]) -> None:
    table = contrast_table(study(n_baseline_windows=0), statistics=section)
    main = table[table["contrast"] == "naltrexone - placebo: infusion mean"]
    assert set(main["analysis"]) == {"session_aware", "as_published", "paired_summary"}
    assert not table["contrast"].str.contains("change|baseline").any()


def test_primary_is_not_adjusted_and_the_rest_is_one_family(study: Study, section: dict[str, Any]) -> None:
    measures = ["Glx/tNAA", "GABA/tNAA", "tCho/tNAA"]
    table = contrast_table(several(study, measures), statistics={**section, "measures": measures})
    aware = table[(table["analysis"] == "session_aware") & (table["contrast"] == MAIN)].set_index("measure")
    assert aware.loc["Glx/tNAA", "p_adjusted"] == aware.loc["Glx/tNAA", "p"]
    low, high = sorted(aware.loc[measures[1:], "p"])
    assert sorted(aware.loc[measures[1:], "p_adjusted"]) == pytest.approx([min(2 * low, 1), min(max(2 * low, high), 1)])


def test_windows_are_adjusted_within_measure(study: Study, section: dict[str, Any]) -> None:
    measures = ["Glx/tNAA", "GABA/tNAA"]
    table = contrast_table(several(study, measures), statistics={**section, "measures": measures})
    for measure in measures:
        windows = table[(table["measure"] == measure) & table["contrast"].str.contains("window")]
        assert windows["p_adjusted"].min() == pytest.approx(min(1.0, 4 * windows["p"].min()))


def test_permutation_has_a_main_contrast_and_windows_with_their_own_adjustment(study: Study, section: dict[str, Any]) -> None:
    table = contrast_table(study(), statistics={**section, "analyses": ["session_aware", "paired_summary", "sign_flip", "max_t"]})
    flip, paired = (row(table, analysis=name) for name in ("sign_flip", "paired_summary"))
    assert flip["contrast"] == MAIN
    assert (flip["estimate"], flip["se"]) == pytest.approx((paired["estimate"], paired["se"]))
    assert flip["reason"] == "all 70 rearrangements"
    assert flip["p_adjusted"] == flip["p"]
    windows = table[table["analysis"] == "max_t"]
    aware = table[(table["analysis"] == "session_aware") & table["contrast"].str.contains(": window")]
    assert windows["contrast"].tolist() == aware["contrast"].tolist()
    np.testing.assert_allclose(windows["estimate"], aware["estimate"])  # complete data: a difference of means in both
    smallest = windows["p"].idxmin()
    assert windows.loc[smallest, "p"] <= windows.loc[smallest, "p_adjusted"] <= min(1.0, 4 * windows.loc[smallest, "p"])
    assert (windows["p_adjusted"] >= windows["p"]).all()


def test_area_and_mean_differ_where_windows_do(study: Study, section: dict[str, Any]) -> None:
    table = study()
    table.loc[table["window"] == 4, "window_stop_s"] += 600.0
    only = {**section, "analyses": ["session_aware", "paired_summary", "sign_flip"]}
    mean, auc = (contrast_table(table, statistics={**only, "summary": summary}).set_index("analysis") for summary in ("mean", "auc"))
    assert auc.loc["paired_summary", "estimate"] == pytest.approx(auc.loc["sign_flip", "estimate"])
    assert auc.loc["paired_summary", "estimate"] != pytest.approx(mean.loc["paired_summary", "estimate"])


def test_one_condition_is_a_status_not_an_error(study: Study, section: dict[str, Any]) -> None:
    table = study()
    result = contrast_table(table[table["condition"] == "placebo"], statistics=section)
    assert result["status"].tolist() == ["one_condition"] * 3
    assert result["estimate"].isna().all()
    assert result["p_adjusted"].isna().all()
    assert result["contrast"].tolist() == [MAIN, "naltrexone - placebo: infusion mean", MAIN]


def test_a_bad_measure_does_not_take_the_others_with_it(study: Study, section: dict[str, Any]) -> None:
    measures = ["Glx/tNAA", "GABA/tNAA"]
    table = several(study, measures)
    table.loc[table[table["measure"] == "GABA/tNAA"].index[5], "value"] = 0.0
    result = contrast_table(table, statistics={**section, "measures": [*measures, "Lac/tNAA"]})
    statuses = result[result["contrast"] == MAIN].groupby("measure")["status"].first().to_dict()
    assert statuses == {"Glx/tNAA": "ok", "GABA/tNAA": "invalid_values", "Lac/tNAA": "no_data"}


def test_three_conditions(study: Study, section: dict[str, Any]) -> None:
    table = study(n_participants=12)
    third = table[table["session"] == "1"].assign(session="3", period=3, condition="esketamine")
    third["value"] = third["value"] * np.exp(0.05 * np.random.default_rng(8).normal(size=len(third)))
    few = third[third["participant"] <= "03"]
    conditions = {**section, "conditions": ["placebo", "naltrexone", "esketamine"]}
    whole = contrast_table(pd.concat([table, third]).drop(columns="period"), statistics=conditions)
    mains = whole[whole["contrast"].str.endswith("- placebo: infusion change") | whole["contrast"].str.endswith("- placebo: infusion mean")]
    mains = mains[mains["status"] == "ok"]
    assert len(mains) == 6
    partly = contrast_table(pd.concat([table, few]).drop(columns="period"), statistics={**conditions, "analyses": ["session_aware"]})
    assert row(partly, contrast="esketamine - placebo: infusion change")["status"] == "too_few_participants"
    assert row(partly, contrast=MAIN)["status"] == "ok"


def test_a_model_that_does_not_converge_is_a_status(study: Study, section: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fit = crossover_model.fit_reml
    monkeypatch.setattr(crossover_model, "fit_reml", lambda design: replace(fit(design), converged=False))
    result = contrast_table(study(), statistics={**section, "analyses": ["session_aware"]})
    assert result["status"].tolist() == ["not_converged"]
    assert result["estimate"].isna().all()


def test_a_maximum_without_noise_is_replaced_and_said(study: Study, section: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    fit = crossover_model.fit_reml
    monkeypatch.setattr(
        crossover_model,
        "fit_reml",
        lambda design: replace(fit(design), converged=not any(term.signed for term in design.random)),
    )
    result = contrast_table(study(), statistics={**section, "analyses": ["session_aware"]})
    assert (result["status"] == "ok").all()
    assert result["reason"].str.contains("held non-negative").all()


def test_configuration_and_data_errors_pass_through(study: Study, section: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="unknown analysis"):
        contrast_table(study(), statistics={**section, "analyses": ["t"]})
    with pytest.raises(DataError, match="no column 'value'"):
        contrast_table(study().drop(columns="value"), statistics=section)


def test_result_does_not_depend_on_the_order_of_rows(study: Study, section: dict[str, Any]) -> None:
    table = study(missing_fraction=0.1)
    shuffled = table.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(contrast_table(table, statistics=section), contrast_table(shuffled, statistics=section), rtol=1e-7)


def test_marginal_means_are_the_means_of_complete_data(study: Study, section: dict[str, Any]) -> None:
    table = study(n_baseline_windows=2)
    result = marginal_means(table, statistics=section, measure="Glx/tNAA")
    assert list(result.columns) == list(MARGINAL_COLUMNS)
    raw = (100 * np.log(table["value"])).groupby([table["condition"], table["window_start_s"]]).mean()
    for condition in ("placebo", "naltrexone"):
        expected = raw[condition] - raw[condition][[-600.0, -300.0]].mean()
        ours = result[result["condition"] == condition].set_index("window_start_s")
        np.testing.assert_allclose(ours["estimate"], expected[ours.index], atol=1e-7)
        assert ((ours["ci_low"] < ours["estimate"]) & (ours["estimate"] < ours["ci_high"])).all()


def test_a_single_baseline_window_is_its_own_reference(study: Study, section: dict[str, Any]) -> None:
    result = marginal_means(study(), statistics=section, measure="Glx/tNAA")
    assert (result.loc[result["window_start_s"] < 0, ["estimate", "ci_low", "ci_high"]] == 0).all(axis=None)


def test_marginal_means_of_nothing_are_an_empty_table(study: Study, section: dict[str, Any]) -> None:
    assert marginal_means(study(n_participants=2), statistics=section, measure="Glx/tNAA").empty


def test_every_analysis_says_what_it_assumes() -> None:
    assert all(analysis.description and analysis.assumption for analysis in ANALYSES.values())
    assert "false positives" in ANALYSES["as_published"].warning
    assert not ANALYSES["session_aware"].warning


FEW = {"n_participants": 6, "response_sd_percent": 0.0, "missing_fraction": 0.3}


def test_few_incomplete_data_fall_back_on_non_negative_variances(study: Study, section: dict[str, Any]) -> None:
    result = contrast_table(study(seed=3, **FEW), statistics={**section, "analyses": ["session_aware"]})
    assert (result["status"] == "ok").all()
    assert result["reason"].str.startswith("variance parameters held non-negative").all()


def test_a_contrast_without_degrees_of_freedom_is_a_status(study: Study, section: dict[str, Any]) -> None:
    result = contrast_table(study(seed=49, **FEW), statistics={**section, "analyses": ["session_aware"]})
    main = row(result, contrast=MAIN)
    assert (main["status"], main["reason"][:20]) == ("not_estimable", "the data are too few")
    assert np.isnan(main["p"])
    assert (result["status"] == "ok").sum() == len(result) - 1

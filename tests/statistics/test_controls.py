"""Negative controls: against the tests they are made of, on data with and without what they look for."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mrs_pipeline.statistics.contrasts import contrast_table
from mrs_pipeline.statistics.controls import CONTROL_COLUMNS, control_table

Study = Callable[..., pd.DataFrame]
MAIN = "naltrexone - placebo: infusion change"


def quality(measures: pd.DataFrame, *, difference_hz: float = 0.0) -> pd.DataFrame:
    """Linewidth, SNR and shift of each window; linewidth falls under naltrexone during the infusion."""
    rng = np.random.default_rng(2)
    rows = measures[["participant", "session", "window"]].copy()
    moved = (measures["condition"] == "naltrexone") & (measures["window_start_s"] >= 0)
    rows["fwhm_hz"] = 6 + 0.1 * rng.normal(size=len(rows)) - difference_hz * moved
    rows["snr"] = 80 * np.exp(0.02 * rng.normal(size=len(rows)))
    rows["shift_hz"] = rng.normal(size=len(rows))
    return rows.assign(status="ok")


def test_within_the_baseline_the_primary_analysis_is_run_on_its_halves(study: Study, section: dict[str, Any]) -> None:
    table = study(n_baseline_windows=4)
    ours = control_table(table, statistics=section, controls=["pseudo_onset", "split_half"]).set_index("control")
    assert ["control", *ours.columns] == list(CONTROL_COLUMNS)
    baseline = table[table["window_start_s"] < 0]
    moved = baseline.assign(**{name: baseline[name] + 600.0 for name in ("window_start_s", "window_stop_s")})  # onset in the middle
    expected = contrast_table(moved, statistics=section).set_index(["analysis", "contrast"]).loc["session_aware", MAIN]
    assert ours.loc["pseudo_onset", "estimate"] == pytest.approx(expected["estimate"])
    assert ours.loc["pseudo_onset", "p"] == pytest.approx(expected["p"])
    y = 100 * np.log(baseline["value"])
    late = y.groupby([baseline["participant"], baseline["window"] >= 2]).mean().unstack()
    t = stats.ttest_1samp(late[True] - late[False], 0.0)
    assert (ours.loc["split_half", "p"], ours.loc["split_half", "df"]) == (pytest.approx(t.pvalue), 7)
    assert (ours["status"] == "ok").all()


def test_a_drift_of_the_baseline_is_found_and_one_of_a_condition_as_well(study: Study, section: dict[str, Any]) -> None:
    table = study(n_baseline_windows=2, window_sd_percent=0.5, n_participants=12)
    late = table["window"] == 1
    drifting = table.assign(value=table["value"] * np.exp(0.05 * late))
    ours = control_table(drifting, statistics=section, controls=["pseudo_onset", "split_half"]).set_index("control")
    assert ours.loc["split_half", "sentence"].startswith("A change where none was expected, in Glx/tNAA in the baseline")
    assert ours.loc["split_half", "estimate"] == pytest.approx(5.0, abs=0.5)
    assert ours.loc["pseudo_onset", "sentence"].startswith("No sign of a bias in the change of Glx/tNAA within the baseline")
    treated = table.assign(value=table["value"] * np.exp(0.05 * (late & (table["condition"] == "naltrexone"))))
    ours = control_table(treated, statistics=section, controls=["pseudo_onset"])
    assert ours["sentence"].iloc[0].startswith("A change where none was expected")


def test_one_baseline_window_says_why_there_is_no_control(study: Study, section: dict[str, Any]) -> None:
    for n, words in ((1, "the baseline is one window"), (0, "there is no baseline window")):
        statistics = section if n else {**section, "primary": {**section["primary"], "contrast": "naltrexone - placebo: infusion mean"}}
        ours = control_table(study(n_baseline_windows=n), statistics=statistics, controls=["pseudo_onset", "split_half"])
        assert ours["status"].tolist() == ["one_baseline_window"] * 2
        assert all(words in sentence and "needs two or more" in sentence for sentence in ours["sentence"])
        assert ours["estimate"].isna().all()


def test_an_outcome_that_moves_is_named_with_its_unit(study: Study, section: dict[str, Any]) -> None:
    table = study()
    ours = control_table(table, statistics=section, controls=["fwhm_hz", "snr", "shift_hz"], fitquality=quality(table, difference_hz=0.5))
    found = ours.set_index("control")
    assert (found.loc["fwhm_hz", "unit"], found.loc["snr", "unit"], found.loc["shift_hz", "unit"]) == ("Hz", "%", "Hz")
    assert found.loc["fwhm_hz", "estimate"] == pytest.approx(-0.5, abs=0.2)
    assert found.loc["fwhm_hz", "sentence"].startswith("A change where none was expected, in the linewidth (naltrexone - placebo:")
    assert found.loc["snr", "sentence"].startswith("No sign of a bias in the signal-to-noise ratio")
    assert "may have been missed" in found.loc["snr", "sentence"]


def test_failed_fits_have_no_quality(study: Study, section: dict[str, Any]) -> None:
    table = study()
    spoilt = quality(table)
    spoilt.loc[3, ["status", "fwhm_hz"]] = ["not_converged", 90.0]
    with_it, without_it = (
        control_table(table, statistics=section, controls=["fwhm_hz"], fitquality=found) for found in (spoilt, spoilt.drop(index=3))
    )
    assert with_it["estimate"].iloc[0] == pytest.approx(without_it["estimate"].iloc[0])


def test_a_ratio_of_two_measures_is_made_where_it_is_not_listed(study: Study, section: dict[str, Any]) -> None:
    creatine, naa = study(seed=5).assign(measure="tCr"), study(seed=6).assign(measure="tNAA")
    ratio = creatine.assign(value=creatine["value"].to_numpy() / naa["value"].to_numpy(), measure="tCr/tNAA")
    parts = pd.concat([study(), creatine, naa], ignore_index=True)
    made = control_table(parts, statistics=section, controls=["tCr/tNAA"])
    given = control_table(pd.concat([parts, ratio], ignore_index=True), statistics=section, controls=["tCr/tNAA"])
    assert made["estimate"].iloc[0] == pytest.approx(given["estimate"].iloc[0])
    assert made["p"].iloc[0] == pytest.approx(given["p"].iloc[0])


def test_what_is_not_there_is_said(study: Study, section: dict[str, Any]) -> None:
    ours = control_table(study(), statistics=section, controls=["fwhm_hz", "tNAA"])
    assert ours["status"].tolist() == ["no_data", "no_data"]
    assert ours["sentence"].tolist() == [
        "Not answered: there is no table of fit quality with the column fwhm_hz.",
        "Not answered: there is no value of tNAA in the table of measures.",
    ]

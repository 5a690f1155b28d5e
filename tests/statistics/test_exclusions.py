"""Exclusions: which windows go and why, and whether the counts add up."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.statistics.exclusions import account, active_limits, excluded_windows, window_quality, without


def table(n_participants: int = 4) -> pd.DataFrame:
    """Measures of two visits with three windows each."""
    participant, visit, window = (axis.ravel() for axis in np.indices((n_participants, 2, 3)))
    rows = {"participant": [f"{n:02d}" for n in participant], "session": visit.astype(str), "window": window}
    condition = np.where((participant + visit) % 2, "drug", "placebo")
    return pd.DataFrame({**rows, "condition": condition, "measure": "Glx/tNAA", "value": 1.0})


def fitquality(measures: pd.DataFrame) -> pd.DataFrame:
    return measures[["participant", "session", "window"]].assign(status="ok", fwhm_hz=6.0, snr=80.0, fqn=1.0)


def test_a_window_goes_for_the_first_criterion_it_fails() -> None:
    quality = fitquality(table())
    quality.loc[0, ["fwhm_hz", "snr"]] = [13.0, 10.0]
    quality.loc[1, "snr"] = 10.0
    quality.loc[2, "fwhm_hz"] = np.nan
    quality.loc[3, "fwhm_hz"] = 12.0  # at the limit
    found = excluded_windows(window_quality(fitquality=quality), limits={"max_fwhm_hz": 12.0, "min_snr": 20.0})
    assert found[["window", "criterion"]].to_numpy().tolist() == [[0, "max_fwhm_hz"], [1, "min_snr"]]


def test_rejected_transients_are_a_fraction_of_those_acquired() -> None:
    measures = table()
    windows = measures[["participant", "session", "window"]].assign(n_acquired=100, n_retained=90)
    windows.loc[4, "n_retained"] = 69
    windows.loc[5, ["n_acquired", "n_retained"]] = 0
    found = excluded_windows(window_quality(windows=windows), limits={"max_rejected_fraction": 0.3})
    assert found["window"].tolist() == [1]
    assert found["session"].tolist() == ["1"]


def test_a_session_with_too_few_windows_left_goes_as_a_whole() -> None:
    quality = fitquality(table())
    quality.loc[0, "snr"] = 1.0
    quality.loc[7, "status"] = "not_converged"
    found = excluded_windows(window_quality(fitquality=quality), limits={"min_snr": 20.0, "min_windows": 3})
    assert found["criterion"].tolist() == ["min_snr", "min_windows", "min_windows", *["min_windows"] * 3]
    assert set(found["participant"]) == {"00", "01"}


def test_no_criterion_sees_the_condition() -> None:
    measures = table()
    quality = fitquality(measures)
    quality["snr"] = np.random.default_rng(0).uniform(10, 100, size=len(quality))
    limits = {"min_snr": 50.0, "min_windows": 2}
    swapped = quality.assign(condition=np.roll(measures["condition"], 3))
    plain = excluded_windows(window_quality(fitquality=quality), limits=limits)
    pd.testing.assert_frame_equal(plain, excluded_windows(window_quality(fitquality=swapped), limits=limits))
    assert "condition" not in window_quality(fitquality=swapped)


def test_without_criteria_nothing_goes() -> None:
    measures = table()
    found = excluded_windows(window_quality(fitquality=fitquality(measures)), limits={})
    assert found.empty
    pd.testing.assert_frame_equal(without(measures, excluded=found), measures)


def test_the_account_adds_up() -> None:
    measures = table()
    measures.loc[23, "value"] = np.nan  # a failed fit
    quality = fitquality(measures)
    quality.loc[[0, 1, 2, 6], "fwhm_hz"] = 20.0  # one visit, and one window of another participant
    quality.loc[9, "snr"] = 1.0
    limits = {"max_fwhm_hz": 12.0, "min_snr": 20.0}
    sessions = measures[["participant", "session", "condition"]].drop_duplicates().assign(status="ok")
    absent = pd.DataFrame([{"participant": "09", "session": "0", "condition": "drug", "status": "no_data"}])
    found = account(
        measures,
        measure="Glx/tNAA",
        excluded=excluded_windows(window_quality(fitquality=quality), limits=limits),
        limits=limits,
        conditions=("placebo", "drug"),
        sessions=pd.concat([sessions, absent], ignore_index=True),
    )
    assert found["condition"].tolist() == ["all", "placebo", "drug"] * 7
    whole = found[found["condition"] == "all"]
    whole = whole.set_index(whole["criterion"].fillna(whole["stage"]))
    counts = whole[["n_participants", "n_sessions", "n_windows"]]
    assert counts.loc["listed"].tolist()[:2] == [5, 9]
    assert counts.loc["with_data"].tolist()[:2] == [4, 8]
    assert counts.loc["fitted"].tolist() == [4, 8, 23]
    assert counts.loc["max_fwhm_hz"].tolist() == [2, 2, 4]
    assert counts.loc["min_snr"].tolist() == [1, 1, 1]
    assert counts.loc["analysed"].tolist() == [4, 7, 18]
    assert counts.loc["complete"].tolist() == [3, 6, 15]
    parts = found[found["condition"] != "all"].groupby(["stage", "criterion"], dropna=False)["n_sessions"].sum()
    assert parts.sum() == counts["n_sessions"].sum()


def test_without_a_table_of_sessions_the_account_begins_with_the_fits() -> None:
    measures = table()
    nothing = excluded_windows(window_quality(fitquality=fitquality(measures)), limits={})
    found = account(measures, measure="Glx/tNAA", excluded=nothing, limits={}, conditions=())
    assert found["stage"].tolist() == ["fitted", "analysed"]


def test_limits_that_are_set_and_names_that_are_wrong() -> None:
    assert active_limits({"max_fwhm_hz": 12, "min_snr": None}) == {"max_fwhm_hz": 12.0}
    assert active_limits(None) == {}
    with pytest.raises(ConfigError, match="unknown criterion in 'statistics: exclusions' 'max_crlb': use one of max_fqn"):
        active_limits({"max_crlb": 20})
    with pytest.raises(DataError, match="needs rejected_fraction, which comes from the table of windows"):
        excluded_windows(window_quality(fitquality=fitquality(table())), limits={"max_rejected_fraction": 0.3})

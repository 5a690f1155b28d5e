"""The paired summary against ordinary regressions written out by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.options import Options
from mrs_pipeline.statistics.paired_summary import paired_test, session_summaries

Study = Callable[..., pd.DataFrame]
PAIR = ("naltrexone", "placebo")


def data_of(table: pd.DataFrame, *, covariates: tuple[str, ...] = ()) -> MeasureData:
    options = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=(), covariates=covariates)
    return measure_data(checked_measures(table, options=options), measure="Glx/tNAA", options=options)


def test_summary_is_the_mean_of_the_windows_there_are(study: Study) -> None:
    table = study()
    table.loc[[1, 2], "value"] = np.nan  # participant 01, session 1 keeps its last two infusion windows
    first = table[(table["participant"] == "01") & (table["session"] == "1")]
    y = 100 * np.log(first["value"].to_numpy())
    summary = session_summaries(data_of(table), column="y")
    assert summary["01", first["condition"].iloc[0]] == pytest.approx((y[3] + y[4]) / 2 - y[0])


def test_area_under_the_curve_weights_windows_by_their_duration(study: Study) -> None:
    table = study()
    long = table["window"] == 4  # the last window lasts 15 instead of 5 minutes
    table.loc[long, "window_stop_s"] += 600.0
    first = table[(table["participant"] == "01") & (table["session"] == "1")]
    y = 100 * np.log(first["value"].to_numpy())
    key = ("01", first["condition"].iloc[0])
    assert session_summaries(data_of(table), column="y", summary="auc")[key] == pytest.approx((y[1] + y[2] + y[3] + 3 * y[4]) / 6 - y[0])
    assert session_summaries(data_of(table), column="y")[key] == pytest.approx(np.mean(y[1:]) - y[0])
    area = 300 * (y[1] + y[2] + y[3]) + 900 * y[4]  # %·s under the curve of 1800 s
    assert session_summaries(data_of(table), column="y", summary="auc")[key] == pytest.approx(area / 1800 - y[0])


def test_equal_windows_have_the_mean_as_area(study: Study) -> None:
    data = data_of(study(missing_fraction=0.1))
    assert paired_test(data, pair=PAIR, confidence=0.95, summary="auc") == paired_test(data, pair=PAIR, confidence=0.95)


def test_a_summary_that_is_not_known_is_refused(study: Study) -> None:
    with pytest.raises(ConfigError, match="unknown summary of a session 'peak': use one of auc, mean"):
        session_summaries(data_of(study()), column="y", summary="peak")


def test_participants_without_both_sessions_do_not_count(study: Study) -> None:
    table = study()
    lost = (table["participant"] == "02") & (table["session"] == "1") & (table["window"] == 0)  # a session without baseline
    table.loc[lost, "value"] = np.nan
    result = paired_test(data_of(table), pair=PAIR, confidence=0.95)
    assert (result.size.n_participants, result.size.n_sessions, result.test.df) == (7, 14, 5)


def test_a_covariate_costs_a_degree_of_freedom_and_takes_its_share(study: Study) -> None:
    table = study(n_participants=12)
    table["fwhm_hz"] = 6 + np.random.default_rng(3).normal(size=len(table))
    disturbed = table.assign(value=table["value"] * np.exp(0.2 * table["fwhm_hz"]))
    clean = paired_test(data_of(table, covariates=("fwhm_hz",)), pair=PAIR, confidence=0.95).test
    ours = paired_test(data_of(disturbed, covariates=("fwhm_hz",)), pair=PAIR, confidence=0.95).test
    assert ours.df == 9
    assert (ours.estimate, ours.se) == pytest.approx((clean.estimate, clean.se), rel=1e-9)


def test_a_covariate_of_the_participant_cancels(study: Study) -> None:
    table = study()
    table["age"] = table["participant"].astype(int) * 3.0
    with_age = paired_test(data_of(table, covariates=("age",)), pair=PAIR, confidence=0.95).test
    assert with_age == paired_test(data_of(table), pair=PAIR, confidence=0.95).test


def test_too_few_complete_participants(study: Study) -> None:
    table = study(n_participants=5)
    table.loc[(table["participant"] <= "02") & (table["window"] == 0) & (table["session"] == "1"), "value"] = np.nan
    with pytest.raises(UnanswerableError, match="3 participants") as caught:
        paired_test(data_of(table), pair=PAIR, confidence=0.95)
    assert caught.value.status == "too_few_participants"

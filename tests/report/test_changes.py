import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mrs_pipeline.errors import DataError
from mrs_pipeline.report import changes
from mrs_pipeline.report.contents import normalised


def test_change_is_relative_to_the_sessions_own_baseline() -> None:
    rows = [("1", "1", "a", w, s, s + 60, "m", v) for w, s, v in ((0, -120, 1.0), (1, -60, 3.0), (2, 0, 3.0))]
    rows += [("2", "1", "b", 2, 0, 60, "m", 5.0)]  # no baseline
    columns = ["participant", "session", "condition", "window", "window_start_s", "window_stop_s", "measure", "value"]
    result = changes.session_changes(pd.DataFrame(rows, columns=columns), measure="m")
    assert result["change_percent"].tolist()[:3] == pytest.approx([-50.0, 50.0, 50.0])
    assert np.isnan(result["change_percent"].iloc[3])
    assert result["minutes"].tolist()[:3] == [-1.5, -0.5, 0.5]


def test_interval_is_that_of_a_one_sample_t_test() -> None:
    values = np.random.default_rng(1).normal(2.0, 3.0, 11)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    n, mean, low, high = changes.mean_interval([*values, np.nan])
    assert (n, mean, low, high) == pytest.approx((11, values.mean(), expected.low, expected.high))


def test_interval_of_one_value_is_unknown() -> None:
    assert changes.mean_interval([2.0])[:2] == (1, 2.0)
    assert np.isnan(changes.mean_interval([2.0])[2:]).all()
    assert changes.mean_interval([])[0] == 0


def test_sessions_of_a_participant_are_averaged_before_counting(measures: pd.DataFrame) -> None:
    doubled = pd.concat([measures, measures.assign(session="again " + measures["session"])])
    once, twice = (changes.condition_means(changes.session_changes(t, measure="Glx/tNAA"), value="value") for t in (measures, doubled))
    pd.testing.assert_frame_equal(once, twice)
    assert set(once["n"]) == {6}


def test_infusion_mean_leaves_out_baseline(measures: pd.DataFrame) -> None:
    rows = measures[(measures["measure"] == "Glx/tNAA") & (measures["participant"] == "01") & (measures["session"] == "1")][
        "value"
    ].to_list()
    result = changes.infusion_means(changes.session_changes(measures, measure="Glx/tNAA"))
    assert result["change_percent"].iloc[0] == pytest.approx(100 * ((rows[1] + rows[2]) / 2 / rows[0] - 1))


def test_conditions_in_the_order_asked_for_then_by_name() -> None:
    assert changes.condition_order(["c", "a", "b", "c"], conditions=["c", "x"]) == ["c", "a", "b"]


def test_a_table_without_a_needed_column_is_refused(measures: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no column 'value'"):
        changes.session_changes(measures.drop(columns="value"), measure="Glx/tNAA")


def test_normalised_brings_types_to_one_form() -> None:
    raw = pd.DataFrame({"participant": [1, 2], "session": [1.0, np.nan], "has_reference": ["True", np.nan], "n_transients": ["60", "n/a"]})
    table = normalised(raw, name="sessions")
    assert table["participant"].tolist() == ["1", "2"]
    assert table["session"].tolist() == ["1", ""]
    assert table["has_reference"].tolist() == [True, None]
    assert table["n_transients"].iloc[0] == 60.0
    assert np.isnan(table["n_transients"].iloc[1])
    assert table["reason"].tolist() == ["", ""]

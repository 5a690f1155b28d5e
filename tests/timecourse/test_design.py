"""Designs: the columns that a section and events make, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.timecourse.design import check_responses, design_matrix, window_means
from mrs_pipeline.timecourse.windows import make_windows

T = np.arange(720) * 3.0
EVENTS = pd.DataFrame({"onset": [360.0], "duration": [2400], "trial_type": ["infusion"]})
EDGES = [(-360.0, 0.0), *((300.0 * i, 300.0 * (i + 1)) for i in range(6))]
BOXCAR = {"name": "infusion", "shape": "boxcar", "event": "infusion"}


def section(*responses, drift=0) -> dict:
    return {"responses": list(responses) or [BOXCAR], "drift": drift}


def windows(rejected=None, edges=EDGES):
    rejected = np.zeros(T.size, dtype=bool) if rejected is None else rejected
    return make_windows(edges, time_s=T, rejected=rejected, onset_s=360.0)


def test_a_boxcar_with_a_constant_gives_the_change_from_baseline() -> None:
    """The slope of ordinary least squares on it is the mean of the infusion windows less that of the baseline ones."""
    design = design_matrix(section(), time_s=T, events=EVENTS, windows=windows())
    assert (design.names, design.responses, design.nuisance) == (("infusion", "constant"), ("infusion",), ("constant",))
    np.testing.assert_array_equal(design.columns, [[0, 1], *[[1, 1]] * 6])
    values = np.random.default_rng(1).standard_normal(7)
    slope = np.linalg.lstsq(design.columns, values, rcond=None)[0][0]
    assert slope == pytest.approx(values[1:].mean() - values[0])


def test_rows_without_windows_are_transients() -> None:
    design = design_matrix(section(drift=2), time_s=T, events=EVENTS)
    assert design.columns.shape == (720, 4)
    assert design.names == ("infusion", "constant", "drift_1", "drift_2")
    np.testing.assert_array_equal(design.columns[:, 0], (T >= 360.0) & (T < 2760.0))
    np.testing.assert_allclose(design.columns[:, 2:].mean(axis=0), 0.0, atol=1e-12)


def test_a_row_of_a_window_is_the_mean_over_its_retained_transients() -> None:
    """Of a column that is linear in time: its value at the mean time of the retained transients."""
    rejected = np.random.default_rng(2).random(T.size) < 0.3
    linear = {"name": "line", "shape": "formula", "event": "infusion", "expression": "t"}
    made = windows(rejected)
    design = design_matrix(section(linear), time_s=T, events=EVENTS, windows=made)
    np.testing.assert_allclose(design.columns[:, 0], [T[list(window.transients)].mean() - 360.0 for window in made])
    weights = np.random.default_rng(3).random(T.size)
    weighted = design_matrix(section(linear), time_s=T, events=EVENTS, windows=made, weights=weights)
    expected = [np.average(T[list(window.transients)], weights=weights[list(window.transients)]) - 360.0 for window in made]
    np.testing.assert_allclose(weighted.columns[:, 0], expected)


def test_drift_has_zero_mean_over_windows_too() -> None:
    design = design_matrix(section(drift=2), time_s=T, events=EVENTS, windows=windows())
    np.testing.assert_allclose(design.columns[:, 2:].mean(axis=0), 0.0, atol=1e-12)


def test_a_window_without_transients_keeps_its_row() -> None:
    rejected = (T >= 660.0) & (T < 960.0)
    design = design_matrix(section(drift=1), time_s=T, events=EVENTS, windows=windows(rejected))
    assert np.flatnonzero(np.isnan(design.columns[:, 0])).tolist() == [2]
    used = design.at(np.isfinite(design.columns[:, 0]))
    assert used.columns.shape == (6, 3)
    assert np.isnan(window_means(np.ones((720, 1)), windows=windows(), weights=np.zeros(720))).all()


def test_responses_without_an_event_take_the_reference_or_the_first_transient() -> None:
    own = {"name": "infusion", "shape": "boxcar"}
    with_reference = design_matrix(section(own), time_s=T, events=EVENTS, reference_event="infusion")
    np.testing.assert_array_equal(with_reference.columns, design_matrix(section(), time_s=T, events=EVENTS).columns)
    without = design_matrix(section({**own, "duration_s": 900.0}), time_s=T, events=pd.DataFrame())
    np.testing.assert_array_equal(without.columns[:, 0], T < 900.0)


def test_durations_that_are_missing_or_no_numbers_are_unknown() -> None:
    for events in (EVENTS.assign(duration="n/a"), EVENTS.drop(columns="duration")):
        np.testing.assert_array_equal(design_matrix(section(), time_s=T, events=events).columns[:, 0], T >= 360.0)


def test_a_drift_over_one_window_is_refused() -> None:
    with pytest.raises(DataError, match=r"drift_1 of timecourse\.drift is a combination.*it is zero.*at the 1 times"):
        design_matrix({"responses": [], "drift": 1}, time_s=T, events=EVENTS, windows=windows(edges=[(0.0, 300.0)]))


def test_several_events_of_a_type_add_up() -> None:
    events = pd.DataFrame({"onset": [300.0, 30.0], "duration": [60.0, 30.0], "trial_type": ["flash", "flash"]})
    design = design_matrix(section({**BOXCAR, "event": "flash"}), time_s=T, events=events)
    np.testing.assert_array_equal(design.columns[:, 0], ((T >= 30.0) & (T < 60.0)) | ((T >= 300.0) & (T < 360.0)))


def test_part_of_a_design_is_checked_anew() -> None:
    design = design_matrix(section(), time_s=T, events=EVENTS, windows=windows())
    with pytest.raises(DataError, match=r"timecourse\.responses\.infusion does not change over the 6 times"):
        design.at(np.arange(7) > 0)


@pytest.mark.parametrize(
    ("responses", "drift", "sentence"),
    [
        ([BOXCAR, {"name": "again", "shape": "trapezoid", "event": "infusion", "rise_s": 0, "fall_s": 0}], 0, r"combination.*\(again\)"),
        ([BOXCAR, {"name": "line", "shape": "formula", "event": "infusion", "expression": "t"}], 1, r"responses\.line is a combination"),
        ([BOXCAR], 6, r"combination of other columns.*7 times"),
        ([{**BOXCAR, "duration_s": 1e-3}], 0, r"responses\.infusion is zero at all 7 times"),
        ([{"name": "one", "shape": "formula", "event": "infusion", "expression": "3 + 0 * t"}], 0, r"responses\.one does not change"),
        ([{**BOXCAR, "event": "rest"}], 0, r"responses\.infusion\.event is 'rest'.*found: infusion"),
    ],
)
def test_columns_that_tell_nothing_are_refused(responses, drift: int, sentence: str) -> None:
    events = EVENTS.assign(onset=361.0) if "duration_s" in responses[0] else EVENTS
    with pytest.raises(DataError, match=sentence) as caught:
        design_matrix(section(*responses, drift=drift), time_s=T, events=events, windows=windows())
    assert "timecourse.responses" in str(caught.value)


def test_an_event_after_the_recording_is_refused() -> None:
    with pytest.raises(DataError, match="is zero at all 720 times"):
        design_matrix(section(), time_s=T, events=EVENTS.assign(onset=9000.0))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"time_s": np.array([0.0, np.nan])}, "not all known"),
        ({"time_s": np.zeros(0)}, "not all known"),
        ({"events": EVENTS.assign(onset="n/a")}, "onset in the events table is not a number"),
        ({"events": pd.DataFrame()}, "found: none at all"),
        ({"windows": windows(np.ones(720, dtype=bool))}, "no window has a retained transient"),
    ],
)
def test_data_without_a_clock_or_event_are_refused(change, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        design_matrix(section(), **{"time_s": T, "events": EVENTS, **change})


@pytest.mark.parametrize(
    ("responses", "sentence"),
    [
        ([BOXCAR, BOXCAR], r"the name 'infusion' twice"),
        ([{**BOXCAR, "name": "constant"}], "that of a nuisance column"),
        ([{**BOXCAR, "name": "drift_2"}], "that of a nuisance column"),
        ([{**BOXCAR, "name": "a b"}], "use letters, digits"),
        ([{**BOXCAR, "shape": "box"}], r"unknown value of timecourse\.responses\.infusion\.shape: 'box'"),
        ([{"name": "own", "shape": "formula", "expression": "exp(x)"}], r"unknown name in timecourse\.responses\.own\.expression: 'x'"),
        ([{**BOXCAR, "tau_s": 3}], r"unknown option of timecourse\.responses\.infusion: 'tau_s'"),
    ],
)
def test_sections_that_no_session_could_use_are_refused(responses, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        check_responses(section(*responses))

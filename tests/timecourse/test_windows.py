"""Windows partition the transients, and their averages are means."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.timecourse.windows import average_windows, event_onset_s, make_windows, window_edges, window_table

SECTION = {
    "baseline": {"start_s": -360, "stop_s": 0, "width_s": 360},
    "infusion": {"start_s": 0, "stop_s": 1800, "width_s": 300},
}


def test_edges_of_a_baseline_and_six_infusion_windows() -> None:
    assert window_edges(SECTION) == [(-360, 0), (0, 300), (300, 600), (600, 900), (900, 1200), (1200, 1500), (1500, 1800)]


@given(
    width=st.floats(20.0, 900.0),
    repetition_time_s=st.floats(0.5, 6.0),
    onset_s=st.floats(0.0, 800.0),
    seed=st.integers(0, 100),
)
def test_every_transient_of_the_stretch_lies_in_exactly_one_window(width, repetition_time_s, onset_s, seed) -> None:
    edges = window_edges({"infusion": {"start_s": 0.0, "stop_s": 1000.0, "width_s": width}})
    time_s = np.arange(400) * repetition_time_s
    rejected = np.random.default_rng(seed).random(400) < 0.1
    windows = make_windows(edges, time_s=time_s, rejected=rejected, onset_s=onset_s)
    members = [index for window in windows for index in window.transients]
    inside = (time_s - onset_s >= -1e-6) & (time_s - onset_s < 1000.0 - 1e-6) & ~rejected
    assert sorted(members) == list(np.flatnonzero(inside))
    assert all(window.n_acquired >= len(window.transients) for window in windows)


def test_windows_end_before_and_start_at_the_event() -> None:
    windows = make_windows(window_edges(SECTION), time_s=np.arange(720) * 3.0, rejected=np.zeros(720, dtype=bool), onset_s=360.0)
    assert [window.phase for window in windows] == ["baseline"] + ["infusion"] * 6
    assert windows[0].transients[-1] == 119
    assert windows[1].transients[0] == 120


def test_average_is_the_mean_of_the_retained_transients() -> None:
    acquisition = Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=8, echo_time_s=0.03, repetition_time_s=3.0
    )
    data = np.random.default_rng(0).standard_normal((10, 8, 2)).view(complex)[..., 0]
    rejected = np.zeros(10, dtype=bool)
    rejected[2] = True
    windows = make_windows([(0.0, 12.0), (12.0, 15.0)], time_s=np.arange(10) * 3.0, rejected=rejected, onset_s=0.0)
    averaged = average_windows(Fids(data=data, dims=("transient", "time"), acquisition=acquisition), windows=windows, min_transients=2)
    assert np.allclose(averaged.data[0], (data[0] + data[1] + data[3]) / 3)
    assert np.all(np.isnan(averaged.data[1]))
    assert averaged.dims == ("window", "time")
    assert list(window_table(windows)["n_acquired"]) == [4, 1]
    assert list(window_table(windows)["n_retained"]) == [3, 1]


def test_missing_event_lists_what_there_is() -> None:
    events = pd.DataFrame({"onset": [0.0], "duration": [1.0], "trial_type": ["rest"]})
    with pytest.raises(DataError, match=r"no event of trial_type 'infusion'.*rest"):
        event_onset_s(events, event="infusion")


def test_runs_without_a_common_clock_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be placed on one clock"):
        make_windows([(0.0, 10.0)], time_s=np.array([0.0, np.nan]), rejected=np.zeros(2, dtype=bool), onset_s=0.0)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"infusion": {"start_s": 10, "stop_s": 0, "width_s": 5}}, "stop_s must exceed start_s"),
        ({"baseline": {"start_s": -10, "stop_s": 5, "width_s": 5}}, "baseline.stop_s"),
        ({}, "neither a baseline nor an infusion"),
        ({"baseline": {"start_s": -10, "stop_s": 0, "width_s": 5}, "infusion": {"start_s": -5, "stop_s": 50, "width_s": 5}}, "overlap"),
    ],
)
def test_impossible_windows_name_the_key(section, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        window_edges(section)


def test_weights_and_reasons_of_a_window() -> None:
    acquisition = Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=4, echo_time_s=0.03, repetition_time_s=3.0
    )
    data = np.arange(24.0).reshape(6, 4).astype(complex)
    rejected = np.array([False, True, False, False, True, True])
    windows = make_windows([(0.0, 9.0), (9.0, 18.0)], time_s=np.arange(6) * 3.0, rejected=rejected, onset_s=0.0)
    weights = np.array([1.0, 0.0, 0.25, 0.5, 0.0, 0.0])
    fids = Fids(data=data, dims=("transient", "time"), acquisition=acquisition)
    averaged = average_windows(fids, windows=windows, weights=weights)
    np.testing.assert_allclose(averaged.data[0], (data[0] + 0.25 * data[2]) / 1.25)
    np.testing.assert_allclose(averaged.data[1], data[3])
    assert "weighted mean" in averaged.history[-1].details
    reasons = ["", "phase", "", "", "amplitude, phase", "amplitude"]
    assert window_table(windows, reasons=reasons)["rejected_for"].tolist() == ["phase 1", "amplitude 2, phase 1"]

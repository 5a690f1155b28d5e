"""Windows by time, by transients and by edges; their centres and durations against sums by hand."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.timecourse.edges import window_edges
from mrs_pipeline.timecourse.events import event_onset_s, on_times_s
from mrs_pipeline.timecourse.moving import check_moving, moving_windows
from mrs_pipeline.timecourse.recording import Recording
from mrs_pipeline.timecourse.windows import gathered, window_table


def recording(time_s: np.ndarray, *, rejected: tuple[int, ...] = (), weights: np.ndarray | None = None) -> Recording:
    out = np.zeros(len(time_s), dtype=bool)
    out[list(rejected)] = True
    return Recording(time_s=np.asarray(time_s, dtype=float), rejected=out, weights=weights)


def part(**given: object) -> dict[str, object]:
    return {"infusion": given}


def test_width_in_transients_counts_acquired_ones_through_a_gap() -> None:
    times = np.concatenate([np.arange(20) * 2.0, 100.0 + np.arange(12) * 2.0])  # 20, a pause of 60 s, 12
    found = recording(times, rejected=(3, 4, 25))
    edges = window_edges(part(start_s=0, stop_s=1000, width_transients=8), recording=found)
    windows = gathered(edges, recording=found)
    assert [window.n_acquired for window in windows] == [8, 8, 8, 8]
    assert [len(window.transients) for window in windows] == [6, 8, 8, 7]
    assert [window.rejected for window in windows] == [(3, 4), (), (), (25,)]
    assert windows[2].transients == (16, 17, 18, 19, 20, 21, 22, 23)
    assert windows[-1].stop_s == 124.0


@pytest.mark.parametrize(("n", "sizes"), [(20, [8, 8, 4]), (19, [8, 11]), (21, [8, 8, 5]), (3, [3])])
def test_a_remainder_below_half_a_width_joins_the_last_window(n: int, sizes: list[int]) -> None:
    found = recording(np.arange(n) * 3.0)
    edges = window_edges(part(start_s=0, stop_s=600, width_transients=8), recording=found)
    assert [window.n_acquired for window in gathered(edges, recording=found)] == sizes


def test_without_data_a_part_in_transients_is_one_stretch() -> None:
    assert window_edges(part(start_s=0, stop_s=600, width_transients=8)) == [(0.0, 600.0)]


def test_unequal_windows() -> None:
    assert window_edges({"baseline": {"edges_s": [-90, 0]}, "infusion": {"edges_s": [0, 120, 300]}}) == [(-90, 0), (0, 120), (120, 300)]


def test_centre_and_duration_are_those_of_the_retained_transients() -> None:
    times = np.array([0.0, 3.0, 6.0, 9.0, 60.0, 63.0])
    window = gathered([(0.0, 100.0)], recording=recording(times, rejected=(1,)))[0]
    assert window.mean_time_s == pytest.approx((0 + 6 + 9 + 60 + 63) / 5)
    assert window.duration_s == pytest.approx(5 * 3.0)
    weighted = gathered([(0.0, 100.0)], recording=recording(times, weights=np.array([1, 0, 0, 0, 0, 3.0])))[0]
    assert weighted.mean_time_s == pytest.approx((0 + 3 * 63) / 4)
    empty = gathered([(200.0, 300.0)], recording=recording(times))[0]
    assert np.isnan([empty.mean_time_s, empty.duration_s]).all()
    assert list(window_table([window])["mean_time_s"]) == [window.mean_time_s]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (part(edges_s=[0, 120, 120]), r"windows\.infusion\.edges_s .*ascending"),
        (part(edges_s=[0, 120], width_s=30), r"windows\.infusion\.edges_s takes the place .* windows\.infusion\.width_s"),
        (part(start_s=0, stop_s=100), r"windows\.infusion has no width"),
        (part(start_s=0, stop_s=100, width_s=10, width_transients=5), r"windows\.infusion has two widths"),
        (part(start_s=0, width_s=10), r"windows\.infusion\.stop_s is missing"),
        (part(start_s=-30, stop_s=100, width_s=10), r"windows\.infusion\.start_s is -30"),
        ({"baseline": {"edges_s": [-60, 20]}}, r"windows\.baseline\.edges_s is 20"),
        ({"baseline": {"edges_s": [-60, 0]}, **part(edges_s=[-10, 60])}, "overlap"),
    ],
)
def test_what_contradicts_itself_names_the_key(section: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        window_edges(section)


EVENTS = pd.DataFrame({"onset": [200.0, 20.0, 100.0, 110.0], "duration": [30.0, 30.0, 10.0, 20.0], "trial_type": ["on"] * 4})


def test_events_by_number_and_by_duration() -> None:
    assert [event_onset_s(EVENTS, event="on", number=number) for number in (1, 2, 4)] == [20.0, 100.0, 200.0]
    with pytest.raises(DataError, match=r"event_number is 5, .* has 4 of trial_type 'on'"):
        event_onset_s(EVENTS, event="on", number=5)
    assert on_times_s(EVENTS, event="on", key="windows.blocks.event") == [(20, 50), (100, 130), (200, 230)]
    with pytest.raises(DataError, match=r"'on' at 20 s has no duration"):
        on_times_s(EVENTS.assign(duration=0.0), event="on", key="windows.blocks.event")
    with pytest.raises(DataError, match=r"'off' in the events table \(found: on\); correct windows.blocks.event"):
        on_times_s(EVENTS, event="off", key="windows.blocks.event")


def test_moving_windows_overlap_and_end_within_the_limits() -> None:
    found = recording(np.arange(100) * 3.0 - 60.0)
    windows = moving_windows((-60.0, 240.0), recording=found, width_s=90.0, step_s=30.0)
    assert [window.start_s for window in windows] == list(np.arange(-60.0, 151.0, 30.0))
    assert all(window.overlapping and window.n_acquired == 30 for window in windows)
    with pytest.raises(ConfigError, match=r"windows\.moving\.step_s is 60 and width_s 60"):
        check_moving({"moving": {"width_s": 60, "step_s": 60}})

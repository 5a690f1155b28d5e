"""Block designs: every transient belongs to the level at its start."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.timecourse.blocks import block_windows, check_blocks
from mrs_pipeline.timecourse.recording import Recording

TR_S, N = 2.0, 64
#: Blocks of 8 transients, off first.
ON_S = [(16.0, 32.0), (48.0, 64.0), (80.0, 96.0), (112.0, 128.0)]


def recording(times: np.ndarray | None = None, rejected: tuple[int, ...] = ()) -> Recording:
    times = np.arange(N) * TR_S if times is None else times
    out = np.zeros(len(times), dtype=bool)
    out[list(rejected)] = True
    return Recording(time_s=times, rejected=out)


def test_one_window_per_condition_gathers_all_blocks_of_a_level() -> None:
    rest, task = block_windows(ON_S, recording=recording(rejected=(9,)), per="condition")
    is_task = (np.arange(N) // 8) % 2 == 1
    assert (rest.phase, task.phase) == ("rest", "task")
    assert rest.transients == tuple(np.flatnonzero(~is_task))
    assert task.transients == tuple(index for index in np.flatnonzero(is_task) if index != 9)
    assert (task.n_acquired, task.rejected) == (32, (9,))
    assert task.mean_time_s == pytest.approx(np.mean([TR_S * index for index in task.transients]))
    assert (rest.start_s, rest.stop_s, task.start_s, task.stop_s) == (0.0, 112.0, 16.0, 128.0)


def test_one_window_per_block_in_order_of_time() -> None:
    windows = block_windows(ON_S, recording=recording(), per="block")
    assert [window.phase for window in windows] == ["rest", "task"] * 4
    assert [window.start_s for window in windows] == list(np.arange(0.0, 128.0, 16.0))
    assert {window.n_acquired for window in windows} == {8}


def test_transients_after_a_change_are_left_out_on_request() -> None:
    windows = block_windows(ON_S, recording=recording(), per="block", skip_s=4.0)
    assert [window.n_acquired for window in windows] == [8] + [6] * 7
    assert windows[1].transients[0] == 10


def test_short_events_with_no_transient_between_are_one_block() -> None:
    flashes = [(16.0 + second, 16.5 + second) for second in range(16)]
    windows = block_windows(flashes, recording=recording(), per="block")
    assert [window.phase for window in windows] == ["rest", "task", "rest"]
    assert windows[1].transients == tuple(range(8, 16))


def test_a_gap_moves_the_centre_only() -> None:
    times = np.delete(np.arange(N) * TR_S, [10, 11, 12])
    task = block_windows(ON_S, recording=recording(times), per="block")[1]
    assert task.n_acquired == 5
    assert task.mean_time_s == pytest.approx(np.mean([16, 18, 26, 28, 30]))
    assert task.duration_s == pytest.approx(5 * TR_S)


@pytest.mark.parametrize(("on_s", "state"), [([(500.0, 600.0)], "on"), ([(-10.0, 900.0)], "off")])
def test_a_level_without_transients_is_refused(on_s: list[tuple[float, float]], state: str) -> None:
    with pytest.raises(DataError, match=f"windows.blocks is {state}"):
        block_windows(on_s, recording=recording(), per="condition")


def test_blocks_and_parts_exclude_each_other() -> None:
    section = {"blocks": {"event": "on"}, "infusion": {"start_s": 0, "stop_s": 10, "width_s": 5}}
    with pytest.raises(ConfigError, match=r"windows.blocks takes the place .* windows.infusion is given"):
        check_blocks(section)

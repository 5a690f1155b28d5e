"""Time courses of block designs and moving windows: what is compared with what, and where points lie."""

import pandas as pd
import pytest

from mrs_pipeline.report import changes, figures
from mrs_pipeline.report.contents import SessionReport
from mrs_pipeline.report.pages import session_page


def measures(phases: tuple[str, ...] | None = ("rest", "task", "rest", "task")) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "participant": "01",
            "session": "1",
            "window": range(4),
            "window_start_s": [0.0, 60.0, 120.0, 180.0],
            "window_stop_s": [60.0, 120.0, 180.0, 240.0],
            "mean_time_s": [30.0, 84.0, 150.0, None],
            "measure": "Glx",
            "value": [10.0, 11.0, 12.0, 13.2],
            "sd": 0.1,
        }
    )
    return table if phases is None else table.assign(phase=list(phases))


MOVING = pd.DataFrame(
    {
        "window": [0, 1, 2],
        "window_start_s": [0.0, 30.0, 60.0],
        "window_stop_s": [90.0, 120.0, 150.0],
        "mean_time_s": [45.0, 75.0, 105.0],
        "measure": ["Glx", "Glx", "Glx"],
        "value": [11.0, 22.0, 5.0],
        "sd": 0.1,
        "status": ["ok", "ok", "not_converged"],
        "overlapping": True,
    }
)


def test_rest_is_what_task_is_compared_with() -> None:
    rows = changes.session_changes(measures(), measure="Glx")
    assert list(rows["is_baseline"]) == [True, False, True, False]
    assert list(rows["change_percent"]) == pytest.approx([100 * (value / 11 - 1) for value in (10, 11, 12, 13.2)])
    assert changes.phase_names(rows) == ("rest", "task")


def test_points_lie_at_the_mean_time_where_it_is_known() -> None:
    assert list(changes.session_changes(measures(), measure="Glx")["minutes"]) == pytest.approx([0.5, 1.4, 2.5, 3.5])


def test_without_phases_time_decides() -> None:
    early = measures(None).assign(window_start_s=[-60.0, 0.0, 60.0, 120.0], window_stop_s=[0.0, 60.0, 120.0, 180.0])
    rows = changes.session_changes(early, measure="Glx")
    assert list(rows["is_baseline"]) == [True, False, False, False]
    assert changes.phase_names(rows) == ("baseline", "infusion")


def test_moving_windows_are_relative_to_the_same_level() -> None:
    rows = changes.moving_changes(MOVING, changes=changes.session_changes(measures(), measure="Glx"), measure="Glx")
    assert list(rows["change_percent"]) == pytest.approx([0.0, 100.0])
    assert list(rows["minutes"]) == [0.75, 1.25]


def test_the_figure_names_levels_and_the_page_explains_the_faint_line() -> None:
    drawn = figures.time_course(measures(), measure="Glx", infusion_stop_s=0.0, moving=MOVING)
    assert "% of rest" in drawn
    assert "moving mean" in drawn
    page = session_page(
        SessionReport(title="Blocks", participant="01", session="1", measures=measures(), moving=MOVING, infusion_stop_s=0.0)
    )
    assert "the session&#39;s rest windows" in page or "the session's rest windows" in page
    assert "Faint line: overlapping windows" in page
    assert "Shaded: task" in page

"""A block design by its configuration and events alone, from raw data to tables and report."""

import pytest

from mrs_pipeline.io.tables import read_table

pytestmark = pytest.mark.slow

#: Off and on in turn, 24 s (8 transients) each.
EVENTS = "onset\tduration\ttrial_type\n" + "".join(f"{onset}\t24\tstimulation\n" for onset in (24, 72, 120, 168))


def block_design(config):
    config["windows"] = {
        "event": None,
        "blocks": {"event": "stimulation", "per": "condition"},
        "moving": {"width_s": 48, "step_s": 24},
        "min_transients": 8,
    }
    config["statistics"] = {"conditions": None}


@pytest.fixture(scope="module")
def blocks(make_study, tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("blocks") / "study", participants=1, change=block_design)
    for path in study.data.rglob("*_events.tsv"):
        path.write_text(EVENTS, encoding="utf-8")
    study.run_whole()
    return study


def test_measures_name_rest_and_task(blocks):
    measures = read_table(blocks.results / "group" / "measures.tsv")
    assert set(measures["phase"]) == {"rest", "task"}
    assert measures.loc[measures["measure"] == "Glx/tNAA", "value"].notna().all()
    windows = read_table(blocks.results / "group" / "windows.tsv")
    assert list(windows["n_acquired"]) == [32, 32] * 2
    assert (windows["n_retained"] <= windows["n_acquired"]).all()


def test_the_table_of_contrasts_says_why_there_is_none(blocks):
    contrasts = read_table(blocks.results / "group" / "contrasts.tsv")
    assert list(contrasts["status"]) == ["nothing_to_contrast"]
    assert "task and rest" in contrasts["reason"].iloc[0]


def test_pages_speak_of_rest_and_task(blocks):
    page = (blocks.results / "report" / "index.html").read_text(encoding="utf-8")
    assert "% of rest" in page
    assert "% of baseline" not in page
    session = (blocks.results / "report/sessions/sub-01/ses-1/mrs/sub-01_ses-1.html").read_text(encoding="utf-8")
    assert "the session's rest windows" in session
    assert "moving mean" in session


def test_moving_windows_have_a_table_of_their_own(blocks):
    moving = read_table(blocks.results / "sub-01/ses-1/mrs/sub-01_ses-1_desc-window_moving.tsv")
    assert moving["overlapping"].all()
    assert list(moving.drop_duplicates("window")["window_start_s"]) == [0, 24, 48, 72, 96, 120, 144]
    assert not (blocks.results / "group" / "moving.tsv").exists()

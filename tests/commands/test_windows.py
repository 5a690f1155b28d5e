"""Windows of the command timecourse: transients, blocks, moving ones, and what a step of the gain does to them."""

import numpy as np
import pytest
import yaml

from mrs_pipeline.commands.layout import TimecourseNames
from mrs_pipeline.commands.timecourse import try_timecourse
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.config import read_config
from mrs_pipeline.io.tables import read_json, read_table, write_table

BLOCKS = "onset\tduration\ttrial_type\n24\t24\tstimulation\n72\t24\tstimulation\n120\t24\tstimulation\n168\t24\tstimulation\n"
MOVING = {"width_s": 60, "step_s": 30}


def with_windows(bench, **section):
    study = yaml.safe_load(bench.study.read_text(encoding="utf-8"))
    study["windows"] = {**study["windows"], **section}
    study["windows"] = {key: value for key, value in study["windows"].items() if value != "drop"}
    bench.study.write_text(yaml.safe_dump(study), encoding="utf-8")


def values(folder, measure, name="measures.tsv"):
    rows = read_table(folder / name)
    return rows.loc[rows["measure"] == measure, "value"].to_numpy(dtype=float)


def test_windows_of_so_many_transients(bench, run):
    with_windows(bench, infusion={"start_s": 0, "stop_s": 120, "width_transients": 10}, min_transients=4)
    assert run(*bench.timecourse()).code == 0
    windows = read_table(bench.out / "windows.tsv")
    assert list(windows["n_acquired"]) == [24, 10, 10, 10, 10]
    assert list(windows["phase"]) == ["baseline"] + ["infusion"] * 4
    inside = (windows["mean_time_s"] >= windows["window_start_s"]) & (windows["mean_time_s"] < windows["window_stop_s"])
    assert inside.all()
    assert list(windows["duration_s"]) == [3.0 * n for n in windows["n_retained"]]


def test_a_later_event_by_its_number(bench, run):
    bench.events.write_text("onset\tduration\ttrial_type\n30\t0\tinfusion\n72\t0\tinfusion\n", encoding="utf-8")
    with_windows(bench, event_number=2, min_transients=4)
    assert run(*bench.timecourse()).code == 0
    assert read_json(bench.out / "status.json")["event_onset_s"] == 72.0
    with_windows(bench, event_number=3)
    result = run(*bench.timecourse())
    assert result.code != 0
    assert "windows.event_number is 3, but the events table has 2" in result.err


def test_a_recording_without_events(bench, run):
    with_windows(bench, event=None, baseline="drop", infusion={"edges_s": [0, 48, 192]}, min_transients=4)
    assert run(*bench.timecourse()).code == 0
    windows = read_table(bench.out / "windows.tsv")
    assert list(windows["phase"]) == ["recording", "recording"]
    assert list(windows["n_acquired"]) == [16, 48]


def test_blocks_and_their_phases(bench, run):
    bench.events.write_text(BLOCKS, encoding="utf-8")
    blocks = {"event": "stimulation", "per": "block"}
    with_windows(bench, event=None, baseline="drop", infusion="drop", blocks=blocks, min_transients=2)
    assert run(*bench.timecourse()).code == 0
    assert list(read_table(bench.out / "windows.tsv")["phase"]) == ["rest", "task"] * 4
    measures = read_table(bench.out / "measures.tsv")
    assert list(measures.query("measure == 'tNAA' and estimator == 'independent'")["phase"]) == ["rest", "task"] * 4


def test_moving_windows_change_no_other_table(bench, run, windows):
    with_windows(bench, moving=MOVING, min_transients=4)
    assert run(*bench.timecourse()).code == 0
    for name in ("amplitudes.tsv", "fitquality.tsv"):
        assert read_table(bench.out / name).equals(read_table(windows / name)), name
    moving = read_table(bench.out / "moving.tsv")
    assert moving["overlapping"].all()
    assert not (windows / "moving.tsv").exists()


def test_a_moving_window_that_is_a_window_has_its_value(bench, run):
    with_windows(bench, baseline={"start_s": -60, "stop_s": 0, "width_s": 60}, moving=MOVING, min_transients=4)
    assert run(*bench.timecourse()).code == 0
    moving, plain = (read_table(bench.out / name).query("measure == 'Glx/tNAA'") for name in ("moving.tsv", "measures.tsv"))
    plain = plain.query("estimator == 'independent'")
    both = moving.merge(plain, on=["window_start_s", "window_stop_s"])
    assert len(both) == 3
    np.testing.assert_allclose(both["value_x"], both["value_y"], rtol=1e-6)
    np.testing.assert_allclose(both["sd_x"], both["sd_y"], rtol=1e-6)


def test_contrasts_refuse_moving_windows(bench, run, measures_table):
    write_table(measures_table.assign(overlapping=True), bench.measures)
    result = run(*bench.contrast())
    assert result.code != 0
    assert "overlapping windows share transients, so their errors are correlated" in result.err


def test_a_failed_session_has_an_empty_table_of_moving_windows(bench):
    with_windows(bench, moving=MOVING)
    record = bench.folder / "record.json"
    record.write_text('{"reason": "too short"}', encoding="utf-8")
    reason = try_timecourse(
        bench.preprocessed,
        record=record,
        events=bench.events,
        config=read_config(bench.study),
        basis=bench.basis,
        out_dir=bench.out,
        names=TimecourseNames(),
    )
    assert reason == "too short"
    with pytest.raises(InputError, match="empty"):
        read_table(bench.out / "moving.tsv")


def test_a_gain_step_is_said_and_taken_out_on_request(stepped, run, windows):
    said = run(*stepped.timecourse())
    assert "the receiver gain changes by +1" in said.err
    assert "at 105 s of the session" in said.err
    reported = values(stepped.out, "tNAA")
    with_windows(stepped, gain_steps="correct")
    assert "amplitudes were rescaled" in run(*stepped.timecourse()).err
    assert any("receiver gain" in remark for remark in read_json(stepped.out / "status.json")["window_remarks"])
    plain, corrected = values(windows, "tNAA"), values(stepped.out, "tNAA")
    assert reported[2] / plain[2] == pytest.approx(1.15, abs=0.02)
    np.testing.assert_allclose(corrected / corrected[0], plain / plain[0], rtol=0.02)


def test_nothing_is_said_without_a_step(windows):
    assert read_json(windows / "status.json")["window_remarks"] == []

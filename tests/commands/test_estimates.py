"""Estimators and responses of the command timecourse, and whose measures the command contrast takes."""

import numpy as np
import pandas as pd
import pytest
import yaml

from mrs_pipeline.io.tables import read_json, read_known_table, read_table, write_table

ESTIMATORS = ["independent", "joint", "lineshape_held", "linewidth_matched"]


def with_timecourse(bench, **section):
    study = yaml.safe_load(bench.study.read_text(encoding="utf-8"))
    study["timecourse"] = section
    bench.study.write_text(yaml.safe_dump(study), encoding="utf-8")


def test_measures_of_all_estimators_are_in_one_table(windows) -> None:
    measures, expected = read_table(windows / "measures.tsv"), len(read_table(windows / "windows.tsv"))
    assert list(dict.fromkeys(measures["estimator"])) == ESTIMATORS
    rows = measures[measures["measure"] == "Glx/tNAA"].set_index(["estimator", "window"])["value"].unstack("estimator")
    assert len(rows) == expected
    # the same spectra, each estimator within the errors of a window
    assert np.all(np.abs(rows.sub(rows["independent"], axis=0) / rows["independent"].to_numpy()[:, None]) < 0.3)
    assert np.all(measures["sd_within"] > 0)


def test_responses_are_changes_of_the_windows(windows) -> None:
    """One response that is on in all windows after the event: the change is that of their weighted mean, its error that of both means."""
    table = read_known_table(windows / "responses.tsv", kind="responses").set_index(["estimator", "measure"])
    measures = read_table(windows / "measures.tsv").query("estimator == 'independent' and measure == 'Glx/tNAA'")
    before, after = (measures[measures["window_stop_s"].le(0) == wanted] for wanted in (True, False))
    levels, variances = [], []
    for part in (before, after):
        weights = (part["value"] / part["sd_within"]) ** 2
        levels.append(np.average(np.log(part["value"]), weights=weights))
        variances.append(1.0 / weights.sum())
    found = table.loc[("independent", "Glx/tNAA")]
    assert found["change_log_percent"] == pytest.approx(100.0 * (levels[1] - levels[0]), rel=1e-6)
    assert found["sd"] == pytest.approx(100.0 * np.sqrt(sum(variances)), rel=1e-6)
    joint = table.loc[("joint", "Glx/tNAA")]
    assert abs(joint["change_log_percent"] - found["change_log_percent"]) < found["sd"]
    assert joint["sd"] == pytest.approx(found["sd"], rel=0.5)


def test_responses_from_single_transients(bench, run, windows) -> None:
    with_timecourse(bench, estimators=[], responses_from="transients")
    assert run(*bench.timecourse()).code == 0
    assert set(read_table(bench.out / "measures.tsv")["estimator"]) == {"independent"}
    of_transients, of_windows = (
        read_table(folder / "responses.tsv").query("estimator == 'joint' and measure == 'Glx/tNAA'").iloc[0]
        for folder in (bench.out, windows)
    )
    assert of_transients["status"] == "ok"
    assert of_transients["sd"] == pytest.approx(of_windows["sd"], rel=0.5)
    assert abs(of_transients["change_log_percent"] - of_windows["change_log_percent"]) < 2.0 * of_windows["sd"]


def test_a_session_that_allows_no_response_says_why(bench, run) -> None:
    study = yaml.safe_load(bench.study.read_text(encoding="utf-8"))
    study["windows"].pop("baseline", None)
    bench.study.write_text(yaml.safe_dump(study), encoding="utf-8")
    assert run(*bench.timecourse()).code == 0
    assert read_table(bench.out / "responses.tsv").empty
    assert any(
        "no responses over time: timecourse.responses.infusion does not change" in text
        for text in read_json(bench.out / "status.json")["fit_remarks"]
    )


def test_contrasts_take_the_estimator_that_the_study_names(bench, run, measures_table) -> None:
    both = [
        measures_table.assign(estimator=name, value=measures_table["value"] * scale)
        for name, scale in (("independent", 1.0), ("joint", 2.0))
    ]
    write_table(pd.concat(both), bench.measures)
    study = yaml.safe_load(bench.study.read_text(encoding="utf-8"))
    found = {}
    for name in ("independent", "joint", "lineshape_held"):
        study.setdefault("statistics", {})["estimator"] = name
        bench.study.write_text(yaml.safe_dump(study), encoding="utf-8")
        found[name] = run(*bench.contrast())
        if found[name].code == 0:
            assert read_table(bench.out / "contrasts.tsv")["n_windows"].max() <= len(measures_table)
    assert [found[name].code for name in ("independent", "joint")] == [0, 0]
    assert found["lineshape_held"].code != 0
    assert "has no rows of the estimator 'lineshape_held' (found: independent, joint)" in found["lineshape_held"].err

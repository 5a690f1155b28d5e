"""Runs and events on one clock, in numbers worked out by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import InputError
from mrs_pipeline.io.bids import RunFiles, SessionFiles
from mrs_pipeline.io.session_clock import (
    check_no_overlap,
    read_events,
    require_clock,
    run_starts_s,
    session_events,
    transient_times_s,
)


def session(
    sidecars: Sequence[Mapping[str, Any]] = (), *, events: Sequence[str] = (), folder: Path = Path(), scans: Sequence[str] = ()
) -> SessionFiles:
    """Runs with given sidecars or events; an event is written ``onset trial_type; ...``."""
    runs = []
    for number in range(max(len(sidecars), len(events), len(scans))):
        table = None
        if events:
            rows = [row.split() for row in events[number].split(";") if row.strip()]
            table = folder / f"{number}_events.tsv"
            table.write_text("onset\tduration\ttrial_type\n" + "".join(f"{onset}\tn/a\t{kind}\n" for onset, kind in rows))
        sidecar = sidecars[number] if sidecars else {}
        runs.append(RunFiles(svs=Path(f"run{number}.nii.gz"), sidecar=sidecar, events=table, acq_time=scans[number] if scans else None))
    return SessionFiles(participant="01", session="1", runs=tuple(runs))


@pytest.mark.parametrize(
    ("key", "times", "expected"),
    [
        ("AcquisitionTime", ["09:30:00", "09:40:30.5"], [0, 630.5]),
        ("AcquisitionTime", ["093000.000", "094030.5"], [0, 630.5]),
        ("AcquisitionTime", ["23:55:00", "00:05:00"], [0, 600]),
        ("AcquisitionDateTime", ["2024-05-17T23:55:00", "2024-05-18T00:05:00.25"], [0, 600.25]),
    ],
)
def test_runs_placed_by_acquisition_time(key: str, times: list[str], expected: list[float]) -> None:
    files = session([{key: time} for time in times])
    np.testing.assert_allclose(run_starts_s(files.runs), expected)


def test_runs_placed_by_the_scans_table() -> None:
    files = session(scans=["2024-05-17T09:30:00", "2024-05-17T09:45:00"])
    np.testing.assert_allclose(run_starts_s(files.runs), [0, 900])


def test_runs_placed_by_an_event_outside_of_them(tmp_path: Path) -> None:
    """The infusion starts 320 s after the beginning of run 1 and 20 s before that of run 2, so run 2 starts at 340 s."""
    files = session(events=["320 infusion", "-20 infusion; 100 rating"], folder=tmp_path)
    np.testing.assert_allclose(run_starts_s(files.runs, event="infusion"), [0, 340])
    events = session_events(files, event="infusion")
    assert events[["onset", "trial_type", "run"]].to_numpy().tolist() == [[320.0, "infusion", 0], [440.0, "rating", 1]]
    assert events["duration"].tolist() == [0, 0]


def test_unknown_start_is_nan_and_has_a_sentence() -> None:
    files = session([{}, {"AcquisitionTime": "09:30:00"}])
    starts = run_starts_s(files.runs, event="infusion")
    assert starts[0] == 0
    assert np.isnan(starts[1])
    transients = pd.DataFrame({"transient": [0, 1], "run": [0, 1], "time_s": starts})
    with pytest.raises(InputError, match=r"sub-01: when the transients of run 2 were acquired cannot be determined"):
        require_clock(transients, label="sub-01")
    require_clock(transients.iloc[:1], label="sub-01")


def test_single_run_needs_nothing() -> None:
    assert run_starts_s(session([{}]).runs).tolist() == [0.0]


@pytest.mark.parametrize(
    ("sidecars", "message"),
    [
        ([{"AcquisitionTime": "09:30:00"}, {"AcquisitionTime": "09:20:00"}], "order of their numbers"),
        ([{"AcquisitionTime": "soon"}, {"AcquisitionTime": "09:20:00"}], "'soon' is not a time"),
        ([{"AcquisitionDateTime": "x"}, {"AcquisitionDateTime": "y"}], "'x' is not a date and time"),
    ],
)
def test_times_that_cannot_be(sidecars: list[dict[str, str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run_starts_s(session(sidecars).runs)


def test_event_twice_in_a_run_cannot_place_it(tmp_path: Path) -> None:
    files = session(events=["1 a; 2 a", "1 a"], folder=tmp_path)
    with pytest.raises(InputError, match="'a' 2 times"):
        run_starts_s(files.runs, event="a")


def test_overlapping_runs_are_refused() -> None:
    files = session([{}, {}])
    check_no_overlap(np.array([0.0, 299.0]), durations_s=[300.0, 300.0], files=files)
    check_no_overlap(np.array([0.0, np.nan]), durations_s=[300.0, 300.0], files=files)
    with pytest.raises(InputError, match="run 2 would start 0 s after run 1, which lasts 300 s"):
        check_no_overlap(np.array([0.0, 0.0]), durations_s=[300.0, 300.0], files=files)


@pytest.mark.parametrize(
    ("n_stored", "tr", "sidecar", "expected"),
    [
        (3, 2.0, {}, [0, 2, 4]),
        (3, 2.0, {"NumberOfTransients": 3}, [0, 2, 4]),
        (3, 2.0, {"NumberOfTransients": 24}, [0, 16, 32]),
        (3, 2.0, {"NumberOfTransients": 4}, [0, np.nan, np.nan]),
        (3, None, {}, [0, np.nan, np.nan]),
        (1, 2.0, {"NumberOfTransients": 64}, [0]),
        (3, None, {"VolumeTiming": [5, 7, 12]}, [0, 2, 7]),
    ],
)
def test_times_of_transients(n_stored: int, tr: float | None, sidecar: dict[str, Any], expected: list[float]) -> None:
    np.testing.assert_allclose(transient_times_s(n_stored, repetition_time_s=tr, sidecar=sidecar), expected)


@pytest.mark.parametrize(("cell", "message"), [("soon", "holds text where seconds"), ("n/a", "has no onset")])
def test_events_without_a_number(cell: str, message: str, tmp_path: Path) -> None:
    files = session(events=[f"{cell} a"], folder=tmp_path)
    with pytest.raises(InputError, match=message):
        read_events(files.runs[0])


def test_run_without_events_has_an_empty_table() -> None:
    assert list(session_events(session([{}])).columns) == ["onset", "duration", "trial_type", "run"]

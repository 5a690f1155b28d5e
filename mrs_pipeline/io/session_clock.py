"""One clock a session: 0 s at the first data point of its first run, through gaps between runs."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.bids import RunFiles, SessionFiles
from mrs_pipeline.io.tables import read_known_table

SECONDS_PER_DAY = 86400.0

#: Events that two runs list within this time of each other are the same event.
SAME_EVENT_S = 1.0

#: Runs may seem to overlap by this much, since times of day are often rounded to seconds.
ROUNDING_S = 1.5


def run_starts_s(runs: Sequence[RunFiles], *, event: str | None = None) -> FloatArray:
    """Start of every run on the session clock, in s; NaN for later runs whose start nothing tells.

    The onset of ``event`` (a trial_type that each run's events list once) places the runs if all have it, otherwise their
    acquisition times: AcquisitionDateTime, the scans table, or AcquisitionTime, whichever all runs have. Raises
    `InputError` for runs that begin in another order than they are numbered, and for times that cannot be read.
    """
    starts = np.full(len(runs), np.nan)
    starts[0] = 0.0
    if len(runs) == 1:
        return starts
    onsets = _event_onsets_s(runs, event=event)
    if onsets is not None:
        return np.asarray(onsets[0] - onsets)
    for source in (_date_time, _scans_time, _time_of_day):
        times = [source(run) for run in runs]
        if all(time is not None for time in times):
            return _elapsed_s(times, runs=runs)
    return starts


def _event_onsets_s(runs: Sequence[RunFiles], *, event: str | None) -> FloatArray | None:
    """Onset of the event in every run, relative to that run; None unless all runs have it."""
    if event is None:
        return None
    onsets: list[float] = []
    for run in runs:
        table = read_events(run)
        matching = table.loc[table["trial_type"] == event, "onset"]
        if len(matching) > 1:
            raise InputError(f"{run.events} lists the event '{event}' {len(matching)} times, so it cannot place the run: keep one")
        onsets.extend(matching)
    return np.asarray(onsets, dtype=np.float64) if len(onsets) == len(runs) else None


def _date_time(run: RunFiles) -> float | None:
    return _seconds_of_date(run.sidecar.get("AcquisitionDateTime"), run=run)


def _scans_time(run: RunFiles) -> float | None:
    return _seconds_of_date(run.acq_time, run=run)


def _seconds_of_date(text: object, *, run: RunFiles) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise InputError(f"{run.svs}: the acquisition time '{text}' is not a date and time such as 2024-05-17T09:30:00") from error
    naive = moment.replace(tzinfo=None)
    return (naive - datetime(1900, 1, 1)).total_seconds()


def _time_of_day(run: RunFiles) -> float | None:
    """AcquisitionTime as HH:MM:SS.f or DICOM's HHMMSS.f."""
    text = run.sidecar.get("AcquisitionTime")
    if text is None:
        return None
    match = re.fullmatch(r"(\d{2}):?(\d{2}):?(\d{2}(?:\.\d*)?)", str(text).strip())
    if match is None:
        raise InputError(f"{run.svs}: AcquisitionTime '{text}' is not a time such as 09:30:00.0: correct the sidecar")
    return int(match[1]) * 3600.0 + int(match[2]) * 60.0 + float(match[3])


def _elapsed_s(times: Sequence[float | None], *, runs: Sequence[RunFiles]) -> FloatArray:
    """Time since the first run; a run that seems to begin more than half a day earlier began after midnight."""
    elapsed = np.asarray(times, dtype=np.float64) - float(times[0] or 0.0)
    elapsed = np.where(elapsed < -SECONDS_PER_DAY / 2, elapsed + SECONDS_PER_DAY, elapsed)
    if np.any(np.diff(elapsed) < 0):
        raise InputError(
            f"{runs[0].svs.parent}: the runs were not acquired in the order of their numbers: renumber them or correct the times"
        )
    return np.asarray(elapsed)


def check_no_overlap(starts_s: FloatArray, *, durations_s: Sequence[float], files: SessionFiles) -> None:
    """`InputError` if a run starts before the one before it has ended; unknown times are not checked."""
    for number, (gap, duration) in enumerate(zip(np.diff(starts_s), durations_s, strict=False)):
        if np.isfinite(gap) and np.isfinite(duration) and gap < duration - ROUNDING_S:
            raise InputError(
                f"{files.label}: run {number + 2} would start {gap:g} s after run {number + 1}, which lasts {duration:g} s: "
                "correct the acquisition times or the events"
            )


def transient_times_s(n_stored: int, *, repetition_time_s: float | None, sidecar: Mapping[str, Any]) -> FloatArray:
    """Start of each stored transient relative to the first, in s; NaN where it cannot be told.

    Blocks of averages count as many repetitions as NumberOfTransients states for each; VolumeTiming, if given, states the
    times themselves.
    """
    stated = sidecar.get("VolumeTiming")
    if isinstance(stated, list) and len(stated) == n_stored:
        return np.asarray(stated, dtype=np.float64) - float(stated[0])
    n_acquired = sidecar.get("NumberOfTransients", n_stored)
    times = np.full(n_stored, np.nan)
    times[0] = 0.0
    if repetition_time_s is None or not isinstance(n_acquired, int) or n_acquired < 1 or n_acquired % n_stored:
        return times
    return np.arange(n_stored, dtype=np.float64) * (repetition_time_s * (n_acquired // n_stored))


def read_events(run: RunFiles) -> pd.DataFrame:
    """Events of a run with columns onset, duration (0 if not given) and trial_type, onsets relative to the run's first data point."""
    if run.events is None:
        return pd.DataFrame({"onset": pd.Series(dtype=float), "duration": pd.Series(dtype=float), "trial_type": pd.Series(dtype=object)})
    table = read_known_table(run.events, kind="events")
    for name in ("onset", "duration"):
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(f"{run.events}: column '{name}' holds text where seconds are expected: correct the table")
    if table["onset"].isna().any():
        raise InputError(f"{run.events}: an event has no onset: give it in seconds from the first data point")
    events = table.astype({"onset": float, "duration": float}).fillna({"duration": 0.0})
    return events[["onset", "duration", "trial_type"]]


def session_events(files: SessionFiles, *, event: str | None = None) -> pd.DataFrame:
    """All events of a session on its clock: onset, duration, trial_type and run (0-based), ordered by onset.

    An event that several runs list is kept once. Onsets of runs whose start is unknown are NaN.
    """
    starts = run_starts_s(files.runs, event=event)
    tables = [read_events(run).assign(run=number) for number, run in enumerate(files.runs)]
    for table, start in zip(tables, starts, strict=True):
        table["onset"] += start
    events = pd.concat(tables, ignore_index=True).sort_values(["onset", "run"], kind="stable", ignore_index=True)
    repeated = [_listed_before(events, row) for row in range(len(events))]
    return events[~np.asarray(repeated, dtype=bool)].reset_index(drop=True)


def _listed_before(events: pd.DataFrame, row: int) -> bool:
    """Whether an earlier row is the same event, listed by another run."""
    this, before = events.iloc[row], events.iloc[:row]
    same = (before["trial_type"] == this["trial_type"]) & (before["run"] != this["run"])
    return bool((same & ((before["onset"] - this["onset"]).abs() < SAME_EVENT_S)).any())


def require_clock(transients: pd.DataFrame, *, label: str) -> None:
    """`InputError` if the time of any transient is unknown, with what would tell it."""
    if transients["time_s"].isna().any():
        runs = transients.loc[transients["time_s"].isna(), "run"].unique()
        raise InputError(
            f"{label}: when the transients of run {', '.join(str(run + 1) for run in runs)} were acquired cannot be determined; "
            "give RepetitionTime and, for several runs, AcquisitionTime in sidecars, acq_time in the scans table or an event that all list"
        )

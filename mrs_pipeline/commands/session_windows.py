"""Windows of a session as its configuration asks for them: around an event, in blocks, or over a recording without events."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.tables import read_table
from mrs_pipeline.timecourse.blocks import block_windows, check_blocks
from mrs_pipeline.timecourse.edges import window_edges
from mrs_pipeline.timecourse.events import event_onset_s, on_times_s
from mrs_pipeline.timecourse.moving import check_moving, moving_windows
from mrs_pipeline.timecourse.recording import Recording, Window
from mrs_pipeline.timecourse.windows import gathered

#: Level of the windows of a recording without event.
RECORDING = "recording"


@dataclass(frozen=True, kw_only=True)
class SessionWindows:
    """Windows of a session, moving ones for display (none unless asked for), and the onset of the event on the session clock."""

    windows: tuple[Window, ...]
    moving: tuple[Window, ...]
    onset_s: float


def check_windows(section: Mapping[str, Any]) -> None:
    """`ConfigError` for a `windows` section that contradicts itself, before there are data."""
    check_blocks(section)
    check_moving(section)
    if not section.get("blocks"):
        window_edges(section)


def session_windows(section: Mapping[str, Any], *, events: Path | None, transients: pd.DataFrame) -> SessionWindows:
    """The windows of a session from its table of events and its table of transients (time_s, rejected and, if it has them, weight).

    Raises `MrsPipelineError` for a missing event, an unknown clock and a section that contradicts itself.
    """
    check_windows(section)
    onset_s = _onset_s(events, event=section["event"], number=section.get("event_number") or 1)
    recording = Recording(
        time_s=transients["time_s"].to_numpy(dtype=float) - onset_s,
        rejected=transients["rejected"].to_numpy(dtype=bool),
        weights=weights_of(transients),
    )
    if section.get("blocks"):
        windows = _blocks(section["blocks"], events=events, recording=recording, onset_s=onset_s)
        limits_s = (float(recording.time_s[0]), recording.stop_s)
    else:
        level = "" if section["event"] else RECORDING
        windows = gathered(window_edges(section, recording=recording), recording=recording, level=level)
        limits_s = (windows[0].start_s, windows[-1].stop_s)
    moving = section.get("moving")
    shown = moving_windows(limits_s, recording=recording, **moving) if moving else ()
    return SessionWindows(windows=windows, moving=shown, onset_s=onset_s)


def weights_of(transients: pd.DataFrame) -> Any:
    """Weights of transients in averages, shape (n_transients,), or None where preprocessing gave none."""
    return transients["weight"].to_numpy(dtype=float) if "weight" in transients else None


def _blocks(section: Mapping[str, Any], *, events: Path | None, recording: Recording, onset_s: float) -> tuple[Window, ...]:
    event = section["event"]
    table = _read_events(events, event=event, key="windows.blocks.event", otherwise="or ask for other windows")
    on_s = [(start - onset_s, stop - onset_s) for start, stop in on_times_s(table, event=event, key="windows.blocks.event")]
    return block_windows(on_s, recording=recording, per=section["per"], skip_s=section["skip_s"])


def _onset_s(events: Path | None, *, event: str | None, number: int) -> float:
    if event is None:
        return 0.0
    table = _read_events(events, event=event, key="windows.event", otherwise="or set windows.event to null")
    onset_s = event_onset_s(table, event=event, number=number)
    if not np.isfinite(onset_s):
        raise InputError(f"{events}: the onset of '{event}' is not a number: give it in seconds from the first transient")
    return onset_s


def _read_events(events: Path | None, *, event: str, key: str, otherwise: str) -> pd.DataFrame:
    """The events table, which must not be empty."""
    table = event_table(events)
    if table.empty:
        raise InputError(
            f"there is no events file, or it lists no events, but {key} is '{event}': add *_events.tsv with that trial_type, {otherwise}"
        )
    return table


def event_table(events: Path | None) -> pd.DataFrame:
    """Events with numbers in onset and duration (NaN where they hold text or nothing); no rows without a file."""
    if events is None:
        return pd.DataFrame(columns=["onset", "duration", "trial_type"])
    if not events.is_file():
        raise InputError(f"{events} does not exist: give the events table of the session")
    table = read_table(events, required=("onset", "trial_type"))
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in ("onset", "duration") if name in table}
    return table.assign(**({"duration": np.nan} | numbers))


def require_signal(averaged: Fids, windows: SessionWindows, *, name: Path, transients: pd.DataFrame) -> None:
    """`DataError` with the reason if not one window has enough retained transients."""
    if transients["rejected"].all():
        reasons = (
            transients["reason"].fillna("").replace("", "no reason given") if "reason" in transients else pd.Series(["no reason given"])
        )
        raise DataError(
            f"{name} holds no transient to average: all {len(transients)} are rejected, most for '{reasons.mode()[0]}'; check that the raw "
            "data hold a signal"
        )
    if not np.any(np.all(np.isfinite(averaged.data), axis=1)):
        times = transients["time_s"].to_numpy(dtype=float) - windows.onset_s
        first, last = windows.windows[0], windows.windows[-1]
        raise DataError(
            f"{name} has no window with enough retained transients: the data run from {times.min():g} to {times.max():g} s relative to the "
            f"event, the windows from {first.start_s:g} to {last.stop_s:g} s; correct the windows section"
        )

"""Events of a session: when one happened, and when one type of them was on."""

import numpy as np
import pandas as pd

from mrs_pipeline.errors import DataError


def event_onset_s(events: pd.DataFrame, *, event: str, number: int = 1) -> float:
    """Onset of the first event of a type (or of a later one, by its `number` in time), seconds on the session clock.

    `DataError` lists the types there are, or says how many events of the type.
    """
    onsets = _of_type(events, event=event, key="windows.event")["onset"].sort_values()
    if len(onsets) < number:
        raise DataError(f"windows.event_number is {number}, but the events table has {len(onsets)} of trial_type '{event}'")
    return float(onsets.iloc[number - 1])


def on_times_s(events: pd.DataFrame, *, event: str, key: str) -> list[tuple[float, float]]:
    """(start, stop) of every event of a type on the session clock, in order of time; touching and overlapping ones are joined.

    `DataError` for a type that is not there and for an event without duration; `key` names the setting that asks for it.
    """
    rows = _of_type(events, event=event, key=key).sort_values("onset")
    joined: list[tuple[float, float]] = []
    for onset, duration in zip(rows["onset"].astype(float), rows["duration"].astype(float), strict=True):
        if not (np.isfinite(onset) and np.isfinite(duration) and duration > 0):
            raise DataError(f"the event '{event}' at {onset:g} s has no duration: blocks need how long it was on, in the events file")
        start, stop = joined.pop() if joined and onset <= joined[-1][1] else (onset, onset)
        joined.append((start, max(stop, onset + duration)))
    return joined


def _of_type(events: pd.DataFrame, *, event: str, key: str) -> pd.DataFrame:
    types = events["trial_type"].astype(str)
    rows = events[types == event]
    if rows.empty:
        found = ", ".join(sorted(set(types))) or "none at all"
        raise DataError(f"no event of trial_type '{event}' in the events table (found: {found}); correct {key} or the events file")
    return rows

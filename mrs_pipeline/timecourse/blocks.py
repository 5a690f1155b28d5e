"""Blocks: windows of a design in which one type of event is on and off in turn."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.timecourse.recording import SAME_TIME_S, Recording, Window

#: Levels of a block design: event off, event on.
REST, TASK = "rest", "task"


def check_blocks(section: Mapping[str, Any]) -> None:
    """`ConfigError` if a `windows` section asks for blocks and for windows around an event at once."""
    for part in ("baseline", "infusion"):
        if section.get("blocks") is not None and section.get(part) is not None:
            raise ConfigError(
                f"windows.blocks takes the place of windows.baseline and windows.infusion, but windows.{part} is given as well"
            )


def block_windows(on_s: Sequence[tuple[float, float]], *, recording: Recording, per: str, skip_s: float = 0.0) -> tuple[Window, ...]:
    """Windows of transients while an event was on (level `task`) and off (`rest`).

    `on_s` are (start, stop) of the event, ascending, on the time axis of the recording. A transient belongs to the level at its start;
    those that start less than `skip_s` after a change of level belong to none. Events with less than a repetition and no transient between
    them are one block. `per` block: one window for each block in order of time, empty ones left out; `per` condition: one window for all
    blocks of a level, rest first. `DataError` if a level has no transient.
    """
    on_s = _without_short_breaks(on_s, recording=recording)
    blocks = _blocks(on_s, recording=recording)
    for level in (REST, TASK):
        if not any(block.level == level for block in blocks):
            state = "on" if level == TASK else "off"
            raise DataError(f"no transient starts while the event of windows.blocks is {state}: correct the events file or the setting")
    used = _settled(on_s, recording=recording, skip_s=skip_s)
    grouped = [[block] for block in blocks] if per == "block" else [[b for b in blocks if b.level == level] for level in (REST, TASK)]
    return tuple(
        recording.window(
            np.logical_or.reduce([block.inside for block in group]) & used,
            index=index,
            limits_s=(group[0].start_s, group[-1].stop_s),
            level=group[0].level,
        )
        for index, group in enumerate(grouped)
    )


@dataclass(frozen=True, kw_only=True)
class _Block:
    """Transients of one level between two changes of level."""

    level: str
    start_s: float
    stop_s: float
    inside: BoolArray


def _without_short_breaks(on_s: Sequence[tuple[float, float]], *, recording: Recording) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, stop in on_s:
        before = joined[-1][1] if joined else -np.inf
        is_short = start - before < np.nan_to_num(recording.interval_s) and not recording.between(before, start).any()
        joined.append((joined.pop()[0], stop) if is_short else (start, stop))
    return joined


def _blocks(on_s: Sequence[tuple[float, float]], *, recording: Recording) -> list[_Block]:
    """All blocks with transients, in order of time; two of one level on either side of a gap stay apart."""
    changes = [time for limits in on_s for time in limits]
    edges = [-np.inf, *changes, np.inf]
    first, last = float(recording.time_s[0]), recording.stop_s
    blocks = []
    for number, (start, stop) in enumerate(itertools.pairwise(edges)):
        inside = recording.between(start, stop)
        if inside.any():
            level = TASK if number % 2 else REST
            blocks.append(_Block(level=level, start_s=max(start, first), stop_s=min(stop, last), inside=inside))
    return blocks


def _settled(on_s: Sequence[tuple[float, float]], *, recording: Recording, skip_s: float) -> BoolArray:
    """Which transients start no less than `skip_s` after the last change of level."""
    changes: FloatArray = np.array([-np.inf, *(time for limits in on_s for time in limits)])
    latest = changes[np.searchsorted(changes, recording.time_s + SAME_TIME_S, side="right") - 1]
    return np.asarray(recording.time_s - latest >= skip_s - SAME_TIME_S)

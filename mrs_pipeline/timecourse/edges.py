"""Edges: where the windows of the `baseline` and `infusion` parts of a study begin and end."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.timecourse.recording import Recording

PARTS = ("baseline", "infusion")
_STRETCH = ("start_s", "stop_s", "width_s", "width_transients")

Edges = list[tuple[float, float]]


def window_edges(section: Mapping[str, Any], *, recording: Recording | None = None) -> Edges:
    """(start, stop) of every window of a `windows` section, in seconds relative to the event, ascending.

    `baseline` and `infusion` each give `start_s` and `stop_s` with `width_s` or `width_transients`, or `edges_s`. A stretch is cut into
    windows of that width; a remainder of less than half a width joins the last one. Widths in transients need the `recording`: they
    count acquired transients from the start of the part, rejected ones included, whatever gaps lie between; without it such a part
    is one stretch. `ConfigError` names the key that does not fit.
    """
    parts = {part: section[part] for part in PARTS if section.get(part) is not None}
    if not parts:
        raise ConfigError("the windows section has neither a baseline nor an infusion part, nor blocks: give at least one")
    found = {part: _part_edges(given, key=f"windows.{part}", recording=recording) for part, given in parts.items()}
    _check_around_event(found, parts=parts)
    return [edge for edges in found.values() for edge in edges]


def _part_edges(given: Mapping[str, Any], *, key: str, recording: Recording | None) -> Edges:
    stated = [name for name in _STRETCH if given.get(name) is not None]
    if given.get("edges_s") is not None:
        if stated:
            raise ConfigError(f"{key}.edges_s takes the place of start_s, stop_s and a width, but {key}.{stated[0]} is given as well")
        return _unequal(given["edges_s"], key=f"{key}.edges_s")
    missing = [name for name in ("start_s", "stop_s") if name not in stated]
    if missing:
        raise ConfigError(f"{key}.{missing[0]} is missing: give start_s, stop_s and a width, or edges_s")
    widths = [name for name in ("width_s", "width_transients") if name in stated]
    if len(widths) != 1:
        problem = "has two widths" if widths else "has no width"
        raise ConfigError(f"{key} {problem}: give width_s (seconds) or width_transients (number of acquired transients)")
    _check_stretch(given, width=widths[0], key=key)
    return _equal(given) if widths == ["width_s"] else _counted(given, recording=recording)


def _unequal(values: Any, *, key: str) -> Edges:
    edges = [float(value) for value in values]
    if len(edges) < 2 or not np.all(np.isfinite(edges)) or np.any(np.diff(edges) <= 0):
        raise ConfigError(f"{key} is {edges}: two or more times in ascending order are expected, none of them twice")
    return list(itertools.pairwise(edges))


def _check_stretch(given: Mapping[str, Any], *, width: str, key: str) -> None:
    start, stop, size = (float(given[name]) for name in ("start_s", "stop_s", width))
    if not (np.all(np.isfinite([start, stop, size])) and stop > start and size > 0):
        unit = "s" if width == "width_s" else "transients"
        raise ConfigError(f"{key} runs from {start:g} to {stop:g} s in steps of {size:g} {unit}: stop_s must exceed start_s, {width} 0")


def _equal(given: Mapping[str, Any]) -> Edges:
    start, stop, width = (float(given[name]) for name in ("start_s", "stop_s", "width_s"))
    n_windows = _number_of(stop - start, width=width)
    return list(itertools.pairwise([*(start + width * i for i in range(n_windows)), stop]))


def _counted(given: Mapping[str, Any], *, recording: Recording | None) -> Edges:
    start, stop, width = float(given["start_s"]), float(given["stop_s"]), int(given["width_transients"])
    times = np.empty(0) if recording is None else recording.time_s[recording.between(start, stop)]
    if recording is None or not len(times):
        return [(start, stop)]
    firsts = times[np.arange(1, _number_of(len(times), width=width)) * width]
    interval_s = float(np.nan_to_num(recording.interval_s))
    limits = [max(start, float(times[0]) - interval_s), *_floats(firsts), min(stop, float(times[-1]) + interval_s)]
    return list(itertools.pairwise(limits))


def _floats(values: FloatArray) -> list[float]:
    return [float(value) for value in values]


def _number_of(length: float, *, width: float) -> int:
    """Windows in a stretch; a remainder of less than half a width is none of its own."""
    return max(1, int(np.floor(length / width + 0.5)))


def _check_around_event(found: Mapping[str, Edges], *, parts: Mapping[str, Mapping[str, Any]]) -> None:
    """The baseline ends at or before the event and before the infusion part; that starts at or after the event."""
    names = {part: (("edges_s", "edges_s") if parts[part].get("edges_s") is not None else ("start_s", "stop_s")) for part in found}
    if "baseline" in found and found["baseline"][-1][1] > 0:
        stop = found["baseline"][-1][1]
        raise ConfigError(f"windows.baseline.{names['baseline'][1]} is {stop:g}: baseline windows end at or before the event (0 s)")
    if len(found) == len(PARTS) and found["infusion"][0][0] < found["baseline"][-1][1]:
        raise ConfigError("windows.baseline and windows.infusion overlap: the baseline must stop before the infusion part starts")
    if "infusion" in found and found["infusion"][0][0] < 0:
        start = found["infusion"][0][0]
        raise ConfigError(f"windows.infusion.{names['infusion'][0]} is {start:g}: infusion windows start at or after the event (0 s)")

"""Windows: stretches of a session relative to an event, and the averages of the transients in them."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fids import Fids, ProcessingStep

_KEYS = ("start_s", "stop_s", "width_s")


@dataclass(frozen=True, kw_only=True)
class Window:
    """One stretch of a session: `start_s` <= t < `stop_s` relative to the reference event.

    `transients` are the indices of the retained transients, `rejected` those of the others; `n_acquired` counts both.
    """

    index: int
    start_s: float
    stop_s: float
    transients: tuple[int, ...]
    n_acquired: int
    rejected: tuple[int, ...] = ()

    @property
    def phase(self) -> str:
        """`baseline` before the event, `infusion` from it on."""
        return "baseline" if self.stop_s <= 0.0 else "infusion"


def event_onset_s(events: pd.DataFrame, *, event: str) -> float:
    """Onset of the first event of a type, seconds on the session clock; `DataError` lists the types there are."""
    onsets = events.loc[events["trial_type"].astype(str) == event, "onset"]
    if onsets.empty:
        found = ", ".join(sorted(set(events["trial_type"].astype(str)))) or "none at all"
        raise DataError(f"no event of trial_type '{event}' in the events table (found: {found}); correct windows.event or the events file")
    return float(onsets.min())


def window_edges(section: Mapping[str, Any]) -> list[tuple[float, float]]:
    """(start, stop) of every window of a `windows` section, in seconds relative to the event, ascending.

    `baseline` and `infusion` each give `start_s`, `stop_s` and `width_s`; the stretch is cut into windows of that width, a remainder
    of less than half a width joins the last one. `ConfigError` names the key that does not fit.
    """
    edges: list[tuple[float, float]] = []
    for part in ("baseline", "infusion"):
        if section.get(part) is not None:
            edges += _blocks(section[part], part=part)
    if not edges:
        raise ConfigError("the windows section has neither a baseline nor an infusion part: give at least one")
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(edges)):
        raise ConfigError("windows.baseline and windows.infusion overlap: the baseline must stop before the infusion part starts")
    return edges


def _blocks(part_section: Mapping[str, Any], *, part: str) -> list[tuple[float, float]]:
    start, stop, width = (float(part_section[key]) for key in _KEYS)
    if not (np.all(np.isfinite([start, stop, width])) and stop > start and width > 0):
        raise ConfigError(
            f"windows.{part} runs from {start:g} to {stop:g} s in steps of {width:g} s: stop_s must exceed start_s, width_s 0"
        )
    if part == "baseline" and stop > 0:
        raise ConfigError(f"windows.baseline.stop_s is {stop:g}: baseline windows end at or before the event (0 s)")
    n_windows = max(1, int(np.floor((stop - start) / width + 0.5)))
    limits = [start + width * i for i in range(n_windows)] + [stop]
    return list(itertools.pairwise(limits))


def make_windows(edges: Sequence[tuple[float, float]], *, time_s: FloatArray, rejected: BoolArray, onset_s: float) -> tuple[Window, ...]:
    """Windows with the transients that start in them, `time_s` and `onset_s` on the same session clock.

    Raises
    ------
    DataError
        If the time of a transient is unknown: baseline and infusion runs then have no common clock.
    """
    if not np.all(np.isfinite(time_s)):
        raise DataError(
            "the runs of this session cannot be placed on one clock: give AcquisitionTime in the sidecars, acq_time in scans.tsv, "
            "or the reference event in the events file of every run"
        )
    relative = np.asarray(time_s) - onset_s
    windows = []
    for index, (start, stop) in enumerate(edges):
        inside = (relative >= start - 1e-6) & (relative < stop - 1e-6)
        kept = tuple(int(i) for i in np.flatnonzero(inside & ~rejected))
        out = tuple(int(i) for i in np.flatnonzero(inside & rejected))
        windows.append(Window(index=index, start_s=start, stop_s=stop, transients=kept, n_acquired=int(inside.sum()), rejected=out))
    return tuple(windows)


def average_windows(fids: Fids, *, windows: Sequence[Window], min_transients: int = 1, weights: FloatArray | None = None) -> Fids:
    """Mean FID of the retained transients of each window, dims ("window", "time"); NaN where fewer than `min_transients` remain.

    With `weights` (n_transients,) the mean is weighted by them.
    """
    data = np.full((len(windows), fids.acquisition.n_points), np.nan, dtype=np.complex128)
    for row, window in enumerate(windows):
        chosen = list(window.transients)
        shares = None if weights is None else weights[chosen]
        if len(chosen) >= max(1, min_transients) and (shares is None or shares.sum() > 0):
            data[row] = np.average(np.asarray(fids.data)[chosen], axis=0, weights=shares)
    counts = ", ".join(str(len(window.transients)) for window in windows)
    kind = "mean" if weights is None else "weighted mean"
    step = ProcessingStep(method="Signal averaging", details=f"{kind} of retained transients per window (n = {counts})")
    return fids.with_data(data, dims=("window", "time"), step=step)


def window_table(windows: Sequence[Window], *, reasons: Sequence[str] = ()) -> pd.DataFrame:
    """One row a window: window, window_start_s, window_stop_s, n_acquired, n_retained; rejected_for counts the `reasons` of transients."""
    return pd.DataFrame(
        {
            "window": [window.index for window in windows],
            "window_start_s": [window.start_s for window in windows],
            "window_stop_s": [window.stop_s for window in windows],
            "n_acquired": [window.n_acquired for window in windows],
            "n_retained": [len(window.transients) for window in windows],
            "rejected_for": [_counted(window, reasons=reasons) for window in windows],
        }
    )


def _counted(window: Window, *, reasons: Sequence[str]) -> str:
    """Reasons of a window's rejected transients with their numbers, such as "amplitude 3, phase 1"; a transient may have several."""
    found = Counter(word for index in window.rejected if index < len(reasons) for word in reasons[index].split(", "))
    return ", ".join(f"{reason or 'no reason given'} {count}" for reason, count in sorted(found.items()))

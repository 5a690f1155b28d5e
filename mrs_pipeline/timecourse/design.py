"""Design of a time course: columns of responses and of what changes by itself, from events and the `timecourse` section."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fids import read_only
from mrs_pipeline.timecourse.responses import RESPONSES, response, response_options
from mrs_pipeline.timecourse.windows import Window

_KEY = "timecourse.responses"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
#: A column counts as a combination of others if less than this part of it is its own, and as constant if it changes by less.
_OWN = 1e-6


@dataclass(frozen=True, kw_only=True)
class Design:
    """Regressors over time: `columns` (n_times, n_regressors) without a unit, one name each.

    The first ones are the `responses`, the others nuisance (`constant`, `drift_1`, ...). Rows of windows without any retained transient
    are NaN.
    """

    names: tuple[str, ...]
    columns: FloatArray
    responses: tuple[str, ...]

    def __post_init__(self) -> None:
        """Make the array read-only."""
        object.__setattr__(self, "columns", read_only(self.columns))

    @property
    def nuisance(self) -> tuple[str, ...]:
        """Names of the columns that are no responses."""
        return self.names[len(self.responses) :]

    def at(self, rows: BoolArray) -> "Design":
        """The design of some of the times, checked anew: without its windows before the event a response may be constant."""
        return checked_design(Design(names=self.names, columns=self.columns[rows], responses=self.responses))


def check_responses(section: Mapping[str, Any]) -> None:
    """`ConfigError` for a `timecourse` section that no session could use: unknown shapes and options, wrong values, names given twice."""
    names = [item["name"] for item in section["responses"]]
    for index, name in enumerate(names):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ConfigError(f"{_KEY} has the name {name!r}: use letters, digits, - and _, a letter first")
        if name in names[:index] or name == "constant" or re.fullmatch(r"drift_\d+", name):
            raise ConfigError(f"{_KEY} has the name '{name}' twice, or it is that of a nuisance column (constant, drift_1): choose another")
    for item in section["responses"]:
        response_options(item["shape"], _options(item), key=f"{_KEY}.{item['name']}")


def design_matrix(
    section: Mapping[str, Any],
    *,
    time_s: FloatArray,
    events: pd.DataFrame,
    reference_event: str | None = None,
    windows: Sequence[Window] | None = None,
    weights: FloatArray | None = None,
) -> Design:
    """Design of a session from a complete `timecourse` section.

    `section` has `responses`, a list of {name, shape, event, option: value, ...}, and `drift`, the degree of the polynomial of nuisance
    columns. `time_s` (n_transients,) are the times of the transients and `events` the onset, duration and trial_type of the events, in
    seconds on the clock of the session. `reference_event` is the trial_type of responses that name no event (`windows.event`); without
    one there is one event at 0 s, the first transient. With `windows` a row is the mean over the retained transients of a window, weighted
    by `weights` (n_transients,) as its spectrum is; else a row is a transient.

    Raises
    ------
    ConfigError
        For what `check_responses` refuses, or a formula that cannot be computed.
    DataError
        For unknown times or events, a response that does not change over the recording, and columns that others make up.
    """
    check_responses(section)
    times = np.asarray(time_s, dtype=float)
    if times.size == 0 or not np.all(np.isfinite(times)):
        raise DataError(
            "the times of transients are not all known: responses over time (timecourse.responses) need one clock for the session"
        )
    columns = {item["name"]: _column(item, times=times, events=events, reference_event=reference_event) for item in section["responses"]}
    responses = tuple(columns)
    columns["constant"] = np.ones_like(times)
    drifts = {f"drift_{degree}": degree for degree in range(1, int(section["drift"]) + 1)}
    for name, degree in drifts.items():
        columns[name] = response(times, shape="polynomial_drift", onsets_s=times[:0], durations_s=times[:0], options={"degree": degree})
    centred = [*drifts, *(item["name"] for item in section["responses"] if not RESPONSES[item["shape"]].of_events)]
    stacked = np.stack(list(columns.values()), axis=1)
    if windows is not None:
        stacked = window_means(stacked, windows=windows, weights=weights)
    for name in centred:
        index = list(columns).index(name)
        stacked[:, index] -= np.nanmean(stacked[:, index])
    return checked_design(Design(names=tuple(columns), columns=stacked, responses=responses))


def window_means(columns: FloatArray, *, windows: Sequence[Window], weights: FloatArray | None = None) -> FloatArray:
    """Means of columns (n_transients, n_columns) over the retained transients of each window, as the spectra are averaged; NaN for none."""
    means = np.full((len(windows), columns.shape[1]), np.nan)
    for row, window in enumerate(windows):
        chosen = list(window.transients)
        shares = None if weights is None else weights[chosen]
        if chosen and (shares is None or shares.sum() > 0.0):
            means[row] = np.average(columns[chosen], axis=0, weights=shares)
    return means


def checked_design(design: Design) -> Design:
    """The design, if each response changes over the recording and no column is a combination of others; `DataError` otherwise."""
    known = design.columns[np.all(np.isfinite(design.columns), axis=1)]
    if not known.size:
        raise DataError("no window has a retained transient: there is no time course for timecourse.responses")
    for name, column in zip(design.responses, known.T, strict=False):
        _check_change(column, key=f"{_KEY}.{name}")
    _check_independence(design, known=known)
    return design


def _options(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in ("name", "shape", "event")}


def _column(item: Mapping[str, Any], *, times: FloatArray, events: pd.DataFrame, reference_event: str | None) -> FloatArray:
    key, event = f"{_KEY}.{item['name']}", item.get("event") or reference_event
    onsets, durations = np.zeros(1), np.zeros(1)
    if event is not None and RESPONSES[item["shape"]].of_events:
        onsets, durations = _event_times(events, event=event, key=key)
    return response(times, shape=item["shape"], onsets_s=onsets, durations_s=durations, options=_options(item), key=key)


def _event_times(events: pd.DataFrame, *, event: str, key: str) -> tuple[FloatArray, FloatArray]:
    """Onsets and durations (NaN where unknown) of the events of a type."""
    types = events["trial_type"].astype(str) if "trial_type" in events else pd.Series(dtype=str)
    chosen = events.loc[types[types == event].index]
    if chosen.empty:
        found = ", ".join(sorted(set(types))) or "none at all"
        raise DataError(f"{key}.event is '{event}', but the events table has no such trial_type (found: {found}): correct one of them")
    onsets, durations = (
        pd.to_numeric(chosen.get(name, pd.Series(np.nan, index=chosen.index)), errors="coerce").to_numpy(dtype=float)
        for name in ("onset", "duration")
    )
    if not np.all(np.isfinite(onsets)):
        raise DataError(f"{key}.event is '{event}', whose onset in the events table is not a number: give it in seconds")
    return onsets, durations


def _check_change(column: FloatArray, *, key: str) -> None:
    if np.ptp(column) > _OWN * max(1.0, float(np.abs(column).max())):
        return
    if np.all(np.abs(column) <= _OWN):
        raise DataError(f"{key} is zero at all {column.size} times: its event lies outside the recording, or its duration is too short")
    raise DataError(f"{key} does not change over the {column.size} times: record before the event as well, or take the response out")


def _check_independence(design: Design, *, known: FloatArray) -> None:
    """`DataError` for the first response, else the first column, that the others make up."""
    norms = np.linalg.norm(known, axis=0)
    scaled = known / np.where(norms > 0.0, norms, 1.0)
    for index, name in enumerate(design.names):
        others = np.delete(scaled, index, axis=1)
        shares = np.linalg.lstsq(others, scaled[:, index], rcond=None)[0]
        if np.linalg.norm(scaled[:, index] - others @ shares) < _OWN:
            made_of = [other for other, share in zip(np.delete(design.names, index), shares, strict=True) if abs(share) > _OWN]
            raise DataError(
                f"{_column_key(design, name)} is a combination of other columns ({', '.join(made_of) or 'it is zero'}) at the "
                f"{len(known)} times of the recording: take one of timecourse.responses out or lower timecourse.drift"
            )


def _column_key(design: Design, name: str) -> str:
    return f"{_KEY}.{name}" if name in design.responses else f"column {name} of timecourse.drift"

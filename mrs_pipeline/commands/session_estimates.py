"""All that is estimated of a session: its windows, other estimators of them, and responses over time."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.commands.estimators import ESTIMATORS, SessionCourse
from mrs_pipeline.commands.fit_results import definitions_for
from mrs_pipeline.commands.fit_tables import Columns, table_of
from mrs_pipeline.commands.session_responses import COLUMNS, ResponseOptions, Rows, response_table
from mrs_pipeline.commands.session_windows import SessionWindows, event_table, weights_of
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.session import fit_mean, fit_windows
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.intervals import IntervalOptions
from mrs_pipeline.timecourse.design import Design, design_matrix
from mrs_pipeline.timecourse.recording import REFERENCE_PHASES


@dataclass(frozen=True, kw_only=True)
class SessionSpectra:
    """Spectra of a session: all transients with their table, the means of windows and those of moving ones (shown only)."""

    fids: Fids
    transients: pd.DataFrame
    windows: SessionWindows
    averaged: Fids
    shown: Fids
    events: Path | None
    label: str

    @property
    def counts(self) -> FloatArray:
        """Transients of each window."""
        return np.array([len(window.transients) for window in self.windows.windows], dtype=float)


@dataclass(frozen=True, kw_only=True)
class SessionEstimates:
    """Fits of windows and of moving ones, fits of the windows by other estimators, the table of responses, what a reader must know."""

    fits: tuple[SpectrumFit, ...]
    moving: tuple[SpectrumFit, ...]
    others: Mapping[str, tuple[SpectrumFit, ...]]
    responses: Columns
    remarks: tuple[str, ...]


def session_estimates(session: SessionSpectra, *, config: Mapping[str, Any], fitter: Fitter) -> SessionEstimates:
    """Everything that the sections `windows` and `timecourse` ask for; what a session does not allow is left out with a remark."""
    mean = fit_mean(session.averaged, counts=session.counts, fitter=fitter)
    fits, moving = _window_fits(session, mean=mean, fitter=fitter)
    course = SessionCourse(
        averaged=session.averaged,
        counts=session.counts,
        active=np.array([window.phase not in REFERENCE_PHASES for window in session.windows.windows]),
        fits=fits,
        mean=mean,
        fitter=fitter,
        seed=zlib.crc32(session.label.encode()),
    )
    others, remarks = _others(course, names=config["timecourse"]["estimators"])
    responses, said = _responses(session, course=course, config=config)
    return SessionEstimates(fits=fits, moving=moving, others=others, responses=responses, remarks=(*remarks, *said))


def _window_fits(session: SessionSpectra, *, mean: SpectrumFit, fitter: Fitter) -> tuple[tuple[SpectrumFit, ...], tuple[SpectrumFit, ...]]:
    """Fits of the windows and of the moving ones, whose transients are in the mean of the session already."""
    every, n_windows = (*session.windows.windows, *session.windows.moving), len(session.windows.windows)
    counts = np.array([len(window.transients) for window in every], dtype=float)
    together = session.averaged.with_data(np.concatenate([session.averaged.data, session.shown.data]))
    fits = fit_windows(together, counts=counts, fitter=fitter, mean=mean, in_mean=np.arange(len(every)) < n_windows)
    return fits[:n_windows], fits[n_windows:]


def _others(course: SessionCourse, *, names: list[str]) -> tuple[dict[str, tuple[SpectrumFit, ...]], list[str]]:
    found, remarks = {}, []
    for name in names:
        try:
            found[name] = ESTIMATORS[name](course)
        except DataError as error:
            remarks.append(f"no measures by the estimator {name}: {error}")
    return found, remarks


def _responses(session: SessionSpectra, *, course: SessionCourse, config: Mapping[str, Any]) -> tuple[Columns, list[str]]:
    """The table of responses, empty with a remark where the session does not allow any; a study without an event has none."""
    section, windows = config["timecourse"], config["windows"]
    event = windows["blocks"]["event"] if windows.get("blocks") else windows["event"]
    empty = table_of([], columns=COLUMNS)
    if not section["responses"] or (event is None and not any(item.get("event") for item in section["responses"])):
        return empty, []
    options = ResponseOptions(
        definitions=definitions_for(config, course.fitter), intervals=IntervalOptions.from_mapping(config["intervals"])
    )
    try:
        of_windows = _window_rows(session, section=section, event=event)
        rows = _transient_rows(session, section=section, event=event) if section["responses_from"] == "transients" else of_windows
        return response_table(rows, windows=of_windows, fits=course.fits, mean=course.mean, fitter=course.fitter, options=options)
    except DataError as error:
        return empty, [f"no responses over time: {error}"]


def _window_rows(session: SessionSpectra, *, section: Mapping[str, Any], event: str | None) -> Rows:
    design = _design(session, section=section, event=event, windows=True)
    usable = np.all(np.isfinite(session.averaged.data), axis=1)
    design.at(usable)
    return Rows(fids=session.averaged, counts=session.counts, design=design, widths="free")


def _transient_rows(session: SessionSpectra, *, section: Mapping[str, Any], event: str | None) -> Rows:
    weights = weights_of(session.transients)
    used = ~session.transients["rejected"].to_numpy(dtype=bool) & ((weights if weights is not None else 1.0) > 0.0)
    counts = np.ones(len(used)) if weights is None else weights
    design = _design(session, section=section, event=event, windows=False).at(used)
    return Rows(fids=session.fids.with_data(np.asarray(session.fids.data)[used]), counts=counts[used], design=design, widths="follow")


def _design(session: SessionSpectra, *, section: Mapping[str, Any], event: str | None, windows: bool) -> Design:
    return design_matrix(
        section,
        time_s=session.transients["time_s"].to_numpy(dtype=float),
        events=event_table(session.events),
        reference_event=event,
        windows=session.windows.windows if windows else None,
        weights=weights_of(session.transients) if windows else None,
    )

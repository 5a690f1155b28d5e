"""Responses of a session over time: one change a measure, from the windows one by one and from one fit of everything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.commands.fit_tables import Columns, table_of
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.joint import RUINED, JointFit, fit_joint
from mrs_pipeline.fitting.joint_problem import Courses
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.changes import Change, TwoLevels, change_along, change_of, changing_definitions
from mrs_pipeline.quantification.intervals import IntervalOptions
from mrs_pipeline.quantification.measures import MeasureDefinition, evaluate_measure
from mrs_pipeline.timecourse.design import Design

COLUMNS = ("response", "estimator", "measure", "change_log_percent", "sd", "ci_low", "ci_high", "status")


@dataclass(frozen=True, kw_only=True)
class ResponseOptions:
    """Measures whose changes are wanted, and their intervals."""

    definitions: Sequence[MeasureDefinition]
    intervals: IntervalOptions


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Spectra that follow a design, averages of `counts` transients: windows, or single transients."""

    fids: Fids
    counts: FloatArray
    design: Design
    widths: str


def response_table(
    rows: Rows, *, windows: Rows, fits: Sequence[SpectrumFit], mean: SpectrumFit, fitter: Fitter, options: ResponseOptions
) -> tuple[Columns, list[str]]:
    """One row per response, estimator and measure; and a sentence on spectra that the joint fit left out.

    `independent` is the weighted regression of the logarithms of `fits`, those of the `windows`; `joint` the fit of all `rows` with
    amplitudes that follow the design.
    """
    found = fit_response(rows, mean=mean, fitter=fitter)
    cells = [*_of_windows(windows, fits=fits, options=options), *_of_joint(found, rows.design, options=options)]
    return table_of(cells, columns=COLUMNS), ruined_remarks(found)


def ruined_remarks(found: JointFit) -> list[str]:
    """A sentence on spectra that were left out, if any were."""
    if not found.ruined:
        return []
    numbers = ", ".join(str(row) for row in found.ruined)
    return [
        f"the joint fit of responses left out spectra {numbers} (counted from 0), whose residuals are {RUINED:g} times as large as others'"
    ]


def fit_response(rows: Rows, *, mean: SpectrumFit, fitter: Fitter) -> JointFit:
    """The joint fit whose amplitudes follow the design."""
    courses = Courses(amplitudes="follow", widths=rows.widths, design=ordered(rows.design))
    return fit_joint(rows.fids, counts=rows.counts, courses=courses, fitter=fitter, mean=mean)


def ordered(design: Design) -> FloatArray:
    """Columns of a design with the constant first, then other nuisance, then responses; (n_times, n_columns)."""
    places = [design.names.index(name) for name in (*design.nuisance, *design.responses)]
    return np.asarray(design.columns[:, places])


def _of_windows(windows: Rows, *, fits: Sequence[SpectrumFit], options: ResponseOptions) -> Iterator[Mapping[str, Any]]:
    columns, first = ordered(windows.design), len(windows.design.nuisance)
    known = np.all(np.isfinite(columns), axis=1)
    for definition in changing_definitions(options.definitions):
        measures = [evaluate_measure(fit, definition=definition) for fit, row in zip(fits, known, strict=True) if row]
        for number, name in enumerate(windows.design.responses):
            change = change_along(measures, design=columns[known], response=first + number)
            yield _cells(name, "independent", change, options=options, status="ok" if np.isfinite(change.sd) else "no_signal")


def _of_joint(found: JointFit, design: Design, *, options: ResponseOptions) -> Iterator[Mapping[str, Any]]:
    first, n = len(design.nuisance), len(design.names)
    for number, name in enumerate(design.responses):
        levels = None
        if found.status == "ok":
            values, covariance = found.amplitudes(np.stack([np.eye(n)[0], np.eye(n)[0] + np.eye(n)[first + number]]))
            levels = TwoLevels(metabolites=found.mean.metabolites, amplitudes=values, covariance=covariance)
        for definition in changing_definitions(options.definitions):
            nothing = Change(name=definition.name, log_percent=np.nan, sd=np.nan)
            change = change_of(levels, definition=definition) if levels else nothing
            status = found.status if found.status != "ok" or np.isfinite(change.sd) else "no_signal"
            yield _cells(name, "joint", change, options=options, status=status)


def _cells(response: str, estimator: str, change: Change, *, options: ResponseOptions, status: str) -> Mapping[str, Any]:
    half = options.intervals.quantile * change.sd
    ends = {"ci_low": change.log_percent - half, "ci_high": change.log_percent + half}
    found = {"measure": change.name, "change_log_percent": change.log_percent, "sd": change.sd, **ends}
    return {"response": response, "estimator": estimator, **found, "status": status}

"""The table of moving windows: a course to look at."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from mrs_pipeline.commands.fit_results import FitResults
from mrs_pipeline.commands.fit_tables import measure_table
from mrs_pipeline.commands.one_estimator import INDEPENDENT
from mrs_pipeline.fitting.adequacy import check_adequacy
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.timecourse.recording import Window

_COLUMNS = ("measure", "value", "sd", "ci_low", "ci_high", "interval")


def moving_table(
    windows: Sequence[Window],
    *,
    fits: Sequence[SpectrumFit],
    fitter: Fitter,
    results: FitResults,
) -> pd.DataFrame:
    """One row per moving window and measure: where it lies, its transients, `overlapping`, the value with its standard error, the status.

    Measures and intervals are those of the `results` of the session.
    """
    checks = [check_adequacy(fit, fitter=fitter) for fit in fits]
    measures = pd.DataFrame(
        measure_table(fits, checks=checks, definitions=results.definitions, estimator=INDEPENDENT, intervals=results.intervals)
    )
    numbers = measures["spectrum"].to_numpy(dtype=int)
    rows = pd.DataFrame([_place(windows[number], fit=fits[number]) for number in numbers])
    return pd.concat([rows, measures[list(_COLUMNS)].reset_index(drop=True)], axis=1)


def _place(window: Window, *, fit: SpectrumFit) -> Mapping[str, Any]:
    return {
        "window": window.index,
        "window_start_s": window.start_s,
        "window_stop_s": window.stop_s,
        "mean_time_s": window.mean_time_s,
        "n_retained": len(window.transients),
        "overlapping": window.overlapping,
        "status": fit.status,
    }

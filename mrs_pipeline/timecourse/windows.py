"""Windows: stretches of a session relative to an event, and the averages of the transients in them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.fids import Fids, ProcessingStep
from mrs_pipeline.timecourse.edges import window_edges
from mrs_pipeline.timecourse.events import event_onset_s
from mrs_pipeline.timecourse.recording import Recording, Window

__all__ = ["Window", "average_windows", "event_onset_s", "gathered", "make_windows", "window_edges", "window_table"]


def make_windows(edges: Sequence[tuple[float, float]], *, time_s: FloatArray, rejected: BoolArray, onset_s: float) -> tuple[Window, ...]:
    """Windows with the transients that start in them, `time_s` and `onset_s` on the same session clock.

    Raises
    ------
    DataError
        If the time of a transient is unknown: baseline and infusion runs then have no common clock.
    """
    return gathered(edges, recording=Recording(time_s=np.asarray(time_s) - onset_s, rejected=rejected))


def gathered(edges: Sequence[tuple[float, float]], *, recording: Recording, level: str = "") -> tuple[Window, ...]:
    """Windows of a recording with the transients that start in them; `level` names what they stand for where there is no event."""
    return tuple(
        recording.window(recording.between(start, stop), index=index, limits_s=(start, stop), level=level)
        for index, (start, stop) in enumerate(edges)
    )


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
    """One row a window: where it lies, its phase, when and how long its transients were acquired, how many there are.

    Columns window, window_start_s, window_stop_s, phase, mean_time_s, duration_s, n_acquired, n_retained and rejected_for, which counts
    the `reasons` of transients.
    """
    return pd.DataFrame(
        {
            "window": [window.index for window in windows],
            "window_start_s": [window.start_s for window in windows],
            "window_stop_s": [window.stop_s for window in windows],
            "phase": [window.phase for window in windows],
            "mean_time_s": [window.mean_time_s for window in windows],
            "duration_s": [window.duration_s for window in windows],
            "n_acquired": [window.n_acquired for window in windows],
            "n_retained": [len(window.transients) for window in windows],
            "rejected_for": [_counted(window, reasons=reasons) for window in windows],
        }
    )


def _counted(window: Window, *, reasons: Sequence[str]) -> str:
    """Reasons of a window's rejected transients with their numbers, such as "amplitude 3, phase 1"; a transient may have several."""
    found = Counter(word for index in window.rejected if index < len(reasons) for word in reasons[index].split(", "))
    return ", ".join(f"{reason or 'no reason given'} {count}" for reason, count in sorted(found.items()))

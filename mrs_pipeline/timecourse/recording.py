"""Recording: when the transients of a session were acquired, and the windows they are gathered in."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import DataError

#: Times closer than this are the same, s.
SAME_TIME_S = 1e-6

#: Phases that others are compared with.
REFERENCE_PHASES = ("baseline", "rest")


@dataclass(frozen=True, kw_only=True)
class Window:
    """One stretch of a session: `start_s` <= t < `stop_s` relative to the reference event.

    `transients` are the indices of the retained transients, `rejected` those of the others; `n_acquired` counts both. `mean_time_s` is
    the mean start of the retained transients (by their weights, where they have any), `duration_s` how long they took to acquire,
    without gaps and rejected ones; both are NaN where nothing is retained. `level` names what the windows of a block design or of a
    recording without event stand for. `overlapping` windows share transients with others and are for display only.
    """

    index: int
    start_s: float
    stop_s: float
    transients: tuple[int, ...]
    n_acquired: int
    rejected: tuple[int, ...] = ()
    mean_time_s: float = float("nan")
    duration_s: float = float("nan")
    level: str = ""
    overlapping: bool = False

    @property
    def phase(self) -> str:
        """`level` where there is one; else `baseline` before the event, `infusion` from it on."""
        return self.level or ("baseline" if self.stop_s <= 0.0 else "infusion")


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Transients of a session, arrays of shape (n_transients,).

    `time_s` is the start of each relative to the reference event, `rejected` says which are left out, `weights` how much the others
    count in averages (None: the same).
    """

    time_s: FloatArray
    rejected: BoolArray
    weights: FloatArray | None = None

    def __post_init__(self) -> None:
        """`DataError` if the time of a transient is unknown."""
        if not np.all(np.isfinite(self.time_s)):
            raise DataError(
                "the runs of this session cannot be placed on one clock: give AcquisitionTime in the sidecars, acq_time in scans.tsv, "
                "or the reference event in the events file of every run"
            )

    @property
    def interval_s(self) -> float:
        """Usual time from one transient to the next; NaN of a single one. Gaps are too rare to move a median."""
        return float(np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else float("nan")

    @property
    def stop_s(self) -> float:
        """When the last transient ended."""
        return float(self.time_s[-1] + np.nan_to_num(self.interval_s))

    def between(self, start_s: float, stop_s: float) -> BoolArray:
        """Which transients start in a stretch, shape (n_transients,)."""
        return np.asarray((self.time_s >= start_s - SAME_TIME_S) & (self.time_s < stop_s - SAME_TIME_S))

    def window(self, inside: BoolArray, *, index: int, limits_s: tuple[float, float], level: str = "", overlapping: bool = False) -> Window:
        """The window of the transients `inside`, shape (n_transients,)."""
        kept = _indices(inside & ~self.rejected)
        return Window(
            index=index,
            start_s=limits_s[0],
            stop_s=limits_s[1],
            transients=kept,
            rejected=_indices(inside & self.rejected),
            n_acquired=int(inside.sum()),
            mean_time_s=self._mean_time_s(kept),
            duration_s=len(kept) * self.interval_s if len(kept) else float("nan"),
            level=level,
            overlapping=overlapping,
        )

    def _mean_time_s(self, kept: tuple[int, ...]) -> float:
        chosen = list(kept)
        shares = np.ones(len(chosen)) if self.weights is None else self.weights[chosen]
        return float(np.average(self.time_s[chosen], weights=shares)) if shares.sum() > 0 else float("nan")


def _indices(chosen: BoolArray) -> tuple[int, ...]:
    return tuple(int(index) for index in np.flatnonzero(chosen))

"""When each transient of a visit is recorded, and how far what the infusion does has risen by then."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.fids import read_only
from mrs_pipeline.synthetic.sections.scanner import Timing


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Times of all transients of a visit, each array of shape (n_transients,).

    ``time_s`` counts from the first transient, ``event_time_s`` from the start of the infusion (negative in the baseline), ``run`` from 0.
    """

    run: NDArray[np.int64]
    time_s: FloatArray
    event_time_s: FloatArray

    @property
    def infusion(self) -> BoolArray:
        """Which transients were recorded from the start of the infusion on."""
        return np.asarray(self.event_time_s >= 0)

    @property
    def n_transients(self) -> int:
        """Number of transients of the visit."""
        return len(self.run)

    @property
    def n_runs(self) -> int:
        """Number of recordings of the visit."""
        return int(self.run.max()) + 1

    def run_start_s(self, run: int) -> float:
        """Time of the first transient of a recording."""
        return float(self.time_s[self.run == run][0])


@lru_cache(maxsize=16)
def schedule(timing: Timing) -> Schedule:
    """The schedule of a visit: baseline transients, then those of the infusion, after a break where the runs are split."""
    n_baseline = round(timing.baseline_s / timing.repetition_time_s)
    n_infusion = round(timing.recorded_infusion_s / timing.repetition_time_s)
    split = timing.runs == "split"
    infusion = np.arange(n_baseline + n_infusion) >= n_baseline
    gap_s = timing.break_s if split else 0.0
    time_s = np.arange(n_baseline + n_infusion) * timing.repetition_time_s + gap_s * infusion
    event_s = n_baseline * timing.repetition_time_s + gap_s
    run = (infusion & split).astype(np.int64)
    return Schedule(run=read_only(run), time_s=read_only(time_s), event_time_s=read_only(time_s - event_s))


def risen(event_time_s: FloatArray, *, rise_time_s: float) -> FloatArray:
    """Share of the plateau reached: 0 before the infusion, then ``1 - exp(-t / rise_time_s)``."""
    return np.asarray(-np.expm1(-np.maximum(event_time_s, 0.0) / rise_time_s))


def risen_and_fallen(event_time_s: FloatArray, *, infusion_s: float, rise_time_s: float, decay_time_s: float) -> FloatArray:
    """`risen` up to the end of the infusion, from there on an exponential decay of what was reached."""
    reached = risen(np.minimum(event_time_s, infusion_s), rise_time_s=rise_time_s)
    return np.asarray(reached * np.exp(-np.maximum(event_time_s - infusion_s, 0.0) / decay_time_s))

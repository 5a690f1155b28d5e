"""When each transient of a visit is recorded, and how far the response has risen by then."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.synthetic.description import Response, Timing


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
        """Which transients belong to the infusion."""
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


def schedule(timing: Timing) -> Schedule:
    """The schedule of a visit: baseline transients, then those of the infusion, after a break where the runs are split."""
    n_baseline = round(timing.baseline_s / timing.repetition_time_s)
    n_infusion = round(timing.recorded_infusion_s / timing.repetition_time_s)
    split = timing.runs == "split"
    infusion = np.arange(n_baseline + n_infusion) >= n_baseline
    gap_s = timing.break_s if split else 0.0
    time_s = np.arange(n_baseline + n_infusion) * timing.repetition_time_s + gap_s * infusion
    event_s = n_baseline * timing.repetition_time_s + gap_s
    return Schedule(run=(infusion & split).astype(np.int64), time_s=time_s, event_time_s=time_s - event_s)


def risen(event_time_s: FloatArray, *, rise_time_s: float) -> FloatArray:
    """Share of the plateau reached: 0 before the infusion, then ``1 - exp(-t / rise_time_s)``."""
    return np.asarray(-np.expm1(-np.maximum(event_time_s, 0.0) / rise_time_s))


def population_plateaus_percent(response: Response, *, timing: Timing) -> tuple[float, float]:
    """Plateau of the response under the reference and under the other condition.

    The second is chosen so that the mean over the recorded infusion transients differs by exactly ``contrast_percent``.
    """
    times = schedule(timing)
    mean_risen = risen(times.event_time_s, rise_time_s=response.rise_time_s)[times.infusion].mean()
    return response.plateau_percent, response.plateau_percent + response.contrast_percent / float(mean_risen)

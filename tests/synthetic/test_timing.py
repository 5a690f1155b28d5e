"""The response against its closed form."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.description import Response, Timing
from mrs_pipeline.synthetic.timing import population_plateaus_percent, risen, schedule

TIMING = {"repetition_time_s": 3.0, "baseline_s": 360, "recorded_infusion_s": 1800, "infusion_s": 2400, "break_s": 300}
RESPONSE = {
    "plateau_percent": 4.0,
    "contrast_percent": -2.0,
    "participant_sd_percent": 0,
    "session_sd_percent": 0,
    "linewidth_change_hz": (0, 0),
}


def test_schedule_of_one_recording():
    times = schedule(Timing(runs="single", **TIMING))
    assert (times.n_transients, times.n_runs) == (720, 1)
    assert times.event_time_s[[0, 119, 120, -1]].tolist() == [-360, -3, 0, 1797]
    assert times.infusion.sum() == 600


def test_schedule_of_split_recordings_has_the_break():
    times = schedule(Timing(runs="split", **TIMING))
    assert times.n_runs == 2
    assert times.run_start_s(1) == 660
    assert times.event_time_s[[0, 119, 120]].tolist() == [-660, -303, 0]


def test_rise_is_exponential():
    assert risen(np.array([-100.0, 0.0, 480.0, 1e6]), rise_time_s=480).tolist() == pytest.approx([0, 0, 1 - np.exp(-1), 1])


def test_plateaus_give_the_contrast():
    """The mean of 1 - exp(-t/tau) over the infusion is a geometric series."""
    reference, other = population_plateaus_percent(Response(rise_time_s=480, **RESPONSE), timing=Timing(runs="single", **TIMING))
    ratio = np.exp(-3 / 480)
    mean_risen = 1 - (1 - ratio**600) / (1 - ratio) / 600
    assert reference == 4.0
    assert (other - reference) * mean_risen == pytest.approx(-2.0)

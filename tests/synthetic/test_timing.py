"""The schedule, and the courses of what the infusion does, against their closed forms."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.sections.scanner import Timing
from mrs_pipeline.synthetic.timing import risen, risen_and_fallen, schedule

TIMING = {"repetition_time_s": 3.0, "baseline_s": 360, "recorded_infusion_s": 1800, "infusion_s": 2400, "break_s": 300}


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


def test_what_was_reached_decays_after_the_infusion():
    at_s = np.array([-5.0, 300.0, 600.0, 800.0, 1000.0])
    course = risen_and_fallen(at_s, infusion_s=600, rise_time_s=300, decay_time_s=200)
    top = 1 - np.exp(-2)
    assert course.tolist() == pytest.approx([0, 1 - np.exp(-1), top, top * np.exp(-1), top * np.exp(-2)])

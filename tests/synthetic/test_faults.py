"""Each fault follows its law when it is the only one."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.faults import transient_faults
from mrs_pipeline.synthetic.plan import study_plan

LONG = {"repetition_time_s": 2.0, "baseline_s": 2000, "recorded_infusion_s": 40000}


def faults_of(description, *, visit=0, seed=4):
    plan = study_plan(description, seed=seed)
    return transient_faults(plan, plan.visits[visit])


def test_drift_is_linear_with_the_described_slope(quiet):
    shift_hz = faults_of(quiet(frequency={"drift_hz_per_min": [0.5, 0.5]})).frequency_shift_hz
    slope, intercept = np.polyfit(np.arange(64) * 3.0 / 60, shift_hz, 1)
    assert abs(slope) == pytest.approx(0.5)
    assert intercept == pytest.approx(0, abs=1e-9)


def test_drift_goes_both_ways(quiet):
    description = quiet(design={"n_participants": 40}, frequency={"drift_hz_per_min": [0.5, 0.5]})
    up = sum(faults_of(description, visit=visit).frequency_shift_hz[-1] > 0 for visit in range(80))
    assert 20 < up < 60


def test_step_is_one_step(quiet):
    shift_hz = faults_of(quiet(frequency={"step_probability": 1, "step_hz": [2, 2]})).frequency_shift_hz
    assert np.abs(np.diff(shift_hz)).sum() <= 2
    assert abs(shift_hz[-1]) == pytest.approx(2)


def test_phase_jitter_and_walk_have_their_sd(quiet):
    jitter = faults_of(quiet(timing=LONG, phase={"jitter_sd_deg": 8})).phase_rad
    assert np.rad2deg(jitter.std()) == pytest.approx(8, rel=5 / np.sqrt(2 * 21000))
    walk = np.diff(faults_of(quiet(timing=LONG, phase={"walk_sd_deg": 1})).phase_rad)
    assert np.rad2deg(walk.std()) == pytest.approx(1, rel=5 / np.sqrt(2 * 21000))


def test_share_and_length_of_spoiled_bursts(quiet):
    faults = faults_of(quiet(timing=LONG, motion={"spoiled_baseline": 0, "spoiled_infusion": 0.08, "burst_transients": [3, 3]}))
    assert not faults.spoiled[:1000].any()
    # 20000 transients hold about 530 bursts: the standard error of the share is about 0.0035.
    assert faults.spoiled[1000:].mean() == pytest.approx(0.08, abs=0.015)
    edges = np.diff(np.concatenate([[0], faults.spoiled.astype(int), [0]]))
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    assert set(lengths[:-1] % 3) == {0}
    assert np.all(faults.spoiled_amplitude[~faults.spoiled] == 1)
    assert np.all((faults.spoiled_amplitude[faults.spoiled] >= 0.5) & (faults.spoiled_amplitude[faults.spoiled] <= 0.9))


def test_break_changes_the_second_recording_only(quiet):
    faults = faults_of(quiet(timing={"runs": "split"}))
    assert np.all(faults.frequency_shift_hz[:24] == 0)
    assert np.all(faults.gain[:24] == 1)
    assert np.ptp(faults.frequency_shift_hz[24:]) == 0
    assert faults.frequency_shift_hz[24] != 0
    assert faults.gain[24] != 1


def test_narrowing_follows_the_response(quiet):
    faults = faults_of(quiet(response={"linewidth_change_hz": [-0.2, -0.2], "rise_time_s": 20}))
    assert np.all(faults.broadening_hz[:24] == 0)
    assert faults.broadening_hz[24 + 20] == pytest.approx(-0.2 * (1 - np.exp(-3)))

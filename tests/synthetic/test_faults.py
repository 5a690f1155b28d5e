"""Each fault follows its law when it is the only one, and none disturbs another."""

from dataclasses import fields

import numpy as np
import pytest

from mrs_pipeline.synthetic.faults import TransientFaults, transient_faults
from mrs_pipeline.synthetic.plan import study_plan

LONG = {"repetition_time_s": 2.0, "baseline_s": 2000, "recorded_infusion_s": 40000}


def faults_of(description, *, visit=0, seed=4):
    plan = study_plan(description, seed=seed)
    return transient_faults(plan, plan.visits[visit])


def all_faults(description, *, seed=4):
    plan = study_plan(description, seed=seed)
    return [transient_faults(plan, visit) for visit in plan.visits]


def test_drift_is_linear_with_the_described_slope(quiet):
    shift_hz = faults_of(quiet(frequency={"drift_hz_per_min": [0.5, 0.5]})).frequency_shift_hz
    slope, intercept = np.polyfit(np.arange(64) * 3.0 / 60, shift_hz, 1)
    assert abs(slope) == pytest.approx(0.5)
    assert intercept == pytest.approx(0, abs=1e-9)


def test_drift_goes_both_ways_and_fills_its_range(quiet):
    description = quiet(design={"n_participants": 200}, frequency={"drift_hz_per_min": [0.2, 0.6]})
    slopes = np.array([faults.frequency_shift_hz[20] for faults in all_faults(description)])  # after one minute
    assert abs((slopes > 0).mean() - 0.5) < 4.5 * 0.5 / np.sqrt(400)
    assert np.abs(slopes).min() >= 0.2
    assert np.abs(slopes).max() <= 0.6
    assert np.abs(slopes).mean() == pytest.approx(0.4, abs=4.5 * 0.4 / np.sqrt(12 * 400))


def test_some_visits_drift_faster(quiet):
    frequency = {"drift_hz_per_min": [0, 0.5], "fast_drift_probability": 0.25, "fast_drift_hz_per_min": [1, 2]}
    slopes = np.array(
        [abs(faults.frequency_shift_hz[20]) for faults in all_faults(quiet(design={"n_participants": 200}, frequency=frequency))]
    )
    fast = slopes > 0.75
    assert fast.mean() == pytest.approx(0.25, abs=4.5 * np.sqrt(0.1875 / 400))
    assert slopes[~fast].max() <= 0.5
    assert slopes[fast].min() >= 1


def test_factor_of_drift_and_motion_belongs_to_the_condition(quiet):
    frequency = {"drift_hz_per_min": [0.5, 0.5], "drift_factor": [1, 3]}
    motion = {"spoiled_infusion": 0.1, "infusion_factor": [1, 3]}
    description = quiet(design={"n_participants": 60}, frequency=frequency, motion=motion)
    plan = study_plan(description, seed=4)
    shares = {"placebo": [], "naltrexone": []}
    for visit in plan.visits:
        faults = transient_faults(plan, visit)
        assert abs(faults.frequency_shift_hz[20]) == pytest.approx({"placebo": 0.5, "naltrexone": 1.5}[visit.condition])
        shares[visit.condition].append(faults.spoiled[24:].mean())
        assert not faults.spoiled[:24].any()
    assert np.mean(shares["placebo"]) == pytest.approx(0.1, abs=0.04)
    assert np.mean(shares["naltrexone"]) == pytest.approx(0.3, abs=0.06)


def test_cooling_is_exponential(quiet):
    frequency = {"cooling_probability": 1, "cooling_hz": [4, 4], "cooling_time_s": 50}
    shift_hz = faults_of(quiet(frequency=frequency)).frequency_shift_hz
    assert np.abs(shift_hz) == pytest.approx(4 * np.exp(-np.arange(64) * 3 / 50))


def test_step_is_one_step(quiet):
    shift_hz = faults_of(quiet(frequency={"step_probability": 1, "step_hz": [2, 2]})).frequency_shift_hz
    assert np.abs(np.diff(shift_hz)).sum() <= 2
    assert abs(shift_hz[-1]) == pytest.approx(2)


@pytest.mark.parametrize(("key", "size"), [("cooling", "cooling_hz"), ("step", "step_hz")])
def test_share_of_visits_with_cooling_and_steps(quiet, key, size):
    description = quiet(design={"n_participants": 250}, frequency={f"{key}_probability": 0.3, size: [2, 2]})
    seen = [np.any(faults.frequency_shift_hz != 0) for faults in all_faults(description)]
    assert np.mean(seen) == pytest.approx(0.3, abs=4.5 * np.sqrt(0.21 / 500))


def test_respiration_is_a_sinusoid_of_its_rate_and_amplitude(quiet):
    """Sampled every 2 s, 0.3 breaths a second appear at 0.5 - 0.3 = 0.2 per second."""
    frequency = {"respiration_hz": [0.7, 0.7], "respiration_per_s": [0.3, 0.3]}
    shift_hz = faults_of(quiet(timing=LONG, frequency=frequency)).frequency_shift_hz[:20000]
    spectrum = np.abs(np.fft.rfft(shift_hz * np.hanning(20000)))
    assert np.fft.rfftfreq(20000, 2.0)[spectrum.argmax()] == pytest.approx(0.2, abs=1e-4)
    assert shift_hz.std() * np.sqrt(2) == pytest.approx(0.7, rel=1e-3)


def test_breathing_rates_fill_their_range(quiet):
    """Read from the phase a sinusoid advances by in one second; every visit has its own amplitude and rate."""
    timing = {"repetition_time_s": 1.0, "baseline_s": 20, "recorded_infusion_s": 20}
    frequency = {"respiration_hz": [0.5, 1.0], "respiration_per_s": [0.2, 0.3]}
    rates = []
    for faults in all_faults(quiet(design={"n_participants": 60}, timing=timing, frequency=frequency)):
        x = faults.frequency_shift_hz
        # x[k+1] + x[k-1] = 2 cos(w) x[k]
        cosine = (x[2:] + x[:-2]) @ x[1:-1] / (2 * x[1:-1] @ x[1:-1])
        rates.append(np.arccos(cosine) / (2 * np.pi))
    assert min(rates) >= 0.2 - 1e-9
    assert max(rates) <= 0.3 + 1e-9
    assert np.mean(rates) == pytest.approx(0.25, abs=4.5 * 0.1 / np.sqrt(12 * 120))


def test_offset_and_jitter_of_the_frequency(quiet):
    description = quiet(design={"n_participants": 200}, frequency={"offset_sd_hz": 3, "jitter_sd_hz": 0.4})
    shifts_hz = np.array([faults.frequency_shift_hz for faults in all_faults(description)])
    assert shifts_hz.mean(axis=1).std() == pytest.approx(3, rel=5 / np.sqrt(800))
    assert shifts_hz.std(axis=1, ddof=1).mean() == pytest.approx(0.4, rel=0.02)


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
    assert np.all((faults.broadening_hz[faults.spoiled] >= 2) & (faults.broadening_hz[faults.spoiled] <= 6))
    assert np.all(faults.broadening_hz[~faults.spoiled] == 0)


def test_linewidth_fluctuates_with_its_sd_and_correlation_time(quiet):
    """Neighbours 2 s apart of a process with a correlation time of 20 s correlate by exp(-0.1), those 20 s apart by exp(-1)."""
    shape = {"fluctuation_sd_hz": 0.3, "fluctuation_time_s": 20}
    width_hz = faults_of(quiet(timing=LONG, lineshape=shape)).broadening_hz
    assert width_hz.std() == pytest.approx(0.3, rel=0.06)
    for lag in (1, 10):
        assert np.corrcoef(width_hz[lag:], width_hz[:-lag])[0, 1] == pytest.approx(np.exp(-0.1 * lag), abs=0.06)


def test_lines_never_become_narrower_than_their_gaussian_part(quiet):
    faults = faults_of(quiet(lineshape={"fluctuation_sd_hz": 5}))
    assert faults.broadening_hz.min() == -3.0


def test_break_changes_the_second_recording_only(quiet):
    faults = faults_of(quiet(timing={"runs": "split"}))
    assert np.all(faults.frequency_shift_hz[:24] == 0)
    assert np.all(faults.gain[:24] == 1)
    assert np.ptp(faults.frequency_shift_hz[24:]) == 0
    assert faults.frequency_shift_hz[24] != 0
    assert faults.gain[24] != 1


def test_gain_changes_once_in_some_visits(quiet):
    receiver = {"gain_step_probability": 0.25, "gain_step_percent": [5, 5]}
    gains = [faults.gain for faults in all_faults(quiet(design={"n_participants": 200}, receiver=receiver))]
    stepped = [gain for gain in gains if np.any(gain != 1)]
    assert len(stepped) / 400 == pytest.approx(0.25, abs=4.5 * np.sqrt(0.1875 / 400))
    assert {round(abs(100 * np.log(gain[-1])), 6) for gain in stepped} == {5.0}
    assert all(np.count_nonzero(np.diff(gain)) == 1 for gain in stepped)


def test_narrowing_follows_its_own_rise(quiet):
    faults = faults_of(quiet(haemodynamics={"linewidth_change_hz": [-0.2, -0.2], "rise_time_s": 40}))
    assert np.all(faults.broadening_hz[:24] == 0)
    assert faults.broadening_hz[24 + 20] == pytest.approx(-0.2 * (1 - np.exp(-60 / 40)))


def test_a_move_changes_frequency_and_linewidth_from_its_transient_on(quiet):
    voxel = {"moved_probability": 1, "moved_frequency_sd_hz": 2, "moved_linewidth_hz": [0.5, 1.0]}
    plan = study_plan(quiet(design={"n_participants": 150}, voxel=voxel), seed=4)
    jumps = []
    for visit in plan.visits:
        faults, moved = transient_faults(plan, visit), np.arange(64) >= visit.move.transient
        assert np.all(faults.frequency_shift_hz[~moved] == 0)
        assert np.ptp(faults.frequency_shift_hz[moved]) == 0
        assert np.all(faults.broadening_hz[~moved] == 0)
        assert 0.5 <= faults.broadening_hz[-1] <= 1.0
        jumps.append(faults.frequency_shift_hz[-1])
    assert np.std(jumps) == pytest.approx(2, rel=5 / np.sqrt(600))


def test_lost_blocks_and_early_ends(quiet):
    missing = {"gap_probability": 0.4, "gap_transients": [3, 5], "interruption_probability": 0}
    gaps = [~faults.recorded for faults in all_faults(quiet(design={"n_participants": 200}, missing=missing))]
    lost = [gap for gap in gaps if gap.any()]
    assert len(lost) / 400 == pytest.approx(0.4, abs=4.5 * np.sqrt(0.24 / 400))
    assert {int(gap.sum()) for gap in lost if not gap[-1]} == {3, 4, 5}
    assert all(np.count_nonzero(np.diff(gap.astype(int)) == 1) == 1 for gap in lost)
    assert not any(gap[0] for gap in gaps)
    missing = {"interruption_probability": 0.3, "recorded_share": [0.4, 0.9]}
    ends = [faults.recorded.sum() for faults in all_faults(quiet(design={"n_participants": 200}, missing=missing))]
    early = [end for end in ends if end < 64]
    assert len(early) / 400 == pytest.approx(0.3, abs=4.5 * np.sqrt(0.21 / 400))
    assert 0.39 * 64 < min(early) <= max(early) < 0.91 * 64


def test_every_recording_keeps_its_first_transient(quiet):
    missing = {"interruption_probability": 1, "recorded_share": [0.05, 0.3]}
    for faults in all_faults(quiet(timing={"runs": "split"}, missing=missing)):
        assert faults.recorded[0]
        assert faults.recorded[24]


SWITCHES = {
    "drift": ({"frequency": {"drift_hz_per_min": [0.4, 0.4]}}, {"frequency_shift_hz"}),
    "respiration": ({"frequency": {"respiration_hz": [1, 1]}}, {"frequency_shift_hz"}),
    "phase": ({"phase": {"jitter_sd_deg": 20}}, {"phase_rad"}),
    "blood": ({"haemodynamics": {"linewidth_change_hz": [-0.4, -0.4]}}, {"broadening_hz"}),
    "fluctuation": ({"lineshape": {"fluctuation_sd_hz": 0.4}}, {"broadening_hz"}),
    "gain": ({"receiver": {"gain_step_probability": 1}}, {"gain"}),
    "water": ({"water": {"residual_jitter_percent": 40}}, {"residual_water"}),
    "lipid": ({"lipids": {"jitter_percent": 50}}, {"lipid"}),
    "loss": ({"missing": {"gap_probability": 1}}, {"recorded"}),
    "effect": ({"response": {"contrast_percent": 0, "participant_sd_percent": 9}}, set()),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_fault_changes_nothing_but_itself(name, realistic):
    """Two studies of one seed differ in the switched fault only, to the last bit."""
    changes, expected = SWITCHES[name]
    fixed = {"gain_step_probability": 0}
    plain, switched = (faults_of(realistic(**{"receiver": fixed, **extra}), seed=9) for extra in ({}, changes))
    differing = {f.name for f in fields(TransientFaults) if not np.array_equal(getattr(plain, f.name), getattr(switched, f.name))}
    assert differing == expected

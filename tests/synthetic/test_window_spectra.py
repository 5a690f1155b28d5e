"""Window spectra: the raw path without what preprocessing takes out, and their noise, lines and response, read off by code of its own."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.signals import session_signals
from mrs_pipeline.synthetic.window_spectra import window_spectra

EDGES_S = [(-360.0, 0.0), (0.0, 300.0), (1500.0, 1800.0)]
STILL = {"motion": {"spoiled_baseline": 0, "spoiled_infusion": 0}, "missing": {"gap_probability": 0, "interruption_probability": 0}}

#: What preprocessing would have to take out of raw data.
CLEAN = {
    "frequency": {
        "offset_sd_hz": 0,
        "drift_hz_per_min": [0, 0],
        "fast_drift_probability": 0,
        "cooling_probability": 0,
        "step_probability": 0,
        "respiration_hz": [0, 0],
        "jitter_sd_hz": 0,
    },
    "phase": {"jitter_sd_deg": 0, "walk_sd_deg": 0},
    "eddy_current": {"n_terms": 0, "reference_mismatch_percent": 0},
    "water": {"residual_height": 0},
    "spurious_echo": {"probability": 0},
}


@pytest.fixture(scope="module")
def plan(realistic):
    return study_plan(realistic(**STILL, receiver={"dead_channel_probability": 0}), seed=20250711)


@pytest.fixture(scope="module")
def spectra(plan):
    return window_spectra(plan, participant="01", session="1", edges_s=EDGES_S)


def averaged_raw(plan, *, participant, session):
    """Optimally combined windows of the raw data of a visit: noise covariance and sensitivities measured in the data themselves."""
    run = session_signals(plan, participant=participant, session=session).runs[0]
    data, water = run.svs.data.astype(complex), run.reference.data[:, :, 1:4].mean(axis=(1, 2))
    noise = data[:, :, -150:].reshape(len(data), -1)
    weights = np.linalg.solve(noise @ noise.conj().T / noise.shape[1], water)
    fids = np.einsum("c,ctn->tn", weights.conj(), data)
    event_s = run.times_s - 360.0
    return np.stack([fids[(event_s >= start) & (event_s < stop)].mean(axis=0) for start, stop in EDGES_S])


@pytest.mark.parametrize(("participant", "session"), [("01", "1"), ("02", "2"), ("03", "1")])
def test_raw_path_and_short_cut_show_the_same_signal(realistic, participant, session):
    """Everything that preprocessing leaves is on: tissue, lines, their fluctuation, macromolecules, lipid, hump, a move of the head."""
    sure = {
        "lipids": {"probability": 1},
        "broad_baseline": {"probability": 1},
        "voxel": {"moved_probability": 1, "moved_frequency_sd_hz": 0},
    }
    plan = study_plan(realistic(**CLEAN, **STILL, **sure, receiver={"single_transient_snr": 300, "noise_sd_units": 100}), seed=5)
    raw = averaged_raw(plan, participant=participant, session=session)
    short = np.asarray(window_spectra(plan, participant=participant, session=session, edges_s=EDGES_S).data)
    scale = np.vdot(short, raw) / np.vdot(short, short)
    assert abs(np.angle(scale)) < 0.01
    error = np.abs(np.fft.fft(raw / scale - short, axis=1)).max(axis=1) / np.abs(np.fft.fft(short, axis=1)).max(axis=1)
    # Noise of both: 1 / 300 / sqrt(100), two thousand points; the rest is the mean of decays against the decay of the mean.
    assert error.max() < 0.004


def test_raw_path_and_short_cut_have_the_same_noise(realistic):
    plan = study_plan(realistic(**CLEAN, **STILL, design={"n_participants": 3}, receiver={"dead_channel_probability": 0.5}), seed=5)
    quotients = []
    for visit in plan.visits:
        labels = {"participant": visit.participant.participant, "session": visit.session}
        raw, short = averaged_raw(plan, **labels), np.asarray(window_spectra(plan, **labels, edges_s=EDGES_S).data)
        raw = raw / (np.vdot(short, raw) / np.vdot(short, short))
        quotients.append(np.std(raw[:, -300:], axis=1) / np.std(short[:, -300:], axis=1))
    # 300 complex points a window: the standard error of a quotient is 4 %, that of their mean over 18 windows 1 %.
    assert np.mean(quotients) == pytest.approx(1.0, abs=0.04)


def test_spoiled_and_lost_transients_do_not_count(realistic):
    """Noise grows by as much as transients are missing; a window without any is NaN."""
    motion = {"spoiled_baseline": 0.5, "spoiled_infusion": 0.5}
    missing = {"gap_probability": 0, "interruption_probability": 1, "recorded_share": [0.5, 0.5]}
    plans = [study_plan(realistic(**{**STILL, **change}), seed=5) for change in ({}, {"motion": motion}, {"missing": missing})]
    still, moved, ended = (np.asarray(window_spectra(item, participant="01", session="1", edges_s=EDGES_S).data) for item in plans)
    noise = [np.std(data[0, -300:]) for data in (still, moved)]
    assert noise[1] / noise[0] == pytest.approx(np.sqrt(2), rel=0.25)
    assert np.isnan(ended[2]).all()
    assert np.isfinite(ended[:2]).all()


def test_noise_is_that_of_the_transients_averaged(spectra) -> None:
    tail = np.asarray(spectra.data)[:, -300:]
    noise_sd = np.sqrt(np.mean(np.abs(tail - tail.mean(axis=1, keepdims=True)) ** 2, axis=1) / 2)
    assert noise_sd[1] / noise_sd[0] == pytest.approx(np.sqrt(120 / 100), rel=0.1)
    assert noise_sd[2] / noise_sd[1] == pytest.approx(1.0, rel=0.1)


def test_naa_stands_at_its_place_with_the_described_signal_to_noise_ratio(spectra) -> None:
    spectrum = np.fft.fft(np.asarray(spectra.data)[0])
    ppm = 4.65 - np.fft.fftfreq(1024, 1 / 2000.0) / 127.7
    near = (ppm > 1.8) & (ppm < 2.2)
    assert ppm[near][np.argmax(np.abs(spectrum[near]))] == pytest.approx(2.01, abs=0.03)
    quiet = (ppm > 9.0) | (ppm < -1.0)
    snr = spectrum[near].real.max() / np.std(spectrum[quiet].real)
    assert 0.6 * 5.0 * np.sqrt(120) < snr < 1.8 * 5.0 * np.sqrt(120)  # linewidth and NAA level of this person differ from the mean


def test_same_visit_same_spectra_and_another_seed_others(plan, spectra) -> None:
    again = window_spectra(plan, participant="01", session="1", edges_s=EDGES_S)
    assert np.array_equal(again.data, spectra.data)
    other = window_spectra(plan, participant="01", session="2", edges_s=EDGES_S)
    assert not np.array_equal(other.data, spectra.data)


def test_glutamate_rises_while_creatine_stays(realistic) -> None:
    """Areas of 52 visits; nothing else changes the shape of a line."""
    constant = {"haemodynamics": {"linewidth_change_hz": [0, 0]}, "lineshape": {"fluctuation_sd_hz": 0}, "voxel": {"moved_probability": 0}}
    plan = study_plan(realistic(**STILL, **constant, response={"plateau_percent": 8}), seed=5)
    glu, creatine = [], []
    for visit in plan.visits:
        labels = {"participant": visit.participant.participant, "session": visit.session}
        data = np.asarray(window_spectra(plan, **labels, edges_s=[(-360.0, 0.0), (900.0, 1800.0)]).data)
        real = np.fft.fft(data * np.exp(-10.0 * np.arange(1024) / 2000.0)).real
        ppm = 4.65 - np.fft.fftfreq(1024, 1 / 2000.0) / 127.7
        area = {name: real[:, (ppm > low) & (ppm < high)].sum(axis=1) for name, low, high in (("Glu", 2.28, 2.42), ("Cr", 2.95, 3.1))}
        glu.append(np.log(area["Glu"][1] / area["Glu"][0]))
        creatine.append(np.log(area["Cr"][1] / area["Cr"][0]))
    assert np.mean(glu) > 4.0 * np.std(glu) / np.sqrt(len(glu))
    assert abs(np.mean(creatine)) < 0.3 * np.mean(glu)

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.preprocessing.steps import preprocess

STEP = [{"step": "eddy_current"}]


def distortion(brain, *, size_rad=0.6, decay_s=0.015):
    """Phase a decaying field leaves in every FID."""
    return size_rad * (1 - np.exp(-brain.time_s / decay_s))


def test_known_distortion_is_restored(brain, rng):
    phase = distortion(brain)
    water = 3000 * brain.line(4.65 - 4 / brain.field_mhz, linewidth_hz=9.0) * np.exp(1j * (phase + 0.3))
    reference = np.stack([water, water]) + brain.noise(rng, (2, brain.n_points), brain.noise_sd(5.0))
    truth = brain.metabolites()
    distorted = truth * np.exp(1j * (phase + 0.3) + 2j * np.pi * 4 * brain.time_s)
    corrected = preprocess(brain.session(distorted[None].repeat(2, axis=0), reference=reference), steps=STEP)
    spectrum, expected = (np.fft.fft(fid) for fid in (corrected.fids.data[0], truth))
    raw = np.fft.fft(distorted)
    assert np.abs(spectrum - expected).max() < 0.01 * np.abs(expected).max()
    assert np.abs(raw - expected).max() > 0.3 * np.abs(expected).max()
    assert corrected.records[0].values["reference_frequency_hz"] == pytest.approx(4.0, abs=1.0)


def test_reference_phase_adds_no_noise_after_it_has_died(brain, rng):
    """A reference that lasts 0.1 s leaves the later half of a long-lived signal with a straight phase, not a random one."""
    water = 100 * brain.line(4.65, linewidth_hz=20.0)
    reference = (water + brain.noise(rng, brain.n_points, 0.5))[None]
    signal = brain.line(2.01, linewidth_hz=1.0)
    corrected = preprocess(brain.session(signal[None].repeat(2, axis=0), reference=reference), steps=STEP).fids.data[0]
    phase = np.unwrap(np.angle(corrected / signal))
    frequency = np.diff(phase[400:]) * brain.width_hz / (2 * np.pi)
    assert np.ptp(frequency) < 1e-6
    assert abs(frequency[0]) < 0.3
    assert np.abs(phase[:200]).max() < 0.1


@pytest.mark.parametrize(
    ("n_points", "width_hz", "reason"), [(1024, 2000.0, "1024 points"), (2048, 4000.0, "4000 Hz")], ids=["points", "width"]
)
def test_reference_that_does_not_match_is_not_used(brain, rng, n_points, width_hz, reason):
    other = type(brain)(n_points=n_points, width_hz=width_hz)
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(3), snr=10.0)
    session = brain.session(data)
    session = type(session)(
        fids=session.fids, reference=other.fids(other.line(4.65, linewidth_hz=9.0), ("time",)), transients=session.transients
    )
    after = preprocess(session, steps=STEP)
    assert reason in after.records[0].details
    np.testing.assert_array_equal(after.fids.data, data)


def test_without_reference_the_step_says_so(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(3), snr=10.0)
    after = preprocess(brain.session(data), steps=STEP)
    assert after.records[0].details == "skipped: no water reference"
    assert len(after.fids.history) == 1


def test_reference_with_other_eddy_currents_is_refused(brain, rng):
    """A phase the data do not have would spread their lines: the record says by how much, and the data stay."""
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(64), snr=10.0)
    water = 3000 * brain.line(4.65, linewidth_hz=9.0) * np.exp(1j * distortion(brain, size_rad=6.0, decay_s=0.05))
    after = preprocess(brain.session(data, reference=water[None]), steps=STEP)
    assert "does not match the data" in after.records[0].details
    np.testing.assert_array_equal(after.fids.data, data)


def test_reference_of_another_frequency_is_refused(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(32), snr=8.0)
    water = 3000 * brain.line(4.65 - 0.7, linewidth_hz=9.0)
    after = preprocess(brain.session(data, reference=water[None]), steps=STEP)
    assert "does not match the data" in after.records[0].details


def test_session_off_the_scale_with_its_reference_is_corrected(brain, rng):
    """Data and reference 0.4 ppm off: the correction brings the lines to their places, which is no loss."""
    off = np.exp(-2j * np.pi * 0.4 * brain.field_mhz * brain.time_s)
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(32), snr=8.0)
    after = preprocess(brain.session(data * off, reference=(3000 * brain.line(4.65, linewidth_hz=9.0) * off)[None]), steps=STEP)
    assert "singlet_loss" in after.records[0].values
    assert after.records[0].values["reference_frequency_hz"] == pytest.approx(-0.4 * brain.field_mhz, abs=1.0)


def test_reference_of_another_echo_time_is_refused(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(3), snr=10.0)
    session = brain.session(data, reference=brain.line(4.65, linewidth_hz=9.0)[None])
    later = replace(session.reference, acquisition=replace(session.reference.acquisition, echo_time_s=0.08))
    after = preprocess(replace(session, reference=later), steps=STEP)
    assert "echo time of 80 ms, the data 30 ms" in after.records[0].details


def test_phase_cycled_and_drifting_references_are_averaged_coherently(brain, rng):
    """Four references of phases 0, 180, 90 and 270 degrees and up to 3 Hz apart, and one that is suppressed."""
    phase = distortion(brain)
    turn = np.exp(1j * np.radians([0, 180, 90, 270])[:, None] + 2j * np.pi * np.array([0, 1, 2, 3])[:, None] * brain.time_s)
    water = 3000 * brain.line(4.65, linewidth_hz=9.0) * np.exp(1j * phase) * turn
    reference = np.concatenate([water, brain.metabolites()[None]]) + brain.noise(rng, (5, brain.n_points), brain.noise_sd(5.0))
    distorted = brain.metabolites() * np.exp(1j * phase)
    after = preprocess(brain.session(distorted[None].repeat(2, axis=0), reference=reference), steps=STEP)
    assert after.records[0].values["n_references"] == 4
    spectrum, truth = np.abs(np.fft.fft(after.fids.data[0])), np.abs(np.fft.fft(brain.metabolites()))
    assert spectrum.max() == pytest.approx(truth.max(), rel=0.02)

import numpy as np
import pytest

from mrs_pipeline.preprocessing.steps import preprocess

STEP = [{"step": "phase_reference"}]


@pytest.mark.parametrize("offset_ppm", [-0.2, 0.0, 0.169])
@pytest.mark.parametrize("phase_deg", [0.0, 100.0, 180.0, -70.0])
def test_offset_and_phase_are_found_and_taken_out(brain, rng, offset_ppm, phase_deg):
    shift = -offset_ppm * brain.field_mhz
    truth = brain.metabolites() + brain.water(rng, 1, height=3.0, jitter=0.0)[0]
    data = truth * np.exp(1j * np.radians(phase_deg) + 2j * np.pi * shift * brain.time_s)
    data = data + brain.noise(rng, (16, brain.n_points), brain.noise_sd(15.0))
    session = preprocess(brain.session(data), steps=STEP)
    values = session.records[0].values
    assert values["frequency_shift_hz"] == pytest.approx(shift, abs=1.0)
    assert np.degrees(np.angle(np.exp(1j * (values["phase_rad"] - np.radians(phase_deg))))) == pytest.approx(0.0, abs=10.0)
    assert values["naa_found"]
    spectrum = np.fft.fftshift(np.fft.fft(session.fids.data.mean(axis=0))).real
    near = (brain.ppm > 1.8) & (brain.ppm < 2.2)
    assert brain.ppm[near][np.argmax(spectrum[near])] == pytest.approx(2.01, abs=0.02)


def test_every_transient_gets_the_same_correction(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-2, 2, 6), snr=20.0)
    session = preprocess(brain.session(data), steps=STEP)
    ratio = session.fids.data / data
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[0], ratio.shape), rtol=1e-9)


def test_session_without_naa_is_flagged(brain, rng):
    without = brain.metabolites() - brain.line(2.01, linewidth_hz=brain.linewidth_hz, amplitude=6.0)  # NAA upside down
    data = without + brain.noise(rng, (16, brain.n_points), brain.noise_sd(15.0))
    noise = brain.noise(rng, (16, brain.n_points), 1.0)
    for bad in (data, noise):
        record = preprocess(brain.session(bad), steps=STEP).records[0]
        assert not record.values["naa_found"]
        assert "NAA is not a positive peak" in record.details


def test_rejected_transients_do_not_count(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(16), snr=20.0)
    data[0] *= 1e4 * np.exp(2j)
    session = brain.session(data)
    table = session.transients.assign(rejected=np.arange(16) == 0, reason="")
    marked = type(session)(fids=session.fids, reference=None, transients=table)
    assert abs(preprocess(marked, steps=STEP).records[0].values["phase_rad"]) < np.radians(10)

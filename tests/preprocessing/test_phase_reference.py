import numpy as np
import pytest

from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.preprocessing.steps import preprocess
from tests.preprocessing.conftest import Brain

STEP = [{"step": "phase_reference"}]
#: mmol/L in grey matter, from config/simulation/infusion.yaml.
LEVELS = {
    "NAA": 9.3,
    "NAAG": 1.4,
    "Cr": 4.6,
    "PCr": 4.2,
    "GPC": 1.2,
    "PCh": 0.7,
    "Glu": 11.0,
    "Gln": 3.2,
    "Ins": 6.5,
    "Tau": 1.4,
    "GABA": 1.2,
}


@pytest.mark.parametrize("offset_ppm", [-0.2, 0.0, 0.169])
@pytest.mark.parametrize("phase_deg", [0.0, 100.0, 180.0, -70.0])
def test_offset_and_phase_are_found_and_taken_out(brain, rng, offset_ppm, phase_deg):
    shift = -offset_ppm * brain.field_mhz
    truth = brain.metabolites() + brain.water(rng, 1, height=3.0, jitter=0.0)[0]
    data = truth * np.exp(1j * np.radians(phase_deg) + 2j * np.pi * shift * brain.time_s)
    data = data + brain.noise(rng, (16, brain.n_points), brain.noise_sd(15.0))
    session = preprocess(brain.session(data), steps=STEP)
    values = session.records[0].values
    assert values["frequency_shift_hz"] == pytest.approx(shift, abs=1.0)  # the lines of this brain lie 0.01 ppm off
    assert np.degrees(np.angle(np.exp(1j * (values["phase_rad"] - np.radians(phase_deg))))) == pytest.approx(0.0, abs=7.0)
    assert values["naa_found"]
    spectrum = np.fft.fftshift(np.fft.fft(session.fids.data.mean(axis=0))).real
    near = (brain.ppm > 1.8) & (brain.ppm < 2.2)
    assert brain.ppm[near][np.argmax(spectrum[near])] == pytest.approx(2.01, abs=0.02)


@pytest.mark.parametrize("linewidth_hz", [4.0, 7.0, 10.0])
@pytest.mark.parametrize("n_points", [1024, 2048])
def test_multiplets_and_macromolecules_do_not_turn_the_phase(rng, linewidth_hz, n_points):
    """Metabolites as simulated for PRESS with an echo time of 30 ms, upon broad lines: truth is 0 degrees and 0 Hz."""
    brain = Brain(linewidth_hz=linewidth_hz, n_points=n_points)
    simulated = simulate_basis(
        sequence="press", metabolites=tuple(LEVELS), acquisition=brain.acquisition, echo_time_1_s=0.012, mixing_time_s=None
    )
    truth = np.array([LEVELS[name] for name in simulated.metabolites]) @ simulated.fids * np.exp(-np.pi * linewidth_hz * brain.time_s)
    truth = truth + 3 * brain.metabolites_without_singlets() + 3 * brain.water(rng, 1, height=2.0, jitter=0.0)[0]
    height = np.abs(np.fft.fft(truth)[np.fft.fftshift((brain.ppm > 1.9) & (brain.ppm < 2.1))]).max()
    data = truth + brain.noise(rng, (4, n_points), height / 150 / np.sqrt(n_points))
    values = preprocess(brain.session(data), steps=STEP).records[0].values
    assert np.degrees(values["phase_rad"]) == pytest.approx(0.0, abs=7.0)
    assert values["frequency_shift_hz"] == pytest.approx(0.0, abs=0.5)


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
        assert "NAA is not a positive peak" in record.flag
        assert not preprocess(brain.session(bad), steps=[{"step": "phase_reference", "require_naa": False}]).records[0].flag


def test_rejected_transients_do_not_count(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(16), snr=20.0)
    data[0] *= 1e4 * np.exp(2j)
    session = brain.session(data)
    table = session.transients.assign(rejected=np.arange(16) == 0, reason="")
    marked = type(session)(fids=session.fids, reference=None, transients=table)
    assert abs(preprocess(marked, steps=STEP).records[0].values["phase_rad"]) < np.radians(10)

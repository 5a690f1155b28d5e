"""What holds for every step of the table, and the table's own checks."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, STEPS, checked_steps, preprocess
from tests.preprocessing.conftest import Brain


def raw_session(brain, rng, *, coils):
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-2, 2, 20), snr=15.0)
    water = 500 * brain.line(4.65, linewidth_hz=9.0)[None] + brain.noise(rng, (2, brain.n_points), 0.01)
    if coils:
        gain = np.array([1.0, 0.5j, -0.7])[:, None, None]
        data, water = gain * data + brain.noise(rng, (3, *data.shape), 0.01), gain * water
    return brain.session(data, reference=water)


@pytest.mark.parametrize("name", STEPS)
def test_contract_of_a_step(brain, rng, name):
    session = raw_session(brain, rng, coils=name == "coil_combination")
    before, table, water = session.fids.data.copy(), session.transients.copy(), session.reference.data.copy()
    first, second = (preprocess(session, steps=[{"step": name}]) for _ in range(2))
    np.testing.assert_array_equal(session.fids.data, before)
    np.testing.assert_array_equal(session.reference.data, water)
    assert session.transients.equals(table)
    np.testing.assert_array_equal(first.fids.data, second.fids.data)
    assert first.transients.equals(second.transients)
    assert np.isfinite(first.fids.data).all()
    assert np.isfinite(first.reference.data).all()
    assert first.fids.dims == ("transient", "time")
    assert len(first.transients) == 20
    assert first.transients["transient"].tolist() == list(range(20))
    assert len(first.fids.history) == len(session.fids.history) + 1
    assert len(first.records) == 1
    assert (first.records[0].step, first.records[0].method) == (name, first.fids.history[-1].method)
    assert first.records[0].details == first.fids.history[-1].details


@pytest.mark.parametrize("name", STEPS)
def test_options_have_documented_defaults_that_pass_their_own_check(name):
    for option_name, option in STEPS[name].options.items():
        assert len(option.doc) > 10
        assert option.check(option.default, name=option_name) == option.default


@pytest.mark.parametrize("name", [name for name in STEPS if name != "coil_combination"])
def test_steps_on_raw_coils_say_what_is_missing(brain, rng, name):
    with pytest.raises(DataError, match="coil_combination before"):
        preprocess(raw_session(brain, rng, coils=True), steps=[{"step": name}])


@pytest.mark.parametrize("n_transients", [1, 2])
def test_averaged_data_go_through_the_whole_chain(brain, rng, n_transients):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(n_transients), snr=100.0)
    session = preprocess(brain.session(data), steps=DEFAULT_STEPS)
    assert np.isfinite(session.fids.data).all()
    assert not session.transients["rejected"].any()
    assert len(session.records) == len(DEFAULT_STEPS)


def test_chain_survives_transients_that_are_not_finite(brain, rng):
    session = raw_session(brain, rng, coils=True)
    data = np.array(session.fids.data)
    data[:, 4, 9], data[:, 5], data[1, 6] = np.inf, 0.0, np.nan
    after = preprocess(brain.session(data, reference=session.reference.data), steps=DEFAULT_STEPS)
    assert after.transients["rejected"][[4, 5]].all()
    assert np.isfinite(after.fids.data[after.kept]).all()
    assert after.kept.sum() >= 17


def test_whole_chain_restores_the_truth(brain, rng):
    """Mean spectrum after all steps against the noise-free one, from coils, drift, phase jitter, eddy currents and residual water."""
    n, n_coils = 96, 8
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-6, 6, n), snr=1e6, water=2.0)
    eddy = np.exp(0.5j * (1 - np.exp(-brain.time_s / 0.02)))
    gain = (rng.standard_normal(n_coils) + 1j * rng.standard_normal(n_coils))[:, None, None]
    gain /= np.linalg.norm(gain)
    sd = brain.noise_sd(8.0)
    raw = gain * data * eddy + brain.noise(rng, (n_coils, n, brain.n_points), sd)
    water = gain * (2000 * brain.line(4.65, linewidth_hz=9.0) * eddy)[None] + brain.noise(rng, (n_coils, 2, brain.n_points), sd)
    session = preprocess(brain.session(raw, reference=water), steps=DEFAULT_STEPS)
    mean, inside = session.fids.data[session.kept].mean(axis=0), (brain.ppm > 0.5) & (brain.ppm < 4.1)

    def left(errors):
        """What is left of the spectrum beyond the phase and shift that the last step leaves (the lines of this brain lie 0.01 ppm off)."""
        phase, shift_hz = errors
        turned = mean * np.exp(1j * phase + 2j * np.pi * shift_hz * brain.time_s)
        difference = np.fft.fftshift(np.fft.fft(turned - brain.metabolites()))[inside] / brain.naa_height
        return np.concatenate([difference.real, difference.imag])

    best = least_squares(left, [0.0, 0.0])
    assert np.abs(best.fun).max() < 0.06  # noise SD is 0.013
    assert abs(best.x[0]) < np.radians(6)
    assert abs(best.x[1]) < 1.0
    assert session.records[-1].values["naa_found"]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"step": "coil"}], "unknown preprocessing step 'coil'.*alignment"),
        ([{"name": "alignment"}], "no key 'step'"),
        ([{"step": "alignment", "range": [1, 2]}], "unknown option of step alignment 'range'.*range_ppm"),
        ([{"step": "alignment", "smoothness": "spline"}], "none, random_walk"),
        ([{"step": "alignment", "range_ppm": 3.0}], "alignment.range_ppm is 3.0: expected"),
        ([{"step": "coil_combination", "whiten": 1}], "coil_combination.whiten"),
        ([{"step": "rejection", "residual_z": "4"}], "rejection.residual_z"),
    ],
)
def test_what_is_not_understood_is_named_before_anything_runs(steps, message):
    with pytest.raises(ConfigError, match=message):
        checked_steps([{"step": "coil_combination"}, *steps])


def test_session_refuses_a_table_that_does_not_fit(brain):
    session = brain.session(np.ones((3, brain.n_points), dtype=complex))
    with pytest.raises(DataError, match="2 rows for 3"):
        Session(fids=session.fids, reference=None, transients=session.transients[:2])
    with pytest.raises(DataError, match="column 'run'"):
        Session(fids=session.fids, reference=None, transients=session.transients.drop(columns="run"))
    with pytest.raises(DataError, match="dimensions"):
        Session(fids=brain.fids(np.ones((3, brain.n_points)), ("window", "time")), reference=None, transients=session.transients)


def test_one_absurd_transient_does_no_harm(brain, rng):
    """A spike of 10 000 times the signal, without water reference: coil weights, alignment and the other transients stay as they were."""
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-2, 2, 40), snr=1e6)
    gain = np.array([1.0, 0.5j, -0.7, 0.3])[:, None, None]
    raw = gain * data + brain.noise(rng, (4, *data.shape), brain.noise_sd(8.0))
    spoiled = raw.copy()
    spoiled[:, 13] += 1e4 * np.array([0.1, 1.0, 0.2j, -1.0])[:, None] * brain.noise(rng, brain.n_points, brain.noise_sd(8.0))
    kept = np.arange(40) != 13
    good, bad = (preprocess(brain.session(each), steps=DEFAULT_STEPS) for each in (raw, spoiled))
    assert bad.transients["rejected"][13]
    weights = [session.records[0].values["weights"] for session in (good, bad)]
    assert np.abs(np.vdot(*weights)) / np.prod([np.linalg.norm(each) for each in weights]) > 0.99
    shifts = [session.transients["frequency_shift_hz"][kept] for session in (good, bad)]
    np.testing.assert_allclose(shifts[1] - shifts[1].mean(), shifts[0] - shifts[0].mean(), atol=0.3)
    assert bad.transients["rejected"][kept].sum() <= 1


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_transients_that_hold_no_signal_at_all_are_rejected_or_flagged(brain, value):
    session = preprocess(brain.session(np.full((8, brain.n_points), value, dtype=complex)), steps=DEFAULT_STEPS)
    assert np.isfinite(session.fids.data).all()
    assert "NAA is not a positive peak" in session.records[-1].flag


@pytest.mark.parametrize("method", ["maximum_likelihood", "spectral_registration", "robust_spectral_registration"])
@pytest.mark.parametrize(("n_points", "n_transients", "snr"), [(64, 9, 0.01), (128, 33, 3.0), (256, 2, 50.0), (512, 17, 0.01)])
def test_short_and_noisy_sessions_pass(rng, method, n_points, n_transients, snr):
    brain = Brain(n_points=n_points)
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-2, 2, n_transients), snr=snr)
    steps = [{**step, "method": method} if step["step"] == "alignment" else step for step in DEFAULT_STEPS]
    assert np.isfinite(preprocess(brain.session(data), steps=steps).fids.data).all()


@pytest.mark.parametrize(
    ("step", "option", "value"),
    [
        ("rejection", "max_fraction", -0.1),
        ("rejection", "max_fraction", 1.5),
        ("rejection", "frequency_z", -1.0),
        ("rejection", "n_local", 0),
        ("rejection", "residual_z", float("nan")),
        ("alignment", "range_ppm", [4.2, 0.2]),
        ("alignment", "max_shift_hz", 0.0),
        ("coil_combination", "noisy_factor", -3.0),
        ("eddy_current", "shortest_decay_s", 0.0),
        ("water_removal", "n_components", 0),
        ("water_removal", "range_ppm", [4.9, 4.4]),
        ("phase_reference", "linewidth_hz", -6.0),
    ],
)
def test_impossible_values_are_refused_by_name(step, option, value):
    with pytest.raises(ConfigError, match=f"{step}.{option} is "):
        checked_steps([{"step": step, option: value}])

import numpy as np
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.preprocessing.coil_combination import gls_weights
from mrs_pipeline.preprocessing.steps import preprocess

N_COILS = 12
STEP = [{"step": "coil_combination"}]


def array(rng, *, noisy=()):
    """Sensitivities of unit norm and a noise covariance with neighbours correlated."""
    sensitivity = np.exp(0.5 * rng.standard_normal(N_COILS)) * np.exp(2j * np.pi * rng.random(N_COILS))
    gain = 1 + 0.3 * rng.random(N_COILS)
    gain[list(noisy)] *= 10
    distance = np.abs(np.subtract.outer(np.arange(N_COILS), np.arange(N_COILS)))
    turned = np.exp(0.8j * np.subtract.outer(np.arange(N_COILS), np.arange(N_COILS)))
    return sensitivity / np.linalg.norm(sensitivity), np.outer(gain, gain) * 0.5**distance * turned


def measure(brain, rng, sensitivity, covariance, *, n_transients=32, snr=5.0, reference=True):
    """Raw session whose optimal combination has the given SNR per transient; water phase at t = 0 is arbitrary."""
    best = np.sqrt(np.vdot(sensitivity, np.linalg.solve(covariance, sensitivity)).real)
    factor = np.linalg.cholesky(covariance)
    sd = brain.noise_sd(snr) * best

    def received(signal):
        noise = np.einsum("cd,dkt->ckt", factor, brain.noise(rng, (N_COILS, *signal.shape), sd))
        return (sensitivity[:, None, None] * signal + noise).astype(np.complex64)

    clean, _, _ = brain.transients(rng, shift_hz=np.linspace(-2, 2, n_transients), snr=1e9)
    water = 2000 * brain.line(4.65, linewidth_hz=9.0)[None] * np.exp(0.9j)
    return brain.session(received(clean), reference=received(np.repeat(water, 2, axis=0)) if reference else None)


def efficiency(weights, sensitivity, covariance):
    """SNR of a combination over the best any linear combination can have."""
    best = np.sqrt(np.vdot(sensitivity, np.linalg.solve(covariance, sensitivity)).real)
    return np.abs(np.vdot(weights, sensitivity)) / np.sqrt(np.vdot(weights, covariance @ weights).real) / best


@pytest.mark.parametrize("reference", [True, False])
def test_combination_reaches_the_optimum_under_correlated_noise(brain, rng, reference):
    sensitivity, covariance = array(rng)
    session = measure(brain, rng, sensitivity, covariance, reference=reference)
    weights = preprocess(session, steps=STEP).records[0].values["weights"]
    assert efficiency(weights, sensitivity, covariance) > 0.99
    assert abs(np.vdot(weights, sensitivity)) == pytest.approx(1.0, abs=0.02)  # keeps the scale of the root of the sum of squares


@pytest.mark.parametrize("spoil", [0.0, np.nan, np.inf, 1.0], ids=["zero", "nan", "inf", "constant"])
def test_dead_coil_is_reported_and_does_no_harm(brain, rng, spoil):
    sensitivity, covariance = array(rng)
    session = measure(brain, rng, sensitivity, covariance)
    data = np.array(session.fids.data)
    data[3] = spoil
    combined = preprocess(brain.session(data, reference=session.reference.data), steps=STEP)
    weights = combined.records[0].values["weights"]
    rest = np.arange(N_COILS) != 3
    assert combined.records[0].values["dead_coils"] == [3]
    assert weights[3] == 0
    assert efficiency(weights[rest], sensitivity[rest], covariance[np.ix_(rest, rest)]) > 0.99
    assert np.all(np.isfinite(combined.fids.data))


def test_noisy_coil_is_reported_and_hardly_counts(brain, rng):
    sensitivity, covariance = array(rng, noisy=[5])
    record = preprocess(measure(brain, rng, sensitivity, covariance), steps=STEP).records[0]
    assert record.values["noisy_coils"] == [5]
    assert efficiency(record.values["weights"], sensitivity, covariance) > 0.99


def test_transient_that_is_not_finite_does_not_cost_a_coil(brain, rng):
    sensitivity, covariance = array(rng)
    session = measure(brain, rng, sensitivity, covariance)
    data = np.array(session.fids.data)
    data[:, 7, 100] = np.inf
    combined = preprocess(brain.session(data, reference=session.reference.data), steps=STEP)
    assert combined.records[0].values["dead_coils"] == []
    assert np.flatnonzero(~combined.sound).tolist() == [7]


def test_noise_sd_of_the_combination_is_as_recorded(brain, rng):
    sensitivity, covariance = array(rng)
    combined = preprocess(measure(brain, rng, sensitivity, covariance), steps=STEP)
    tail = combined.fids.data[:, -256:]
    assert combined.records[0].values["combined_noise_sd"] == pytest.approx(np.std(tail.real), rel=0.03)


def test_combined_water_reference_starts_at_phase_zero(brain, rng):
    sensitivity, covariance = array(rng)
    combined = preprocess(measure(brain, rng, sensitivity, covariance), steps=STEP)
    assert combined.reference.dims == ("transient", "time")
    assert np.angle(combined.reference.data[:, 0].mean()) == pytest.approx(0.0, abs=0.02)


def test_weights_do_not_depend_on_the_scale_of_the_noise():
    sensitivity, covariance = array(np.random.default_rng(3))
    weights = gls_weights(sensitivity, covariance=covariance)
    np.testing.assert_allclose(weights, gls_weights(sensitivity, covariance=1e-12 * covariance))
    assert np.vdot(weights, sensitivity) == pytest.approx(1.0)


def test_combined_data_pass_untouched(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(4), snr=20.0)
    combined = preprocess(brain.session(data), steps=STEP)
    np.testing.assert_array_equal(combined.fids.data, data)
    assert "nothing to combine" in combined.records[0].details


def test_reference_of_other_coils_is_refused(brain, rng):
    sensitivity, covariance = array(rng)
    session = measure(brain, rng, sensitivity, covariance)
    with pytest.raises(DataError, match="same coils"):
        preprocess(brain.session(session.fids.data, reference=session.reference.data[:5]), steps=STEP)


def test_session_without_any_signal_is_refused(brain):
    with pytest.raises(DataError, match="no coil"):
        preprocess(brain.session(np.zeros((4, 3, brain.n_points), dtype=complex)), steps=STEP)


@pytest.mark.parametrize(("fault", "words"), [("mirrored", "does not match"), ("noise", "holds no signal"), ("zero", "is zero")])
def test_bad_reference_is_not_used_and_named(brain, rng, fault, words):
    sensitivity, covariance = array(rng)
    session = measure(brain, rng, sensitivity, covariance)
    reference = np.array(session.reference.data)
    spoiled = {"mirrored": reference.conj(), "noise": brain.noise(rng, reference.shape, 1.0), "zero": 0 * reference}[fault]
    combined = preprocess(brain.session(session.fids.data, reference=spoiled), steps=STEP)
    record = combined.records[0]
    assert efficiency(record.values["weights"], sensitivity, covariance) > 0.99
    assert record.values["origin"] == "data"
    assert combined.reference is None
    assert "the water reference" in record.remark
    assert words in record.remark
    with pytest.raises(DataError, match="the water reference"):
        preprocess(brain.session(session.fids.data, reference=spoiled), steps=[{**STEP[0], "sensitivities": "reference"}])


def test_good_reference_serves_noisy_data(brain, rng):
    sensitivity, covariance = array(rng)
    record = preprocess(measure(brain, rng, sensitivity, covariance, snr=1.0, n_transients=4), steps=STEP).records[0]
    assert (record.values["origin"], record.remark) == ("reference", "")
    assert efficiency(record.values["weights"], sensitivity, covariance) > 0.99

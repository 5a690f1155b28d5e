import numpy as np
import pytest

from mrs_pipeline.preprocessing.steps import preprocess
from tests.preprocessing.conftest import Brain


def aligned(brain, data, **options):
    return preprocess(brain.session(data), steps=[{"step": "alignment", **options}])


def floor(brain, sd, *, water=0.0):
    """Cramer-Rao floor of frequency (Hz) and phase (rad) of one transient of known shape, 0.2 to 4.2 ppm.

    Where there is water (height in units of NAA), its size, phase, frequency and width are free.
    """
    time, inside = brain.time_s, (brain.ppm > 0.2) & (brain.ppm < 4.2)
    tail = brain.water(np.random.default_rng(0), 1, height=water, jitter=0.0)[0]
    signal = brain.metabolites() + tail
    columns = [2j * np.pi * time * signal, 1j * signal, brain.metabolites()]
    if water:
        columns += [tail, 1j * tail, 2j * np.pi * time * tail, time * tail]
    J = np.stack([np.fft.fftshift(np.fft.fft(column))[inside] for column in columns], axis=1)
    unit = np.linalg.norm(J, axis=0)
    information = np.real((J / unit).conj().T @ (J / unit)) / (sd**2 * brain.n_points)
    return np.sqrt(np.diag(np.linalg.inv(information))[:2]) / unit[:2]


def errors(session, shift_hz, phase_rad):
    """Estimate minus truth, both relative to their means."""
    table = session.transients
    shift = table["frequency_shift_hz"] - (shift_hz - np.mean(shift_hz))
    phase = np.angle(np.exp(1j * (table["phase_rad"] - phase_rad)) / np.exp(1j * (table["phase_rad"] - phase_rad)).mean())
    return np.asarray(shift), phase


DRIFTS = {
    "none": np.zeros,
    "34 Hz": lambda k: np.linspace(-17, 17, k),
    "steps of 5 Hz": lambda k: np.where(np.arange(k) > k * 0.4, 5.0, 0.0) - np.where(np.arange(k) > k * 0.7, 5.0, 0.0),
    "breathing": lambda k: 0.5 * np.sin(2.4 * np.arange(k)) + np.linspace(-3, 3, k),
}


@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("snr", [2.5, 5.0, 20.0])
@pytest.mark.parametrize("smoothness", ["none", "random_walk"])
def test_error_is_within_1_3_of_the_cramer_rao_floor(brain, rng, drift, snr, smoothness):
    truth = DRIFTS[drift](256)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=snr, water=1.0)
    shift_error, phase_error = errors(aligned(brain, data, smoothness=smoothness), truth, phase)
    least = floor(brain, sd, water=1.0)
    assert np.std(shift_error) < 1.3 * least[0]
    assert np.std(phase_error) < 1.3 * least[1]
    assert abs(np.polyfit(np.linspace(-0.5, 0.5, 256), shift_error, 1)[0]) < 5 * np.sqrt(12 / 256) * least[0]


@pytest.mark.parametrize(
    "made",
    [
        {"field_mhz": 63.9, "width_hz": 1000.0, "n_points": 1024, "linewidth_hz": 5.0},
        {"field_mhz": 298.0, "width_hz": 5000.0, "n_points": 4096, "linewidth_hz": 13.0},
        {"field_mhz": 127.7, "width_hz": 1200.0, "n_points": 512, "linewidth_hz": 7.0},
    ],
    ids=["1.5 T", "7 T", "0.4 s"],
)
def test_other_fields_and_samplings(rng, made):
    brain, truth = Brain(**made), np.linspace(-6, 6, 200)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=4.0)
    found, least = errors(aligned(brain, data, smoothness="none"), truth, phase), floor(brain, sd, water=1.0)
    assert all(np.std(error) < 1.3 * bound for error, bound in zip(found, least, strict=True))


def test_smoothing_goes_below_the_floor_of_single_transients_and_keeps_steps(brain, rng):
    truth = DRIFTS["steps of 5 Hz"](256)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=5.0)
    error, _ = errors(aligned(brain, data, smoothness="random_walk"), truth, phase)
    at_steps = np.flatnonzero(np.diff(truth) != 0)[:, None] + np.arange(-3, 5)
    assert np.std(error) < 0.4 * floor(brain, sd)[0]
    assert np.abs(error[at_steps]).max() < 1.5 * floor(brain, sd)[0]


def test_fast_drift_and_strong_residual_water(brain, rng):
    """4 Hz a minute for 15 minutes and water of 5 times NAA that changes from shot to shot."""
    truth = np.arange(450) * 2.0 / 60 * 4.0
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=5.0, water=5.0)
    shift_error, phase_error = errors(aligned(brain, data), truth, phase)
    least = floor(brain, sd, water=5.0)
    assert np.std(shift_error) < 0.5 * least[0]
    assert np.std(phase_error) < least[1]
    shift_error, phase_error = errors(aligned(brain, data, smoothness="none"), truth, phase)
    assert np.std(shift_error) < 1.3 * least[0]
    assert np.std(phase_error) < 1.3 * least[1]


def test_signs_and_reference(brain, rng):
    """transient(t) = ideal(t) exp(i phase + 2 pi i shift t), numbers relative to the session mean; the correction is the negative."""
    shift, phase = np.array([3.0, -1.0, -2.0, 0.0]), np.radians([30.0, -10.0, 0.0, -20.0])
    ideal = brain.metabolites()
    data = ideal * np.exp(1j * phase[:, None] + 2j * np.pi * shift[:, None] * brain.time_s)
    data = data + brain.noise(rng, data.shape, brain.noise_sd(200.0))
    session = aligned(brain, data, smoothness="none")
    np.testing.assert_allclose(session.transients["frequency_shift_hz"], shift, atol=0.05)
    np.testing.assert_allclose(session.transients["phase_rad"], phase, atol=0.02)
    assert np.abs(np.fft.fft(session.fids.data - ideal)).max() < 0.05 * brain.naa_height


def test_second_pass_adds_to_the_first(brain, rng):
    truth = np.linspace(-4, 4, 64)
    data, _, _ = brain.transients(rng, shift_hz=truth, snr=10.0)
    once = aligned(brain, data)
    twice = preprocess(once, steps=[{"step": "alignment"}])
    np.testing.assert_allclose(twice.transients["frequency_shift_hz"], once.transients["frequency_shift_hz"], atol=0.1)
    factor = np.exp(
        -1j * twice.transients["phase_rad"].to_numpy()[:, None]
        - 2j * np.pi * twice.transients["frequency_shift_hz"].to_numpy()[:, None] * brain.time_s
    )
    np.testing.assert_allclose(twice.fids.data, data * factor, atol=1e-9)


def test_session_off_the_ppm_scale(brain, rng):
    truth = np.linspace(-3, 3, 64) - 0.17 * brain.field_mhz
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=5.0)
    error, _ = errors(aligned(brain, data), truth, phase)
    assert np.std(error) < floor(brain, sd)[0]


def test_transients_without_signal_stay_as_they_are(brain, rng):
    truth = np.linspace(-3, 3, 64)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=5.0, water=0.0)
    data[20] = brain.noise(rng, brain.n_points, sd)
    data[40, 5] = np.nan
    session = aligned(brain, data)
    row = session.transients.loc[[20, 40]]
    assert not row["aligned"].any()
    assert (row[["frequency_shift_hz", "phase_rad"]] == 0).all(axis=None)
    np.testing.assert_array_equal(session.fids.data[20], data[20])
    assert session.transients["aligned"].sum() == 62
    error, _ = errors(session, truth, phase)
    assert np.std(np.delete(error, [20, 40])) < floor(brain, sd)[0]


@pytest.mark.parametrize("n_transients", [1, 2, 3])
def test_few_transients_pass(brain, rng, n_transients):
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-1, 1, n_transients), snr=40.0)
    session = aligned(brain, data)
    assert np.all(np.isfinite(session.fids.data))
    assert len(session.transients) == n_transients


def test_pure_noise_is_not_aligned(brain, rng):
    data = brain.noise(rng, (32, brain.n_points), 1.0)
    session = aligned(brain, data)
    np.testing.assert_array_equal(session.fids.data[~session.transients["aligned"]], data[~session.transients["aligned"]])
    assert session.transients["aligned"].mean() < 0.1


def test_changing_lipids_cost_little(brain, rng):
    """Lipids as high as NAA whose size and phase change (40 %, 30 degrees): the floor without them is 1.1 times lower at most."""
    n, truth = 256, np.linspace(-3, 3, 256)
    lipid = brain.line(1.3, linewidth_hz=25.0) + 0.5 * brain.line(0.9, linewidth_hz=25.0)
    lipid *= brain.naa_height / np.abs(np.fft.fft(lipid)).max()
    size = np.abs(1 + 0.4 * rng.standard_normal(n)) * np.exp(0.5j * rng.standard_normal(n))
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=10.0, water=0.0)
    data = data + size[:, None] * lipid * np.exp(1j * phase[:, None] + 2j * np.pi * truth[:, None] * brain.time_s)
    shift_error, phase_error = errors(aligned(brain, data, smoothness="none"), truth, phase)
    assert np.std(shift_error) < 1.3 * floor(brain, sd)[0]
    assert np.std(phase_error) < 1.3 * 1.1 * floor(brain, sd)[1]
    shift_error, phase_error = errors(aligned(brain, data), truth, phase)
    assert np.std(shift_error) < 0.4 * floor(brain, sd)[0]
    assert np.std(phase_error) < 1.1 * floor(brain, sd)[1]


@pytest.mark.parametrize("drift", ["none", "34 Hz"])
def test_below_the_floor_with_the_prior(brain, rng, drift):
    """A steady drift of any speed is one straight line; phases gain too, as their errors go with those of frequency."""
    truth = DRIFTS[drift](256)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=20.0, water=0.0)
    shift_error, phase_error = errors(aligned(brain, data), truth, phase)
    assert np.std(shift_error) < 0.4 * floor(brain, sd)[0]
    assert np.std(phase_error) < floor(brain, sd)[1]


def test_breathing_is_followed_where_it_shows(brain, rng):
    truth = 0.8 * np.sin(1.7 * np.arange(200) ** 1.05)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=20.0, water=0.0)
    assert np.std(errors(aligned(brain, data), truth, phase)[0]) < 1.1 * floor(brain, sd)[0]


@pytest.mark.parametrize("smoothness", ["none", "random_walk"])
def test_a_response_in_one_half_leaves_the_other_half_as_it_was(brain, rng, smoothness):
    """Lines 1 Hz narrower and a multiplet 20 % higher after half-way: errors before it stay, and are no larger than those after it."""
    n, truth = 256, np.linspace(-3, 3, 256)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=8.0)
    changed = brain.metabolites() * np.expm1(np.pi * 1.0 * brain.time_s) + 0.2 * brain.line(2.35, linewidth_hz=20.0)
    response = np.where(np.arange(n) >= n // 2, 1.0, 0.0)[:, None] * changed
    response = response * np.exp(1j * phase[:, None] + 2j * np.pi * truth[:, None] * brain.time_s)
    before, after = (errors(aligned(brain, each, smoothness=smoothness), truth, phase) for each in (data, data + response))
    least = floor(brain, sd)
    for k in (0, 1):
        moved = (after[k] - before[k])[: n // 2]
        assert np.std(moved) < 0.25 * least[k]
        first, second = ([np.std(part) for part in np.split(each[k], 2)] for each in (before, after))
        assert second == pytest.approx(first, rel=0.2, abs=0.1 * least[k])

import numpy as np
import pytest

from mrs_pipeline.preprocessing.steps import preprocess

N = 240


def spoil(brain, data, kind, row):
    """One transient after motion, a spike of lipid, a field jump and the like."""
    time = brain.time_s
    if kind == "phase":
        data[row] *= np.exp(2j)
    elif kind == "amplitude":
        data[row] *= 0.5
    elif kind == "linewidth":
        data[row] *= np.exp(-np.pi * 6 * time)
    elif kind == "frequency":
        data[row] *= np.exp(2j * np.pi * 8 * time)
    elif kind == "lipid":
        data[row] += brain.line(1.3, linewidth_hz=25.0, amplitude=9.0) * np.exp(1j)
    elif kind == "water":
        data[row] += brain.line(4.6, linewidth_hz=12.0, amplitude=18.0)
    elif kind == "motion":
        data[row] *= 0.7 * np.exp(1.5j + (2j * np.pi * 4 - np.pi * 4) * time)


KINDS = ("phase", "amplitude", "linewidth", "frequency", "lipid", "water", "motion")


def rejected(brain, data, **options):
    return preprocess(brain.session(data), steps=[{"step": "alignment"}, {"step": "rejection", **options}])


@pytest.mark.parametrize("snr", [5.0, 15.0])
def test_planted_transients_are_found_and_few_good_ones_lost(brain, rng, snr):
    drift = np.linspace(-4, 4, N)
    data, _, _ = brain.transients(rng, shift_hz=drift, snr=snr)
    bad = rng.choice(N, 2 * len(KINDS), replace=False)
    for row, kind in zip(bad, 2 * KINDS, strict=True):
        spoil(brain, data, kind, row)
    session = rejected(brain, data)
    flagged = session.transients["rejected"].to_numpy()
    good = np.setdiff1d(np.arange(N), bad)
    assert flagged[bad].all()
    assert flagged[good].mean() < 0.01
    assert (session.transients.loc[good[~flagged[good]], "reason"] == "").all()
    assert (session.transients.loc[bad, "reason"] != "").all()
    np.testing.assert_array_equal(session.kept, ~flagged)


@pytest.mark.parametrize(
    ("kind", "reason"), [("phase", "phase"), ("amplitude", "amplitude"), ("frequency", "frequency"), ("water", "water")]
)
def test_reason_names_what_happened(brain, rng, kind, reason):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(64), snr=10.0)
    spoil(brain, data, kind, 30)
    assert reason in rejected(brain, data).transients.loc[30, "reason"]


def test_slow_changes_and_steps_are_not_rejected(brain, rng):
    """A drug that narrows lines and lifts amplitudes, drift, and a field step must not cost transients of one phase of a study."""
    slow = 1 / (1 + np.exp(-(np.arange(N) - 120) / 15.0))
    shift = np.linspace(0, 8, N) + np.where(np.arange(N) > 150, 5.0, 0.0)
    data, _, _ = brain.transients(rng, shift_hz=shift, snr=1e6)
    data *= (1 + 0.1 * slow)[:, None] * np.exp(-np.pi * 1.5 * slow[:, None] * brain.time_s)
    session = rejected(brain, data + brain.noise(rng, data.shape, brain.noise_sd(8.0)))
    assert session.transients["rejected"].sum() <= 2


@pytest.mark.parametrize("drift", ["1 Hz/min", "2 Hz/min", "4 Hz/min", "-4 Hz/min", "cooling"])
def test_drift_costs_no_transients_at_the_ends_or_between(brain, rng, drift):
    """A field that drifts steadily, or by 5 Hz with a time constant of 3 min, through sessions of 3 to 15 min with nothing else wrong."""
    lost = []
    for n in (64, 128, 200, 300):
        minutes = 0.05 * np.arange(n)
        shift = 5 * np.exp(-minutes / 3) if drift == "cooling" else float(drift.split()[0]) * minutes
        data, _, _ = brain.transients(rng, shift_hz=shift - shift.mean(), snr=8.0)
        lost.append(rejected(brain, data).transients["rejected"].to_numpy())
    assert np.concatenate(lost).mean() <= 0.01
    assert np.concatenate([part for each in lost for part in (each[:20], each[-20:])]).mean() <= 0.01


def test_data_are_masked_not_changed(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(32), snr=10.0)
    spoil(brain, data, "phase", 3)
    session = preprocess(brain.session(data), steps=[{"step": "rejection"}])
    np.testing.assert_array_equal(session.fids.data, data)
    assert session.transients["rejected"][3]


def test_transients_without_numbers_or_signal_are_always_rejected(brain, rng):
    data, _, sd = brain.transients(rng, shift_hz=np.zeros(32), snr=10.0, water=0.0)
    data[4, 10] = np.inf
    data[5] = 0
    data[6] = brain.noise(rng, brain.n_points, sd)
    session = rejected(brain, data, max_fraction=0.0)
    assert session.transients["reason"][[4, 5, 6]].tolist() == ["not finite or zero", "not finite or zero", "no signal"]
    assert session.transients["rejected"].sum() == 3


def test_rejection_stops_at_the_limit_and_says_so(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(N), snr=10.0)
    for row in range(0, N, 20):
        spoil(brain, data, "amplitude", row)
    session = rejected(brain, data, max_fraction=0.02)
    assert session.transients["rejected"].sum() == int(0.02 * N)
    assert session.records[-1].values["limit_reached"]
    assert not rejected(brain, data).records[-1].values["limit_reached"]


def test_a_limit_of_zero_switches_a_score_off(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(64), snr=10.0)
    spoil(brain, data, "water", 30)
    assert not rejected(brain, data, water_z=0.0, residual_z=0.0).transients["rejected"][30]


def test_earlier_rejections_stay(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(64), snr=10.0)
    spoil(brain, data, "lipid", 30)
    steps = [{"step": "alignment"}, {"step": "rejection"}, {"step": "alignment"}, {"step": "rejection"}]
    session = preprocess(brain.session(data), steps=steps)
    assert session.transients["rejected"][30]
    assert np.isfinite(session.transients["frequency_shift_hz"]).all()


def test_few_transients_are_not_judged(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(3), snr=10.0)
    assert not rejected(brain, data).transients["rejected"].any()


def departures(brain, kind, size):
    """A transient's noise-free change: its fraction lost, its extra width in Hz, or its lipid in NAA heights."""
    truth = brain.metabolites()
    lipid = brain.line(1.3, linewidth_hz=25.0) + 0.5 * brain.line(0.9, linewidth_hz=25.0)
    return {
        "amplitude": -size * truth,
        "linewidth": truth * np.expm1(-np.pi * size * brain.time_s),
        "lipid": size * brain.naa_height / np.abs(np.fft.fft(lipid)).max() * lipid * np.exp(1j),
    }[kind]


@pytest.mark.parametrize(("kind", "size"), [("amplitude", 0.2), ("linewidth", 4.0), ("lipid", 0.4)])
def test_single_departures_beyond_the_noise_are_found(brain, rng, kind, size):
    """Sizes of 7 or more in units of the noise of one transient at a signal-to-noise ratio of 8, each alone."""
    shift = np.linspace(-2, 2, N)
    data, phase, _ = brain.transients(rng, shift_hz=shift, snr=8.0)
    bad = np.arange(10, N, 20)
    data[bad] += departures(brain, kind, size) * np.exp(1j * phase[bad, None] + 2j * np.pi * shift[bad, None] * brain.time_s)
    aligned = preprocess(brain.session(data), steps=[{"step": "alignment"}])
    session = preprocess(aligned, steps=[{"step": "rejection"}])
    flagged = session.transients["rejected"].to_numpy()
    assert flagged[bad].mean() >= 11 / 12
    assert np.delete(flagged, bad).mean() <= 0.015
    assert session.transients.loc[bad, "reason"].str.contains(kind).mean() > 0.7


def moved(brain, rng, share, *, which=slice(None)):
    """A session of which a share of the transients in a part are spoiled by motion and lipids, and which ones are good."""
    data, _, _ = brain.transients(rng, shift_hz=np.linspace(-3, 3, N), snr=10.0)
    part = np.arange(N)[which]
    bad = rng.choice(part, round(share * part.size), replace=False)
    for row in bad:
        spoil(brain, data, "motion", row)
        spoil(brain, data, "lipid", row)
    return data, ~np.isin(np.arange(N), bad)


def judged(brain, data, good):
    """Aligned transients, and weights of all, the retained, the softly weighted and the truly good ones."""
    session = preprocess(rejected(brain, data), steps=[{"step": "phase_reference"}])  # spoiled ones count in the mean of the alignment
    soft = rejected(brain, data, weighting="inverse_variance").transients["weight"].to_numpy()
    return session.fids.data, {"all": np.ones(N), "retained": session.kept, "weighted": soft, "good": good}


@pytest.mark.parametrize("design", ["halves of a session", "treatments"])
def test_what_is_kept_is_unbiased_when_motion_differs(brain, rng, design):
    """A quarter of one side is spoiled: retained (or weighted) sides agree as well as the truly good ones, all of them do not."""
    if design == "treatments":
        sides = [judged(brain, *moved(brain, rng, share)) for share in (0.02, 0.25)]
    else:
        data, weights = judged(brain, *moved(brain, rng, 0.25, which=slice(N // 2, None)))
        sides = [(data[part], {name: each[part] for name, each in weights.items()}) for part in np.split(np.arange(N), 2)]
    inside = (brain.ppm > 0.5) & (brain.ppm < 4.0)

    def change(name):
        """Largest difference between the sides' average spectra, in heights of NAA."""
        averages = [np.average(data, axis=0, weights=weights[name]) for data, weights in sides]
        return np.abs(np.fft.fftshift(np.fft.fft(averages[1] - averages[0]))[inside]).max() / brain.naa_height

    best = change("good")
    assert change("retained") < 1.1 * best
    assert change("weighted") < 1.2 * best
    assert change("all") > 2 * best


def test_weights_leave_transients_in(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(64), snr=10.0)
    spoil(brain, data, "motion", 30)
    data[40] = 0.0
    table = rejected(brain, data, weighting="inverse_variance").transients
    assert table["rejected"].to_numpy().nonzero()[0].tolist() == [40]
    assert table["weight"][40] == 0
    assert table["weight"][30] < 0.1
    assert table["weight"].drop([30, 40]).mean() > 0.9


def test_no_stretch_of_a_session_is_emptied(brain, rng):
    """At most a fifth of 31 successive transients goes here, though more are beyond a limit."""
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(N), snr=10.0)
    for row in range(62, 93, 3):
        spoil(brain, data, "motion", row)
    session = rejected(brain, data, max_fraction_local=0.2)
    assert session.transients["rejected"].to_numpy()[62:93].sum() == int(np.ceil(0.2 * 31))
    assert session.records[-1].values["limit_reached"]
    assert rejected(brain, data).transients["rejected"].to_numpy()[62:93:3].all()

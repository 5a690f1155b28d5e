"""Laws of the generated raw data, recovered by code that shares nothing with the generator."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.signals import session_signals
from mrs_pipeline.synthetic.truth import transients_table

SF_MHZ = 127.7
WIDTH_HZ = 2000.0
ONLY_NAA = {
    "concentrations_mmol_per_l": {"NAA": 9.3, "Cr": 0.0},
    "white_matter_ratio": {},
    "numerator": ["Cr"],
    "denominator": ["NAA"],
}


def recorded(description, *, seed=11, session="1"):
    return session_signals(study_plan(description, seed=seed), participant="01", session=session)


def combined(data, *, weights_from):
    """Coils added in phase, weighted by the amplitude the strong water reference has in them."""
    weights = weights_from[:, :, 1:5].mean(axis=(1, 2))
    return np.einsum("c,ctn->tn", weights.conj(), data) / np.sum(np.abs(weights) ** 2) * np.abs(weights).sum() / len(weights)


def times(n_points=512):
    return np.arange(n_points) / WIDTH_HZ


def at_ppm(fids, ppm):
    """Correlation of FIDs with a line at a shift, straight from the definition of the sign convention."""
    line = np.exp(-2j * np.pi * (4.65 - ppm) * SF_MHZ * times(fids.shape[-1]))
    return (fids * line).sum(axis=-1)


def half_width_hz(fid):
    """Full width at half maximum of the highest peak of the real spectrum, from a dense grid."""
    spectrum = np.fft.fft(fid, 65536).real
    top = int(spectrum.argmax())
    half = spectrum[top] / 2
    right = next(step for step in range(1, 5000) if spectrum[(top + step) % 65536] < half)
    left = next(step for step in range(1, 5000) if spectrum[top - step] < half)
    return (right + left - 1) * WIDTH_HZ / 65536


def test_shapes_and_whole_numbers(quiet):
    run = recorded(quiet()).runs[0]
    assert run.svs.dims == run.reference.dims == ("coil", "transient", "time")
    assert run.svs.data.shape == (4, 64, 512)
    assert run.reference.data.shape == (4, 2, 512)
    assert run.svs.data.dtype == np.complex64
    assert np.all(run.svs.data == np.rint(run.svs.data))


def test_same_seed_same_data_and_visits_differ(quiet):
    first, again = recorded(quiet()), recorded(quiet())
    assert np.array_equal(first.runs[0].svs.data, again.runs[0].svs.data)
    assert not np.array_equal(first.runs[0].svs.data, recorded(quiet(), session="2").runs[0].svs.data)
    assert not np.array_equal(first.runs[0].svs.data, recorded(quiet(), seed=12).runs[0].svs.data)


def test_noise_covariance_of_the_coils(quiet):
    """Differences of neighbouring transients hold nothing but noise where nothing varies."""
    description = quiet(levels=ONLY_NAA, response={"contrast_percent": 0, "plateau_percent": 0})
    session = recorded(description)
    data = session.runs[0].svs.data.astype(complex)
    noise = (data[:, 1::2] - data[:, ::2]) / np.sqrt(2)
    flat = noise.reshape(4, -1)
    values = np.concatenate([flat.real, flat.imag], axis=1)
    estimate = values @ values.T / values.shape[1]
    sd = np.sqrt(np.diag(estimate))
    assert np.sqrt(np.diag(session.receiver.noise_covariance)) == pytest.approx(sd, rel=0.02)
    correlation = estimate / np.outer(sd, sd)
    distance = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    assert correlation == pytest.approx(0.3**distance, abs=5 / np.sqrt(values.shape[1]))
    assert 8 * np.exp(-1.5) < sd.min() < sd.max() < 8 * np.exp(1.5)


def test_noise_is_white_in_time(quiet):
    data = recorded(quiet(levels=ONLY_NAA)).runs[0].svs.data[0].astype(complex)
    noise = data[1::2] - data[::2]
    lagged = np.mean(noise[:, 1:] * noise[:, :-1].conj()) / np.mean(np.abs(noise) ** 2)
    assert abs(lagged) < 5 / np.sqrt(noise.size)


def test_single_transient_signal_to_noise(quiet):
    """NAA height over noise SD after whitening with the measured covariance and combining along the measured sensitivities."""
    run = recorded(quiet(levels=ONLY_NAA, receiver={"single_transient_snr": 20})).runs[0]
    data = run.svs.data.astype(complex)
    noise = ((data[:, 1::2] - data[:, ::2]) / np.sqrt(2)).reshape(4, -1)
    covariance = (noise @ noise.conj().T / noise.shape[1]).real / 2
    weights = np.linalg.solve(covariance, run.reference.data[:, :, 0].mean(axis=1))
    fids = np.einsum("c,ctn->tn", weights.conj(), data)
    heights = at_ppm(fids, 2.008)
    spectra = np.fft.fft(fids[1::2] - fids[::2], axis=-1) / np.sqrt(2)
    assert heights.real.mean() / spectra.real.std() == pytest.approx(20, rel=0.03)
    assert abs(heights.imag.mean()) < 0.05 * heights.real.mean()


def test_naa_lies_at_2_01_ppm(quiet):
    run = recorded(quiet()).runs[0]
    spectrum = np.fft.fft(combined(run.svs.data, weights_from=run.reference.data).mean(axis=0), 8192)
    ppm = 4.65 - np.fft.fftfreq(8192, 1 / WIDTH_HZ) / SF_MHZ
    inside = (ppm > 1.8) & (ppm < 2.2)
    assert ppm[inside][spectrum.real[inside].argmax()] == pytest.approx(2.01, abs=0.01)


@pytest.mark.parametrize("width_hz", [4.5, 7.0, 11.0])
def test_linewidth_of_naa(quiet, width_hz):
    shape = {"linewidth_hz": width_hz}
    run = recorded(
        quiet(
            levels=ONLY_NAA, lineshape=shape, receiver={"single_transient_snr": 300, "noise_sd_units": 20}, acquisition={"n_points": 2048}
        )
    ).runs[0]
    fid = combined(run.svs.data, weights_from=run.reference.data).mean(axis=0)
    # A Voigt line by its formula is within 0.02 % of the truth; noise and the neighbouring multiplet add little.
    assert half_width_hz(fid) == pytest.approx(width_hz, rel=0.02)


def test_infusion_narrows_the_line(quiet):
    strong = {"receiver": {"single_transient_snr": 300, "noise_sd_units": 20}, "acquisition": {"n_points": 2048}}
    run = recorded(quiet(levels=ONLY_NAA, haemodynamics={"linewidth_change_hz": [-0.5, -0.5], "rise_time_s": 1}, **strong)).runs[0]
    fids = combined(run.svs.data, weights_from=run.reference.data)
    change_hz = half_width_hz(fids[25:].mean(axis=0)) - half_width_hz(fids[:24].mean(axis=0))
    # A Voigt line narrows by more than half of what its Lorentzian part does.
    assert -0.5 < change_hz < -0.25


def test_drift_shows_as_phase_evolution_of_naa(quiet):
    """The phase of NAA advances within each FID by the shift of that transient: slope over transients is the drift."""
    description = quiet(levels=ONLY_NAA, frequency={"drift_hz_per_min": [2, 2]}, receiver={"single_transient_snr": 100})
    run = recorded(description).runs[0]
    fids = combined(run.svs.data, weights_from=run.reference.data)
    reference = fids[0]
    turned = fids[:, :200] * reference[:200].conj()
    phase = np.unwrap(np.angle(turned.reshape(64, 10, 20).sum(axis=2)), axis=1)
    centre_s = times()[:200].reshape(10, 20).mean(axis=1)
    shift_hz = np.polyfit(centre_s, phase.T, 1)[0] / (2 * np.pi)
    slope = np.polyfit(np.arange(64) * 3 / 60, shift_hz, 1)[0]
    assert abs(slope) == pytest.approx(2.0, rel=0.05)


def test_response_size_in_the_signal(quiet):
    """Least squares on FIDs of noiseless single-metabolite recordings recovers the true relative changes."""
    concentrations = {"NAA": 9.3, "Glu": 11.0}
    levels = {"concentrations_mmol_per_l": concentrations, "white_matter_ratio": {}, "numerator": ["Glu"], "denominator": ["NAA"]}
    strong = {"receiver": {"single_transient_snr": 300, "noise_sd_units": 20}}
    plan = study_plan(quiet(levels=levels, **strong), seed=2)
    templates = []
    for name in ("NAA", "Glu"):
        pure = dict(levels, concentrations_mmol_per_l={"NAA": 9.3, "Glu": 11.0 * (name == "Glu")})
        run = recorded(quiet(levels=pure, response={"plateau_percent": 0, "contrast_percent": 0}, **strong), seed=2).runs[0]
        templates.append(combined(run.svs.data, weights_from=run.reference.data).mean(axis=0))
    basis = np.stack([templates[0], templates[1] - templates[0]])
    run = session_signals(plan, participant="01", session="1").runs[0]
    fids = combined(run.svs.data, weights_from=run.reference.data)
    amplitudes = np.linalg.lstsq(basis.T, fids.T, rcond=None)[0].real
    log_ratio = 100 * np.log(amplitudes[1] / amplitudes[0])
    seconds = np.arange(40) * 3.0
    expected = plan.visits[0].plateau_percent * (1 - np.exp(-seconds / 20))
    assert log_ratio[:24].mean() == pytest.approx(0, abs=0.3)
    assert log_ratio[24:] == pytest.approx(expected, abs=2.5)
    assert (log_ratio[24:] - expected).mean() == pytest.approx(0, abs=0.3)


def test_eddy_current_is_shared_with_the_reference(quiet):
    """Subtracting the phase of the water reference leaves a phase that is constant in time."""
    eddy = {"n_terms": 2, "amplitude_deg": [30, 40]}
    run = recorded(quiet(levels=ONLY_NAA, eddy_current=eddy, receiver={"single_transient_snr": 300, "noise_sd_units": 20})).runs[0]
    reference = combined(run.reference.data, weights_from=run.reference.data).mean(axis=0)
    naa = combined(run.svs.data, weights_from=run.reference.data).mean(axis=0) * np.exp(-2j * np.pi * (4.65 - 2.008) * SF_MHZ * times())
    pure = recorded(quiet(levels=ONLY_NAA, receiver={"single_transient_snr": 300, "noise_sd_units": 20})).runs[0]
    ideal = combined(pure.svs.data, weights_from=pure.reference.data).mean(axis=0) * np.exp(-2j * np.pi * (4.65 - 2.008) * SF_MHZ * times())
    early = slice(1, 100)
    distorted = np.unwrap(np.angle(naa[early] * ideal[early].conj()))
    assert np.ptp(distorted) > np.deg2rad(10)
    assert np.ptp(distorted - np.unwrap(np.angle(reference[early]))) < 0.2 * np.ptp(distorted)


def test_residual_water_has_its_height(quiet):
    water = {"residual_height": 2.0, "residual_jitter_percent": 0, "residual_offset_ppm": [0, 0]}
    run = recorded(quiet(levels=ONLY_NAA, water=water, receiver={"single_transient_snr": 100})).runs[0]
    fid = combined(run.svs.data, weights_from=run.reference.data).mean(axis=0)
    assert abs(at_ppm(fid, 4.65)) / abs(at_ppm(fid, 2.008)) == pytest.approx(2.0, rel=0.05)


def test_infusion_event_of_split_recordings(quiet):
    runs = recorded(quiet(timing={"runs": "split"})).runs
    assert [run.svs.sizes["transient"] for run in runs] == [24, 40]
    assert [run.events["onset"].tolist() for run in runs] == [[], [0.0]]
    assert [run.start_s for run in runs] == [0.0, 372.0]
    assert recorded(quiet()).runs[0].events["onset"].tolist() == [72.0]


def test_true_faults_undo_the_faults_of_the_signal(quiet):
    """The correction is the negative of what the truth table states: afterwards nothing but noise tells transients apart."""
    frequency = {"offset_sd_hz": 3, "drift_hz_per_min": [1, 1], "jitter_sd_hz": 0.5}
    flat = {"plateau_percent": 0, "contrast_percent": 0}
    faults = {"frequency": frequency, "phase": {"jitter_sd_deg": 20, "walk_sd_deg": 5}}
    description = quiet(levels=ONLY_NAA, response=flat, receiver={"single_transient_snr": 60}, **faults)
    plan = study_plan(description, seed=11)
    truth = transients_table(plan, plan.visits[0])
    session = session_signals(plan, participant="01", session="1")
    run = session.runs[0]
    error_rad = truth["phase_rad"].to_numpy()[:, np.newaxis] + 2 * np.pi * np.outer(truth["frequency_shift_hz"], times())
    raw, corrected = run.svs.data, run.svs.data * np.exp(-1j * error_rad)
    spread = [np.mean(np.abs(data - data.mean(axis=1, keepdims=True)) ** 2, axis=(1, 2)) for data in (raw, corrected)]
    noise = 2 * np.diag(session.receiver.noise_covariance)
    assert spread[1] * 64 / 63 == pytest.approx(noise, rel=0.03)
    # Control: before the correction the excess is many times the tolerance above, in the coil that sees NAA best.
    assert (spread[0] / spread[1]).max() > 1.2

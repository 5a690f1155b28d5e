"""Spectral registration as a choice of the alignment step."""

import numpy as np
import pytest

from mrs_pipeline.preprocessing.spectral_registration import registered, without_unstable
from mrs_pipeline.preprocessing.steps import preprocess
from tests.preprocessing.test_alignment import errors, floor

N = 64
METHODS = ("spectral_registration", "robust_spectral_registration")


def aligned(brain, data, method):
    return preprocess(brain.session(data), steps=[{"step": "alignment", "method": method}])


def test_exact_without_noise(brain):
    """The model of Near et al. 2015: reference = S exp(-2 pi i (f t + phi / 360)) in the convention of this package."""
    reference, time = brain.metabolites()[:400], brain.time_s[:400]
    moved = reference * np.exp(1j * 0.7 + 2j * np.pi * 2.3 * time)
    found = registered(moved, reference=reference, time_s=time, start=(0.0, 0.0))
    assert found == pytest.approx((2.3, 0.7), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_signs_and_columns_are_those_of_the_step(brain, rng, method):
    truth = np.linspace(-3, 3, N)
    data, phase, _ = brain.transients(rng, shift_hz=truth, snr=200.0, water=0.0)
    session = aligned(brain, data, method)
    shift_error, phase_error = errors(session, truth, phase)
    assert np.abs(shift_error).max() < 0.05
    assert np.abs(phase_error).max() < 0.02
    assert session.transients["aligned"].all()
    assert session.records[0].values["method"] == method


@pytest.mark.parametrize("method", METHODS)
def test_noise_of_the_reference_is_the_weakness_of_the_plain_form(brain, rng, method):
    """Against one noisy transient the error is larger than the floor by the square root of 2 at least; against an average it is not."""
    truth = np.linspace(-2, 2, N)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=6.0, water=0.0)
    shift_error, _ = errors(aligned(brain, data, method), truth, phase)
    relative = np.std(shift_error) / floor(brain, sd)[0]
    assert relative > 1.4 if method == "spectral_registration" else relative < 1.4


def test_robust_form_bears_changing_water(brain, rng):
    truth = np.linspace(-2, 2, N)
    data, phase, sd = brain.transients(rng, shift_hz=truth, snr=10.0, water=5.0)
    plain, robust = (np.std(errors(aligned(brain, data, method), truth, phase)[0]) / floor(brain, sd)[0] for method in METHODS)
    assert plain > 10
    assert robust < 0.4 * plain


def test_stable_data_are_registered_as_they_are(brain, rng):
    data, _, _ = brain.transients(rng, shift_hz=np.zeros(N), snr=10.0, water=0.0, phase_sd_deg=0.0)
    cleaned = without_unstable(data, usable=np.ones(N, dtype=bool), acquisition=brain.acquisition)
    np.testing.assert_array_equal(cleaned, data)


@pytest.mark.parametrize("method", METHODS)
def test_transients_without_signal_stay_as_they_are(brain, rng, method):
    data, _, sd = brain.transients(rng, shift_hz=np.zeros(N), snr=10.0, water=0.0)
    data[20], data[30] = brain.noise(rng, brain.n_points, sd), np.nan
    session = aligned(brain, data, method)
    assert session.transients["aligned"].to_numpy().nonzero()[0].tolist() == [k for k in range(N) if k not in (20, 30)]
    np.testing.assert_array_equal(session.fids.data[20], data[20])

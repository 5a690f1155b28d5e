"""Refits of rebuilt spectra: the spectrum itself, determinism, closed forms of the summary, and what the check says of a right fit."""

import numpy as np
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.fitting.bootstrap import Resampled, rebuilt_fid, refits, summarise
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


@pytest.fixture(scope="module")
def fit(fitter, make_fid):
    return fit_spectrum(make_fid(snr=60.0, seed=3, shift_hz=7.3, phase_rad=0.4, delay_s=1e-4), fitter=fitter)


def test_the_rebuilt_spectrum_is_data_less_residual(fit, fitter, make_fid) -> None:
    """Turned and shifted as the data were, so that their difference is the residual that the fit found."""
    data, rebuilt = make_fid(snr=60.0, seed=3, shift_hz=7.3, phase_rad=0.4, delay_s=1e-4), rebuilt_fid(fit, fitter=fitter)
    spectrum = np.fft.fftshift(np.fft.fft(data - rebuilt))
    ppm = fitter.basis.acquisition.ppm
    inside = (ppm > 0.4) & (ppm < 3.7)
    rms = np.sqrt(np.mean(np.abs(spectrum[inside]) ** 2) / 2)
    assert rms == pytest.approx(fit.quality["residual_sd"], rel=0.05)


def test_the_same_seed_gives_the_same_refits(fit, fitter) -> None:
    first, second = (
        [draw.amplitudes for draw in refits(fit, fitter=fitter, n_draws=3, rng=np.random.default_rng(5), redrawn=True)] for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_refits_have_the_noise_of_the_fit(fit, fitter) -> None:
    draws = list(refits(fit, fitter=fitter, n_draws=20, rng=np.random.default_rng(1)))
    noise = max(fit.quality["noise_sd"], fit.quality["residual_sd"])
    assert np.mean([draw.quality["noise_sd"] for draw in draws]) == pytest.approx(noise, rel=0.05)
    assert np.mean([draw.quality["shift_hz"] for draw in draws]) == pytest.approx(fit.quality["shift_hz"], abs=0.1)
    assert np.mean([draw.quality["phase0_deg"] for draw in draws]) == pytest.approx(fit.quality["phase0_deg"], abs=1.0)


@pytest.mark.slow
def test_printed_standard_errors_are_true_where_parameters_follow_their_priors(fit, fitter) -> None:
    draws = list(refits(fit, fitter=fitter, n_draws=150, rng=np.random.default_rng(2), redrawn=True))
    values, printed = (np.array([getattr(draw, name) for draw in draws]) for name in ("amplitudes", "sd"))
    ratio = values.std(axis=0, ddof=1) / printed.mean(axis=0)
    # the SD of 150 values is known to 6 %; 3 of these over 8 components
    assert np.all(np.abs(ratio - 1.0) < 0.18)
    assert ratio.mean() == pytest.approx(1.0, abs=0.07)
    assert np.all(np.abs(values.mean(axis=0) - fit.amplitudes) < fit.sd)


def test_summary_by_hand() -> None:
    found = Resampled(
        truth=10.0,
        values=np.array([9.0, 10.0, 12.0, np.nan]),
        sds=np.array([1.0, 2.0, 1.5, np.nan]),
        low=np.array([8.0, 8.0, 11.0, np.nan]),
        high=np.array([9.5, np.nan, 13.0, np.nan]),
    )
    summary = summarise(found, confidence=0.5)
    assert summary.bias == pytest.approx(1.0 / 3.0)
    assert summary.sd == pytest.approx(np.sqrt(7.0 / 3.0))
    assert summary.sd_ratio == pytest.approx(np.sqrt(7.0 / 3.0) / 1.5)
    assert (summary.low, summary.high) == pytest.approx((9.5, 11.0))
    # the second interval has no upper end and holds 10; the failed fit does not
    assert (summary.coverage, summary.n_draws, summary.n_failed) == (0.25, 4, 1)


def test_too_few_results_say_nothing() -> None:
    one = np.array([1.0, np.nan])
    summary = summarise(Resampled(truth=1.0, values=one, sds=one, low=one, high=one), confidence=0.95)
    assert np.isnan(summary.sd)
    assert (summary.n_draws, summary.n_failed) == (2, 1)


def test_a_failed_fit_describes_no_spectrum(fitter) -> None:
    failed = fit_spectrum(np.zeros(1024, dtype=complex), fitter=fitter)
    with pytest.raises(DataError, match="no_signal"):
        rebuilt_fid(failed, fitter=fitter)

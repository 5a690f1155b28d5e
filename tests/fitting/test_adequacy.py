"""Checks of a fit: null distributions by simulation, power, closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError
from mrs_pipeline.fitting.adequacy import (
    MOST_FLEXIBLE,
    NO_NAA,
    NOT_NOISE,
    TOO_NOISY,
    UNKNOWN,
    baseline_inflation,
    check_adequacy,
    criteria,
    whiteness,
)
from mrs_pipeline.fitting.comparison import compare_fits
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.linearisation import Linearised
from mrs_pipeline.fitting.options import FitOptions

from .conftest import TRUTH, line_fid

TIME_S = np.arange(1024) / 2000.0
LACTATE_PPM = 1.31


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


@pytest.fixture(scope="module")
def checks(fitter, make_fid):
    """Fits of a right model, 80 draws of the noise."""
    return [check_adequacy(fit_spectrum(make_fid(snr=60.0, seed=400 + seed), fitter=fitter), fitter=fitter) for seed in range(80)]


def linear_model(design: np.ndarray, residual: np.ndarray, rows: np.ndarray | None = None) -> Linearised:
    """An unpenalised linear model of real data."""
    return Linearised(
        theta=np.zeros(5),
        design=design,
        penalty=np.zeros((design.shape[1],) * 2),
        smooth_rows=np.zeros((0, design.shape[0])) if rows is None else rows,
        residual=residual,
        moving=np.ones(design.shape[1]),
        decided=np.ones(design.shape[1], dtype=bool),
        unit=1.0,
    )


@pytest.mark.parametrize("n_columns", [1, 24])
def test_p_of_white_residuals_is_uniform(n_columns: int) -> None:
    """Smooth columns, such as a spectrum has: they take early energy out of the residual, and the probabilities know it."""
    rng = np.random.default_rng(5)
    n = 80
    waves = np.cos(np.outer(np.arange(n), np.arange(n_columns)) * np.pi / n)
    design = np.concatenate([waves, rng.standard_normal((n, n_columns))])
    found = []
    for _ in range(1500):
        noise = rng.standard_normal(2 * n)
        residual = noise - design @ np.linalg.lstsq(design, noise, rcond=None)[0]
        found.append(whiteness(linear_model(design, residual), n_samples=256, n_early=64)[1])
    assert kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) < 0.005) == pytest.approx(0.005, abs=0.005)


def test_early_energy_by_hand() -> None:
    """A whole spectrum of 64 points and no unknowns: the samples before a quarter of the time, and a quarter of the energy if white."""
    rng = np.random.default_rng(6)
    fid = rng.standard_normal(64) + 1j * rng.standard_normal(64)
    spectrum = np.fft.fftshift(np.fft.fft(fid))
    model = linear_model(np.zeros((128, 1)), np.concatenate([spectrum.real, spectrum.imag]))
    structure, _ = whiteness(model, n_samples=64, n_early=16)
    assert structure == pytest.approx(np.sum(np.abs(fid[:16]) ** 2) / np.sum(np.abs(fid) ** 2) / 0.25)


def test_right_models_are_hardly_ever_called_wrong(checks) -> None:
    p = np.array([check.numbers["whiteness_p"] for check in checks])
    # the truth lies at the centres of the priors, so that the fit takes a little less noise than they allow for
    assert kstest(p, "uniform").pvalue > 1e-3
    assert not any(check.warnings for check in checks)


def test_score_of_a_missing_line_is_standard_normal_in_noise(checks) -> None:
    largest = np.array([abs(check.numbers["missing_line_z"]) for check in checks])
    # the largest of some hundred independent standard normals of either sign, and of all but none beyond 5
    assert 2.4 < np.median(largest) < 3.1
    assert largest.max() < 5.0


def with_line(make_fid, *, amplitude: float, seed: int) -> np.ndarray:
    envelope = np.exp(-np.pi * 3.0 * TIME_S - (np.pi * 4.0 * TIME_S) ** 2 / (4 * np.log(2)))
    return make_fid(snr=60.0, seed=seed) + amplitude * line_fid(LACTATE_PPM, TIME_S) * envelope


def test_a_line_that_is_missing_is_found_and_named(fitter, make_fid) -> None:
    # a fifth of the height of NAA: 12 times the noise, 20 standard errors of its amplitude
    fits = [fit_spectrum(with_line(make_fid, amplitude=6.0, seed=seed), fitter=fitter) for seed in range(10)]
    checks = [check_adequacy(fit, fitter=fitter) for fit in fits]
    step_ppm = 2000.0 / 1024 / 127.7
    for check in checks:
        assert check.numbers["missing_line_ppm"] == pytest.approx(LACTATE_PPM, abs=1.5 * step_ppm)
        assert check.numbers["missing_line_z"] > 10.0
        assert NOT_NOISE in check.warnings
        assert any(text.startswith("a line near 1.3") and text.endswith("is not in the basis") for text in check.warnings)


def test_score_of_a_line_is_its_amplitude_over_its_standard_error(basis, make_fid) -> None:
    """The same line as a component of the basis, of the common width and in its place."""
    rigid = FitOptions(priors=False, baseline_stiffness="fixed", baseline_ed_per_ppm=1.5)
    fitter = prepare_fitter(basis, options=rigid)
    extra = BasisSet(
        metabolites=(*basis.metabolites, "Lac"),
        fids=np.concatenate([basis.fids, line_fid(LACTATE_PPM, TIME_S)[None]]),
        acquisition=basis.acquisition,
        sequence=basis.sequence,
    )
    fid = with_line(make_fid, amplitude=3.0, seed=1)
    check = check_adequacy(fit_spectrum(fid, fitter=fitter), fitter=fitter)
    whole = fit_spectrum(fid, fitter=prepare_fitter(extra, options=rigid))
    # 12 %: the grid of the score, and the width that the fit without the line has found
    assert check.numbers["missing_line_z"] == pytest.approx(whole.amplitudes[-1] / whole.sd[-1], rel=0.12)


def test_signals_outside_the_fitted_range_that_pass_for_noise_are_said(fitter, make_fid) -> None:
    """Noise twice as large beyond 8.6 and below -0.5 ppm, where it is measured."""
    rng = np.random.default_rng(12)
    fid = make_fid(snr=60.0, seed=12)
    spectrum, ppm = np.fft.fftshift(np.fft.fft(fid)), fitter.basis.acquisition.ppm
    outside = (ppm < -0.4) | (ppm > 8.5)
    spread = fit_spectrum(fid, fitter=fitter).quality["noise_sd"]
    spectrum[outside] += np.sqrt(3.0) * spread * (rng.standard_normal((2, outside.sum())) * [[1], [1j]]).sum(axis=0)
    check = check_adequacy(fit_spectrum(np.fft.ifft(np.fft.ifftshift(spectrum)), fitter=fitter), fitter=fitter)
    assert check.warnings == (TOO_NOISY,)


def test_failed_fits_have_no_numbers_and_no_warnings(fitter) -> None:
    check = check_adequacy(fit_spectrum(np.zeros(1024, dtype=complex), fitter=fitter), fitter=fitter)
    assert all(np.isnan(value) for value in check.numbers.values())
    assert check.warnings == ()


def test_inflation_by_a_constant_baseline_by_hand() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal(40) + 0.7
    rows = np.full((1, 40), 1 / np.sqrt(40.0))
    model = linear_model(x[:, None], np.zeros(40), rows)
    check = replace(UNKNOWN, covariance_known_baseline=model.amplitude_covariance(with_baseline=False))
    found = baseline_inflation(np.ones(1), covariance=model.amplitude_covariance(), check=check)
    assert found == pytest.approx(np.sum(x**2) / np.sum((x - x.mean()) ** 2))


def test_inflation_grows_with_the_freedom_of_the_baseline(basis, make_fid) -> None:
    inflations = []
    splines = [FitOptions(baseline_stiffness="fixed", baseline_ed_per_ppm=ed) for ed in (1.2, 5.0)]
    for options in (FitOptions(baseline="none"), *splines):
        fitter = prepare_fitter(basis, options=options)
        fit = fit_spectrum(make_fid(snr=60.0, seed=2), fitter=fitter)
        weights = np.array([float(name == "Glu") for name in fit.metabolites])
        inflations.append(baseline_inflation(weights, covariance=fit.covariance, check=check_adequacy(fit, fitter=fitter)))
    assert inflations[0] == pytest.approx(1.0, rel=1e-6)
    assert inflations[0] < inflations[1] < inflations[2]


def test_criteria_by_hand() -> None:
    rng = np.random.default_rng(3)
    design, residual = rng.standard_normal((50, 4)), rng.standard_normal(50)
    aicc, bic = criteria(linear_model(design, residual))
    misfit = 50 * np.log(np.sum(residual**2) / 50)
    assert aicc == pytest.approx(misfit + 50 * (50 + 4) / (50 - 4 - 2))
    assert bic == pytest.approx(misfit + 4 * np.log(50))


def test_criteria_prefer_the_model_that_made_the_data(basis, make_fid) -> None:
    splines = [FitOptions(baseline_stiffness="fixed", baseline_ed_per_ppm=ed) for ed in (1.2, 5.0)]
    stiff, free = (prepare_fitter(basis, options=options) for options in splines)
    for hump, better in ((0.0, stiff), (60.0, free)):
        fid = make_fid(snr=100.0, seed=4, hump=hump)
        first, second = (fit_spectrum(fid, fitter=fitter) for fitter in (stiff, free))
        found = compare_fits(first, second, first_fitter=stiff, second_fitter=free)
        assert (found.aicc_difference < 0) == (better is free)
        assert (found.bic_difference < 0) == (better is free)
        assert found.dimension_difference > 5.0


def test_fits_of_other_data_are_not_compared(fitter, make_fid) -> None:
    first, second = (fit_spectrum(make_fid(snr=100.0, scale=scale), fitter=fitter) for scale in (1.0, 2.0))
    with pytest.raises(DataError, match="same data"):
        compare_fits(first, second, first_fitter=fitter, second_fitter=fitter)


def test_a_baseline_at_its_limit_is_a_warning(basis, make_fid) -> None:
    for limit, warned in ((1.0, True), (10.0, False)):
        fitter = prepare_fitter(basis, options=FitOptions(max_ed_per_ppm=limit))
        check = check_adequacy(fit_spectrum(make_fid(snr=100.0, hump=40.0), fitter=fitter), fitter=fitter)
        assert (MOST_FLEXIBLE in check.warnings) == warned
    fixed = prepare_fitter(basis, options=FitOptions(max_ed_per_ppm=1.0, baseline_stiffness="fixed", baseline_ed_per_ppm=1.0))
    check = check_adequacy(fit_spectrum(make_fid(snr=100.0), fitter=fixed), fitter=fixed)
    assert MOST_FLEXIBLE not in check.warnings


def test_a_spectrum_without_naa_is_a_warning(basis, fitter, make_fid) -> None:
    """Its other lines are there, as macromolecules are when metabolites are nulled."""
    little = make_fid(snr=60.0, truth={**TRUTH, "NAA": 0.15, "NAAG": 0.0})
    rng = np.random.default_rng(3)
    little = little + 3.0 * (rng.standard_normal(1024) + 1j * rng.standard_normal(1024))
    assert NO_NAA in check_adequacy(fit_spectrum(little, fitter=fitter), fitter=fitter).warnings
    assert NO_NAA not in check_adequacy(fit_spectrum(make_fid(snr=60.0), fitter=fitter), fitter=fitter).warnings
    outside = prepare_fitter(basis, options=FitOptions(ppm_range=(2.2, 4.0)))
    assert NO_NAA not in check_adequacy(fit_spectrum(little, fitter=outside), fitter=outside).warnings

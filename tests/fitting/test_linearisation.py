"""The linear model of a fit against inverses, traces and residuals computed by hand from closed-form lines."""

import numpy as np
import pytest

from mrs_pipeline.fitting.baseline import p_spline
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.linearisation import linearised
from mrs_pipeline.fitting.options import FitOptions

from .conftest import FREQUENCY_MHZ, LINES, line_fid

SW_HZ, N = 2000.0, 1024


def stacked(spectrum: np.ndarray) -> np.ndarray:
    return np.concatenate([spectrum.real, spectrum.imag])


def model_spectrum(fit, values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Components with the parameters `values` (phase, delay, shift, Gaussian square, Lorentzian, shifts, widths), turned like the data."""
    time_s = np.arange(N) / SW_HZ
    m = len(LINES)
    phase, delay, shift, square, lorentzian = values[:5]
    fid = np.zeros(N, dtype=complex)
    for amplitude, lines, own_shift, width in zip(fit.amplitudes, LINES.values(), values[5 : 5 + m], values[5 + m :], strict=True):
        decay = np.exp(2j * np.pi * (shift + own_shift) * time_s - np.pi * (lorentzian + width) * time_s)
        fid += amplitude * sum(protons * line_fid(ppm, time_s) for ppm, protons in lines) * decay
    fid *= np.exp(-(np.pi**2) / (4 * np.log(2)) * square * time_s**2)
    frequency_hz = np.fft.fftshift(np.fft.fftfreq(N, 1 / SW_HZ))
    turn = np.exp(1j * (phase + 2 * np.pi * (frequency_hz - frequency_hz[keep].mean()) * delay))
    return (np.fft.fftshift(np.fft.fft(fid)) * turn)[keep]


def numbers_by_hand(fit, options: FitOptions, noise: float) -> np.ndarray:
    """Inverse of the information of amplitudes, parameters (differences of the model) and baseline coefficients, all kept."""
    frequency_hz = np.fft.fftshift(np.fft.fftfreq(N, 1 / SW_HZ))
    ppm = 4.65 - frequency_hz / FREQUENCY_MHZ
    keep = (ppm >= options.ppm_range[0]) & (ppm <= options.ppm_range[1])
    theta = np.array(list(fit.parameters.values()))
    unturned = theta.copy()
    unturned[:2] = 0.0
    columns = []
    for index in range(len(LINES)):
        only = np.zeros(len(LINES))
        only[index] = 1.0
        columns.append(stacked(model_spectrum(type("One", (), {"amplitudes": only})(), unturned, keep)))
    baseline = fit.curves.baseline
    for index in range(theta.size):
        step = 1e-4 * max(abs(theta[index]), 1e-2) if index != 1 else 1e-8
        up, down = unturned.copy(), unturned.copy()
        up[index], down[index] = up[index] + step, down[index] - step
        change = (model_spectrum(fit, up, keep) - model_spectrum(fit, down, keep)) / (2 * step)
        if index == 0:
            change = change + 1j * baseline
        if index == 1:
            change = change + 2j * np.pi * (frequency_hz[keep] - frequency_hz[keep].mean()) * baseline
        columns.append(stacked(change))
    spline = p_spline(ppm, mask=keep)
    columns += [stacked(column) for column in spline.design.T]
    design = np.array(columns).T / noise
    sd = np.full(theta.size, np.inf)
    sd[1], sd[4] = options.phase1_sd_s, 10.0
    own = [options.shift_sd_ppm_by_metabolite.get(name, options.shift_sd_ppm) * FREQUENCY_MHZ for name in LINES]
    widths = [options.broadening_sd_hz_by_metabolite.get(name, options.broadening_sd_hz) for name in LINES]
    sd[5:] = [*own, *widths]
    penalty = np.zeros((design.shape[1],) * 2)
    m = len(LINES)
    penalty[m : m + theta.size, m : m + theta.size] = np.diag(1 / sd**2)
    penalty[m + theta.size :, m + theta.size :] = fit.smoothing * spline.penalty / noise**2
    information = design.T @ design + penalty
    scale = 1 / np.sqrt(np.diag(information))
    return np.linalg.pinv(information * np.outer(scale, scale), rcond=1e-13, hermitian=True) * np.outer(scale, scale)


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


def test_standard_errors_are_those_of_an_inverse_by_hand(fitter, make_fid) -> None:
    fit = fit_spectrum(make_fid(snr=60.0, seed=3, hump=10.0), fitter=fitter)
    model = linearised(fit, fitter=fitter)
    by_hand = numbers_by_hand(fit, fitter.options, model.unit)[: len(LINES), : len(LINES)]
    # 3 %: splines of next to no weight are left out of the fit
    np.testing.assert_allclose(fit.sd, np.sqrt(np.diag(by_hand)), rtol=0.03)
    correlation, expected = (matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix))) for matrix in (fit.covariance, by_hand))
    np.testing.assert_allclose(correlation, expected, atol=0.03)


@pytest.mark.parametrize(
    "options", [FitOptions(), FitOptions(baseline="polynomial"), FitOptions(baseline="none"), FitOptions(priors=False)]
)
def test_the_linear_model_has_the_covariance_of_the_fit(basis, make_fid, options: FitOptions) -> None:
    fitter = prepare_fitter(basis, options=options)
    fit = fit_spectrum(make_fid(snr=60.0, seed=3, shift_hz=7.3, phase_rad=0.4), fitter=fitter)
    covariance = linearised(fit, fitter=fitter).amplitude_covariance()
    np.testing.assert_allclose(covariance, fit.covariance, rtol=2e-3, atol=2e-3 * fit.sd.min() ** 2)


def test_without_penalties_the_effective_dimension_counts_the_unknowns(basis, make_fid) -> None:
    fitter = prepare_fitter(basis, options=FitOptions(priors=False, baseline="polynomial"))
    fit = fit_spectrum(make_fid(snr=200.0, seed=1), fitter=fitter)
    assert np.all(fit.amplitudes > 0)
    # 5 common parameters, 8 real coefficients of a complex polynomial of degree 3
    assert linearised(fit, fitter=fitter).effective_dimension == pytest.approx(len(LINES) + 5 + 8, abs=1e-3)


def test_the_residual_of_more_noise_is_what_the_linear_model_leaves_of_it(basis, make_fid) -> None:
    fitter = prepare_fitter(basis, options=FitOptions(priors=False, baseline="polynomial"))
    first = fit_spectrum(make_fid(snr=300.0, seed=1), fitter=fitter)
    rng = np.random.default_rng(8)
    little = 0.3 * (rng.standard_normal(N) + 1j * rng.standard_normal(N))
    second = fit_spectrum(make_fid(snr=300.0, seed=1) + little, fitter=fitter)
    model = linearised(first, fitter=fitter)
    turn = np.exp(-1j * first.parameters["phase0_rad"])
    added = stacked((np.fft.fftshift(np.fft.fft(little)) * turn)[fitter.model.mask])
    expected = added - model.taken @ (model.taken.T @ added)
    difference = stacked(second.curves.residual - first.curves.residual)
    assert np.linalg.norm(difference - expected) < 0.05 * np.linalg.norm(added)


def test_a_failed_fit_has_no_linear_model(fitter) -> None:
    assert linearised(fit_spectrum(np.zeros(N, dtype=complex), fitter=fitter), fitter=fitter) is None

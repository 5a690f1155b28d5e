"""What missing signals add to the covariance, against the scatter of least squares under errors that are drawn."""

import numpy as np
import pytest

from mrs_pipeline.fitting.early_energy import early_energy
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.linearisation import linearised
from mrs_pipeline.fitting.misfit import misfit_covariance
from mrs_pipeline.fitting.options import FitOptions

from .conftest import line_fid

N_SAMPLES, N_EARLY, N_POINTS, N_DRAWS = 256, 64, 90, 1500


def stacked(spectra: np.ndarray) -> np.ndarray:
    return np.concatenate([spectra.real, spectra.imag], axis=-1)


def design() -> np.ndarray:
    """Four decaying lines and the first of them in quadrature, shape (2 n_points, 5)."""
    time = np.arange(N_SAMPLES)
    fids = np.exp(2j * np.pi * np.array([[0.05], [0.1], [0.108], [0.2]]) * time - time / 25.0)
    columns = np.fft.fft(fids)[:, :N_POINTS]
    return stacked(np.vstack([columns, 1j * columns[:1]])).T


def errors(rng: np.random.Generator, *, missing: float) -> np.ndarray:
    """White noise of SD 1 and noise of the variance `missing` in the early samples alone, shape (n_draws, 2 n_points)."""
    sd = np.sqrt(1.0 + missing * (np.arange(N_SAMPLES) < N_EARLY)) / np.sqrt(N_SAMPLES)
    fids = rng.standard_normal((N_DRAWS, N_SAMPLES, 2)).view(complex)[..., 0] * sd
    return stacked(np.fft.fft(fids)[:, :N_POINTS])


def printed_and_scatter(missing: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean covariance by the formula, and that of the estimates, of the four amplitudes."""
    columns, rng = design(), np.random.default_rng(4)
    information = columns.T @ columns
    solution = np.linalg.solve(information, columns.T)
    early, rows = early_energy(N_POINTS, n_samples=N_SAMPLES, n_early=N_EARLY), np.zeros((0, len(columns)))
    known = {"smooth": rows @ columns, "smooth_rows": rows, "information": information, "early": early, "n_amplitudes": 4}
    data = errors(rng, missing=missing)
    estimates = data @ solution.T
    residuals = data - estimates @ columns.T
    added = np.mean([misfit_covariance(columns, residual=residual, **known) for residual in residuals], axis=0)
    return np.linalg.inv(information)[:4, :4] + added, np.cov(estimates[:, :4].T)


@pytest.mark.parametrize("missing", [1.0, 4.0])
def test_standard_errors_hold_what_is_missing(missing: float) -> None:
    printed, scatter = printed_and_scatter(missing)
    np.testing.assert_allclose(np.diag(printed), np.diag(scatter), rtol=0.15)
    correlation, expected = (matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix))) for matrix in (printed, scatter))
    np.testing.assert_allclose(correlation, expected, atol=0.08)


def test_noise_alone_adds_next_to_nothing() -> None:
    printed, scatter = printed_and_scatter(0.0)
    np.testing.assert_allclose(np.diag(printed), np.diag(scatter), rtol=0.12)
    assert np.all(np.diag(printed) < 1.06 * np.diag(np.linalg.inv(design().T @ design()))[:4])


def test_a_smoother_is_an_unknown_with_a_prior() -> None:
    """A column with a Gaussian prior, as part of the design or taken out beforehand as a smoother: the same covariance."""
    columns, data = design(), errors(np.random.default_rng(2), missing=6.0)[0]
    column, precision = columns[:, -1], 0.3 * columns[:, -1] @ columns[:, -1]
    early = early_energy(N_POINTS, n_samples=N_SAMPLES, n_early=N_EARLY)
    penalty = np.diag([0.0, 0.0, 0.0, 0.0, precision])
    information = columns.T @ columns + penalty
    residual, none = data - columns @ np.linalg.solve(information, columns.T @ data), np.zeros((0, len(data)))
    whole = misfit_covariance(
        columns, smooth=none @ columns, smooth_rows=none, information=information, residual=residual, early=early, n_amplitudes=4
    )
    rows = column[None] / np.sqrt(column @ column + precision)
    smooth = rows @ columns[:, :4]
    left = columns[:, :4].T @ columns[:, :4] - smooth.T @ smooth
    apart = misfit_covariance(
        columns[:, :4], smooth=smooth, smooth_rows=rows, information=left, residual=residual, early=early, n_amplitudes=4
    )
    assert whole[0, 0] > 0
    np.testing.assert_allclose(apart, whole, rtol=1e-6)


def test_a_line_that_the_basis_lacks_widens_the_errors(basis, make_fid) -> None:
    """Standard errors beyond those of the linear model, in which the residual is white noise of the size it has."""
    fitter, time_s = prepare_fitter(basis, options=FitOptions(baseline_stiffness="fixed")), np.arange(1024) / 2000.0
    fid, line = make_fid(snr=100.0, seed=3), line_fid(2.3, time_s) * np.exp(-np.pi * 10.0 * time_s)
    factors = []
    for each in (fid, fid + 8.0 * line):
        fit = fit_spectrum(each, fitter=fitter)
        factors.append(fit.sd / np.sqrt(np.diag(linearised(fit, fitter=fitter).amplitude_covariance())))
    np.testing.assert_allclose(factors[0], 1.0, atol=0.05)
    assert np.all(factors[1] > 1.15)

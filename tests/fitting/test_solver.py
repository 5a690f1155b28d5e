"""Solver: derivatives against finite differences, the constrained solution against another solver."""

import numpy as np
import pytest
import scipy.optimize

from mrs_pipeline.acquisition import spectrum_from_fid
from mrs_pipeline.fitting import fit as fit_module
from mrs_pipeline.fitting.fit import prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.solver import evaluate, levenberg_marquardt, non_negative, projected_gradient


@pytest.fixture
def problem(basis, make_fid):
    fitter = prepare_fitter(basis, options=FitOptions())
    data = spectrum_from_fid(make_fid(snr=60.0, shift_hz=1.5, phase_rad=0.3, hump=20.0))[fitter.model.mask]
    start = fit_module._problem(data / np.abs(data).max() * 60.0, fitter)
    return fit_module.replace(start, free=np.ones(fitter.model.n_parameters))


def random_theta(problem, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    theta = problem.priors.centre + 0.2 * rng.standard_normal(problem.model.n_parameters)
    theta[:5] = [0.25, 5e-5, 1.2, 25.0, 2.5]
    return theta


def test_model_derivatives_agree_with_finite_differences(problem) -> None:
    theta = random_theta(problem, 1)
    state = evaluate(problem, theta)
    model = problem.model
    analytic = model.derivatives(state.fids, amplitudes=state.amplitudes, explained=state.explained)

    def misfit(values):
        explained = model.columns(values) @ state.amplitudes + state.baseline
        return explained - model.rotated(problem.data, values)

    for index in range(model.n_parameters):
        step = np.zeros_like(theta)
        step[index] = 1e-9 if index == 1 else 1e-5
        numeric = (misfit(theta + step) - misfit(theta - step)) / (2 * step[index])
        expected = analytic[:, index]
        if index < 2:  # phases turn the data, noise included; the analytic form turns what explains them
            noise_part = (1j if index == 0 else 2j * np.pi * (model.frequency_hz - model.pivot_hz)) * state.residual
            expected = expected + noise_part
        assert np.abs(numeric - expected).max() < 1e-5 * np.abs(expected).max()


def test_slope_by_the_adjoint_is_that_of_the_derivatives(problem) -> None:
    state, model = evaluate(problem, random_theta(problem, 6)), problem.model
    columns = model.derivatives(state.fids, amplitudes=state.amplitudes, explained=state.explained)
    expected = (columns.conj().T @ state.residual).real
    found = model.slope(state.fids, amplitudes=state.amplitudes, explained=state.explained, residual=state.residual)
    assert model.fids.n_folded < model.basis.acquisition.n_points
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max(), rtol=1e-8)


@pytest.mark.parametrize("guess", ["right", "none", "all", "random"])
def test_non_negative_solution_does_not_depend_on_the_guess(guess: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        matrix, target = rng.standard_normal((60, 20)), rng.standard_normal(60)
        gram, right = matrix.T @ matrix, matrix.T @ target
        expected = non_negative(gram, right)
        start = {"right": expected > 0, "none": expected < -1, "all": expected > -1, "random": rng.random(20) < 0.5}[guess]
        np.testing.assert_allclose(non_negative(gram, right, guess=start), expected, atol=1e-8)


def test_projected_gradient_is_the_slope_of_the_cost(problem) -> None:
    theta = random_theta(problem, 2)
    gradient = projected_gradient(problem, evaluate(problem, theta))
    for index in (0, 2, 3, 4, 7, 16):
        step = np.zeros_like(theta)
        step[index] = 1e-5
        slope = (evaluate(problem, theta + step).cost - evaluate(problem, theta - step).cost) / 2e-5
        assert -2.0 * gradient[index] == pytest.approx(slope, rel=2e-3, abs=1e-2 * np.abs(gradient).max() * 1e-2)


def test_non_negative_solution_agrees_with_bounded_least_squares() -> None:
    rng = np.random.default_rng(3)
    matrix, target = rng.standard_normal((40, 9)), rng.standard_normal(40)
    reference = scipy.optimize.lsq_linear(matrix, target, bounds=(0, np.inf), tol=1e-14).x
    assert np.count_nonzero(reference < 1e-9) > 0
    assert np.allclose(non_negative(matrix.T @ matrix, matrix.T @ target), reference, atol=1e-6)


def test_search_reaches_the_same_minimum_from_two_starts(problem) -> None:
    first, _ = levenberg_marquardt(problem, random_theta(problem, 4), max_iterations=60)
    second, _ = levenberg_marquardt(problem, random_theta(problem, 5), max_iterations=60)
    assert first.cost == pytest.approx(second.cost, rel=1e-4)

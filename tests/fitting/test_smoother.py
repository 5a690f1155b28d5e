"""The baseline as a smoother against penalised least squares written out."""

import numpy as np
import pytest

from mrs_pipeline.fitting.baseline import BASELINES, baseline_model
from mrs_pipeline.fitting.model import as_real
from mrs_pipeline.fitting.smoother import NEGLIGIBLE_WEIGHT, Smoother, smoother

PPM = 4.65 - np.fft.fftshift(np.fft.fftfreq(512, 1 / 2000.0)) / 127.7
MASK = (PPM >= 0.2) & (PPM <= 4.0)
SMOOTHING = 1e3


def made(model: str) -> tuple[np.ndarray, np.ndarray, Smoother]:
    baseline = baseline_model(PPM, mask=MASK, model=model)
    design = as_real(baseline.design)
    return design, baseline.penalty, smoother(design, baseline.penalty)


@pytest.mark.parametrize("model", ["p_spline", "polynomial"])
def test_what_is_taken_out_is_the_penalised_least_squares_solution(model: str) -> None:
    design, penalty, found = made(model)
    data = np.random.default_rng(1).standard_normal((design.shape[0], 3))
    # as one long least-squares problem, which squares no condition numbers
    values, vectors = np.linalg.eigh(penalty)
    root = np.sqrt(SMOOTHING * np.clip(values, 0, None))[:, None] * vectors.T
    padded = np.vstack([data, np.zeros((root.shape[0], 3))])
    expected = design @ np.linalg.lstsq(np.vstack([design, root]), padded, rcond=1e-12)[0]
    taken = found.columns @ (found.weights(SMOOTHING)[:, None] * (found.columns.T @ data))
    np.testing.assert_allclose(taken, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("model", BASELINES)
def test_columns_are_orthonormal_and_ordered_by_roughness(model: str) -> None:
    _, _, found = made(model)
    np.testing.assert_allclose(found.columns.T @ found.columns, np.eye(found.columns.shape[1]), atol=1e-6)
    assert np.all(np.diff(found.roughness) >= 0)


def test_straight_lines_and_tails_of_water_are_not_penalised() -> None:
    _, _, found = made("p_spline")
    # a constant, a slope, four columns for the far lines of water and two for the first sample
    assert np.count_nonzero(found.weights(1e12) > 0.999) == 8


def test_rows_leave_out_only_what_hardly_follows_the_data() -> None:
    _, _, found = made("p_spline")
    rows = found.rows(SMOOTHING)
    whole = (found.columns * found.weights(SMOOTHING)) @ found.columns.T
    difference = np.linalg.eigvalsh(whole - rows.T @ rows)
    assert rows.shape[0] < found.columns.shape[1]
    assert np.abs(difference).max() <= NEGLIGIBLE_WEIGHT

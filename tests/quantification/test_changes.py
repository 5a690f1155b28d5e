"""Changes within a session against values worked out by hand and against simulated draws."""

import numpy as np
import pytest

from mrs_pipeline.quantification.changes import TwoLevels, change_along, change_of, changing_definitions
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition

NAMES = ("Glu", "Gln", "NAA", "NAAG")
RATIO = MeasureDefinition(name="Glx/tNAA", numerator=("Glu", "Gln"), denominator=("NAA", "NAAG"))


def levels(covariance: np.ndarray) -> TwoLevels:
    return TwoLevels(metabolites=NAMES, amplitudes=np.array([[8.0, 2.0, 9.0, 1.0], [8.5, 2.0, 9.0, 1.0]]), covariance=covariance)


def test_change_and_error_by_hand() -> None:
    covariance = np.zeros((2, 4, 2, 4))
    covariance[0, 0, 0, 0], covariance[1, 0, 1, 0] = 0.04, 0.09
    found = change_of(levels(covariance), definition=RATIO)
    assert found.log_percent == pytest.approx(100.0 * np.log(1.05))
    assert found.sd == pytest.approx(100.0 * np.sqrt(0.04 / 10.0**2 + 0.09 / 10.5**2))


def test_an_error_that_both_levels_share_cancels() -> None:
    """Both denominators too high by the same share: a scale, which a change does not see."""
    covariance = np.zeros((2, 4, 2, 4))
    covariance[:, 2:, :, 2:] = np.outer([9.0, 1.0], [9.0, 1.0])[:, None, :] * 0.01
    assert change_of(levels(covariance), definition=RATIO).sd == pytest.approx(0.0, abs=1e-6)


def test_error_is_the_scatter_of_draws() -> None:
    rng = np.random.default_rng(1)
    half = 0.05 * rng.standard_normal((8, 8))
    flat = half @ half.T
    given = levels(flat.reshape(2, 4, 2, 4))
    draws = rng.multivariate_normal(given.amplitudes.ravel(), flat, size=4000).reshape(-1, 2, 4)
    ratios = draws[:, :, :2].sum(axis=2) / draws[:, :, 2:].sum(axis=2)
    assert change_of(given, definition=RATIO).sd == pytest.approx(np.std(100.0 * np.log(ratios[:, 1] / ratios[:, 0])), rel=0.05)


def test_no_change_of_what_is_not_there() -> None:
    given = TwoLevels(
        metabolites=NAMES, amplitudes=np.array([[-0.1, 0.0, 9.0, 1.0], [0.1, 0.0, 9.0, 1.0]]), covariance=np.zeros((2, 4, 2, 4))
    )
    found = change_of(given, definition=RATIO)
    assert np.isnan(found.log_percent)
    assert np.isnan(found.sd)


def test_single_metabolites_are_added_once() -> None:
    names = [item.name for item in changing_definitions([RATIO, MeasureDefinition(name="Glu", numerator=("Glu",))])]
    assert names == ["Glx/tNAA", "Glu", "Gln", "NAA", "NAAG"]


def test_change_along_a_design_is_that_of_weighted_least_squares() -> None:
    """Windows without a value do not count; with two levels the slope is the difference of weighted means of logarithms."""
    after = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    values, errors = np.array([1.00, 1.02, 1.05, np.nan, 1.08]), np.array([0.01, 0.02, 0.01, np.nan, 0.03])
    measures = [Measure(name="r", value=v, sd=9.0, sd_within=e, terms="") for v, e in zip(values, errors, strict=True)]
    found = change_along(measures, design=np.stack([np.ones(5), after], axis=1), response=1)
    weights = (values / errors) ** 2
    means = [np.average(np.log(values[rows]), weights=weights[rows]) for rows in ([0, 1], [2, 4])]
    assert found.log_percent == pytest.approx(100.0 * (means[1] - means[0]))
    assert found.sd == pytest.approx(100.0 * np.sqrt(1.0 / weights[[0, 1]].sum() + 1.0 / weights[[2, 4]].sum()))
    assert np.isnan(change_along(measures[:2], design=np.ones((2, 2)), response=1).sd)

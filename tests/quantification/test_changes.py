"""Changes within a session against values worked out by hand and against simulated draws."""

import numpy as np
import pytest

from mrs_pipeline.quantification.changes import TwoLevels, change_of, changing_definitions
from mrs_pipeline.quantification.measures import MeasureDefinition

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

"""Adjusted p values against the worked numbers of R's p.adjust."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.statistics.multiplicity import adjusted

P = np.array([0.01, 0.04, 0.03, 0.005, 0.5])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("holm", [0.04, 0.09, 0.09, 0.025, 0.5]),  # p.adjust(p, "holm")
        ("benjamini_hochberg", [0.025, 0.05, 0.05, 0.025, 0.5]),  # p.adjust(p, "BH")
        ("none", P),
    ],
)
def test_numbers_of_r(method: str, expected: list[float]) -> None:
    np.testing.assert_allclose(adjusted(P, method=method), expected)


def test_missing_values_do_not_count() -> None:
    np.testing.assert_allclose(adjusted(np.array([0.01, np.nan, 0.04]), method="holm"), [0.02, np.nan, 0.04])


def test_a_family_without_values_stays_missing() -> None:
    assert np.all(np.isnan(adjusted(np.array([np.nan, np.nan]), method="benjamini_hochberg")))


def test_adjusted_values_stay_below_one() -> None:
    assert np.max(adjusted(np.array([0.9, 0.8, 0.7]), method="holm")) == 1.0


def test_unknown_adjustment_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="benjamini_hochberg, holm, none"):
        adjusted(P, method="bonferoni")

"""Tissue fractions: what is accepted, and what is said of the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrs_pipeline.errors import DataError
from mrs_pipeline.quantification.tissue import tissue_fractions


def values(grey: object, white: object, csf: object) -> dict[str, object]:
    return {"grey_matter": grey, "white_matter": white, "csf": csf}


def test_rounded_fractions_are_divided_by_their_sum() -> None:
    found = tissue_fractions(values(0.61, 0.28, 0.12))  # 1.01
    assert found.volumes == pytest.approx([0.61 / 1.01, 0.28 / 1.01, 0.12 / 1.01])


def test_water_fractions_by_hand() -> None:
    """0.5 x 0.78 = 0.390, 0.3 x 0.65 = 0.195, 0.2 x 0.97 = 0.194; sum 0.779."""
    found = tissue_fractions(values(0.5, 0.3, 0.2)).water_fractions(np.array([0.78, 0.65, 0.97]))
    assert found == pytest.approx([0.390 / 0.779, 0.195 / 0.779, 0.194 / 0.779])


@given(st.floats(0.06, 1), st.floats(0, 1), st.floats(0, 1))
def test_any_split_gives_fractions_that_add_up(grey: float, white: float, csf: float) -> None:
    total = grey + white + csf
    if (grey + white) / total < 0.051:
        return
    found = tissue_fractions(values(grey / total, white / total, csf / total))
    water = found.water_fractions(np.array([0.78, 0.65, 0.97]))
    assert found.volumes.sum() == pytest.approx(1)
    assert water.sum() == pytest.approx(1)
    assert water[2] >= found.csf - 1e-12  # CSF holds more water than tissue


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (values(60, 28, 12), r"add up to 100: give fractions, not percent"),
        (values(0.6, 0.28, 0.02), r"\(grey matter 0.6, white matter 0.28, CSF 0.02\) add up to 0.9: they must add up to 1"),
        (values(0.7, 0.4, -0.1), "a tissue fraction is negative .*CSF -0.1"),
        (values(0.6, None, 0.12), "the fraction of white matter in the voxel is not known"),
        (values(0.6, 0.28, float("nan")), "the fraction of CSF in the voxel is not known"),
        (values("0.6", 0.28, 0.12), "the fraction of grey matter in the voxel is not known"),
        (values(0.01, 0.01, 0.98), "hardly any tissue"),
    ],
)
def test_impossible_fractions_are_named(given: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        tissue_fractions(given)

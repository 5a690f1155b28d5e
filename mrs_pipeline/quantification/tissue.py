"""Tissue of a voxel: volume fractions of grey matter, white matter and cerebrospinal fluid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.quantification.constants import TISSUES

#: Fractions may miss a sum of 1 by this much, which rounding and a little skull explain; they are divided by their sum.
SUM_TOLERANCE = 0.02
#: A voxel with less tissue than this says nothing of metabolites.
LEAST_TISSUE = 0.05
_WORDS = {"grey_matter": "grey matter", "white_matter": "white matter", "csf": "CSF"}


@dataclass(frozen=True, kw_only=True)
class TissueFractions:
    """Volume fractions of a voxel; they add up to 1."""

    grey_matter: float
    white_matter: float
    csf: float

    @property
    def volumes(self) -> FloatArray:
        """Grey matter, white matter, cerebrospinal fluid, shape (3,)."""
        return np.array([self.grey_matter, self.white_matter, self.csf], dtype=np.float64)

    def water_fractions(self, water_content_kg_per_l: FloatArray) -> FloatArray:
        """Fraction of the voxel's water in each compartment, shape (3,): ``f_k d_k / sum f d``.

        Mole fractions of Gasparovic et al. 2006, doi 10.1002/mrm.20901, eqs. 5-7 (Near et al. 2021, doi 10.1002/nbm.4257, eq. 5).
        """
        water = self.volumes * water_content_kg_per_l
        return np.asarray(water / water.sum())


def tissue_fractions(values: Mapping[str, object]) -> TissueFractions:
    """Fractions from a mapping with a number for each of `TISSUES`, divided by their sum.

    `DataError` for what is missing or no number, negative, does not add up to about 1, or holds hardly any tissue.
    """
    numbers = np.array([_number(values.get(name), name=name) for name in TISSUES])
    stated = ", ".join(f"{_WORDS[name]} {value:g}" for name, value in zip(TISSUES, numbers, strict=True))
    if np.any(numbers < 0):
        raise DataError(f"a tissue fraction is negative ({stated}): volume fractions of the voxel between 0 and 1 are expected")
    total = float(numbers.sum())
    if abs(total - 1.0) > SUM_TOLERANCE:
        hint = "give fractions, not percent" if 90 < total < 110 else "they must add up to 1; correct the table"
        raise DataError(f"the tissue fractions ({stated}) add up to {total:g}: {hint}")
    if numbers[:2].sum() < LEAST_TISSUE * total:
        raise DataError(f"the voxel holds hardly any tissue ({stated}): a concentration in tissue cannot be stated")
    grey, white, csf = numbers / total
    return TissueFractions(grey_matter=float(grey), white_matter=float(white), csf=float(csf))


def _number(value: object, *, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
        return float(value)
    raise DataError(f"the fraction of {_WORDS[name]} in the voxel is not known: state it in the sessions or participants table")

"""Adjustment of p values for the number of questions in a family."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import unknown_name


def holm(p: FloatArray) -> FloatArray:
    """Holm's step-down adjustment (Holm 1979, Scand J Stat 6:65) of p values (n,)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def benjamini_hochberg(p: FloatArray) -> FloatArray:
    """False-discovery-rate adjustment (Benjamini & Hochberg 1995, J R Stat Soc B 57:289) of p values (n,)."""
    return np.asarray(stats.false_discovery_control(p, method="bh"))


def unadjusted(p: FloatArray) -> FloatArray:
    """The p values themselves."""
    return p


#: Name in the configuration -> adjustment of one family.
ADJUSTMENTS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "holm": holm,
    "benjamini_hochberg": benjamini_hochberg,
    "none": unadjusted,
}


def adjusted(p: FloatArray, *, method: str) -> FloatArray:
    """Adjusted p values of one family (n,); missing ones stay missing and do not count. `ConfigError` for an unknown method."""
    if method not in ADJUSTMENTS:
        raise unknown_name("adjustment", method, ADJUSTMENTS)
    p = np.asarray(p, dtype=float)
    known = np.isfinite(p)
    result = np.full_like(p, np.nan)
    if np.any(known):
        result[known] = ADJUSTMENTS[method](p[known])
    return result

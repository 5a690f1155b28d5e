"""Changes of measures within a session, with standard errors from the joint covariance of the amplitudes before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change as 100 times the difference of natural logarithms, with its standard error; NaN where a part is not above zero."""

    name: str
    log_percent: float
    sd: float


@dataclass(frozen=True, kw_only=True)
class TwoLevels:
    """Amplitudes (2, n_metabolites) before and after, and their covariance, shape (2, n_metabolites, 2, n_metabolites)."""

    metabolites: tuple[str, ...]
    amplitudes: FloatArray
    covariance: FloatArray


def change_of(levels: TwoLevels, *, definition: MeasureDefinition) -> Change:
    """Change of a measure; its error by the delta method, ``d ln x = dx / x`` for numerator and denominator."""
    value, gradient = 0.0, np.zeros_like(levels.amplitudes)
    for sign, names in ((1.0, definition.numerator), (-1.0, definition.denominator)):
        if names:
            change, slope = _log_change(levels, names)
            value, gradient = value + sign * change, gradient + sign * slope
    variance = float(np.einsum("ai,aibj,bj->", gradient, levels.covariance, gradient))
    return Change(
        name=definition.name, log_percent=100.0 * value, sd=100.0 * float(np.sqrt(max(variance, 0.0))) if np.isfinite(value) else np.nan
    )


def _log_change(levels: TwoLevels, names: Sequence[str]) -> tuple[float, FloatArray]:
    """Difference of logarithms of a sum, and its derivatives by the amplitudes; NaN where the sum is not above zero."""
    chosen = np.isin(levels.metabolites, names).astype(float)
    sums = levels.amplitudes @ chosen
    if not np.all(sums > 0.0):
        return np.nan, np.full_like(levels.amplitudes, np.nan)
    return float(np.log(sums[1] / sums[0])), np.array([[-1.0], [1.0]]) / sums[:, None] * chosen


def change_along(measures: Sequence[Measure], *, design: FloatArray, response: int) -> Change:
    """Change of a measure with one column of a design (n_windows, n_columns), by least squares on its logarithm.

    Windows count by the inverse variance of their logarithms (`sd_within`); those without a value do not. NaN where too few are left.
    """
    values, errors = (np.array([getattr(item, name) for item in measures]) for name in ("value", "sd_within"))
    known = (values > 0.0) & (errors > 0.0)
    nothing = Change(name=measures[0].name, log_percent=np.nan, sd=np.nan)
    if np.linalg.matrix_rank(design[known]) < design.shape[1]:
        return nothing
    weights = (values[known] / errors[known]) ** 2
    normal = design[known].T @ (weights[:, None] * design[known])
    covariance = np.linalg.inv(normal)
    found = covariance @ design[known].T @ (weights * np.log(values[known]))
    return replace(nothing, log_percent=100.0 * float(found[response]), sd=100.0 * float(np.sqrt(covariance[response, response])))


def changing_definitions(definitions: Sequence[MeasureDefinition]) -> tuple[MeasureDefinition, ...]:
    """The definitions, and each metabolite in them by itself: which part of a ratio moves."""
    single = dict.fromkeys(name for item in definitions for name in (*item.numerator, *item.denominator))
    known = {item.name for item in definitions}
    return (*definitions, *(MeasureDefinition(name=name, numerator=(name,)) for name in single if name not in known))

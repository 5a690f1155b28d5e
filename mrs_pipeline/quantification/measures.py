"""Measures: sums of amplitudes and their ratios, with standard errors from the full covariance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.basis_set import standard_name
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.intervals import DEFAULT_INTERVALS, NO_INTERVAL, Interval, IntervalOptions, RatioMoments

#: The measures every table holds, in the form of the `measures` section of a study.
DEFAULT_MEASURES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "Glx": {"sum": ["Glu", "Gln"]},
    "tNAA": {"sum": ["NAA", "NAAG"]},
    "tCr": {"sum": ["Cr", "PCr"]},
    "tCho": {"sum": ["GPC", "PCh"]},
    "Glx/tNAA": {"ratio": ["Glx", "tNAA"]},
    "Glx/tCr": {"ratio": ["Glx", "tCr"]},
    "Glu/tNAA": {"ratio": ["Glu", "tNAA"]},
    "tNAA/tCr": {"ratio": ["tNAA", "tCr"]},
}


@dataclass(frozen=True, kw_only=True)
class MeasureDefinition:
    """A measure by name: metabolites summed, over metabolites summed when `denominator` is not empty."""

    name: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A value with its standard error and interval; `terms` says which amplitudes went in.

    `sd_within` is the error of differences to other spectra of the session: without what their fits share.
    """

    name: str
    value: float
    sd: float
    terms: str
    sd_within: float = np.nan
    interval: Interval = NO_INTERVAL


def measure_definitions(section: Mapping[str, Any]) -> tuple[MeasureDefinition, ...]:
    """Definitions of a `measures` section: {name: {sum: [metabolites]}} or {name: {ratio: [measure or metabolite, ...]}}.

    `ConfigError` names an entry that is neither.
    """
    return tuple(_definition(name, entry, section) for name, entry in section.items())


def _definition(name: str, entry: Mapping[str, Any], section: Mapping[str, Any]) -> MeasureDefinition:
    if set(entry) == {"sum"} and entry["sum"]:
        return MeasureDefinition(name=name, numerator=tuple(standard_name(part) for part in entry["sum"]))
    if set(entry) == {"ratio"} and len(entry["ratio"]) == 2:
        above, below = (_terms(part, section) for part in entry["ratio"])
        return MeasureDefinition(name=name, numerator=above, denominator=below)
    raise ConfigError(f"measures.{name} must be either 'sum: [metabolites]' or 'ratio: [numerator, denominator]'")


def _terms(part: str, section: Mapping[str, Any]) -> tuple[str, ...]:
    entry = section.get(part)
    if entry is None:
        return (standard_name(part),)
    if set(entry) != {"sum"}:
        raise ConfigError(f"measures.{part} is used in a ratio, so it must be a 'sum' itself")
    return tuple(standard_name(name) for name in entry["sum"])


def check_metabolites(definitions: Sequence[MeasureDefinition], *, metabolites: Sequence[str]) -> None:
    """`ConfigError` when the basis lacks a metabolite of a sum, or all those of a numerator or denominator."""
    for definition in definitions:
        missing = [name for name in definition.numerator if name not in metabolites]
        if missing and not definition.denominator:
            raise ConfigError(
                f"measures.{definition.name} needs metabolite '{missing[0]}', which is not in the basis: "
                f"use one of {', '.join(sorted(metabolites))}"
            )
        for part in (definition.numerator, definition.denominator):
            if part and not set(part) & set(metabolites):
                raise ConfigError(
                    f"measures.{definition.name} needs metabolite '{part[0]}', which is not in the basis: "
                    f"use one of {', '.join(sorted(metabolites))}"
                )


def evaluate_measure(fit: SpectrumFit, *, definition: MeasureDefinition, intervals: IntervalOptions = DEFAULT_INTERVALS) -> Measure:
    """Value, standard error (delta method with the covariance of the amplitudes) and interval of a measure.

    A metabolite that the basis does not hold is left out of a sum (`terms` shows what is in it); a sum without any member is NaN.
    """
    above = _indicator(definition.numerator, fit)
    terms = _terms_text(definition.numerator, fit)
    numerator = float(above @ fit.amplitudes) if above.any() else np.nan
    if not definition.denominator:
        sd, within = _sd(above, fit.covariance), _sd(above, own_covariance(fit))
        return Measure(
            name=definition.name, value=numerator, sd=sd, sd_within=within, terms=terms, interval=intervals.of_sum(numerator, sd)
        )
    below = _indicator(definition.denominator, fit)
    denominator = float(below @ fit.amplitudes)
    terms = f"({terms})/({_terms_text(definition.denominator, fit)})"
    if not denominator > 0.0 or not np.isfinite(numerator):
        return Measure(name=definition.name, value=np.nan, sd=np.nan, terms=terms)
    moments = RatioMoments(
        numerator=numerator,
        denominator=denominator,
        variance_numerator=float(above @ fit.covariance @ above),
        variance_denominator=float(below @ fit.covariance @ below),
        covariance=float(above @ fit.covariance @ below),
    )
    gradient = measure_gradient(fit, definition=definition)
    return Measure(
        name=definition.name,
        value=numerator / denominator,
        sd=_sd(gradient, fit.covariance),
        sd_within=_sd(gradient, own_covariance(fit)),
        terms=terms,
        interval=intervals.of_ratio(moments),
    )


def measure_gradient(fit: SpectrumFit, *, definition: MeasureDefinition) -> FloatArray:
    """Derivative of a measure by each amplitude, shape (n_metabolites,); NaN where the measure is."""
    above = _indicator(definition.numerator, fit)
    if not definition.denominator:
        return above if above.any() else np.full_like(above, np.nan)
    below = _indicator(definition.denominator, fit)
    numerator, denominator = float(above @ fit.amplitudes), float(below @ fit.amplitudes)
    if not denominator > 0.0 or not above.any():
        return np.full_like(above, np.nan)
    return np.asarray((above - numerator / denominator * below) / denominator)


def own_covariance(fit: SpectrumFit) -> FloatArray:
    """Covariance of the amplitudes without what spectra of the same session share."""
    return fit.covariance if fit.own_covariance is None else fit.own_covariance


def _indicator(names: Sequence[str], fit: SpectrumFit) -> FloatArray:
    return np.array([float(metabolite in names) for metabolite in fit.metabolites])


def _terms_text(names: Sequence[str], fit: SpectrumFit) -> str:
    return "+".join(name for name in names if name in fit.metabolites)


def _sd(weights: FloatArray, covariance: FloatArray) -> float:
    return float(np.sqrt(max(float(weights @ covariance @ weights), 0.0))) if np.all(np.isfinite(covariance)) else np.nan

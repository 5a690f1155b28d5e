"""Measures in units of concentration: amplitudes of a fit times what the water reference says one of them is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.basis_set import is_macromolecule
from mrs_pipeline.errors import DataError
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.concentration import UNITS, Situation
from mrs_pipeline.quantification.intervals import DEFAULT_INTERVALS, IntervalOptions
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition, own_covariance
from mrs_pipeline.quantification.water import WaterReference

#: Protons of a molecule of water; an amplitude of the basis stands for a whole molecule, so that it needs no number of protons.
WATER_PROTONS = 2
#: A metabolite with more molecules than this share of those of water (0.01: 555 mmol/kg) tells of a reference that is none.
LARGEST_SHARE = 0.01


@dataclass(frozen=True, kw_only=True)
class ConcentrationScale:
    """What an amplitude of one is in a unit, by metabolite (NaN for macromolecules), and the relative SD of the water behind it."""

    unit: str
    metabolites: tuple[str, ...]
    factors: FloatArray
    water_relative_sd: float


def water_per_molecule(water: WaterReference, *, signal_per_proton: float, reference_factor: float = 1.0) -> float:
    """Amplitude that a metabolite with as many molecules as the water would have, in the units of fitted amplitudes.

    `reference_factor` brings the reference to the scale of the data where their receiver gains or averaging differ.
    """
    return water.amplitude * reference_factor / (WATER_PROTONS * signal_per_proton)


def concentration_scale(
    unit: str, *, metabolites: Sequence[str], molecule: float, water: WaterReference, situation: Situation
) -> ConcentrationScale:
    """The scale of a unit for the components of a fit; `molecule` is that of `water_per_molecule`. `DataError` says what is missing."""
    factors = UNITS[unit].factors(metabolites, situation=situation) / molecule
    without = np.array([is_macromolecule(name) for name in metabolites], dtype=bool)
    return ConcentrationScale(
        unit=unit,
        metabolites=tuple(metabolites),
        factors=np.where(without, np.nan, factors),
        water_relative_sd=water.sd / water.amplitude,
    )


def check_water(fits: Sequence[SpectrumFit], *, molecule: float) -> None:
    """`DataError` if a metabolite would be more than `LARGEST_SHARE` of the water: the reference was suppressed, or is on another scale."""
    amplitudes = [
        amplitude
        for fit in fits
        for name, amplitude in zip(fit.metabolites, fit.amplitudes.tolist(), strict=True)
        if not is_macromolecule(name)
    ]
    largest = np.nanmax(amplitudes) if np.isfinite(amplitudes).any() else 0.0
    if largest > LARGEST_SHARE * molecule:
        raise DataError(
            f"a metabolite has {100 * largest / molecule:.2g} % of the signal of water: the reference is not of unsuppressed water, or on "
            "another scale than the data (quantification.reference_factor)"
        )


def is_concentration(definition: MeasureDefinition) -> bool:
    """Whether a measure can be a concentration: a sum of metabolites without macromolecules."""
    return not definition.denominator and not any(is_macromolecule(name) for name in definition.numerator)


def referenced_name(definition: MeasureDefinition, unit: str) -> str:
    """Name of a measure in a unit, such as "Glx mmol/kg"."""
    return f"{definition.name} {unit}"


def evaluate_concentration(
    fit: SpectrumFit, *, definition: MeasureDefinition, scale: ConcentrationScale, intervals: IntervalOptions = DEFAULT_INTERVALS
) -> Measure:
    """A sum of amplitudes, each times its own factor, with standard error and interval of fit and water.

    ``value = w a`` and ``sd^2 = w S w + (value x relative SD of water)^2`` with the factors w and the covariance S: errors of fit and
    water are independent, so that their relative ones add in quadrature. A sum without any member is NaN.
    """
    chosen = np.array([name in definition.numerator for name in fit.metabolites], dtype=bool)
    name, terms = referenced_name(definition, scale.unit), "+".join(item for item in definition.numerator if item in fit.metabolites)
    if not chosen.any() or not np.all(np.isfinite(fit.covariance)):
        return Measure(name=name, value=np.nan, sd=np.nan, terms=terms)
    weights = np.where(chosen, scale.factors, 0.0)
    value = float(weights @ fit.amplitudes)
    variance = float(weights @ fit.covariance @ weights) + (value * scale.water_relative_sd) ** 2
    sd = float(np.sqrt(max(variance, 0.0)))
    within = float(np.sqrt(max(float(weights @ own_covariance(fit) @ weights), 0.0)))
    return Measure(name=name, value=value, sd=sd, sd_within=within, terms=terms, interval=intervals.of_sum(value, sd))

"""Concentrations of a session: its water reference, tissue and constants brought together; what is missing becomes a remark."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.io.bids import read_visits
from mrs_pipeline.quantification.basis_scale import signal_per_proton
from mrs_pipeline.quantification.concentration import UNITS, Situation, Timing
from mrs_pipeline.quantification.constants import check_field
from mrs_pipeline.quantification.intervals import IntervalOptions
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition
from mrs_pipeline.quantification.options import QuantificationOptions
from mrs_pipeline.quantification.scale_uncertainty import scale_log_sd
from mrs_pipeline.quantification.tissue import TissueFractions, tissue_fractions
from mrs_pipeline.quantification.water import WaterReference
from mrs_pipeline.quantification.water_referenced import (
    ConcentrationScale,
    check_water,
    concentration_scale,
    evaluate_concentration,
    is_concentration,
    referenced_name,
    water_per_molecule,
)
from mrs_pipeline.quantification.wording import differing_times, output_measure, quantification_reference


@dataclass(frozen=True, kw_only=True)
class Quantified:
    """The scale of each unit asked for (None where it could not be made), what a reader must know, and what the status says of it."""

    scales: Mapping[str, ConcentrationScale | None]
    options: QuantificationOptions
    situation: Situation | None = None
    remarks: tuple[str, ...] = ()
    summary: Mapping[str, object] = field(default_factory=dict)

    def concentrations(self, fit: SpectrumFit, *, definition: MeasureDefinition, intervals: IntervalOptions) -> dict[str, Measure]:
        """A sum by unit, NaN where there is no scale; nothing for ratios and macromolecules."""
        if not is_concentration(definition):
            return {}
        terms = "+".join(name for name in definition.numerator if name in fit.metabolites)
        return {
            unit: Measure(name=referenced_name(definition, unit), value=np.nan, sd=np.nan, terms=terms)
            if scale is None
            else evaluate_concentration(fit, definition=definition, scale=scale, intervals=intervals)
            for unit, scale in self.scales.items()
        }

    def scale_sd_percent(self, fits: Sequence[SpectrumFit], *, definition: MeasureDefinition) -> dict[str, float]:
        """By the name of the measure: relative SD of its scale from the constants, for the mean amplitudes of a session."""
        usable = [fit for fit in fits if np.all(np.isfinite(fit.amplitudes))]
        if not is_concentration(definition) or not usable or self.situation is None:
            return {}
        names = [name for name in definition.numerator if name in usable[0].metabolites]
        mean = np.mean([fit.amplitudes[[fit.metabolites.index(name) for name in names]] for fit in usable], axis=0)
        return {
            referenced_name(definition, unit): 100.0
            * scale_log_sd(unit, metabolites=names, amplitudes=mean, situation=self.situation, uncertainty=self.options.uncertainty)
            for unit, scale in self.scales.items()
            if scale is not None
        }


def quantify(
    fits: Sequence[SpectrumFit], *, section: Mapping[str, Any], record: Mapping[str, Any], basis: BasisSet, acquisition: Acquisition
) -> Quantified | None:
    """The scales of the units that a study asks for, None if it asks for none.

    `record` is that of preprocessing with the entry ``water_reference``. What a session lacks makes a unit None with a remark, never
    another unit. `ConfigError` where the constants are of another field than the data.
    """
    if not section["units"]:
        return None
    options = QuantificationOptions.from_mapping(section)
    if any(UNITS[unit].needs_tissue for unit in options.units):
        check_field(options.constants, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    entry = record.get("water_reference") or {"reason": "the preprocessing record says nothing of a water reference"}
    if "reason" in entry:
        return _nothing(options, str(entry["reason"]))
    water = WaterReference(**entry)
    try:
        molecule = water_per_molecule(water, signal_per_proton=signal_per_proton(basis), reference_factor=options.reference_factor)
        check_water(fits, molecule=molecule)
    except DataError as error:
        return _nothing(options, str(error))
    return _with_water(options, water=water, molecule=molecule, metabolites=basis.metabolites, acquisition=acquisition)


def _nothing(options: QuantificationOptions, reason: str) -> Quantified:
    remark = f"no concentrations ({', '.join(options.units)}): {reason}"
    return Quantified(scales=dict.fromkeys(options.units), options=options, remarks=(remark,), summary={"remarks": [remark]})


def _with_water(
    options: QuantificationOptions, *, water: WaterReference, molecule: float, metabolites: Sequence[str], acquisition: Acquisition
) -> Quantified:
    fractions, why_not = _fractions(options)
    situation = options.situation(
        data=Timing(echo_time_s=acquisition.echo_time_s, repetition_time_s=acquisition.repetition_time_s),
        reference=Timing(echo_time_s=water.echo_time_s, repetition_time_s=water.repetition_time_s),
        fractions=fractions,
    )
    scales: dict[str, ConcentrationScale | None] = {}
    remarks = [differing_times(situation)]
    for unit in options.units:
        try:
            if UNITS[unit].needs_tissue and why_not:
                raise DataError(why_not)
            scales[unit] = concentration_scale(unit, metabolites=metabolites, molecule=molecule, water=water, situation=situation)
        except DataError as error:
            scales[unit] = None
            remarks.append(f"no concentrations in {unit}: {error}")
    told = tuple(remark for remark in remarks if remark)
    summary = _summary(options, situation=situation, water=water, molecule=molecule, remarks=told)
    return Quantified(scales=scales, options=options, situation=situation, remarks=told, summary=summary)


def _fractions(options: QuantificationOptions) -> tuple[TissueFractions | None, str]:
    """Fractions of the voxel, or why they are not known."""
    names = [value for value in options.tissue.values() if isinstance(value, str)]
    if names:
        return None, f"quantification.tissue names the column '{names[0]}', but a session outside of a study has no tables: give numbers"
    try:
        return tissue_fractions(options.tissue), ""
    except DataError as error:
        return None, str(error)


def _summary(
    options: QuantificationOptions, *, situation: Situation, water: WaterReference, molecule: float, remarks: Sequence[str]
) -> dict[str, object]:
    return {
        "output_measure": output_measure(options.units),
        "quantification_reference": quantification_reference(situation, water=water, units=options.units),
        "water": asdict(water),
        "amplitude_of_as_many_molecules_as_water": molecule,
        "tissue": None if situation.fractions is None else asdict(situation.fractions),
        "scale_sd": asdict(options.uncertainty),
        "remarks": list(remarks),
    }


def concentration_names(definitions: Sequence[MeasureDefinition], *, section: Mapping[str, Any]) -> list[str]:
    """Names of the concentrations that the table of a study holds, such as "Glx mmol/kg"."""
    return [referenced_name(item, unit) for item in definitions if is_concentration(item) for unit in section["units"]]


def tissue_columns(section: Mapping[str, Any]) -> list[str]:
    """Columns of the tables of a dataset that the section names; none where no unit is asked for."""
    return [value for value in section["tissue"].values() if isinstance(value, str)] if section["units"] else []


def check_tissue_columns(section: Mapping[str, Any], *, visits: pd.DataFrame) -> None:
    """`ConfigError` for a column that neither the sessions files nor participants.tsv have, or that holds text."""
    for name in tissue_columns(section):
        if name not in visits.columns:
            raise ConfigError(f"quantification.tissue names '{name}', which neither participants.tsv nor the sessions files have")
        if not pd.api.types.is_numeric_dtype(visits[name]):
            raise ConfigError(f"quantification.tissue names '{name}', which holds text: fractions between 0 and 1 are expected")


def with_tissue_of(section: Mapping[str, Any], *, bids_dir: Path, visit: tuple[str, str]) -> dict[str, Any]:
    """The section with the numbers of a visit (participant, session) in place of the columns it names, NaN where its row has none."""
    if not tissue_columns(section):
        return dict(section)
    visits = read_visits(bids_dir)
    check_tissue_columns(section, visits=visits)
    row = visits[(visits["participant"] == visit[0]) & (visits["session"] == visit[1])]
    tissue = {name: _looked_up(row, value) if isinstance(value, str) else value for name, value in section["tissue"].items()}
    return {**section, "tissue": tissue}


def _looked_up(row: pd.DataFrame, column: str) -> float:
    """The one number of a column, NaN where there is none."""
    return float(row[column].iloc[0]) if len(row) == 1 else float("nan")

"""The `quantification` section of a study, checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.quantification.concentration import UNITS, Situation, Timing
from mrs_pipeline.quantification.constants import TISSUES, Constants, selected_constants
from mrs_pipeline.quantification.scale_uncertainty import ScaleUncertainty
from mrs_pipeline.quantification.tissue import TissueFractions, tissue_fractions


@dataclass(frozen=True, kw_only=True)
class QuantificationOptions:
    """What concentrations are asked for and what they rest on.

    `tissue` holds a number or the name of a column for each compartment. `data` and `reference` are the times given in place of those
    that the files state.
    """

    units: tuple[str, ...]
    tissue: Mapping[str, float | str | None]
    constants: Constants
    reference_factor: float
    data: Timing
    reference: Timing
    institutional_water_mmol_per_l: float
    institutional_water_t2_s: float
    uncertainty: ScaleUncertainty

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> "QuantificationOptions":
        """Options of a complete section; `ConfigError` for units without the tissue they need, unknown sets and impossible numbers."""
        units, tissue = tuple(section["units"]), {name: section["tissue"][name] for name in TISSUES}
        _check_tissue(units, tissue)
        return cls(
            units=units,
            tissue=tissue,
            constants=selected_constants(
                water=section["water_constants"], metabolites=section["metabolite_constants"], own=section["constants"]
            ),
            reference_factor=float(section["reference_factor"]),
            data=_timing(section, "data"),
            reference=_timing(section, "reference"),
            institutional_water_mmol_per_l=float(section["institutional_water_mmol_per_l"]),
            institutional_water_t2_s=float(section["institutional_water_t2_s"]),
            uncertainty=ScaleUncertainty(**section["uncertainty"]),
        )

    def situation(self, *, data: Timing, reference: Timing, fractions: TissueFractions | None) -> Situation:
        """What the concentrations of a session depend on: its own times where none are given, and its tissue."""
        return Situation(
            constants=self.constants,
            fractions=fractions,
            data=_preferred(self.data, data),
            reference=_preferred(self.reference, reference),
            institutional_water_mmol_per_l=self.institutional_water_mmol_per_l,
            institutional_water_t2_s=self.institutional_water_t2_s,
        )


def _check_tissue(units: tuple[str, ...], tissue: Mapping[str, float | str | None]) -> None:
    needing = [unit for unit in units if UNITS[unit].needs_tissue]
    missing = [name for name, value in tissue.items() if value is None]
    if needing and missing:
        raise ConfigError(
            f"quantification.units asks for {needing[0]}, which needs quantification.tissue.{missing[0]}: name the column of the sessions "
            "or participants tables that holds the fraction, give a number, or ask for i.u."
        )


def check_section(section: Mapping[str, Any]) -> None:
    """`ConfigError` for a section that no session could be quantified with, constant tissue fractions included."""
    options = QuantificationOptions.from_mapping(section)
    if any(UNITS[unit].needs_tissue for unit in options.units) and not any(isinstance(value, str) for value in options.tissue.values()):
        try:
            tissue_fractions(options.tissue)
        except DataError as error:
            raise ConfigError(f"quantification.tissue: {error}") from None


def _timing(section: Mapping[str, Any], what: str) -> Timing:
    return Timing(echo_time_s=section[f"{what}_echo_time_s"], repetition_time_s=section[f"{what}_repetition_time_s"])


def _preferred(given: Timing, stated: Timing) -> Timing:
    return Timing(
        echo_time_s=stated.echo_time_s if given.echo_time_s is None else given.echo_time_s,
        repetition_time_s=stated.repetition_time_s if given.repetition_time_s is None else given.repetition_time_s,
    )

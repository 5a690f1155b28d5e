"""What a synthetic study is made of: the description file as one frozen record of `sections`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.synthetic.sections import IntegerRange, Range
from mrs_pipeline.synthetic.sections.incidents import BroadBaseline, FrequencyFaults, Missing, Motion, PhaseFaults, SpuriousEcho
from mrs_pipeline.synthetic.sections.people import Attrition, ClinicalScale, Design, clinical_scales
from mrs_pipeline.synthetic.sections.physiology import Haemodynamics, Levels, Lipids, Macromolecules, Relaxation, Response, Voxel
from mrs_pipeline.synthetic.sections.scanner import (
    EddyCurrent,
    Lineshape,
    ReceiverHardware,
    Recording,
    RunBreak,
    Timing,
    TrueBasis,
    Water,
)


@dataclass(frozen=True, kw_only=True)
class StudyDescription:
    """A whole synthetic study."""

    name: str
    description: str
    seed: int
    design: Design
    attrition: Attrition
    timing: Timing
    acquisition: Recording
    basis: TrueBasis
    voxel: Voxel
    relaxation: Relaxation
    levels: Levels
    response: Response
    haemodynamics: Haemodynamics
    lineshape: Lineshape
    macromolecules: Macromolecules
    lipids: Lipids
    broad_baseline: BroadBaseline
    spurious_echo: SpuriousEcho
    receiver: ReceiverHardware
    frequency: FrequencyFaults
    phase: PhaseFaults
    motion: Motion
    missing: Missing
    eddy_current: EddyCurrent
    water: Water
    run_break: RunBreak
    clinical: Mapping[str, ClinicalScale]

    @property
    def metabolites(self) -> tuple[str, ...]:
        """Names of the simulated metabolites, in the order of the description."""
        return tuple(self.levels.concentrations_mmol_per_l)

    @property
    def sampling(self) -> Acquisition:
        """How every FID of the study is sampled."""
        return Acquisition(
            nucleus="1H",
            spectrometer_frequency_mhz=self.acquisition.spectrometer_frequency_mhz,
            spectral_width_hz=self.acquisition.spectral_width_hz,
            n_points=self.acquisition.n_points,
            echo_time_s=self.acquisition.echo_time_s,
            repetition_time_s=self.timing.repetition_time_s,
        )


def description_from_mapping(mapping: Mapping[str, Any]) -> StudyDescription:
    """The description in a parsed file that satisfies ``simulation.schema.json``; `ConfigError` where its values contradict each other."""
    plain = {name: mapping[name] for name in ("name", "description", "seed")}
    sections = {
        field.name: _section(field.name, field.type, mapping[field.name])
        for field in fields(StudyDescription)
        if hasattr(field.type, "__dataclass_fields__")
    }
    return StudyDescription(**plain, **sections, clinical=clinical_scales(mapping["clinical"]))


def _section(name: str, kind: Any, values: Mapping[str, Any]) -> Any:
    """A section as its record, lists as tuples, lists inside a table as well."""
    for field in fields(kind):
        if field.type in (Range, IntegerRange) and values[field.name][0] > values[field.name][1]:
            raise ConfigError(f"{name}.{field.name} starts above its end: give the lowest value first")
    return kind(**{key: _frozen(value) for key, value in values.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(entry) for key, entry in value.items()}
    return tuple(value) if isinstance(value, list) else value

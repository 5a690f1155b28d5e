"""What a synthetic study is made of: one frozen record per section of the description file.

The files in ``config/simulation`` say what each value means, its unit and its source; ``simulation.schema.json`` checks them.
"percent" of a ratio or level means 100 x natural logarithm. No value has a default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import ConfigError

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Design:
    """Who is measured under which two conditions; the first condition is the reference of the contrast."""

    n_participants: int
    conditions: tuple[str, str]
    task: str
    age_years: Range


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When transients are recorded relative to the infusion; ``runs`` is ``single`` or ``split``."""

    runs: str
    repetition_time_s: float
    baseline_s: float
    recorded_infusion_s: float
    infusion_s: float
    break_s: float


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Sequence and sampling."""

    sequence: str
    spectrometer_frequency_mhz: float
    spectral_width_hz: float
    n_points: int
    echo_time_s: float
    echo_time_1_s: float
    voxel_size_mm: tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Concentrations before the infusion and how they vary between people and visits."""

    concentrations_mmol_per_l: Mapping[str, float]
    ratio: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    ratio_participant_sd_percent: float
    ratio_session_sd_percent: float
    other_participant_sd_percent: float
    scale_participant_sd_percent: float
    scale_session_sd_percent: float
    period_percent: float

    def __post_init__(self) -> None:
        """Refuse a ratio of metabolites that are not simulated or on both sides of it."""
        for name in (*self.numerator, *self.denominator):
            if name not in self.concentrations_mmol_per_l:
                known = ", ".join(sorted(self.concentrations_mmol_per_l))
                raise ConfigError(f"levels: '{name}' of the ratio has no concentration: use one of {known}")
        if set(self.numerator) & set(self.denominator):
            raise ConfigError("levels: a metabolite is in the numerator and in the denominator: keep it in one of them")


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the infusion does to the numerator of the ratio and to the linewidth."""

    plateau_percent: float
    rise_time_s: float
    contrast_percent: float
    participant_sd_percent: float
    session_sd_percent: float
    linewidth_change_hz: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Lineshape:
    """Linewidth of NAA and how metabolites deviate from it."""

    linewidth_hz: float
    linewidth_participant_sd_hz: float
    linewidth_session_sd_hz: float
    linewidth_range_hz: Range
    lorentzian_hz: float
    metabolite_damping_sd_hz: float
    metabolite_shift_sd_ppm: float

    def __post_init__(self) -> None:
        """Refuse a Lorentzian part wider than the narrowest line."""
        if self.lorentzian_hz > self.linewidth_range_hz[0]:
            raise ConfigError(
                f"lineshape: lorentzian_hz is {self.lorentzian_hz}, wider than the narrowest line of linewidth_range_hz: lower it"
            )


@dataclass(frozen=True, kw_only=True)
class Macromolecules:
    """Factor of the measured-type macromolecule profile."""

    level_mmol_per_l: float
    participant_sd_percent: float


@dataclass(frozen=True, kw_only=True)
class Lipids:
    """Constant lipid contamination of some visits."""

    probability: float
    level_relative_to_tcr: Range


@dataclass(frozen=True, kw_only=True)
class ReceiverHardware:
    """Coils, noise and digitiser."""

    n_coils: int
    single_transient_snr: float
    sensitivity_spread: float
    noise_spread_percent: float
    noise_correlation: float
    noise_sd_units: float


@dataclass(frozen=True, kw_only=True)
class FrequencyFaults:
    """Errors of the centre frequency."""

    offset_sd_hz: float
    drift_hz_per_min: Range
    step_probability: float
    step_hz: Range
    jitter_sd_hz: float


@dataclass(frozen=True, kw_only=True)
class PhaseFaults:
    """Errors of the phase."""

    jitter_sd_deg: float
    walk_sd_deg: float


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Spoiled transients, in bursts."""

    spoiled_baseline: float
    spoiled_infusion: float
    burst_transients: tuple[int, int]
    amplitude: Range
    broadening_hz: Range
    lipid_relative_to_tcr: Range


@dataclass(frozen=True, kw_only=True)
class EddyCurrent:
    """Phase that decays during each FID, the same in the water reference."""

    n_terms: int
    amplitude_deg: Range
    time_constant_s: Range


@dataclass(frozen=True, kw_only=True)
class Water:
    """Residual water and the unsuppressed reference."""

    residual_height: float
    residual_jitter_percent: float
    residual_linewidth_hz: Range
    residual_offset_ppm: Range
    reference_mmol_per_l: float
    reference_attenuation: float
    n_reference_transients: int


@dataclass(frozen=True, kw_only=True)
class RunBreak:
    """What a readjustment between two recordings changes."""

    gain_sd_percent: float
    frequency_sd_hz: float
    linewidth_sd_hz: float


@dataclass(frozen=True, kw_only=True)
class StudyDescription:
    """A whole synthetic study."""

    name: str
    description: str
    seed: int
    design: Design
    timing: Timing
    acquisition: Recording
    levels: Levels
    response: Response
    lineshape: Lineshape
    macromolecules: Macromolecules
    lipids: Lipids
    receiver: ReceiverHardware
    frequency: FrequencyFaults
    phase: PhaseFaults
    motion: Motion
    eddy_current: EddyCurrent
    water: Water
    run_break: RunBreak

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
    values = {field.name: _value(field.type, mapping[field.name]) for field in fields(StudyDescription)}
    return StudyDescription(**values)


def _value(kind: Any, value: Any) -> Any:
    """A section as its record, a list as a tuple, anything else as it is."""
    if isinstance(value, Mapping) and hasattr(kind, "__dataclass_fields__"):
        return kind(**{key: _value(None, entry) for key, entry in value.items()})
    return tuple(value) if isinstance(value, list) else value

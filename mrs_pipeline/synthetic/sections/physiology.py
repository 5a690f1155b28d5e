"""The voxel, what is in it, and what the infusion does to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.synthetic.sections import Range


@dataclass(frozen=True, kw_only=True)
class Voxel:
    """Volume fractions of the voxel (white matter is the rest), their variation, and visits whose voxel is wrong or moves."""

    grey_matter: float
    csf: float
    csf_participant_sd: float
    csf_session_sd: float
    grey_white_participant_sd: float
    grey_white_session_sd: float
    wrong_probability: float
    wrong_grey_matter: float
    wrong_csf: float
    wrong_linewidth_hz: float
    moved_probability: float
    moved_fraction_sd: float
    moved_frequency_sd_hz: float
    moved_linewidth_hz: Range

    def __post_init__(self) -> None:
        """Refuse fractions that leave nothing for white matter."""
        for grey, csf, key in ((self.grey_matter, self.csf, "grey_matter"), (self.wrong_grey_matter, self.wrong_csf, "wrong_grey_matter")):
            if grey + csf >= 1:
                raise ConfigError(f"voxel: {key} and its csf add up to {grey + csf:g}, which leaves no white matter: lower one of them")


@dataclass(frozen=True, kw_only=True)
class Relaxation:
    """Relaxation times in seconds: of metabolites [grey, white] by name or ``default``, of water [grey, white, csf]."""

    metabolite_t1_s: Mapping[str, tuple[float, float]]
    metabolite_t2_s: Mapping[str, tuple[float, float]]
    water_t1_s: tuple[float, float, float]
    water_t2_s: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse tables without a value for metabolites that are not named."""
        for key in ("metabolite_t1_s", "metabolite_t2_s"):
            if "default" not in getattr(self, key):
                raise ConfigError(f"relaxation.{key} has no 'default' for metabolites that are not named: add it")


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Concentrations in grey matter before the infusion and how they vary between people and visits."""

    concentrations_mmol_per_l: Mapping[str, float]
    white_matter_ratio: Mapping[str, float]
    ratio: str
    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    ratio_participant_sd_percent: float
    ratio_session_sd_percent: float
    composition_participant_sd_percent: float
    other_participant_sd_percent: float
    scale_participant_sd_percent: float
    scale_session_sd_percent: float
    period_percent: float
    sequence_percent: float

    def __post_init__(self) -> None:
        """Refuse a ratio of metabolites that are not simulated or on both sides of it."""
        known = ", ".join(sorted(self.concentrations_mmol_per_l))
        for name in (*self.numerator, *self.denominator):
            if name not in self.concentrations_mmol_per_l:
                raise ConfigError(f"levels: '{name}' of the ratio has no concentration: use one of {known}")
        for name in self.white_matter_ratio:
            if name not in self.concentrations_mmol_per_l:
                raise ConfigError(f"levels.white_matter_ratio: '{name}' has no concentration: use one of {known}")
        if set(self.numerator) & set(self.denominator):
            raise ConfigError("levels: a metabolite is in the numerator and in the denominator: keep it in one of them")


@dataclass(frozen=True, kw_only=True)
class Response:
    """What the infusion does to the numerator of the ratio."""

    plateau_percent: float
    rise_time_s: float
    decay_time_s: float
    contrast_percent: float
    contrast_male_minus_female_percent: float
    period_percent: float
    carryover_percent: tuple[float, float]
    carryover_half_life_days: float
    participant_sd_percent: float
    session_sd_percent: float


@dataclass(frozen=True, kw_only=True)
class Haemodynamics:
    """What the infusion does to the linewidth through blood flow and oxygenation."""

    linewidth_change_hz: tuple[float, float]
    rise_time_s: float
    participant_sd_hz: float
    session_sd_hz: float


@dataclass(frozen=True, kw_only=True)
class Macromolecules:
    """Factor of the measured-type macromolecule profile, and how its lines vary."""

    level_mmol_per_l: float
    participant_sd_percent: float
    line_sd_percent: float


@dataclass(frozen=True, kw_only=True)
class Lipids:
    """Lipid contamination of some visits."""

    probability: float
    level_relative_to_tcr: Range
    jitter_percent: float

"""The measurement: timing, sequence, lines, coils, and the water signal."""

from dataclasses import dataclass

from mrs_pipeline.basis.pulse_sets import IDEAL, pulse_sets
from mrs_pipeline.errors import ConfigError, unknown_name
from mrs_pipeline.synthetic.sections import Range


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
class TrueBasis:
    """How the true signals of the metabolites differ from what an analysis would simulate; ``pulses`` is "ideal" or a set of pulses."""

    pulses: str
    shift_sd_ppm: float
    coupling_sd_hz: float

    def __post_init__(self) -> None:
        """Refuse pulses that are not there; `ConfigError` lists those that are."""
        if self.pulses not in {IDEAL, *pulse_sets()}:
            raise unknown_name("set of pulses in basis.pulses", self.pulses, {IDEAL, *pulse_sets()})


@dataclass(frozen=True, kw_only=True)
class Lineshape:
    """Linewidth of NAA, how it fluctuates, and how metabolites deviate from it."""

    linewidth_hz: float
    linewidth_participant_sd_hz: float
    linewidth_session_sd_hz: float
    linewidth_range_hz: Range
    lorentzian_hz: float
    fluctuation_sd_hz: float
    fluctuation_time_s: float
    metabolite_damping_sd_hz: float
    metabolite_shift_sd_ppm: float

    def __post_init__(self) -> None:
        """Refuse a Lorentzian part wider than the narrowest line."""
        if self.lorentzian_hz > self.linewidth_range_hz[0]:
            raise ConfigError(
                f"lineshape: lorentzian_hz is {self.lorentzian_hz}, wider than the narrowest line of linewidth_range_hz: lower it"
            )


@dataclass(frozen=True, kw_only=True)
class ReceiverHardware:
    """Coils, noise and digitiser."""

    n_coils: int
    single_transient_snr: float
    sensitivity_spread: float
    noise_spread_percent: float
    noise_correlation: float
    noise_sd_units: float
    dead_channel_probability: float
    gain_step_probability: float
    gain_step_percent: Range


@dataclass(frozen=True, kw_only=True)
class EddyCurrent:
    """Phase that decays during each FID, nearly the same in the water reference."""

    n_terms: int
    amplitude_deg: Range
    time_constant_s: Range
    reference_mismatch_percent: float


@dataclass(frozen=True, kw_only=True)
class Water:
    """Residual water and the unsuppressed reference; ``mmol_per_l`` of grey matter, white matter and cerebrospinal fluid."""

    residual_height: float
    residual_lines: int
    residual_jitter_percent: float
    residual_linewidth_hz: Range
    residual_offset_ppm: Range
    mmol_per_l: tuple[float, float, float]
    n_reference_transients: int


@dataclass(frozen=True, kw_only=True)
class RunBreak:
    """What a readjustment between two recordings changes."""

    gain_sd_percent: float
    frequency_sd_hz: float
    linewidth_sd_hz: float

"""What goes wrong during a visit."""

from dataclasses import dataclass

from mrs_pipeline.synthetic.sections import IntegerRange, Range


@dataclass(frozen=True, kw_only=True)
class FrequencyFaults:
    """Errors of the centre frequency; ``drift_factor`` multiplies the drift, one value a condition."""

    offset_sd_hz: float
    drift_hz_per_min: Range
    fast_drift_probability: float
    fast_drift_hz_per_min: Range
    drift_factor: tuple[float, float]
    cooling_probability: float
    cooling_hz: Range
    cooling_time_s: float
    step_probability: float
    step_hz: Range
    respiration_hz: Range
    respiration_per_s: Range
    jitter_sd_hz: float


@dataclass(frozen=True, kw_only=True)
class PhaseFaults:
    """Errors of the phase."""

    jitter_sd_deg: float
    walk_sd_deg: float


@dataclass(frozen=True, kw_only=True)
class Motion:
    """Spoiled transients, in bursts; ``infusion_factor`` multiplies their share during the infusion, one value a condition."""

    spoiled_baseline: float
    spoiled_infusion: float
    infusion_factor: tuple[float, float]
    burst_transients: IntegerRange
    amplitude: Range
    broadening_hz: Range
    lipid_relative_to_tcr: Range


@dataclass(frozen=True, kw_only=True)
class BroadBaseline:
    """A broad hump of signal from outside the voxel in some visits; its height is in heights of the NAA peak."""

    probability: float
    position_ppm: Range
    width_hz: Range
    height: Range


@dataclass(frozen=True, kw_only=True)
class SpuriousEcho:
    """An unwanted echo that appears during each FID of some visits; its height is in heights of the NAA peak."""

    probability: float
    time_s: Range
    duration_s: Range
    position_ppm: Range
    height: Range
    phase_walk_deg: float


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Transients that were lost and recordings that ended early."""

    gap_probability: float
    gap_transients: IntegerRange
    interruption_probability: float
    recorded_share: Range

"""What a fit may be told: the options of the `fitting` section of a study."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mrs_pipeline.errors import ConfigError, unknown_name

#: Ways of choosing how stiff the baseline is.
STIFFNESS_CRITERIA = ("reml", "maic", "fixed")


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Options of one linear-combination fit.

    ppm_range : fitted range, ppm (low, high).
    baseline : name in the table of baseline models.
    baseline_stiffness : `reml` (restricted likelihood of the data), `maic` (modified Akaike criterion) or `fixed` (the same for all
        spectra). The windows of a session hold the baseline of its mean.
    baseline_ed_per_ppm : effective dimension per ppm when `fixed`, and of what the baselines of windows depart from their session's.
    max_ed_per_ppm : most flexible baseline the criterion may choose.
    priors : whether the Gaussian penalties below and the ratio priors of macromolecules act at all.
    shift_sd_ppm : prior SD of each metabolite's shift about the common one; `shift_sd_ppm_by_metabolite` overrides it.
    broadening_sd_hz : prior SD of each metabolite's Lorentzian width about the common one at 3 T;
        `broadening_sd_hz_by_metabolite` overrides it. NAA has the longest T2 of all and the line whose width is known best: with the SD of
        the others it would set their widths.
    lineshape : name in the table of lineshapes; `lineshape_sd` is the prior SD of its parameters (log amplitude or radian, root mean square
        over the decay). Without priors no lineshape but the Voigt line acts.
    phase1_sd_s : prior SD of the first-order phase, as a delay.
    """

    ppm_range: tuple[float, float] = (0.2, 4.0)
    baseline: str = "p_spline"
    baseline_stiffness: str = "reml"
    baseline_ed_per_ppm: float = 1.8
    max_ed_per_ppm: float = 10.0
    priors: bool = True
    shift_sd_ppm: float = 0.004
    shift_sd_ppm_by_metabolite: Mapping[str, float] = field(default_factory=lambda: {"NAA": 0.002, "NAAG": 0.002})
    broadening_sd_hz: float = 0.3
    broadening_sd_hz_by_metabolite: Mapping[str, float] = field(default_factory=lambda: {"NAA": 0.6})
    lineshape: str = "voigt"
    lineshape_sd: float = 0.1
    phase1_sd_s: float = 1.0e-4
    max_iterations: int = 40

    def __post_init__(self) -> None:
        """Refuse values that make no sense; `ConfigError` names the key."""
        low, high = self.ppm_range
        if not low < high:
            raise ConfigError(f"fitting.ppm_range is [{low}, {high}]: the lower limit must come first")
        if self.baseline_stiffness not in STIFFNESS_CRITERIA:
            raise unknown_name("fitting.baseline_stiffness", self.baseline_stiffness, STIFFNESS_CRITERIA)

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> "FitOptions":
        """Options from a config section; an unknown key raises `ConfigError` with the valid ones."""
        valid = [item.name for item in fields(cls)]
        for key in section:
            if key not in valid:
                raise unknown_name("key of the fitting section", key, valid)
        values = dict(section)
        if "ppm_range" in values:
            low, high = values["ppm_range"]
            values["ppm_range"] = (float(low), float(high))
        return cls(**values)

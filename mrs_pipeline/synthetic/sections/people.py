"""Who takes part, who comes back, and how they feel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.synthetic.sections import Range


@dataclass(frozen=True, kw_only=True)
class Design:
    """Who is measured under which two conditions; the first condition is the reference of the contrast."""

    n_participants: int
    conditions: tuple[str, str]
    task: str
    age_years: Range
    female_share: float
    washout_days: Range


@dataclass(frozen=True, kw_only=True)
class Attrition:
    """Chance that a second visit does not take place, and how it depends on the response at the first one."""

    probability: float
    log_odds_per_sd: float


@dataclass(frozen=True, kw_only=True)
class ClinicalScale:
    """A rating before the infusion and at later times; ``times`` holds the share of the change that is there at each.

    ``change`` has one mean a condition; ``response_correlation`` is the correlation of the change with the response of the ratio.
    """

    title: str
    score_range: Range
    baseline_mean: float
    baseline_participant_sd: float
    baseline_session_sd: float
    change: tuple[float, float]
    change_sd: float
    response_correlation: float
    times: Mapping[str, float]
    rating_sd: float
    carryover_share: float
    missing_probability: float


def clinical_scales(mapping: Mapping[str, Mapping[str, Any]]) -> dict[str, ClinicalScale]:
    """The scales of a description by name; `ConfigError` where a scale has no time or its range is empty."""
    scales = {name: ClinicalScale(**_tuples(values)) for name, values in mapping.items()}
    for name, scale in scales.items():
        if scale.score_range[0] >= scale.score_range[1]:
            raise ConfigError(f"clinical.{name}: score_range ends at or below its start: give the lowest score first")
        if "before" in scale.times:
            raise ConfigError(f"clinical.{name}: the time 'before' is always there: list later times only")
    return scales


def _tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}

"""The `statistics` section of a configuration, checked and with its defaults filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mrs_pipeline.errors import ConfigError, unknown_name
from mrs_pipeline.statistics.multiplicity import ADJUSTMENTS

#: Scale of the outcome -> unit of the estimates. ``log_percent`` analyses 100 x the natural logarithm.
SCALES: dict[str, str] = {"log_percent": "%", "raw": "measure unit"}

KEYS = ("conditions", "estimator", "primary", "analyses", "measures", "scale", "covariates", "adjustment", "confidence")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to contrast: reference condition first, then every condition that is contrasted with it.

    ``primary`` names one analysis, measure and contrast, whose p is not adjusted. ``scale`` maps a measure (or ``default``) to a
    name in `SCALES`. ``confidence`` is that of the intervals.
    """

    conditions: tuple[str, ...]
    measures: tuple[str, ...]
    analyses: tuple[str, ...]
    primary: Mapping[str, str] | None = None
    scale: Mapping[str, str] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    adjustment: str = "holm"
    confidence: float = 0.95

    def scale_of(self, measure: str) -> str:
        """Scale on which a measure is analysed."""
        return self.scale.get(measure, self.scale.get("default", "log_percent"))

    def pairs(self) -> list[tuple[str, str]]:
        """(condition, reference) of every contrast."""
        return [(condition, self.conditions[0]) for condition in self.conditions[1:]]

    def is_primary(self, *, measure: str, pair: tuple[str, str] | None) -> bool:
        """Whether a contrast of a pair of conditions answers the primary question, in whichever analysis."""
        if self.primary is None or pair is None:
            return False
        return measure == self.primary["measure"] and self.primary["contrast"].startswith(f"{pair_name(pair)}:")


def pair_name(pair: tuple[str, str]) -> str:
    """How a pair (condition, reference) is written in tables."""
    return f"{pair[0]} - {pair[1]}"


def options_from(statistics: Mapping[str, Any], *, analyses: Mapping[str, object]) -> Options:
    """The checked section; ``analyses`` is the table of known ones. `ConfigError` names the key that is wrong."""
    for key in statistics:
        if key not in KEYS:
            raise unknown_name("key of the statistics section", key, KEYS)
    for key in ("conditions", "measures", "analyses"):
        if isinstance(statistics.get(key), str) or not statistics.get(key):
            raise ConfigError(f"'statistics: {key}' must be a list with at least one entry")
    options = Options(
        conditions=tuple(str(name) for name in statistics["conditions"]),
        measures=tuple(statistics["measures"]),
        analyses=tuple(statistics["analyses"]),
        primary=statistics.get("primary"),
        scale=statistics.get("scale") or {},
        covariates=tuple(statistics.get("covariates") or ()),
        adjustment=statistics.get("adjustment", "holm"),
        confidence=float(statistics.get("confidence", 0.95)),
    )
    _check_names(options, analyses=analyses)
    _check_primary(options)
    return options


def _check_names(options: Options, *, analyses: Mapping[str, object]) -> None:
    """`ConfigError` for names that are not in their table and numbers out of range."""
    for name in options.analyses:
        if name not in analyses:
            raise unknown_name("analysis", name, analyses)
    for scale in options.scale.values():
        if scale not in SCALES:
            raise unknown_name("scale", scale, SCALES)
    for name in options.scale:
        if name not in (*options.measures, "default"):
            raise unknown_name("measure in 'statistics: scale'", name, (*options.measures, "default"))
    if options.adjustment not in ADJUSTMENTS:
        raise unknown_name("adjustment", options.adjustment, ADJUSTMENTS)
    if not 0 < options.confidence < 1:
        raise ConfigError(f"'statistics: confidence' is {options.confidence:g}: use a number between 0 and 1, such as 0.95")
    if len(options.conditions) < 2 or len(set(options.conditions)) < len(options.conditions):
        raise ConfigError("'statistics: conditions' needs two or more different names, the reference first")


def _check_primary(options: Options) -> None:
    """`ConfigError` unless the primary question is among those asked."""
    if options.primary is None:
        return
    if not isinstance(options.primary, Mapping):
        raise ConfigError("'statistics: primary' must have the keys analysis, measure and contrast")
    kinds = ("infusion change", "infusion mean", "task change", "task mean")
    contrasts = [f"{pair_name(pair)}: {what}" for pair in options.pairs() for what in kinds]
    for key, valid in (("analysis", options.analyses), ("measure", options.measures), ("contrast", contrasts)):
        if options.primary.get(key) not in valid:
            raise unknown_name(f"'statistics: primary: {key}'", str(options.primary.get(key)), valid)

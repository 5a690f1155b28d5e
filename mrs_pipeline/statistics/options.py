"""The `statistics` section of a configuration, checked and with its defaults filled in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mrs_pipeline.errors import ConfigError, unknown_name
from mrs_pipeline.statistics.comparisons import Comparison, Factors, check_factors, comparisons
from mrs_pipeline.statistics.multiplicity import ADJUSTMENTS
from mrs_pipeline.statistics.permutation import PermutationOptions

#: Scale of the outcome -> unit of the estimates. ``log_percent`` analyses 100 x the natural logarithm.
SCALES: dict[str, str] = {"log_percent": "%", "raw": "measure unit"}

#: Covariance of what is left in the windows of a session -> what it assumes.
RESIDUALS: dict[str, str] = {
    "independent": "one variance, windows independent",
    "by_window": "a variance for each window, windows independent",
    "ar1": "one variance, correlation rho^time between windows of a session",
}
DEGREES_OF_FREEDOM = ("kenward_roger", "satterthwaite")
#: Designs that a table of measures can be declared to have.
DESIGNS = ("crossover", "parallel", "pre_post")

#: How the windows of a phase become one number: their plain mean, or weighted by their duration (area under the curve over its duration).
SUMMARIES = ("mean", "auc")

#: Keys of the section; `controls` and `exclusions` are read where they are applied.
KEYS = (
    *("conditions", "factors", "design", "estimator", "primary", "analyses", "measures", "scale", "covariates"),
    *("residuals", "degrees_of_freedom", "adjustment", "confidence", "summary", "permutation", "exclusions", "controls"),
)


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """How a mixed model describes the residuals (a name in `RESIDUALS`) and counts degrees of freedom."""

    residuals: str = "independent"
    degrees_of_freedom: str = "kenward_roger"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to contrast: reference condition first, then every condition that is contrasted with it.

    ``primary`` names one analysis, measure and contrast, whose p is not adjusted. ``scale`` maps a measure (or ``default``) to a
    name in `SCALES`. ``confidence`` is that of the intervals. ``factors`` group the conditions of a factorial design; ``design`` is one of
    `DESIGNS` or None, which takes the design that the table has. ``summary`` is how the windows of a session become one number.
    """

    conditions: tuple[str, ...]
    measures: tuple[str, ...]
    analyses: tuple[str, ...]
    primary: Mapping[str, str] | None = None
    scale: Mapping[str, str] = field(default_factory=dict)
    covariates: tuple[str, ...] = ()
    adjustment: str = "holm"
    confidence: float = 0.95
    factors: Factors = field(default_factory=dict)
    design: str | None = None
    model: ModelOptions = field(default_factory=ModelOptions)
    summary: str = "mean"
    permutation: PermutationOptions = field(default_factory=PermutationOptions)

    def scale_of(self, measure: str) -> str:
        """Scale on which a measure is analysed."""
        return self.scale.get(measure, self.scale.get("default", "log_percent"))

    def pairs(self) -> list[tuple[str, str]]:
        """(condition, reference) of every contrast."""
        return [(condition, self.conditions[0]) for condition in self.conditions[1:]]

    def comparisons(self) -> tuple[Comparison, ...]:
        """Every comparison of the configured conditions."""
        return comparisons(self.conditions, factors=self.factors)

    def is_primary(self, *, measure: str, comparison: str) -> bool:
        """Whether a contrast of the named comparison answers the primary question, in whichever analysis."""
        if self.primary is None:
            return False
        return measure == self.primary["measure"] and self.primary["contrast"].rpartition(":")[0] == comparison


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
        factors=statistics.get("factors") or {},
        design=statistics.get("design"),
        model=ModelOptions(
            residuals=statistics.get("residuals", "independent"),
            degrees_of_freedom=statistics.get("degrees_of_freedom", "kenward_roger"),
        ),
        summary=statistics.get("summary", "mean"),
        permutation=PermutationOptions(**(statistics.get("permutation") or {})),
    )
    _check_names(options, analyses=analyses)
    _check_primary(options, analyses=[name for name in options.analyses if getattr(analyses[name], "has_main", True)])
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
    _check_choices(options)
    if not 0 < options.confidence < 1:
        raise ConfigError(f"'statistics: confidence' is {options.confidence:g}: use a number between 0 and 1, such as 0.95")
    if len(set(options.conditions)) < len(options.conditions):
        raise ConfigError("'statistics: conditions' needs different names, the reference first, or one name for a change from baseline")
    check_factors(options.factors, conditions=options.conditions)


def _check_choices(options: Options) -> None:
    """`ConfigError` for a choice that is not in its table."""
    choices: tuple[tuple[str, str | None, Iterable[str | None]], ...] = (
        ("adjustment", options.adjustment, ADJUSTMENTS),
        ("value of 'statistics: residuals'", options.model.residuals, RESIDUALS),
        ("value of 'statistics: degrees_of_freedom'", options.model.degrees_of_freedom, DEGREES_OF_FREEDOM),
        ("'statistics: summary'", options.summary, SUMMARIES),
        ("value of 'statistics: design'", options.design, (None, *DESIGNS)),
    )
    for what, name, known in choices:
        if name not in known:
            raise unknown_name(what, str(name), [valid for valid in known if valid])


def _check_primary(options: Options, *, analyses: Sequence[str]) -> None:
    """`ConfigError` unless the primary question is among those asked, by one of the analyses that answer it."""
    if options.primary is None:
        return
    if not isinstance(options.primary, Mapping):
        raise ConfigError("'statistics: primary' must have the keys analysis, measure and contrast")
    kinds = ("infusion change", "infusion mean", "task change", "task mean")
    contrasts = [f"{item.name}: {what}" for item in options.comparisons() for what in kinds]
    for key, valid in (("analysis", analyses), ("measure", options.measures), ("contrast", contrasts)):
        if options.primary.get(key) not in valid:
            raise unknown_name(f"'statistics: primary: {key}'", str(options.primary.get(key)), valid)

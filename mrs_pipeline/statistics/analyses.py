"""The table of analyses: what each computes, what it assumes and the warning that goes with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mrs_pipeline.statistics.crossover_model import fit_participant_model, fit_session_model, window_weights
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError
from mrs_pipeline.statistics.group_summary import summary_test
from mrs_pipeline.statistics.model_tests import NamedTest, comparison_tests, main_name, model_tests, with_effect
from mrs_pipeline.statistics.paired_summary import paired_test
from mrs_pipeline.statistics.sign_flip import max_t, sign_flip

AnalysisFunction = Callable[..., list[NamedTest]]


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One entry of `ANALYSES`.

    ``function(data, *, confidence)`` returns the contrasts of one measure or raises `UnanswerableError`; ``settings`` names the options
    of the statistics section that it takes besides. ``uses_baseline`` tells whether its main contrast is a change from baseline where
    baseline windows exist, ``has_main`` whether it has one. ``warning`` is empty unless readers must be warned.
    """

    function: AnalysisFunction
    description: str
    assumption: str
    uses_baseline: bool
    warning: str = ""
    settings: tuple[str, ...] = ()
    has_main: bool = True


def session_aware(data: MeasureData, *, confidence: float, weighted: bool = False) -> list[NamedTest]:
    """Contrasts of the mixed model with session level and session response among the random effects."""
    return model_tests(fit_session_model(data, weighted=weighted), confidence=confidence)


def session_aware_weighted(data: MeasureData, *, confidence: float) -> list[NamedTest]:
    """`session_aware` with the variance of each measurement (``sd``) added to the residual variance."""
    return session_aware(data, confidence=confidence, weighted=True)


def as_published(data: MeasureData, *, confidence: float) -> list[NamedTest]:
    """Infusion windows with a random intercept of the participant only."""
    if len(data.conditions) == 1:
        raise UnanswerableError("not_applicable", "the published model compares conditions during the infusion, and there is only one")
    model = fit_participant_model(data.infusion_only())
    tests = comparison_tests(model, windows=window_weights(model.data, phase="infusion"), kind="main", confidence=confidence)
    return [replace(test, effect=None) for test in tests]  # its standard error is not that of differences between sessions


def paired_summary(data: MeasureData, *, confidence: float, summary: str = "mean") -> list[NamedTest]:
    """T tests of one summary per session, adjusted for period: within participants, or between groups."""
    tests = []
    for comparison in data.comparisons:
        if comparison.pair and data.design == "crossover":
            found = paired_test(data, pair=comparison.pair, confidence=confidence, summary=summary)
        else:
            found = summary_test(data, comparison=comparison, confidence=confidence, summary=summary)
        name = main_name(comparison.name, change=data.has_baseline, active=data.active)
        row = NamedTest(contrast=name, kind="main", pair=comparison.pair, test=found.test, size=found.size)
        tests.append(with_effect(row, data=data, comparison=comparison, confidence=confidence))
    return tests


#: Name in the configuration -> analysis.
ANALYSES: dict[str, Analysis] = {
    "session_aware": Analysis(
        function=session_aware,
        description=(
            "Mixed model of every window with participant, participant response, session and session response as random effects; "
            "the change from baseline to infusion is contrasted between conditions (REML, small-sample degrees of freedom)"
        ),
        assumption="levels and responses differ between sessions of a participant; missing windows are missing at random",
        uses_baseline=True,
    ),
    "session_aware_weighted": Analysis(
        function=session_aware_weighted,
        description="As session_aware, with the squared sd of each measurement added to the residual variance",
        assumption="the sd of each measurement is its true standard error",
        uses_baseline=True,
        warning="the estimated sd depends on the level of the measure, which can bias a weighted mean: a sensitivity analysis",
    ),
    "as_published": Analysis(
        function=as_published,
        description="Mixed model of the infusion windows with a random intercept of the participant only (REML, Kenward-Roger)",
        assumption="the windows of a session are independent given the participant, so sessions of a participant have one true level",
        uses_baseline=False,
        warning=(
            "any difference between sessions counts as an effect of condition: false positives far above the nominal rate when "
            "session levels vary, and no account of the baseline"
        ),
    ),
    "paired_summary": Analysis(
        function=paired_summary,
        description="Change of each session, condition minus reference within participant, t test adjusted for period",
        assumption="only participants with both sessions count; every session's mean has the same variance",
        uses_baseline=True,
        settings=("summary",),
    ),
    "sign_flip": Analysis(
        function=sign_flip,
        description=(
            "Change of each session, condition minus reference within participant, adjusted for period; p and interval by permutation of "
            "the orders of the conditions among participants"
        ),
        assumption=(
            "the orders of the conditions were assigned at random, and the condition shifts the change of every participant by the same "
            "amount; no distribution is assumed. Without known periods: differences are symmetric"
        ),
        uses_baseline=True,
        settings=("summary", "permutation"),
    ),
    "max_t": Analysis(
        function=max_t,
        description=(
            "Each infusion window less the baseline, condition minus reference within participant, by the same permutation as sign_flip; "
            "p_adjusted by step-down max-T controls the chance of any false positive among the windows"
        ),
        assumption="as sign_flip, in every window",
        uses_baseline=True,
        warning="a significant window says that there is an effect in that window, not that it differs from the windows beside it",
        settings=("permutation",),
        has_main=False,
    ),
}

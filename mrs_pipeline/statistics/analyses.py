"""The table of analyses: what each computes, what it assumes and the warning that goes with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.crossover_model import CellMeans, fit_participant_model, fit_session_model, window_weights
from mrs_pipeline.statistics.design import MIN_PARTICIPANTS, MeasureData, Size, size_of
from mrs_pipeline.statistics.inference import TestResult, contrast_test
from mrs_pipeline.statistics.options import pair_name
from mrs_pipeline.statistics.paired_summary import paired_test

Pair = tuple[str, str]

#: Fewer leave an interval that says nothing.
MIN_DEGREES_OF_FREEDOM = 0.999


@dataclass(frozen=True, kw_only=True)
class NamedTest:
    """One contrast. ``kind`` is its family (main, baseline, window, condition), ``pair`` (condition, reference) if it compares two.

    ``test`` is None if this contrast alone could not be answered, with ``status`` and ``reason`` saying why.
    """

    contrast: str
    kind: str
    pair: Pair | None
    test: TestResult | None
    size: Size
    status: str = "ok"
    reason: str = ""


AnalysisFunction = Callable[..., list[NamedTest]]


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One entry of `ANALYSES`.

    ``function(data, *, confidence)`` returns the contrasts of one measure or raises `UnanswerableError`. ``uses_baseline`` tells whether
    its main contrast is a change from baseline where baseline windows exist. ``warning`` is empty unless readers must be warned.
    """

    function: AnalysisFunction
    description: str
    assumption: str
    uses_baseline: bool
    warning: str = ""


def main_contrast(pair: Pair, *, change: bool, active: str = "infusion") -> str:
    """Name of the main contrast of a pair of conditions; `active` is what is compared with the baseline, such as task with rest."""
    return f"{pair_name(pair)}: {active} {'change' if change else 'mean'}"


def session_aware(data: MeasureData, *, confidence: float, weighted: bool = False) -> list[NamedTest]:
    """Contrasts of the mixed model with session level and session response among the random effects, by Kenward-Roger."""
    model = fit_session_model(data, weighted=weighted)
    infusion, baseline = window_weights(data, phase="infusion"), window_weights(data, phase="baseline")
    tests = _pair_tests(model, windows=infusion - baseline, kind="main", confidence=confidence)
    if data.has_baseline:
        tests += _pair_tests(model, windows=baseline, kind="baseline", confidence=confidence)
        tests += _condition_tests(model, windows=infusion - baseline, confidence=confidence)
    for single in np.eye(len(infusion))[infusion > 0]:
        tests += _pair_tests(model, windows=single - baseline, kind="window", confidence=confidence)
    return tests


def session_aware_weighted(data: MeasureData, *, confidence: float) -> list[NamedTest]:
    """`session_aware` with the variance of each measurement (``sd``) added to the residual variance."""
    return session_aware(data, confidence=confidence, weighted=True)


def as_published(data: MeasureData, *, confidence: float) -> list[NamedTest]:
    """Infusion windows with a random intercept of the participant only, by Kenward-Roger."""
    model = fit_participant_model(data.infusion_only())
    return _pair_tests(model, windows=window_weights(model.data, phase="infusion"), kind="main", confidence=confidence)


def paired_summary(data: MeasureData, *, confidence: float) -> list[NamedTest]:
    """Period-adjusted paired t test on one summary per session."""
    tests = []
    for pair in _pairs(data):
        paired = paired_test(data, pair=pair, confidence=confidence)
        name = main_contrast(pair, change=data.has_baseline, active=data.active)
        tests.append(NamedTest(contrast=name, kind="main", pair=pair, test=paired.test, size=paired.size))
    return tests


#: Name in the configuration -> analysis.
ANALYSES: dict[str, Analysis] = {
    "session_aware": Analysis(
        function=session_aware,
        description=(
            "Mixed model of every window with participant, participant response, session and session response as random effects; "
            "the change from baseline to infusion is contrasted between conditions (REML, Kenward-Roger)"
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
        description="Mean change of each session, condition minus reference within participant, t test adjusted for period",
        assumption="only participants with both sessions count; every session's mean has the same variance",
        uses_baseline=True,
    ),
}


def _pairs(data: MeasureData) -> list[Pair]:
    """(condition, reference) of the conditions that were measured."""
    return [(condition, data.conditions[0]) for condition in data.conditions[1:]]


def _pair_tests(model: CellMeans, *, windows: FloatArray, kind: str, confidence: float) -> list[NamedTest]:
    """The difference between the conditions of each pair in the weighted windows."""
    tests, size = [], size_of(model.data.rows)
    for pair in _pairs(model.data):
        name = _contrast_name(model.data, pair=pair, windows=windows, kind=kind)
        row = NamedTest(contrast=name, kind=kind, pair=pair, test=None, size=size)
        weights = model.weights(condition=pair[0], windows=windows) - model.weights(condition=pair[1], windows=windows)
        n = model.data.n_complete(pair=pair)
        if n < MIN_PARTICIPANTS:
            reason = f"{n} participants have {model.data.measure} under both conditions; a contrast needs at least {MIN_PARTICIPANTS}"
            tests.append(replace(row, status="too_few_participants", reason=reason))
        else:
            tests.append(_tested(row, model=model, weights=weights, confidence=confidence))
    return tests


def _condition_tests(model: CellMeans, *, windows: FloatArray, confidence: float) -> list[NamedTest]:
    """The change within each condition."""
    tests = []
    for condition in model.data.conditions:
        size = size_of(model.data.rows[model.data.rows["condition"] == condition])
        row = NamedTest(contrast=f"{condition}: {model.data.active} change", kind="condition", pair=None, test=None, size=size)
        weights = model.weights(condition=condition, windows=windows)
        tests.append(_tested(row, model=model, weights=weights, confidence=confidence))
    return tests


def _tested(row: NamedTest, *, model: CellMeans, weights: FloatArray, confidence: float) -> NamedTest:
    """The row with its Kenward-Roger test, or with the reason why the data do not support one."""
    try:
        test = contrast_test(model.fit, weights=weights, confidence=confidence)
    except DataError as error:
        return replace(row, status="not_estimable", reason=str(error))
    if test.df < MIN_DEGREES_OF_FREEDOM:
        return replace(row, status="not_estimable", reason="the data are too few: less than one degree of freedom is left for the error")
    return replace(row, test=test, reason=model.note)


def _contrast_name(data: MeasureData, *, pair: Pair, windows: FloatArray, kind: str) -> str:
    """How the contrast is called in tables."""
    if kind == "main":
        return main_contrast(pair, change=bool(np.any(windows < 0)), active=data.active)
    if kind == "baseline":
        return f"{pair_name(pair)}: {'rest' if data.active == 'task' else 'baseline'}"
    window = data.windows.iloc[int(np.argmax(windows))]
    return f"{pair_name(pair)}: window {round(window['start_s'])} to {round(window['stop_s'])} s"

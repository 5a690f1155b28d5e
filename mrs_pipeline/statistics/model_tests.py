"""One contrast of an analysis as a row of a table, and the contrasts of a fitted model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.comparisons import Comparison, pair_name
from mrs_pipeline.statistics.crossover_model import CellMeans, window_weights
from mrs_pipeline.statistics.design import MeasureData, Size, size_of
from mrs_pipeline.statistics.effect_size import EffectSize, partial_eta_squared, standardised_difference
from mrs_pipeline.statistics.inference import FTestResult, TestResult, contrast_test, f_test

Pair = tuple[str, str]

#: Fewer leave an interval that says nothing.
MIN_DEGREES_OF_FREEDOM = 0.999

#: What a slope over the infusion is given per.
TREND_UNIT, TREND_UNIT_S = "/min", 60.0


@dataclass(frozen=True, kw_only=True)
class NamedTest:
    """One contrast.

    ``kind`` is its family (main, baseline, window, condition, trend, time), ``pair`` (condition, reference) if it compares two. ``test``
    is None if this contrast alone could not be answered, with ``status`` and ``reason`` saying why. ``per`` follows the unit of a measure.
    ``p_adjusted`` is given by analyses that adjust for their family themselves.
    """

    contrast: str
    kind: str
    pair: Pair | None
    test: TestResult | FTestResult | None
    size: Size
    status: str = "ok"
    reason: str = ""
    effect: EffectSize | None = None
    per: str = ""
    p_adjusted: float | None = None

    @property
    def comparison(self) -> str:
        """Name of what is compared."""
        return self.contrast.rpartition(":")[0]


def main_contrast(pair: Pair, *, change: bool, active: str = "infusion") -> str:
    """Name of the main contrast of a pair of conditions; `active` is what is compared with the baseline, such as task with rest."""
    return main_name(pair_name(pair), change=change, active=active)


def main_name(comparison: str, *, change: bool, active: str = "infusion") -> str:
    """Name of the main contrast of a comparison."""
    return f"{comparison}: {active} {'change' if change else 'mean'}"


def model_tests(model: CellMeans, *, confidence: float) -> list[NamedTest]:
    """Every contrast of a model with session terms: change, baseline, each condition, each window, trend and condition by time."""
    data = model.data
    infusion, baseline = window_weights(data, phase="infusion"), window_weights(data, phase="baseline")
    tests = comparison_tests(model, windows=infusion - baseline, kind="main", confidence=confidence)
    if data.has_baseline and len(data.conditions) > 1:
        tests += comparison_tests(model, windows=baseline, kind="baseline", confidence=confidence)
        tests += _condition_tests(model, windows=infusion - baseline, confidence=confidence)
    during = np.eye(len(infusion))[infusion > 0]
    for single in during:
        tests += comparison_tests(model, windows=single - baseline, kind="window", confidence=confidence)
    if len(during) > 1:
        tests += comparison_tests(model, windows=trend_weights(data), kind="trend", confidence=confidence)
        tests += _time_tests(model, windows=during[1:] - during[0], confidence=confidence)
    return tests


def trend_weights(data: MeasureData) -> FloatArray:
    """Slope of the least-squares line through the infusion windows over the times of their middles, per minute; shape (n_windows,)."""
    middle = ((data.windows["start_s"] + data.windows["stop_s"]) / 2).to_numpy(dtype=float) / TREND_UNIT_S
    during = (data.windows["phase"] == "infusion").to_numpy(dtype=float)
    centred = during * (middle - np.sum(middle * during) / during.sum())
    return np.asarray(centred / np.sum(centred**2))


def comparison_tests(model: CellMeans, *, windows: FloatArray, kind: str, confidence: float) -> list[NamedTest]:
    """Every comparison in the weighted windows (n_windows,)."""
    tests = []
    for comparison in model.data.comparisons:
        row = _row(
            model, comparison=comparison, contrast=contrast_name(model.data, name=comparison.name, windows=windows, kind=kind), kind=kind
        )
        if row.status == "ok":
            weights = model.contrast(comparison, windows=windows)
            row = _tested(row, model=model, comparison=comparison, weights=weights, confidence=confidence)
        tests.append(row)
    return tests


def _row(model: CellMeans, *, comparison: Comparison, contrast: str, kind: str) -> NamedTest:
    """A contrast without its test: what it is called, how much data it has, and whether they are too few."""
    row = NamedTest(
        contrast=contrast,
        kind=kind,
        pair=comparison.pair,
        test=None,
        size=model.data.size,
        per=TREND_UNIT if kind == "trend" else "",
    )
    shortage = model.data.shortage(comparison)
    return replace(row, status="too_few_participants", reason=shortage) if shortage else row


def _condition_tests(model: CellMeans, *, windows: FloatArray, confidence: float) -> list[NamedTest]:
    """The change within each condition."""
    tests, data = [], model.data
    for condition in data.conditions:
        size = size_of(data.rows[data.rows["condition"] == condition])
        row = NamedTest(contrast=main_name(condition, change=True, active=data.active), kind="condition", pair=None, test=None, size=size)
        alone = Comparison(name=condition, weights={condition: 1.0})
        weights = model.contrast(alone, windows=windows)
        tests.append(_tested(row, model=model, comparison=alone, weights=weights, confidence=confidence))
    return tests


def _time_tests(model: CellMeans, *, windows: FloatArray, confidence: float) -> list[NamedTest]:
    """F tests of differences between infusion windows, ``windows`` (n_differences, n_windows): by comparison, and of all conditions."""
    tests = []
    for name, rows in _joint_weights(model, windows=windows):
        row = NamedTest(contrast=f"{name}: {model.data.active} by window", kind="time", pair=None, test=None, size=model.data.size)
        tests.append(_jointly_tested(row, model=model, weights=rows, confidence=confidence))
    return tests


def _joint_weights(model: CellMeans, *, windows: FloatArray) -> Iterator[tuple[str, FloatArray]]:
    """Name and weights (n_contrasts, n_fixed) of each joint test."""
    data = model.data
    answerable = [comparison for comparison in data.comparisons if not data.shortage(comparison)]
    for comparison in answerable:
        yield comparison.name, np.array([model.contrast(comparison, windows=row) for row in windows])
    pairs = [comparison for comparison in answerable if comparison.pair]
    if len(pairs) > 1:
        yield "all conditions", np.array([model.contrast(pair, windows=row) for pair in pairs for row in windows])


def _jointly_tested(row: NamedTest, *, model: CellMeans, weights: FloatArray, confidence: float) -> NamedTest:
    """The row with its F test, or with the reason why the data do not support one."""
    try:
        test = f_test(model.fit, weights=weights, method=model.data.model.degrees_of_freedom)
    except DataError as error:
        return replace(row, status="not_estimable", reason=str(error))
    return replace(row, test=test, reason=model.note, effect=partial_eta_squared(test, confidence=confidence))


def _tested(row: NamedTest, *, model: CellMeans, comparison: Comparison, weights: FloatArray, confidence: float) -> NamedTest:
    """The row with its small-sample test, or with the reason why the data do not support one."""
    try:
        test = contrast_test(model.fit, weights=weights, method=model.data.model.degrees_of_freedom, confidence=confidence)
    except DataError as error:
        return replace(row, status="not_estimable", reason=str(error))
    if test.df < MIN_DEGREES_OF_FREEDOM:
        return replace(row, status="not_estimable", reason="the data are too few: less than one degree of freedom is left for the error")
    return with_effect(replace(row, test=test, reason=model.note), data=model.data, comparison=comparison, confidence=confidence)


def with_effect(row: NamedTest, *, data: MeasureData, comparison: Comparison, confidence: float) -> NamedTest:
    """The row with its standardised difference: d_z of participants who are their own control, d_s between groups."""
    if not isinstance(row.test, TestResult):
        return row
    sizes = data.group_sizes(comparison)
    if len(sizes) == 1:
        return replace(row, effect=standardised_difference(row.test, per_root=sizes[0] ** -0.5, kind="d_z", confidence=confidence))
    if data.design != "parallel":
        return row
    weights = comparison.over(comparison.conditions)
    per_root = float(np.sqrt(np.sum(weights**2 / np.array(sizes))))
    return replace(row, effect=standardised_difference(row.test, per_root=per_root, kind="d_s", confidence=confidence))


def contrast_name(data: MeasureData, *, name: str, windows: FloatArray, kind: str) -> str:
    """How the contrast is called in tables."""
    if kind == "main":
        return main_name(name, change=bool(np.any(windows < 0)), active=data.active)
    if kind == "baseline":
        return f"{name}: {'rest' if data.active == 'task' else 'baseline'}"
    if kind == "trend":
        return f"{name}: {data.active} trend"
    window = data.windows.iloc[int(np.argmax(windows))]
    return f"{name}: window {round(window['start_s'])} to {round(window['stop_s'])} s"

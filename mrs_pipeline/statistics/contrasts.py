"""The table of contrasts of a study and the time courses behind it."""

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.crossover_model import CellMeans, fit_session_model, window_weights
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, active_name, checked_measures, measure_data, size_of
from mrs_pipeline.statistics.inference import FTestResult, contrast_test
from mrs_pipeline.statistics.model_tests import NamedTest, main_name
from mrs_pipeline.statistics.multiplicity import adjusted
from mrs_pipeline.statistics.options import SCALES, Options, options_from

COLUMNS = (
    *("analysis", "measure", "contrast", "estimate", "unit", "se", "df", "ci_low", "ci_high", "p", "p_adjusted"),
    *("statistic", "df_numerator", "effect", "effect_size", "effect_low", "effect_high"),
    *("n_participants", "n_sessions", "n_windows", "status", "reason"),
)
MARGINAL_COLUMNS = ("condition", "window_start_s", "window_stop_s", "estimate", "ci_low", "ci_high")
#: Family of contrasts whose p stays as it is.
UNADJUSTED = "none"
NUMBERS = ("estimate", "se", "df", "ci_low", "ci_high", "p", "statistic", "df_numerator", "effect_size", "effect_low", "effect_high")


def contrast_table(measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> pd.DataFrame:
    """Every contrast of every measure under every analysis of the ``statistics`` section; columns `COLUMNS`.

    Estimates on the log scale are 100 x the difference of logarithms, in %. ``p_adjusted``: the primary measure's main contrast keeps
    its own p; the main contrasts of the other measures are one family per analysis, as are each further kind of contrast over the
    measures; the windows of one measure and pair of conditions are a family of their own, adjusted by max-T in the analysis max_t.
    What cannot be answered is a row whose status and reason say why, with missing numbers. Joint (F) tests have no estimate.
    `DataError` for a table that contradicts its design, `ConfigError` for the section.
    """
    options = options_from(statistics, analyses=ANALYSES)
    checked = checked_measures(measures, options=options)
    prepared = {measure: _prepared(checked, measure=measure, options=options) for measure in options.measures}
    rows = [
        row
        for name in options.analyses
        for measure, data in prepared.items()
        for row in _rows(checked, name=name, measure=measure, data=data, options=options)
    ]
    table = pd.DataFrame(rows)
    table["p_adjusted"] = _adjusted(table, method=options.adjustment)
    return table[list(COLUMNS)]


def marginal_means(measures: pd.DataFrame, *, statistics: Mapping[str, Any], measure: str) -> pd.DataFrame:
    """Change from baseline in every window of every condition from the session-aware model; columns `MARGINAL_COLUMNS`.

    Units as in `contrast_table`; without baseline windows the level itself. One row per condition and window, with the baseline
    windows about their mean; no row where the model cannot be fitted, missing limits where there is
    no standard error.
    """
    options = options_from(statistics, analyses=ANALYSES)
    checked = checked_measures(measures, options=options)
    try:
        model = fit_session_model(measure_data(checked, measure=measure, options=options))
    except UnanswerableError:
        return pd.DataFrame(columns=list(MARGINAL_COLUMNS))
    cells = product(model.data.conditions, range(len(model.data.windows)))
    rows = [_marginal_row(model, condition, position, options) for condition, position in cells]
    return pd.DataFrame(rows, columns=list(MARGINAL_COLUMNS))


def _marginal_row(model: CellMeans, condition: str, position: int, options: Options) -> dict[str, object]:
    """One condition in one window against the mean of the baseline windows."""
    single = np.eye(len(model.data.windows))[position] - window_weights(model.data, phase="baseline")
    window = model.data.windows.iloc[position]
    row = {"condition": condition, "window_start_s": window["start_s"], "window_stop_s": window["stop_s"]}
    if not np.any(single):  # the only baseline window is its own reference
        return {**row, "estimate": 0.0, "ci_low": 0.0, "ci_high": 0.0}
    weights = model.weights(condition=condition, windows=single)
    try:
        test = contrast_test(model.fit, weights=weights, method=options.model.degrees_of_freedom, confidence=options.confidence)
    except DataError:
        return {**row, "estimate": float(weights @ model.fit.beta), "ci_low": np.nan, "ci_high": np.nan}
    return {**row, "estimate": test.estimate, "ci_low": test.ci_low, "ci_high": test.ci_high}


def _prepared(checked: pd.DataFrame, *, measure: str, options: Options) -> MeasureData | UnanswerableError:
    """The data of a measure, or why there are none."""
    try:
        return measure_data(checked, measure=measure, options=options)
    except UnanswerableError as error:
        return error


def _rows(
    checked: pd.DataFrame, *, name: str, measure: str, data: MeasureData | UnanswerableError, options: Options
) -> list[dict[str, object]]:
    """Rows of one analysis of one measure."""
    if isinstance(data, UnanswerableError):
        return _status_rows(checked, name, measure, options=options, error=data)
    try:
        settings = {key: getattr(options, key) for key in ANALYSES[name].settings}
        tests = ANALYSES[name].function(data, confidence=options.confidence, **settings)
    except UnanswerableError as error:
        return _status_rows(checked, name, measure, options=options, error=error)
    rows = [{"analysis": name, "measure": measure, **_test_columns(test, data=data)} for test in tests]
    return [_with_family(row, test=test, options=options) for row, test in zip(rows, tests, strict=True)]


def _test_columns(test: NamedTest, *, data: MeasureData) -> dict[str, object]:
    """The numbers of one contrast and the words that go with them."""
    reason = "; ".join(part for part in (test.reason, *data.notes) if part)
    words = {"contrast": test.contrast, "unit": f"{data.unit}{test.per}", "status": test.status, "reason": reason}
    return {**words, **dict.fromkeys(NUMBERS, np.nan), "effect": None, **_numbers(test), **vars(test.size)}


def _numbers(test: NamedTest) -> dict[str, object]:
    """What a t test or an F test has of `NUMBERS`, and the effect size with its kind."""
    found: dict[str, object] = {}
    if isinstance(test.test, FTestResult):
        found = {"statistic": test.test.f, "df_numerator": test.test.df_numerator, "df": test.test.df_denominator, "p": test.test.p}
    elif test.test is not None:
        found = {column: getattr(test.test, column) for column in ("estimate", "se", "df", "ci_low", "ci_high", "p")}
        found["statistic"] = test.test.t
    if test.effect is None:
        return found
    effect = test.effect
    return {**found, "effect": effect.kind, "effect_size": effect.value, "effect_low": effect.low, "effect_high": effect.high}


def _with_family(row: dict[str, object], *, test: NamedTest, options: Options) -> dict[str, object]:
    """The row with the name of the family in which its p is adjusted."""
    measure = str(row["measure"])
    family = f"{row['analysis']} {test.kind}"
    if test.kind == "main" and options.is_primary(measure=measure, comparison=test.comparison):
        family = UNADJUSTED
    if test.kind == "window":
        family = f"{family} {measure} {test.comparison}"
    if test.p_adjusted is not None:
        return {**row, "family": UNADJUSTED, "adjusted_by_analysis": test.p_adjusted}
    return {**row, "family": family}


def _status_rows(checked: pd.DataFrame, name: str, measure: str, *, options: Options, error: UnanswerableError) -> list[dict[str, object]]:
    """One row per pair of conditions whose main contrast could not be answered."""
    rows = checked[checked["measure"] == measure]
    change = ANALYSES[name].uses_baseline and bool((checked["phase"] == "baseline").any())
    size = size_of(rows[rows["value"].notna()])
    common = {"analysis": name, "measure": measure, "unit": SCALES[options.scale_of(measure)], **vars(size), "status": error.status}
    missing = dict.fromkeys(NUMBERS, np.nan)
    contrasts = [main_name(comparison.name, change=change, active=active_name(checked)) for comparison in options.comparisons()]
    return [{**common, **missing, "effect": None, "contrast": name, "reason": str(error), "family": UNADJUSTED} for name in contrasts]


def _adjusted(table: pd.DataFrame, *, method: str) -> pd.Series:
    """P adjusted within each family, or by the analysis itself; the p as it is where there is neither."""
    result = table["p"].astype(float).copy()
    for family, members in table.groupby("family").groups.items():
        if family != UNADJUSTED:
            result.loc[members] = adjusted(table.loc[members, "p"].to_numpy(dtype=float), method=method)
    if "adjusted_by_analysis" in table:
        result = table["adjusted_by_analysis"].astype(float).fillna(result)
    return result

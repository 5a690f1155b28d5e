"""Negative controls: the primary analysis where there should be nothing to find.

A control that finds nothing does not show that there is no bias: its interval says how large a bias it would have missed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.design import MIN_PARTICIPANTS, MeasureData, UnanswerableError, checked_measures, measure_data, size_of
from mrs_pipeline.statistics.inference import TestResult, t_test
from mrs_pipeline.statistics.model_tests import NamedTest
from mrs_pipeline.statistics.options import Options, options_from

CONTROL_COLUMNS = (
    *("control", "analysis", "measure", "contrast", "estimate", "unit", "se", "df", "ci_low", "ci_high", "p"),
    *("n_participants", "n_sessions", "n_windows", "status", "sentence"),
)

#: Columns of the table of fit quality that serve as outcomes -> scale on which they are analysed, unit, and what they are called.
QUALITY_OUTCOMES: dict[str, tuple[str, str, str]] = {
    "fwhm_hz": ("raw", "Hz", "the linewidth"),
    "snr": ("log_percent", "%", "the signal-to-noise ratio"),
    "shift_hz": ("raw", "Hz", "the frequency"),
}

#: A measure that need not be in the table, since others give it: numerator, denominator.
DERIVED = {"tCr/tNAA": ("tCr", "tNAA")}


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """A control as it was answered: ``subject`` and ``finding`` go into its sentence."""

    measure: str
    contrast: str
    unit: str
    test: NamedTest
    subject: str
    analysis: str


def control_table(
    measures: pd.DataFrame, *, statistics: Mapping[str, Any], controls: Sequence[str], fitquality: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Every control, by the names of the ``controls`` list: pseudo_onset, split_half, a measure, or a column of `QUALITY_OUTCOMES`.

    ``statistics`` is the section with its primary contrast; each control is one row, for the first pair of conditions. A control that
    the data cannot answer is a row that says why.
    """
    options = options_from(statistics, analyses=ANALYSES)
    rows: list[dict[str, object]] = []
    for name in controls:
        function: Callable[..., _Answer] = BASELINE_CONTROLS.get(name, _outcome)
        try:
            answer = function(measures, options=options, name=name, fitquality=fitquality)
        except UnanswerableError as error:
            rows.append({"control": name, "status": error.status, "sentence": f"Not answered: {error}."})
            continue
        rows.append(_row(name, answer, confidence=options.confidence))
    return pd.DataFrame(rows, columns=list(CONTROL_COLUMNS))


def pseudo_onset(measures: pd.DataFrame, *, options: Options, **_: object) -> _Answer:
    """The primary analysis within the baseline, as if the infusion had begun in its middle."""
    data = _two_halves(measures, options=options)
    test = _primary_test(data, options=options)
    return _Answer(
        measure=data.measure,
        contrast=f"{test.comparison}: second half of the baseline less the first",
        unit=data.unit,
        test=test,
        subject=f"the change of {data.measure} within the baseline, before the infusion",
        analysis=_analysis(options),
    )


def split_half(measures: pd.DataFrame, *, options: Options, **_: object) -> _Answer:
    """Second half of the baseline less the first in all conditions together: one mean per participant, one-sample t test."""
    data = _two_halves(measures, options=options)
    means = data.rows.pivot_table(index=["participant", "condition"], columns="phase", values="y", aggfunc="mean").dropna()
    change = (means["infusion"] - means["baseline"]).groupby("participant").mean()
    if len(change) < MIN_PARTICIPANTS or np.ptp(change) == 0:
        raise UnanswerableError("too_few_participants", f"{len(change)} participants have both halves of the baseline of {data.measure}")
    se = float(change.std(ddof=1) / np.sqrt(len(change)))
    test = t_test(estimate=float(change.mean()), se=se, df=len(change) - 1.0, confidence=options.confidence)
    contrast = "second half of the baseline less the first, all conditions"
    return _Answer(
        measure=data.measure,
        contrast=contrast,
        unit=data.unit,
        test=NamedTest(contrast=contrast, kind="main", pair=None, test=test, size=size_of(data.rows)),
        subject=f"{data.measure} in the baseline of all conditions together",
        analysis="one_sample_t",
    )


#: Controls that need two or more baseline windows, by name; every other name is an outcome.
BASELINE_CONTROLS: dict[str, Callable[..., _Answer]] = {"pseudo_onset": pseudo_onset, "split_half": split_half}

#: Names of controls that are not measures of the table.
OWN_CONTROLS = (*BASELINE_CONTROLS, *QUALITY_OUTCOMES, *DERIVED)


def _outcome(measures: pd.DataFrame, *, options: Options, name: str, fitquality: pd.DataFrame | None) -> _Answer:
    """The primary contrast of an outcome that should not move."""
    scale, unit, text = QUALITY_OUTCOMES.get(name, (options.scale_of(name), "", name))
    table = _with_outcome(measures, name=name, fitquality=fitquality)
    changed = replace(options, measures=(name,), scale={name: scale}, primary=None)
    data = measure_data(checked_measures(table, options=changed), measure=name, options=changed)
    test = _primary_test(data, options=options)
    return _Answer(
        measure=name,
        contrast=test.contrast,
        unit=unit or data.unit,
        test=test,
        subject=f"{text} ({test.contrast})",
        analysis=_analysis(options),
    )


def _with_outcome(measures: pd.DataFrame, *, name: str, fitquality: pd.DataFrame | None) -> pd.DataFrame:
    """A table of measures that holds the outcome: as it is, from other measures, or from the table of fit quality."""
    if name in set(measures["measure"]):
        return measures
    keys = ["participant", "session", "window"]
    if name in DERIVED:
        above, below = (measures[measures["measure"] == part].set_index(keys) for part in DERIVED[name])
        return above.assign(value=above["value"] / below["value"], sd=np.nan, measure=name).reset_index()
    if name not in QUALITY_OUTCOMES:
        raise UnanswerableError("no_data", f"there is no value of {name} in the table of measures")
    if fitquality is None or name not in fitquality:
        raise UnanswerableError("no_data", f"there is no table of fit quality with the column {name}")
    windows = measures.drop_duplicates(keys).drop(columns=["value", "sd", name], errors="ignore")
    failed = fitquality["status"] != "ok" if "status" in fitquality else fitquality[name].isna()
    found = fitquality[keys].assign(value=fitquality[name].mask(failed), sd=np.nan)
    return windows.merge(found, on=keys, how="left").assign(measure=name)


def _two_halves(measures: pd.DataFrame, *, options: Options) -> MeasureData:
    """The primary measure of the baseline windows, the earlier ones as baseline, the later ones as infusion."""
    name = options.primary["measure"] if options.primary else options.measures[0]
    checked = checked_measures(measures, options=options)
    rows = checked[(checked["phase"] == "baseline") & (checked["measure"] == name)]
    starts = rows.groupby("window")["window_start_s"].median().sort_values()
    if len(starts) < 2:
        what = "the baseline is one window" if len(starts) else "there is no baseline window"
        raise UnanswerableError("one_baseline_window", f"{what}, and this control needs two or more (shorter windows: baseline)")
    later = starts.index[len(starts) // 2 :]
    halves = rows.assign(phase=np.where(rows["window"].isin(later), "infusion", "baseline"))
    halves.attrs = checked.attrs
    return measure_data(halves, measure=name, options=options)


def _analysis(options: Options) -> str:
    return options.primary["analysis"] if options.primary else options.analyses[0]


def _primary_test(data: MeasureData, *, options: Options) -> NamedTest:
    """The main contrast of the first pair of conditions by the primary analysis."""
    analysis = ANALYSES[_analysis(options)]
    settings = {name: getattr(options, name) for name in analysis.settings}
    test = analysis.function(data, confidence=options.confidence, **settings)[0]
    if test.test is None:
        raise UnanswerableError(test.status, test.reason)
    return test


def _row(name: str, answer: _Answer, *, confidence: float) -> dict[str, object]:
    found = answer.test.test
    assert isinstance(found, TestResult)
    numbers = {key: getattr(found, key) for key in ("estimate", "se", "df", "ci_low", "ci_high", "p")}
    return {
        "control": name,
        "analysis": answer.analysis,
        "measure": answer.measure,
        "contrast": answer.contrast,
        "unit": answer.unit,
        **numbers,
        **vars(answer.test.size),
        "status": "ok",
        "sentence": _sentence(answer, test=found, confidence=confidence),
    }


def _sentence(answer: _Answer, *, test: TestResult, confidence: float) -> str:
    """What the control says and what it does not."""
    unit = answer.unit if answer.unit != "measure unit" else ""
    if not (np.isfinite(test.ci_low) and np.isfinite(test.ci_high)):
        return f"No interval could be given for {answer.subject}: nothing is shown either way."
    limits = f"{_text(test.ci_low)} to {_text(test.ci_high)} {unit}".strip()
    if test.ci_low <= 0 <= test.ci_high:
        return (
            f"No sign of a bias in {answer.subject}: the {100 * confidence:g} % interval, {limits}, holds 0, "
            "but a bias within it may have been missed."
        )
    return (
        f"A change where none was expected, in {answer.subject}: {100 * confidence:g} % interval {limits}. What causes it may act on the "
        f"primary contrast too; {100 * (1 - confidence):.2g} % of such intervals leave out 0 by chance."
    )


def _text(value: float) -> str:
    """A number with two digits that count."""
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.0f}"

"""The verdict on linewidth: how far a change of the width of lines reaches into the contrasts, in words."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mrs_pipeline.report.contents import GroupReport, records
from mrs_pipeline.report.wording import decimals_for, is_failed, number, percent

#: Measure under which the table has the linewidth itself.
WIDTH = "fwhm_hz"
#: What the fit does about the linewidth, as the table has it -> how the page calls it.
TREATMENTS: dict[str, str] = {"none": "held", "matching": "matched", "modelling": "modelled", "joint": "modelled, in one fit"}
#: Contrasts that differ by more than this many standard errors of the contrast are called different.
TOLERANCE = 1.0


@dataclass(frozen=True, kw_only=True)
class Shift:
    """By how much a contrast moves when the linewidth is not modelled: estimate, interval, and in standard errors of the contrast."""

    estimate: float
    ci_low: float
    ci_high: float
    in_se: float
    unit: str

    @property
    def matters(self) -> bool:
        """Whether it is beyond `TOLERANCE`."""
        return self.in_se > TOLERANCE


def row_of(
    table: pd.DataFrame, *, measure: str, contrast: str, linewidth: str = "modelling", compared: bool = False
) -> Mapping[str, Any] | None:
    """The row of a measure and contrast by what was done about the linewidth (`compared`: less the modelled one), if it was estimated."""
    apart = table["compared_with"] != ""
    chosen = (table["measure"] == measure) & (table["contrast"] == contrast) & (table["linewidth"] == linewidth) & (apart == compared)
    found = [row for row in records(table[chosen]) if not is_failed(row["status"]) and math.isfinite(row["estimate"])]
    return found[0] if found else None


def shift_of(table: pd.DataFrame, *, measure: str, contrast: str, linewidth: str) -> Shift | None:
    """How far a contrast lies from that with the linewidth modelled; None where either is unknown."""
    modelled = row_of(table, measure=measure, contrast=contrast)
    apart = row_of(table, measure=measure, contrast=contrast, linewidth=linewidth, compared=True)
    if modelled is None or apart is None:
        return None
    in_se = abs(apart["estimate"]) / modelled["se"] if modelled["se"] > 0 else float("nan")
    numbers = {key: float(apart[key]) for key in ("estimate", "ci_low", "ci_high")}
    return Shift(**numbers, in_se=in_se, unit=str(apart["unit"]))


def verdict(report: GroupReport) -> list[str]:
    """Sentences: what the linewidth did, what a fit that holds it makes of the primary contrast, and whether the remedies agree."""
    measure, contrast = report.primary.get("measure", ""), report.primary.get("contrast", "")
    found = [
        _widths(report, contrast=contrast),
        _held(report.linewidth, measure=measure, contrast=contrast),
        _remedies(report.linewidth, measure=measure, contrast=contrast),
    ]
    return [sentence for sentence in found if sentence]


def _widths(report: GroupReport, *, contrast: str) -> str:
    rows = report.linewidth[(report.linewidth["measure"] == WIDTH) & (report.linewidth["contrast"] != contrast)]
    names = {row["contrast"]: str(row["contrast"]).rsplit(":", 1) for row in records(rows)}
    parts = [
        _width_change(row, where=f"under {names[row['contrast']][0]}")
        for row in records(rows)
        if names[row["contrast"]][0] in report.conditions and math.isfinite(row["estimate"])
    ]
    if not parts:
        return ""
    active = "task" if any(name[-1].strip().startswith("task") for name in names.values()) else "infusion"
    apart = row_of(report.linewidth, measure=WIDTH, contrast=contrast)
    between = f"; the difference {contrast.split(':', maxsplit=1)[0]} is {_amount(apart)}" if apart else ""
    for text in (" Hz broader", " Hz narrower"):
        if all(text in part for part in parts):
            parts = [parts[0], *(part.removeprefix("lines became ") for part in parts[1:])]
    return f"During the {active} {' and '.join(parts)}{between} ({percent(report.confidence)} intervals in brackets)."


def _width_change(row: Mapping[str, Any], *, where: str) -> str:
    low, high = float(row["ci_low"]), float(row["ci_high"])
    if not (low > 0.0 or high < 0.0):
        return f"the linewidth {where} changed by {_amount(row)}"
    size = {key: abs(float(row[key])) for key in ("estimate", "ci_low", "ci_high")}
    decimals = decimals_for(float(row["se"]))
    ends = sorted((size["ci_low"], size["ci_high"]))
    limits = " to ".join(number(end, decimals=decimals) for end in ends)
    return f"lines became {number(size['estimate'], decimals=decimals)} Hz {'broader' if low > 0.0 else 'narrower'} ({limits}) {where}"


def _amount(row: Mapping[str, Any]) -> str:
    decimals = decimals_for((float(row["ci_high"]) - float(row["ci_low"])) / 4.0)
    estimate, low, high = (number(float(row[key]), decimals=decimals) for key in ("estimate", "ci_low", "ci_high"))
    return f"{estimate} {row['unit']} ({low} to {high})"


def _held(table: pd.DataFrame, *, measure: str, contrast: str) -> str:
    shift = shift_of(table, measure=measure, contrast=contrast, linewidth="none")
    if shift is None:
        return ""
    return f"A fit that holds the linewidth moves the contrast of {measure} by {_amount(vars(shift))}, {_in_errors(shift)}."


def _in_errors(shift: Shift) -> str:
    return f"{number(shift.in_se, decimals=1 if shift.in_se >= 0.095 else 2)} standard errors of the contrast"


def _remedies(table: pd.DataFrame, *, measure: str, contrast: str) -> str:
    named = {"modelling": "the linewidth modelled", "matching": "windows matched", "joint": "all windows in one fit"}
    rows = {name: row_of(table, measure=measure, contrast=contrast, linewidth=name) for name in named}
    there = [f"{_amount(row)} with {named[name]}" for name, row in rows.items() if row]
    if not there:
        return ""
    text = f"The contrast of {measure} is {', '.join(there)}"
    shift = shift_of(table, measure=measure, contrast=contrast, linewidth="matching")
    if shift is None:
        return f"{text}."
    size = f"{number(abs(shift.estimate), decimals=decimals_for((shift.ci_high - shift.ci_low) / 4.0))} {shift.unit}, {_in_errors(shift)}"
    return f"{text}: matching and modelling {f'differ by {size}' if shift.matters else f'agree within {size}'}."


def linewidth_warnings(report: GroupReport) -> list[tuple[str, bool]]:
    """Statements on contrasts that hang on the linewidth, each with whether it is about the primary measure."""
    contrast, primary = report.primary.get("contrast", ""), report.primary.get("measure", "")
    found = []
    for measure in dict.fromkeys(report.linewidth["measure"]):
        for name, text in (("none", _HELD), ("matching", _DISAGREE)):
            shift = shift_of(report.linewidth, measure=measure, contrast=contrast, linewidth=name)
            if shift and shift.matters:
                found.append((text.format(measure=measure, size=_amount(vars(shift)), errors=_in_errors(shift)), measure == primary))
    return found


_HELD = (
    "The contrast of {measure} hangs on how the linewidth is treated: a fit that holds it differs from one that models it by {size}, "
    "{errors}."
)
_DISAGREE = (
    "Matching and modelling the linewidth disagree about the contrast of {measure}, by {size}, {errors}: find out why before believing "
    "either."
)

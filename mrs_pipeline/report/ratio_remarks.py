"""Whether more of a ratio's change comes from its denominator: statements on a study and on a session."""

import numpy as np

from mrs_pipeline.report.contents import GroupReport, SessionReport, records
from mrs_pipeline.report.ratio_parts import RatioParts, change_within, parts_of
from mrs_pipeline.report.wording import decimals_for, is_failed, is_primary, number

#: A change of the ratio or denominator within a session counts beyond this many standard errors.
CLEAR = 2.0


def of_study(report: GroupReport) -> list[tuple[str, bool]]:
    """A statement where the contrast of the denominator is larger than that of the numerator, and beyond its standard error.

    With whether it bears on the conclusion: the interval of the ratio's contrast leaves out 0.
    """
    primary = report.primary
    parts = parts_of(report.measures, measure=primary.get("measure", ""), amplitudes=report.amplitudes)
    rows = [row for row in records(report.contrasts) if not is_failed(row["status"]) and row["unit"] == "%"]
    found = {row["measure"]: row for row in rows if is_primary(row, {**primary, "measure": str(row["measure"])})}
    if parts is None or not set(parts.names) <= set(found):
        return []
    above, below, ratio = (found[name] for name in parts.names)
    if not (abs(below["estimate"]) > abs(above["estimate"]) and abs(below["estimate"]) > below["se"]):
        return []
    texts = [f"{row['measure']} {_percent(row['estimate'], row['se'])}" for row in (above, below, ratio)]
    return [(_sentence(parts, texts, where=f"the contrast {primary.get('contrast', '')}"), not ratio["ci_low"] <= 0.0 <= ratio["ci_high"])]


def of_session(report: SessionReport) -> list[str]:
    """A statement where the ratio changes in the session, and its denominator by more than its numerator."""
    measure = next(iter(report.measures["measure"]), "")
    parts = parts_of(report.measures, measure=measure, amplitudes=report.amplitudes)
    if parts is None:
        return []
    above, below, ratio = (change_within(name, measures=report.measures, amplitudes=report.amplitudes) for name in parts.names)
    clear = [np.isfinite(item.percent) and abs(item.percent) > CLEAR * item.sd for item in (below, ratio)]
    if not all(clear) or not abs(below.percent) > abs(above.percent):
        return []
    texts = [f"{item.name} {_percent(item.percent, item.sd)}" for item in (above, below, ratio)]
    return [_sentence(parts, texts, where="the change of this session")]


def _sentence(parts: RatioParts, texts: list[str], *, where: str) -> str:
    return (
        f"More of {where} of {parts.ratio} comes from its denominator: {', '.join(texts)} (standard errors in brackets). "
        f"An effect on {parts.denominator} is not one on {parts.numerator}."
    )


def _percent(estimate: float, se: float) -> str:
    decimals = decimals_for(se)
    return f"{number(estimate, decimals=decimals)} % ({number(se, decimals=decimals)})"

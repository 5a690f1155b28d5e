"""Numbers and statuses in words: formats, and what is said about the primary result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mrs_pipeline.report.contents import records

MINUS = "−"
NOTHING = "–"
_OK = ("ok", "good", "pass", "passed", "converged", "kept", "included", "complete")
_WARNING = ("warn", "caution", "partial", "suspect")


def number(value: object, *, decimals: int | None = None) -> str:
    """A number for reading: true minus sign, a dash for a missing one; without ``decimals`` about three significant digits."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        return NOTHING
    if decimals is None:
        decimals = 0 if value == 0 or float(value).is_integer() else max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 8)}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def decimals_for(se: float) -> int:
    """Decimals that show two significant digits of a standard error."""
    if not math.isfinite(se) or se <= 0:
        return 2
    return min(6, max(0, 1 - math.floor(math.log10(se))))


def p_value(p: float) -> str:
    """A P value as journals print it: '0.033', '0.41', '<0.001'."""
    if not math.isfinite(p):
        return NOTHING
    if p < 0.001:
        return "<0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def is_ok(status: str) -> bool:
    """Whether a status is one of success; no status counts as success."""
    return status.strip().lower() in ("", *_OK)


def is_failed(status: str) -> bool:
    """Whether a status says that there is no usable result: anything that is neither ok nor named a warning."""
    return not is_ok(status) and not status.strip().lower().startswith(_WARNING)


def level(status: str) -> str:
    """How a status is coloured: ok, failed or warning; nothing for none."""
    if not status.strip():
        return ""
    if is_failed(status):
        return "failed"
    return "ok" if is_ok(status) else "warning"


def is_primary(row: Mapping[str, object], primary: Mapping[str, str]) -> bool:
    """Whether a row of the contrasts table is the named primary result; never without a name."""
    named = {key: primary[key] for key in ("analysis", "measure", "contrast") if primary.get(key)}
    return "measure" in named and all(row.get(key) == value for key, value in named.items())


#: Status of the one row in the table of contrasts of a study that has no conditions.
NOTHING_TO_CONTRAST = "nothing_to_contrast"


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The first thing on a group page: what it is about, one sentence with the numbers, one on how to read them."""

    topic: str
    sentence: str
    reading: str = ""
    found: bool = False


def percent(confidence: float) -> str:
    """A confidence as the name of an interval: '95 %'."""
    return f"{100.0 * confidence:g} %"


def headline(contrasts: pd.DataFrame, *, primary: Mapping[str, str], confidence: float = 0.95) -> Headline:
    """Sentences on the primary result, or on why there is none."""
    if contrasts.empty:
        return Headline(topic="No contrast", sentence="There is nothing to contrast: the table of contrasts is empty.")
    if set(contrasts["status"]) == {NOTHING_TO_CONTRAST}:
        return Headline(topic="No contrast", sentence=f"There is nothing to contrast: {contrasts['reason'].iloc[0]}.")
    rows = [row for row in records(contrasts) if is_primary(row, primary)]
    if not primary.get("measure"):
        return Headline(
            topic="No primary result", sentence="The study names no primary analysis; all contrasts below are of equal standing."
        )
    topic = "Primary result: " + ", ".join(primary[key] for key in ("measure", "contrast", "analysis") if primary.get(key))
    if not rows:
        return Headline(topic=topic, sentence="The primary result named by the study is not among the contrasts below.")
    row = rows[0]
    if is_failed(str(row["status"])) or not math.isfinite(float(row["estimate"])):
        why = f": {row['reason']}" if row["reason"] else ""
        return Headline(topic=topic, sentence=f"The primary contrast could not be estimated{why}.")
    return Headline(topic=topic, sentence=_estimate_sentence(row, confidence=confidence), reading=_reading(row), found=True)


def _estimate_sentence(row: Mapping[str, object], *, confidence: float) -> str:
    decimals = decimals_for(_float(row["se"]))
    estimate, low, high = (number(row[key], decimals=decimals) for key in ("estimate", "ci_low", "ci_high"))
    details = [f"{percent(confidence)} interval {low} to {high}"]
    if math.isfinite(_float(row["p"])):
        text = p_value(_float(row["p"]))
        details.append(f"P {text[0]} {text[1:]}" if text.startswith("<") else f"P = {text}")
    if math.isfinite(_float(row["df"])):
        details.append(f"{number(row['df'], decimals=1)} degrees of freedom")
    subject = f"The contrast {row['contrast']} in {row['measure']}"
    return f"{subject} is estimated at {_with_unit(estimate, row)} ({', '.join(details)}){_sizes(row)}."


def _sizes(row: Mapping[str, object]) -> str:
    names = (("n_participants", "participants"), ("n_sessions", "sessions"), ("n_windows", "windows"))
    sizes = [f"{number(row[key], decimals=0)} {name}" for key, name in names if math.isfinite(_float(row[key]))]
    return f", from {', '.join(sizes)}" if sizes else ""


def _reading(row: Mapping[str, object]) -> str:
    low, high = _float(row["ci_low"]), _float(row["ci_high"])
    if not (math.isfinite(low) and math.isfinite(high)):
        return "No interval is given, so nothing can be said about which values the data are compatible with."
    decimals = decimals_for(_float(row["se"]))
    span = f"{number(low, decimals=decimals)} to {_with_unit(number(high, decimals=decimals), row)}"
    if low <= 0.0 <= high:
        return f"The data are compatible with no difference, and with differences anywhere from {span}."
    return f"The data are compatible with differences from {span}; zero lies outside this interval."


def _with_unit(text: str, row: Mapping[str, object]) -> str:
    unit = str(row["unit"])
    return f"{text} {unit}" if unit and unit != "1" else text


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")

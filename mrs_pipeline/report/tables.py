"""Result tables as the pages show them: cells of text, with the exact number kept beside a rounded one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.quantification.pairs import NAMED_PAIRS
from mrs_pipeline.report import changes, confounds
from mrs_pipeline.report.contents import GroupReport, SessionReport, as_text, records
from mrs_pipeline.report.wording import NOTHING, decimals_for, is_failed, is_primary, level, number, p_value, percent


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Text of a cell; ``value`` is the exact number behind it, ``level`` (ok, warning, failed) colours a status, ``link`` a page."""

    text: str
    value: str = ""
    level: str = ""
    numeric: bool = False
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """A table of a page: headers, rows of cells, rows that are marked, and what is said when there is no row."""

    name: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    marked: frozenset[int] = field(default_factory=frozenset)
    empty: str = "There is nothing in this table."


def compact(table: PageTable, *, leave_out: Sequence[str] = ()) -> PageTable:
    """The table without the columns left out and those that hold nothing in any row."""
    columns = [n for n, header in enumerate(table.headers) if header not in leave_out]
    kept = [n for n in columns if not table.rows or any(row[n].text != NOTHING for row in table.rows)]
    return replace(table, headers=[table.headers[n] for n in kept], rows=[[row[n] for n in kept] for row in table.rows])


def text_cell(value: object) -> Cell:
    """A cell of text; a dash for nothing."""
    return Cell(text=as_text(value) or NOTHING)


def number_cell(value: object, *, decimals: int | None = None, text: str | None = None) -> Cell:
    """A cell with a number; the exact value stays beside it."""
    finite = isinstance(value, (int, float)) and bool(np.isfinite(value))
    exact = repr(float(value)) if finite and isinstance(value, (int, float)) else ""
    return Cell(text=number(value, decimals=decimals) if text is None else text, value=exact, numeric=True)


def status_cell(status: str) -> Cell:
    """A cell with a status and its colour."""
    return Cell(text=status or NOTHING, level=level(status))


def contrasts_table(contrasts: pd.DataFrame, *, primary: Mapping[str, str], name: str = "Contrasts", confidence: float = 0.95) -> PageTable:
    """Contrasts as they come, the primary one marked; no column names the contrast where there is only one."""
    found = records(contrasts)
    limits = (f"{percent(confidence)} low", f"{percent(confidence)} high")
    headers = ("Measure", "Contrast", "Analysis", "Estimate", *limits, "Unit", "P", "P adjusted", "Status")
    table = PageTable(
        name=name,
        headers=(*headers, "SE", "df", "Participants", "Sessions", "Windows", "Reason"),
        rows=[_contrast_cells(row) for row in found],
        marked=frozenset(n for n, row in enumerate(found) if is_primary(row, primary)),
        empty="There are no contrasts: a contrast needs sessions in two conditions, or windows before and after 0 s.",
    )
    return compact(table, leave_out=("Contrast",) if contrasts["contrast"].nunique() == 1 else ())


def _contrast_cells(row: Mapping[str, Any]) -> list[Cell]:
    se = row["se"]
    decimals = decimals_for(float(se))
    texts = [text_cell(row[key]) for key in ("measure", "contrast", "analysis")]
    limits = [number_cell(row[key], decimals=decimals) for key in ("estimate", "ci_low", "ci_high")]
    p_values = [number_cell(row[key], text=p_value(float(row[key]))) for key in ("p", "p_adjusted")]
    sizes = [number_cell(row[key], decimals=0) for key in ("n_participants", "n_sessions", "n_windows")]
    spread = [number_cell(se, decimals=decimals), number_cell(row["df"], decimals=1)]
    return [*texts, *limits, text_cell(row["unit"]), *p_values, status_cell(row["status"]), *spread, *sizes, text_cell(row["reason"])]


def confounds_table(rows: pd.DataFrame, *, conditions: Sequence[str]) -> PageTable:
    """Mean and interval of what could imitate an effect, by condition and as paired difference."""
    summary = records(confounds.confound_summary(rows, conditions=conditions))
    cells = [
        [text_cell(row["confound"]), text_cell(row["group"] or "no condition"), number_cell(row["n"], decimals=0), *_mean_cells(row)]
        for row in summary
        if row["n"]
    ]
    empty = "The tables hold no linewidth, SNR, drift or rejection of any session."
    return PageTable(
        name="Possible confounds", headers=("Quantity", "Condition", "n", "Mean", "95 % low", "95 % high"), rows=cells, empty=empty
    )


def _mean_cells(row: Mapping[str, Any], *, keys: Sequence[str] = ("mean", "ci_low", "ci_high")) -> list[Cell]:
    return [number_cell(row[key], decimals=2) for key in keys]


def sessions_table(report: GroupReport, *, rows: pd.DataFrame) -> PageTable:
    """Every session with its quality and status; ``rows`` from `session_confounds`."""
    extra = ["period", "status", "reason", "has_reference"]
    named = report.sessions[[*changes.SESSION, *extra]].drop_duplicates(subset=changes.SESSION)
    counts = confounds.session_counts(report).drop(columns="rejected_percent").drop_duplicates(subset=changes.SESSION)
    whole = rows.merge(named, on=changes.SESSION, how="left").merge(counts, on=changes.SESSION, how="left")
    whole = whole.merge(_fit_summary(report.fitquality), on=changes.SESSION, how="left")
    headers = ("Participant", "Session", "Condition", "Period", "Status", "Transients", "Rejected (%)", "Windows fitted")
    table = PageTable(
        name="Quality of sessions",
        headers=(*headers, "Linewidth (Hz)", "SNR", "Linewidth change (Hz)", "Drift (Hz)", "Water reference", "Reason"),
        rows=[_linked(_session_cells(row), row, pages=report.session_pages) for row in records(whole)],
        empty="No table names a session.",
    )
    return compact(table)


def _linked(cells: list[Cell], row: Mapping[str, Any], *, pages: Mapping[tuple[str, str], str]) -> list[Cell]:
    """The cells with a link to the session's own page on its participant, where there is one."""
    link = pages.get((as_text(row["participant"]), as_text(row["session"])), "")
    return [replace(cells[0], link=link), *cells[1:]]


def _fit_summary(fitquality: pd.DataFrame) -> pd.DataFrame:
    rows = fitquality.assign(fitted=[not is_failed(status) for status in fitquality["status"]])
    names = {"fitted": ("fitted", "sum"), "n_windows": ("window", "size"), "fwhm_hz": ("fwhm_hz", "median"), "snr": ("snr", "median")}
    return rows.groupby(changes.SESSION, as_index=False).agg(**names)


def _session_cells(row: Mapping[str, Any]) -> list[Cell]:
    texts = [text_cell(row[key]) for key in ("participant", "session", "condition", "period")]
    windows = f"{number(row['fitted'], decimals=0)} of {number(row['n_windows'], decimals=0)}"
    windows = NOTHING if NOTHING in windows else windows
    numbers = [number_cell(row["fwhm_hz"], decimals=1), number_cell(row["snr"], decimals=0)]
    numbers += [number_cell(row[key], decimals=2) for key in ("fwhm_change_hz", "drift_hz")]
    transients = [
        number_cell(row["n_transients"], decimals=0),
        number_cell(row["rejected_percent"], decimals=1),
        Cell(text=windows, numeric=True),
    ]
    reference = Cell(text={True: "yes", False: "no"}.get(row["has_reference"], NOTHING))
    return [*texts, status_cell(as_text(row["status"])), *transients, *numbers, reference, text_cell(row["reason"])]


def means_table(report: GroupReport, *, measure: str) -> PageTable:
    """Windows of one measure by condition: time, participants, mean value, mean change with interval."""
    rows = changes.session_changes(report.measures, measure=measure)
    values = changes.condition_means(rows, value="value")
    change = changes.condition_means(rows, value="change_percent")
    times = rows.groupby(["condition", "window"], as_index=False)[["window_start_s", "window_stop_s"]].mean()
    keys = ["condition", "window"]
    whole = values[[*keys, "minutes", "n", "estimate"]].merge(times, on=keys)
    whole = whole.merge(change[[*keys, "estimate", "ci_low", "ci_high"]], on=keys, how="left", suffixes=("", "_change"))
    order = changes.condition_order(whole["condition"], conditions=report.conditions)
    whole = whole.assign(place=whole["condition"].map(order.index)).sort_values(["minutes", "place"], kind="stable")
    return PageTable(
        name=f"Windows of {measure}",
        headers=("Window", "From (min)", "To (min)", "Condition", "Participants", "Mean", "Mean change (%)", "95 % low", "95 % high"),
        rows=[_window_cells(row) for row in records(whole)],
        empty="No window of this measure has a value.",
    )


def _window_cells(row: Mapping[str, Any]) -> list[Cell]:
    start, stop = (number_cell(float(row[key]) / 60.0, decimals=1) for key in ("window_start_s", "window_stop_s"))
    mean = [number_cell(row["n"], decimals=0), number_cell(row["estimate"])]
    change = _mean_cells(row, keys=("estimate_change", "ci_low", "ci_high"))
    return [text_cell(row["window"]), start, stop, text_cell(row["condition"] or "no condition"), *mean, *change]


def every_window_table(report: GroupReport, *, measure: str) -> PageTable:
    """Every window of every session: value of the measure and quality of its fit."""
    keys = [*changes.SESSION, "window"]
    rows = report.measures[report.measures["measure"] == measure]
    quality = report.fitquality[[*keys, "snr", "fwhm_hz", "status", "reason"]]
    whole = rows.merge(quality, on=keys, how="outer", sort=False).sort_values([*changes.SESSION, "window_start_s"], kind="stable")
    table = PageTable(
        name="Every window",
        headers=(
            "Participant",
            "Session",
            "Condition",
            "Window",
            "From (min)",
            "To (min)",
            measure,
            "SD",
            "SNR",
            "Linewidth (Hz)",
            "Status",
            "Reason",
        ),
        rows=[_every_window_cells(row) for row in records(whole)],
        empty="No table names a window.",
    )
    return compact(table)


def _every_window_cells(row: Mapping[str, Any]) -> list[Cell]:
    texts = [text_cell(row[key]) for key in ("participant", "session", "condition", "window")]
    times = [number_cell(float(row[key]) / 60.0, decimals=1) for key in ("window_start_s", "window_stop_s")]
    numbers = [
        number_cell(row["value"]),
        number_cell(row["sd"]),
        number_cell(row["snr"], decimals=0),
        number_cell(row["fwhm_hz"], decimals=1),
    ]
    return [*texts, *times, *numbers, status_cell(as_text(row["status"])), text_cell(row["reason"])]


def plain_table(
    table: pd.DataFrame, *, name: str, leave_out: Iterable[str] = (), empty: str = "There is nothing in this table."
) -> PageTable:
    """A result table as it is, without the columns left out and those that hold nothing; the other columns keep their names."""
    hidden = set(leave_out)
    columns = [c for c in table.columns if c not in hidden and any(as_text(value) for value in table[c])]
    rows = [
        [_plain_cell(column, value) for column, value in zip(columns, row, strict=True)] for row in table[columns].itertuples(index=False)
    ]
    return PageTable(name=name, headers=[str(c).replace("_", " ") for c in columns], rows=rows, empty=empty)


def _plain_cell(column: str, value: object) -> Cell:
    if column == "status":
        return status_cell(as_text(value))
    numeric = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    return number_cell(float(str(value))) if numeric else text_cell(value)


def correlations_table(report: SessionReport) -> PageTable:
    """Correlations of the pairs that are hardest to tell apart, one row a window."""
    named = {frozenset(pair): " and ".join(pair) for pair in NAMED_PAIRS}
    members = report.correlations[["metabolite", "metabolite_2"]].itertuples(index=False, name=None)
    rows = report.correlations.assign(pair=[named.get(frozenset(pair), "") for pair in members])
    wide = rows[rows["pair"] != ""].pivot_table(index="window", columns="pair", values="correlation", sort=False)
    cells = [
        [text_cell(window), *(number_cell(float(value), decimals=2) for value in values)]
        for window, values in zip(wide.index, wide.to_numpy(), strict=True)
    ]
    return PageTable(name="Correlations of fitted amplitudes", headers=("Window", *wide.columns), rows=cells)


def rejections_table(report: SessionReport) -> PageTable:
    """How many transients were rejected for which reason."""
    rows = report.transients[changes.rejected(report.transients)]
    counts = rows["reason"].where(rows["reason"] != "", "no reason given").value_counts().sort_index()
    cells = [[text_cell(reason), number_cell(int(n), decimals=0)] for reason, n in counts.items()]
    empty = f"None of {len(report.transients)} transients was rejected." if len(report.transients) else "There is no table of transients."
    return PageTable(name="Rejected transients", headers=("Reason", "Transients"), rows=cells, empty=empty)


def flat(settings: Mapping[str, object], *, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted key, text) pairs, in their order; lists of plain values on one line."""
    pairs: list[tuple[str, str]] = []
    for key, value in settings.items():
        pairs += _flat_value(f"{prefix}{key}", value)
    return pairs


def _flat_value(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return flat(value, prefix=f"{name}.")
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (Mapping, list, tuple)) for item in value):
            return [pair for n, item in enumerate(value, start=1) for pair in _flat_value(f"{name}[{n}]", item)]
        return [(name, ", ".join(as_text(item) for item in value) or NOTHING)]
    if isinstance(value, np.ndarray):
        return _flat_value(name, value.tolist())
    return [(name, NOTHING if isinstance(value, Mapping) else as_text(value) or NOTHING)]

"""The panel of a group page on linewidth: a figure of contrasts by what the fit does about it, and the tables behind."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mrs_pipeline.report import drawing
from mrs_pipeline.report.contents import GroupReport, records
from mrs_pipeline.report.linewidth import TREATMENTS, WIDTH, row_of
from mrs_pipeline.report.tables import Cell, PageTable, compact, number_cell, status_cell, text_cell
from mrs_pipeline.report.wording import decimals_for, is_failed, p_value, percent

#: Colour and marker of each way to treat the linewidth.
LOOKS: dict[str, tuple[str, str]] = {
    "none": (drawing.VERMILION, "s"),
    "matching": (drawing.GREEN, "^"),
    "modelling": (drawing.BLUE, "o"),
    "joint": (drawing.BLACK, "D"),
}
#: Contrasts drawn beside each other; a table has the others.
MOST_PANELS = 3


def linewidth_figure(report: GroupReport) -> str:
    """SVG: contrasts with intervals, a row per measure, a mark per treatment of the linewidth; a panel per contrast."""
    table = report.linewidth
    rows = table[(table["measure"] != WIDTH) & (table["compared_with"] == "") & np.isfinite(table["estimate"])]
    if rows.empty:
        return drawing.notice("No contrast was computed by more than one treatment of the linewidth.")
    rows = rows[rows["unit"] == rows["unit"].mode().iloc[0]]
    contrasts = contrast_order(report)[:MOST_PANELS]
    measures = list(dict.fromkeys(rows["measure"]))
    with drawing.style():
        figure = drawing.new_figure(height_in=1.1 + 0.52 * len(measures))
        grid = figure.subplots(1, len(contrasts), sharey=True, squeeze=False)[0]
        for axes, contrast in zip(grid, contrasts, strict=True):
            _draw_panel(axes, rows[rows["contrast"] == contrast], measures=measures)
            axes.set_title(contrast.replace(": ", ":\n"), fontsize=9)
            axes.set_xlabel(f"estimate ({rows['unit'].iloc[0]})", fontsize=9)
        grid[0].set_yticks(range(len(measures)), [drawing.short(name, n_letters=18) for name in measures])
        grid[0].set_ylim(len(measures) - 0.5, -0.5)
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), columnspacing=1.2)
        return drawing.svg(figure, label=f"Contrasts of {', '.join(measures)} with the linewidth {', '.join(labels)}")


def contrast_order(report: GroupReport) -> list[str]:
    """Contrasts of the table with the primary one first."""
    there = list(dict.fromkeys(report.linewidth["contrast"]))
    return sorted(there, key=lambda name: name != report.primary.get("contrast"))


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, measures: Sequence[str]) -> None:
    axes.axvline(0.0, color=drawing.GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    there = [name for name in LOOKS if (rows["linewidth"] == name).any()]
    for number, name in enumerate(there):
        colour, marker = LOOKS[name]
        chosen = rows[rows["linewidth"] == name]
        places = chosen["measure"].map(measures.index).to_numpy(float) + 0.17 * (number - (len(there) - 1) / 2)
        axes.hlines(places, chosen["ci_low"], chosen["ci_high"], color=colour, linewidth=1.5, zorder=3)
        style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 5.0, "markeredgecolor": "white", "linestyle": "none"}
        axes.plot(chosen["estimate"], places, label=TREATMENTS[name], zorder=4, **style)
    axes.tick_params(axis="y", length=0)


def linewidth_table(report: GroupReport, *, main: bool) -> PageTable:
    """Contrasts by treatment with their difference from the modelled one; `main`: the primary contrast, else all others."""
    table, contrast = report.linewidth, report.primary.get("contrast", "")
    rows = table[(table["compared_with"] == "") & (table["linewidth"] != "") & ((table["contrast"] == contrast) == main)]
    limits = [f"{percent(report.confidence)} {end}" for end in ("low", "high")]
    shown = PageTable(
        name="Contrasts by treatment of the linewidth" if main else "Other contrasts by treatment of the linewidth",
        headers=(
            *("Measure", "Contrast", "Linewidth", "Estimate", *limits, "Unit", "P", "Less modelled", *limits),
            *("Status", "Reason"),
        ),
        rows=[_cells(row, apart=_apart(table, row)) for row in records(rows)],
        marked=frozenset(n for n, row in enumerate(records(rows)) if main and row["measure"] == report.primary.get("measure")),
        empty="No contrast was computed by more than one treatment of the linewidth.",
    )
    needless = {"Contrast": main, "Status": all(not is_failed(status) for status in rows["status"])}
    return compact(shown, leave_out=[header for header, left_out in needless.items() if left_out])


def _apart(table: pd.DataFrame, row: Mapping[str, Any]) -> Mapping[str, Any]:
    found = row_of(table, measure=row["measure"], contrast=row["contrast"], linewidth=row["linewidth"], compared=True)
    return found or dict.fromkeys(("estimate", "ci_low", "ci_high", "se"), float("nan"))


def _cells(row: Mapping[str, Any], *, apart: Mapping[str, Any]) -> list[Cell]:
    measure = "linewidth" if row["measure"] == WIDTH else row["measure"]
    texts = [text_cell(measure), text_cell(row["contrast"]), text_cell(TREATMENTS.get(row["linewidth"], row["linewidth"]))]
    own, between = (
        [number_cell(of[key], decimals=decimals_for(of["se"])) for key in ("estimate", "ci_low", "ci_high")] for of in (row, apart)
    )
    ending = [status_cell(row["status"]), text_cell(row["reason"] if is_failed(row["status"]) else "")]
    return [*texts, *own, text_cell(row["unit"]), number_cell(row["p"], text=p_value(row["p"])), *between, *ending]

"""The figures of results: time course, forest of contrasts, pairs of participants. Tables in, SVG strings out."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mrs_pipeline.report import changes, drawing
from mrs_pipeline.report.contents import normalised, records
from mrs_pipeline.report.courses import draw_course, mark_infusion, minutes_axis, quality_course
from mrs_pipeline.report.spectra import spectrum_fit
from mrs_pipeline.report.transients import transients_overview
from mrs_pipeline.report.wording import is_failed, is_primary

_NO_CHANGE = "No session has both a baseline and a later window of {measure}."

__all__ = [
    "contrast_forest",
    "participant_pairs",
    "quality_course",
    "spectrum_fit",
    "strip_panels",
    "time_course",
    "transients_overview",
]


def time_course(
    measures: pd.DataFrame,
    *,
    measure: str,
    marginal_means: pd.DataFrame | None = None,
    conditions: Sequence[str] = (),
    infusion_stop_s: float | None = None,
    moving: pd.DataFrame | None = None,
) -> str:
    """SVG: change from baseline (%) of a measure over the windows, sessions thin, conditions as mean with 95 % interval.

    ``moving`` (as `contents.TABLES` has it) are overlapping windows of the one session there is, drawn as a faint line.

    ``marginal_means`` (condition, window_start_s, window_stop_s, estimate, ci_low, ci_high in per cent of baseline; measure if
    there are several) replaces the plain means. Raises `DataError` if a table lacks a column.
    """
    rows = changes.session_changes(measures, measure=measure).dropna(subset=["change_percent", "minutes"])
    if rows.empty:
        return drawing.notice(_NO_CHANGE.format(measure=measure or "any measure"))
    reference, _ = changes.phase_names(rows)
    means = _model_means(marginal_means, rows=rows, measure=measure)
    if means.empty:
        means = changes.condition_means(rows, value="change_percent")
    order = changes.condition_order(rows["condition"], conditions=conditions)
    with drawing.style():
        figure = drawing.new_figure(height_in=3.7)
        axes = figure.subplots()
        axes.axhline(0.0, color=drawing.GREY, linewidth=0.8, zorder=1)
        draw_course(axes, rows, value="change_percent", means=means, conditions=order)
        if moving is not None and len(moving):
            faint = changes.moving_changes(moving, changes=rows, measure=measure)
            axes.plot(
                faint["minutes"], faint["change_percent"], color=drawing.GREY, linewidth=0.9, alpha=0.6, zorder=2, label="moving mean"
            )
        mark_infusion(axes, rows, infusion_stop_s=infusion_stop_s)
        axes.set_ylabel(f"change of {drawing.short(measure, n_letters=20)} (% of {reference})")
        minutes_axis(axes, infusion_stop_s=infusion_stop_s)
        drawing.legend_above(axes)
        return drawing.svg(
            figure, label=f"Change of {measure} from {reference} over time for {', '.join(map(drawing.condition_label, order))}"
        )


def _model_means(marginal_means: pd.DataFrame | None, *, rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    if marginal_means is None or marginal_means.empty:
        return pd.DataFrame()
    means = normalised(marginal_means, name="marginal_means")
    means = means[means["measure"].isin([measure, ""])]
    means = means[means["condition"].isin(rows["condition"])]
    return changes.with_minutes(means).dropna(subset=["minutes", "estimate"]).sort_values("minutes", kind="stable")


def participant_pairs(measures: pd.DataFrame, *, measure: str, conditions: Sequence[str] = ()) -> str:
    """SVG: each participant's mean change during infusion (%) in every condition, joined by a line, with condition means."""
    each = changes.session_changes(measures, measure=measure)
    reference, active = changes.phase_names(each)
    rows = changes.infusion_means(each)
    if rows.empty:
        return drawing.notice(_NO_CHANGE.format(measure=measure or "any measure"))
    order = changes.condition_order(rows["condition"], conditions=conditions)
    with drawing.style():
        figure = drawing.new_figure(height_in=3.4, width_in=min(drawing.WIDTH_IN, 1.8 + 1.3 * len(order)))
        axes = figure.subplots()
        axes.axhline(0.0, color=drawing.GREY, linewidth=0.8, zorder=1)
        _draw_strip(axes, rows, value="change_percent", conditions=order)
        axes.set_ylabel(f"mean change of {drawing.short(measure, n_letters=24)}\nduring {active} (% of {reference})")
        return drawing.svg(figure, label=f"Mean change of {measure} during {active} of each participant by condition")


def _draw_strip(axes: Axes, rows: pd.DataFrame, *, value: str, conditions: Sequence[str]) -> None:
    """Participants as points joined over the conditions, and each condition's mean with 95 % interval beside them."""
    people = rows.dropna(subset=[value]).groupby(["participant", "condition"])[value].mean().unstack().reindex(columns=list(conditions))
    places = np.arange(len(conditions), dtype=float)
    for values in people.to_numpy(float):
        there = np.isfinite(values)
        axes.plot(places[there], values[there], color=drawing.GREY, linewidth=0.6, alpha=0.45, zorder=2)
    looks = drawing.condition_looks(conditions)
    for place, condition in zip(places, conditions, strict=True):
        colour, marker = looks[condition]
        column = people[condition].dropna()
        drawing.dots(axes, np.full(len(column), place), column, colour=colour, size_pt=3.6)
        n, mean, low, high = changes.mean_interval(column)
        side = place - 0.16 if place == 0.0 else place + 0.16
        if n > 1:
            axes.plot([side, side], [low, high], color=colour, linewidth=1.6, zorder=4)
        axes.plot([side], [mean], color=colour, marker=marker, markersize=6.5, markeredgecolor="white", zorder=5)
    axes.set_xticks(places, [drawing.short(drawing.condition_label(c), n_letters=18) for c in conditions])
    axes.set_xlim(-0.5, len(conditions) - 0.5)


def strip_panels(rows: pd.DataFrame, *, panels: Mapping[str, str], conditions: Sequence[str] = (), label: str) -> str:
    """SVG: several columns of a table of sessions by condition, one small panel each (column -> axis text), two in a row."""
    shown = {column: text for column, text in panels.items() if column in rows and rows[column].notna().any()}
    if not shown:
        return drawing.notice("The tables hold none of this.")
    order = changes.condition_order(rows["condition"], conditions=conditions)
    n_rows = (len(shown) + 1) // 2
    with drawing.style():
        figure = drawing.new_figure(height_in=2.35 * n_rows)
        grid = figure.subplots(n_rows, 2, squeeze=False)
        for axes, (column, text) in zip(grid.flat, shown.items(), strict=False):
            _draw_strip(axes, rows, value=column, conditions=order)
            axes.set_ylabel(text)
        for axes in list(grid.flat)[len(shown) :]:
            axes.set_axis_off()
        return drawing.svg(figure, label=label)


def contrast_forest(contrasts: pd.DataFrame, *, primary: Mapping[str, str] | None = None, contrast: str | None = None) -> str:
    """SVG: estimates with their intervals, a row per measure and analysis; the primary result on top and marked.

    ``primary`` gives analysis, measure and contrast. Rows name their contrast if there are several; with
    ``contrast`` those of another contrast only have an asterisk. Results in different
    units stand in panels of their own; one that could not be estimated keeps its row and says so. Joint tests have no estimate and no row.
    """
    rows = normalised(contrasts, name="contrasts")
    rows = rows[np.isfinite(rows["estimate"]) | rows["status"].map(is_failed)]
    if rows.empty:
        return drawing.notice("There are no contrasts to show.")
    only = rows["contrast"].iloc[0] if rows["contrast"].nunique() == 1 else ""
    contrast = contrast or only
    rows = _forest_order(rows, primary=primary or {})
    units = list(dict.fromkeys(rows["unit"]))
    sizes = [int((rows["unit"] == unit).sum()) for unit in units]
    with drawing.style():
        figure = drawing.new_figure(height_in=0.3 + sum(0.55 + 0.24 * n for n in sizes))
        grid = figure.subplots(len(units), 1, squeeze=False, height_ratios=[n + 1.5 for n in sizes])
        for axes, unit in zip(grid[:, 0], units, strict=True):
            _draw_forest(axes, rows[rows["unit"] == unit], unit=unit, contrast=contrast)
        return drawing.svg(figure, label=f"Estimates with intervals of {len(rows)} contrasts")


def _forest_order(rows: pd.DataFrame, *, primary: Mapping[str, str]) -> pd.DataFrame:
    """Primary first, then its measure in other analyses, then its analysis, then the rest as they come in the table."""
    first = [is_primary(row, primary) for row in records(rows)]
    same_measure = rows["measure"] == primary.get("measure")
    rank = np.select([first, same_measure, rows["analysis"] == primary.get("analysis")], [0, 1, 2], default=3)
    measures = list(dict.fromkeys(rows["measure"]))
    place = rows["measure"].map(measures.index)
    return rows.assign(primary=first, rank=rank, place=place, one_measure=len(measures) == 1).sort_values(["rank", "place"], kind="stable")


def _draw_forest(axes: Axes, rows: pd.DataFrame, *, unit: str, contrast: str) -> None:
    axes.axvline(0.0, color=drawing.GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    names = []
    for place, row in enumerate(records(rows)):
        colour = drawing.VERMILION if row["primary"] else drawing.BLUE
        names.append(_forest_name(row, contrast=contrast))
        if row["primary"]:
            axes.axhspan(place - 0.5, place + 0.5, color=drawing.INFUSION_SHADE, zorder=0, linewidth=0)
        if is_failed(row["status"]) or not np.isfinite(row["estimate"]):
            where = axes.get_yaxis_transform()
            axes.text(0.5, place, "not estimated", transform=where, va="center", ha="center", color=drawing.GREY, fontsize=8.5)
            continue
        axes.plot([row["ci_low"], row["ci_high"]], [place, place], color=colour, linewidth=1.8, zorder=3)
        marker, size = ("D", 6.5) if row["primary"] else ("o", 5.0)
        axes.plot([row["estimate"]], [place], color=colour, marker=marker, markersize=size, markeredgecolor="white", zorder=4)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"estimate ({unit})" if unit else "estimate")


def _forest_name(row: Mapping[str, object], *, contrast: str) -> str:
    name = f"{row['measure']} · {row['analysis']}"
    if not contrast:
        name = f"{row['contrast']} · {row['analysis']}" if row["one_measure"] else f"{name} · {row['contrast']}"
    elif row["contrast"] != contrast:
        name += " *"
    return drawing.short(f"primary: {name}" if row["primary"] else name, n_letters=60)

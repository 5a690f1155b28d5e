"""Curves over the windows of a session: thin lines for sessions, means with intervals for conditions, infusion shaded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mrs_pipeline.report import changes, drawing

#: Windows of two conditions are drawn side by side, this fraction of the time between two windows apart.
_DODGE = 0.12


def draw_course(axes: Axes, rows: pd.DataFrame, *, value: str, means: pd.DataFrame, conditions: Sequence[str]) -> None:
    """One line per session and one mean with intervals per condition.

    ``rows`` has participant, session, condition, minutes and the column ``value``; ``means`` as from `condition_means`.
    """
    looks = drawing.condition_looks(conditions)
    for (_, _, condition), session in rows.groupby(["participant", "session", "condition"], sort=True):
        finite = session.dropna(subset=[value, "minutes"]).sort_values("minutes")
        axes.plot(finite["minutes"], finite[value], color=looks[str(condition)][0], linewidth=0.6, alpha=0.3, zorder=2)
    for place, condition in enumerate(conditions):
        _draw_means(
            axes, means[means["condition"] == condition], label=condition, look=looks[condition], place=place - (len(conditions) - 1) / 2
        )


def _draw_means(axes: Axes, means: pd.DataFrame, *, label: str, look: tuple[str, str], place: float) -> None:
    if means.empty:
        return
    colour, marker = look
    x = means["minutes"].to_numpy(float)
    step = float(np.min(np.diff(x))) if len(x) > 1 else 1.0
    x = x + place * _DODGE * step
    y = means["estimate"].to_numpy(float)
    low, high = (np.nan_to_num(np.abs(means[c].to_numpy(float) - y)) for c in ("ci_low", "ci_high"))
    axes.errorbar(x, y, yerr=[low, high], fmt="none", ecolor=colour, elinewidth=1.5, capsize=0, zorder=4)
    text = drawing.condition_label(label)
    axes.plot(x, y, color=colour, marker=marker, markersize=5, markeredgecolor="white", linewidth=1.8, label=text, zorder=5)


def mark_infusion(axes: Axes, rows: pd.DataFrame, *, infusion_stop_s: float | None, named: bool = True) -> None:
    """Limit the axis to the windows, shade the infusion from 0 on (or the blocks of a task), name baseline and infusion along the top edge.

    ``rows`` has window_start_s and window_stop_s; without ``infusion_stop_s`` the shade reaches the last window's end, and 0 means
    that there was no infusion.
    """
    first = float(rows["window_start_s"].min()) / 60.0
    last = float(rows["window_stop_s"].max()) / 60.0
    if not (np.isfinite(first) and np.isfinite(last)):
        return
    stop = last if infusion_stop_s is None else min(last, infusion_stop_s / 60.0)
    for start_s, stop_s in _task_blocks(rows):
        axes.axvspan(start_s / 60.0, stop_s / 60.0, color=drawing.INFUSION_SHADE, zorder=0, linewidth=0)
    margin = 0.03 * (last - first)
    axes.set_xlim(first - margin, last + margin)
    if stop > 0:
        axes.axvspan(0.0, stop, color=drawing.INFUSION_SHADE, zorder=0, linewidth=0)
    if stop > 0 or first < 0:
        axes.axvline(0.0, color=drawing.GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    if not named:
        return
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.09 * (high - low))
    top: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "va": "top", "fontsize": 8.5, "color": drawing.GREY}
    if stop > 0:
        axes.text(0.01 * (last - first), 0.985, "infusion", ha="left", **top)
    if stop > 0 and first < 0:
        axes.text(-0.01 * (last - first), 0.985, "baseline", ha="right", **top)


def _task_blocks(rows: pd.DataFrame) -> list[tuple[float, float]]:
    """(start, stop) of the windows of a block design in which the event was on; none where one window gathers several blocks."""
    if "phase" not in rows or changes.phase_names(rows)[1] != "task":
        return []
    limits = rows[["window_start_s", "window_stop_s", "phase"]].drop_duplicates().sort_values("window_start_s")
    if (limits["window_start_s"].iloc[1:].to_numpy() < limits["window_stop_s"].iloc[:-1].to_numpy() - 1e-6).any():
        return []
    task = limits[limits["phase"] == "task"]
    return list(zip(task["window_start_s"], task["window_stop_s"], strict=True))


def minutes_axis(axes: Axes, *, infusion_stop_s: float | None = None) -> None:
    """The name of the time axis."""
    axes.set_xlabel("time (min)" if infusion_stop_s == 0 else "time from start of infusion (min)")


def quality_course(quality: pd.DataFrame, *, conditions: Sequence[str] = (), infusion_stop_s: float | None = None) -> str:
    """SVG: linewidth and SNR of the fitted spectra by window, per session and as mean per condition with 95 % interval.

    ``quality`` has participant, session, condition, window, window_start_s, window_stop_s, fwhm_hz and snr.
    """
    rows = changes.with_minutes(quality)
    panels = [(c, t) for c, t in (("fwhm_hz", "linewidth (Hz)"), ("snr", "SNR")) if rows[c].notna().any()]
    rows = rows.dropna(subset=["minutes"])
    if not panels or rows.empty:
        return drawing.notice("The tables hold no linewidth or SNR of any window.")
    order = changes.condition_order(rows["condition"], conditions=conditions)
    with drawing.style():
        figure = drawing.new_figure(height_in=0.5 + 2.0 * len(panels))
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
        for axes, (column, title) in zip(grid[:, 0], panels, strict=True):
            means = changes.condition_means(rows, value=column)
            draw_course(axes, rows, value=column, means=means, conditions=order)
            mark_infusion(axes, rows, infusion_stop_s=infusion_stop_s, named=axes is grid[0, 0])
            axes.set_ylabel(title)
        drawing.legend_above(grid[0, 0])
        minutes_axis(grid[-1, 0], infusion_stop_s=infusion_stop_s)
        return drawing.svg(figure, label=f"Linewidth and signal-to-noise ratio by window for {len(order)} condition(s)")

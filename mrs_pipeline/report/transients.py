"""The figure of single transients: frequency, phase and amplitude over time, rejected ones marked by reason."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mrs_pipeline.report import changes, drawing
from mrs_pipeline.report.contents import normalised

_REASON_COLOURS = (drawing.VERMILION, drawing.PURPLE, drawing.ORANGE, drawing.GREEN, drawing.BLACK, drawing.SKY)
_REASON_MARKERS = ("x", "^", "s", "D", "v", "P")


def transients_overview(transients: pd.DataFrame, *, infusion_start_s: float | None = None, label: str = "") -> str:
    """SVG: frequency shift (Hz), phase (degrees) and relative amplitude of one session's transients against time.

    Time is the session clock in minutes, or the number of the transient where the clock is unknown. Rejected transients
    have one mark per reason; a dotted line marks the start of each further run, a dashed one that of infusion. Columns
    without values have no panel.
    """
    rows = _drawable(normalised(transients, name="transients"))
    texts = {"frequency_shift_hz": "frequency\nshift (Hz)", "phase_deg": "phase (°)", "relative_amplitude": "amplitude\n(relative)"}
    panels = [(column, text) for column, text in texts.items() if rows[column].notna().any()]
    if not panels:
        return drawing.notice("The tables hold no frequency, phase or amplitude of single transients.", label=label)
    clock = bool(rows["time_s"].notna().any())
    with drawing.style():
        figure = drawing.new_figure(height_in=0.7 + 1.35 * len(panels))
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (column, text) in zip(grid, panels, strict=True):
            _draw_panel(axes, rows, column=column)
            axes.set_ylabel(text)
            if clock and infusion_start_s is not None:
                axes.axvline(infusion_start_s / 60.0, color=drawing.INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        drawing.legend_above(grid[0])
        grid[-1].set_xlabel("time on the session clock (min)" if clock else "transient")
        n_rejected = int(rows["rejected"].sum())
        return drawing.svg(figure, label=label or f"Frequency, phase and amplitude of {len(rows)} transients, {n_rejected} rejected")


def _drawable(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with their place on the time axis, phase in degrees and amplitude relative to the median of those kept."""
    rejected = changes.rejected(rows)
    place = rows["time_s"] / 60.0 if rows["time_s"].notna().any() else rows["transient"]
    usual = rows.loc[~rejected, "amplitude"].median() if rows["amplitude"].notna().any() else float("nan")
    reason = rows["reason"].where(rows["reason"] != "", "no reason given")
    phase = np.degrees(rows["phase_rad"])
    return rows.assign(rejected=rejected, place=place, reason=reason, phase_deg=phase, relative_amplitude=rows["amplitude"] / usual)


def _draw_panel(axes: Axes, rows: pd.DataFrame, *, column: str) -> None:
    kept, out = rows[~rows["rejected"]], rows[rows["rejected"]]
    drawing.dots(axes, kept["place"], kept[column], colour=drawing.BLUE)
    axes.plot([], [], color=drawing.BLUE, marker="o", markersize=3, linestyle="none", label=f"kept ({len(kept)})")
    for n, (reason, group) in enumerate(out.groupby("reason", sort=True)):
        look = n % len(_REASON_COLOURS)
        text = f"rejected: {reason} ({len(group)})"
        axes.plot(
            group["place"],
            group[column],
            color=_REASON_COLOURS[look],
            marker=_REASON_MARKERS[look],
            markersize=4.5,
            linestyle="none",
            label=text,
        )
    starts = rows.groupby("run")["place"].min().sort_values().to_numpy(float)
    for start in starts[1:]:
        axes.axvline(start, color=drawing.GREY, linewidth=0.7, linestyle=(0, (1, 2)), zorder=1)

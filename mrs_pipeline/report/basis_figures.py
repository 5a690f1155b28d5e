"""Drawings of the basis page: one small spectrum a component, and the map of what resembles what."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.report import drawing
from mrs_pipeline.report.wording import number

OUTSIDE_FIT = "#f1f1f1"
#: Similarities from here on are written into their cell.
WRITTEN = 0.5


def component_panel(ppm: FloatArray, values: FloatArray, *, fit_range: tuple[float, float], label: str) -> str:
    """SVG of one component as high as its strongest peak allows, ppm falling from left to right; grey where nothing is fitted."""
    high, low = float(ppm.max()), float(ppm.min())
    with drawing.style():
        figure = drawing.new_figure(height_in=1.15, width_in=2.3)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.015, 0.2, 0.97, 0.79))
        for start, stop in ((low, fit_range[0]), (fit_range[1], high)):
            if stop > start:
                axes.axvspan(start, stop, color=OUTSIDE_FIT, linewidth=0, zorder=0)
        axes.axhline(0.0, color=drawing.PALE, linewidth=0.6, zorder=1)
        axes.plot(ppm, values, color=drawing.BLUE, linewidth=0.9, zorder=3)
        top, bottom = max(float(values.max()), 0.0), min(float(values.min()), 0.0)
        margin = 0.06 * ((top - bottom) or 1.0)
        axes.set(xlim=(high, low), ylim=(bottom - margin, top + margin), yticks=[])
        axes.set_xticks(np.arange(np.ceil(low), np.floor(high) + 0.5))
        axes.tick_params(axis="x", labelsize=7.5, pad=1.5, length=2.5)
        axes.spines["left"].set_visible(False)
        return drawing.svg(figure, label=label)


def similarity_map(alike: FloatArray, *, names: tuple[str, ...], label: str) -> str:
    """SVG: similarity of every pair of components, lower triangle; blue alike, vermilion opposite, the number in cells that matter."""
    n = len(names)
    cell_pt = 0.87 * 72 * drawing.WIDTH_IN / max(n - 1, 1)
    with drawing.style():
        figure = drawing.new_figure(height_in=0.92 * drawing.WIDTH_IN, width_in=drawing.WIDTH_IN)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0.12, 0.11, 0.87, 0.88))
        _draw_cells(axes, alike, font_pt=min(7.0, 0.55 * cell_pt))
        axes.set(xlim=(0, max(n - 1, 1)), ylim=(max(n, 2), 1))
        short, size = [drawing.short(name, n_letters=9) for name in names], min(8.0, 0.75 * cell_pt)
        axes.set_xticks(np.arange(n - 1) + 0.5, short[:-1], rotation=90, fontsize=size)
        axes.set_yticks(np.arange(1, n) + 0.5, short[1:], fontsize=size)
        axes.tick_params(length=0, pad=2)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        return drawing.svg(figure, label=label)


def _draw_cells(axes: Axes, alike: FloatArray, *, font_pt: float) -> None:
    pairs = [(i, j, float(alike[i, j])) for i in range(1, len(alike)) for j in range(i) if np.isfinite(alike[i, j])]
    squares = [[(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)] for i, j, _ in pairs]
    axes.add_collection(PolyCollection(squares, facecolors=[_tint(value) for _, _, value in pairs], edgecolors="white", linewidths=0.6))
    for i, j, value in pairs:
        if abs(value) >= WRITTEN:
            colour = "white" if abs(value) > 0.85 else drawing.INK
            axes.text(j + 0.5, i + 0.52, number(100 * value, decimals=0), ha="center", va="center", color=colour, fontsize=font_pt)


def _tint(value: float) -> tuple[float, ...]:
    """White at 0, the full colour at 1."""
    strength = abs(value)
    full = np.array(to_rgb(drawing.BLUE if value > 0 else drawing.VERMILION))
    return tuple(float(part) for part in 1.0 - strength * (1.0 - full))

"""The spectroscopist's figure: data, fit, baseline, residual and main components on a falling ppm axis."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mrs_pipeline.errors import DataError
from mrs_pipeline.report import drawing

CURVES = ("ppm", "data", "fit", "baseline", "residual")
#: Drawn, in this order, where there are curves of them.
MAIN_COMPONENTS = ("tNAA", "tCr", "tCho", "Glx", "Ins", "MM")


def spectrum_fit(
    curves: pd.DataFrame, *, ppm_range: tuple[float, float] = (0.2, 4.2), components: Sequence[str] | None = None, label: str = ""
) -> str:
    """SVG of one fit: data with fit and baseline, residual above, components below, ppm falling from left to right.

    ``curves`` has real parts: ppm, data, and where there was a fit also fit, baseline, residual and a column per component.
    ``components`` chooses and orders those drawn (default: the main ones, or all if none of the main ones is there).
    Raises `DataError` without ppm or data.
    """
    missing = [name for name in ("ppm", "data") if name not in curves.columns]
    if missing and len(curves):
        raise DataError(f"the curves of a fit have no column '{missing[0]}': give ppm, data, fit, baseline, residual")
    if curves.empty:
        return drawing.notice("There is no spectrum to show.", label=label)
    inside = curves[curves["ppm"].between(*ppm_range)].reset_index(drop=True)
    if not np.isfinite(inside["data"].to_numpy(float)).any():
        return drawing.notice("There is no spectrum to show.", label=label)
    names = _components(inside, wanted=components)
    with drawing.style():
        figure = drawing.new_figure(height_in=3.6 + 0.24 * len(names))
        axes = figure.subplots()
        _draw_curves(axes, inside, components=names)
        axes.set_xlim(ppm_range[1], ppm_range[0])
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("chemical shift (ppm)")
        return drawing.svg(figure, label=label or "Spectrum with fit, baseline, residual and components")


def _components(curves: pd.DataFrame, *, wanted: Sequence[str] | None) -> list[str]:
    """Those wanted, else the main ones, else all there are; only with values."""
    there = [str(c) for c in curves.columns if c not in CURVES and curves[c].notna().any()]
    chosen = [name for name in (MAIN_COMPONENTS if wanted is None else wanted) if name in there]
    return there if wanted is None and not chosen else chosen


def _draw_curves(axes: Axes, curves: pd.DataFrame, *, components: Sequence[str]) -> None:
    """Traces from top to bottom: residual, data with fit and baseline, components; names at the right edge."""
    signal = curves["data"].to_numpy(float)
    fitted = "fit" in curves and bool(curves["fit"].notna().any())
    bottom, top = float(np.nanmin(signal)), float(np.nanmax(signal))
    gap = 0.06 * (top - bottom or 1.0)
    _trace(axes, curves, name="data", colour=drawing.INK, width=1.5)
    if fitted:
        _trace(axes, curves, name="fit", colour=drawing.VERMILION, width=0.8)
        if "baseline" in curves:
            _trace(axes, curves, name="baseline", colour=drawing.BLUE, width=1.2)
    else:
        axes.text(0.02, 0.95, "no fit", transform=axes.transAxes, va="top", color=drawing.GREY)
    if "residual" in curves and fitted and curves["residual"].notna().any():
        offset = top + gap - float(np.nanmin(curves["residual"]))
        axes.axhline(offset, color=drawing.PALE, linewidth=0.8, zorder=1)
        _trace(axes, curves, name="residual", colour=drawing.GREY, width=0.8, offset=offset)
        _edge_name(axes, "residual", height=offset, colour=drawing.GREY)
    height = bottom
    for name in components:
        values = curves[name].to_numpy(float)
        height -= gap + float(np.nanmax(values))
        _trace(axes, curves, name=name, colour=drawing.INK, width=0.9, offset=height)
        _edge_name(axes, name, height=height, colour=drawing.INK)
        height += min(float(np.nanmin(values)), 0.0)
    drawing.legend_above(axes)


def _trace(axes: Axes, curves: pd.DataFrame, *, name: str, colour: str, width: float, offset: float = 0.0) -> None:
    label = name if name in ("data", "fit", "baseline") else None
    axes.plot(curves["ppm"], curves[name].astype(float) + offset, color=colour, linewidth=width, label=label, zorder=3)


def _edge_name(axes: Axes, text: str, *, height: float, colour: str) -> None:
    axes.text(
        1.01, height, drawing.short(text, n_letters=14), transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=colour
    )

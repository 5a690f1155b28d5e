"""The figure of preprocessing: what the steps of one session found, from their records."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mrs_pipeline.report import drawing

Values = Mapping[str, object]


def processing_overview(steps: Sequence[Mapping[str, object]], *, label: str = "Preprocessing of the session") -> str:
    """SVG with one panel a step that has something to show, in the order of the steps; a notice where none has."""
    panels = [(step, values) for step, values in _steps_with_values(steps) if all(_curve(values, name).size for name in _NEEDS[step])]
    if not panels:
        return drawing.notice("The record holds no curves of preprocessing steps.", label=label)
    with drawing.style():
        figure = drawing.new_figure(height_in=0.4 + 1.7 * len(panels))
        grid = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for axes, (step, values) in zip(grid, panels, strict=True):
            _PANELS[step](axes, values)
        return drawing.svg(figure, label=label)


def _steps_with_values(steps: Sequence[Mapping[str, object]]) -> list[tuple[str, Values]]:
    found = []
    for entry in steps:
        name, values = str(entry.get("step", "")), entry.get("values")
        if name in _PANELS and isinstance(values, Mapping):
            found.append((name, values))
    return found


def _curve(values: Values, name: str) -> NDArray[np.float64]:
    """Numbers of a record, NaN for those that are null."""
    found = values.get(name)
    return np.array([np.nan if value is None else value for value in found], dtype=float) if isinstance(found, list) else np.array([])


def _coils(axes: Axes, values: Values) -> None:
    weights, noise = _curve(values, "weights"), _curve(values, "noise_sd")
    number = np.arange(weights.size)
    axes.bar(number - 0.2, weights / np.nanmax(weights), width=0.4, color=drawing.BLUE, label="weight")
    axes.bar(number + 0.2, noise / np.nanmax(noise), width=0.4, color=drawing.ORANGE, label="noise")
    axes.set_ylabel("coils\n(relative)")
    axes.set_xlabel("channel")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    drawing.legend_above(axes)


def _eddy_current(axes: Axes, values: Values) -> None:
    axes.plot(1000 * _curve(values, "curve_time_s"), np.degrees(_curve(values, "curve_phase_rad")), color=drawing.BLUE, linewidth=1.0)
    axes.set_ylabel("phase of the\nreference (°)")
    axes.set_xlabel("time in the FID (ms); mean frequency taken out")


def _water(axes: Axes, values: Values) -> None:
    ppm = _curve(values, "curve_ppm")
    axes.plot(ppm, _curve(values, "curve_before"), color=drawing.GREY, linewidth=1.0, label="before water removal")
    axes.plot(ppm, _curve(values, "curve_after"), color=drawing.BLUE, linewidth=1.0, label="after")
    axes.set_xlim(np.nanmax(ppm), np.nanmin(ppm))
    axes.set_ylabel("mean spectrum\n(magnitude)")
    axes.set_xlabel("chemical shift (ppm)")
    drawing.legend_above(axes)


def _reference(axes: Axes, values: Values) -> None:
    ppm = _curve(values, "curve_ppm")
    axes.axvspan(1.98, 2.04, color=drawing.PALE, label="where NAA must be")
    axes.plot(ppm, _curve(values, "curve_spectrum"), color=drawing.BLUE, linewidth=1.0, label="mean of retained transients")
    axes.set_xlim(np.nanmax(ppm), np.nanmin(ppm))
    axes.set_ylabel("mean spectrum\n(real)")
    axes.set_xlabel("chemical shift (ppm)")
    drawing.legend_above(axes)


#: Step -> its panel, and the curves that panel needs.
_PANELS: Mapping[str, Callable[[Axes, Values], None]] = {
    "coil_combination": _coils,
    "eddy_current": _eddy_current,
    "water_removal": _water,
    "phase_reference": _reference,
}
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "coil_combination": ("weights", "noise_sd"),
    "eddy_current": ("curve_time_s", "curve_phase_rad"),
    "water_removal": ("curve_ppm", "curve_before", "curve_after"),
    "phase_reference": ("curve_ppm", "curve_spectrum"),
}

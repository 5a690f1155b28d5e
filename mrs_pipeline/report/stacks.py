"""Stacked spectra: the windows of a session above each other, their differences from the baseline, what the fits leave over."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.report import drawing
from mrs_pipeline.report.changes import mean_interval
from mrs_pipeline.report.window_spectra import WindowSpectra, on_axis

SHOWN_PPM = (0.2, 4.2)
#: Distance between two spectra, in percent of NAA.
APART = 28.0
NO_SPECTRA = "There is no fitted spectrum of any window."
NO_DIFFERENCE = "A difference needs windows before and after 0 s, or of task and rest."


def stacked_spectra(spectra: WindowSpectra | None, *, label: str = "") -> str:
    """SVG: spectra of all windows, the first at the bottom, reference windows grey; heights in percent of NAA."""
    if spectra is None:
        return drawing.notice(NO_SPECTRA, label=label)
    with drawing.style():
        figure = drawing.new_figure(height_in=min(2.6 + 0.3 * len(spectra.data), 8.0))
        axes = figure.subplots()
        for place, row in enumerate(spectra.data):
            axes.plot(spectra.ppm, row + APART * place, color=_colour(spectra, place), linewidth=0.9, zorder=50 - place)
            _time(axes, spectra, place, height=float(row[np.argmin(spectra.ppm)]) + APART * place)
        _finish(axes)
        return drawing.svg(figure, label=label or f"Spectra of {len(spectra.data)} windows above each other, the first at the bottom")


def stacked_differences(spectra: WindowSpectra | None, *, label: str = "") -> str:
    """SVG: difference of each window from the mean of the reference windows, lines of one width, and their mean over the other windows."""
    if spectra is None:
        return drawing.notice(NO_SPECTRA, label=label)
    if not spectra.reference.any() or spectra.reference.all():
        return drawing.notice(NO_DIFFERENCE, label=label)
    return _stack(
        spectra,
        spectra.differences,
        mean=spectra.mean_difference,
        label=label or f"Differences of {len(spectra.data)} windows from the mean of the reference windows, and their mean",
    )


def stacked_residuals(spectra: WindowSpectra | None, *, label: str = "") -> str:
    """SVG: residuals of all windows above each other and their mean, in which what every fit leaves over stands out."""
    if spectra is None:
        return drawing.notice(NO_SPECTRA, label=label)
    mean = spectra.residual.mean(axis=0)
    return _stack(
        spectra, spectra.residual, mean=mean, label=label or f"Residuals of {len(spectra.data)} windows above each other, and their mean"
    )


def _stack(spectra: WindowSpectra, rows: FloatArray, *, mean: FloatArray, label: str) -> str:
    inside = (spectra.ppm >= SHOWN_PPM[0]) & (spectra.ppm <= SHOWN_PPM[1])
    apart = max(5.0 * float(np.median(np.std(rows[:, inside], axis=1))), 0.5)
    with drawing.style():
        figure = drawing.new_figure(height_in=min(2.1 + 0.3 * len(rows), 8.0))
        axes = figure.subplots()
        for place, row in enumerate(rows):
            axes.axhline(apart * place, color=drawing.PALE, linewidth=0.7, zorder=1)
            axes.plot(spectra.ppm, row + apart * place, color=_colour(spectra, place), linewidth=0.8, zorder=3)
            _time(axes, spectra, place, height=apart * place)
        top = apart * (len(rows) + 0.4)
        axes.axhline(top, color=drawing.GREY, linewidth=0.7, zorder=1)
        axes.plot(spectra.ppm, mean + top, color=drawing.VERMILION, linewidth=1.3, zorder=4)
        axes.text(1.01, top, "mean", transform=axes.get_yaxis_transform(), va="center", fontsize=8.5, color=drawing.VERMILION)
        _bar(axes, apart)
        _finish(axes)
        return drawing.svg(figure, label=label)


def _bar(axes: Axes, apart: float) -> None:
    """A bar with its height in percent of NAA, as round a number as there is below the distance of two curves."""
    power = 10.0 ** np.floor(np.log10(apart))
    size = float(max(factor * power for factor in (1.0, 2.0, 5.0) if factor * power <= apart))
    low = axes.get_ylim()[0]
    axes.plot([0.015, 0.015], [low, low + size], transform=axes.get_yaxis_transform(), color=drawing.INK, linewidth=1.6, zorder=5)
    axes.text(0.028, low + size / 2, f"{size:g} % of NAA", transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)


def _colour(spectra: WindowSpectra, place: int) -> str:
    return drawing.GREY if spectra.reference[place] else drawing.BLUE


def _time(axes: Axes, spectra: WindowSpectra, place: int, *, height: float) -> None:
    text = f"{spectra.middle_s[place] / 60.0:.1f} min".replace("-", "−")
    where = axes.get_yaxis_transform()
    axes.text(1.01, height, text, transform=where, va="center", fontsize=8.5, color=_colour(spectra, place))


def _finish(axes: Axes) -> None:
    axes.set_xlim(SHOWN_PPM[1], SHOWN_PPM[0])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("chemical shift (ppm)")


def mean_differences(differences: Mapping[str, Sequence[tuple[FloatArray, FloatArray]]], *, conditions: Sequence[str]) -> str:
    """SVG: mean difference spectrum of each condition with its 95 % interval over sessions, and number of sessions.

    `differences` has (ppm, values in percent of NAA) of every session by condition.
    """
    shown = [name for name in conditions if differences.get(name)]
    if not shown:
        return drawing.notice(NO_DIFFERENCE)
    axis = differences[shown[0]][0][0]
    summaries = {name: _summary(differences[name], axis=axis) for name in shown}
    looks = drawing.condition_looks(conditions)
    height = max(float(np.nanmax(np.abs(found[[1, 2]]))) for found in summaries.values())
    with drawing.style():
        figure = drawing.new_figure(height_in=1.2 + 1.5 * len(shown))
        grid = figure.subplots(len(shown), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, name in zip(grid, shown, strict=True):
            mean, low, high = summaries[name]
            colour = looks[name][0]
            axes.axhline(0.0, color=drawing.GREY, linewidth=0.8, zorder=1)
            axes.fill_between(axis, low, high, color=colour, alpha=0.22, linewidth=0, zorder=2)
            axes.plot(axis, mean, color=colour, linewidth=1.2, zorder=3)
            axes.set_title(f"{drawing.condition_label(name)} ({len(differences[name])} sessions)")
            axes.set_ylabel("% of NAA")
        grid[0].set_ylim(-1.05 * height, 1.05 * height)
        grid[-1].set_xlim(min(SHOWN_PPM[1], axis.max()), max(SHOWN_PPM[0], axis.min()))
        grid[-1].set_xlabel("chemical shift (ppm)")
        return drawing.svg(figure, label=f"Mean difference spectrum with 95 % interval of {', '.join(map(drawing.condition_label, shown))}")


def _summary(rows: Sequence[tuple[FloatArray, FloatArray]], *, axis: FloatArray) -> FloatArray:
    """Mean and 95 % limits over sessions at each point, (3, n_points), NaN where a session has none; with one session all are its own."""
    stacked = np.array([on_axis(values, ppm=ppm, axis=axis) for ppm, values in rows])
    found = np.array([mean_interval(column)[1:] for column in stacked.T]).T
    return np.where(np.isfinite(stacked).all(axis=0), np.where(np.isnan(found), found[0], found), np.nan)

"""Departures of single transients from what their neighbours do: robust lines through a moving window, on either side and about."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, FloatArray

AnyArray = NDArray[Any]

#: Pairs of values held at a time.
_N_PAIRS = 4_000_000


def departures(values: AnyArray, *, usual: BoolArray, n_local: int, is_angle: bool = False) -> tuple[AnyArray, AnyArray]:
    """Values less what the ``n_local`` usual ones around, before or after let expect, whichever is nearest; and less the first of them.

    The first result says how far a value is off, the second, whose distribution is that of the values, how far they usually are.

    Expected is a line by repeated medians (Siegel 1982, Biometrika 69:242), so neither a slope, at the ends of a session as elsewhere,
    nor a step, which the lines of its two sides leave as it is, counts as a departure (unless it is within half a window of an end).
    Angles are taken about a running direction, complex numbers are fitted part by part; at least one value must be usual.
    """
    series: AnyArray = np.exp(1j * values) if is_angle else np.asarray(values)
    parts = [_expected(part, usual=usual, n_local=n_local) for part in (series.real, series.imag)] if np.iscomplexobj(series) else []
    expected: AnyArray = parts[0] + 1j * parts[1] if parts else _expected(series, usual=usual, n_local=n_local)
    every = np.angle(series * np.exp(-1j * np.angle(expected))) if is_angle else series - expected
    nearest = np.argmin(np.abs(every), axis=0)
    return np.take_along_axis(every, nearest[None], axis=0)[0], every[0]


def _expected(values: FloatArray, *, usual: BoolArray, n_local: int) -> FloatArray:
    """Value expected at every transient by the lines about, before and after it, shape (3, n); in a short session first by the median."""
    place = np.flatnonzero(usual)
    width = min(n_local, place.size)
    windows = np.lib.stride_tricks.sliding_window_view(place, width)
    level, slope, middle = _lines(values, windows)
    at = np.arange(values.size)
    before = np.searchsorted(place, at)
    first = np.clip(before - np.array([[width // 2], [width - 1], [0]]), 0, len(windows) - 1)
    lines = level[first] + slope[first] * (at - middle[first])
    if len(windows) > 1:
        return np.asarray(lines)
    # a line through few values follows their noise: how far these usually are is then measured from their median
    return np.concatenate([np.full((1, at.size), np.median(values[place])), lines])


def _lines(values: FloatArray, windows: NDArray[np.int_]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level at the mean place, slope and mean place of the line through each window (n_windows, width), by repeated medians."""
    n_windows, width = windows.shape
    slope = np.zeros(n_windows)
    others = ~np.eye(width, dtype=bool)
    n_block = max(_N_PAIRS // width**2, 1)
    for start in range(0, n_windows if width > 2 else 0, n_block):
        place = windows[start : start + n_block]
        rise, run = (x[:, :, None] - x[:, None, :] for x in (values[place], place))
        slopes = (rise[:, others] / run[:, others]).reshape(len(place), width, width - 1)
        slope[start : start + n_block] = np.median(np.median(slopes, axis=2), axis=1)
    middle = windows.mean(axis=1)
    level = np.median(values[windows] - slope[:, None] * (windows - middle[:, None]), axis=1)
    return level, slope, middle

"""Spectra of the windows of a session on one axis and of one linewidth, as figures of differences need them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.timecourse.linewidths import WindowWidths, shrunk_widths
from mrs_pipeline.timecourse.matching import FILTERS

#: Where the line of NAA is looked for, ppm: its height is the unit of difference spectra.
NAA_PPM = (1.9, 2.15)
#: Points of figures are no farther apart than this, ppm.
FINEST_PPM = 0.012


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowCurves:
    """Fitted curves of one window (``ppm data fit baseline residual``) with its times (s), its linewidth and the error of that (Hz).

    `reference`: whether others are compared with it. `gaussian_hz` is the Gaussian part of the width, `hz_per_ppm` the scale of the axis.
    """

    curves: pd.DataFrame
    start_s: float
    stop_s: float
    reference: bool
    fwhm_hz: float
    fwhm_sd_hz: float
    gaussian_hz: float
    hz_per_ppm: float


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowSpectra:
    """Windows in the order given, on the axis `ppm` (n_points,), arrays (n_windows, n_points) in percent of the height of NAA.

    `data` as it was measured, `matched` with lines of one width on average, by Lorentzian filters of `filter_hz`.
    """

    ppm: FloatArray
    data: FloatArray
    matched: FloatArray
    residual: FloatArray
    filter_hz: FloatArray
    middle_s: FloatArray
    reference: BoolArray

    @property
    def differences(self) -> FloatArray:
        """Matched spectra less the mean of those that others are compared with; NaN where there are none."""
        if not self.reference.any():
            return np.full_like(self.matched, np.nan)
        return np.asarray(self.matched - self.matched[self.reference].mean(axis=0))

    @property
    def mean_difference(self) -> FloatArray:
        """Mean of the differences of the other windows, shape (n_points,)."""
        return np.asarray(self.differences[~self.reference].mean(axis=0)) if (~self.reference).any() else np.full_like(self.ppm, np.nan)


def window_spectra(windows: Sequence[WindowCurves]) -> WindowSpectra | None:
    """The windows on the axis of the first one, in percent of NAA; None without any, or where their axes do not belong together."""
    if not windows or len({len(window.curves) for window in windows}) > 1:
        return None
    axis = windows[0].curves["ppm"].to_numpy(float)
    step = float(axis[1] - axis[0])
    filter_hz = matching_filters(windows)
    factor = max(1, int(np.ceil(abs(step) / FINEST_PPM)))
    unit = _naa_height(windows) / 100.0
    drawn, as_is = {}, np.zeros(len(windows))
    for name, column, widths in (
        ("data", "data", as_is),
        ("matched", "data", filter_hz),
        ("residual", "residual", as_is),
    ):
        rows = [
            refined(
                window.curves[column].to_numpy(float),
                shift=(float(window.curves["ppm"].iloc[0]) - axis[0]) / step,
                width=width / (abs(step) * window.hz_per_ppm),
                factor=factor,
            )
            for window, width in zip(windows, widths, strict=True)
        ]
        drawn[name] = np.array(rows) / unit
    return WindowSpectra(
        ppm=axis[0] + step / factor * np.arange((axis.size - 1) * factor + 1),
        filter_hz=filter_hz,
        middle_s=np.array([(window.start_s + window.stop_s) / 2.0 for window in windows]),
        reference=np.array([window.reference for window in windows]),
        **drawn,
    )


def matching_filters(windows: Sequence[WindowCurves]) -> FloatArray:
    """Widths (Hz) of the Lorentzian filters that bring all windows to the width of the broader phase; 0 where nothing is known.

    Matched are the mean widths of reference and other windows, as in the estimator ``linewidth_matched``; without errors each by its own.
    """
    known = WindowWidths(
        fwhm_hz=np.array([window.fwhm_hz for window in windows]),
        sd_hz=np.array([window.fwhm_sd_hz for window in windows]),
        infusion=np.array([not window.reference for window in windows]),
        gaussian_hz=float(np.nan_to_num(np.median([window.gaussian_hz for window in windows]))),
    )
    errors = known.sd_hz[known.known]
    widths = shrunk_widths(known, shrinkage="two_level" if np.all(np.isfinite(errors) & (errors > 0.0)) else "none")
    target = float(np.max(widths[known.known], initial=0.0))
    if target == 0.0:
        return np.zeros(len(windows))
    return np.nan_to_num(FILTERS["lorentzian"].width_hz(widths, target_hz=target, gaussian_hz=known.gaussian_hz))


def refined(values: FloatArray, *, shift: float, width: float, factor: int = 1) -> FloatArray:
    """A real curve (n,) moved by `shift` points to higher numbers, convolved with a Lorentzian `width` points wide, `factor` times finer.

    The transform of a curve is multiplied by ``exp(-pi width |t|)``: what a decay of the signal does to the real part of its spectrum. A
    straight line through both ends is taken off before and added after, so that there is no step where the curve meets itself. Shape
    ((n - 1) factor + 1,).
    """
    n = values.size
    slope = (values[-1] - values[0]) / (n - 1)
    time = np.fft.rfftfreq(n)
    signal = np.fft.rfft(values - values[0] - slope * np.arange(n)) * np.exp(-np.pi * width * time - 2j * np.pi * shift * time)
    fine = np.fft.irfft(signal, n * factor) * factor
    places = np.arange((n - 1) * factor + 1) / factor
    return np.asarray(fine[: places.size] + values[0] + slope * (places - shift))


def _naa_height(windows: Sequence[WindowCurves]) -> float:
    """Height of the fitted line of NAA, mean of the windows that others are compared with (of all, where there are none)."""
    chosen = [window for window in windows if window.reference] or list(windows)
    heights = []
    for window in chosen:
        signal = window.curves["fit"] - window.curves["baseline"]
        inside = window.curves["ppm"].between(*NAA_PPM)
        heights.append(float(signal[inside].max() if inside.any() else signal.abs().max()))
    return float(np.mean(heights)) or 1.0


def on_axis(values: FloatArray, *, ppm: FloatArray, axis: FloatArray) -> FloatArray:
    """Values on another axis, linear between points; NaN beyond the ends."""
    order = np.argsort(ppm)
    return np.interp(axis, ppm[order], values[order], left=np.nan, right=np.nan)

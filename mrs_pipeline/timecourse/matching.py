"""Windows brought to one linewidth, with noise that no filter has touched.

Lines that become narrower while a drug acts change what a fit finds. Broadening the narrow windows takes the cause away, but a filter also
smooths their noise, and noise that differs between windows is a difference as well. So what the filter takes from the noise is added anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.errors import ConfigError, DataError, unknown_name
from mrs_pipeline.fids import Fids, ProcessingStep
from mrs_pipeline.timecourse.linewidths import SHRINKAGES, WindowWidths, gaussian_part, lorentzian_part, shrunk_widths, voigt_fwhm


@dataclass(frozen=True, kw_only=True)
class Filter:
    """A line of the table of filters: its width for a line to reach another width, its decay, and the width a line has after it.

    `width_hz` (fwhm_hz, *, target_hz, gaussian_hz) -> filter widths; `decay` (time_s, *, width_hz) -> (n_windows, n_points);
    `after_hz` (fwhm_hz, *, width_hz, gaussian_hz) -> full widths.
    """

    width_hz: Callable[..., FloatArray]
    decay: Callable[..., FloatArray]
    after_hz: Callable[..., FloatArray]


def _lorentzian_width(fwhm_hz: FloatArray, *, target_hz: float, gaussian_hz: float) -> FloatArray:
    """Lorentzian widths add, so it is the difference of the Lorentzian parts."""
    target = lorentzian_part(np.full_like(fwhm_hz, target_hz), gaussian_hz=gaussian_hz)
    return np.maximum(target - lorentzian_part(fwhm_hz, gaussian_hz=gaussian_hz), 0.0)


def _lorentzian_decay(time_s: FloatArray, *, width_hz: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-np.pi * width_hz[:, None] * time_s))


def _lorentzian_after(fwhm_hz: FloatArray, *, width_hz: FloatArray, gaussian_hz: float) -> FloatArray:
    lorentzian = lorentzian_part(fwhm_hz, gaussian_hz=gaussian_hz)
    return voigt_fwhm(lorentzian + width_hz, gaussian_hz=gaussian_part(fwhm_hz, lorentzian_hz=lorentzian))


def _gaussian_width(fwhm_hz: FloatArray, *, target_hz: float, gaussian_hz: float) -> FloatArray:
    """Squares of Gaussian widths add, so it is the root of the difference of the squares of the Gaussian parts."""
    lorentzian = lorentzian_part(fwhm_hz, gaussian_hz=gaussian_hz)
    target, own = (gaussian_part(width, lorentzian_hz=lorentzian) for width in (np.maximum(fwhm_hz, target_hz), fwhm_hz))
    return np.asarray(np.sqrt(np.maximum(target**2 - own**2, 0.0)))


def _gaussian_decay(time_s: FloatArray, *, width_hz: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-((np.pi * width_hz[:, None] * time_s) ** 2) / (4.0 * np.log(2.0))))


def _gaussian_after(fwhm_hz: FloatArray, *, width_hz: FloatArray, gaussian_hz: float) -> FloatArray:
    lorentzian = lorentzian_part(fwhm_hz, gaussian_hz=gaussian_hz)
    own = gaussian_part(fwhm_hz, lorentzian_hz=lorentzian)
    return voigt_fwhm(lorentzian, gaussian_hz=np.hypot(own, width_hz))


FILTERS: dict[str, Filter] = {
    "lorentzian": Filter(width_hz=_lorentzian_width, decay=_lorentzian_decay, after_hz=_lorentzian_after),
    "gaussian": Filter(width_hz=_gaussian_width, decay=_gaussian_decay, after_hz=_gaussian_after),
}


@dataclass(frozen=True, kw_only=True)
class MatchingOptions:
    """How windows are brought to one linewidth.

    lineshape : name in `FILTERS`; what a changing T2* does is Lorentzian.
    target_hz : full width that all windows are brought to, Hz; None: that of the widest.
    shrinkage : name in `SHRINKAGES`, how the errors of widths are allowed for.
    """

    lineshape: str = "lorentzian"
    target_hz: float | None = None
    shrinkage: str = "empirical_bayes"

    def __post_init__(self) -> None:
        """Refuse unknown names and a target that is no width; `ConfigError` names the option."""
        for name, table in (("lineshape", FILTERS), ("shrinkage", SHRINKAGES)):
            if getattr(self, name) not in table:
                raise unknown_name(f"value of {name} in linewidth matching:", str(getattr(self, name)), table)
        if self.target_hz is not None and not (np.isfinite(self.target_hz) and self.target_hz > 0.0):
            raise ConfigError(
                f"target_hz of linewidth matching is {self.target_hz}: give a positive full width in Hz, or null for the widest"
            )

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> "MatchingOptions":
        """Options from a config section; an unknown key raises `ConfigError` with the valid ones."""
        valid = [item.name for item in fields(cls)]
        for key in section:
            if key not in valid:
                raise unknown_name("option of linewidth matching", key, valid)
        return cls(**section)


@dataclass(frozen=True, kw_only=True)
class MatchedWindows:
    """Windows of one linewidth, and a row for each of them.

    Columns of `table`: window, fwhm_hz and fwhm_sd_hz as given, fwhm_shrunk_hz, filter_hz, fwhm_matched_hz (the shrunk width after the
    filter), reason (empty where the window was matched).
    """

    fids: Fids
    table: pd.DataFrame


def match_linewidths(
    averaged: Fids, *, widths: WindowWidths, noise_sd: FloatArray, rng: np.random.Generator, options: MatchingOptions
) -> MatchedWindows:
    """Windows (window, time) broadened to one linewidth, their noise white and as strong as before.

    The filter ``h(t)`` leaves noise of variance ``sigma^2 h(t)^2``, independent from sample to sample, and noise of variance
    ``sigma^2 (1 - h(t)^2)`` is added. `noise_sd` (n_windows,) is sigma: the SD of the real and of the imaginary part of each sample of the
    averaged FIDs. A window without a linewidth or without data is NaN with its reason; one that is wider than the target stays as it is.
    Random numbers are drawn for every window, so those of one do not depend on the widths of others.

    Raises
    ------
    DataError
        If dimensions or lengths do not fit, or a window has a width but its noise or the error of its width is unknown.
    """
    _check(averaged, widths=widths, noise_sd=noise_sd)
    shrunk, has_data = shrunk_widths(widths, shrinkage=options.shrinkage), np.all(np.isfinite(averaged.data), axis=1)
    usable = widths.known & has_data
    entry, target = FILTERS[options.lineshape], options.target_hz
    if target is None:
        target = float(np.max(shrunk[usable], initial=0.0))
    filter_hz = np.full(shrunk.shape, np.nan)
    filter_hz[usable] = entry.width_hz(shrunk[usable], target_hz=target, gaussian_hz=widths.gaussian_hz)
    decay = entry.decay(averaged.acquisition.time_s, width_hz=filter_hz)
    data = np.asarray(averaged.data) * decay + _missing_noise(decay, noise_sd=noise_sd, rng=rng)
    table = pd.DataFrame(
        {
            "window": np.arange(shrunk.size),
            "fwhm_hz": widths.fwhm_hz,
            "fwhm_sd_hz": widths.sd_hz,
            "fwhm_shrunk_hz": shrunk,
            "filter_hz": filter_hz,
            "fwhm_matched_hz": entry.after_hz(shrunk, width_hz=filter_hz, gaussian_hz=widths.gaussian_hz),
            "reason": [_reason(*row, target_hz=target) for row in zip(widths.known, has_data, shrunk, strict=True)],
        }
    )
    return MatchedWindows(fids=averaged.with_data(data, step=_step(options, target_hz=target, filter_hz=filter_hz)), table=table)


def _missing_noise(decay: FloatArray, *, noise_sd: FloatArray, rng: np.random.Generator) -> ComplexArray:
    """Noise of the variance that a filter took, shape (n_windows, n_points)."""
    noise = rng.standard_normal((*decay.shape, 2)).view(np.complex128)[..., 0]
    return np.asarray(noise_sd[:, None] * np.sqrt(1.0 - decay**2) * noise)


def _reason(known: bool, has_data: bool, width_hz: float, *, target_hz: float) -> str:
    if not has_data:
        return "no data"
    if not known:
        return "no linewidth: its fit failed"
    return "" if width_hz <= target_hz * (1.0 + 1e-9) else "wider than the target"


def _step(options: MatchingOptions, *, target_hz: float, filter_hz: FloatArray) -> ProcessingStep:
    listed = ", ".join(f"{width:.2f}" for width in filter_hz)
    details = f"linewidths matched to {target_hz:.2f} Hz by {options.lineshape} filters of {listed} Hz (widths: {options.shrinkage}), noise"
    return ProcessingStep(method="Apodization", details=f"{details} that the filters took added anew")


def _check(averaged: Fids, *, widths: WindowWidths, noise_sd: FloatArray) -> None:
    if averaged.dims != ("window", "time"):
        raise DataError(f"linewidths are matched of windows (window, time), but the data have dimensions {', '.join(averaged.dims)}")
    n_windows = averaged.sizes["window"]
    if widths.fwhm_hz.shape != (n_windows,) or noise_sd.shape != (n_windows,):
        raise DataError(
            f"there are {n_windows} windows, {widths.fwhm_hz.size} linewidths and {noise_sd.size} noise SDs: one of each a window is needed"
        )
    noise = noise_sd[widths.known & np.all(np.isfinite(averaged.data), axis=1)]
    if not np.all(np.isfinite(noise) & (noise >= 0.0)):
        raise DataError("the noise SD of a window with a linewidth is unknown or negative: give that of each sample of its FID")

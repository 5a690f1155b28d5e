"""Linewidths of windows: what they are once their errors are allowed for, and the width of a Voigt line.

A fitted width has an error. Matching each window by its own width would put that error into the spectra, so the widths are shrunk first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import DataError, unknown_name


@dataclass(frozen=True, kw_only=True)
class WindowWidths:
    """Full widths at half maximum of one line in each window, shape (n_windows,), NaN where the fit failed.

    `sd_hz` are their standard errors and `infusion` says which windows are not baseline. `gaussian_hz` is the Gaussian part of the width
    that all windows share, 0 for Lorentzian lines.
    """

    fwhm_hz: FloatArray
    sd_hz: FloatArray
    infusion: BoolArray
    gaussian_hz: float = 0.0

    def __post_init__(self) -> None:
        """`DataError` for columns of different lengths and impossible numbers."""
        if not self.fwhm_hz.shape == self.sd_hz.shape == self.infusion.shape or self.fwhm_hz.ndim != 1:
            raise DataError(
                f"widths, their SDs and phases of windows have shapes {self.fwhm_hz.shape}, {self.sd_hz.shape} and {self.infusion.shape}: "
                "one number a window is expected"
            )
        if np.any(self.fwhm_hz <= 0.0) or np.any(self.sd_hz < 0.0) or not 0.0 <= self.gaussian_hz < np.inf:
            raise DataError(
                "a linewidth is not positive, or an SD or the Gaussian width is negative: give full widths at half maximum in Hz"
            )

    @property
    def known(self) -> BoolArray:
        """Windows that have a width."""
        return np.isfinite(self.fwhm_hz)


def as_they_are(widths: WindowWidths) -> FloatArray:
    """The widths themselves."""
    return widths.fwhm_hz.copy()


def two_level(widths: WindowWidths) -> FloatArray:
    """One width for the baseline and one for the infusion: the means of their windows, weighted by inverse variances."""
    _require_errors(widths)
    levels = widths.fwhm_hz.copy()
    for phase in (widths.infusion, ~widths.infusion):
        chosen = phase & widths.known
        if chosen.any():
            levels[chosen] = np.average(widths.fwhm_hz[chosen], weights=widths.sd_hz[chosen] ** -2.0)
    return levels


def empirical_bayes(widths: WindowWidths) -> FloatArray:
    """Widths drawn towards their mean by the share of their variance that is error (normal-normal model).

    The variance between windows is that of DerSimonian & Laird 1986 (Control Clin Trials 7:177), by the method of moments and at least 0;
    with it the width of a window becomes ``m + (x - m) v / (v + s^2)``, m the mean weighted by ``1 / (v + s^2)`` (Efron & Morris 1973, J Am
    Stat Assoc 68:117). Widths that differ by no more than their errors become one.
    """
    _require_errors(widths)
    shrunk, known = widths.fwhm_hz.copy(), widths.known
    if known.any():
        values, variances = widths.fwhm_hz[known], widths.sd_hz[known] ** 2.0
        between = between_variance(values, variances=variances)
        mean = np.average(values, weights=1.0 / (between + variances))
        shrunk[known] = mean + (values - mean) * between / (between + variances)
    return shrunk


def between_variance(values: FloatArray, *, variances: FloatArray) -> float:
    """Variance of the true values behind estimates of known `variances` (DerSimonian & Laird), 0 where the errors explain all; (n,)."""
    weights = 1.0 / variances
    mean = np.average(values, weights=weights)
    excess = float(np.sum(weights * (values - mean) ** 2)) - (values.size - 1)
    scale = float(weights.sum() - np.sum(weights**2) / weights.sum())
    return max(0.0, excess / scale) if values.size > 1 else 0.0


def _require_errors(widths: WindowWidths) -> None:
    errors = widths.sd_hz[widths.known]
    if not np.all(np.isfinite(errors) & (errors > 0.0)):
        raise DataError("a window has a linewidth without a positive standard error: give the errors, or shrinkage 'none'")


SHRINKAGES: dict[str, Callable[[WindowWidths], FloatArray]] = {
    "empirical_bayes": empirical_bayes,
    "two_level": two_level,
    "none": as_they_are,
}


def shrunk_widths(widths: WindowWidths, *, shrinkage: str) -> FloatArray:
    """Widths by which windows are matched, Hz, shape (n_windows,), NaN where unknown; `ConfigError` for an unknown kind of shrinkage."""
    if shrinkage not in SHRINKAGES:
        raise unknown_name("shrinkage of linewidths", shrinkage, SHRINKAGES)
    return SHRINKAGES[shrinkage](widths)


#: Weights of the Lorentzian width in Olivero & Longbothum's sum; 0.2166 there is rounded, and this one is exact for a Lorentzian line.
_OUTSIDE, _INSIDE = 0.5346, (1.0 - 0.5346) ** 2


def voigt_fwhm(lorentzian_hz: FloatArray | float, *, gaussian_hz: FloatArray | float) -> FloatArray:
    """Full width of a Voigt line to 0.02 % (Olivero & Longbothum 1977, doi 10.1016/0022-4073(77)90161-3)."""
    lorentzian = np.asarray(lorentzian_hz, dtype=float)
    return np.asarray(_OUTSIDE * lorentzian + np.sqrt(_INSIDE * lorentzian**2 + np.square(gaussian_hz)))


def lorentzian_part(fwhm_hz: FloatArray, *, gaussian_hz: float) -> FloatArray:
    """Lorentzian width of Voigt lines of a full width, by `voigt_fwhm` solved for it; 0 where the Gaussian part is wider than the line."""
    excess = np.maximum(fwhm_hz**2 - gaussian_hz**2, 0.0)
    linear, square = 2.0 * _OUTSIDE * fwhm_hz, _OUTSIDE**2 - _INSIDE
    return np.asarray(2.0 * excess / (linear + np.sqrt(linear**2 - 4.0 * square * excess)))


def gaussian_part(fwhm_hz: FloatArray, *, lorentzian_hz: FloatArray) -> FloatArray:
    """Gaussian width of Voigt lines of a full width, by `voigt_fwhm` solved for it."""
    return np.asarray(np.sqrt(np.maximum((fwhm_hz - _OUTSIDE * lorentzian_hz) ** 2 - _INSIDE * lorentzian_hz**2, 0.0)))

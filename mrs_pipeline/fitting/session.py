"""Fits of the windows of one session, which share what the mean of the session knows."""

from dataclasses import replace

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit, failed_fit


def fit_windows(averaged: Fids, *, counts: FloatArray, fitter: Fitter) -> tuple[SpectrumFit, ...]:
    """Fits of all windows, shape (n_windows, n_points), averages of `counts` transients; NaN where there are too few.

    The mean of the session is fitted first. Each window holds its baseline, from which its own departs by a stiff curve
    (`FitOptions.baseline_ed_per_ppm`), and the shifts and widths of single components: what belongs to the session cannot differ between
    windows by their noise. Amplitudes, phases, common shift and both common widths are free in every window. Covariances are those of
    levels (`_with_what_is_held`). If the mean cannot be fitted, windows are fitted by themselves.
    """
    usable = np.all(np.isfinite(averaged.data), axis=1)
    empty = failed_fit(fitter.basis.metabolites, status="too_few_transients")
    if not usable.any():
        return (empty,) * len(counts)
    mean = np.average(np.asarray(averaged.data)[usable], axis=0, weights=counts[usable])
    common = fit_spectra(averaged.with_data(mean, dims=("time",)), fitter=fitter)[0]
    if common.status == "ok":
        fits = fit_spectra(averaged, fitter=fitter, smoothing=departure_smoothing(fitter), like=common, held=common)
        shares = counts / counts[usable].sum()
        fits = tuple(_with_what_is_held(fit, common=common, share=share) for fit, share in zip(fits, shares, strict=True))
    else:
        fits = fit_spectra(averaged, fitter=fitter)
    return tuple(fit if has_data else empty for fit, has_data in zip(fits, usable, strict=True))


def _with_what_is_held(fit: SpectrumFit, *, common: SpectrumFit, share: float) -> SpectrumFit:
    """The fit with the covariance of its level, what it holds being as uncertain as the mean of the session leaves it.

    The error of a window is that of its own noise, known baseline and components given, and the error of these. The error of the mean
    has the same two parts, its own noise being a `share` of the window's: ``C = C_window + (C_mean - share C_window)``.
    """
    if fit.status != "ok":
        return fit
    return replace(fit, covariance=(1.0 - share) * fit.covariance + common.covariance)


def departure_smoothing(fitter: Fitter) -> float | None:
    """Smoothing parameter of what a window's baseline departs from its session's; None for a baseline without penalty."""
    return fitter.scale.smoothing(fitter.options.baseline_ed_per_ppm * fitter.scale.range_ppm) if fitter.scale else None

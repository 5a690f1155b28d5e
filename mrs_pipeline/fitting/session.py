"""Fits of the windows of one session, which share what the mean of the session knows."""

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit, failed_fit


def fit_windows(averaged: Fids, *, counts: FloatArray, fitter: Fitter) -> tuple[SpectrumFit, ...]:
    """Independent fits of all windows, shape (n_windows, n_points), averages of `counts` transients; NaN where there are too few.

    All have the same stiffness of the baseline (`window_smoothing`), and the search begins at the fit of the session's mean.
    """
    usable = np.all(np.isfinite(averaged.data), axis=1)
    empty = failed_fit(fitter.basis.metabolites, status="too_few_transients")
    if not usable.any():
        return (empty,) * len(counts)
    mean = np.average(np.asarray(averaged.data)[usable], axis=0, weights=counts[usable])
    common = fit_spectra(averaged.with_data(mean, dims=("time",)), fitter=fitter)[0]
    smoothing = window_smoothing(common, counts=counts[usable]) if common.status == "ok" else None
    fits = fit_spectra(averaged, fitter=fitter, smoothing=smoothing, like=common)
    return tuple(fit if has_data else empty for fit, has_data in zip(fits, usable, strict=True))


def window_smoothing(common: SpectrumFit, *, counts: FloatArray) -> float:
    """Smoothing parameter of the windows of a session from the fit of its mean.

    The parameter is the variance of the noise over that of the baseline's curvature. The curvature belongs to the session, the noise
    is that of a window: as many times larger in variance as the mean has more transients than the median window. All windows share the
    result, so that no difference between them can come from their baselines.
    """
    noise, residual = common.quality["noise_sd"], common.quality["residual_sd"]
    return float(common.smoothing * counts.sum() / np.median(counts) * (noise / max(noise, residual)) ** 2)

"""Frequency and phase of every transient by maximum likelihood against the session's own mean."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray
from mrs_pipeline.preprocessing.band import Band, make_band
from mrs_pipeline.preprocessing.estimate import Estimate
from mrs_pipeline.preprocessing.registration import (
    best_offset,
    bounded_size,
    clipped_move,
    noise_power_per_bin,
    pairwise_mean,
    register_session,
    robust_weights,
    weighted_target,
)
from mrs_pipeline.preprocessing.singlets import match_singlets
from mrs_pipeline.preprocessing.smoothing import smooth_drift

#: Weighting of times where only narrow lines are wanted: late noise (Hz of Lorentzian broadening) and broad signals (s) count less.
_ROUGH_BROADENING_HZ = 5.0
_ROUGH_RISE_S = 0.015
#: Lowest shift looked at there, ppm: tCho, tCr and tNAA lie above it even where a session is far off, lipids below.
_ROUGH_LOWEST_PPM = 1.6


def maximum_likelihood(fids: ComplexArray, *, usable: BoolArray, acquisition: Acquisition, options: Mapping[str, Any]) -> Estimate:
    """Absolute frequency and phase of each transient against a target refined together with them.

    First a target by pairwise addition and a search over the whole range, then repetitions of: weighted mean of all transients,
    fit of all transients to it.
    """
    band, estimate = rough_estimate(fids, usable=usable, acquisition=acquisition, options=options)
    for _ in range(options["n_iterations"]):
        estimate = _refined(fids, estimate, usable, band)
    if options["smoothness"] == "random_walk" and estimate.fit is not None:
        estimate = _smoothed(fids, estimate, usable & (estimate.fit.snr >= options["min_snr"]), band)
    return estimate


def rough_estimate(fids: ComplexArray, *, usable: BoolArray, acquisition: Acquisition, options: Mapping[str, Any]) -> tuple[Band, Estimate]:
    """Band in place for this session, and a first estimate good to a fraction of a linewidth."""
    reach_hz = options["max_shift_hz"]
    lowest_ppm = min(options["range_ppm"]) - options["session_offset_ppm"] - reach_hz / acquisition.spectrometer_frequency_mhz
    highest_ppm = max(options["range_ppm"])
    filtered = only_singlets(fids, acquisition=acquisition, range_ppm=(lowest_ppm, highest_ppm))
    weights = usable * bounded_size(filtered, usual=usable)
    target = pairwise_mean((filtered * weights[:, None])[usable], acquisition=acquisition, max_shift_hz=reach_hz)
    shift, phase = best_offset(filtered, target=target, acquisition=acquisition, max_shift_hz=reach_hz)
    match = match_singlets(target, acquisition=acquisition, max_shift_ppm=options["session_offset_ppm"], linewidth_hz=6.0)
    band = make_band(acquisition, range_ppm=(min(options["range_ppm"]), highest_ppm), offset_hz=match.frequency_shift_hz)
    return band, Estimate(shift_hz=shift, phase_rad=phase, weights=weights)


def only_singlets(fids: ComplexArray, *, acquisition: Acquisition, range_ppm: tuple[float, float]) -> ComplexArray:
    """FIDs with what lies outside a range, lipids, broad signals and late noise weakened: good to find narrow lines in any state."""
    wide = make_band(acquisition, range_ppm=(max(range_ppm[0], _ROUGH_LOWEST_PPM), range_ppm[1]), offset_hz=0.0)
    time = acquisition.time_s
    when = np.exp(-np.pi * _ROUGH_BROADENING_HZ * time) * (1.0 - np.exp(-((time / _ROUGH_RISE_S) ** 2)))
    return np.asarray(np.fft.ifft(np.where(wide.bins, np.fft.fft(fids, axis=-1), 0.0), axis=-1) * when)


def _target(fids: ComplexArray, estimate: Estimate, band: Band) -> tuple[ComplexArray, ComplexArray, float]:
    """Target FID, corrected band spectra and noise power per bin."""
    corrected = estimate.corrected(fids, acquisition=band.acquisition)
    spectra = band.spectra(corrected)
    noise_power = noise_power_per_bin(spectra, used=estimate.weights > 0)
    return weighted_target(corrected, weights=estimate.weights, band=band, noise_power=noise_power), spectra, noise_power


def with_fit(fids: ComplexArray, estimate: Estimate, *, band: Band) -> Estimate:
    """An estimate of another method with the fit of all transients to their weighted mean."""
    target, spectra, noise_power = _target(fids, estimate, band)
    fit = register_session(spectra, target=target, band=band, noise_power=noise_power, weights=estimate.weights)
    return replace(estimate, fit=fit, band=band)


def _refined(fids: ComplexArray, estimate: Estimate, usable: BoolArray, band: Band) -> Estimate:
    target, spectra, noise_power = _target(fids, estimate, band)
    fit = register_session(spectra, target=target, band=band, noise_power=noise_power, weights=estimate.weights)
    return Estimate(
        shift_hz=estimate.shift_hz + clipped_move(fit.shift_hz),
        phase_rad=estimate.phase_rad + fit.phase_rad,
        weights=robust_weights(fit, usable=usable),
        fit=fit,
        band=band,
    )


def _smoothed(fids: ComplexArray, estimate: Estimate, usable: BoolArray, band: Band) -> Estimate:
    """Frequencies smoothed over time, and the phases that go with them."""
    assert estimate.fit is not None
    sd = np.where(usable, estimate.fit.shift_sd_hz, np.inf)
    shift = smooth_drift(estimate.shift_hz, sd=sd)
    smooth = replace(estimate, shift_hz=np.where(usable, shift, estimate.shift_hz))
    target, spectra, noise_power = _target(fids, smooth, band)
    fit = register_session(spectra, target=target, band=band, noise_power=noise_power, weights=estimate.weights, free_shift=False)
    return replace(smooth, phase_rad=smooth.phase_rad + fit.phase_rad)

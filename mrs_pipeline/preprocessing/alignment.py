"""Frequency and phase of every transient against the session's own mean, and their correction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.preprocessing.band import Band, make_band
from mrs_pipeline.preprocessing.registration import (
    Registration,
    best_offset,
    bounded_size,
    clipped_move,
    noise_power_per_bin,
    pairwise_mean,
    register_session,
    robust_weights,
    weighted_target,
)
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.singlets import match_singlets
from mrs_pipeline.preprocessing.smoothing import smooth_drift
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Frequency and phase correction"

OPTIONS = {
    "range_ppm": Option(default=[0.2, 4.2], doc="part of the spectrum that is aligned, ppm; keep water out"),
    "max_shift_hz": Option(default=40.0, doc="largest offset between two transients of a session that can be found, Hz"),
    "n_iterations": Option(default=8, doc="repetitions of target and fit"),
    "smoothness": Option(
        default="random_walk",
        doc="random_walk: frequencies are smoothed over time as far as they are noise; none: each transient for itself",
        choices=("none", "random_walk"),
    ),
    "min_snr": Option(default=4.5, doc="a transient whose matched signal is below this times its standard error is left as it is"),
    "session_offset_ppm": Option(default=0.25, doc="how far the whole session may be off the ppm scale, ppm"),
}

#: Weighting of times while targets are still rough: late noise (Hz of Lorentzian broadening) and broad signals (s) count less.
_ROUGH_BROADENING_HZ = 5.0
_ROUGH_RISE_S = 0.015
#: Lowest shift looked at in that stage, ppm: tCho, tCr and tNAA lie above it even where a session is far off, lipids below.
_ROUGH_LOWEST_PPM = 1.6


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """State of the iteration: errors found so far, and the last fit."""

    shift_hz: FloatArray
    phase_rad: FloatArray
    weights: FloatArray
    fit: Registration | None = None

    def corrected(self, fids: ComplexArray, *, acquisition: Acquisition) -> ComplexArray:
        """FIDs with the errors taken out."""
        return np.asarray(fids * correction(shift_hz=self.shift_hz, phase_rad=self.phase_rad, acquisition=acquisition))


def correction(*, shift_hz: FloatArray, phase_rad: FloatArray, acquisition: Acquisition) -> ComplexArray:
    """Factor (n_transients, n_points) that takes out frequency and phase errors (n_transients,): the negative of the error."""
    return np.asarray(np.exp(-1j * (phase_rad[:, None] + 2 * np.pi * shift_hz[:, None] * acquisition.time_s)))


def align(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The session with all transients at its mean frequency and phase, and the columns of what was found.

    Columns: frequency_shift_hz and phase_rad (errors relative to the mean over kept transients; a second pass adds to the first)
    and aligned (false where there was no signal: such transients are left as they are).
    """
    options = resolve(OPTIONS, options, step="alignment")
    session.require_combined("alignment")
    acquisition = session.fids.acquisition
    sound = session.sound
    if sound.sum() < 2:
        return session.after(_skipped("fewer than two transients hold numbers"), columns=_columns(session, _nothing(session)))
    estimate = estimate_errors(session.sound_data(), usable=_basis(session), acquisition=acquisition, options=options)
    estimate, aligned = _relative(estimate, sound, session.kept, options)
    factor = correction(shift_hz=estimate.shift_hz, phase_rad=estimate.phase_rad, acquisition=acquisition)
    columns = _columns(session, estimate) | {"aligned": aligned}
    return session.after(_record(estimate, aligned, options), fids=session.modulated(factor), columns=columns)


def _basis(session: Session) -> BoolArray:
    """Transients the target is made of: the kept ones, or all sound ones where that leaves fewer than two."""
    kept = session.sound & session.kept
    return kept if kept.sum() >= 2 else session.sound


def estimate_errors(fids: ComplexArray, *, usable: BoolArray, acquisition: Acquisition, options: Mapping[str, Any]) -> Estimate:
    """Absolute frequency and phase of each transient against a target refined together with them.

    First a target by pairwise addition and a search over the whole range, then repetitions of: weighted mean of all transients,
    fit of all transients to it.
    """
    band, estimate = _rough(fids, usable, acquisition, options)
    for _ in range(options["n_iterations"]):
        estimate = _refined(fids, estimate, usable, band)
    if options["smoothness"] == "random_walk" and estimate.fit is not None:
        estimate = _smoothed(fids, estimate, usable & (estimate.fit.snr >= options["min_snr"]), band)
    return estimate


def _rough(fids: ComplexArray, usable: BoolArray, acquisition: Acquisition, options: Mapping[str, Any]) -> tuple[Band, Estimate]:
    """Band in place for this session, and a first estimate good to a fraction of a linewidth."""
    reach = options["session_offset_ppm"] + options["max_shift_hz"] / acquisition.spectrometer_frequency_mhz
    low, high = min(options["range_ppm"]), max(options["range_ppm"])
    wide = make_band(acquisition, range_ppm=(max(low - reach, _ROUGH_LOWEST_PPM), high), offset_hz=0.0)
    time = acquisition.time_s
    when = np.exp(-np.pi * _ROUGH_BROADENING_HZ * time) * (1.0 - np.exp(-((time / _ROUGH_RISE_S) ** 2)))
    filtered = np.fft.ifft(np.where(wide.bins, np.fft.fft(fids, axis=-1), 0.0), axis=-1) * when
    weights = usable * bounded_size(filtered, usual=usable)
    target = pairwise_mean((filtered * weights[:, None])[usable], acquisition=acquisition, max_shift_hz=options["max_shift_hz"])
    shift, phase = best_offset(filtered, target=target, acquisition=acquisition, max_shift_hz=options["max_shift_hz"])
    match = match_singlets(target, acquisition=acquisition, max_shift_ppm=options["session_offset_ppm"], linewidth_hz=6.0)
    band = make_band(acquisition, range_ppm=(low, high), offset_hz=match.frequency_shift_hz)
    return band, Estimate(shift_hz=shift, phase_rad=phase, weights=weights)


def _target(fids: ComplexArray, estimate: Estimate, band: Band) -> tuple[ComplexArray, ComplexArray, float]:
    """Target FID, corrected band spectra and noise power per bin."""
    corrected = estimate.corrected(fids, acquisition=band.acquisition)
    spectra = band.spectra(corrected)
    noise_power = noise_power_per_bin(spectra, used=estimate.weights > 0)
    return weighted_target(corrected, weights=estimate.weights, band=band, noise_power=noise_power), spectra, noise_power


def _refined(fids: ComplexArray, estimate: Estimate, usable: BoolArray, band: Band) -> Estimate:
    target, spectra, noise_power = _target(fids, estimate, band)
    fit = register_session(spectra, target=target, band=band, noise_power=noise_power, weights=estimate.weights)
    return Estimate(
        shift_hz=estimate.shift_hz + clipped_move(fit.shift_hz),
        phase_rad=estimate.phase_rad + fit.phase_rad,
        weights=robust_weights(fit, usable=usable),
        fit=fit,
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


def _relative(estimate: Estimate, finite: BoolArray, kept: BoolArray, options: Mapping[str, Any]) -> tuple[Estimate, BoolArray]:
    """Errors relative to the mean over kept transients; 0 where there is no signal."""
    assert estimate.fit is not None
    aligned = finite & (estimate.fit.snr >= options["min_snr"])
    basis = aligned & kept if (aligned & kept).any() else aligned
    if not basis.any():
        zero = np.zeros_like(estimate.shift_hz)
        return replace(estimate, shift_hz=zero, phase_rad=zero), aligned
    shift = np.where(aligned, estimate.shift_hz - estimate.shift_hz[basis].mean(), 0.0)
    centre = np.angle(np.exp(1j * estimate.phase_rad[basis]).mean())
    phase = np.where(aligned, np.angle(np.exp(1j * (estimate.phase_rad - centre))), 0.0)
    return replace(estimate, shift_hz=shift, phase_rad=phase), aligned


def _nothing(session: Session) -> Estimate:
    zero = np.zeros(session.n_transients)
    return Estimate(shift_hz=zero, phase_rad=zero, weights=zero)


def _columns(session: Session, estimate: Estimate) -> dict[str, Any]:
    """Columns of the transients table; errors of an earlier pass are added to."""
    table, n = session.transients, session.n_transients
    before = {name: table[name].to_numpy() if name in table else np.zeros(n) for name in ("frequency_shift_hz", "phase_rad")}
    return {
        "frequency_shift_hz": before["frequency_shift_hz"] + estimate.shift_hz,
        "phase_rad": np.angle(np.exp(1j * (before["phase_rad"] + estimate.phase_rad))),
        "aligned": np.zeros(n, dtype=bool),
    }


def _skipped(reason: str) -> StepRecord:
    return StepRecord(step="alignment", method=METHOD, details=f"skipped: {reason}", values={"skipped": reason})


def _record(estimate: Estimate, aligned: BoolArray, options: Mapping[str, Any]) -> StepRecord:
    assert estimate.fit is not None
    shift = estimate.shift_hz[aligned]
    spread = float(shift.std()) if shift.size else 0.0
    low, high = options["range_ppm"]
    return StepRecord(
        step="alignment",
        method=METHOD,
        details=f"maximum likelihood from {low:g} to {high:g} ppm against the weighted mean of all transients; "
        f"frequency SD {spread:.2f} Hz, {int((~aligned).sum())} transients without signal left as they were",
        values={
            "n_without_signal": int((~aligned).sum()),
            "frequency_sd_hz": spread,
            "frequency_range_hz": float(np.ptp(shift)) if shift.size else 0.0,
            "median_standard_error_hz": float(np.median(estimate.fit.shift_sd_hz[aligned])) if shift.size else float("nan"),
            "smoothness": options["smoothness"],
        },
    )

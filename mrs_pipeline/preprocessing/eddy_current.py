"""Eddy-current correction: the phase of the water reference is taken out of every transient.

Klose 1990, Magn Reson Med 14:26.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import solveh_banded

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.preprocessing.estimate import correction
from mrs_pipeline.preprocessing.maximum_likelihood import only_singlets
from mrs_pipeline.preprocessing.noise import noise_sd
from mrs_pipeline.preprocessing.penalised import second_difference_bands
from mrs_pipeline.preprocessing.record_curves import thinned
from mrs_pipeline.preprocessing.reference import mean_reference
from mrs_pipeline.preprocessing.registration import best_offset, pairwise_mean
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.singlets import match_singlets
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Eddy current correction"

OPTIONS = {
    "min_reference_snr": Option(
        default=10.0, at_least=0, doc="the reference is used up to where its magnitude falls below this times its noise SD"
    ),
    "largest_phase_rad": Option(default=0.7, above=0, doc="phase an eddy current may build up, rad; smaller smooths more"),
    "shortest_decay_s": Option(default=0.005, above=0, doc="shortest decay time of an eddy current, s"),
    "max_loss": Option(
        default=0.08, at_least=0, doc="a reference by which the singlets of the data lose more than this part of their size is not used"
    ),
}

#: How sharp singlets are: they are matched with lines that weigh late times as much as early ones.
_SHARP = {"max_shift_ppm": 0.25, "linewidth_hz": 1.0}
#: Transients in which the size of the singlets is compared.
_N_COMPARED = 64


def correct_eddy_currents(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The session and its reference without the reference's phase; only a record, with the reason, where that is impossible.

    The whole phase goes, so the water frequency and the zero-order phase at the time of the reference go with it: water at that time
    is then at 4.65 ppm and 0 rad. Drift since then stays in the transients for later steps. The phase is smoothed, and continued
    at constant frequency where the reference has died away.
    """
    options = resolve(OPTIONS, options, step="eddy_current")
    session.require_combined("eddy_current")
    reason = _why_not(session)
    if reason or session.reference is None:
        return _skipped(session, reason)
    acquisition = session.fids.acquisition
    mean, n_used = mean_reference(session.reference)
    noise = _reference_noise(mean, acquisition)
    usable = usable_samples(mean, noise=noise, min_snr=options["min_reference_snr"])
    if usable.sum() < 8:
        return _skipped(session, "the reference holds no signal")
    curvature = phase_curvature(acquisition.time_s, size_rad=options["largest_phase_rad"], decay_s=options["shortest_decay_s"])
    phase = reference_phase(mean, noise=noise, n_used=int(usable.sum()), acquisition=acquisition, curvature_rad_per_s2=curvature)
    factor = np.exp(-1j * phase)
    loss = loss_of_singlets(session, factor)
    if loss > options["max_loss"]:
        return _skipped(session, f"the reference does not match the data: with it the singlets lose {100 * loss:.0f} % of their size")
    return session.after(
        _record(phase, usable, session, values={"n_references": n_used, "singlet_loss": loss}),
        fids=session.modulated(factor),
        reference=session.reference.with_data(session.reference.data * factor),
    )


def _skipped(session: Session, reason: str) -> Session:
    return session.after(StepRecord(step="eddy_current", method=METHOD, details=f"skipped: {reason}", values={"skipped": reason}))


def _why_not(session: Session) -> str:
    """Why the reference cannot be used, empty where it can."""
    reference, own = session.reference, session.fids.acquisition
    if reference is None:
        return "no water reference"
    other = reference.acquisition
    if other.n_points != own.n_points:
        return f"the water reference has {other.n_points} points, the data {own.n_points}"
    if not np.isclose(other.spectral_width_hz, own.spectral_width_hz, rtol=1e-4):
        return f"the water reference has a spectral width of {other.spectral_width_hz:g} Hz, the data {own.spectral_width_hz:g} Hz"
    times = (other.echo_time_s, own.echo_time_s)
    if None not in times and not np.isclose(times[0] or 0.0, times[1] or 0.0, rtol=0.02):
        return f"the water reference has an echo time of {1000 * (times[0] or 0):g} ms, the data {1000 * (times[1] or 0):g} ms"
    return ""


def loss_of_singlets(session: Session, factor: ComplexArray) -> float:
    """Part of their size that the singlets of tNAA, tCr and tCho lose by a correction, beyond what noise can do (4 SD); 0 if none."""
    acquisition = session.fids.acquisition
    chosen = np.flatnonzero(session.sound & session.kept)
    chosen = chosen[:: max(chosen.size // _N_COMPARED, 1)]
    if not chosen.size:
        return 0.0
    fids = np.asarray(session.fids.data[chosen], dtype=np.complex128)
    before, after = (match_singlets(_aligned_sum(each, acquisition), acquisition=acquisition, **_SHARP) for each in (fids, fids * factor))
    if before.size == 0 or before.score == 0:
        return 0.0
    return float(max(1.0 - after.size / before.size - 4.0 * np.sqrt(2.0) / before.score, 0.0))


def _aligned_sum(fids: ComplexArray, acquisition: Acquisition) -> ComplexArray:
    """Sum of FIDs that may have drifted, shape (n_points,)."""
    narrow = only_singlets(fids, acquisition=acquisition, range_ppm=(1.6, 4.2))
    target = pairwise_mean(narrow, acquisition=acquisition, max_shift_hz=40.0)
    shift, phase = best_offset(narrow, target=target, acquisition=acquisition, max_shift_hz=40.0)
    return np.asarray(np.sum(fids * correction(shift_hz=shift, phase_rad=phase, acquisition=acquisition), axis=0))


def usable_samples(fid: ComplexArray, *, noise: float, min_snr: float) -> BoolArray:
    """Samples before the first lasting fall of the magnitude below ``min_snr`` times the noise SD, shape (n_points,)."""
    run = 8  # a zero crossing of two beating lines is shorter than this many samples
    magnitude = np.abs(fid)
    strongest_ahead = np.array([magnitude[i : i + run].max() for i in range(fid.size)])
    dead = np.flatnonzero(strongest_ahead <= min_snr * noise)
    end = int(dead[0]) if dead.size else fid.size
    return np.arange(fid.size) < end


def _reference_noise(fid: ComplexArray, acquisition: Acquisition) -> float:
    """Noise SD of one sample: the lower of two estimates, since the lines of water reach far in frequency and sometimes in time."""
    tail = fid[-max(fid.size // 8, 1) :]
    return min(float(noise_sd(fid, acquisition=acquisition)), float(np.sqrt(np.mean(np.abs(tail) ** 2) / 2)))


def phase_curvature(time_s: FloatArray, *, size_rad: float, decay_s: float) -> FloatArray:
    """Largest second derivative of ``size (1 - exp(-t / decay))`` over all decay times from the shortest on, rad/s^2, shape of ``time_s``.

    ``size / decay^2 exp(-t / decay)`` is largest at ``decay = t / 2``. Never below 100 rad/s^2: things other than eddy currents happen.
    """
    decay = np.maximum(time_s / 2, decay_s)
    return np.maximum(size_rad / decay**2 * np.exp(-time_s / decay), 100.0)


def smooth_phase(phase_rad: FloatArray, *, weights: FloatArray, curvature_rad: FloatArray) -> FloatArray:
    """Smoothed phase: minimum of ``sum w (phase - z)^2 + sum (second difference of z)^2 / curvature^2``, shape (n_points,).

    Whittaker 1923 smoothing; with weights 1/variance both terms are in units of their standard deviations. ``curvature_rad`` has
    n_points - 2 values.
    """
    bands = second_difference_bands(1.0 / curvature_rad**2, n=phase_rad.size)
    bands[2] += weights
    return np.asarray(solveh_banded(bands, weights * phase_rad))


def reference_phase(
    fid: ComplexArray, *, noise: float, n_used: int, acquisition: Acquisition, curvature_rad_per_s2: FloatArray
) -> FloatArray:
    """Smooth phase of a reference from its first samples, going on at the last frequency after those, rad, shape (n_points,)."""
    weights = (np.abs(fid[:n_used]) / max(noise, 1e-6 * float(np.abs(fid).max()))) ** 2
    curvature = curvature_rad_per_s2[1 : n_used - 1] * acquisition.dwell_time_s**2
    smooth = smooth_phase(np.unwrap(np.angle(fid[:n_used])), weights=weights, curvature_rad=curvature)
    ahead = np.arange(1, fid.size - n_used + 1)
    return np.concatenate([smooth, smooth[-1] + (smooth[-1] - smooth[-2]) * ahead])


def _record(phase: FloatArray, usable: BoolArray, session: Session, *, values: dict[str, object]) -> StepRecord:
    time = session.fids.acquisition.time_s
    frequency = float(np.polyfit(time[usable], phase[usable], 1)[0] / (2 * np.pi))
    duration = float(usable.sum() * session.fids.acquisition.dwell_time_s)
    return StepRecord(
        step="eddy_current",
        method=METHOD,
        details=f"Klose: phase of the water reference ({values['n_references']} transients), measured over {1000 * duration:.0f} ms, "
        "continued at constant frequency",
        values=values
        | {
            "phase_rad": phase,
            "reference_frequency_hz": frequency,
            "reference_duration_s": duration,
            "curve_time_s": thinned(time[usable]),
            "curve_phase_rad": thinned((phase - 2 * np.pi * frequency * time)[usable]),
        },
    )

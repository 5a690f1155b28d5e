"""Eddy-current correction: the phase of the water reference is taken out of every transient.

Klose 1990, Magn Reson Med 14:26.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.linalg import solveh_banded

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.preprocessing.noise import noise_sd
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Eddy current correction"

OPTIONS = {
    "min_reference_snr": Option(default=10.0, doc="the reference is used up to where its magnitude falls below this times its noise SD"),
    "curvature_rad_per_s2": Option(
        default=30000.0, doc="expected second derivative of the phase, rad/s^2 (0.7 rad decaying in 5 ms: 28000); smaller smooths more"
    ),
}


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
        return session.after(StepRecord(step="eddy_current", method=METHOD, details=f"skipped: {reason}", values={"skipped": reason}))
    mean = _mean_reference(session.reference)
    noise = _reference_noise(mean, session.fids.acquisition)
    usable = usable_samples(mean, noise=noise, min_snr=options["min_reference_snr"])
    if usable.sum() < 8:
        return session.after(StepRecord(step="eddy_current", method=METHOD, details="skipped: the reference holds no signal"))
    weights = np.where(usable, (np.abs(mean) / max(noise, 1e-6 * float(np.abs(mean).max()))) ** 2, 0.0)
    curvature = options["curvature_rad_per_s2"] * session.fids.acquisition.dwell_time_s**2
    phase = smooth_phase(np.angle(mean), weights=weights, curvature_rad=curvature)
    factor = np.exp(-1j * phase)
    return session.after(
        _record(phase, usable, session),
        fids=session.fids.with_data(session.fids.data * factor),
        reference=session.reference.with_data(session.reference.data * factor),
    )


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
    return ""


def _mean_reference(reference: Fids) -> ComplexArray:
    rows = reference.data.reshape(-1, reference.acquisition.n_points)
    return np.asarray(rows[np.isfinite(rows.sum(axis=-1))].mean(axis=0) if np.isfinite(rows).any() else np.zeros(rows.shape[-1]))


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


def smooth_phase(phase_rad: FloatArray, *, weights: FloatArray, curvature_rad: float) -> FloatArray:
    """Smoothed, unwrapped phase: minimum of ``sum w (phase - z)^2 + sum (second difference of z)^2 / curvature^2``.

    Whittaker 1923 smoothing; with weights 1/variance both terms are in units of their standard deviations. Where weights are 0 the
    result goes on as a straight line, that is at constant frequency. Shape (n_points,).
    """
    used = weights > 0
    unwrapped = np.zeros_like(phase_rad)
    unwrapped[used] = np.unwrap(phase_rad[used])
    n, stiffness = phase_rad.size, 1.0 / curvature_rad**2
    bands = np.zeros((3, n))  # upper form: second superdiagonal, first, diagonal of D'D
    bands[0, 2:] = stiffness
    bands[1, 1:] = -4.0 * stiffness
    bands[1, [1, -1]] = -2.0 * stiffness
    bands[2] = 6.0 * stiffness
    bands[2, [0, -1]] = stiffness
    bands[2, [1, -2]] = 5.0 * stiffness
    bands[2] += weights
    return np.asarray(solveh_banded(bands, weights * unwrapped))


def _record(phase: FloatArray, usable: BoolArray, session: Session) -> StepRecord:
    time = session.fids.acquisition.time_s
    frequency = float(np.polyfit(time[usable], phase[usable], 1)[0] / (2 * np.pi))
    duration = float(usable.sum() * session.fids.acquisition.dwell_time_s)
    return StepRecord(
        step="eddy_current",
        method=METHOD,
        details=f"Klose: phase of the mean water reference, measured over {1000 * duration:.0f} ms, continued at constant frequency",
        values={"phase_rad": phase, "reference_frequency_hz": frequency, "reference_duration_s": duration},
    )

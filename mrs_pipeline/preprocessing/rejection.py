"""Rejection of spoiled transients: a mask with reasons, never a deletion."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray, spectrum_from_fid
from mrs_pipeline.preprocessing.noise import robust_sd
from mrs_pipeline.preprocessing.phase_reference import session_offset_hz
from mrs_pipeline.preprocessing.registration import Band, make_band, noise_power_per_bin, register_session
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Outlier removal"

OPTIONS = {
    "range_ppm": Option(default=[0.5, 4.2], doc="part of the spectrum that is compared with the mean, ppm"),
    "residual_z": Option(default=4.0, doc="limit for the misfit to the mean, robust SDs above the local median; 0: not used"),
    "amplitude_z": Option(default=4.0, doc="limit for the amplitude, robust SDs either way; 0: not used"),
    "linewidth_z": Option(default=4.0, doc="limit for broadening, robust SDs; 0: not used"),
    "frequency_z": Option(default=5.0, doc="limit for a frequency jump, robust SDs from the local median; 0: not used"),
    "phase_z": Option(default=5.0, doc="limit for a phase jump, robust SDs from the local median; 0: not used"),
    "water_z": Option(default=6.0, doc="limit for more residual water, robust SDs (of its logarithm); 0: not used"),
    "n_local": Option(default=31, doc="transients of the running median all scores are relative to, so that slow changes never count"),
    "min_snr": Option(default=3.0, doc="a transient whose fitted amplitude is below this times its standard error has no signal"),
    "max_fraction": Option(
        default=0.3, doc="at most this part of a session is rejected for its scores, the worst first; the rest is flagged"
    ),
}

#: Score -> (column it is made from, both sides count, smallest spread taken seriously in the unit of the column).
#: The floors keep very clean sessions from losing transients over deviations that do no harm.
_SCORES: dict[str, tuple[str, bool, float]] = {
    "residual": ("log_residual", False, 0.02),
    "amplitude": ("amplitude", True, 0.02),
    "linewidth": ("linewidth_change_hz", False, 0.25),
    "frequency": ("frequency_shift_hz", True, 0.25),
    "phase": ("phase_rad", True, np.radians(3.0)),
    "water": ("log_water", False, 0.1),
}
_WATER_PPM = (4.4, 4.9)
_MIN_TRANSIENTS = 8


def reject(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The same data with the columns rejected and reason, and what they rest on: amplitude, residual, linewidth_change_hz, water.

    amplitude is that of the mean spectrum in the transient (1: as the median), residual the root mean square misfit and water the
    residual water, both in units of their medians. Transients without numbers or signal are always rejected; the scores of
    the others are compared with limits where there are at least 8 transients. Earlier rejections stay.
    """
    options = resolve(OPTIONS, options, step="rejection")
    session.require_combined("rejection")
    band = make_band(session.fids.acquisition, range_ppm=options["range_ppm"], offset_hz=session_offset_hz(session))
    measured, silent = _measured(session.sound_data(), good=session.sound & session.kept, band=band, min_snr=options["min_snr"])
    reasons = np.where(~session.sound, "not finite or zero", np.where(silent, "no signal", ""))
    measured["frequency_shift_hz"] = _column(session, "frequency_shift_hz")
    measured["phase_rad"] = np.unwrap(_column(session, "phase_rad"))
    scores = robust_scores(measured, judged=(reasons == "") & session.kept, n_local=options["n_local"])
    spoiled, limit_reached = _over_limits(scores, options)
    reasons = np.where((reasons == "") & (spoiled != ""), spoiled, reasons)
    return session.after(_record(reasons, limit_reached), columns=_columns(session, measured, reasons))


def _column(session: Session, name: str) -> FloatArray:
    return session.transients[name].to_numpy(dtype=float) if name in session.transients else np.zeros(session.n_transients)


def _measured(fids: ComplexArray, *, good: BoolArray, band: Band, min_snr: float) -> tuple[dict[str, FloatArray], BoolArray]:
    """What is judged, (n_transients,) each, and which transients have no signal; the target is refined once without the odd ones."""
    spectra = band.spectra(fids)
    weights = good.astype(float) if good.any() else np.ones(len(fids))
    noise_power = noise_power_per_bin(spectra, used=weights > 0)
    for _ in range(2):
        target = weights @ fids / weights.sum()
        fit = register_session(spectra, target=target, band=band, noise_power=noise_power, weights=weights)
        amplitude = matched_amplitude(spectra, target=band.spectra(target), background=band.background)
        typical = float(np.median(amplitude[weights > 0]))
        odd = np.abs(amplitude - typical) > 4 * max(robust_sd(amplitude[weights > 0]), 0.02)
        weights = weights * np.where(odd, 0.0, 1.0) if np.any((weights > 0) & ~odd) else weights
    near_water = (band.acquisition.ppm > _WATER_PPM[0]) & (band.acquisition.ppm < _WATER_PPM[1])
    water = np.sqrt(np.mean(np.abs(spectrum_from_fid(fids)[:, near_water]) ** 2, axis=1))
    measured = {
        "amplitude": amplitude / (typical or 1.0),
        "log_residual": np.log(np.maximum(fit.residual, 1e-300)),
        "linewidth_change_hz": fit.linewidth_change_hz,
        "log_water": np.log(np.maximum(water, 1e-300)),
    }
    return measured, fit.snr < min_snr


def matched_amplitude(spectra: ComplexArray, *, target: ComplexArray, background: ComplexArray) -> FloatArray:
    """Amplitude of a target (n_bins,) in each spectrum (n_transients, n_bins), in phase with it, background profiled out."""
    target = target - background @ (background.conj().T @ target)
    return np.asarray((spectra @ target.conj()).real / max(float(np.vdot(target, target).real), 1e-300))


def robust_scores(measured: Mapping[str, FloatArray], *, judged: BoolArray, n_local: int) -> pd.DataFrame:
    """Deviation from the running median in robust SDs, one column per score, NaN for transients not judged; sign as it counts."""
    scores = pd.DataFrame({name: np.full(judged.size, np.nan) for name in _SCORES})
    if judged.sum() < _MIN_TRANSIENTS:
        return scores
    for name, (column, both_sides, floor) in _SCORES.items():
        values = measured[column][judged]
        size = min(n_local, values.size // 2 * 2 - 1)
        deviation = values - median_filter(values, size=size, mode="nearest")
        if column == "phase_rad":
            deviation = np.angle(np.exp(1j * deviation))
        score = deviation / max(robust_sd(deviation), floor)
        scores.loc[judged, name] = np.abs(score) if both_sides else score
    return scores


def _over_limits(scores: pd.DataFrame, options: Mapping[str, Any]) -> tuple[NDArray[Any], bool]:
    """Names of the limits each transient exceeds ("" for none), and whether the largest fraction allowed was reached."""
    limits = np.array([float(options[f"{name}_z"]) or np.inf for name in _SCORES])
    excess = scores.to_numpy(dtype=np.float64) / limits
    worst = np.nan_to_num(np.max(np.nan_to_num(excess, nan=0.0), axis=1))
    n_allowed = int(options["max_fraction"] * len(scores))
    over = worst > 1.0
    limit_reached = int(over.sum()) > n_allowed
    if limit_reached:
        over &= np.argsort(np.argsort(-worst, kind="stable"), kind="stable") < n_allowed
    names = [", ".join(scores.columns[row > 1.0]) if is_over else "" for row, is_over in zip(excess, over, strict=True)]
    return np.array(names, dtype=object), limit_reached


def _columns(session: Session, measured: Mapping[str, FloatArray], reasons: NDArray[Any]) -> dict[str, Any]:
    before = session.transients["reason"].to_numpy(dtype=object) if "reason" in session.transients else np.full(session.n_transients, "")
    reasons = np.where(session.kept, reasons, before).astype(object)
    residual, water = np.exp(measured["log_residual"]), np.exp(measured["log_water"])
    return {
        "rejected": reasons != "",
        "reason": reasons,
        "amplitude": measured["amplitude"],
        "residual": residual / np.median(residual),
        "linewidth_change_hz": measured["linewidth_change_hz"],
        "water": water / np.median(water),
    }


def _record(reasons: NDArray[Any], limit_reached: bool) -> StepRecord:
    counts = pd.Series([word for text in reasons for word in text.split(", ") if word], dtype=object).value_counts()
    n_rejected = int(np.sum(reasons != ""))
    details = f"{n_rejected} of {reasons.size} transients rejected by robust scores"
    if limit_reached:
        details += "; more exceeded a limit, only the worst were rejected: look at this session"
    values = {"n_rejected": n_rejected, "counts": {str(k): int(v) for k, v in sorted(counts.items())}, "limit_reached": limit_reached}
    return StepRecord(step="rejection", method=METHOD, details=details, values=values)

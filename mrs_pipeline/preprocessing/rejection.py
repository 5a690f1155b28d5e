"""Rejection of spoiled transients: a mask with reasons, never a deletion."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, FloatArray, spectrum_from_fid
from mrs_pipeline.preprocessing.alternation import phase_cycle
from mrs_pipeline.preprocessing.band import Band, make_band
from mrs_pipeline.preprocessing.local_trend import departures
from mrs_pipeline.preprocessing.noise import robust_sd
from mrs_pipeline.preprocessing.phase_reference import session_offset_hz
from mrs_pipeline.preprocessing.registration import lipid_sizes, noise_power_per_bin, register_session, weighted_target
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.step import Option, resolve

AnyArray = NDArray[Any]

METHOD = "Outlier removal"

OPTIONS = {
    "range_ppm": Option(default=[0.2, 4.2], doc="part of the spectrum that is compared with the mean, ppm"),
    "residual_z": Option(default=4.0, at_least=0, doc="limit for the misfit to the mean, robust SDs above the local trend; 0: not used"),
    "amplitude_z": Option(default=4.0, at_least=0, doc="limit for the amplitude, robust SDs either way; 0: not used"),
    "linewidth_z": Option(default=3.2, at_least=0, doc="limit for broadening, robust SDs; 0: not used"),
    "lipid_z": Option(default=3.7, at_least=0, doc="limit for a change of lipids at 1.3 and 0.9 ppm of any phase, robust SDs; 0: not used"),
    "frequency_z": Option(default=3.7, at_least=0, doc="limit for a frequency jump, robust SDs from the local trend; 0: not used"),
    "phase_z": Option(default=3.7, at_least=0, doc="limit for a phase jump, robust SDs from the local trend; 0: not used"),
    "water_z": Option(default=6.0, at_least=0, doc="limit for more residual water, robust SDs (of its logarithm); 0: not used"),
    "n_local": Option(default=31, at_least=3, doc="transients of the local lines all scores are relative to, so that drift never counts"),
    "min_snr": Option(
        default=3.0, at_least=0, doc="a transient whose fitted amplitude is below this times its standard error has no signal"
    ),
    "max_fraction": Option(
        default=0.3,
        at_least=0,
        at_most=1,
        doc="at most this part of a session is rejected for its scores, the worst first; the rest is flagged",
    ),
    "max_fraction_local": Option(
        default=0.6,
        at_least=0,
        at_most=1,
        doc="at most this part of every stretch of n_local transients is rejected for its scores, the worst first",
    ),
    "weighting": Option(
        default="none",
        doc="none: transients beyond a limit are rejected; inverse_variance: none is rejected for its scores, they weigh less in averages",
        choices=("none", "inverse_variance"),
    ),
}

#: Score -> (column it is made from, both sides count, smallest spread taken seriously in the unit of the column).
#: The floors keep sessions without noise from losing transients over deviations that do no harm.
_SCORES: dict[str, tuple[str, bool, float]] = {
    "residual": ("log_residual", False, 0.01),
    "amplitude": ("amplitude", True, 0.005),
    "linewidth": ("linewidth_change_hz", False, 0.05),
    "lipid": ("lipid", True, 0.005),
    "frequency": ("frequency_shift_hz", True, 0.1),
    "phase": ("phase_rad", True, np.radians(1.0)),
    "water": ("log_water", False, 0.05),
}
_LIMIT_REACHED = "more exceeded a limit, only the worst were rejected: look at this session"
_WATER_PPM = (4.4, 4.9)
_MIN_TRANSIENTS = 8
#: Repetitions of the scores, each relative to the transients that exceeded no limit in the one before.
_N_ROUNDS = 3


def reject(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The same data with the columns rejected and reason, and what they rest on: amplitude, residual, linewidth_change_hz, lipid, water.

    amplitude is that of the mean spectrum in the transient (1: as the median), residual the root mean square misfit and water the
    residual water, both in units of their medians, lipid that of lipid lines in units of the tallest metabolite line.
    Transients without numbers or signal are always rejected; the scores of the others are compared with limits where there are at
    least 8 transients. Earlier rejections stay.
    """
    options = resolve(OPTIONS, options, step="rejection")
    session.require_combined("rejection")
    band = make_band(session.fids.acquisition, range_ppm=options["range_ppm"], offset_hz=session_offset_hz(session))
    usual = session.sound & session.kept
    for _ in range(_N_ROUNDS):
        measured, silent = _measured(session, usual=usual, band=band, options=options)
        reasons = np.where(~session.sound, "not finite or zero", np.where(silent, "no signal", ""))
        judged = (reasons == "") & session.kept
        scores = robust_scores(measured, judged=judged, usual=usual & judged, options=options)
        usual = _usual(scores, judged=judged, options=options)
    if options["weighting"] == "inverse_variance":
        weights = {"weight": np.where(judged, inverse_variance_weights(scores, options=options), 0.0)}
        return session.after(_record(reasons, limit_reached=False, weighted=True), columns=_columns(session, measured, reasons) | weights)
    spoiled, limit_reached = _over_limits(scores, options)
    reasons = np.where((reasons == "") & (spoiled != ""), spoiled, reasons)
    return session.after(_record(reasons, limit_reached=limit_reached), columns=_columns(session, measured, reasons))


def _column(session: Session, name: str) -> FloatArray:
    return session.transients[name].to_numpy(dtype=float) if name in session.transients else np.zeros(session.n_transients)


def _measured(session: Session, *, usual: BoolArray, band: Band, options: Mapping[str, Any]) -> tuple[dict[str, AnyArray], BoolArray]:
    """What is judged, (n_transients,) each, and which transients have no signal; ``usual`` ones say what is signal and what varies."""
    fids = session.sound_data()
    weights = usual.astype(float) if usual.any() else np.ones(len(fids))
    spectra = band.spectra(fids)
    noise_power = noise_power_per_bin(spectra, used=weights > 0)
    target = weighted_target(fids, weights=weights, band=band, noise_power=noise_power)
    fit, in_place = (
        register_session(spectra, target=target, band=band, noise_power=noise_power, weights=weights, free_shift=free)
        for free in (True, False)
    )
    lipid = lipid_sizes(spectra, target=target, band=band, noise_power=noise_power, weights=weights)
    near_water = (band.acquisition.ppm > _WATER_PPM[0]) & (band.acquisition.ppm < _WATER_PPM[1])
    water = np.sqrt(np.mean(np.abs(spectrum_from_fid(fids)[:, near_water]) ** 2, axis=1))
    amplitude = in_place.amplitude * np.cos(in_place.phase_rad)
    phase = _column(session, "phase_rad") + fit.phase_rad
    measured = {
        "amplitude": amplitude / (float(np.median(amplitude[weights > 0])) or 1.0),
        "log_residual": np.log(np.maximum(fit.residual, 1e-300)),
        "linewidth_change_hz": fit.linewidth_change_hz,
        "lipid": lipid / (float(np.abs(band.spectra(target)).max()) or 1.0),
        "frequency_shift_hz": _column(session, "frequency_shift_hz") + fit.shift_hz,
        "phase_rad": phase - phase_cycle(phase, usable=weights > 0),
        "log_water": np.log(np.maximum(water, 1e-300)),
    }
    return measured, fit.snr < options["min_snr"]


def robust_scores(measured: Mapping[str, AnyArray], *, judged: BoolArray, usual: BoolArray, options: Mapping[str, Any]) -> pd.DataFrame:
    """Departure from the local trend in robust SDs, one column per score, NaN for transients not judged; sign as it counts.

    Trends and SDs are those of the ``usual`` transients.
    """
    scores = pd.DataFrame({name: np.full(judged.size, np.nan) for name in _SCORES})
    if usual.sum() < _MIN_TRANSIENTS:
        return scores
    for name, (column, both_sides, floor) in _SCORES.items():
        off = departures(measured[column], usual=usual, n_local=options["n_local"], is_angle=column == "phase_rad")
        nearest, about = ([x.real, x.imag] if np.iscomplexobj(x) else [x] for x in off)
        score = np.stack([part / max(_spread(plain[usual]), floor) for part, plain in zip(nearest, about, strict=True)])
        scores[name] = np.where(judged, np.linalg.norm(score, axis=0) if both_sides else score[0], np.nan)
    return scores


def _spread(deviation: FloatArray) -> float:
    """Standard deviation of what lies within 4 robust SDs: the median alone is a coarse measure of few values."""
    near = np.abs(deviation - np.median(deviation)) <= 4.0 * robust_sd(deviation)
    return float(np.std(deviation[near]))


def _usual(scores: pd.DataFrame, *, judged: BoolArray, options: Mapping[str, Any]) -> BoolArray:
    """Judged transients that exceed no limit, or all judged ones where that leaves too few."""
    within = judged & (np.nan_to_num(scores.to_numpy(dtype=np.float64) / _limits(options)).max(axis=1) <= 1.0)
    return np.asarray(within if within.sum() >= max(_MIN_TRANSIENTS, judged.sum() // 2) else judged)


def inverse_variance_weights(scores: pd.DataFrame, *, options: Mapping[str, Any]) -> FloatArray:
    """Weight of each transient: 1 up to 3/4 of a limit, beyond it the squared departure counts as its variance."""
    excess = np.nan_to_num(scores.to_numpy(dtype=np.float64) / _limits(options)).max(axis=1)
    return np.asarray(1.0 / np.maximum(1.0, excess / 0.75) ** 2)


def _limits(options: Mapping[str, Any]) -> FloatArray:
    return np.array([float(options[f"{name}_z"]) or np.inf for name in _SCORES])


def _over_limits(scores: pd.DataFrame, options: Mapping[str, Any]) -> tuple[NDArray[Any], bool]:
    """Names of the limits each transient exceeds ("" for none), and whether the largest fraction allowed was reached."""
    excess = np.nan_to_num(scores.to_numpy(dtype=np.float64) / _limits(options))
    worst = excess.max(axis=1)
    wanted = worst > 1.0
    over = _worst_of(worst, wanted, n_most=int(options["max_fraction"] * worst.size)).copy()
    for start in range(0, worst.size, options["n_local"]):
        part = slice(start, start + options["n_local"])
        over[part] = _worst_of(worst[part], over[part], n_most=int(np.ceil(options["max_fraction_local"] * over[part].size)))
    names = [", ".join(scores.columns[row > 1.0]) if is_over else "" for row, is_over in zip(excess, over, strict=True)]
    return np.array(names, dtype=object), bool(np.any(wanted & ~over))


def _worst_of(worst: FloatArray, over: BoolArray, *, n_most: int) -> BoolArray:
    """Those over a limit, but only the ``n_most`` worst of them."""
    if int(over.sum()) <= n_most:
        return over
    ranks = np.argsort(np.argsort(np.where(over, -worst, np.inf), kind="stable"), kind="stable")
    return np.asarray(over & (ranks < n_most))


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
        "lipid": np.abs(measured["lipid"]),
        "water": water / np.median(water),
    }


def _record(reasons: NDArray[Any], *, limit_reached: bool, weighted: bool = False) -> StepRecord:
    counts = pd.Series([word for text in reasons for word in text.split(", ") if word], dtype=object).value_counts()
    n_rejected = int(np.sum(reasons != ""))
    details = f"{n_rejected} of {reasons.size} transients rejected by robust scores"
    if weighted:
        details = f"{n_rejected} of {reasons.size} transients rejected, all others weighted by the inverse variance of their scores"
    if limit_reached:
        details += f"; {_LIMIT_REACHED}"
    values = {"n_rejected": n_rejected, "counts": {str(k): int(v) for k, v in sorted(counts.items())}, "limit_reached": limit_reached}
    remark = f"{n_rejected} of {reasons.size} transients rejected; {_LIMIT_REACHED}" if limit_reached else ""
    return StepRecord(step="rejection", method=METHOD, details=details, values=values, remark=remark)

"""Frequency and phase of every transient against the session's own mean, and their correction."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import BoolArray, ComplexArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.preprocessing.alternation import alternation, phase_cycle
from mrs_pipeline.preprocessing.estimate import Estimate, correction
from mrs_pipeline.preprocessing.maximum_likelihood import maximum_likelihood
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.spectral_registration import robust_spectral_registration, spectral_registration
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Frequency and phase correction"

#: Ways to find frequency and phase: function ``(fids, *, usable, acquisition, options) -> Estimate`` with its fit.
METHODS: Mapping[str, Callable[..., Estimate]] = {
    "maximum_likelihood": maximum_likelihood,
    "spectral_registration": spectral_registration,
    "robust_spectral_registration": robust_spectral_registration,
}

OPTIONS = {
    "method": Option(
        default="maximum_likelihood",
        doc="maximum_likelihood: against the mean of the session, with what varies besides; spectral_registration: against the first "
        "transient (Near 2015); robust_spectral_registration: after Mikkelsen 2020. The options below but min_snr belong to the first",
        choices=tuple(METHODS),
    ),
    "range_ppm": Option(default=[0.2, 4.2], doc="part of the spectrum that is aligned, ppm; keep water out"),
    "max_shift_hz": Option(default=40.0, above=0, doc="largest offset between two transients of a session that can be found, Hz"),
    "n_iterations": Option(default=8, at_least=1, doc="repetitions of target and fit"),
    "smoothness": Option(
        default="random_walk",
        doc="random_walk: frequencies are smoothed over time as far as they are noise; none: each transient for itself",
        choices=("none", "random_walk"),
    ),
    "min_snr": Option(
        default=4.5, at_least=0, doc="a transient whose matched signal is below this times its standard error is left as it is"
    ),
    "max_alternation": Option(
        default=0.12,
        at_least=0,
        doc="data whose transients differ in a repeating pattern (edited, metabolite-cycled) by more than this part of their narrow lines "
        "are refused; 0: not looked for",
    ),
    "session_offset_ppm": Option(default=0.25, at_least=0, doc="how far the whole session may be off the ppm scale, ppm"),
}

#: Part of the transients without signal from which a user is told.
_MANY_UNALIGNED = 0.1


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
    estimate = METHODS[options["method"]](session.sound_data(), usable=_basis(session), acquisition=acquisition, options=options)
    pattern = _checked_pattern(session.sound_data(), estimate, session, options)
    estimate, aligned = _relative(estimate, sound, session.kept, options)
    factor = correction(shift_hz=estimate.shift_hz, phase_rad=estimate.phase_rad, acquisition=acquisition)
    columns = _columns(session, estimate) | {"aligned": aligned}
    return session.after(_record(estimate, aligned, pattern, options), fids=session.modulated(factor), columns=columns)


def _checked_pattern(fids: ComplexArray, estimate: Estimate, session: Session, options: Mapping[str, Any]) -> dict[str, object]:
    """What repeats every few transients, for the record; `DataError` where they hold different spectra in turn."""
    assert estimate.band is not None
    spectra = estimate.band.spectra(estimate.corrected(fids, acquisition=session.fids.acquisition))
    period, size = alternation(spectra, background=estimate.band.background, weights=estimate.weights)
    if 0 < options["max_alternation"] < size:
        raise DataError(
            f"the transients hold different spectra that repeat every {period} (by {100 * size:.0f} % of the narrow lines): edited or "
            "metabolite-cycled data are not averaged; split the conditions into files of their own, or set the option max_alternation of "
            "the alignment step to 0 if they belong together"
        )
    cycle = np.degrees(phase_cycle(estimate.phase_rad, usable=estimate.weights > 0))[:16]
    return {"alternation": size, "alternation_period": period} | ({"phase_cycle_deg": cycle} if np.any(cycle) else {})


def _basis(session: Session) -> BoolArray:
    """Transients the target is made of: the kept ones, or all sound ones where that leaves fewer than two."""
    kept = session.sound & session.kept
    return kept if kept.sum() >= 2 else session.sound


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


def _remark(aligned: BoolArray) -> str:
    """What a user should know where a good part of the transients has no signal to align."""
    n_left = int((~aligned).sum())
    if n_left <= _MANY_UNALIGNED * aligned.size:
        return ""
    return f"{n_left} of {aligned.size} transients have too little signal to be aligned and were left as they were: look at this session"


def _record(estimate: Estimate, aligned: BoolArray, pattern: Mapping[str, object], options: Mapping[str, Any]) -> StepRecord:
    assert estimate.fit is not None
    shift = estimate.shift_hz[aligned]
    spread = float(shift.std()) if shift.size else 0.0
    low, high = options["range_ppm"]
    how = {
        "maximum_likelihood": f"maximum likelihood from {low:g} to {high:g} ppm against the weighted mean of all transients",
        "spectral_registration": "spectral registration (Near 2015) to the first transient",
        "robust_spectral_registration": "robust spectral registration (after Mikkelsen 2020)",
    }[options["method"]]
    return StepRecord(
        step="alignment",
        method=METHOD,
        details=f"{how}; frequency SD {spread:.2f} Hz, {int((~aligned).sum())} transients without signal left as they were"
        + ("; phase cycle undone" if "phase_cycle_deg" in pattern else ""),
        values=dict(pattern)
        | {
            "n_without_signal": int((~aligned).sum()),
            "frequency_sd_hz": spread,
            "frequency_range_hz": float(np.ptp(shift)) if shift.size else 0.0,
            "median_standard_error_hz": float(np.median(estimate.fit.shift_sd_hz[aligned])) if shift.size else float("nan"),
            "method": options["method"],
            "smoothness": options["smoothness"],
        },
        remark=_remark(aligned),
    )

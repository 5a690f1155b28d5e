"""Zero-order phase and chemical-shift reference of a whole session: one number each, from a model of its singlets."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, spectrum_from_fid
from mrs_pipeline.preprocessing.noise import noise_sd
from mrs_pipeline.preprocessing.record_curves import rounded, spectrum_range
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.singlet_fit import fit_singlets
from mrs_pipeline.preprocessing.singlets import match_singlets
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Frequency and phase correction"

OPTIONS = {
    "max_shift_ppm": Option(default=0.25, above=0, doc="how far off the singlets of tNAA, tCr and tCho are looked for, ppm"),
    "linewidth_hz": Option(default=6.0, above=0, doc="full width at half maximum of the singlets looked for, Hz"),
    "require_naa": Option(
        default=True,
        doc="true: a session whose NAA is not a positive peak at 2.01 +- 0.03 ppm is flagged and not fitted; false: only noted",
    ),
    "half_width_ppm": Option(default=0.1, above=0, doc="each singlet is fitted this far to either side, upon a background of its own, ppm"),
}

#: Matched signal over background from which the singlets are taken to be there.
_PLAIN_SCORE = 10.0
#: The flag for a session whose NAA is not a positive peak here after referencing.
_NAA_RANGE_PPM = (1.98, 2.04)
_SHOWN_PPM = (0.5, 4.3)
_NO_NAA = "NAA is not a positive peak at 2.01 +- 0.03 ppm after phasing and referencing"


def phase_and_reference(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The session with its mean singlets of tNAA, tCr and tCho at their shifts and upright; every transient gets the same correction.

    The record has ``frequency_shift_hz`` and ``phase_rad`` found, ``naa_found`` (a positive peak at 2.01 +- 0.03 ppm) and its ``naa_snr``.
    """
    options = resolve(OPTIONS, options, step="phase_reference")
    session.require_combined("phase_reference")
    acquisition = session.fids.acquisition
    mean = mean_of_kept(session)
    shift_hz, phase_rad = _place_and_phase(mean, acquisition=acquisition, options=options)
    factor = np.exp(-1j * (phase_rad + 2 * np.pi * shift_hz * acquisition.time_s))
    found, snr = naa_peak(mean * factor, acquisition=acquisition)
    ppm, spectrum = spectrum_range(mean * factor, acquisition=acquisition, range_ppm=_SHOWN_PPM)
    values = {"frequency_shift_hz": shift_hz, "phase_rad": phase_rad, "naa_found": found, "naa_snr": snr}
    record = StepRecord(
        step="phase_reference",
        method=METHOD,
        details=f"singlets of tNAA, tCr, tCho: {shift_hz:.2f} Hz and {np.degrees(phase_rad):.1f} degrees taken out"
        + ("" if found else f"; {_NO_NAA}"),
        values=values | {"curve_ppm": ppm, "curve_spectrum": rounded(spectrum.real)},
        flag=f"{_NO_NAA}: check the data, the field strength and the voxel" if options["require_naa"] and not found else "",
    )
    return session.after(record, fids=session.modulated(factor))


def _place_and_phase(mean: ComplexArray, *, acquisition: Acquisition, options: Mapping[str, Any]) -> tuple[float, float]:
    """Shift (Hz) and phase (rad) by the model; those of the best match where there are no plain singlets to fit."""
    match = match_singlets(mean, acquisition=acquisition, max_shift_ppm=options["max_shift_ppm"], linewidth_hz=options["linewidth_hz"])
    if match.score < _PLAIN_SCORE:
        return match.frequency_shift_hz, match.phase_rad
    fit = fit_singlets(
        mean,
        acquisition=acquisition,
        start_hz=match.frequency_shift_hz,
        start_rad=match.phase_rad,
        half_width_ppm=options["half_width_ppm"],
    )
    return fit.frequency_shift_hz, fit.phase_rad


def mean_of_kept(session: Session) -> ComplexArray:
    """Mean FID over the transients that are kept and finite (zeros where there is none), shape (n_points,)."""
    used = session.kept & session.sound
    return np.asarray(session.fids.data[used].mean(axis=0) if used.any() else np.zeros(session.fids.acquisition.n_points, dtype=complex))


def session_offset_hz(session: Session) -> float:
    """How far the resonances of a session lie above their places, Hz, from its singlets; 0 where those are not plain to see."""
    match = match_singlets(mean_of_kept(session), acquisition=session.fids.acquisition, max_shift_ppm=0.25, linewidth_hz=6.0)
    return match.frequency_shift_hz if match.score > _PLAIN_SCORE else 0.0


def naa_peak(fid: ComplexArray, *, acquisition: Acquisition) -> tuple[bool, float]:
    """Whether the highest point from 1.8 to 2.2 ppm is within 2.01 +- 0.03 ppm and above 5 noise SD, and its height in noise SD."""
    ppm, spectrum = acquisition.ppm, spectrum_from_fid(fid).real
    near = np.flatnonzero((ppm > 1.8) & (ppm < 2.2))
    top = near[np.argmax(spectrum[near])]
    noise = float(noise_sd(fid, acquisition=acquisition)) * np.sqrt(acquisition.n_points)
    snr = float(spectrum[top] / noise) if noise > 0 else 0.0
    half_bin = 0.5 * abs(float(ppm[1] - ppm[0]))
    inside = _NAA_RANGE_PPM[0] - half_bin <= ppm[top] <= _NAA_RANGE_PPM[1] + half_bin
    return bool(inside and snr > 5), snr

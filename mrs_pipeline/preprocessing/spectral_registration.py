"""Spectral registration in the time domain, as published, for comparison with other work.

Near et al. 2015, Magn Reson Med 73:44 (doi 10.1002/mrm.25094): every transient S is fitted to a reference R, the first of the series, by
least squares over frequency and phase of ``|R(t) - S(t) exp(2 pi i (f t + phi / 360))|^2``. The robust form follows Mikkelsen et al. 2020,
NMR Biomed 33:e4368 (doi 10.1002/nbm.4368): unstable water and lipids are taken out first (of copies that serve the fit alone), the
reference is a weighted average that grows as transients are added in the order of their similarity to the median. The limits
from which signals count as unstable and the time span are chosen here; nothing is smoothed over time in either form.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray, fid_from_spectrum, spectrum_from_fid
from mrs_pipeline.preprocessing.estimate import Estimate
from mrs_pipeline.preprocessing.maximum_likelihood import rough_estimate, with_fit
from mrs_pipeline.preprocessing.penalised import smooth_curve
from mrs_pipeline.preprocessing.water_removal import OPTIONS as WATER
from mrs_pipeline.preprocessing.water_removal import hsvd_poles, modelled, water_poles

#: Samples after this time are noise and not fitted, s.
_SPAN_S = 0.2
#: Spread over transients, relative to that of the noise, from which a signal is unstable.
_UNSTABLE = 3.0
_LIPID_PPM = (0.0, 1.85)
_WATER_PPM = (4.2, 5.1)
#: Features narrower than this are no lipid, ppm.
_LIPID_WIDTH_PPM = 0.2


def spectral_registration(fids: ComplexArray, *, usable: BoolArray, acquisition: Acquisition, options: Mapping[str, Any]) -> Estimate:
    """Frequency and phase of each transient against the first usable one."""
    order = range(len(fids))
    shift, phase = _registered(fids, order=order, reference=fids[int(np.flatnonzero(usable)[0])], acquisition=acquisition)
    return _with_fit(fids, shift, phase, usable=usable, acquisition=acquisition, options=options)


def robust_spectral_registration(
    fids: ComplexArray, *, usable: BoolArray, acquisition: Acquisition, options: Mapping[str, Any]
) -> Estimate:
    """Frequency and phase of each transient against an average that grows in the order of similarity, without unstable water and lipids."""
    stable = without_unstable(fids, usable=usable, acquisition=acquisition)
    n = _n_samples(acquisition)
    middle = np.median(stable[usable, :n].real, axis=0) + 1j * np.median(stable[usable, :n].imag, axis=0)
    distance = np.mean(np.abs(stable[:, :n] - middle) ** 2, axis=1)
    order = [int(row) for row in np.lexsort((distance, ~usable))]
    weights = np.where(usable, np.median(distance[usable]) / np.maximum(distance, 1e-300), 0.0)
    first = stable[order[0]]
    shift, phase = _registered(stable, order=order, reference=first, acquisition=acquisition, weights=weights)
    return _with_fit(fids, shift, phase, usable=usable, acquisition=acquisition, options=options)


def _with_fit(
    fids: ComplexArray,
    shift_hz: FloatArray,
    phase_rad: FloatArray,
    *,
    usable: BoolArray,
    acquisition: Acquisition,
    options: Mapping[str, Any],
) -> Estimate:
    band, _ = rough_estimate(fids, usable=usable, acquisition=acquisition, options=options)
    return with_fit(fids, Estimate(shift_hz=shift_hz, phase_rad=phase_rad, weights=usable.astype(float)), band=band)


def _n_samples(acquisition: Acquisition) -> int:
    return min(int(np.ceil(_SPAN_S * acquisition.spectral_width_hz)), acquisition.n_points)


def _registered(
    fids: ComplexArray, *, order: Sequence[int], reference: ComplexArray, acquisition: Acquisition, weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Errors of all transients in an order; each search starts at the result of the nearest one done.

    With ``weights`` the reference is the weighted mean of those done so far.
    """
    n, time = _n_samples(acquisition), acquisition.time_s
    shift, phase = np.zeros(len(fids)), np.zeros(len(fids))
    target, total = np.array(reference[:n]), 0.0
    done: list[int] = []
    for row in order:
        near = min(done, key=lambda other: abs(other - row), default=row)
        shift[row], phase[row] = registered(fids[row, :n], reference=target, time_s=time[:n], start=(shift[near], phase[near]))
        if weights is not None and weights[row] > 0:
            added = fids[row, :n] * np.exp(-1j * (phase[row] + 2 * np.pi * shift[row] * time[:n]))
            target = (total * target + weights[row] * added) / (total + weights[row])
            total += weights[row]
        done.append(row)
    return shift, phase


def registered(fid: ComplexArray, *, reference: ComplexArray, time_s: FloatArray, start: tuple[float, float]) -> tuple[float, float]:
    """Shift (Hz) and phase (rad) of an FID against a reference by non-linear least squares (Levenberg-Marquardt) from a start."""

    def turned(errors: FloatArray) -> ComplexArray:
        return np.asarray(fid * np.exp(-1j * (errors[1] + 2 * np.pi * errors[0] * time_s)))

    def rest(errors: FloatArray) -> FloatArray:
        return (reference - turned(errors)).view(np.float64)

    def slopes(errors: FloatArray) -> FloatArray:
        columns = 1j * turned(errors)
        return np.stack([(2 * np.pi * time_s * columns).view(np.float64), columns.view(np.float64)], axis=1)

    found = least_squares(rest, start, jac=slopes, method="lm", x_scale=(1.0, 0.1)).x
    return float(found[0]), float(np.angle(np.exp(1j * found[1])))


def without_unstable(fids: ComplexArray, *, usable: BoolArray, acquisition: Acquisition) -> ComplexArray:
    """Copies without residual water, and without broad signals below 1.85 ppm, each where it changes between transients."""
    cleaned = fids
    if _is_unstable(fids[usable], _WATER_PPM, acquisition=acquisition):
        poles = hsvd_poles(fids[usable].mean(axis=0), n_components=WATER["n_components"].default)
        options = {name: option.default for name, option in WATER.items()}
        at_water = water_poles(poles, acquisition=acquisition, options=options)
        cleaned = cleaned - modelled(cleaned, poles=poles, part=at_water)
    if _is_unstable(fids[usable], _LIPID_PPM, acquisition=acquisition):
        spectra = spectrum_from_fid(cleaned)
        inside = (acquisition.ppm > _LIPID_PPM[0]) & (acquisition.ppm < _LIPID_PPM[1])
        step_ppm = acquisition.spectral_width_hz / acquisition.n_points / acquisition.spectrometer_frequency_mhz
        spectra[:, inside] -= smooth_curve(spectra[:, inside], width=_LIPID_WIDTH_PPM / step_ppm)
        cleaned = fid_from_spectrum(spectra)
    return cleaned


def _is_unstable(fids: ComplexArray, range_ppm: tuple[float, float], *, acquisition: Acquisition) -> bool:
    """Whether magnitudes in a range vary more over transients than those beyond all signals."""
    ppm, spread = acquisition.ppm, np.std(np.abs(spectrum_from_fid(fids)), axis=0)
    inside, beyond = (ppm > range_ppm[0]) & (ppm < range_ppm[1]), (ppm > 9.5) | (ppm < -1.0)
    return bool(inside.any() and beyond.any() and spread[inside].max() > _UNSTABLE * np.median(spread[beyond]))

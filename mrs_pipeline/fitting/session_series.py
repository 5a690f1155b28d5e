"""The windows of a session as a `Series`: what the fit of the session's mean lends them, and where their search begins."""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import is_lipid, is_macromolecule
from mrs_pipeline.fitting.fit import Fitter, centred
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.series import Series, alternating
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.fitting.start import StartTemplate, in_band

_PLACED = ("phase0_rad", "shift_hz")
#: What a spectrum of the session may have of its own, by the course of its widths: not the first-order phase, which the sequence and the
#: receiver make. Widths that are held show what a change of the linewidth does to fits that do not know of it.
MOVING: dict[str, tuple[str, ...]] = {"free": (*_PLACED, "gaussian_square_hz2", "lorentzian_hz"), "held": _PLACED}


@dataclass(frozen=True, kw_only=True)
class Lent:
    """What spectra take over from the fit of their mean, amplitudes and curves in the units of the data.

    `free` are the components whose amplitudes may differ, `known` the rest, macromolecules. `fids`, (n_components, n_times), have the
    lineshape of the mean but for shift and Gaussian width. `baseline` is on the fitted points; `theta` are the common parameters of the
    mean beside what is taken out of the data, shift and delay, and what is in the components, the Lorentzian width.
    """

    mean: SpectrumFit
    fids: ComplexArray
    free: tuple[int, ...]
    known: tuple[int, ...]
    baseline: ComplexArray
    theta: FloatArray
    shift_hz: float
    delay_s: float
    lorentzian_hz: float


def lent_by(mean: SpectrumFit, *, fitter: Fitter) -> Lent:
    """What the fit of a mean, whose status is ok, lends to the spectra it is the mean of."""
    names = fitter.basis.metabolites
    apart = set(COMMON) - {"lorentzian_hz"}
    lineshape = np.array([0.0 if name in apart else mean.parameters[name] for name in fitter.parameter_names])
    theta = np.array([mean.parameters[name] for name in COMMON])
    theta[[COMMON.index(name) for name in ("shift_hz", "phase1_s", "lorentzian_hz")]] = 0.0
    known = [is_macromolecule(name) and not is_lipid(name) for name in names]
    return Lent(
        mean=mean,
        fids=fitter.model.modulated(lineshape),
        free=tuple(np.flatnonzero(~np.array(known)).tolist()),
        known=tuple(np.flatnonzero(known).tolist()),
        baseline=_baseline(mean, fitter),
        theta=theta,
        shift_hz=mean.parameters["shift_hz"],
        delay_s=mean.parameters["phase1_s"],
        lorentzian_hz=mean.parameters["lorentzian_hz"],
    )


def held_names(lent: Lent, *, fitter: Fitter, widths: str) -> frozenset[str]:
    """Components and parameters that spectra take over as they are."""
    components = {fitter.basis.metabolites[index] for index in lent.known}
    return frozenset(components | set(fitter.parameter_names) - set(MOVING[widths]))


def _baseline(fit: SpectrumFit, fitter: Fitter) -> ComplexArray:
    """The fit's baseline at the chemical shifts of the fitted points."""
    if fit.curves is None:
        raise ValueError("a failed fit lends no baseline")
    ppm = fitter.model.basis.acquisition.ppm[fitter.model.mask]
    known, curve = fit.curves.ppm[::-1], fit.curves.baseline[::-1]
    return np.asarray(np.interp(ppm, known, curve.real) + 1j * np.interp(ppm, known, curve.imag), dtype=complex)


def session_series(fids: ComplexArray, *, lent: Lent, unit: FloatArray, smoothing: float, fitter: Fitter, widths: str = "free") -> Series:
    """The series of FIDs (n_spectra, n_used) whose residuals have the SDs `unit` (n_spectra,)."""
    model, free, known = fitter.model, list(lent.free), list(lent.known)
    n, width = len(COMMON), np.array([name == "lorentzian_hz" for name in COMMON])
    rows = fitter.ratio_priors.within(lent.free).rows(amplitudes=lent.mean.amplitudes, sd=lent.mean.sd)[:, free]
    return Series(
        model=model,
        data=centred(fids, model, shift_hz=lent.shift_hz, delay_s=lent.delay_s) / unit[:, None],
        offset=lent.baseline / unit[:, None],
        fids=lent.fids[free],
        known=(lent.mean.amplitudes[known] @ lent.fids[known]) / unit[:, None],
        rows=alternating(model.smoother.rows(smoothing)),
        penalty=(rows.T @ rows) * unit[:, None, None] ** 2,
        centre=fitter.priors.centre[:n] - lent.lorentzian_hz * width,
        precision=fitter.priors.precision[:n],
        free=np.array([name in MOVING[widths] for name in COMMON]),
        lower=fitter.lower[:n] - lent.lorentzian_hz * width,
        upper=fitter.upper[:n] - lent.lorentzian_hz * width,
    )


def starts(fids: ComplexArray, *, mean: ComplexArray, lent: Lent, template: StartTemplate) -> FloatArray:
    """Common parameters to begin with, (n_spectra, n_common): those of the mean, shift and phase by correlation with it."""
    products = in_band(fids, template.places) * np.conj(in_band(mean, template.places))
    correlations = scipy.fft.fft(products, template.n_padded, axis=-1)[:, template.candidates]
    best = np.argmax(np.abs(correlations), axis=1)
    theta = np.tile(lent.theta, (len(fids), 1))
    theta[:, COMMON.index("shift_hz")] = template.shifts_hz[best]
    theta[:, COMMON.index("phase0_rad")] += np.angle(correlations[np.arange(len(fids)), best])
    return theta

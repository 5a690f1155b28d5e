"""Linear-combination fit of spectra: start, common parameters, baseline stiffness, all parameters, uncertainty, verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import RatioPrior
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.model import SpectralModel, spectral_model
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.parameters import COMMON, Priors, declare_parameters, parameter_priors
from mrs_pipeline.fitting.quality import amplitude_covariance, assess, curves_in_data_units
from mrs_pipeline.fitting.ratio_priors import ratio_rows
from mrs_pipeline.fitting.smoothing import SmoothingScale, choose_smoothing, smoothing_scale
from mrs_pipeline.fitting.solver import LinearPriors, Problem, State, levenberg_marquardt
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit, failed_fit
from mrs_pipeline.fitting.start import coarse_shift_and_phase, noise_sd


@dataclass(frozen=True, kw_only=True)
class Fitter:
    """A basis, an axis and options, prepared once for many spectra."""

    model: SpectralModel
    options: FitOptions
    ratio_priors: tuple[RatioPrior, ...]
    priors: Priors
    lower: FloatArray
    upper: FloatArray
    start: FloatArray
    scale: SmoothingScale | None

    @property
    def basis(self) -> BasisSet:
        """The basis set on the data's axis."""
        return self.model.basis


def prepare_fitter(basis: BasisSet, *, options: FitOptions, ratio_priors: Sequence[RatioPrior] = ()) -> Fitter:
    """Everything that does not depend on the spectrum. The basis must be on the data's time axis."""
    model = spectral_model(basis, options=options)
    frequency = basis.acquisition.spectrometer_frequency_mhz
    parameters = declare_parameters(basis.metabolites, spectrometer_frequency_mhz=frequency, options=options)
    values = list(parameters.values())
    return Fitter(
        model=model,
        options=options,
        ratio_priors=tuple(ratio_priors) if options.priors else (),
        priors=parameter_priors(basis.metabolites, spectrometer_frequency_mhz=frequency, options=options),
        lower=np.array([item.min for item in values]),
        upper=np.array([item.max for item in values]),
        start=np.array([item.value for item in values]),
        scale=smoothing_scale(model.baseline, ppm_range=options.ppm_range),
    )


def fit_spectra(fids: Fids, *, fitter: Fitter, smoothing: float | None = None) -> tuple[SpectrumFit, ...]:
    """Fit every FID of `fids` by itself, in the order of the flattened leading dimensions.

    `smoothing` holds the baseline's stiffness at that of another fit (such as the session mean's) instead of choosing it anew.
    """
    rows = np.asarray(fids.data, dtype=np.complex128).reshape(-1, fids.acquisition.n_points)
    _check_axis(fids, fitter.basis)
    return tuple(fit_spectrum(row, fitter=fitter, smoothing=smoothing) for row in rows)


def _check_axis(fids: Fids, basis: BasisSet) -> None:
    ours, theirs = fids.acquisition, basis.acquisition
    same = ours.n_points == theirs.n_points and np.isclose(ours.dwell_time_s, theirs.dwell_time_s, rtol=1e-6)
    if not same or not np.isclose(ours.spectrometer_frequency_mhz, theirs.spectrometer_frequency_mhz, rtol=1e-6):
        raise DataError("the basis is not on the data's axis: resample it to the data's acquisition first")


def fit_spectrum(fid: ComplexArray, *, fitter: Fitter, smoothing: float | None = None) -> SpectrumFit:
    """Fit one FID, shape (n_points,); a fit that fails is a `SpectrumFit` with its status, never an exception."""
    names = fitter.basis.metabolites
    if not np.all(np.isfinite(fid)):
        return failed_fit(names, status="not_finite")
    noise = noise_sd(fid, ppm=fitter.basis.acquisition.ppm)
    shift_hz, phase_rad = coarse_shift_and_phase(fid, basis=fitter.basis, ppm_range=fitter.options.ppm_range)
    data = spectrum_from_fid(fid * np.exp(-2j * np.pi * shift_hz * fitter.model.time_s))[fitter.model.mask]
    top = float(np.abs(data).max(initial=0.0))
    if top == 0.0 or data.size < 2 * len(COMMON):
        return failed_fit(names, status="no_signal")
    noise = max(noise, 1e-6 * top)
    try:
        with np.errstate(all="ignore"):
            return _referenced(_fit(data, noise, phase_rad, fitter, smoothing), shift_hz=shift_hz)
    except np.linalg.LinAlgError:
        return failed_fit(names, status="not_converged", reason="the equations are singular: two components of the basis may be the same")


def _referenced(fit: SpectrumFit, *, shift_hz: float) -> SpectrumFit:
    """The fit with the shift that was taken out beforehand added to what it found: the fitted range moves with the spectrum."""
    quality = {**fit.quality, "shift_hz": fit.quality["shift_hz"] + shift_hz}
    parameters = {**fit.parameters, "shift_hz": fit.parameters["shift_hz"] + shift_hz} if fit.parameters else fit.parameters
    return replace(fit, quality=quality, parameters=parameters)


def _fit(data: ComplexArray, noise: float, phase_rad: float, fitter: Fitter, smoothing: float | None) -> SpectrumFit:
    """The stages: common parameters with a stiff baseline, then all parameters with the chosen stiffness, in residual units."""
    options = fitter.options
    problem = _problem(data / noise, fitter)
    state, _ = levenberg_marquardt(problem, _start(phase_rad, fitter), max_iterations=options.max_iterations, tolerance=1e-4)
    unit = noise * max(1.0, residual_sd(state))
    problem = _refined(replace(problem, data=data / unit), state, fitter, scale=noise / unit)
    state, _ = levenberg_marquardt(problem, state.theta, max_iterations=options.max_iterations, tolerance=1e-3)
    for _ in range(2):
        chosen = smoothing if smoothing is not None else choose_smoothing(problem, state, scale=fitter.scale, options=options)
        problem = replace(problem, smoothing=chosen, free=_all_free(fitter))
        state, _ = levenberg_marquardt(problem, state.theta, max_iterations=options.max_iterations)
        unit_now = noise * max(1.0, residual_sd(state) * unit / noise)
        problem = _refined(replace(problem, data=data / unit_now), state, fitter, scale=unit / unit_now)
        unit = unit_now
    state, converged = levenberg_marquardt(problem, state.theta, max_iterations=options.max_iterations)
    return _result(problem, state, fitter, unit=unit, noise=noise, converged=converged)


def residual_sd(state: State) -> float:
    """RMS of the residual per real number, degrees of freedom of amplitudes and baseline taken off."""
    n_data = 2 * state.residual.size
    n_used = state.amplitudes.size + 0.5 * state.baseline.size
    return float(np.sqrt(np.vdot(state.residual, state.residual).real / max(n_data - n_used, 0.5 * n_data)))


def _start(phase_rad: float, fitter: Fitter) -> FloatArray:
    theta = fitter.start.copy()
    theta[COMMON.index("phase0_rad")] = phase_rad
    return theta


def _all_free(fitter: Fitter) -> FloatArray:
    free = np.ones(fitter.model.n_parameters)
    if not fitter.options.priors:
        free[len(COMMON) :] = 0.0
    return free


def _problem(data: ComplexArray, fitter: Fitter) -> Problem:
    """The first stage: common parameters only, no ratio priors yet, a moderately stiff baseline."""
    free = np.zeros(fitter.model.n_parameters)
    free[: len(COMMON)] = 1.0
    stiff = fitter.scale.smoothing(1.5 * fitter.scale.range_ppm) if fitter.scale else 0.0
    return Problem(
        model=fitter.model,
        data=data,
        priors=fitter.priors,
        linear_priors=LinearPriors(rows=np.zeros((0, fitter.model.n_components))),
        smoothing=stiff,
        free=free,
        lower=fitter.lower,
        upper=fitter.upper,
    )


def _refined(problem: Problem, state: State, fitter: Fitter, *, scale: float) -> Problem:
    """The same problem with ratio priors scaled by the amplitudes found (times `scale`, the change of unit)."""
    rows = ratio_rows(fitter.ratio_priors, components=fitter.basis.metabolites, amplitudes=state.amplitudes * scale)
    return replace(problem, linear_priors=LinearPriors(rows=rows))


def _result(problem: Problem, state: State, fitter: Fitter, *, unit: float, noise: float, converged: bool) -> SpectrumFit:
    """Uncertainty, quality and verdict of the final state."""
    covariance = amplitude_covariance(problem, state)
    ed = fitter.scale.effective_dimension(problem.smoothing) / fitter.scale.range_ppm if fitter.scale else 0.0
    quality, status, reason = assess(problem, state, covariance=covariance, unit=unit, noise=noise, converged=converged, ed_per_ppm=ed)
    if status != "ok":
        return failed_fit(fitter.basis.metabolites, status=status, reason=reason, quality=quality)
    return SpectrumFit(
        metabolites=fitter.basis.metabolites,
        amplitudes=state.amplitudes * unit,
        covariance=covariance * unit**2,
        parameters=_named_parameters(state, fitter),
        quality=quality,
        status=status,
        reason=reason,
        curves=curves_in_data_units(problem, state, unit=unit),
        smoothing=problem.smoothing,
    )


def _named_parameters(state: State, fitter: Fitter) -> dict[str, float]:
    frequency = fitter.basis.acquisition.spectrometer_frequency_mhz
    declared = declare_parameters(fitter.basis.metabolites, spectrometer_frequency_mhz=frequency, options=fitter.options)
    return dict(zip(declared, (float(value) for value in state.theta), strict=True))

"""Linear-combination fit of spectra: start, common parameters, baseline stiffness, all parameters, uncertainty, verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.fft

from mrs_pipeline.acquisition import ComplexArray, FloatArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import RatioPrior
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.model import SpectralModel, as_complex, spectral_model
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.parameters import COMMON, Priors, declare_parameters, parameter_priors
from mrs_pipeline.fitting.quality import Found, assess, covariances, highest_significance, naa_lines
from mrs_pipeline.fitting.ratio_priors import RatioRows, ratio_rows
from mrs_pipeline.fitting.smoother import Smoother
from mrs_pipeline.fitting.smoothing import SmoothingScale, choose_smoothing, smoothing_scale
from mrs_pipeline.fitting.solver import NEGLIGIBLE_GAIN, LinearPriors, Problem, State, levenberg_marquardt
from mrs_pipeline.fitting.spectrum_fit import FitCurves, SpectrumFit, failed_fit
from mrs_pipeline.fitting.start import StartTemplate, coarse_start, noise_sd, start_template

#: Samples beyond this time are noise: a line of 4 Hz has fallen to 0.2 % of its start. Leaving them out costs no information (the noise of
#: samples is independent) and, as the basis ends there too, no accuracy.
FITTED_DURATION_S = 0.512
#: A residual whose SD is off by more than this share of the unit changes the weight of penalties: the search goes on with the new one.
UNIT_TOLERANCE = 0.03
#: Least noise, relative to the highest point: data without any are fitted as if they had this.
LEAST_NOISE = 1e-6
#: Gain at which a search ends whose result is only where the next one begins.
COARSE_GAIN = 0.3
#: An FID whose samples after the first few hold less than this share of its energy is silent.
SILENT = 1e-12


@dataclass(frozen=True, kw_only=True)
class Fitter:
    """A basis, an axis and options, prepared once for many spectra.

    `basis` is on the axis of the data; `model` sees their first `n_used` samples.
    """

    basis: BasisSet
    model: SpectralModel
    template: StartTemplate
    options: FitOptions
    ratio_priors: RatioRows
    priors: Priors
    lower: FloatArray
    upper: FloatArray
    start: FloatArray
    parameter_names: tuple[str, ...]
    scale: SmoothingScale | None

    @property
    def n_used(self) -> int:
        """Samples of an FID that are fitted."""
        return self.model.basis.acquisition.n_points

    @property
    def noise_scale(self) -> float:
        """SD of the noise in the spectrum of all samples over that in the fitted one."""
        return float(np.sqrt(self.basis.acquisition.n_points / self.n_used))


def prepare_fitter(basis: BasisSet, *, options: FitOptions, ratio_priors: Sequence[RatioPrior] = ()) -> Fitter:
    """Everything that does not depend on the spectrum. The basis must be on the data's time axis."""
    model = spectral_model(_shortened(basis), options=options)
    frequency = basis.acquisition.spectrometer_frequency_mhz
    parameters = declare_parameters(basis.metabolites, spectrometer_frequency_mhz=frequency, options=options)
    values = list(parameters.values())
    return Fitter(
        basis=basis,
        model=model,
        template=start_template(model.basis, ppm_range=options.ppm_range, pivot_hz=model.pivot_hz),
        options=options,
        ratio_priors=ratio_rows(ratio_priors if options.priors else (), components=basis.metabolites),
        priors=parameter_priors(basis.metabolites, spectrometer_frequency_mhz=frequency, options=options),
        lower=np.array([item.min for item in values]),
        upper=np.array([item.max for item in values]),
        start=np.array([item.value for item in values]),
        parameter_names=tuple(parameters),
        scale=smoothing_scale(model.baseline, ppm_range=options.ppm_range),
    )


def _shortened(basis: BasisSet) -> BasisSet:
    sampling = basis.acquisition
    n_used = scipy.fft.next_fast_len(int(np.ceil(FITTED_DURATION_S * sampling.spectral_width_hz)))
    if n_used >= sampling.n_points:
        return basis
    return replace(basis, fids=basis.fids[:, :n_used], acquisition=sampling.with_n_points(n_used))


def fit_spectra(fids: Fids, *, fitter: Fitter, smoothing: float | None = None) -> tuple[SpectrumFit, ...]:
    """Fit every FID of `fids` by itself, in the order of the flattened leading dimensions.

    `smoothing` holds the baseline's stiffness at that of another fit (such as the session mean's) instead of choosing it anew.
    """
    rows = np.asarray(fids.data, dtype=np.complex128).reshape(-1, fids.acquisition.n_points)
    check_axis(fids, fitter.basis)
    return tuple(fit_spectrum(row, fitter=fitter, smoothing=smoothing) for row in rows)


def check_axis(fids: Fids, basis: BasisSet) -> None:
    """Refuse data that are not on the basis' time axis, by `DataError`."""
    ours, theirs = fids.acquisition, basis.acquisition
    same = ours.n_points == theirs.n_points and np.isclose(ours.dwell_time_s, theirs.dwell_time_s, rtol=1e-6)
    if not same or not np.isclose(ours.spectrometer_frequency_mhz, theirs.spectrometer_frequency_mhz, rtol=1e-6):
        raise DataError("the basis is not on the data's axis: resample it to the data's acquisition first")


def fit_spectrum(fid: ComplexArray, *, fitter: Fitter, smoothing: float | None = None) -> SpectrumFit:
    """Fit one FID, shape (n_points,), as `fit_spectra` does; a fit that fails is a `SpectrumFit` with its status, never an exception."""
    names = fitter.basis.metabolites
    if not np.all(np.isfinite(fid)):
        return failed_fit(names, status="not_finite")
    used = fid[: fitter.n_used]
    if np.vdot(used[8:], used[8:]).real <= SILENT * np.vdot(used, used).real or fitter.model.mask.sum() < 2 * len(COMMON):
        return failed_fit(names, status="no_signal")
    noise = float(noise_sd(fid, ppm=fitter.basis.acquisition.ppm)) / fitter.noise_scale
    shift_hz, phase_rad, delay_s = coarse_start(used, template=fitter.template)
    data = centred(used, fitter.model, shift_hz=shift_hz, delay_s=delay_s)
    if np.abs(data).max() <= SILENT * np.abs(used).sum():
        return failed_fit(names, status="no_signal")
    noise = max(noise, LEAST_NOISE * float(np.abs(data).max()))
    try:
        with np.errstate(all="ignore"):
            fit = _fit(data, noise, _begun(data, noise, phase_rad, fitter), fitter, smoothing)
            return referenced(fit, shift_hz=shift_hz, delay_s=delay_s)
    except np.linalg.LinAlgError:
        return failed_fit(names, status="not_converged", reason="the equations are singular: two components of the basis may be the same")


def centred(fids: ComplexArray, model: SpectralModel, *, shift_hz: float, delay_s: float) -> ComplexArray:
    """Spectra (..., n_fitted) on the fitted points with a shift and a delay taken out: the fitted range moves with the spectrum."""
    spectra = spectrum_from_fid(fids * np.exp(-2j * np.pi * shift_hz * model.basis.acquisition.time_s))[..., model.mask]
    return np.asarray(spectra * np.exp(-2j * np.pi * (model.frequency_hz - model.pivot_hz) * delay_s))


def referenced(fit: SpectrumFit, *, shift_hz: float, delay_s: float, lorentzian_hz: float = 0.0) -> SpectrumFit:
    """The fit with the shift and the delay that were taken out beforehand, and the width put in, added to what it found."""
    taken = {"shift_hz": shift_hz, "phase1_ms": 1e3 * delay_s, "phase1_s": delay_s, "lorentzian_hz": lorentzian_hz}
    quality = {name: value + taken.get(name, 0.0) for name, value in fit.quality.items()}
    parameters = {name: value + taken.get(name, 0.0) for name, value in fit.parameters.items()}
    return replace(fit, quality=quality, parameters=parameters)


def _begun(data: ComplexArray, noise: float, phase_rad: float, fitter: Fitter) -> tuple[Problem, FloatArray, float]:
    """The first stage, common parameters with a stiff baseline: problem, its parameters, and the unit the data are in."""
    problem = _problem(data / noise, fitter)
    start = _start(phase_rad, fitter)
    state, _ = levenberg_marquardt(problem, start, max_iterations=fitter.options.max_iterations, negligible=COARSE_GAIN)
    unit = noise * max(1.0, _residual_sd(problem, state))
    return _refined(replace(problem, data=data / unit), state, fitter, scale=noise / unit), state.theta, unit


def _fit(
    data: ComplexArray, noise: float, begun: tuple[Problem, FloatArray, float], fitter: Fitter, smoothing: float | None
) -> SpectrumFit:
    """All parameters with the chosen stiffness; in every round the unit becomes the residual's, and ratio priors follow amplitudes."""
    options, (problem, theta, unit) = fitter.options, begun
    problem = replace(problem, free=_all_free(fitter))
    for negligible in (COARSE_GAIN, NEGLIGIBLE_GAIN):
        chosen = smoothing if smoothing is not None else choose_smoothing(problem, theta, scale=fitter.scale, options=options)
        problem = replace(problem, smoothing=chosen)
        state, converged = levenberg_marquardt(problem, theta, max_iterations=options.max_iterations, negligible=negligible)
        unit_now = noise * max(1.0, _residual_sd(problem, state) * unit / noise)
        settled = abs(unit_now / unit - 1.0) < UNIT_TOLERANCE and negligible == NEGLIGIBLE_GAIN
        if not settled:
            problem = _refined(replace(problem, data=data / unit_now), state, fitter, scale=unit / unit_now)
            unit, theta = unit_now, state.theta
    if not settled:
        state, converged = levenberg_marquardt(problem, theta, max_iterations=options.max_iterations)
    return _result(problem, state, fitter, unit=unit, noise=noise, converged=converged)


def residual_sd(residual: ComplexArray, *, n_amplitudes: int, smoother: Smoother, smoothing: float) -> float:
    """RMS of the residual per real number, degrees of freedom of amplitudes and baseline taken off."""
    n_data = 2 * residual.size
    n_used = n_amplitudes + float(smoother.weights(smoothing).sum())
    return float(np.sqrt(np.vdot(residual, residual).real / max(n_data - n_used, 0.5 * n_data)))


def _residual_sd(problem: Problem, state: State) -> float:
    return residual_sd(state.residual, n_amplitudes=state.amplitudes.size, smoother=problem.model.smoother, smoothing=problem.smoothing)


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
    """The same problem with ratio priors scaled by the amplitudes found (times `scale`, the change of unit), lines about the width."""
    least_sd = scale / np.sqrt(np.diag(state.gram))  # all else known
    rows = fitter.ratio_priors.rows(amplitudes=state.amplitudes * scale, sd=least_sd)
    return replace(problem, linear_priors=LinearPriors(rows=rows), priors=problem.priors.following(state.theta))


def _result(problem: Problem, state: State, fitter: Fitter, *, unit: float, noise: float, converged: bool) -> SpectrumFit:
    """Uncertainty, quality and verdict of the final state."""
    model = problem.model
    covariance, width_covariance = covariances(problem, state)
    found = Found(
        theta=state.theta,
        amplitudes=state.amplitudes,
        covariance=covariance,
        own_covariance=covariance,
        width_covariance=width_covariance,
        significance=highest_significance(state.amplitudes, covariance),
        residual=state.residual,
        naa=naa_lines(lambda index: state.fids[index : index + 1], model=model, shift_hz=state.theta[2:3])[0],
        unit=unit,
        noise=noise,
        converged=converged,
    )
    curves = FitCurves(
        ppm=model.basis.acquisition.ppm[model.mask] + state.theta[2] / model.basis.acquisition.spectrometer_frequency_mhz,
        data=(state.explained + state.residual) * unit,
        baseline=state.baseline * unit,
        components=as_complex(state.columns * (state.amplitudes * unit)),
        residual=state.residual * unit,
    )
    return judged(found, curves=curves, fitter=fitter, smoothing=problem.smoothing)


def judged(found: Found, *, curves: FitCurves, fitter: Fitter, smoothing: float, held: frozenset[str] = frozenset()) -> SpectrumFit:
    """The fit in the units of the data and of the whole FID, or what is left of one that cannot be believed."""
    low, high = fitter.options.ppm_range
    dimension = fitter.scale.effective_dimension(smoothing) if fitter.scale else fitter.model.baseline.n_columns
    quality, status, reason = assess(found, model=fitter.model, ed_per_ppm=dimension / (high - low))
    whole = {"snr": 1 / fitter.noise_scale, "noise_sd": fitter.noise_scale, "residual_sd": fitter.noise_scale}
    quality = {name: value * whole.get(name, 1.0) for name, value in quality.items()}
    if status != "ok":
        return failed_fit(fitter.basis.metabolites, status=status, reason=reason, quality=quality)
    return SpectrumFit(
        metabolites=fitter.basis.metabolites,
        amplitudes=found.amplitudes * found.unit,
        covariance=found.covariance * found.unit**2,
        parameters=dict(zip(fitter.parameter_names, (float(value) for value in found.theta), strict=True)),
        quality=quality,
        status=status,
        reason=reason,
        curves=curves,
        smoothing=smoothing,
        held=held,
        own_covariance=found.own_covariance * found.unit**2 if held else None,
    )

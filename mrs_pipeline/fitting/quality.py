"""How good a fit is: covariance, signal-to-noise ratio, linewidth, residual, and the verdict."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fitting.early_energy import early_energy, n_early_samples
from mrs_pipeline.fitting.misfit import misfit_covariance
from mrs_pipeline.fitting.model import NAA_PPM, SpectralModel, as_real
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.solver import Problem, State, slope_columns
from mrs_pipeline.fitting.spectrum_fit import STATUSES

#: A spectrum shows something when its strongest amplitude is this many standard errors from zero.
_DETECTION = 5.0
#: A residual larger than this many times the noise holds signals.
_UNDESCRIBED = 1.5
_NAA_TOLERANCE_PPM = 0.03


def covariances(problem: Problem, state: State) -> tuple[FloatArray, FloatArray]:
    """Covariance of the amplitudes in units of `problem.data`: inverse joint information, nuisances and baseline included, and misfit.

    The second one is that of the squared Gaussian and the Lorentzian width of NAA (NaN without NAA), (2, 2).

    Amplitudes held at zero by the non-negativity count as free, so that their standard error says what could hide there.
    """
    n, slopes = state.amplitudes.size, slope_columns(problem, state)
    free = problem.free[: slopes.shape[1]] > 0
    design = np.concatenate([state.columns, slopes[:, free]], axis=1)
    smooth = np.concatenate([state.smooth, problem.smooth_rows @ slopes[:, free]], axis=1)
    precision = problem.priors.precision[: slopes.shape[1]][free]
    information = design.T @ design - smooth.T @ smooth + scipy.linalg.block_diag(problem.penalty, np.diag(precision))
    scale = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information * scale[:, None] * scale[None, :] + 1e-12 * np.eye(scale.size)
    inverse = symmetric_inverse(scaled) * scale[:, None] * scale[None, :]
    sampling = problem.model.basis.acquisition
    missing = misfit_covariance(
        design,
        smooth=smooth,
        smooth_rows=problem.smooth_rows,
        information=information,
        residual=as_real(state.residual),
        early=early_energy(state.residual.size, n_samples=sampling.n_points, n_early=n_early_samples(sampling)),
        n_amplitudes=n,
    )
    widths = _width_covariance(inverse[n:, n:], problem.model, places=np.flatnonzero(free))
    return np.asarray(inverse[:n, :n] + missing), widths


def _width_covariance(inverse: FloatArray, model: SpectralModel, *, places: NDArray[np.intp]) -> FloatArray:
    """From the covariance of the parameters at `places`: the own width of NAA, if it is among them, adds to the common one."""
    index = _naa_index(model)
    if index is None:
        return np.full((2, 2), np.nan)
    own = len(COMMON) + model.n_components + index
    rows = np.stack([places == COMMON.index("gaussian_square_hz2"), (places == COMMON.index("lorentzian_hz")) | (places == own)])
    return np.asarray(rows.astype(float) @ inverse @ rows.T.astype(float))


def symmetric_inverse(matrix: FloatArray) -> FloatArray:
    """Inverse of a positive definite matrix; the pseudo-inverse where rounding made it singular."""
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(matrix), np.eye(matrix.shape[0])))
    except scipy.linalg.LinAlgError:
        return np.asarray(scipy.linalg.pinvh(matrix))


@dataclass(frozen=True, kw_only=True)
class Found:
    """A final state to be judged: parameters, amplitudes and their covariance, and the residual, in multiples of `unit` (data units).

    `own_covariance` is that of the amplitudes without what spectra of a session share, `width_covariance` (2, 2) that of the squared
    Gaussian and the Lorentzian width of NAA. `significance` is that of the strongest of the amplitudes that this spectrum decides.
    `naa` are height, position (ppm, the common shift taken out) and width (Hz) of the singlet of NAA of unit amplitude (`naa_lines`);
    `noise` is the SD of the noise in the fitted spectrum, in data units; `converged` says whether the search did.
    """

    theta: FloatArray
    amplitudes: FloatArray
    covariance: FloatArray
    own_covariance: FloatArray
    width_covariance: FloatArray
    significance: float
    residual: ComplexArray
    naa: tuple[float, float, float]
    unit: float
    noise: float
    converged: bool


def highest_significance(amplitudes: FloatArray, covariance: FloatArray) -> float:
    """Largest ratio of an amplitude to its standard error; NaN if one is not a number."""
    return float(np.max(amplitudes / np.sqrt(np.maximum(np.diag(covariance), 1e-300)), initial=0.0))


def naa_lines(fids: Callable[[int], ComplexArray], *, model: SpectralModel, shift_hz: FloatArray) -> list[tuple[float, float, float]]:
    """Height, position (ppm) and width (Hz) of the singlet of NAA in spectra with these common shifts (n_spectra,).

    `fids` gives the FIDs (n_spectra, n_times) of the component of this number. NaN where the basis has no NAA, or its singlet is not in the
    fitted range.
    """
    index = _naa_index(model)
    if index is None:
        return [(np.nan, np.nan, np.nan)] * len(shift_hz)
    return model.naa_probe.measure(fids(index) * np.exp(-2j * np.pi * shift_hz[:, None] * model.fids.time_s))


def _naa_index(model: SpectralModel) -> int | None:
    ppm, names = model.basis.acquisition.ppm[model.mask], model.basis.metabolites
    return names.index("NAA") if "NAA" in names and ppm.min() <= NAA_PPM <= ppm.max() else None


def assess(found: Found, *, model: SpectralModel, ed_per_ppm: float) -> tuple[dict[str, float], str, str]:
    """Quality numbers, status and reason."""
    height, _, fwhm_hz = found.naa
    index = _naa_index(model)
    snr = height * found.amplitudes[index] * found.unit / found.noise if index is not None else np.nan
    residual = float(np.sqrt(np.mean(np.abs(found.residual) ** 2) / 2.0)) * found.unit
    common = dict(zip(COMMON, found.theta, strict=False))
    quality = {
        "snr": float(snr),
        "fwhm_hz": fwhm_hz,
        "fwhm_sd_hz": _fwhm_sd_hz(found, fwhm_hz=fwhm_hz),
        "fwhm_ppm": fwhm_hz / model.basis.acquisition.spectrometer_frequency_mhz,
        "shift_hz": float(common["shift_hz"]),
        "phase0_deg": float(np.degrees(np.angle(np.exp(1j * common["phase0_rad"])))),
        "phase1_ms": float(1e3 * common["phase1_s"]),
        "baseline_ed_per_ppm": ed_per_ppm,
        "noise_sd": found.noise,
        "residual_sd": residual,
        "fqn": (residual / found.noise) ** 2,
    }
    status = _status(found, index=index)
    return quality, status, "" if status == "ok" else STATUSES[status]


def _fwhm_sd_hz(found: Found, *, fwhm_hz: float) -> float:
    """Standard error of the width f of a Voigt line, ``f = 0.5346 L + sqrt(0.2166 L^2 + G^2)``.

    Olivero & Longbothum 1977, doi 10.1016/0022-4073(77)90161-3. The Lorentzian width L is what is left of f beside the Gaussian one.
    """
    square = float(found.theta[COMMON.index("gaussian_square_hz2")])
    # with root = f - 0.5346 L the formula is a quadratic equation for L
    a, b, c = 0.5346**2 - 0.2166, -2.0 * 0.5346 * fwhm_hz, fwhm_hz**2 - square
    lorentzian = 2.0 * max(c, 0.0) / (-b + np.sqrt(max(b**2 - 4.0 * a * c, 0.0)))
    root = fwhm_hz - 0.5346 * lorentzian
    gradient = np.array([0.5 / root, 0.5346 + 0.2166 * lorentzian / root])
    return float(np.sqrt(max(gradient @ found.width_covariance @ gradient, 0.0)))


def _status(found: Found, *, index: int | None) -> str:
    """Standard errors are those of the residual; the excess of the residual over the noise is at least 1."""
    excess = found.unit / found.noise
    if not found.significance >= _DETECTION:
        return "not_described" if excess > _UNDESCRIBED and found.significance * excess >= _DETECTION else "no_signal"
    if index is not None and (found.amplitudes[index] <= 0 or abs(found.naa[1] - NAA_PPM) > _NAA_TOLERANCE_PPM):
        return "naa_misplaced"
    return "ok" if found.converged else "not_converged"

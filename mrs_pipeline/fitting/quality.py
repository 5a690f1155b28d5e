"""How good a fit is: covariance, signal-to-noise ratio, linewidth, residual, and the verdict."""

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.model import NAA_PPM
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.solver import Problem, State, joint_information
from mrs_pipeline.fitting.spectrum_fit import STATUSES, FitCurves

#: A spectrum shows something when its strongest amplitude is this many standard errors from zero.
_DETECTION = 5.0
#: A residual larger than this many times the noise holds signals.
_UNDESCRIBED = 1.5
_NAA_TOLERANCE_PPM = 0.03


def amplitude_covariance(problem: Problem, state: State) -> FloatArray:
    """Covariance of the amplitudes in units of `problem.data`: inverse joint information, nuisances and baseline included.

    Amplitudes held at zero by the non-negativity count as free, so that their standard error says what could hide there.
    """
    n = state.amplitudes.size
    information = joint_information(problem, state)
    keep = np.concatenate([np.ones(n, dtype=bool), problem.free[: information.shape[0] - n] > 0])
    information = information[np.ix_(keep, keep)]
    scale = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information * scale[:, None] * scale[None, :] + 1e-12 * np.eye(scale.size)
    inverse = symmetric_inverse(scaled) * scale[:, None] * scale[None, :]
    return np.asarray(inverse[:n, :n])


def symmetric_inverse(matrix: FloatArray) -> FloatArray:
    """Inverse of a positive definite matrix; the pseudo-inverse where rounding made it singular."""
    try:
        return np.asarray(scipy.linalg.cho_solve(scipy.linalg.cho_factor(matrix), np.eye(matrix.shape[0])))
    except scipy.linalg.LinAlgError:
        return np.asarray(scipy.linalg.pinvh(matrix))


def curves_in_data_units(problem: Problem, state: State, *, unit: float) -> FitCurves:
    """Phased curves on the fitted points in the units of the data given to the fit."""
    acquisition = problem.model.basis.acquisition
    half = state.residual.size
    return FitCurves(
        ppm=acquisition.ppm[problem.model.mask] + state.theta[2] / acquisition.spectrometer_frequency_mhz,
        data=(state.explained + state.residual) * unit,
        baseline=state.baseline * unit,
        components=np.asarray((state.columns[:half] + 1j * state.columns[half:]) * state.amplitudes * unit),
        residual=state.residual * unit,
    )


def assess(
    problem: Problem, state: State, *, covariance: FloatArray, unit: float, noise: float, converged: bool, ed_per_ppm: float
) -> tuple[dict[str, float], str, str]:
    """Quality numbers, status and reason of a final state."""
    snr, position_ppm, fwhm_hz = _naa_line(problem, state, unit=unit, noise=noise)
    frequency = problem.model.basis.acquisition.spectrometer_frequency_mhz
    residual = float(np.sqrt(np.mean(np.abs(state.residual) ** 2) / 2.0)) * unit
    common = dict(zip(COMMON, state.theta, strict=False))
    quality = {
        "snr": snr,
        "fwhm_hz": fwhm_hz,
        "fwhm_ppm": fwhm_hz / frequency,
        "shift_hz": float(common["shift_hz"]),
        "phase0_deg": float(np.degrees(np.angle(np.exp(1j * common["phase0_rad"])))),
        "phase1_ms": float(1e3 * common["phase1_s"]),
        "baseline_ed_per_ppm": ed_per_ppm,
        "noise_sd": noise,
        "residual_sd": residual,
        "fqn": (residual / noise) ** 2,
    }
    status = _status(problem, state, covariance=covariance, excess=unit / noise, position_ppm=position_ppm, converged=converged)
    return quality, status, "" if status == "ok" else STATUSES[status]


def _naa_line(problem: Problem, state: State, *, unit: float, noise: float) -> tuple[float, float, float]:
    """SNR, position before the common shift (ppm) and width of the fitted NAA singlet; NaN without NAA or outside the range."""
    model, names = problem.model, problem.model.basis.metabolites
    if not _naa_inside(problem):
        return np.nan, np.nan, np.nan
    index = names.index("NAA")
    back = np.exp(-2j * np.pi * state.theta[COMMON.index("shift_hz")] * model.fids.time_s)
    height, position_ppm, fwhm_hz = model.naa_probe.measure(state.fids[index] * back)
    return float(height * state.amplitudes[index] * unit / noise), position_ppm, fwhm_hz


def _naa_inside(problem: Problem) -> bool:
    """Whether the basis has NAA, and its singlet is in the fitted range."""
    ppm = problem.model.basis.acquisition.ppm[problem.model.mask]
    return "NAA" in problem.model.basis.metabolites and bool(ppm.min() <= NAA_PPM <= ppm.max())


def _status(problem: Problem, state: State, *, covariance: FloatArray, excess: float, position_ppm: float, converged: bool) -> str:
    """`excess`: residual over noise, at least 1; standard errors are those of the residual."""
    significance = state.amplitudes / np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    highest = float(significance.max(initial=0.0))
    if not np.all(np.isfinite(significance)) or highest < _DETECTION:
        return "not_described" if excess > _UNDESCRIBED and highest * excess >= _DETECTION else "no_signal"
    names = problem.model.basis.metabolites
    if _naa_inside(problem) and (state.amplitudes[names.index("NAA")] <= 0 or abs(position_ppm - NAA_PPM) > _NAA_TOLERANCE_PPM):
        return "naa_misplaced"
    return "ok" if converged else "not_converged"

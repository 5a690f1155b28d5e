"""How good a fit is: covariance, signal-to-noise ratio, linewidth, residual, and the verdict."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fitting.model import NAA_PPM, SpectralModel
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.solver import Problem, State, joint_information
from mrs_pipeline.fitting.spectrum_fit import STATUSES

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


@dataclass(frozen=True, kw_only=True)
class Found:
    """A final state to be judged: parameters, amplitudes and their covariance, and the residual, in multiples of `unit` (data units).

    `significance` is that of the strongest of the amplitudes that this spectrum decides. `naa` are height, position (ppm, the common shift
    taken out) and width (Hz) of the singlet of NAA of unit amplitude (`naa_lines`); `noise` is the SD of the noise in the fitted spectrum,
    in data units; `converged` says whether the search did.
    """

    theta: FloatArray
    amplitudes: FloatArray
    covariance: FloatArray
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


def _status(found: Found, *, index: int | None) -> str:
    """Standard errors are those of the residual; the excess of the residual over the noise is at least 1."""
    excess = found.unit / found.noise
    if not found.significance >= _DETECTION:
        return "not_described" if excess > _UNDESCRIBED and found.significance * excess >= _DETECTION else "no_signal"
    if index is not None and (found.amplitudes[index] <= 0 or abs(found.naa[1] - NAA_PPM) > _NAA_TOLERANCE_PPM):
        return "naa_misplaced"
    return "ok" if found.converged else "not_converged"

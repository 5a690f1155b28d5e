"""SpectrumFit: everything a fit found, with its uncertainty, its curves and whether to believe it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fids import read_only

#: What can be wrong with a fit; `ok` is the only status whose numbers are used.
STATUSES: Mapping[str, str] = MappingProxyType(
    {
        "ok": "converged",
        "not_finite": "the data hold values that are not finite numbers",
        "too_few_transients": "fewer transients were retained than a window needs",
        "no_signal": "no metabolite stands out of the noise",
        "not_described": "the spectrum holds signals that the basis does not describe, beside which no metabolite stands out",
        "naa_misplaced": "the NAA line is missing or not near 2.01 ppm",
        "not_converged": "the search ended without reaching a minimum",
    }
)

#: Quality numbers of every fit, in table order.
QUALITY_NAMES = (
    "snr", "fwhm_hz", "fwhm_sd_hz", "fwhm_ppm", "shift_hz", "phase0_deg", "phase1_ms", "baseline_ed_per_ppm", "noise_sd", "residual_sd",
    "fqn",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FitCurves:
    """Spectra on the fitted points, phased and in data units (complex); components hold one column per metabolite."""

    ppm: FloatArray
    data: ComplexArray
    baseline: ComplexArray
    components: ComplexArray
    residual: ComplexArray

    @property
    def fit(self) -> ComplexArray:
        """Baseline and components together."""
        return np.asarray(self.baseline + self.components.sum(axis=1))


@dataclass(frozen=True, kw_only=True)
class SpectrumFit:
    """Result for one spectrum. `covariance` is that of the amplitudes, nuisance parameters and baseline integrated out.

    `own_covariance` is the part that spectra of the same session do not share, the error of differences between them; None: all of it.
    `held` names the components whose amplitudes, and the parameters that, were taken over from the fit of the session's mean.
    A failed fit keeps its row: NaN amplitudes and covariance, a status and a reason, no curves.
    """

    metabolites: tuple[str, ...]
    amplitudes: FloatArray
    covariance: FloatArray
    parameters: Mapping[str, float]
    quality: Mapping[str, float]
    status: str
    reason: str
    curves: FitCurves | None
    smoothing: float
    held: frozenset[str] = frozenset()
    own_covariance: FloatArray | None = None

    def __post_init__(self) -> None:
        """Make arrays read-only."""
        object.__setattr__(self, "amplitudes", read_only(self.amplitudes))
        object.__setattr__(self, "covariance", read_only(self.covariance))
        if self.own_covariance is not None:
            object.__setattr__(self, "own_covariance", read_only(self.own_covariance))

    @property
    def sd(self) -> FloatArray:
        """Standard error of each amplitude."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def failed_fit(metabolites: tuple[str, ...], *, status: str, reason: str = "", quality: Mapping[str, float] | None = None) -> SpectrumFit:
    """A fit that did not happen or cannot be believed: NaN everywhere but in what is known."""
    n = len(metabolites)
    return SpectrumFit(
        metabolites=metabolites,
        amplitudes=np.full(n, np.nan),
        covariance=np.full((n, n), np.nan),
        parameters={},
        quality=dict.fromkeys(QUALITY_NAMES, np.nan) | dict(quality or {}),
        status=status,
        reason=reason or STATUSES[status],
        curves=None,
        smoothing=np.nan,
    )

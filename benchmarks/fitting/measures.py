"""Sums and ratios that the benchmarks look at, how far estimates of them are from the truth, and a table's plain form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.stats
import yaml

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.measures import MeasureDefinition, evaluate_measure

GLX, TNAA, TCR, TCHO = ("Glu", "Gln"), ("NAA", "NAAG"), ("Cr", "PCr"), ("GPC", "PCh")
#: Name -> what is above and what is below; nothing below: the sum itself.
MEASURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "Glx/tNAA": (GLX, TNAA),
    "Glu/tNAA": (("Glu",), TNAA),
    "tNAA/tCr": (TNAA, TCR),
    "tCho/tNAA": (TCHO, TNAA),
    "Ins/tNAA": (("Ins",), TNAA),
    "Glx/tCr": (GLX, TCR),
    "NAA/tCr": (("NAA",), TCR),
    "Glu": (("Glu",), ()),
    "tNAA": (TNAA, ()),
    "Glx": (GLX, ()),
    "tCr": (TCR, ()),
}


def true_value(amplitudes: Mapping[str, float], *, measure: str) -> float:
    """Value of a measure from amplitudes by name."""
    above, below = (sum(amplitudes.get(name, 0.0) for name in part) for part in MEASURES[measure])
    return above / below if MEASURES[measure][1] else above


def estimate(fit: SpectrumFit, *, measure: str) -> FloatArray:
    """Value, standard error and ends of the 95 % interval by the package's own definitions; NaN for a fit that is not `ok`."""
    above, below = MEASURES[measure]
    found = evaluate_measure(fit, definition=MeasureDefinition(name=measure, numerator=above, denominator=below))
    if fit.status != "ok":
        return np.full(4, np.nan)
    high = np.inf if found.interval.kind == "unbounded" else found.interval.high
    return np.array([found.value, found.sd, found.interval.low, high])


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Many estimates against their truths, in percent of the truth; failed fits are counted and left out of the rest.

    The ratio of RMSE and bound is that of root mean squares over the draws, `rms_z` the root mean square of error over own standard error;
    coverage is that of the package's own 95 % intervals, with exact binomial 95 % limits.
    """

    n: int
    n_failed: int
    bias: float
    bias_error: float
    sd: float
    rmse: float
    rmse_over_bound: float
    own_sd_over_sd: float
    rms_z: float
    coverage: float
    coverage_low: float
    coverage_high: float


def summary(estimates: FloatArray, truths: FloatArray, bounds: FloatArray, *, n_together: int = 1) -> Summary:
    """Summary of many `estimate`, shape (n, 4), their truths, and bounds as fractions of the truth.

    `n_together` estimates in a row are not independent of each other: the error of the bias is that of their means.
    """
    values, sds, lows, highs = estimates.T
    good = np.isfinite(values) & np.isfinite(sds)
    n_good = int(good.sum())
    errors, own = 100 * (values[good] / truths[good] - 1), 100 * sds[good] / truths[good]
    covered = int(np.count_nonzero((lows <= truths) & (truths <= highs) & good))
    exact = scipy.stats.binomtest(covered, n_good).proportion_ci() if n_good else None
    nan = float("nan")
    rmse, sd = (float(np.sqrt(np.mean(errors**2))), float(np.std(errors))) if n_good else (nan, nan)
    return Summary(
        n=values.size,
        n_failed=values.size - n_good,
        bias=float(errors.mean()) if n_good else nan,
        bias_error=_error_of_mean(values / truths, n_together=n_together) if n_good else nan,
        sd=sd,
        rmse=rmse,
        rmse_over_bound=rmse / (100 * float(np.sqrt(np.mean(bounds[good] ** 2)))) if n_good else nan,
        own_sd_over_sd=float(np.sqrt(np.mean(own**2))) / sd if sd else nan,
        rms_z=float(np.sqrt(np.mean((errors / own) ** 2))) if n_good else nan,
        coverage=100 * covered / n_good if n_good else nan,
        coverage_low=100 * exact.low if exact else nan,
        coverage_high=100 * exact.high if exact else nan,
    )


def _error_of_mean(ratios: FloatArray, *, n_together: int) -> float:
    """Standard error of the mean, percent; groups with a failed fit are left out."""
    means = ratios.reshape(-1, n_together).mean(axis=1)
    means = means[np.isfinite(means)]
    return 100 * float(np.std(means)) / max(means.size - 1, 1) ** 0.5


def options_from(pairs: Sequence[str]) -> FitOptions:
    """Options of the fit from words such as ``baseline_stiffness=reml``; numbers and lists as in YAML."""
    return FitOptions.from_mapping({key: yaml.safe_load(value) for key, _, value in (pair.partition("=") for pair in pairs)})

"""Effect sizes of tests with exact-noncentral intervals."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from mrs_pipeline.statistics.inference import FTestResult, TestResult


@dataclass(frozen=True, kw_only=True)
class EffectSize:
    """A standardised effect with its interval; ``kind`` is d_z (within participants), d_s (between groups) or partial_eta2."""

    kind: str
    value: float
    low: float
    high: float


def hedges_correction(df: float) -> float:
    """Factor that makes d unbiased in small samples (Hedges 1981, J Educ Stat 6:107), nearly 1 - 3 / (4 df - 1)."""
    if df <= 1:
        return float("nan")
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def standardised_difference(test: TestResult, *, per_root: float, kind: str, confidence: float) -> EffectSize:
    """Corrected d: t times ``per_root``, the standard error in units of the standard deviation (1/sqrt(n) for n differences).

    The interval is that of the noncentrality of t (Steiger & Fouladi 1997; Cumming & Finch 2001, Educ Psychol Meas 61:532), with the
    same correction.
    """
    factor = per_root * hedges_correction(test.df)
    tail = (1 - confidence) / 2
    low, high = (float(special.nctdtrinc(test.df, p, test.t)) for p in (1 - tail, tail))
    return EffectSize(kind=kind, value=test.t * factor, low=low * factor, high=high * factor)


def partial_eta_squared(test: FTestResult, *, confidence: float) -> EffectSize:
    """F q / (F q + df), with the interval of the noncentrality lambda / (lambda + q + df + 1) (Steiger 2004, Psychol Methods 9:164)."""
    q, df = test.df_numerator, test.df_denominator
    tail = (1 - confidence) / 2
    low, high = (_noncentrality(test, probability=p) for p in (1 - tail, tail))
    return EffectSize(
        kind="partial_eta2", value=test.f * q / (test.f * q + df), low=low / (low + q + df + 1), high=high / (high + q + df + 1)
    )


def _noncentrality(test: FTestResult, *, probability: float) -> float:
    """Noncentrality under which F falls below what was seen with this probability; 0 where it does so less often without any."""
    if special.fdtr(test.df_numerator, test.df_denominator, test.f) <= probability:
        return 0.0
    return float(special.ncfdtrinc(test.df_numerator, test.df_denominator, probability, test.f))

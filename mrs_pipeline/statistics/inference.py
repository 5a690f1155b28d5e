"""Small-sample tests of contrasts of fixed effects: Kenward-Roger and Satterthwaite.

Kenward-Roger follows Kenward & Roger 1997, Biometrics 53:983, with W the inverse of the expected information of *all* components, those
at the boundary included, as in R's pbkrtest. The denominator degrees of freedom therefore stay those of the error stratum when a
variance is estimated as zero. Where V is not linear in its components (autocorrelated residuals) its second derivatives enter as in
Kenward & Roger 2009, Comput Stat Data Anal 53:2583, so that the result does not depend on the parameterisation. Satterthwaite uses
the observed information and, as R's lmerTest (whose parameters are standard deviations), loses the components that are zero: at a
boundary it counts the residual degrees of freedom, which is why Kenward-Roger is the default. Its joint tests follow Fai & Cornelius
1996, J Stat Comput Simul 54:363.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError, unknown_name
from mrs_pipeline.statistics.linear_mixed_model import MixedModelFit

#: Degrees of freedom that differ by less than this share are taken as one number.
SAME_DF = 1e-8


@dataclass(frozen=True, kw_only=True)
class TestResult:
    """Estimate of one contrast with standard error, degrees of freedom, t, two-sided p and confidence limits."""

    __test__ = False  # not a test case of pytest

    estimate: float
    se: float
    df: float
    t: float
    p: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, kw_only=True)
class FTestResult:
    """Joint test of several contrasts: F (scaled, for Kenward-Roger), its degrees of freedom and p."""

    f: float
    df_numerator: float
    df_denominator: float
    p: float


def contrast_test(fit: MixedModelFit, *, weights: FloatArray, method: str = "kenward_roger", confidence: float = 0.95) -> TestResult:
    """Test of ``weights @ beta = 0``, weights of shape (n_fixed,); ``method`` is a name in `METHODS`.

    `DataError` for a fit that did not converge or a contrast without a standard error, `ConfigError` for an unknown method.
    """
    _require_converged(fit)
    weights = np.asarray(weights, dtype=float)
    if not np.any(weights):
        raise DataError("a contrast whose weights are all zero asks nothing: give at least one weight")
    covariance, df = _method(method)(fit, weights)
    variance = float(weights @ covariance @ weights)
    if not (variance > 0 and df > 0):
        raise DataError("the data are too few to give this contrast a standard error: leave it out or add participants")
    return t_test(estimate=float(weights @ fit.beta), se=float(np.sqrt(variance)), df=df, confidence=confidence)


def t_test(*, estimate: float, se: float, df: float, confidence: float) -> TestResult:
    """Two-sided test and confidence interval of an estimate whose standard error has ``df`` degrees of freedom."""
    half_width = float(stats.t.ppf(0.5 + confidence / 2, df)) * se
    t = estimate / se
    return TestResult(
        estimate=estimate,
        se=se,
        df=df,
        t=t,
        p=float(2 * stats.t.sf(abs(t), df)),
        ci_low=estimate - half_width,
        ci_high=estimate + half_width,
    )


def f_test(fit: MixedModelFit, *, weights: FloatArray, method: str = "kenward_roger") -> FTestResult:
    """F test of ``weights @ beta = 0`` for weights of shape (n_contrasts, n_fixed), of full row rank; ``method`` as in `contrast_test`."""
    _require_converged(fit)
    weights = np.atleast_2d(np.asarray(weights, dtype=float))
    if np.linalg.matrix_rank(weights) < len(weights):
        raise DataError("the contrasts of a joint test must be linearly independent: leave out the redundant ones")
    _method(method)
    f, df = JOINT_METHODS[method](fit, weights)
    if not (f >= 0 and df > 0):
        raise DataError("the data are too few to test these contrasts together: leave some out or add participants")
    return FTestResult(f=f, df_numerator=float(len(weights)), df_denominator=df, p=float(stats.f.sf(f, len(weights), df)))


def _joint_kenward_roger(fit: MixedModelFit, weights: FloatArray) -> tuple[float, float]:
    """Scaled F and its denominator degrees of freedom."""
    scale, df = _kenward_roger_scale(fit, weights)
    effects = weights @ fit.beta
    return scale * float(effects @ np.linalg.solve(weights @ fit.adjusted_covariance @ weights.T, effects)) / len(weights), df


def _joint_satterthwaite(fit: MixedModelFit, weights: FloatArray) -> tuple[float, float]:
    """F is the mean of squared t of uncorrelated contrasts, whose degrees of freedom give those of a matching mean of F."""
    values, vectors = np.linalg.eigh(weights @ fit.covariance @ weights.T)
    single = vectors.T @ weights
    t_squared = (single @ fit.beta) ** 2 / values
    df = np.array([_satterthwaite(fit, row)[1] for row in single])
    q = len(weights)
    if np.ptp(df) < SAME_DF * df.max():
        return float(t_squared.mean()), float(df.mean())
    if df.min() <= 2:
        return float(t_squared.mean()), 2.0
    expected = float(np.sum(df / (df - 2)))
    return float(t_squared.mean()), 2 * expected / (expected - q)


def _require_converged(fit: MixedModelFit) -> None:
    """`DataError` rather than a number from a search that did not end at a maximum."""
    if not fit.converged:
        raise DataError("the mixed model did not converge: simplify its random terms or look for extreme values")


def _kenward_roger(fit: MixedModelFit, weights: FloatArray) -> tuple[FloatArray, float]:
    """Adjusted covariance, and the degrees of freedom of one contrast (its scale is 1)."""
    return fit.adjusted_covariance, _kenward_roger_scale(fit, weights[None, :])[1]


def _kenward_roger_scale(fit: MixedModelFit, weights: FloatArray) -> tuple[float, float]:
    """Scale and denominator degrees of freedom of the F statistic of ``weights`` (q, n_fixed): Kenward & Roger 1997, section 3.

    The moments of F are matched so that the exact cases (Hotelling's T2, balanced analysis of variance) come out exactly.
    """
    q, phi, w = len(weights), fit.covariance, fit.component_covariance
    theta = weights.T @ np.linalg.solve(weights @ phi @ weights.T, weights)
    moved = theta @ phi @ fit.p_matrices @ phi
    traces = np.trace(moved, axis1=1, axis2=2)
    a1 = float(traces @ w @ traces)
    pairs = moved.reshape(len(w), -1) @ np.swapaxes(moved, 1, 2).reshape(len(w), -1).T
    a2 = float(np.sum(w * pairs))
    if q == 1:  # both moments agree: the general formulas below reduce to this
        return 1.0, 2 / a2
    b = (a1 + 6 * a2) / (2 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
    rho = ((1 - a2 / q) / (1 - c2 * b)) ** 2 * (1 + c1 * b) / (1 - c3 * b) / q
    df = 4 + (q + 2) / (q * rho - 1)
    return float(df * (1 - a2 / q) / (df - 2)), float(df)


def _satterthwaite(fit: MixedModelFit, weights: FloatArray) -> tuple[FloatArray, float]:
    """Unadjusted covariance, and 2 v^2 / (g' A g) with v the variance of the contrast, g its gradient and A that of the components."""
    moved = fit.covariance @ weights
    variance = float(weights @ moved)
    free = np.flatnonzero(~fit.at_boundary)
    gradient = np.einsum("a,iab,b->i", moved, fit.p_matrices[free], moved)
    information = fit.observed_information[np.ix_(free, free)]
    return fit.covariance, float(2 * variance**2 / (gradient @ np.linalg.solve(information, gradient)))


#: Name -> function giving the covariance of beta and the degrees of freedom of one contrast.
METHODS: dict[str, Callable[[MixedModelFit, FloatArray], tuple[FloatArray, float]]] = {
    "kenward_roger": _kenward_roger,
    "satterthwaite": _satterthwaite,
}

#: Name -> function giving F and the denominator degrees of freedom of a joint test.
JOINT_METHODS: dict[str, Callable[[MixedModelFit, FloatArray], tuple[float, float]]] = {
    "kenward_roger": _joint_kenward_roger,
    "satterthwaite": _joint_satterthwaite,
}


def _method(name: str) -> Callable[[MixedModelFit, FloatArray], tuple[FloatArray, float]]:
    """The named entry of `METHODS`; `ConfigError` lists the valid names."""
    if name not in METHODS:
        raise unknown_name("small-sample method", name, METHODS)
    return METHODS[name]

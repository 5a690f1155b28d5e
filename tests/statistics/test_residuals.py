"""Residual covariance: variances by window and autocorrelation, against a likelihood written out densely and against models they equal."""

import numpy as np
import pytest
from scipy import optimize, stats

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.inference import contrast_test, f_test
from mrs_pipeline.statistics.linear_mixed_model import Autocorrelation, MixedModelDesign, RandomTerm, fit_reml

TIMES = np.array([0.0, 1.0, 2.2, 3.0, 4.0, 5.5])


def design(*, kind: str, n: int = 10, rho: float = 0.6, seed: int = 1) -> MixedModelDesign:
    """Two sessions each of ``n`` people, a tenth of the windows lost, residuals of the given kind."""
    rng = np.random.default_rng(seed)
    session, window = np.repeat(np.arange(2 * n), len(TIMES)), np.tile(np.arange(len(TIMES)), 2 * n)
    person, treated = session // 2, ((session + session // 2) % 2).astype(float)
    root = np.linalg.cholesky(rho ** np.abs(TIMES[:, None] - TIMES))
    noise = (rng.normal(size=(2 * n, len(TIMES))) @ root.T).ravel() if kind == "ar1" else rng.normal(size=len(session)) * (1 + (window % 3))
    outcome = noise + rng.normal(size=n)[person]
    kept = rng.uniform(size=len(session)) > 0.1
    fixed = np.column_stack([np.ones_like(treated), treated, TIMES[window], treated * TIMES[window]])[kept]
    return MixedModelDesign(
        outcome=outcome[kept],
        fixed=fixed,
        fixed_names=("mean", "treated", "time", "treated x time"),
        random=(RandomTerm(name="person", groups=person[kept]),),
        residual_groups=window[kept] % 3 if kind == "by_window" else None,
        autocorrelation=Autocorrelation(sessions=session[kept], times=TIMES[window][kept]) if kind == "ar1" else None,
    )


def dense_log_likelihood(given: MixedModelDesign, components: np.ndarray) -> float:
    """Likelihood of the error contrasts K'y ~ N(0, K'VK), less log|X'X|/2 so that it is on the scale of the fit."""
    same = given.random[0].groups[:, None] == given.random[0].groups
    if given.autocorrelation is None:
        levels = np.unique(given.residual_groups)
        v = components[0] * same + np.diag(components[1:][np.searchsorted(levels, given.residual_groups)])
    else:
        apart = np.abs(given.autocorrelation.times[:, None] - given.autocorrelation.times)
        within = given.autocorrelation.sessions[:, None] == given.autocorrelation.sessions
        v = components[0] * same + components[1] * within * components[2] ** apart
    contrasts = np.linalg.svd(given.fixed)[0][:, given.fixed.shape[1] :]
    value = stats.multivariate_normal(cov=contrasts.T @ v @ contrasts).logpdf(contrasts.T @ given.outcome)
    return float(value - 0.5 * np.linalg.slogdet(given.fixed.T @ given.fixed)[1])


@pytest.mark.parametrize("kind", ["ar1", "by_window"])
def test_maximum_and_curvature_are_those_of_a_likelihood_written_out_densely(kind: str) -> None:
    given = design(kind=kind)
    fit = fit_reml(given)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(dense_log_likelihood(given, fit.components), abs=1e-8)
    found = optimize.minimize(
        lambda components: -dense_log_likelihood(given, components),
        fit.components * 0.9,
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-11, "maxiter": 4000},
    )
    np.testing.assert_allclose(fit.components, found.x, rtol=1e-3)
    n, step = len(fit.components), 1e-3
    curvature = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = fit.components + step * (a * np.eye(n)[i] + b * np.eye(n)[j])
                curvature[i, j] -= a * b * dense_log_likelihood(given, moved) / (4 * step**2)
    np.testing.assert_allclose(fit.observed_information, curvature, rtol=1e-3, atol=1e-3)


def two_windows(*, correlated: bool) -> MixedModelDesign:
    """Sessions of two windows one unit apart: autocorrelation and a shared level are the same model, differently written."""
    rng = np.random.default_rng(4)
    session = np.repeat(np.arange(24), 2)
    outcome = rng.normal(size=24)[session] + rng.normal(size=48)
    kept = np.setdiff1d(np.arange(48), [3, 17, 30])
    treated = (session % 2).astype(float)
    slope = rng.normal(size=48)
    return MixedModelDesign(
        outcome=outcome[kept],
        fixed=np.column_stack([np.ones(48), treated, slope])[kept],
        fixed_names=("mean", "treated", "slope"),
        random=() if correlated else (RandomTerm(name="session", groups=session[kept], signed=True),),
        autocorrelation=Autocorrelation(sessions=session[kept], times=np.tile([0.0, 1.0], 24)[kept]) if correlated else None,
    )


@pytest.mark.parametrize("coefficient", [0, 1, 2])
def test_small_sample_inference_does_not_depend_on_how_the_covariance_is_written(coefficient: int) -> None:
    """One model is linear in its components and needs no second derivatives, the other is not."""
    linear, curved = fit_reml(two_windows(correlated=False)), fit_reml(two_windows(correlated=True))
    assert np.any(np.abs(curved.curvature) > 0)
    weights = np.eye(3)[coefficient]
    expected, found = contrast_test(linear, weights=weights), contrast_test(curved, weights=weights)
    assert (found.estimate, found.se, found.df, found.p) == pytest.approx(
        (expected.estimate, expected.se, expected.df, expected.p), rel=1e-6
    )
    expected, found = f_test(linear, weights=np.eye(3)[1:]), f_test(curved, weights=np.eye(3)[1:])
    assert (found.f, found.df_denominator) == pytest.approx((expected.f, expected.df_denominator), rel=1e-6)


@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
def test_two_variances_give_the_test_of_welch(method: str) -> None:
    """Two samples with variances of their own: Satterthwaite's degrees of freedom are those of Welch 1947, Biometrika 34:28."""
    rng = np.random.default_rng(8)
    first, second = rng.normal(size=9), 3 * rng.normal(size=14)
    group = np.repeat([0, 1], [9, 14])
    fit = fit_reml(
        MixedModelDesign(
            outcome=np.concatenate([first, second]),
            fixed=np.column_stack([group == 0, group == 1]).astype(float),
            fixed_names=("first", "second"),
            random=(),
            residual_groups=group,
        )
    )
    assert fit.component_names == ("residual 0", "residual 1")
    assert fit.components == pytest.approx([first.var(ddof=1), second.var(ddof=1)], rel=1e-7)
    classical = stats.ttest_ind(first, second, equal_var=False)
    ours = contrast_test(fit, weights=np.array([1.0, -1.0]), method=method)
    assert (ours.t, ours.df, ours.p) == pytest.approx((classical.statistic, classical.df, classical.pvalue), rel=1e-6)


def test_residuals_without_correlation_are_held_at_the_bound() -> None:
    rng = np.random.default_rng(2)
    given = design(kind="ar1")
    alternating = np.where(np.round(given.autocorrelation.times) % 2, 1.0, -1.0) + 0.1 * rng.normal(size=len(given.outcome))
    fit = fit_reml(MixedModelDesign(**{**vars(given), "outcome": alternating, "fixed": given.fixed[:, :2], "fixed_names": ("a", "b")}))
    assert fit.converged
    assert fit.at_boundary[-1]
    assert not np.any(fit.curvature)
    assert contrast_test(fit, weights=np.array([0.0, 1.0])).df > 1


def test_both_structures_at_once_are_refused() -> None:
    given = design(kind="ar1")
    with pytest.raises(DataError, match="not both"):
        MixedModelDesign(**{**vars(given), "residual_groups": np.zeros(len(given.outcome))})

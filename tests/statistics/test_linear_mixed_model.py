"""REML against the estimators of the analysis of variance, a likelihood written out densely, and the ways a design can be wrong."""

import numpy as np
import pytest
from scipy import optimize, stats

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.linear_mixed_model import MixedModelDesign, MixedModelFit, RandomTerm, fit_reml


def one_way(outcome: np.ndarray, *, signed: bool = False) -> MixedModelFit:
    """Random groups (n_groups, size) about one mean."""
    groups = np.repeat(np.arange(outcome.shape[0]), outcome.shape[1])
    term = RandomTerm(name="group", groups=groups, signed=signed)
    fixed = np.ones((outcome.size, 1))
    return fit_reml(MixedModelDesign(outcome=outcome.ravel(), fixed=fixed, fixed_names=("mean",), random=(term,)))


def mean_squares(outcome: np.ndarray) -> tuple[float, float]:
    """Between and within groups of equal size."""
    size = outcome.shape[1]
    within = float(np.mean(np.var(outcome, axis=1, ddof=1)))
    return size * float(np.var(outcome.mean(axis=1), ddof=1)), within


def test_balanced_groups_give_the_estimators_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(1)
    outcome = rng.normal(scale=2.0, size=(12, 1)) + rng.normal(size=(12, 5))
    between, within = mean_squares(outcome)
    fit = one_way(outcome)
    assert fit.converged
    assert fit.component("residual") == pytest.approx(within, rel=1e-7)
    assert fit.component("group") == pytest.approx((between - within) / 5, rel=1e-7)
    assert fit.covariance[0, 0] == pytest.approx(between / 60, rel=1e-7)
    assert fit.beta[0] == pytest.approx(outcome.mean())


def alike_groups() -> np.ndarray:
    """Groups that differ less than their members."""
    rng = np.random.default_rng(2)
    outcome = rng.normal(size=(10, 6))
    return outcome - 0.8 * outcome.mean(axis=1, keepdims=True)


def test_negative_estimate_is_held_at_zero_and_pooled() -> None:
    outcome = alike_groups()
    fit = one_way(outcome)
    assert fit.converged
    assert fit.component("group") == 0
    assert list(fit.at_boundary) == [True, False]
    assert fit.component("residual") == pytest.approx(float(np.var(outcome, ddof=1)), rel=1e-7)


def test_signed_term_keeps_the_mean_square_of_its_stratum() -> None:
    outcome = alike_groups()
    between, within = mean_squares(outcome)
    fit = one_way(outcome, signed=True)
    assert fit.component("group") == pytest.approx((between - within) / 6, rel=1e-6)
    assert fit.component("group") < 0
    assert not np.any(fit.at_boundary)


def dense_log_likelihood(design: MixedModelDesign, components: np.ndarray) -> float:
    """Likelihood of the error contrasts K'y ~ N(0, K'VK), K an orthonormal complement of X: the definition of REML."""
    n = len(design.outcome)
    v = components[-1] * np.eye(n) + np.diag(np.zeros(n) if design.known_variances is None else design.known_variances)
    for term, component in zip(design.random, components, strict=False):
        z = (term.groups[:, None] == np.unique(term.groups)[None, :]) * (1.0 if term.loading is None else term.loading[:, None])
        v = v + component * z @ z.T
    contrasts = np.linalg.svd(design.fixed)[0][:, design.fixed.shape[1] :]
    return float(stats.multivariate_normal(cov=contrasts.T @ v @ contrasts).logpdf(contrasts.T @ design.outcome))


def crossed_design(*, known: bool) -> MixedModelDesign:
    """Two crossed factors, so that all rows are one block, and a random slope."""
    rng = np.random.default_rng(5)
    n = 60
    first, second = rng.integers(0, 6, n), rng.integers(0, 5, n)
    slope = rng.normal(size=n)
    outcome = rng.normal(size=6)[first] + 0.7 * rng.normal(size=5)[second] + 1.5 * rng.normal(size=6)[first] * slope + rng.normal(size=n)
    return MixedModelDesign(
        outcome=outcome,
        fixed=np.column_stack([np.ones(n), slope]),
        fixed_names=("mean", "slope"),
        random=(
            RandomTerm(name="first", groups=first),
            RandomTerm(name="second", groups=second),
            RandomTerm(name="slope", groups=first, loading=slope),
        ),
        known_variances=rng.uniform(0.1, 1.0, n) if known else None,
    )


@pytest.mark.parametrize("known", [False, True])
def test_maximum_of_a_likelihood_written_out_densely(known: bool) -> None:
    design = crossed_design(known=known)
    fit = fit_reml(design)
    assert fit.converged
    # The two likelihoods differ by log|X'X|/2, which does not depend on the components.
    offset = 0.5 * np.linalg.slogdet(design.fixed.T @ design.fixed)[1]
    assert fit.log_likelihood == pytest.approx(dense_log_likelihood(design, fit.components) - offset, abs=1e-8)
    found = optimize.minimize(
        lambda log_components: -dense_log_likelihood(design, np.exp(log_components)),
        np.zeros(4),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000},
    )
    np.testing.assert_allclose(fit.components, np.exp(found.x), rtol=1e-4)


def test_observed_information_is_the_curvature_of_the_likelihood() -> None:
    design = crossed_design(known=False)
    fit, step = fit_reml(design), 1e-3
    curvature = np.zeros((4, 4))
    for i in range(4):
        for j in range(4):
            for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
                moved = fit.components + step * (a * np.eye(4)[i] + b * np.eye(4)[j])
                curvature[i, j] -= a * b * dense_log_likelihood(design, moved) / (4 * step**2)
    np.testing.assert_allclose(fit.observed_information, curvature, rtol=1e-3, atol=1e-4)


def test_known_variances_alone_give_the_random_effects_meta_analysis() -> None:
    # Balanced known variances: the between-study variance is the sample variance minus the known one.
    effects = np.array([0.1, 1.4, -0.8, 2.2, 0.9, -0.3])
    fit = fit_reml(
        MixedModelDesign(outcome=effects, fixed=np.ones((6, 1)), fixed_names=("mean",), random=(), known_variances=np.full(6, 0.25))
    )
    assert fit.component("residual") == pytest.approx(np.var(effects, ddof=1) - 0.25, rel=1e-7)
    assert fit.covariance[0, 0] == pytest.approx(np.var(effects, ddof=1) / 6, rel=1e-7)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_units_of_the_outcome_do_not_matter(factor: float) -> None:
    rng = np.random.default_rng(1)
    outcome = rng.normal(scale=2.0, size=(8, 1)) + rng.normal(size=(8, 3))
    np.testing.assert_allclose(one_way(factor * outcome).components, factor**2 * one_way(outcome).components, rtol=1e-7)


def test_same_data_give_the_same_bits() -> None:
    design = crossed_design(known=False)
    assert np.array_equal(fit_reml(design).components, fit_reml(design).components)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outcome": np.ones(5)}, "5 outcomes"),
        ({"outcome": np.array([1.0, 2, np.nan, 4, 5, 6])}, "not finite"),
        ({"fixed": np.ones((6, 2)), "fixed_names": ("a", "b")}, "cannot be told apart"),
        ({"fixed": np.eye(6), "fixed_names": tuple("abcdef")}, "cannot be told apart"),
        ({"random": (RandomTerm(name="g", groups=np.arange(3)),)}, "3 group labels for 6 rows"),
        ({"known_variances": np.array([1.0, 1, 1, 1, 1, -1])}, "non-negative"),
    ],
)
def test_designs_that_contradict_themselves_are_refused(changes: dict[str, object], message: str) -> None:
    good = {"outcome": np.arange(6.0), "fixed": np.ones((6, 1)), "fixed_names": ("mean",), "random": ()}
    with pytest.raises(DataError, match=message):
        MixedModelDesign(**{**good, **changes})


def test_constant_outcome_is_refused() -> None:
    with pytest.raises(DataError, match="does not vary"):
        one_way(np.full((4, 3), 7.0))


def test_a_signed_stratum_without_variance_is_not_a_maximum() -> None:
    half = np.array([0.3, -1.2, 0.8, 2.0, -0.4])
    fit = one_way(np.column_stack([half, -half]), signed=True)  # every group mean is exactly zero
    assert not fit.converged
    assert one_way(np.column_stack([half, -half])).converged

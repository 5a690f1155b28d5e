"""Contrasts against R (lme4, lmerTest, pbkrtest) and against tests with a closed form."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from scipy import stats

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.statistics.inference import contrast_test, f_test
from mrs_pipeline.statistics.linear_mixed_model import MixedModelDesign, MixedModelFit, RandomTerm, fit_reml

R_FOLDER = Path(__file__).with_name("r")
GOLDEN = json.loads((R_FOLDER / "golden.json").read_text())
CASES = {case["name"]: case for case in GOLDEN["cases"]}
TOLERANCE = 1e-5


def fitted(case: dict[str, Any]) -> MixedModelFit:
    table = pd.read_csv(R_FOLDER / "crossovers.csv", dtype={"period": str})
    table = table[table["dataset"] == case["dataset"]].reset_index(drop=True)
    fixed = model_matrix(case["fixed"], table)
    with_loading = any("loading" in name for name in case["components"])
    random = []
    for level in ("participant", "session"):
        groups = table[level].to_numpy()
        random.append(RandomTerm(name=level, groups=groups))
        if with_loading:
            random.append(RandomTerm(name=f"{level} loading", groups=groups, loading=table["loading"].to_numpy()))
    return fit_reml(
        MixedModelDesign(
            outcome=table["y"].to_numpy(), fixed=np.asarray(fixed, dtype=float), fixed_names=tuple(fixed.columns), random=tuple(random)
        )
    )


def our_name(name_in_r: str) -> str:
    """Column of formulaic for a coefficient of R: conditionplacebo:windoww1 -> condition[T.placebo]:window[T.w1]."""
    if name_in_r == "(Intercept)":
        return "Intercept"
    parts = []
    for part in name_in_r.split(":"):
        factor = next((f for f in ("condition", "window", "period") if part.startswith(f)), None)
        parts.append(part if factor is None else f"{factor}[T.{part.removeprefix(factor)}]")
    return ":".join(parts)


def weights(fit: MixedModelFit, name_in_r: str) -> np.ndarray:
    names = ["".join(sorted(name.split(":"))) for name in fit.fixed_names]
    return np.eye(len(names))[names.index("".join(sorted(our_name(name_in_r).split(":"))))]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
def test_every_coefficient_agrees_with_r(name: str, method: str) -> None:
    fit = fitted(CASES[name])
    assert fit.converged
    for coefficient, row in CASES[name][method].items():
        ours = contrast_test(fit, weights=weights(fit, coefficient), method=method)
        found = [ours.estimate, ours.se, ours.df, ours.t, ours.p]
        np.testing.assert_allclose(found, list(row.values()), rtol=TOLERANCE, atol=1e-12, err_msg=coefficient)


@pytest.mark.parametrize("name", CASES)
def test_likelihood_and_components_agree_with_r(name: str) -> None:
    fit, golden = fitted(CASES[name]), CASES[name]["components"]
    assert fit.log_likelihood == pytest.approx(CASES[name]["log_likelihood"], abs=1e-6)
    assert fit.component("residual") == pytest.approx(golden["Residual"], rel=TOLERANCE)
    for ours, theirs in zip(sorted(fit.components[:-1]), sorted(v for k, v in golden.items() if k != "Residual"), strict=True):
        assert ours == pytest.approx(theirs, rel=TOLERANCE, abs=1e-6)
    assert bool(np.any(fit.at_boundary)) == CASES[name]["singular"]


@pytest.mark.parametrize("name", CASES)
def test_joint_test_agrees_with_pbkrtest(name: str) -> None:
    fit, golden = fitted(CASES[name]), CASES[name]["joint"]
    ours = f_test(fit, weights=np.array([weights(fit, coefficient) for coefficient in golden["coefficients"]]))
    found = [ours.f, ours.df_numerator, ours.df_denominator, ours.p]
    expected = [golden["f"], golden["df_numerator"], golden["df_denominator"], golden["p"]]
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE)


def test_some_reference_fits_are_at_the_boundary() -> None:
    assert {case["name"]: case["singular"] for case in CASES.values()}["boundary, two terms"]


def groups_of(n_groups: int, *, size: int, shifts: np.ndarray) -> MixedModelFit:
    """Two treatments given to half of the groups each, rows correlated within the group."""
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(n_groups), size)
    treated = (groups % 2).astype(float)
    outcome = shifts[groups] + rng.normal(size=n_groups * size)
    fixed = np.column_stack([np.ones_like(treated), treated])
    return fit_reml(
        MixedModelDesign(
            outcome=outcome, fixed=fixed, fixed_names=("mean", "treated"), random=(RandomTerm(name="g", groups=groups, signed=True),)
        )
    )


@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_balanced_groups_give_the_t_test_of_group_means(method: str, spread: float) -> None:
    rng = np.random.default_rng(4)
    shifts = spread * rng.normal(size=10)
    fit = groups_of(10, size=4, shifts=shifts)
    # Remade here rather than taken from the fit: the classical test knows nothing of mixed models.
    outcome = shifts[np.repeat(np.arange(10), 4)] + np.random.default_rng(4).normal(size=40)
    means = outcome.reshape(10, 4).mean(axis=1)
    classical = stats.ttest_ind(means[1::2], means[::2])
    ours = contrast_test(fit, weights=np.array([0.0, 1.0]), method=method)
    assert (ours.df, ours.t, ours.p) == pytest.approx((8, classical.statistic, classical.pvalue), rel=1e-6)
    assert f_test(fit, weights=np.array([[0.0, 1.0]])).p == pytest.approx(classical.pvalue, rel=1e-6)
    interval = classical.confidence_interval(0.95)
    assert (ours.ci_low, ours.ci_high) == pytest.approx((interval.low, interval.high), rel=1e-6)


def test_unknown_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="kenward_roger, satterthwaite"):
        contrast_test(groups_of(6, size=3, shifts=np.zeros(6)), weights=np.array([0.0, 1.0]), method="z")


def test_redundant_joint_contrasts_are_refused() -> None:
    with pytest.raises(DataError, match="linearly independent"):
        f_test(groups_of(6, size=3, shifts=np.zeros(6)), weights=np.array([[0.0, 1.0], [0.0, 2.0]]))


def test_a_fit_that_did_not_converge_gives_no_number() -> None:
    fit = replace(groups_of(6, size=3, shifts=np.zeros(6)), converged=False)
    for test in (contrast_test, f_test):
        with pytest.raises(DataError, match="did not converge"):
            test(fit, weights=np.array([0.0, 1.0]))


def test_a_contrast_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="all zero"):
        contrast_test(groups_of(6, size=3, shifts=np.zeros(6)), weights=np.zeros(2))

"""Diagnostics against residuals computed densely and against faults put into simulated studies."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mrs_pipeline.statistics.crossover_model import CellMeans, fit_session_model
from mrs_pipeline.statistics.design import checked_measures, measure_data
from mrs_pipeline.statistics.diagnostics import DIAGNOSTIC_COLUMNS, diagnostics_table, model_residuals
from mrs_pipeline.statistics.options import ModelOptions, Options

Study = Callable[..., pd.DataFrame]
OPTIONS = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=())


def model_of(table: pd.DataFrame, *, residuals: str = "independent") -> CellMeans:
    options = replace(OPTIONS, model=ModelOptions(residuals=residuals))
    return fit_session_model(measure_data(checked_measures(table, options=options), measure="Glx/tNAA", options=options))


def values(table: pd.DataFrame, *, section: dict[str, Any], **changes: Any) -> pd.Series:
    found = diagnostics_table(table, statistics={**section, **changes})
    assert list(found.columns) == list(DIAGNOSTIC_COLUMNS)
    return found.set_index("quantity")["value"]


@pytest.mark.parametrize("residuals", ["independent", "by_window", "ar1"])
def test_residuals_are_those_of_the_whole_covariance_matrix(study: Study, residuals: str) -> None:
    model = model_of(study(missing_fraction=0.1, response_sd_percent=8.0, seed=5), residuals=residuals)
    design, components, x = model.design, model.fit.components, model.design.fixed
    n = len(design.outcome)
    random = np.zeros((n, n))
    for term, component in zip(design.random, components, strict=False):
        loading = np.ones(n) if term.loading is None else term.loading
        random += component * (term.groups[:, None] == term.groups) * np.outer(loading, loading)
    if residuals == "independent":
        r = components[-1] * np.eye(n)
    elif residuals == "by_window":
        r = np.diag(components[len(design.random) :][design.residual_groups])
    else:
        serial = design.autocorrelation
        r = components[-2] * (serial.sessions[:, None] == serial.sessions) * components[-1] ** np.abs(serial.times[:, None] - serial.times)
    v_inv = np.linalg.inv(random + r)
    p = v_inv - v_inv @ x @ np.linalg.inv(x.T @ v_inv @ x) @ x.T @ v_inv
    found = model_residuals(model)
    left = np.diag(r) > 0  # a window whose variance is estimated as zero leaves nothing
    assert np.array_equal(np.isfinite(found.studentised), left)
    expected = (r @ p @ design.outcome)[left] / np.sqrt(np.diag(r @ p @ r)[left])
    np.testing.assert_allclose(found.studentised[left], expected, rtol=1e-6, atol=1e-8)
    beta = np.linalg.solve(x.T @ v_inv @ x, x.T @ v_inv @ design.outcome)
    marginal = design.outcome - x @ beta
    assert found.scaled @ found.scaled == pytest.approx(marginal @ v_inv @ marginal, rel=1e-8)
    session = design.random[1]
    z = (session.groups[:, None] == np.unique(session.groups)).astype(float)
    np.testing.assert_allclose(found.effects["session"], components[1] * z.T @ p @ design.outcome, rtol=1e-6, atol=1e-8)


def test_an_outlier_is_found_where_it_is(study: Study, section: dict[str, Any]) -> None:
    table = study(n_participants=16)
    hit = (table["participant"] == "07") & (table["session"] == "2") & (table["window"] == 3)
    clean = values(table, section=section)
    table.loc[hit, "value"] *= 1.6
    found = diagnostics_table(table, statistics=section).set_index("quantity")
    largest = found.loc["largest standardised residual"]
    assert (largest["participant"], largest["session"], largest["window"]) == ("07", "2", "3")
    assert found.loc["largest standardised residual, p", "value"] < 1e-3 < clean["largest standardised residual, p"]
    assert found.loc["normality of residuals, p", "value"] < 0.01 < clean["normality of residuals, p"]


def test_windows_of_unequal_noise_show(study: Study, section: dict[str, Any]) -> None:
    equal = values(study(n_participants=26, seed=2), section=section)
    unequal = values(study(n_participants=26, seed=2, window_sd_ratio=3.0), section=section)
    assert unequal["variance ratio of windows, p"] < 1e-4 < equal["variance ratio of windows, p"]
    gain = unequal["log-likelihood, by_window residuals"] - unequal["log-likelihood, independent residuals"]
    assert 2 * gain > stats.chi2.ppf(0.999, 4)


def test_correlated_windows_show(study: Study, section: dict[str, Any]) -> None:
    table = study(n_participants=26, n_infusion_windows=7, autocorrelation=0.6, session_sd_percent=0.0, response_sd_percent=0.0)
    found = values(table, section=section)
    assert 2 * (found["log-likelihood, ar1 residuals"] - found["log-likelihood, independent residuals"]) > stats.chi2.ppf(0.99, 1)
    rho = values(table, section=section, residuals="ar1")["autocorrelation"]
    assert rho == pytest.approx(0.6, abs=0.2)


def test_variances_are_those_of_the_model_and_effects_without_variance_are_left_out(study: Study, section: dict[str, Any]) -> None:
    table = study(response_sd_percent=0.0, seed=4)
    model, found = model_of(table), values(table, section=section)
    for name, component in zip(model.fit.component_names, model.fit.components, strict=True):
        assert found[f"variance of {name}"] == pytest.approx(component)
        shown = f"normality of effects of {name}, W" in found.index
        assert shown == (component > 0 and name != "residual")


def test_a_measure_without_model_says_why(study: Study, section: dict[str, Any]) -> None:
    found = diagnostics_table(study(n_participants=3), statistics=section)
    assert found[["quantity", "status"]].to_numpy().tolist() == [["none", "too_few_participants"]]

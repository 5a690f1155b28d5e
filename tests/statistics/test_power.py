"""Power: published numbers, the noncentral t by simulation, intervals that move with the effect."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.crossover_model import fit_session_model
from mrs_pipeline.statistics.design import checked_measures, measure_data
from mrs_pipeline.statistics.options import Options
from mrs_pipeline.statistics.permutation import PermutationOptions
from mrs_pipeline.statistics.power import (
    detectable,
    difference_sd,
    exact_detectable,
    exact_participants,
    exact_power,
    null_intervals,
    power_at,
    power_of,
    required,
    scaled,
    truth_from_fit,
    upper_sd,
)
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

TRUTH = CrossoverTruth(
    n_participants=12,
    n_baseline_windows=1,
    n_infusion_windows=3,
    participant_sd_percent=10.0,
    session_sd_percent=4.0,
    response_sd_percent=2.0,
    window_sd_percent=3.0,
    effect_percent=4.0,
)


def options(*analyses: str, **changes: object) -> Options:
    return Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=analyses, **changes)


@pytest.mark.parametrize(("d", "power", "n"), [(0.2, 0.8, 199), (0.5, 0.8, 34), (0.8, 0.8, 15), (0.5, 0.95, 54)])
def test_published_numbers_of_the_paired_t_test(d: float, power: float, n: int) -> None:
    """Two-sided 5 %, from the tables of Cohen's d that programs for power print."""
    assert exact_participants(d, sd=1.0, power=power, n_adjusted=0) == n


def test_the_exact_power_is_that_of_the_noncentral_t_distribution() -> None:
    assert exact_power(0.5, sd=1.0, n_participants=34, n_adjusted=0) == pytest.approx(0.8077775, abs=1e-6)
    assert exact_power(0.0, sd=1.0, n_participants=12) == pytest.approx(0.05)
    rng = np.random.default_rng(6)
    n, effect, sd = 11, 0.9, 1.3  # six and five participants in the two orders
    signs = np.repeat([1.0, -1.0], [6, 5])
    design = np.column_stack([signs, np.ones(n)])
    d = signs * effect + rng.normal(scale=sd, size=(40_000, n))
    beta, rss, *_ = np.linalg.lstsq(design, d.T, rcond=None)
    t = beta[0] / np.sqrt(rss / (n - 2) * np.linalg.inv(design.T @ design)[0, 0])
    simulated = np.mean(np.abs(t) > 2.262157)  # 97.5 % of t with 9 degrees of freedom, from a printed table
    exact = exact_power(effect, sd=sd, n_participants=n)
    assert abs(simulated - exact) < 4 * np.sqrt(exact * (1 - exact) / 40_000)


def test_effect_and_number_are_inverse_to_power() -> None:
    effect = exact_detectable(sd=5.0, n_participants=26, power=0.9)
    assert exact_power(effect, sd=5.0, n_participants=26) == pytest.approx(0.9)
    assert exact_participants(1.0001 * effect, sd=5.0, power=0.9) == 26
    assert exact_participants(0.9999 * effect, sd=5.0, power=0.9) == 27
    with pytest.raises(DataError, match="more than 2000 participants"):
        exact_participants(0.01, sd=5.0, power=0.8)


def test_the_sd_of_differences_is_that_of_simulated_sessions() -> None:
    for truth in (replace(TRUTH, n_participants=4000), replace(TRUTH, n_participants=4000, n_baseline_windows=0)):
        table = simulated_measures(truth, rng=np.random.default_rng(1))
        y = 100 * np.log(table["value"])
        during = table["window_start_s"] >= 0
        keys = [table["participant"], table["condition"]]
        mean = y.where(during).groupby(keys).mean() - y.where(~during).groupby(keys).mean().fillna(0.0)
        d = mean.unstack()
        assert (d["naltrexone"] - d["placebo"]).std() == pytest.approx(difference_sd(truth), rel=0.04)


def test_simulated_power_of_the_paired_test_is_exact() -> None:
    found = power_of(TRUTH, options=options("paired_summary"), power=0.8, n_studies=200, seed=3)
    assert abs(found.power - found.power_exact) < 3.5 * np.sqrt(found.power_exact * (1 - found.power_exact) / 200)
    assert found.detectable_percent == pytest.approx(found.detectable_exact_percent, rel=0.15)
    assert found.n_failed == 0


@pytest.mark.parametrize("analysis", ["session_aware", "paired_summary", "sign_flip"])
def test_intervals_move_with_the_effect(analysis: str) -> None:
    """Studies simulated with the effect have the intervals of those without it, moved."""
    chosen = options(analysis, permutation=PermutationOptions(n_draws=500))
    truth = replace(TRUTH, missing_fraction=0.1)
    null = null_intervals(truth, options=chosen, n_studies=3, seed=2)
    for study in range(3):
        table = simulated_measures(truth, rng=np.random.default_rng([2, 12, study]))
        data = measure_data(checked_measures(table, options=chosen), measure="Glx/tNAA", options=chosen)
        extra = {"permutation": chosen.permutation} if analysis == "sign_flip" else {}
        test = ANALYSES[analysis].function(data, confidence=0.95, **extra)[0].test
        assert [test.ci_low, test.ci_high] == pytest.approx((null[study] + 4.0).tolist(), abs=1e-5)


def test_shares_and_detectable_effect_of_known_intervals() -> None:
    intervals = np.array([[-1.0, 3.0], [-2.0, 1.0], [-3.0, -0.5], [np.nan, np.nan]])
    assert power_at(0.0, intervals=intervals) == 0.25
    assert power_at(2.5, intervals=intervals) == 0.5
    assert detectable(intervals=intervals, power=0.5) == 2.0
    assert detectable(intervals=intervals, power=0.9) == np.inf


def test_the_needed_number_reaches_the_power() -> None:
    found = required(TRUTH, options=options("paired_summary"), power=0.8, n_studies=60, seed=4)
    exact = exact_participants(4.0, sd=difference_sd(TRUTH), power=0.8)
    assert abs(found.n_participants - exact) <= 0.3 * exact
    assert abs(found.power - 0.8) <= 3 * np.sqrt(0.8 * 0.2 / 60)
    with pytest.raises(DataError, match="exact for complete data"):
        required(replace(TRUTH, effect_percent=0.5), options=options("paired_summary"), power=0.8, n_studies=2, seed=4)


def test_an_analysis_without_a_main_contrast_has_no_power() -> None:
    with pytest.raises(ConfigError, match="max_t has no main contrast"):
        null_intervals(TRUTH, options=options("max_t"), n_studies=1, seed=1)


@pytest.mark.parametrize("response", [3.0, 0.0])
def test_variances_come_back_from_a_fitted_study(response: float) -> None:
    truth = replace(TRUTH, n_participants=150, response_sd_percent=response, participant_response_sd_percent=2.0, n_baseline_windows=2)
    chosen = options("session_aware")
    table = simulated_measures(truth, rng=np.random.default_rng(8))
    found = truth_from_fit(fit_session_model(measure_data(checked_measures(table, options=chosen), measure="Glx/tNAA", options=chosen)))
    assert (found.n_participants, found.n_baseline_windows, found.n_infusion_windows) == (150, 2, 3)
    assert difference_sd(found) == pytest.approx(difference_sd(truth), rel=0.12)
    assert found.window_sd_percent == pytest.approx(3.0, rel=0.1)
    assert found.participant_sd_percent == pytest.approx(10.0, rel=0.2)


def test_a_negative_response_lowers_the_noise_of_the_change() -> None:
    """The fitted study reproduces the observed variance of its session changes even where they vary less than noise predicts."""
    chosen = options("session_aware")
    for seed in range(40):
        table = simulated_measures(replace(TRUTH, response_sd_percent=0.0, n_participants=8), rng=np.random.default_rng(seed))
        data = measure_data(checked_measures(table, options=chosen), measure="Glx/tNAA", options=chosen)
        model = fit_session_model(data)
        if model.fit.component("session response") < 0:
            break
    paired = ANALYSES["paired_summary"].function(data, confidence=0.95)[0].test
    assert difference_sd(truth_from_fit(model)) == pytest.approx(paired.se * np.sqrt(8), rel=1e-4)


def test_upper_limit_of_a_standard_deviation() -> None:
    assert upper_sd(1.0, df=10, confidence=0.9) == pytest.approx(np.sqrt(10 / 4.865), rel=1e-4)  # chi-squared, 10 %, printed table
    assert difference_sd(scaled(TRUTH, factor=2.0)) == pytest.approx(2 * difference_sd(TRUTH))

"""In a complete crossover the mixed model is the textbook analysis of session changes, whatever the variances."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.crossover_model import fit_session_model
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.inference import TestResult
from mrs_pipeline.statistics.options import Options

Study = Callable[..., pd.DataFrame]


def data_of(table: pd.DataFrame, *, covariates: tuple[str, ...] = ()) -> MeasureData:
    options = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=(), covariates=covariates)
    return measure_data(checked_measures(table, options=options), measure="Glx/tNAA", options=options)


def main_test(table: pd.DataFrame, *, analysis: str = "session_aware") -> TestResult:
    test = ANALYSES[analysis].function(data_of(table), confidence=0.95)[0].test
    assert test is not None
    return test


def textbook(table: pd.DataFrame) -> tuple[float, float, float]:
    """Estimate, t and p of the period-adjusted paired t test: Hills & Armitage 1979, Br J Clin Pharmacol 8:7.

    Half the difference between the two sequences in the mean of second minus first session, by the two-sample t test.
    """
    log_percent = 100 * np.log(table["value"])
    during = (table["window_stop_s"] > 0).to_numpy()
    keys = [table["participant"], table["period"]]
    change = log_percent[during].groupby([key[during] for key in keys]).mean()
    if not during.all():
        change = change - log_percent[~during].groupby([key[~during] for key in keys]).mean()
    second_minus_first = change.unstack().diff(axis=1)[2]
    treated_second = table[table["period"] == 2].drop_duplicates("participant").set_index("participant")["condition"] == "naltrexone"
    samples = (second_minus_first[treated_second].to_numpy(), second_minus_first[~treated_second].to_numpy())
    result = stats.ttest_ind(*samples)
    return float((samples[0].mean() - samples[1].mean()) / 2), float(result.statistic), float(result.pvalue)


@pytest.mark.parametrize(("n_baseline", "n_infusion"), [(1, 6), (2, 6), (3, 1), (1, 1), (1, 2), (0, 6), (0, 1)])
@pytest.mark.parametrize("response_sd_percent", [0.0, 5.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_complete_crossover_of_26_is_the_period_adjusted_paired_t_test(
    study: Study, n_baseline: int, n_infusion: int, response_sd_percent: float, seed: int
) -> None:
    table = study(
        n_participants=26,
        n_baseline_windows=n_baseline,
        n_infusion_windows=n_infusion,
        response_sd_percent=response_sd_percent,
        effect_percent=2.0,
        seed=seed,
    )
    estimate, t, p = textbook(table)
    for analysis in ("session_aware", "paired_summary"):
        ours = main_test(table, analysis=analysis)
        assert ours.df == pytest.approx(24, abs=1e-4), analysis
        assert (ours.estimate, ours.t, ours.p) == pytest.approx((estimate, t, p), rel=1e-5), analysis


def test_equality_holds_for_unequal_sequences(study: Study) -> None:
    table = study(n_participants=11)
    table = table[~table["participant"].isin(["01", "03"])]
    ours = main_test(table)
    assert (ours.estimate, ours.t, ours.p) == pytest.approx(textbook(table), rel=1e-5)
    assert ours.df == pytest.approx(7, abs=1e-4)


def test_responses_less_varied_than_noise_leave_the_degrees_of_freedom(study: Study) -> None:
    # Session changes made alike on purpose: their mean square is far below that of the windows.
    table = study(response_sd_percent=0.0)
    log = np.log(table["value"])
    during = table["window_stop_s"] > 0
    by_session = [table["participant"], table["session"], during]
    table["value"] = np.exp(log - 0.7 * log.groupby(by_session).transform("mean"))
    model = fit_session_model(data_of(table))
    assert model.fit.component("session response") < 0
    assert main_test(table).df == pytest.approx(6, abs=1e-4)
    assert main_test(table).p == pytest.approx(textbook(table)[2], rel=1e-5)


def test_without_periods_it_is_the_plain_paired_t_test(study: Study) -> None:
    table = study().drop(columns="period")
    change = 100 * np.log(table["value"])
    wide = pd.DataFrame({"p": table["participant"], "c": table["condition"], "b": table["window"] == 0, "y": change})
    means = wide.groupby(["p", "c", "b"])["y"].mean().unstack("b")
    sessions = (means[False] - means[True]).unstack("c")
    expected = stats.ttest_rel(sessions["naltrexone"], sessions["placebo"])
    for analysis in ("session_aware", "paired_summary"):
        ours = main_test(table, analysis=analysis)
        assert (ours.df, ours.t, ours.p) == pytest.approx((7, expected.statistic, expected.pvalue), rel=1e-5)


def test_no_window_lost_and_some_windows_lost_agree_within_noise(study: Study) -> None:
    complete = main_test(study(n_participants=26, seed=3))
    incomplete = main_test(study(n_participants=26, seed=3, missing_fraction=0.08))
    assert incomplete.estimate == pytest.approx(complete.estimate, abs=complete.se)
    assert 18 < incomplete.df < 24


def test_participants_with_one_session_still_count(study: Study) -> None:
    table = study(n_participants=10)
    table = table[~((table["participant"] == "04") & (table["session"] == "2"))]
    mixed, paired = main_test(table), main_test(table, analysis="paired_summary")
    assert mixed.df > paired.df - 1e-6
    assert mixed.estimate == pytest.approx(paired.estimate, abs=0.5 * paired.se)


def test_weighting_by_equal_sd_changes_nothing(study: Study) -> None:
    weighted, plain = main_test(study(), analysis="session_aware_weighted"), main_test(study())
    assert (weighted.estimate, weighted.se) == pytest.approx((plain.estimate, plain.se), rel=1e-4)


def test_weighting_needs_every_sd(study: Study) -> None:
    table = study()
    table.loc[4, "sd"] = np.nan
    with pytest.raises(UnanswerableError, match="without sd") as caught:
        main_test(table, analysis="session_aware_weighted")
    assert caught.value.status == "no_sd"


def test_a_covariate_that_explains_the_noise_is_accounted_for(study: Study) -> None:
    table = study(n_participants=20)
    rng = np.random.default_rng(9)
    table["fwhm_hz"] = 6 + rng.normal(size=len(table))
    disturbed = table.assign(value=table["value"] * np.exp(0.3 * table["fwhm_hz"]))
    with_covariate = ANALYSES["session_aware"].function(data_of(disturbed, covariates=("fwhm_hz",)), confidence=0.95)[0].test
    clean = ANALYSES["session_aware"].function(data_of(table, covariates=("fwhm_hz",)), confidence=0.95)[0].test
    assert (with_covariate.estimate, with_covariate.se, with_covariate.df) == pytest.approx((clean.estimate, clean.se, clean.df), rel=1e-5)


@pytest.mark.parametrize("values", ["constant", "condition", "period"])
def test_collinear_covariates_are_refused(study: Study, values: str) -> None:
    table = study()
    columns = {"constant": 1.0, "condition": (table["condition"] == "placebo").astype(float), "period": table["period"].astype(float)}
    with pytest.raises(DataError, match="covariate 'dose' is collinear"):
        fit_session_model(data_of(table.assign(dose=columns[values]), covariates=("dose",)))


@pytest.mark.parametrize("analysis", ["session_aware", "as_published", "paired_summary"])
def test_one_order_of_conditions_is_not_estimable(study: Study, analysis: str) -> None:
    table = study(n_participants=16)
    same_order = table[table["participant"].astype(int) % 2 == 1]
    with pytest.raises(UnanswerableError, match="both orders of the conditions") as caught:
        main_test(same_order, analysis=analysis)
    assert caught.value.status == "not_estimable"


def test_too_few_windows_for_the_fixed_effects(study: Study) -> None:
    table = study(n_participants=5, n_infusion_windows=12)
    rng = np.random.default_rng(3)
    kept = rng.permutation(len(table))[:24]
    with pytest.raises(UnanswerableError) as caught:
        main_test(table.iloc[np.sort(kept)])
    assert caught.value.status in ("not_estimable", "too_few_participants")


def test_values_without_noise_are_not_estimable(study: Study) -> None:
    table = study().assign(value=2.0)
    for analysis in ("session_aware", "paired_summary"):
        with pytest.raises(UnanswerableError, match="not vary") as caught:
            main_test(table, analysis=analysis)
        assert caught.value.status == "not_estimable"

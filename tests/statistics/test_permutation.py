"""Permutation tests against SciPy, against lists written out with itertools and against the definition of the interval."""

from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.options import Options
from mrs_pipeline.statistics.paired_summary import paired_test
from mrs_pipeline.statistics.permutation import FlipResult, Outcome, PermutationOptions, Rearrangements, flip_tests, rearrangements
from mrs_pipeline.statistics.sign_flip import sign_flip_test, window_flip_tests

Study = Callable[..., pd.DataFrame]
PAIR = ("naltrexone", "placebo")
FEW = PermutationOptions(n_draws=2000, seed=4)


def data_of(table: pd.DataFrame, *, covariates: tuple[str, ...] = ()) -> MeasureData:
    options = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=(), covariates=covariates)
    return measure_data(checked_measures(table, options=options), measure="Glx/tNAA", options=options)


def period_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Second session less first of each participant: change of the mean of windows, by hand; and which condition came second."""
    rows = []
    for who, person in table.groupby("participant"):
        changes = {}
        for period, visit in person.groupby("period"):
            y = 100 * np.log(visit["value"].to_numpy())
            changes[period] = np.mean(y[visit["window_start_s"].to_numpy() >= 0]) - np.mean(y[visit["window_start_s"].to_numpy() < 0])
        second = person.loc[person["period"] == 2, "condition"].iloc[0]
        rows.append((who, changes[2] - changes[1], second))
    return pd.DataFrame(rows, columns=["participant", "difference", "second"])


def outcome(differences: np.ndarray, *nuisance: np.ndarray) -> Outcome:
    columns = np.column_stack(nuisance) if nuisance else np.zeros((len(differences), 0))
    return Outcome(differences=differences, nuisance=columns)


def flip_test(tested: Outcome, *, signs: np.ndarray, drawn: Rearrangements, confidence: float) -> FlipResult:
    return flip_tests([tested], signs=signs, drawn=drawn, confidence=confidence)[0]


def test_agrees_with_the_two_sample_permutation_test_of_scipy(study: Study) -> None:
    table = study(n_participants=10, effect_percent=4.0, period_response_percent=5.0)
    by_hand = period_differences(table)
    groups = [by_hand.loc[by_hand["second"] == name, "difference"].to_numpy() for name in PAIR]
    theirs = stats.permutation_test(groups, lambda a, b, axis: np.mean(a, axis=axis) - np.mean(b, axis=axis), vectorized=True)
    ours = sign_flip_test(data_of(table), pair=PAIR, confidence=0.95)
    assert ours.note == "all 252 rearrangements"
    assert ours.test.p == pytest.approx(theirs.pvalue)
    assert ours.test.estimate == pytest.approx(theirs.statistic / 2)


def test_without_periods_agrees_with_the_one_sample_test_of_scipy(study: Study) -> None:
    table = study(n_participants=9, effect_percent=3.0).drop(columns="period")
    ours = sign_flip_test(data_of(table), pair=PAIR, confidence=0.9)
    by_hand = period_differences(table.assign(period=table["session"].astype(int)))
    flipped = np.where(by_hand["second"] == "naltrexone", 1, -1) * by_hand["difference"].to_numpy()
    theirs = stats.permutation_test((flipped,), np.mean, permutation_type="samples")
    assert (ours.note, ours.test.p) == ("all 512 rearrangements", pytest.approx(theirs.pvalue))


def test_estimate_and_standard_error_are_those_of_the_paired_test(study: Study) -> None:
    table = study(n_participants=11, missing_fraction=0.1)
    table["fwhm_hz"] = 6 + np.random.default_rng(3).normal(size=len(table))
    for covariates in ((), ("fwhm_hz",)):
        for summary in ("mean", "auc"):
            data = data_of(table, covariates=covariates)
            t = paired_test(data, pair=PAIR, confidence=0.95, summary=summary).test
            flip = sign_flip_test(data, pair=PAIR, confidence=0.95, summary=summary, permutation=FEW).test
            assert (flip.estimate, flip.se, flip.t) == pytest.approx((t.estimate, t.se, t.t))
            assert abs(flip.p - t.p) < 0.1


def test_adjusted_for_covariates_each_arrangement_is_a_regression() -> None:
    rng = np.random.default_rng(8)
    d, x, s = rng.normal(size=8), rng.normal(size=8), np.repeat([1.0, -1.0], 4)
    drawn = rearrangements(s, strata=["one"] * 8, options=FEW)

    def t_of(signs: np.ndarray) -> float:
        design = np.column_stack([signs, np.ones(8), x])
        beta, rss, *_ = np.linalg.lstsq(design, d, rcond=None)
        return abs(beta[0]) / np.sqrt(rss[0] / 5 * np.linalg.inv(design.T @ design)[0, 0])

    every = [np.where(np.isin(np.arange(8), chosen), 1.0, -1.0) for chosen in combinations(range(8), 4)]
    expected = np.mean([t_of(signs) >= t_of(s) - 1e-9 for signs in every])
    assert flip_test(outcome(d, np.ones(8), x), signs=s, drawn=drawn, confidence=0.95).p == pytest.approx(expected)


@pytest.mark.parametrize("n_positive", [5, 3])
@pytest.mark.parametrize("with_covariate", [False, True])
def test_the_interval_holds_what_the_test_does_not_reject(n_positive: int, with_covariate: bool) -> None:
    rng = np.random.default_rng(5)
    s = np.where(np.arange(10) < n_positive, 1.0, -1.0)
    d = 3 + 1.5 * s + rng.standard_t(df=3, size=10)
    nuisance = [np.ones(10), rng.normal(size=10)][: 1 + with_covariate]
    drawn = rearrangements(s, strata=["one"] * 10, options=FEW)
    found = flip_test(outcome(d, *nuisance), signs=s, drawn=drawn, confidence=0.9)
    for limit, outwards in ((found.ci_low, -1e-6), (found.ci_high, 1e-6)):
        inside, outside = (
            flip_test(outcome(d - s * shift, *nuisance), signs=s, drawn=drawn, confidence=0.9).p
            for shift in (limit - outwards, limit + outwards)
        )
        assert inside > 0.1 >= outside


def test_a_period_effect_and_a_shift_change_nothing_but_the_estimate(study: Study) -> None:
    s = np.repeat([1.0, -1.0], 6)
    d = np.random.default_rng(1).normal(size=12)
    drawn = rearrangements(s, strata=["one"] * 12, options=FEW)
    plain = flip_test(outcome(d, np.ones(12)), signs=s, drawn=drawn, confidence=0.95)
    moved = flip_test(outcome(d + 40.0, np.ones(12)), signs=s, drawn=drawn, confidence=0.95)
    assert moved.p == plain.p
    assert (moved.ci_low, moved.ci_high) == pytest.approx((plain.ci_low, plain.ci_high))
    shifted = flip_test(outcome(d + 2 * s, np.ones(12)), signs=s, drawn=drawn, confidence=0.95)
    assert (shifted.ci_low, shifted.ci_high) == pytest.approx((plain.ci_low + 2, plain.ci_high + 2))


def test_orders_are_exchanged_within_the_periods_of_a_participant() -> None:
    signs = np.array([1, -1, 1, -1, -1, 1, 1])
    drawn = rearrangements(signs, strata=[(1, 2)] * 4 + [(1, 3)] * 3, options=FEW)
    assert (len(drawn.signs), drawn.exact) == (6 * 3, True)
    assert len(np.unique(drawn.signs, axis=0)) == 18
    assert np.all(drawn.signs[:, :4].sum(axis=1) == 0)
    assert np.all(drawn.signs[:, 4:].sum(axis=1) == 1)
    assert any(np.array_equal(row, signs) for row in drawn.signs)


def test_many_participants_are_drawn_at_random_with_the_seed() -> None:
    signs = np.repeat([1.0, -1.0], 20)
    first, again, other = (rearrangements(signs, strata=[0] * 40, options=PermutationOptions(n_draws=500, seed=seed)) for seed in (1, 1, 2))
    assert (len(first.signs), first.exact) == (501, False)
    assert np.array_equal(first.signs, again.signs)
    assert not np.array_equal(first.signs, other.signs)
    assert np.array_equal(first.signs[0], signs)
    assert np.all(first.signs.sum(axis=1) == 0)
    assert abs(np.mean(first.signs[1:, 0])) < 4 / np.sqrt(500)


def test_random_draws_come_near_the_p_of_all(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of(study(n_participants=16, effect_percent=4.0))
    exact = sign_flip_test(data, pair=PAIR, confidence=0.95).test
    monkeypatch.setattr("mrs_pipeline.statistics.permutation.MOST_LISTED", 0)
    drawn = sign_flip_test(data, pair=PAIR, confidence=0.95, permutation=PermutationOptions(n_draws=10_000))
    assert drawn.note == "10000 random rearrangements"
    assert abs(drawn.test.p - exact.p) < 4 * np.sqrt(exact.p * (1 - exact.p) / 10_000)
    assert drawn.test.ci_low == pytest.approx(exact.ci_low, abs=0.3)


def naive_max_t(d: np.ndarray, s: np.ndarray) -> np.ndarray:
    """Algorithm 4.1 of Westfall & Young as loops: (n, windows) differences of two groups with equal variances."""

    def t_of(signs: tuple[bool, ...]) -> np.ndarray:
        chosen = np.array(signs)
        return np.array([abs(stats.ttest_ind(column[chosen], column[~chosen]).statistic) for column in d.T])

    observed = t_of(tuple(s > 0))
    order = sorted(range(len(observed)), key=lambda place: -observed[place])
    counts = np.zeros(len(order))
    arrangements = [signs for signs in product((True, False), repeat=len(s)) if sum(signs) == np.sum(s > 0)]
    for signs in arrangements:
        t = t_of(signs)
        for rank, place in enumerate(order):
            counts[rank] += max(t[later] for later in order[rank:]) >= observed[place] - 1e-9
    p = np.empty(len(order))
    for rank, place in enumerate(order):
        p[place] = max(counts[: rank + 1]) / len(arrangements)
    return p


def test_max_t_is_the_published_algorithm() -> None:
    rng = np.random.default_rng(3)
    s = np.array([1.0, 1, 1, 1, -1, -1, -1])
    d = rng.normal(size=(7, 4)) + rng.normal(size=(7, 1)) + s[:, None] * [0.0, 0.5, 2.0, 1.0]
    drawn = rearrangements(s, strata=[0] * 7, options=FEW)
    tested = flip_tests([outcome(column, np.ones(7)) for column in d.T], signs=s, drawn=drawn, confidence=0.9)
    assert [item.p_adjusted for item in tested] == pytest.approx(naive_max_t(d, s))
    alone = [flip_test(outcome(column, np.ones(7)), signs=s, drawn=drawn, confidence=0.9) for column in d.T]
    assert [item.p for item in tested] == pytest.approx([item.p for item in alone])
    assert [item.ci_low for item in tested] == pytest.approx([item.ci_low for item in alone])
    assert [item.p_adjusted for item in alone] == pytest.approx([item.p for item in alone])


def test_windows_with_and_without_missing_values(study: Study) -> None:
    table = study(n_participants=9, effect_percent=6.0)
    complete = dict(window_flip_tests(data_of(table), pair=PAIR, confidence=0.95))
    assert list(complete) == [1, 2, 3, 4]
    assert all(test.p_adjusted >= test.test.p for test in complete.values())
    lost = table["participant"].isin(["01", "02"]) & (table["window"] == 2)
    answers = dict(window_flip_tests(data_of(table.assign(value=table["value"].mask(lost))), pair=PAIR, confidence=0.95))
    assert answers[2].size.n_participants == 7
    assert answers[2].size.n_windows == 7 * 2 * 2
    assert answers[3].test.p == complete[3].test.p
    most = table["participant"].between("01", "06") & (table["window"] == 2) & (table["session"] == "1")
    answers = dict(window_flip_tests(data_of(table.assign(value=table["value"].mask(most))), pair=PAIR, confidence=0.95))
    assert isinstance(answers[2], UnanswerableError)
    assert answers[1].p_adjusted is not None


def test_what_cannot_be_tested_says_so(study: Study) -> None:
    one_order = study()
    one_order["condition"] = np.where(one_order["period"] == 1, "placebo", "naltrexone")
    with pytest.raises(UnanswerableError, match="both orders"):
        sign_flip_test(data_of(one_order), pair=PAIR, confidence=0.95)
    with pytest.raises(DataError, match="do not vary"):
        flip_test(
            outcome(np.full(6, 2.0), np.ones(6)),
            signs=np.repeat([1, -1], 3),
            drawn=rearrangements(np.repeat([1, -1], 3), strata=None, options=FEW),
            confidence=0.95,
        )


def test_too_few_rearrangements_leave_no_interval(study: Study) -> None:
    result = sign_flip_test(data_of(study(n_participants=5)), pair=PAIR, confidence=0.95)
    assert result.note == "all 10 rearrangements, too few for an interval of 95 %"
    assert np.isnan(result.test.ci_low)
    assert result.test.p >= 0.1

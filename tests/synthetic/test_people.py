"""Randomisation is balanced; who comes, and after how many days, follows the described laws."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.plan import study_plan


@pytest.mark.parametrize(("n", "counts"), [(6, (3, 3)), (7, (3, 4)), (26, (13, 13))])
def test_sequences_are_balanced_and_complete(quiet, n, counts):
    plan = study_plan(quiet(design={"n_participants": n}), seed=3)
    sequences = [person.sequence for person in plan.participants]
    assert tuple(sorted((sequences.count("placebo-naltrexone"), sequences.count("naltrexone-placebo")))) == counts
    for person in plan.participants:
        visits = [visit for visit in plan.visits if visit.participant is person]
        assert [visit.period for visit in visits] == [1, 2]
        assert "-".join(visit.condition for visit in visits) == person.sequence
        assert [("placebo", "naltrexone")[visit.condition_index] for visit in visits] == [visit.condition for visit in visits]


def test_order_depends_on_the_seed_only(quiet):
    description = quiet(design={"n_participants": 26})
    orders = [[person.sequence for person in study_plan(description, seed=seed).participants] for seed in (1, 1, 2)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_share_of_women_is_exact_and_independent_of_the_order(quiet, share):
    people = study_plan(quiet(design={"n_participants": 1000, "female_share": share}), seed=4).participants
    women = np.array([person.sex == "F" for person in people])
    assert women.sum() == 1000 * share
    if 0 < share < 1:
        first = np.array([person.conditions[0] == "placebo" for person in people])
        assert abs(np.corrcoef(women, first)[0, 1]) < 4 / np.sqrt(1000)


def test_ages_and_washouts_fill_their_ranges(quiet):
    people = study_plan(quiet(design={"n_participants": 2000, "age_years": [20, 24], "washout_days": [10, 12]}), seed=4).participants
    for values, expected in (([p.age_years for p in people], {20, 21, 22, 23, 24}), ([p.washout_days for p in people], {10, 11, 12})):
        assert set(values) == expected
        counts = np.bincount(values)[min(values) :]
        assert np.abs(counts - counts.mean()).max() < 4.5 * np.sqrt(counts.mean())


def test_nobody_stays_away_where_attrition_is_zero(quiet):
    assert len(study_plan(quiet(design={"n_participants": 50}), seed=1).visits) == 100


def test_share_of_second_visits_that_do_not_take_place(quiet):
    plan = study_plan(quiet(design={"n_participants": 1500}, attrition={"probability": 0.15}), seed=1)
    missed = 3000 - len(plan.visits)
    assert missed / 1500 == pytest.approx(0.15, abs=4.5 * np.sqrt(0.15 * 0.85 / 1500))
    assert sum(visit.index == 0 for visit in plan.visits) == 1500


def test_weak_responders_stay_away_more_often(quiet):
    """Slope of a logistic regression of staying away on the response at the first visit, by Newton's method."""
    response = {"participant_sd_percent": 3, "session_sd_percent": 4}
    attrition = {"probability": 0.2, "log_odds_per_sd": 0.8}
    plan = study_plan(quiet(design={"n_participants": 2000}, attrition=attrition, response=response), seed=1)
    first = [visit for visit in plan.visits if visit.index == 0]
    came = {visit.participant.index for visit in plan.visits if visit.index == 1}
    plateau = np.array([visit.plateau_percent - (12.0 if visit.condition == "placebo" else 0.0) for visit in first])
    naltrexone = np.array([visit.condition == "naltrexone" for visit in first])
    plateau[naltrexone] -= plateau[naltrexone].mean()
    design = np.stack([np.ones(2000), -plateau / 5.0], axis=1)
    away = np.array([visit.participant.index not in came for visit in first], dtype=float)
    beta = np.zeros(2)
    for _ in range(20):
        share = 1 / (1 + np.exp(-design @ beta))
        information = design.T @ (design * (share * (1 - share))[:, np.newaxis])
        beta = beta + np.linalg.solve(information, design.T @ (away - share))
    se = np.sqrt(np.diag(np.linalg.inv(information)))
    assert beta == pytest.approx([np.log(0.2 / 0.8), 0.8], abs=4.5 * se.max())

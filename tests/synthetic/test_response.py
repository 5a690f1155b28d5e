"""Size of the response by condition, sex, period and earlier treatment, against closed forms and recovered from the ratio over time."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.amplitudes import response_percent, true_content_ratio, true_ratio
from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.response import population_plateaus_percent


def changes_percent(plan):
    """Mean log ratio of the infusion minus that of the baseline at each visit."""
    changes = []
    for visit in plan.visits:
        logs = 100 * np.log(true_ratio(plan, visit))
        changes.append(logs[24:].mean() - logs[:24].mean())
    return np.array(changes)


def by_condition(plan, changes):
    naltrexone = np.array([visit.condition == "naltrexone" for visit in plan.visits])
    return changes[~naltrexone], changes[naltrexone]


def test_plateaus_give_the_contrast(realistic):
    """The mean of 1 - exp(-t/tau) over the infusion is a geometric series."""
    reference, other = population_plateaus_percent(realistic())
    ratio = np.exp(-3 / 480)
    mean_risen = 1 - (1 - ratio**600) / (1 - ratio) / 600
    assert reference == 4.0
    assert (other - reference) * mean_risen == pytest.approx(-2.0)


def test_contrast_of_quiet_studies_is_exact(quiet):
    plan = study_plan(quiet(), seed=1)
    placebo, naltrexone = by_condition(plan, changes_percent(plan))
    assert placebo == pytest.approx(np.full(6, placebo[0]))
    assert naltrexone - placebo == pytest.approx(np.full(6, -8.0))


def test_contrast_differs_between_the_sexes_as_described(quiet):
    plan = study_plan(quiet(response={"contrast_percent": -2, "contrast_male_minus_female_percent": -3}), seed=1)
    men = np.array([person.sex == "M" for person in plan.participants])
    placebo, naltrexone = (values for values in by_condition(plan, changes_percent(plan)))
    assert (naltrexone - placebo)[men] == pytest.approx(np.full(men.sum(), -3.5))
    assert (naltrexone - placebo)[~men] == pytest.approx(np.full((~men).sum(), -0.5))


def test_period_changes_the_second_response(quiet):
    description = quiet(response={"contrast_percent": 0, "period_percent": 2})
    first, second = changes_percent(study_plan(description, seed=1)).reshape(-1, 2).T
    rise = 1 - np.mean(np.exp(-np.arange(40) * 3 / 20))
    assert second - first == pytest.approx(np.full(6, 2 * rise))


def test_carry_over_depends_on_the_first_condition_and_fades_with_its_half_life(quiet):
    response = {"contrast_percent": 0, "carryover_percent": [-4, 6], "carryover_half_life_days": 7}
    plan = study_plan(quiet(design={"washout_days": [0, 21]}, response=response), seed=2)
    first, second = changes_percent(plan).reshape(-1, 2).T
    rise = 1 - np.mean(np.exp(-np.arange(40) * 3 / 20))
    at_once = np.array([-4.0 if person.conditions[0] == "placebo" else 6.0 for person in plan.participants])
    days = np.array([person.washout_days for person in plan.participants])
    assert second - first == pytest.approx(rise * at_once * np.exp(-np.log(2) * days / 7))


def test_responses_vary_between_people_and_visits(quiet):
    response = {"participant_sd_percent": 3, "session_sd_percent": 2, "contrast_percent": 0}
    plan = study_plan(quiet(design={"n_participants": 1000}, response=response), seed=2)
    plateaus = np.array([visit.plateau_percent for visit in plan.visits]).reshape(-1, 2)
    session_sd = np.diff(plateaus, axis=1).std() / np.sqrt(2)
    person_sd = np.sqrt(plateaus.mean(axis=1).var() - session_sd**2 / 2)
    assert session_sd == pytest.approx(2, rel=5 / np.sqrt(2000))
    assert person_sd == pytest.approx(3, rel=0.15)
    assert plateaus.mean() == pytest.approx(12, abs=5 * 3.3 / np.sqrt(1000))


def test_response_does_not_depend_on_whether_relaxation_is_in_the_ratio(realistic):
    plan = study_plan(realistic(voxel={"moved_probability": 0}), seed=2)
    visit = plan.visits[0]
    signal, content = true_ratio(plan, visit), true_content_ratio(plan, visit)
    assert 100 * np.log(signal / signal[0]) == pytest.approx(response_percent(plan, visit), abs=1e-9)
    assert 100 * np.log(content / content[0]) == pytest.approx(response_percent(plan, visit), abs=1e-9)
    assert abs(signal[0] / content[0] - 1) > 0.03

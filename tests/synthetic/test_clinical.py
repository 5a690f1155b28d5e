"""Ratings recover the described means, variances and correlation, and stay whole numbers within their scale."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.synthetic.clinical import scale_tables
from mrs_pipeline.synthetic.plan import study_plan

SCALE = {
    "title": "A scale",
    "score_range": [-100000, 100000],
    "baseline_mean": 3000,
    "baseline_participant_sd": 400,
    "baseline_session_sd": 200,
    "change": [-1500, -900],
    "change_sd": 600,
    "response_correlation": -0.5,
    "times": {"day1": 1.0, "day7": 0.5},
    "rating_sd": 0,
    "carryover_share": 0,
    "missing_probability": 0,
}
N = 900


def scores(realistic, *, n=N, **change):
    """The ratings of one scale with the true plateaus beside them."""
    description = realistic(design={"n_participants": n}, clinical={"wide": {**SCALE, **change}})
    plan = study_plan(description, seed=5)
    wide = scale_tables(plan)["wide"].set_index("participant_id").astype(float)
    parts = {session: wide.filter(regex=f"^ses{session}_").rename(columns=lambda name: name[5:]) for session in "12"}
    table = pd.concat(parts, names=["session", "participant"]).swaplevel().sort_index()
    visits = pd.DataFrame([(visit.condition, visit.plateau_percent, visit.participant.sex) for visit in plan.visits], index=table.index)
    return table.assign(condition=visits[0], plateau=visits[1], sex=visits[2])


@pytest.fixture(scope="module")
def wide(realistic):
    return scores(realistic)


def test_levels_before_the_infusion(wide):
    before = wide["before"].to_numpy().reshape(-1, 2)
    session_sd = np.diff(before, axis=1).std() / np.sqrt(2)
    person_sd = np.sqrt(before.mean(axis=1).var() - session_sd**2 / 2)
    assert before.mean() == pytest.approx(3000, abs=5 * 430 / np.sqrt(N))
    assert session_sd == pytest.approx(200, rel=5 / np.sqrt(2 * N))
    assert person_sd == pytest.approx(400, rel=0.15)


def test_changes_differ_by_condition(wide):
    change = wide["day1"] - wide["before"]
    for condition, mean in (("placebo", -1500), ("naltrexone", -900)):
        inside = change[wide["condition"] == condition]
        assert inside.mean() == pytest.approx(mean, abs=5 * 600 / np.sqrt(N))
        assert inside.std() == pytest.approx(600, rel=5 / np.sqrt(2 * N))


def test_change_correlates_with_the_response_within_condition_and_sex(wide):
    """The standard error of a correlation of -0.5 over 1800 visits is 0.018."""
    change = wide["day1"] - wide["before"]
    groups = [wide["condition"], wide["sex"], wide.index.get_level_values("session")]
    centred = [values - values.groupby(groups).transform("mean") for values in (change, wide["plateau"])]
    assert np.corrcoef(*centred)[0, 1] == pytest.approx(-0.5, abs=0.075)


def test_share_of_the_change_that_is_left_later(wide):
    # Both columns are rounded to whole numbers.
    assert (wide["day7"] - wide["before"]).to_numpy() == pytest.approx(0.5 * (wide["day1"] - wide["before"]).to_numpy(), abs=1.5)


def test_part_of_the_first_change_is_left_at_the_second_visit(realistic):
    plain, carried = (scores(realistic, n=20, carryover_share=share) for share in (0, 0.25))
    first = plain.xs("1", level="session")
    left = (carried["before"] - plain["before"]).xs("2", level="session")
    assert left.to_numpy() == pytest.approx(0.25 * (first["day1"] - first["before"]).to_numpy(), abs=1.5)
    assert (carried["before"] - plain["before"]).xs("1", level="session").eq(0).all()


def test_single_ratings_scatter(realistic):
    noisy = scores(realistic, change=[0, 0], change_sd=0, rating_sd=50)
    assert (noisy["day1"] - noisy["before"]).std() == pytest.approx(50 * np.sqrt(2), rel=5 / np.sqrt(4 * N))
    assert abs(np.corrcoef(noisy["day1"] - noisy["before"], noisy["day7"] - noisy["day1"])[0, 1] + 0.5) < 0.06


def test_later_ratings_are_missing_as_often_as_described(realistic):
    table = scores(realistic, missing_probability=0.1)
    assert table["before"].notna().all()
    assert table[["day1", "day7"]].isna().to_numpy().mean() == pytest.approx(0.1, abs=4.5 * np.sqrt(0.09 / (4 * N)))


def test_scores_are_whole_and_stay_on_their_scale(realistic):
    tables = scale_tables(study_plan(realistic(design={"n_participants": 200}), seed=1))
    for name, top in (("madrs", 60), ("hamd17", 52), ("qids", 27), ("cadss", 92)):
        ratings = tables[name].drop(columns="participant_id").to_numpy().ravel()
        values = [value for value in ratings if value is not None]
        assert all(isinstance(value, int) for value in values)
        assert min(values) >= 0
        assert max(values) <= top


def test_another_scale_leaves_the_others_as_they_were(realistic):
    description = realistic()
    with_more = realistic(clinical={"zzz": SCALE})
    plain, more = (scale_tables(study_plan(item, seed=3)) for item in (description, with_more))
    for name, table in plain.items():
        assert table.equals(more[name])
    madrs, hamd = (plain[name]["ses1_day1"].astype(float) for name in ("madrs", "hamd17"))
    assert not madrs.equals(hamd)


def test_no_ratings_of_visits_that_did_not_take_place(realistic):
    plan = study_plan(realistic(design={"n_participants": 40}, attrition={"probability": 0.3}), seed=3)
    table = scale_tables(plan)["madrs"]
    assert table["ses1_before"].notna().all()
    assert table["ses2_before"].notna().sum() == len(plan.visits) - 40 < 40

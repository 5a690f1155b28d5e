"""The truth tables say what the description asked for."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.clinical import scale_tables
from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.truth import truth_tables


@pytest.fixture(scope="module")
def tables(quiet):
    levels = {"ratio_participant_sd_percent": 10, "ratio_session_sd_percent": 4}
    response = {"participant_sd_percent": 2, "session_sd_percent": 2}
    blood = {"linewidth_change_hz": [-0.2, -0.1]}
    missing = {"gap_probability": 0.3, "gap_transients": [2, 6]}
    frequency = {"offset_sd_hz": 3, "drift_hz_per_min": [0, 1], "jitter_sd_hz": 0.3}
    motion = {"spoiled_baseline": 0.05, "spoiled_infusion": 0.1}
    changes = {"levels": levels, "response": response, "haemodynamics": blood, "frequency": frequency, "motion": motion}
    return truth_tables(study_plan(quiet(design={"n_participants": 40}, **changes, missing=missing), seed=6))


def mean_changes(measures):
    """Mean log ratio of the infusion minus that of the baseline, by participant and condition."""
    logs = measures.assign(log=100 * np.log(measures["value"]), infusion=measures["event_time_s"] >= 0)
    means = logs.groupby(["participant", "condition", "infusion"])["log"].mean().unstack()
    return (means[True] - means[False]).unstack()


def test_contrast_follows_from_the_measures(quiet):
    response = {"participant_sd_percent": 2, "session_sd_percent": 2}
    tables = truth_tables(study_plan(quiet(design={"n_participants": 40}, response=response), seed=6))
    changes = mean_changes(tables["measures"])
    difference = changes["naltrexone"] - changes["placebo"]
    row = tables["contrasts"].set_index("contrast").loc["naltrexone - placebo"]
    assert row["population_value"] == pytest.approx(-8.0)
    assert row["sample_value"] == pytest.approx(difference.mean())
    assert row["sample_sd"] == pytest.approx(difference.std())
    # The sample mean scatters around the population value as its own SD says.
    assert row["sample_value"] == pytest.approx(-8.0, abs=4 * row["sample_sd"] / np.sqrt(40))


def test_without_individual_differences_sample_and_population_agree(quiet):
    contrasts = truth_tables(study_plan(quiet(), seed=1))["contrasts"]
    assert contrasts["sample_value"].to_numpy() == pytest.approx(contrasts["population_value"].to_numpy())
    assert contrasts["sample_sd"].to_numpy() == pytest.approx([0] * 5, abs=1e-9)


def test_contrast_of_each_sex_has_its_value(quiet):
    response = {"contrast_percent": -2, "contrast_male_minus_female_percent": -3}
    contrasts = truth_tables(study_plan(quiet(response=response), seed=1))["contrasts"].set_index("contrast")
    for sex, value in (("women", -0.5), ("men", -3.5)):
        row = contrasts.loc[f"naltrexone - placebo: {sex}"]
        assert (row["population_value"], row["sample_value"], row["n_participants"]) == (pytest.approx(value), pytest.approx(value), 3)


def test_people_who_stay_away_are_not_in_the_sample(quiet):
    plan = study_plan(quiet(design={"n_participants": 40}, attrition={"probability": 0.3}), seed=1)
    tables = truth_tables(plan)
    pairs = tables["sessions"].groupby("participant").size()
    assert tables["contrasts"]["n_participants"].iloc[2] == (pairs == 2).sum() < 40
    assert len(tables["sessions"]) == len(plan.visits)


def test_amplitudes_give_the_measures(tables):
    wide = tables["amplitudes"].pivot_table(index=["participant", "session", "phase"], columns="metabolite", values="amplitude")
    ratio = (wide["Glu"] + wide["Gln"]) / (wide["NAA"] + wide["NAAG"])
    baseline = tables["measures"].query("event_time_s < 0").groupby(["participant", "session"])["value"].mean()
    assert ratio.xs("baseline", level="phase").to_numpy() == pytest.approx(baseline.to_numpy())


def test_contents_give_the_ratio_without_relaxation(tables):
    wide = tables["amplitudes"].pivot_table(index=["participant", "session", "phase"], columns="metabolite", values="content")
    ratio = (wide["Glu"] + wide["Gln"]) / (wide["NAA"] + wide["NAAG"])
    baseline = tables["measures"].query("event_time_s < 0").groupby(["participant", "session"])["content_ratio"].mean()
    assert ratio.xs("baseline", level="phase").to_numpy() == pytest.approx(baseline.to_numpy())


def test_faults_are_relative_to_the_unspoiled_transients(tables):
    transients = tables["transients"]
    kept = transients[~transients["spoiled"]].groupby(["participant", "session"])
    assert np.abs(kept[["frequency_shift_hz", "phase_rad"]].mean().to_numpy()).max() < 1e-9


def test_tables_count_stored_transients_as_the_files_do(tables):
    lost = tables["sessions"].set_index(["participant", "session"])["n_lost"]
    assert 0 < (lost > 0).sum() < 80
    for name in ("transients", "measures"):
        groups = tables[name].groupby(["participant", "session"])
        assert groups.size().equals(64 - lost)
        assert groups["transient"].agg(lambda values: values.tolist() == list(range(len(values)))).all()
    spoiled = tables["transients"].groupby(["participant", "session"])["spoiled"].sum()
    assert spoiled.equals(tables["sessions"].set_index(["participant", "session"])["n_spoiled"])


def test_true_ratings_are_those_without_noise(realistic):
    plan = study_plan(realistic(), seed=2)
    truth = truth_tables(plan)["clinical"].set_index(["participant", "session", "scale"])
    assert truth.groupby("scale").size().eq(52).all()
    table = scale_tables(plan)["madrs"]
    levels = np.array([[truth.loc[(who, session, "madrs"), "level"] for session in "12"] for who in table["participant_id"].str[4:]])
    error = table[["ses1_before", "ses2_before"]].to_numpy(dtype=float) - levels
    # Noise of a rating (1.5) and rounding, but for scores at the end of the scale.
    assert error.std() == pytest.approx(np.hypot(1.5, np.sqrt(1 / 12)), rel=0.35)


def test_labels_are_consistent(tables):
    sessions = tables["sessions"]
    assert sessions.groupby("participant")["condition"].apply(set).eq({"placebo", "naltrexone"}).all()
    ordered = sessions.sort_values("period").groupby("participant")["condition"].agg("-".join)
    assert ordered.to_dict() == sessions.groupby("participant")["sequence"].first().to_dict()

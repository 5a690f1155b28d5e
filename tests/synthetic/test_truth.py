"""The truth tables say what the description asked for."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.truth import truth_tables


@pytest.fixture(scope="module")
def tables(quiet):
    levels = {"ratio_participant_sd_percent": 10, "ratio_session_sd_percent": 4}
    response = {"participant_sd_percent": 2, "session_sd_percent": 2, "linewidth_change_hz": [-0.2, -0.1]}
    frequency = {"offset_sd_hz": 3, "drift_hz_per_min": [0, 1], "jitter_sd_hz": 0.3}
    motion = {"spoiled_baseline": 0.05, "spoiled_infusion": 0.1}
    description = quiet(design={"n_participants": 40}, levels=levels, response=response, frequency=frequency, motion=motion)
    return truth_tables(study_plan(description, seed=6))


def mean_changes(measures):
    """Mean log ratio of the infusion minus that of the baseline, by participant and condition."""
    logs = measures.assign(log=100 * np.log(measures["value"]), infusion=measures["event_time_s"] >= 0)
    means = logs.groupby(["participant", "condition", "infusion"])["log"].mean().unstack()
    return (means[True] - means[False]).unstack()


def test_contrast_follows_from_the_measures(tables):
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
    assert contrasts["sample_sd"].to_numpy() == pytest.approx([0, 0, 0], abs=1e-9)


def test_amplitudes_give_the_measures(tables):
    wide = tables["amplitudes"].pivot_table(index=["participant", "session", "phase"], columns="metabolite", values="amplitude")
    ratio = (wide["Glu"] + wide["Gln"]) / (wide["NAA"] + wide["NAAG"])
    baseline = tables["measures"].query("event_time_s < 0").groupby(["participant", "session"])["value"].mean()
    assert ratio.xs("baseline", level="phase").to_numpy() == pytest.approx(baseline.to_numpy())


def test_faults_are_relative_to_the_unspoiled_transients(tables):
    transients = tables["transients"]
    kept = transients[~transients["spoiled"]].groupby(["participant", "session"])
    assert np.abs(kept[["frequency_shift_hz", "phase_rad"]].mean().to_numpy()).max() < 1e-9
    assert transients.groupby(["participant", "session"]).size().eq(64).all()


def test_labels_are_consistent(tables):
    sessions = tables["sessions"]
    assert sessions.groupby("participant")["condition"].apply(set).eq({"placebo", "naltrexone"}).all()
    ordered = sessions.sort_values("period").groupby("participant")["condition"].agg("-".join)
    assert ordered.to_dict() == sessions.groupby("participant")["sequence"].first().to_dict()

"""The drawn values of people and visits have the described distribution."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.synthetic.amplitudes import amplitudes_over_time, true_ratio
from mrs_pipeline.synthetic.plan import study_plan


def log_ratios(plan):
    """100 log of the ratio before the infusion, one row a person."""
    logs = 100 * np.log([true_ratio(plan, visit)[0] for visit in plan.visits])
    return logs.reshape(-1, 2)


def components_of_variance(logs):
    """Method of moments: SD between visits from differences, SD between people from the rest of the variance of means."""
    session_variance = np.diff(logs, axis=1).var(ddof=1) / 2
    person_variance = logs.mean(axis=1).var(ddof=1) - session_variance / 2
    return np.sqrt(person_variance), np.sqrt(session_variance)


def test_more_participants_leave_the_others_as_they_were(quiet):
    levels = {"ratio_participant_sd_percent": 10, "ratio_session_sd_percent": 4, "other_participant_sd_percent": 10}
    small, large = (study_plan(quiet(design={"n_participants": n}, levels=levels), seed=5) for n in (6, 20))
    assert small.visits[3].amplitudes == large.visits[3].amplitudes


def test_variance_components_of_the_ratio(quiet):
    levels = {"ratio_participant_sd_percent": 10, "ratio_session_sd_percent": 4, "scale_participant_sd_percent": 8, "period_percent": 3}
    plan = study_plan(quiet(design={"n_participants": 1200}, levels=levels), seed=8)
    logs = log_ratios(plan)
    # Standard error of a SD from 1200 draws is 2.0 %: about five of them are allowed.
    assert components_of_variance(logs) == (pytest.approx(10, rel=0.11), pytest.approx(4, rel=0.1))
    assert np.diff(logs, axis=1).mean() == pytest.approx(3, abs=5 * 4 * np.sqrt(2 / 1200))


def test_sequence_effect_is_a_difference_of_groups(quiet):
    plan = study_plan(quiet(levels={"sequence_percent": 5}), seed=8)
    logs = log_ratios(plan)[:, 0]
    reversed_order = np.array([person.sequence == "naltrexone-placebo" for person in plan.participants])
    assert np.ptp(logs[reversed_order]) == pytest.approx(0, abs=1e-9)
    assert logs[reversed_order].mean() - logs[~reversed_order].mean() == pytest.approx(5)


def test_total_variation_of_the_default_study_is_the_published_one(realistic):
    """Between people 10 % (7 to 15 published) and between visits 4 % (2 to 8), with what tissue adds."""
    voxel = {"wrong_probability": 0, "moved_probability": 0}
    person_sd, session_sd = components_of_variance(log_ratios(study_plan(realistic(design={"n_participants": 800}, voxel=voxel), seed=1)))
    assert person_sd == pytest.approx(10.2, abs=1.2)
    assert session_sd == pytest.approx(4.05, abs=0.5)


def test_composition_varies_at_a_constant_sum(quiet):
    plan = study_plan(quiet(design={"n_participants": 800}, levels={"composition_participant_sd_percent": 12}), seed=1)
    levels = np.array([[visit.concentrations[name] for name in ("Glu", "Gln")] for visit in plan.visits[::2]])
    assert levels.sum(axis=1) == pytest.approx(12.1 + 2.7)
    # The logarithm of a quotient of two factors with an SD of 12 % each.
    assert 100 * np.log(levels[:, 1] / levels[:, 0]).std() == pytest.approx(12 * np.sqrt(2), rel=5 / np.sqrt(2 * 800))
    same = [plan.visits[2 * person].concentrations == plan.visits[2 * person + 1].concentrations for person in range(800)]
    assert all(same)


def test_other_metabolites_vary_independently(quiet):
    plan = study_plan(quiet(design={"n_participants": 800}, levels={"other_participant_sd_percent": 10}), seed=1)
    logs = 100 * np.log([[visit.concentrations[name] for name in ("Ins", "Cr", "GPC")] for visit in plan.visits[::2]])
    assert logs.std(axis=0) == pytest.approx([10] * 3, rel=5 / np.sqrt(2 * 800))
    assert np.abs(np.corrcoef(logs.T)[np.triu_indices(3, 1)]).max() < 4.5 / np.sqrt(800)


def test_common_scale_moves_all_metabolites_but_not_the_ratio(quiet):
    plan = study_plan(quiet(levels={"scale_participant_sd_percent": 8}), seed=1)
    first, other = plan.visits[0], plan.visits[2]
    factors = {other.amplitudes[name] / level for name, level in first.amplitudes.items()}
    assert max(factors) == pytest.approx(min(factors))
    assert abs(max(factors) - 1) > 1e-4
    assert true_ratio(plan, first)[0] == pytest.approx(true_ratio(plan, other)[0])


def test_linewidths_stay_in_their_range(quiet):
    shape = {"linewidth_hz": 5.0, "linewidth_participant_sd_hz": 3.0, "linewidth_session_sd_hz": 1.0}
    widths = [visit.linewidth_hz for visit in study_plan(quiet(design={"n_participants": 200}, lineshape=shape), seed=2).visits]
    assert min(widths) == 4.0
    assert max(widths) <= 12.0


def test_linewidths_vary_by_person_and_visit(quiet):
    shape = {"linewidth_hz": 8.0, "linewidth_participant_sd_hz": 0.6, "linewidth_session_sd_hz": 0.3}
    plan = study_plan(quiet(design={"n_participants": 900}, lineshape=shape), seed=2)
    widths = np.array([visit.linewidth_hz for visit in plan.visits]).reshape(-1, 2)
    assert components_of_variance(widths) == (pytest.approx(0.6, rel=0.13), pytest.approx(0.3, rel=0.11))
    assert widths.mean() == pytest.approx(8.0, abs=0.08)


def test_narrowing_has_its_mean_by_condition_and_its_variation(quiet):
    blood = {"linewidth_change_hz": [-0.3, -0.1], "participant_sd_hz": 0.05, "session_sd_hz": 0.08}
    plan = study_plan(quiet(design={"n_participants": 900}, haemodynamics=blood), seed=2)
    for condition, mean in (("placebo", -0.3), ("naltrexone", -0.1)):
        changes = [visit.linewidth_change_hz for visit in plan.visits if visit.condition == condition]
        assert np.mean(changes) == pytest.approx(mean, abs=5 * np.hypot(0.05, 0.08) / np.sqrt(900))
        assert np.std(changes) == pytest.approx(np.hypot(0.05, 0.08), rel=0.11)


def test_share_and_size_of_lipid_contamination(quiet):
    plan = study_plan(quiet(design={"n_participants": 900}, lipids={"probability": 0.3, "level_relative_to_tcr": [0.2, 1.0]}), seed=2)
    relative = np.array([visit.lipid_mmol_per_l / (visit.amplitudes["Cr"] + visit.amplitudes["PCr"]) for visit in plan.visits])
    present = relative[relative > 0]
    assert len(present) / 1800 == pytest.approx(0.3, abs=4.5 * np.sqrt(0.21 / 1800))
    assert (present.min(), present.max()) == (pytest.approx(0.2, abs=0.01), pytest.approx(1.0, abs=0.01))
    assert present.mean() == pytest.approx(0.6, abs=4.5 * 0.8 / np.sqrt(12 * len(present)))


def test_amplitudes_before_the_infusion_are_those_of_the_visit(realistic):
    plan = study_plan(realistic(), seed=3)
    for visit in plan.visits[:6]:
        assert amplitudes_over_time(plan, visit)[0] == pytest.approx(list(visit.amplitudes.values()))


def test_unknown_visit_lists_the_valid_ones(quiet):
    with pytest.raises(ConfigError, match=r"sub-07 ses-1.*sub-06 ses-2"):
        study_plan(quiet(), seed=1).visit(participant="07", session="1")

"""Each scenario is what its name says, and differs from what it extends in nothing else."""

from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.commands.simulation_description import description_files, description_mapping, read_plan
from mrs_pipeline.synthetic.amplitudes import response_percent
from mrs_pipeline.synthetic.faults import transient_faults
from mrs_pipeline.synthetic.truth import contrasts_table

SCENARIOS = Path(__file__).parents[2] / "config" / "simulation" / "scenarios"
NULLS = ["null", "null_flat", "null_bold", "null_bold_by_treatment", "null_motion_by_treatment", "null_drift"]


def plan_of(name):
    return read_plan(SCENARIOS / f"{name}.yaml")


def by_condition(plan, value):
    """Mean of a value over the visits of each condition, the reference first."""
    return [np.mean([value(visit) for visit in plan.visits if visit.condition == name]) for name in plan.description.design.conditions]


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_scenarios_extend_the_default_study(path):
    assert description_files(path)[-1].name == "infusion.yaml"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 20


def differing(name, base):
    """Sections in which two descriptions differ, name and wording aside."""
    one, other = (description_mapping(SCENARIOS / f"{item}.yaml") for item in (name, base))
    return {key for key in one if one[key] != other[key]} - {"name", "description"}


@pytest.mark.parametrize(
    ("name", "base", "sections"),
    [
        ("reference", "../infusion", set()),
        ("large_effect", "reference", {"response"}),
        ("null", "reference", {"response"}),
        ("null_flat", "reference", {"response", "haemodynamics"}),
        ("null_bold", "null_flat", {"haemodynamics"}),
        ("null_bold_by_treatment", "null_bold", {"haemodynamics"}),
        ("null_motion_by_treatment", "null", {"motion"}),
        ("null_drift", "null", {"frequency"}),
        ("dropout", "reference", {"attrition", "missing"}),
    ],
)
def test_nothing_else_differs(name, base, sections):
    assert differing(name, base) == sections


@pytest.mark.parametrize("name", NULLS)
def test_null_scenarios_have_no_difference_of_conditions(name):
    contrasts = contrasts_table(plan_of(name)).set_index("contrast")
    assert contrasts.filter(like="naltrexone - placebo", axis=0)["population_value"].tolist() == pytest.approx([0, 0, 0], abs=1e-9)


def test_responses_of_the_null_vary_between_visits():
    """The test of the contrast must not take visits for exchangeable windows: their responses vary although conditions do not differ."""
    plan = plan_of("null")
    contrasts = contrasts_table(plan).set_index("contrast")
    assert contrasts.loc["placebo change", "population_value"] == pytest.approx(4 * 0.738, abs=0.05)
    assert contrasts.loc["naltrexone - placebo", "sample_sd"] > 1


def test_reference_is_four_and_two_percent():
    contrasts = contrasts_table(plan_of("reference")).set_index("contrast")["population_value"]
    assert plan_of("reference").description.response.plateau_percent == 4.0
    assert contrasts["naltrexone - placebo"] == pytest.approx(-2.0)
    assert contrasts_table(plan_of("large_effect")).set_index("contrast").loc["naltrexone - placebo", "population_value"] == pytest.approx(
        -6.0
    )


def test_flat_means_flat():
    plan = plan_of("null_flat")
    assert all(np.all(response_percent(plan, visit) == 0) for visit in plan.visits)
    assert all(visit.linewidth_change_hz == 0 for visit in plan.visits)


def test_only_lines_change_in_the_bold_scenarios():
    plan = plan_of("null_bold")
    assert all(np.all(response_percent(plan, visit) == 0) for visit in plan.visits)
    assert by_condition(plan, lambda visit: visit.linewidth_change_hz) == pytest.approx([-0.2, -0.2], abs=0.06)
    other = plan_of("null_bold_by_treatment")
    assert by_condition(other, lambda visit: visit.linewidth_change_hz) == pytest.approx([-0.3, 0.0], abs=0.06)


def test_people_move_and_drift_more_after_the_other_condition():
    moving, drifting = plan_of("null_motion_by_treatment"), plan_of("null_drift")
    shares = by_condition(moving, lambda visit: transient_faults(moving, visit).spoiled[120:].mean())
    assert shares == pytest.approx([0.08, 0.20], abs=0.03)

    def slope(visit):
        return abs(np.polyfit(np.arange(720) * 0.05, transient_faults(drifting, visit).frequency_shift_hz, 1)[0])

    slow, fast = by_condition(drifting, slope)
    assert fast / slow > 2


def test_people_stay_away_and_recordings_end_early_in_dropout():
    plan = plan_of("dropout")
    assert len(plan.visits) < 52
    lengths = [transient_faults(plan, visit).recorded.sum() for visit in plan.visits]
    assert min(lengths) < 650

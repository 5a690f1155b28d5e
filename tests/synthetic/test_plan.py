"""Randomisation is balanced and the drawn values have the described distribution."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.synthetic.plan import study_plan, true_ratio


@pytest.mark.parametrize(("n", "counts"), [(6, (3, 3)), (7, (3, 4)), (26, (13, 13))])
def test_sequences_are_balanced_and_complete(quiet, n, counts):
    plan = study_plan(quiet(design={"n_participants": n}), seed=3)
    sequences = [person.sequence for person in plan.participants]
    assert tuple(sorted((sequences.count("placebo-naltrexone"), sequences.count("naltrexone-placebo")))) == counts
    for person in plan.participants:
        visits = [visit for visit in plan.visits if visit.participant is person]
        assert [visit.period for visit in visits] == [1, 2]
        assert "-".join(visit.condition for visit in visits) == person.sequence


def test_order_depends_on_the_seed_only(quiet):
    description = quiet(design={"n_participants": 26})
    orders = [[person.sequence for person in study_plan(description, seed=seed).participants] for seed in (1, 1, 2)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_more_participants_leave_the_others_as_they_were(quiet):
    levels = {"ratio_participant_sd_percent": 10, "ratio_session_sd_percent": 4, "other_participant_sd_percent": 10}
    small, large = (study_plan(quiet(design={"n_participants": n}, levels=levels), seed=5) for n in (6, 20))
    assert small.visits[3].amplitudes == large.visits[3].amplitudes


def test_variance_components_of_the_ratio(quiet):
    """Method of moments on the log ratio: halved variance of differences and the rest of the variance of means."""
    levels = {"ratio_participant_sd_percent": 10, "ratio_session_sd_percent": 4, "scale_participant_sd_percent": 8, "period_percent": 3}
    plan = study_plan(quiet(design={"n_participants": 3000}, levels=levels), seed=8)
    logs = 100 * np.log([[true_ratio(plan, visit)[0] for visit in plan.visits[index : index + 2]] for index in range(0, 6000, 2)])
    session_variance = np.diff(logs, axis=1).var(ddof=1) / 2
    person_variance = logs.mean(axis=1).var(ddof=1) - session_variance / 2
    # Standard error of a SD from 3000 draws is 1.3 %: five of them are allowed.
    assert np.sqrt(session_variance) == pytest.approx(4, rel=0.065)
    assert np.sqrt(person_variance) == pytest.approx(10, rel=0.075)
    assert np.diff(logs, axis=1).mean() == pytest.approx(3, abs=5 * 4 * np.sqrt(2 / 3000))


def test_common_scale_moves_all_metabolites_but_not_the_ratio(quiet):
    plan = study_plan(quiet(levels={"scale_participant_sd_percent": 8}), seed=1)
    first, other = plan.visits[0], plan.visits[2]
    factors = {other.amplitudes[name] / level for name, level in first.amplitudes.items()}
    assert max(factors) == pytest.approx(min(factors))
    assert abs(max(factors) - 1) > 1e-4
    assert true_ratio(plan, first)[0] == pytest.approx((11 + 3.2) / (9.3 + 1.4))


def test_linewidths_stay_in_their_range(quiet):
    shape = {"linewidth_hz": 5.0, "linewidth_participant_sd_hz": 3.0, "linewidth_session_sd_hz": 1.0}
    widths = [visit.linewidth_hz for visit in study_plan(quiet(design={"n_participants": 200}, lineshape=shape), seed=2).visits]
    assert min(widths) == 4.0
    assert max(widths) <= 12.0


def test_unknown_visit_lists_the_valid_ones(quiet):
    with pytest.raises(ConfigError, match=r"sub-07 ses-1.*sub-06 ses-2"):
        study_plan(quiet(), seed=1).visit(participant="07", session="1")

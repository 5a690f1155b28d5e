"""What the voxel holds and what relaxation leaves of it, against numbers computed by hand and published medians."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.amplitudes import amplitudes_over_time, true_ratio
from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.tissue import relaxation_factor, signal_weights, tissue, water_signal_mmol_per_l


def test_relaxation_of_one_tissue_by_hand():
    """Glutamate in grey matter, TR 3 s, TE 30 ms: (1 - exp(-3 / 1.27)) = 0.90578, exp(-0.03 / 0.122) = 0.78200."""
    factor = relaxation_factor(t1_s=np.array(1.27), t2_s=np.array(0.122), echo_time_s=0.030, repetition_time_s=3.0)
    assert float(factor) == pytest.approx(0.90578 * 0.78200, rel=1e-4)


def test_metabolite_signal_of_a_mixed_voxel_by_hand(realistic):
    """0.60 x 0.90578 x 0.78200 + 0.28 x 0.7 x 0.92300 x 0.78509 (white matter: T1 1.17 s, T2 0.124 s, 0.7 of the concentration)."""
    description = realistic()
    weights = dict(zip(description.metabolites, signal_weights(description, tissue(grey_matter=0.60, csf=0.12)), strict=True))
    assert weights["Glu"] == pytest.approx(0.60 * 0.90578 * 0.78200 + 0.28 * 0.7 * 0.92300 * 0.78509, rel=1e-4)


def test_water_of_three_compartments_by_hand(realistic):
    """Factors grey 0.89502 x 0.76130, white 0.97284 x 0.68474, CSF 0.54430 x 0.94213."""
    water = water_signal_mmol_per_l(realistic(), tissue(grey_matter=0.60, csf=0.12))
    expected = 0.60 * 43300 * 0.89502 * 0.76130 + 0.28 * 36080 * 0.97284 * 0.68474 + 0.12 * 53840 * 0.54430 * 0.94213
    assert water == pytest.approx(expected, rel=1e-4)


def test_mean_spectrum_has_the_published_ratios(realistic):
    """Medians of 3 T PRESS studies of the ACC: Glx/tNAA 1.31, Glu/tNAA 1.08, tNAA/tCr 1.20; within 1.5 %."""
    off = {"wrong_probability": 0, "moved_probability": 0}
    plan = study_plan(realistic(design={"n_participants": 1000}, voxel=off), seed=1)
    amount = {name: np.array([visit.amplitudes[name] for visit in plan.visits]) for name in plan.description.metabolites}
    tnaa, tcr = amount["NAA"] + amount["NAAG"], amount["Cr"] + amount["PCr"]
    assert np.median((amount["Glu"] + amount["Gln"]) / tnaa) == pytest.approx(1.31, rel=0.015)
    assert np.median(amount["Glu"] / tnaa) == pytest.approx(1.08, rel=0.015)
    assert np.median(tnaa / tcr) == pytest.approx(1.20, rel=0.015)


def test_fractions_vary_between_people_and_visits_as_described(realistic):
    """Grey matter .60 SD .06, CSF .12 SD .04 between people; .02 and .014 between visits; they add up to one."""
    plan = study_plan(realistic(design={"n_participants": 900}, voxel={"wrong_probability": 0}), seed=1)
    fractions = np.array([visit.tissue.fractions for visit in plan.visits]).reshape(-1, 2, 3)
    assert fractions.sum(axis=2) == pytest.approx(np.ones((900, 2)))
    session_sd = np.diff(fractions, axis=1)[:, 0].std(axis=0) / np.sqrt(2)
    person_sd = np.sqrt(fractions.mean(axis=1).var(axis=0) - session_sd**2 / 2)
    assert session_sd == pytest.approx([0.020, 0.020, 0.014], rel=0.13)
    assert person_sd == pytest.approx([0.060, 0.060, 0.040], rel=0.13)
    assert fractions.mean(axis=(0, 1)) == pytest.approx([0.60, 0.28, 0.12], abs=0.01)


def test_no_fraction_becomes_negative(realistic):
    plan = study_plan(realistic(design={"n_participants": 200}, voxel={"csf_participant_sd": 0.2}), seed=1)
    fractions = np.array([visit.tissue.fractions for visit in plan.visits])
    assert fractions.min() > 0.005
    assert fractions.sum(axis=1) == pytest.approx(np.ones(400))


def test_share_of_wrong_voxels_and_what_is_in_them(quiet):
    voxel = {"wrong_probability": 0.2, "wrong_grey_matter": 0.35, "wrong_csf": 0.05, "wrong_linewidth_hz": 1.5}
    plan = study_plan(quiet(design={"n_participants": 500}, voxel=voxel), seed=1)
    wrong = [visit for visit in plan.visits if visit.voxel_is_wrong]
    assert len(wrong) / 1000 == pytest.approx(0.2, abs=4.5 * np.sqrt(0.16 / 1000))
    assert wrong[0].tissue.fractions == pytest.approx([0.35, 0.60, 0.05])
    right = next(visit for visit in plan.visits if not visit.voxel_is_wrong)
    assert wrong[0].linewidth_hz - right.linewidth_hz == pytest.approx(1.5)
    # Less glutamate in white matter: the ratio is visibly lower.
    assert true_ratio(plan, wrong[0])[0] / true_ratio(plan, right)[0] < 0.95


def test_a_move_changes_the_voxel_once_and_for_good(quiet):
    voxel = {"moved_probability": 1, "moved_fraction_sd": 0.05}
    plan = study_plan(quiet(voxel=voxel, response={"plateau_percent": 0, "contrast_percent": 0}), seed=1)
    for visit in plan.visits:
        amplitudes = amplitudes_over_time(plan, visit)
        changed = np.flatnonzero(np.any(np.diff(amplitudes, axis=0) != 0, axis=1)) + 1
        assert changed.tolist() == [visit.move.transient]
        expected = [visit.concentrations[name] for name in plan.description.metabolites] * signal_weights(
            plan.description, visit.move.tissue
        )
        assert amplitudes[-1] == pytest.approx(expected)
    transients = [visit.move.transient for visit in study_plan(quiet(design={"n_participants": 300}, voxel=voxel), seed=1).visits]
    assert (min(transients), max(transients)) == (1, 63)

"""A small study whose faults can be switched off and on one at a time."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mrs_pipeline.commands.simulation_description import description_mapping
from mrs_pipeline.synthetic.description import StudyDescription, description_from_mapping

CONFIG = Path(__file__).parents[2] / "config" / "simulation"

#: Nothing varies and nothing goes wrong: single laws are tested on top of this.
QUIET: Mapping[str, Mapping[str, Any]] = {
    "attrition": {"probability": 0, "log_odds_per_sd": 0},
    "basis": {"pulses": "ideal", "shift_sd_ppm": 0, "coupling_sd_hz": 0},
    "voxel": {
        "csf_participant_sd": 0,
        "csf_session_sd": 0,
        "grey_white_participant_sd": 0,
        "grey_white_session_sd": 0,
        "wrong_probability": 0,
        "moved_probability": 0,
    },
    "levels": {
        "ratio_participant_sd_percent": 0,
        "ratio_session_sd_percent": 0,
        "composition_participant_sd_percent": 0,
        "other_participant_sd_percent": 0,
        "scale_participant_sd_percent": 0,
        "scale_session_sd_percent": 0,
        "period_percent": 0,
        "sequence_percent": 0,
    },
    "response": {
        "participant_sd_percent": 0,
        "session_sd_percent": 0,
        "contrast_male_minus_female_percent": 0,
        "period_percent": 0,
        "carryover_percent": [0, 0],
    },
    "haemodynamics": {"linewidth_change_hz": [0, 0], "participant_sd_hz": 0, "session_sd_hz": 0},
    "lineshape": {
        "linewidth_participant_sd_hz": 0,
        "linewidth_session_sd_hz": 0,
        "fluctuation_sd_hz": 0,
        "metabolite_damping_sd_hz": 0,
        "metabolite_shift_sd_ppm": 0,
    },
    "macromolecules": {"level_mmol_per_l": 0, "participant_sd_percent": 0, "line_sd_percent": 0},
    "lipids": {"probability": 0},
    "broad_baseline": {"probability": 0},
    "spurious_echo": {"probability": 0},
    "receiver": {"dead_channel_probability": 0, "gain_step_probability": 0},
    "frequency": {
        "offset_sd_hz": 0,
        "drift_hz_per_min": [0, 0],
        "fast_drift_probability": 0,
        "cooling_probability": 0,
        "step_probability": 0,
        "respiration_hz": [0, 0],
        "jitter_sd_hz": 0,
    },
    "phase": {"jitter_sd_deg": 0, "walk_sd_deg": 0},
    "motion": {"spoiled_baseline": 0, "spoiled_infusion": 0},
    "missing": {"gap_probability": 0, "interruption_probability": 0},
    "eddy_current": {"n_terms": 0, "reference_mismatch_percent": 0},
    "water": {"residual_height": 0},
}

Changes = Mapping[str, Mapping[str, Any]]
Describe = Callable[..., StudyDescription]


@pytest.fixture(scope="session")
def phantom_mapping() -> dict[str, Any]:
    """The whole description of the phantom study."""
    return description_mapping(CONFIG / "phantom.yaml")


@pytest.fixture(scope="session")
def infusion_mapping() -> dict[str, Any]:
    """The description of the default study."""
    return description_mapping(CONFIG / "infusion.yaml")


def changed(mapping: Mapping[str, Any], *changes: Changes) -> StudyDescription:
    """A description with the values of some sections replaced."""
    whole = copy.deepcopy(dict(mapping))
    for change in changes:
        for section, values in change.items():
            whole[section].update(values)
    return description_from_mapping(whole)


@pytest.fixture(scope="session")
def quiet(phantom_mapping: dict[str, Any]) -> Describe:
    """Description of the phantom without variation and faults, then with the changes given by section."""
    return lambda **changes: changed(phantom_mapping, QUIET, changes)


@pytest.fixture(scope="session")
def realistic(infusion_mapping: dict[str, Any]) -> Describe:
    """Description of the default study with ideal pulses, which take no time, and with the changes given by section."""
    return lambda **changes: changed(infusion_mapping, {"basis": {"pulses": "ideal"}}, changes)

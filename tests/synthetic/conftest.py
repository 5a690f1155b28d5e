"""A small study whose faults can be switched off and on one at a time."""

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mrs_pipeline.synthetic.description import StudyDescription, description_from_mapping

PHANTOM = Path(__file__).parents[2] / "config" / "simulation" / "phantom.yaml"

#: Nothing varies and nothing goes wrong: single laws are tested on top of this.
QUIET: Mapping[str, Mapping[str, Any]] = {
    "levels": {
        "ratio_participant_sd_percent": 0,
        "ratio_session_sd_percent": 0,
        "other_participant_sd_percent": 0,
        "scale_participant_sd_percent": 0,
        "scale_session_sd_percent": 0,
        "period_percent": 0,
    },
    "response": {"participant_sd_percent": 0, "session_sd_percent": 0, "linewidth_change_hz": [0, 0]},
    "lineshape": {
        "linewidth_participant_sd_hz": 0,
        "linewidth_session_sd_hz": 0,
        "metabolite_damping_sd_hz": 0,
        "metabolite_shift_sd_ppm": 0,
    },
    "macromolecules": {"level_mmol_per_l": 0, "participant_sd_percent": 0},
    "lipids": {"probability": 0},
    "frequency": {"offset_sd_hz": 0, "drift_hz_per_min": [0, 0], "step_probability": 0, "jitter_sd_hz": 0},
    "phase": {"jitter_sd_deg": 0, "walk_sd_deg": 0},
    "motion": {"spoiled_baseline": 0, "spoiled_infusion": 0},
    "eddy_current": {"n_terms": 0},
    "water": {"residual_height": 0},
}

Changes = Mapping[str, Mapping[str, Any]]
Describe = Callable[..., StudyDescription]


@pytest.fixture(scope="session")
def phantom_mapping() -> dict[str, Any]:
    """The parsed description of the phantom study."""
    mapping: dict[str, Any] = yaml.safe_load(PHANTOM.read_text(encoding="utf-8"))
    return mapping


@pytest.fixture(scope="session")
def quiet(phantom_mapping: dict[str, Any]) -> Describe:
    """Description of the phantom without variation and faults, then with the changes given by section."""

    def describe(**changes: Mapping[str, Any]) -> StudyDescription:
        mapping = copy.deepcopy(phantom_mapping)
        for change in (QUIET, changes):
            for section, values in change.items():
                mapping[section].update(values)
        return description_from_mapping(mapping)

    return describe

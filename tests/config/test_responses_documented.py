"""Shapes of responses and their options are in the manual and in the guide, with their defaults."""

import re
from pathlib import Path

import pytest

from mrs_pipeline.timecourse.formula import FUNCTIONS
from mrs_pipeline.timecourse.pharmacokinetics import KINETICS
from mrs_pipeline.timecourse.responses import RESPONSES

ROOT = Path(__file__).parents[2]
MANUAL = (ROOT / "config" / "config.yaml").read_text(encoding="utf-8").split("# ---- timecourse")[1].split("# ---- fitting")[0]
GUIDE = (ROOT / "docs" / "responses.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", RESPONSES)
def test_every_shape_and_option_is_named(shape: str) -> None:
    assert shape in MANUAL
    assert f"| `{shape}` |" in GUIDE
    for name, parameter in RESPONSES[shape].parameters.items():
        assert name in MANUAL
        assert f"`{name}`" in GUIDE
        if isinstance(parameter.default, float):
            assert f"`{name}` ({parameter.default})" in GUIDE
            number = re.search(rf"{name}: ([\d.]+)", MANUAL)
            assert number
            assert float(number.group(1)) == parameter.default


def test_functions_and_rate_constants_are_listed() -> None:
    for name in FUNCTIONS:
        assert re.search(rf"\b{name}\b", GUIDE), name
    for name, drug in KINETICS.items():
        assert f"| `{name}` | {drug.k10_per_min} | {drug.k12_per_min} | {drug.k21_per_min} |" in GUIDE

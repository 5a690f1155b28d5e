"""The pulses of a `basis` section: named sets, or one's own with shapes from text files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrs_pipeline.basis.pulse_sets import slice_selection
from mrs_pipeline.basis.pulses import ROLES, SHAPES
from mrs_pipeline.basis.selective import SliceSelection
from mrs_pipeline.io.pulse_files import read_pulse_shape


def configured_pulses(choice: str | Mapping[str, Any]) -> SliceSelection | None:
    """The `SliceSelection` of the key ``pulses``; None for ideal pulses."""
    return slice_selection(choice, shapes={str(path): read_pulse_shape(path) for path in pulse_sources(choice)})


def pulse_sources(choice: str | Mapping[str, Any]) -> list[Path]:
    """The files that shapes are read from: names of shapes that are not in the table but look like files or are there."""
    if isinstance(choice, str):
        return []
    shapes = [choice[role]["shape"] for role in ROLES if choice.get(role)]
    return sorted({Path(shape) for shape in shapes if shape not in SHAPES and (Path(shape).suffix or Path(shape).exists())})

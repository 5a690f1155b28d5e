"""From a description of pulses, named or one's own, to the `SliceSelection` of a simulation."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from mrs_pipeline.basis.pulses import ROLES, SHAPES, SampledShape, designed_pulse, sampled_pulse
from mrs_pipeline.basis.selective import SliceSelection
from mrs_pipeline.basis.waveforms import Waveform
from mrs_pipeline.errors import ConfigError, unknown_name

#: The choice that stands for no waveforms at all.
IDEAL = "ideal"
#: With 32 positions a PRESS or STEAM set differs by 1e-4 of the signal from one with 192, an sLASER or SPECIAL set by 1e-3.
N_POSITIONS = 32
CARRIER_PPM = 2.7


@cache
def pulse_sets() -> Mapping[str, Mapping[str, Any]]:
    """The named sets of ``pulse_sets.json``, by name."""
    content = json.loads(resources.files(__package__).joinpath("pulse_sets.json").read_text(encoding="utf-8"))
    return MappingProxyType(content["sets"])


def slice_selection(choice: str | Mapping[str, Any], *, shapes: Mapping[str, SampledShape] | None = None) -> SliceSelection | None:
    """The pulses that a choice stands for; None for ideal ones.

    `choice` is "ideal", the name of a set, or a set of one's own: pulses by role with ``shape``, ``duration_s``, ``bandwidth_hz``,
    ``flip_deg`` and ``peak_b1_hz``, and ``carrier_ppm`` and ``n_positions``. `shapes` holds what a shape is that is not in the table.
    `ConfigError` names the value that cannot be used.
    """
    if choice == IDEAL:
        return None
    described = _named(choice) if isinstance(choice, str) else choice
    pulses = {role: _pulse(role, described[role], shapes=shapes or {}) for role in ROLES if described.get(role)}
    if not pulses:
        raise ConfigError(f"pulses describe none of {', '.join(ROLES)}: describe each pulse of the sequence, or choose '{IDEAL}'")
    return SliceSelection(
        pulses=pulses,
        carrier_ppm=float(described.get("carrier_ppm", CARRIER_PPM)),
        n_positions=int(described.get("n_positions", N_POSITIONS)),
    )


def _named(name: str) -> Mapping[str, Any]:
    if name not in pulse_sets():
        raise unknown_name("set of pulses", name, {IDEAL: None, **pulse_sets()})
    return pulse_sets()[name]


def _pulse(role: str, entry: Mapping[str, Any], *, shapes: Mapping[str, SampledShape]) -> Waveform:
    flip_rad = float(np.radians(entry.get("flip_deg") or (180.0 if role in {"refocusing", "inversion"} else 90.0)))
    bandwidth_hz, duration_s = entry.get("bandwidth_hz"), float(entry["duration_s"])
    own = shapes.get(entry["shape"])
    if own is not None:
        return sampled_pulse(
            own, role=role, duration_s=duration_s, flip_rad=flip_rad, bandwidth_hz=bandwidth_hz, peak_b1_hz=entry.get("peak_b1_hz")
        )
    if entry["shape"] not in SHAPES:
        raise unknown_name("pulse shape", entry["shape"], SHAPES)
    if entry.get("peak_b1_hz") is not None:
        raise ConfigError(
            f"peak_b1_hz is given for the {role} pulse '{entry['shape']}': only shapes from files are scaled by it, leave it out"
        )
    return designed_pulse(entry["shape"], role=role, duration_s=duration_s, bandwidth_hz=bandwidth_hz, flip_rad=flip_rad)

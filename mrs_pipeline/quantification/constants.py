"""Relaxation times and water content: the published sets of ``relaxation.json``, and own numbers put in their place."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.basis_set import standard_name
from mrs_pipeline.errors import ConfigError, unknown_name

#: Compartments of a voxel, in the order of every array; metabolites are in the first two.
TISSUES = ("grey_matter", "white_matter", "csf")
#: Entry of a set of metabolites for those it does not name.
DEFAULT = "default"
#: Gyromagnetic ratio of the proton over 2 pi, MHz/T (CODATA 2018).
PROTON_MHZ_PER_T = 42.577478518
#: Relaxation times may be used this far from the field they were measured at, relative; 2.89 T counts as 3 T.
FIELD_TOLERANCE = 0.1
_WATER_KEYS = ("t1_s", "t2_s", "content_kg_per_l")


@dataclass(frozen=True, kw_only=True)
class Constants:
    """What is assumed of a voxel. Arrays of shape (3,) are in the order of `TISSUES`.

    ``water_content_kg_per_l`` is the visible water in a litre of each compartment. ``metabolite_t1_s`` and ``metabolite_t2_s`` hold
    (grey matter, white matter) by metabolite, and `DEFAULT` for all others. ``sources`` says where they come from.
    """

    water_t1_s: FloatArray
    water_t2_s: FloatArray
    water_content_kg_per_l: FloatArray
    metabolite_t1_s: Mapping[str, tuple[float, float]]
    metabolite_t2_s: Mapping[str, tuple[float, float]]
    field_t: float
    sources: str

    def t1_s(self, metabolites: Sequence[str]) -> FloatArray:
        """T1 of each metabolite in grey and white matter, s, shape (n_metabolites, 2)."""
        return np.array([self.metabolite_t1_s.get(name, self.metabolite_t1_s[DEFAULT]) for name in metabolites])

    def t2_s(self, metabolites: Sequence[str]) -> FloatArray:
        """T2 of each metabolite in grey and white matter, s, shape (n_metabolites, 2)."""
        return np.array([self.metabolite_t2_s.get(name, self.metabolite_t2_s[DEFAULT]) for name in metabolites])


@cache
def relaxation_data() -> Mapping[str, Any]:
    """The content of ``relaxation.json``: ``water`` and ``metabolites`` sets by name, ``sources`` by key."""
    text = resources.files(__package__).joinpath("relaxation.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text))


def selected_constants(*, water: str, metabolites: str, own: Mapping[str, Any] | None = None) -> Constants:
    """The constants of two named sets with own numbers in place of theirs.

    `own` may hold ``water``: {compartment: {t1_s, t2_s, content_kg_per_l}}, ``metabolites``: {name or default: {t1_s, t2_s}}, where
    a metabolite's time is one number or [grey matter, white matter], and ``field_t``, the field they are of. `ConfigError` names an
    unknown set or a number that makes no sense.
    """
    ours, theirs = _named("water", water), _named("metabolites", metabolites)
    if ours["field_t"] != theirs["field_t"]:
        raise ConfigError(
            f"quantification.water_constants '{water}' is of {ours['field_t']:g} T and metabolite_constants '{metabolites}' of "
            f"{theirs['field_t']:g} T: choose two sets of one field"
        )
    own = own or {}
    numbers = {key: _water_numbers(ours[key], own.get("water") or {}, key=key) for key in _WATER_KEYS}
    times = _metabolite_times(theirs["values"], own.get("metabolites") or {})
    return Constants(
        water_t1_s=numbers["t1_s"],
        water_t2_s=numbers["t2_s"],
        water_content_kg_per_l=numbers["content_kg_per_l"],
        metabolite_t1_s={name: row["t1_s"] for name, row in times.items()},
        metabolite_t2_s={name: row["t2_s"] for name, row in times.items()},
        field_t=_positive(own.get("field_t") or ours["field_t"], key="field_t"),
        sources=f"water: {water}; metabolites: {metabolites}" + ("; own numbers in the configuration" if any(own.values()) else ""),
    )


def _named(kind: str, name: str) -> Mapping[str, Any]:
    sets: Mapping[str, Mapping[str, Any]] = relaxation_data()[kind]
    if name not in sets:
        raise unknown_name(f"set of {kind} constants", name, sets)
    return sets[name]


def _water_numbers(published: Mapping[str, Any], own: Mapping[str, Mapping[str, float]], *, key: str) -> FloatArray:
    for name in own:
        if name not in TISSUES:
            raise unknown_name("compartment in quantification.constants.water", name, TISSUES)
    values = [(own.get(tissue) or {}).get(key, published[tissue][0]) for tissue in TISSUES]
    return np.array([_positive(value, key=f"water.{tissue}.{key}") for tissue, value in zip(TISSUES, values, strict=True)])


def _metabolite_times(published: Mapping[str, Any], own: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, tuple[float, float]]]:
    """T1 and T2 of every metabolite that either names; what only one of the two times is given of keeps the other as published."""
    replaced = {standard_name(name): entry for name, entry in own.items()}
    times = {}
    for name in {**published, **replaced}:
        row = {**published.get(name, published[DEFAULT]), **replaced.get(name, {})}
        times[name] = {key: _pair(row[key], key=f"metabolites.{name}.{key}") for key in ("t1_s", "t2_s")}
    return times


def _pair(value: float | Sequence[float], *, key: str) -> tuple[float, float]:
    """(grey matter, white matter) from one number or both."""
    values = [value, value] if isinstance(value, int | float) else list(value)
    if len(values) != 2:
        raise ConfigError(f"quantification.constants.{key} has {len(values)} values: give one, or those of grey and white matter")
    grey, white = (_positive(item, key=key) for item in values)
    return grey, white


def _positive(value: float, *, key: str) -> float:
    if not (np.isfinite(value) and value > 0):
        raise ConfigError(f"quantification.constants.{key} is {value}: a positive number is expected")
    return float(value)


def check_field(constants: Constants, *, spectrometer_frequency_mhz: float) -> None:
    """`ConfigError` where the data were measured at another field than the constants; names the sets of relaxation times there are."""
    field_t = spectrometer_frequency_mhz / PROTON_MHZ_PER_T
    if abs(field_t / constants.field_t - 1.0) <= FIELD_TOLERANCE:
        return
    known = [f"{name} ({entry['field_t']:g} T)" for name, entry in relaxation_data()["water"].items()]
    raise ConfigError(
        f"the relaxation times of the quantification section ({constants.sources}) are of {constants.field_t:g} T, but the data are of "
        f"{field_t:.2f} T: choose among {', '.join(known)}, or give own numbers and their field_t in quantification.constants"
    )

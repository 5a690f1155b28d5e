"""Spin systems: chemical shifts and couplings of the metabolites, read from ``spin_systems.json`` and checked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from mrs_pipeline.basis.basis_set import standard_name
from mrs_pipeline.errors import DataError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Spin:
    """`n_protons` magnetically equivalent protons; where not `detected`, they only split their neighbours."""

    name: str
    shift_ppm: float
    n_protons: int
    detected: bool = True


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """Scalar coupling of two spins of a group, given by their positions in it."""

    first: int
    second: int
    coupling_hz: float


@dataclass(frozen=True, kw_only=True)
class OtherNucleus:
    """A nucleus the proton pulses do not touch, weakly coupled: spin quantum number and one coupling (Hz) per spin of the group."""

    nucleus: str
    spin_number: float
    couplings_hz: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SpinGroup:
    """Spins that are coupled to one another and to nothing else; `fraction` is its share at equilibrium (anomers)."""

    label: str
    spins: tuple[Spin, ...]
    couplings: tuple[Coupling, ...] = ()
    other_nuclei: tuple[OtherNucleus, ...] = ()
    fraction: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated; `DataError` names the group."""
        if not self.spins or any(spin.n_protons < 1 for spin in self.spins):
            raise DataError(f"spin group '{self.label}': at least one spin of at least one proton is expected")
        if not 0.0 < self.fraction <= 1.0:
            raise DataError(f"spin group '{self.label}': fraction is {self.fraction}, expected above 0 and at most 1")
        pairs = sorted((coupling.first, coupling.second) for coupling in self.couplings)
        if any(first == second for first, second in pairs) or any(one == next_one for one, next_one in pairwise(pairs)):
            raise DataError(f"spin group '{self.label}': every coupling joins two different spins and is listed once")
        if any(len(other.couplings_hz) != len(self.spins) for other in self.other_nuclei):
            raise DataError(f"spin group '{self.label}': another nucleus needs one coupling per spin")

    @property
    def n_protons(self) -> float:
        """Detected protons, weighted with `fraction`."""
        return self.fraction * sum(spin.n_protons for spin in self.spins if spin.detected)


@dataclass(frozen=True, kw_only=True)
class SpinSystem:
    """A metabolite: its groups, where the numbers come from and what was left out."""

    name: str
    groups: tuple[SpinGroup, ...]
    sources: tuple[str, ...]
    left_out: str = ""

    @property
    def n_protons(self) -> float:
        """Protons that are detected: the first point of the FID after an ideal excitation of uncoupled spins."""
        return sum(group.n_protons for group in self.groups)


@cache
def spin_systems() -> Mapping[str, SpinSystem]:
    """Every metabolite that can be simulated, by name.

    Shifts and couplings of Govindaraju et al. 2000 and 2015 unless the file names another source.
    """
    text = resources.files(__package__).joinpath("spin_systems.json").read_text(encoding="utf-8")
    content = json.loads(text)
    systems = {name: _system(name, entry, sources=content["sources"]) for name, entry in content["metabolites"].items()}
    return MappingProxyType(systems)


def spin_system(name: str) -> SpinSystem:
    """The spin system of a metabolite by any of its names; `ConfigError` lists the valid ones."""
    systems = spin_systems()
    found = systems.get(standard_name(name))
    if found is None:
        raise unknown_name("metabolite", name, systems)
    return found


def perturbed(system: SpinSystem, *, rng: np.random.Generator, shift_sd_ppm: float, coupling_sd_hz: float) -> SpinSystem:
    """The same structure with other numbers: a basis that is not the one a synthetic study is analysed with.

    Every distinct shift of a group and every coupling (those of other nuclei included) is drawn from a normal distribution about its
    value. Spins of a group with one shift keep one shift; couplings that are zero stay zero. The sources say what was done.
    """
    note = f"shifts drawn about these with a standard deviation of {shift_sd_ppm:g} ppm, couplings with {coupling_sd_hz:g} Hz"
    groups = tuple(_perturbed_group(group, rng=rng, shift_sd_ppm=shift_sd_ppm, coupling_sd_hz=coupling_sd_hz) for group in system.groups)
    return replace(system, groups=groups, sources=(*system.sources, note))


def _perturbed_group(group: SpinGroup, *, rng: np.random.Generator, shift_sd_ppm: float, coupling_sd_hz: float) -> SpinGroup:
    def drawn_hz(value_hz: float) -> float:
        return value_hz and float(rng.normal(value_hz, coupling_sd_hz))

    shifts_ppm = {shift: float(rng.normal(shift, shift_sd_ppm)) for shift in sorted({spin.shift_ppm for spin in group.spins})}
    return replace(
        group,
        spins=tuple(replace(spin, shift_ppm=shifts_ppm[spin.shift_ppm]) for spin in group.spins),
        couplings=tuple(replace(coupling, coupling_hz=drawn_hz(coupling.coupling_hz)) for coupling in group.couplings),
        other_nuclei=tuple(replace(other, couplings_hz=tuple(map(drawn_hz, other.couplings_hz))) for other in group.other_nuclei),
    )


def _system(name: str, entry: Mapping[str, Any], *, sources: Mapping[str, str]) -> SpinSystem:
    return SpinSystem(
        name=name,
        groups=tuple(_group(group, metabolite=name) for group in entry["groups"]),
        sources=tuple(sources[key] for key in entry["sources"]),
        left_out=entry["left_out"],
    )


def _group(entry: Mapping[str, Any], *, metabolite: str) -> SpinGroup:
    spins = tuple(Spin(**spin) for spin in entry["spins"])
    position = {spin.name: index for index, spin in enumerate(spins)}
    if len(position) != len(spins):
        raise DataError(f"spin group '{metabolite} {entry['label']}': a spin name appears twice")
    return SpinGroup(
        label=f"{metabolite} {entry['label']}",
        spins=spins,
        couplings=tuple(_coupling(position, *row) for row in entry["couplings_hz"]),
        other_nuclei=tuple(_other_nucleus(other, position) for other in entry.get("other_nuclei", ())),
        fraction=entry["fraction"],
    )


def _coupling(position: Mapping[str, int], one: str, other: str, coupling_hz: float) -> Coupling:
    first, second = sorted((position[one], position[other]))
    return Coupling(first=first, second=second, coupling_hz=coupling_hz)


def _other_nucleus(entry: Mapping[str, Any], position: Mapping[str, int]) -> OtherNucleus:
    coupled = dict(entry["couplings_hz"])
    return OtherNucleus(
        nucleus=entry["nucleus"],
        spin_number=entry["spin"],
        couplings_hz=tuple(float(coupled.get(name, 0.0)) for name in position),
    )

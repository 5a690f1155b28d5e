"""Spin systems: chemical shifts and couplings of the metabolites, read from ``spin_systems.json`` and checked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from mrs_pipeline.basis.basis_set import standard_name
from mrs_pipeline.errors import ConfigError, DataError, unknown_name


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
    """A metabolite: its groups, where the numbers come from, which of several published sets they are and what was left out."""

    name: str
    groups: tuple[SpinGroup, ...]
    sources: tuple[str, ...]
    left_out: str = ""
    variant: str = ""

    @property
    def n_protons(self) -> float:
        """Protons that are detected: the first point of the FID after an ideal excitation of uncoupled spins."""
        return sum(group.n_protons for group in self.groups)


def spin_systems() -> Mapping[str, SpinSystem]:
    """Every metabolite that can be simulated, by name, with the default of its published sets of numbers."""
    return MappingProxyType({name: next(iter(sets.values())) for name, sets in _all_sets().items()})


def spin_system(name: str, *, variant: str | None = None) -> SpinSystem:
    """The spin system of a metabolite by any of its names.

    ``variant`` chooses one of its published sets of numbers (`spin_system_variants`; None stands for the default). `ConfigError` lists
    the valid names of an unknown metabolite or variant.
    """
    systems = _all_sets()
    sets = systems.get(standard_name(name))
    if sets is None:
        raise unknown_name("metabolite", name, systems)
    if variant is None:
        return next(iter(sets.values()))
    if variant not in sets:
        raise unknown_name(f"spin system of {standard_name(name)}", variant, sets)
    return sets[variant]


def spin_system_variants() -> Mapping[str, tuple[str, ...]]:
    """The published sets of numbers of every metabolite, the default first."""
    return MappingProxyType({name: tuple(sets) for name, sets in _all_sets().items()})


def selected_spin_systems(metabolites: Sequence[str], *, variants: Mapping[str, str]) -> tuple[SpinSystem, ...]:
    """The spin systems of the metabolites in their order, with the chosen sets of numbers (metabolite -> variant; else the default).

    Metabolites may be given by any of their names on either side. `ConfigError` for an unknown metabolite or variant lists the valid
    names; one for a metabolite that is not simulated, or chosen twice, names it.
    """
    chosen: dict[str, str] = {}
    for name, variant in variants.items():
        metabolite = spin_system(name, variant=variant).name
        if metabolite in chosen:
            raise ConfigError(f"basis.spin_systems names {metabolite} twice: keep one of its entries")
        chosen[metabolite] = variant
    systems = tuple(spin_system(name, variant=chosen.get(standard_name(name))) for name in metabolites)
    simulated = {system.name for system in systems}
    for name, variant in chosen.items():
        if name not in simulated:
            raise ConfigError(f"basis.spin_systems chooses '{variant}' for {name}, which is not simulated: list it among the metabolites")
    return systems


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


@cache
def _all_sets() -> Mapping[str, Mapping[str, SpinSystem]]:
    text = resources.files(__package__).joinpath("spin_systems.json").read_text(encoding="utf-8")
    content = json.loads(text)
    sets = {name: read_sets(name, entry, sources=content["sources"]) for name, entry in content["metabolites"].items()}
    return MappingProxyType(sets)


def read_sets(name: str, entry: Mapping[str, Any], *, sources: Mapping[str, str]) -> Mapping[str, SpinSystem]:
    """The sets of numbers of a metabolite as ``spin_systems.json`` has them (its head describes the form), by variant.

    ``sources`` are the citations by key. `DataError` names the group where a number has no known source or a spin is not there.
    """
    first = next(iter(entry["sets"].values()))
    shared = {group["label"]: group for group in first["groups"]}
    found = {}
    for variant, content in entry["sets"].items():
        groups = [shared[group] if isinstance(group, str) else group for group in content["groups"]]
        cited = dict.fromkeys(key for group in groups for key in _source_keys(group, metabolite=name, sources=sources))
        chosen = (f"set '{variant}', chosen among {', '.join(entry['sets'])}",) if len(entry["sets"]) > 1 else ()
        found[variant] = SpinSystem(
            name=name,
            groups=tuple(_group(group, metabolite=name) for group in groups),
            sources=(*(sources[key] for key in cited), *chosen),
            left_out=entry["left_out"],
            variant=variant,
        )
    return MappingProxyType(found)


def _source_keys(entry: Mapping[str, Any], *, metabolite: str, sources: Mapping[str, str]) -> Iterator[str]:
    """The source of every number of a group; an entry for a number that is not there is an error, like a number without one."""
    couplings = [f"{one} {other}" for one, other, _ in entry.get("couplings_hz", ())]
    couplings += [f"{other['nucleus']} {name}" for other in entry.get("other_nuclei", ()) for name, _ in other["couplings_hz"]]
    numbers = {name: "shifts" for name, *_ in entry["spins"]} | dict.fromkeys(couplings, "couplings")
    numbers |= {"fraction": "fraction"} if "fraction" in entry else {}
    stated = entry["sources"]
    superfluous = set(stated) - set(numbers) - set(numbers.values())
    for number, kind in numbers.items():
        key = stated.get(number, stated.get(kind))
        if key not in sources or superfluous:
            what = f"source for '{sorted(superfluous)[0]}', which is not there" if superfluous else f"'{number}' has no known source"
            raise DataError(f"spin group '{metabolite} {entry['label']}': {what}")
        yield key


def _group(entry: Mapping[str, Any], *, metabolite: str) -> SpinGroup:
    undetected = entry.get("undetected", ())
    spins = tuple(Spin(name=name, shift_ppm=shift, n_protons=n, detected=name not in undetected) for name, shift, n in entry["spins"])
    position = {spin.name: index for index, spin in enumerate(spins)}
    if len(position) != len(spins):
        raise DataError(f"spin group '{metabolite} {entry['label']}': a spin name appears twice")
    return SpinGroup(
        label=f"{metabolite} {entry['label']}",
        spins=spins,
        couplings=tuple(_coupling(position, *row) for row in entry.get("couplings_hz", ())),
        other_nuclei=tuple(_other_nucleus(other, position) for other in entry.get("other_nuclei", ())),
        fraction=entry.get("fraction", 1.0),
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

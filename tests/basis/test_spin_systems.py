import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrs_pipeline.basis.basis_set import ALIASES, standard_name
from mrs_pipeline.basis.spin_systems import (
    Coupling,
    OtherNucleus,
    Spin,
    SpinGroup,
    SpinSystem,
    perturbed,
    read_sets,
    selected_spin_systems,
    spin_system,
    spin_system_variants,
    spin_systems,
)
from mrs_pipeline.errors import ConfigError, DataError

# Protons bound to carbon in the structural formula of each metabolite.
CARBON_BOUND = {
    "2HG": 5, "Ace": 3, "Ala": 4, "Asc": 4, "Asp": 3, "bHB": 6, "Cho": 13, "Cr": 5, "EA": 4, "EtOH": 5, "PCr": 5, "GABA": 6, "Glc": 7,
    "Gln": 5, "Glu": 5, "GPC": 18, "PCh": 13, "GSH": 10, "Gly": 2, "Ins": 6, "sIns": 6, "Lac": 4, "NAA": 6, "NAAG": 11, "PE": 4,
    "Phe": 8, "Ser": 3, "Tau": 4, "Thr": 5, "Trp": 8, "Tyr": 7, "Val": 8,
}  # fmt: skip
EVERY_SET = [(name, variant) for name, variants in spin_system_variants().items() for variant in variants]


@pytest.mark.parametrize(("name", "variant"), EVERY_SET)
def test_detected_protons_are_those_bound_to_carbon(name: str, variant: str) -> None:
    assert spin_system(name, variant=variant).n_protons == pytest.approx(CARBON_BOUND[name])


def test_every_metabolite_of_the_list_is_there() -> None:
    assert set(spin_systems()) == set(CARBON_BOUND)


@pytest.mark.parametrize(("name", "variant"), EVERY_SET)
def test_sources_are_publications_and_name_the_set(name: str, variant: str) -> None:
    system = spin_system(name, variant=variant)
    alternatives = spin_system_variants()[name]
    citations = system.sources[:-1] if len(alternatives) > 1 else system.sources
    assert citations
    assert all(re.search(r"\b(19|20)\d\d;|^Assumed: ", citation) for citation in citations)
    assert len(alternatives) == 1 or system.sources[-1] == f"set '{variant}', chosen among {', '.join(alternatives)}"


MADE_UP: dict[str, Any] = {
    "label": "pair",
    "sources": {"shifts": "a1999", "couplings": "b2001"},
    "spins": [["H1", 1.0, 1], ["H2", 2.0, 2]],
    "couplings_hz": [["H1", "H2", 7.0]],
    "other_nuclei": [{"nucleus": "31P", "spin": 0.5, "couplings_hz": [["H1", 6.0]]}],
    "fraction": 0.5,
}
CITATIONS = {"a1999": "A 1999;1:1", "b2001": "B 2001;1:1", "c2002": "C 2002;1:1"}


def made_up(sources: Mapping[str, str]) -> SpinSystem:
    entry = {"left_out": "", "sets": {"only": {"groups": [{**MADE_UP, "sources": sources}]}}}
    return read_sets("Xyz", entry, sources=CITATIONS)["only"]


def test_numbers_from_elsewhere_are_cited_besides() -> None:
    shared = {"shifts": "a1999", "couplings": "a1999", "fraction": "a1999"}
    assert made_up(shared).sources == ("A 1999;1:1",)
    for number in ("H2", "H1 H2", "31P H1", "fraction"):
        assert made_up({**shared, number: "c2002"}).sources == ("A 1999;1:1", "C 2002;1:1")


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"couplings": "a1999", "fraction": "a1999"}, "'H1' has no known source"),
        ({"shifts": "a1999", "fraction": "a1999"}, "'H1 H2' has no known source"),
        ({"shifts": "a1999", "H1 H2": "a1999", "fraction": "a1999"}, "'31P H1' has no known source"),
        ({"shifts": "a1999", "couplings": "a1999"}, "'fraction' has no known source"),
        ({"shifts": "nobody", "couplings": "a1999", "fraction": "a1999"}, "'H1' has no known source"),
        ({"shifts": "a1999", "couplings": "a1999", "fraction": "a1999", "H3": "b2001"}, "source for 'H3', which is not there"),
    ],
)
def test_a_number_without_a_source_is_refused(sources: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=f"'Xyz pair': {message}"):
        made_up(sources)


def test_every_citation_is_used() -> None:
    text = resources.files("mrs_pipeline.basis").joinpath("spin_systems.json").read_text(encoding="utf-8")
    used = {source for name, variant in EVERY_SET for source in spin_system(name, variant=variant).sources}
    assert set(json.loads(text)["sources"].values()) <= used


# As the programs call them (their manuals, and the files they write).
OTHER_NAMES = {
    "LCModel": {"Scyllo": "sIns", "Ins": "Ins", "PCh": "PCh", "Act": "Ace", "bHb": "bHB", "Cho": "Cho", "-CrCH2": "-CrCH2"},
    "Osprey": {"mI": "Ins", "sI": "sIns", "bHG": "2HG", "Tyros": "Tyr", "Phenyl": "Phe", "EtOH": "EtOH", "bHB": "bHB", "Cystat": "Cystat"},
    "FSL-MRS": {"mIns": "Ins", "Scyllo": "sIns", "PE": "PE", "Mac": "Mac"},
    "MARSS": {"PCho": "PCh", "mI": "Ins", "sI": "sIns", "BHB": "bHB", "Eth": "EA", "PA": "Phe", "Try": "Trp", "Homocarnosine": "HCar",
              "Cys": "Cys", "CrNo391": "CrNo391"},
    "TARQUIN": {"Glth": "GSH", "PEth": "PE", "Scyllo": "sIns", "TNAA": "TNAA"},
    "Vespa": {"n-acetylaspartate": "NAA", "myo-inositol": "Ins", "phosphorylethanolamine": "PE", "taurine": "Tau", "lactate": "Lac"},
    "capitals": {"GLU": "Glu", "gaba": "GABA", "pch": "PCh", "MYO": "Ins", "TAURI": "Tau", "sins": "sIns", "naag": "NAAG"},
}  # fmt: skip


@pytest.mark.parametrize(("theirs", "ours"), [pair for names in OTHER_NAMES.values() for pair in names.items()])
def test_names_of_other_programs(theirs: str, ours: str) -> None:
    assert standard_name(theirs) == ours


def test_each_name_means_one_metabolite() -> None:
    meanings: dict[str, set[str]] = {}
    for alias, standard in ALIASES.items():
        meanings.setdefault(alias.lower(), set()).add(standard)
    assert all(len(standards) == 1 for standards in meanings.values())
    assert all(ALIASES[standard] == standard for standard in ALIASES.values())
    assert set(spin_systems()) <= set(ALIASES.values())


def test_unknown_names_are_listed() -> None:
    with pytest.raises(ConfigError, match=r"unknown metabolite 'Xyz': use one of 2HG, .*Tau"):
        spin_system("Xyz")
    with pytest.raises(ConfigError, match="unknown spin system of GABA 'near2012': use one of govindaraju2000, govindaraju2015, near2013"):
        spin_system("gaba", variant="near2012")


def test_chosen_sets_replace_the_defaults() -> None:
    systems = selected_spin_systems(["mI", "GABA", "PCho"], variants={"gaba": "near2013", "PCh": "marjanska2022"})
    assert [(system.name, system.variant) for system in systems] == [
        ("Ins", "govindaraju2000"),
        ("GABA", "near2013"),
        ("PCh", "marjanska2022"),
    ]
    assert selected_spin_systems(["GABA"], variants={}) == (spin_systems()["GABA"],)


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"Asc": "simpson2017"}, "basis.spin_systems chooses 'simpson2017' for Asc, which is not simulated"),
        ({"GABA": "nobody"}, "unknown spin system of GABA 'nobody': use one of"),
        ({"Xyz": "near2013"}, "unknown metabolite 'Xyz'"),
        ({"GABA": "near2013", "gaba": "govindaraju2000"}, "names GABA twice"),
    ],
)
def test_choices_that_mean_nothing_are_refused(variants: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        selected_spin_systems(["NAA", "GABA"], variants=variants)


PAIR = (Spin(name="A", shift_ppm=1.0, n_protons=1), Spin(name="B", shift_ppm=2.0, n_protons=1))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spins": ()}, "at least one spin"),
        ({"spins": (Spin(name="A", shift_ppm=1.0, n_protons=0),)}, "at least one proton"),
        ({"spins": PAIR, "fraction": 1.5}, "fraction is 1.5"),
        ({"spins": PAIR, "couplings": (Coupling(first=0, second=0, coupling_hz=7.0),)}, "two different spins"),
        ({"spins": PAIR, "couplings": (Coupling(first=0, second=1, coupling_hz=7.0),) * 2}, "listed once"),
        ({"spins": PAIR, "other_nuclei": (OtherNucleus(nucleus="31P", spin_number=0.5, couplings_hz=(6.0,)),)}, "one coupling per spin"),
    ],
)
def test_groups_that_cannot_be_simulated_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        SpinGroup(**{"label": "made up", **wrong})


def numbers(system: SpinSystem) -> np.ndarray:
    """All shifts (ppm) and all couplings (Hz) of a spin system in one order, as rows (is a shift, value)."""
    shifts = [(1.0, spin.shift_ppm) for group in system.groups for spin in group.spins]
    couplings = [(0.0, coupling.coupling_hz) for group in system.groups for coupling in group.couplings]
    others = [(0.0, value) for group in system.groups for other in group.other_nuclei for value in other.couplings_hz]
    return np.array(shifts + couplings + others)


@given(name=st.sampled_from(sorted(spin_systems())), seed=st.integers(0, 2**32 - 1))
def test_perturbation_keeps_structure_and_equivalence(name: str, seed: int) -> None:
    system = spin_system(name)
    other = perturbed(system, rng=np.random.default_rng(seed), shift_sd_ppm=0.01, coupling_sd_hz=0.5)
    before, after = numbers(system), numbers(other)
    assert other.n_protons == system.n_protons
    assert np.all((after[:, 1] == 0.0) == (before[:, 1] == 0.0))
    assert np.all(after[before[:, 1] != 0.0, 1] != before[before[:, 1] != 0.0, 1])
    for group, drawn in zip(system.groups, other.groups, strict=True):
        shifts, moved = (np.array([spin.shift_ppm for spin in entry.spins]) for entry in (group, drawn))
        np.testing.assert_array_equal(shifts[:, None] == shifts, moved[:, None] == moved)


def test_perturbation_has_the_spread_asked_for() -> None:
    rng = np.random.default_rng(1)
    before = numbers(spin_system("GSH"))
    drawn = np.array([numbers(perturbed(spin_system("GSH"), rng=rng, shift_sd_ppm=0.01, coupling_sd_hz=0.5))[:, 1] for _ in range(2000)])
    expected = np.where(before[:, 0] == 1.0, 0.01, 0.5)
    np.testing.assert_allclose(drawn.std(axis=0), expected, rtol=0.1)
    np.testing.assert_allclose(drawn.mean(axis=0), before[:, 1], atol=0.06)


def test_perturbation_without_spread_changes_nothing() -> None:
    same = perturbed(spin_system("PCh"), rng=np.random.default_rng(1), shift_sd_ppm=0.0, coupling_sd_hz=0.0)
    assert same.groups == spin_system("PCh").groups

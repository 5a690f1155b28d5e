"""The numbers against tables typed or collected by others; every intended difference is listed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mrs_pipeline.basis.spin_systems import SpinGroup, SpinSystem, spin_system, spin_systems

Numbers = tuple[set[float], set[float]]

# Govindaraju, Young and Maudsley's own web version of their table (mrir.med.miami.edu, Proton_Chemical_Shift_and_Js): shifts in H2O, J.
AUTHORS = {
    "Ace": [({1.904}, set())],
    "NAA": [({2.008}, set()), ({4.3817, 2.6727, 2.4863, 7.8205}, {3.861, 9.821, -15.592, 6.4})],
    "NAAG": [({2.042}, set()), ({4.607, 2.721, 2.519}, {4.412, 9.515, -15.91}), ({4.128, 1.881, 2.049, 2.19, 2.18}, set())],
}  # fmt: skip
#: Not in that table: amide protons of NAAG and the couplings of its glutamate residue.
FROM_KRAWCZYK = {8.26, 7.95, 7.32, 4.61, 8.42, 7.46, -14.28, 10.56, 6.09, 4.9, 11.11, -15.28}


def of_group(group: SpinGroup) -> Numbers:
    others = {value for other in group.other_nuclei for value in other.couplings_hz if value}
    return {spin.shift_ppm for spin in group.spins}, {coupling.coupling_hz for coupling in group.couplings} | others


@pytest.mark.parametrize("name", AUTHORS)
def test_numbers_are_those_of_the_authors(name: str) -> None:
    elsewhere = FROM_KRAWCZYK if name == "NAAG" else set()
    ours = [tuple(numbers - elsewhere for numbers in of_group(group)) for group in spin_system(name).groups]
    assert ours == AUTHORS[name]


def together(groups: Iterable[Numbers]) -> Numbers:
    rows = list(groups)
    return set().union(*(shifts for shifts, _ in rows)), set().union(*(couplings for _, couplings in rows))


def of_system(system: SpinSystem) -> Numbers:
    return together(of_group(group) for group in system.groups)


@pytest.fixture(scope="module")
def collected(external_data: Path) -> dict[str, Any]:
    """Numbers of three programs with a recommendation each, by the names used here."""
    content = json.loads((external_data / "spin_systems.json").read_text(encoding="utf-8"))["metabolites"]
    return {"sIns" if name == "scyllo-Ins" else name: entry for name, entry in content.items()}


def recommended(entry: dict[str, Any]) -> Numbers:
    return together(
        ({shift for shift in group["shifts_ppm"] if shift is not None}, {row["J"] for row in group["J_Hz"]})
        for group in entry["recommended"]
    )


def of_program(entry: dict[str, Any], program: str) -> Numbers:
    return together((set(group["shifts"]), set(group["J"].values())) for group in entry["source_values"][program])


#: Recommended, but not here: exchanging protons without couplings, and J between protons of a methyl, which nothing shows.
NOT_HERE: dict[str, Numbers] = {
    "Ala": (set(), {-14.366}), "Cr": ({6.649}, set()), "PCr": ({6.581, 7.296}, set()), "Gln": ({6.816, 7.529}, set()),
    "GSH": ({8.177, 7.154}, set()),
}  # fmt: skip
NOTHING: Numbers = (set(), set())


@pytest.mark.external_data
def test_defaults_are_the_recommended_numbers(collected: dict[str, Any]) -> None:
    glucose = [recommended(collected.pop(name)) for name in ("Glc-alpha", "Glc-beta")]
    assert of_system(spin_system("Glc")) == together(glucose)
    for name, entry in collected.items():
        shifts, couplings = recommended(entry)
        missing = NOT_HERE.get(name, NOTHING)
        assert of_system(spin_system(name)) == (shifts - missing[0], couplings - missing[1]), name
        assert missing[0] <= shifts
        assert missing[1] <= couplings


#: Place holders of other programs for the shifts of 31P and 14N.
PLACE_HOLDERS = {100.0, 40.0, 0.0}


@pytest.mark.external_data
@pytest.mark.parametrize(
    ("name", "variant", "program"),
    [("GABA", "near2013", "fida"), ("Asc", "simpson2017", "fida"), ("Ser", "soher2023", "vespa"), ("GPC", "wilson2021", "spant")],
)
def test_alternatives_are_the_numbers_of_their_program(name: str, variant: str, program: str, collected: dict[str, Any]) -> None:
    shifts, couplings = of_program(collected[name], program)
    assert of_system(spin_system(name, variant=variant)) == (shifts - PLACE_HOLDERS, couplings)


@pytest.mark.external_data
def test_place_of_the_disputed_couplings_of_gpc(collected: dict[str, Any]) -> None:
    """The two sets hold the same numbers; what differs is the partner of H3: H2 (spin 2) in Vespa, H1b (spin 1) in spant."""
    place = {"H1a": 0, "H1b": 1, "H2": 2, "H3a": 3, "H3b": 4}
    for variant, program, index in (("govindaraju2000", "vespa", 0), ("wilson2021", "spant", 1)):
        theirs = {key: value for key, value in collected["GPC"]["source_values"][program][index]["J"].items() if "5" not in key}
        group = spin_system("GPC", variant=variant).groups[0]
        names = [spin.name for spin in group.spins]
        ours = {f"{place[names[row.first]]}-{place[names[row.second]]}": row.coupling_hz for row in group.couplings}
        assert ours == theirs


def differences(name: str, variant: str) -> Numbers:
    """Numbers of either set alone."""
    ours, theirs = of_system(spin_systems()[name]), of_system(spin_system(name, variant=variant))
    return ours[0] ^ theirs[0], ours[1] ^ theirs[1]


@pytest.mark.parametrize(
    ("name", "variant", "expected"),
    [
        ("GABA", "govindaraju2000", (set(), {-12.021, -13.121, -10.744})),
        ("GPC", "wilson2021", (set(), set())),
        ("GSH", "tkac2008", ({4.5608, 2.9264, 2.9747, 4.5758, 2.9312, 2.9695, 3.7698, 3.7812},
                             {7.09, 4.71, -14.06, 7.26, 5.13, -14.16, -17.0})),
        ("NAA", "no_amide", ({7.8205}, {6.4})),
        ("NAAG", "no_amide", ({8.26, 7.95}, {7.32, 7.46})),
        ("PCh", "govindaraju2000", (set(), {2.68, 2.86})),
        ("PCh", "marjanska2022", ({4.2805, 3.641, 3.208, 4.156, 3.581, 3.206}, set())),
        ("Ser", "soher2023", ({3.9764, 3.9864}, set())),
    ],
)  # fmt: skip
def test_alternatives_differ_where_it_is_said(name: str, variant: str, expected: Numbers) -> None:
    assert differences(name, variant) == expected

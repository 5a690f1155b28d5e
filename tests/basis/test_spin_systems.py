import json
from pathlib import Path

import pytest

from mrs_pipeline.basis.spin_systems import Coupling, OtherNucleus, Spin, SpinGroup, spin_system, spin_systems
from mrs_pipeline.errors import ConfigError, DataError

# Protons bound to carbon in the structural formula of each metabolite.
CARBON_BOUND = {
    "Ala": 4, "Asc": 4, "Asp": 3, "Cr": 5, "PCr": 5, "GABA": 6, "Glc": 7, "Gln": 5, "Glu": 5, "GPC": 18, "PCh": 13,
    "GSH": 10, "Gly": 2, "Ins": 6, "sIns": 6, "Lac": 4, "NAA": 6, "NAAG": 11, "PE": 4, "Ser": 3, "Tau": 4,
}  # fmt: skip


def test_detected_protons_are_those_bound_to_carbon() -> None:
    assert {name: system.n_protons for name, system in spin_systems().items()} == pytest.approx(CARBON_BOUND)


def test_every_metabolite_names_its_source() -> None:
    assert all(system.sources for system in spin_systems().values())


def test_other_names_are_understood_and_unknown_ones_listed() -> None:
    assert spin_system("mI").name == "Ins"
    with pytest.raises(ConfigError, match=r"unknown metabolite 'Xyz': use one of Ala, .*Tau"):
        spin_system("Xyz")


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
def test_groups_that_cannot_be_simulated_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SpinGroup(**{"label": "made up", **wrong})


def published(folder: Path) -> dict[str, list[dict]]:
    """Collected values by the names used here."""
    content = json.loads((folder / "spin_systems.json").read_text(encoding="utf-8"))["metabolites"]
    names = {"scyllo-Ins": "sIns"}
    found: dict[str, list[dict]] = {}
    for name, entry in content.items():
        found.setdefault(names.get(name, name.split("-")[0]), []).extend(entry["recommended"])
    return found


@pytest.mark.external_data
def test_shifts_are_those_other_programs_use(external_data: Path) -> None:
    for name, groups in published(external_data).items():
        theirs = {shift for group in groups for shift in group["shifts_ppm"] if shift is not None and shift < 6.0}
        ours = {spin.shift_ppm for group in spin_system(name).groups for spin in group.spins if spin.shift_ppm < 6.0}
        assert ours == theirs, name


@pytest.mark.external_data
def test_couplings_are_those_other_programs_use(external_data: Path) -> None:
    for name, groups in published(external_data).items():
        pairs = [(group["shifts_ppm"], row) for group in groups for row in group["J_Hz"]]
        # Couplings of protons that are magnetically equivalent (methyl of alanine) are not observable.
        theirs = {row["J"] for shifts, row in pairs if row["J"] != -14.366 and None not in (shifts[row["i"]], shifts[row["j"]])}
        ours = {coupling.coupling_hz for group in spin_system(name).groups for coupling in group.couplings}
        assert ours == theirs, name

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrs_pipeline.basis.spin_systems import Coupling, OtherNucleus, Spin, SpinGroup, SpinSystem, perturbed, spin_system, spin_systems
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

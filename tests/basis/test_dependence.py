"""Components that others make up, on sums that were built on purpose."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.dependence import dependence_remarks
from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.stated import Stated

RANGE = (0.2, 4.0)
APART = "their amplitudes cannot be told apart"


@pytest.fixture(scope="module")
def basis() -> BasisSet:
    """Sharp metabolites, among them those that resemble each other most."""
    sampling = Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=None
    )
    names = ("NAA", "NAAG", "Cr", "PCr", "GPC", "PCh", "Glu", "Gln")
    return replace(simulate_basis(sequence="press", metabolites=names, acquisition=sampling, echo_time_1_s=0.012), origins=())


def with_component(basis: BasisSet, name: str, fid: np.ndarray) -> BasisSet:
    return replace(basis, metabolites=(name, *basis.metabolites), fids=np.vstack([fid, basis.fids]))


def test_a_set_without_doubles_is_no_remark(basis: BasisSet) -> None:
    lines = macromolecule_basis(names=("MM09", "Lip09", "Lip13a", "Lip13b", "MM12"), acquisition=basis.acquisition)
    full = replace(basis, metabolites=(*basis.metabolites, *lines.metabolites), fids=np.vstack([basis.fids, lines.fids]))
    assert dependence_remarks(full, ppm_range=RANGE) == ()


@pytest.mark.parametrize(
    ("weights", "made"),
    [
        ({"NAA": 1, "NAAG": 1}, "the sum of NAA and NAAG"),
        ({"NAA": 1, "Cr": 1, "Gln": 1}, "the sum of NAA, Cr and Gln"),
        ({"Glu": 0.5, "Gln": 2}, "a combination of Glu and Gln"),
        ({"Glu": 3}, "the same signal as Glu"),
    ],
)
def test_a_sum_is_named_with_its_parts(weights: dict[str, float], made: str, basis: BasisSet) -> None:
    fid = sum(weight * basis.fids[basis.metabolites.index(name)] for name, weight in weights.items())
    remarks = dependence_remarks(with_component(basis, "tX", np.asarray(fid)), ppm_range=RANGE)
    assert len(remarks) == 1
    assert remarks[0].startswith(f"tX is {made}: {APART}")


def test_two_pairs_with_the_same_sum(basis: BasisSet) -> None:
    remarks = dependence_remarks(with_component(basis, "X", basis.fids[0] + basis.fids[2] - 0.5 * basis.fids[6]), ppm_range=RANGE)
    assert len(remarks) == 1
    assert APART in remarks[0]
    assert {name for name in ("X", "NAA", "Cr", "Glu") if name in remarks[0].replace(",", "").split(":")[0].split()} == {
        "X",
        "NAA",
        "Cr",
        "Glu",
    }


def test_nearly_the_same_is_not_the_same(basis: BasisSet) -> None:
    fid = basis.fids[0] + basis.fids[1] + 0.01 * basis.fids[6]
    mostly = np.asarray(fid) * np.exp(2j * np.pi * 0.5 * basis.acquisition.time_s)
    assert dependence_remarks(with_component(basis, "tNAA", mostly), ppm_range=RANGE) == ()


def test_empty_components(basis: BasisSet) -> None:
    remarks = dependence_remarks(with_component(basis, "X", np.zeros(basis.acquisition.n_points)), ppm_range=RANGE)
    assert remarks == ("X has no signal in the fitted range: its amplitude means nothing",)
    assert len(dependence_remarks(replace(basis, fids=0 * basis.fids), ppm_range=RANGE)) == len(basis.metabolites)


@pytest.mark.external_data
def test_creatine_of_the_marss_set_and_its_parts(external_data: Path) -> None:
    stated = Stated(spectrometer_frequency_mhz=127.7, spectral_width_hz=4000.0)
    found = read_basis(external_data / "basis" / "marss_press_ge_te30_4000hz_2048", stated=stated)
    remarks = dependence_remarks(found, ppm_range=RANGE)
    assert len(remarks) == 1
    assert remarks[0].startswith(f"Cr is the sum of Cr391 and CrNo391: {APART}")


def test_components_with_signals_outside_the_range_are_not_called_a_sum(basis: BasisSet) -> None:
    """Lines at 0.9 and 1.3 ppm seen from 2.2 ppm: their tails are all alike, and each could be said to be made up by the others."""
    time_s, frequency = basis.acquisition.time_s, basis.acquisition.spectrometer_frequency_mhz
    for name, ppm in (("A", 0.9), ("B", 1.2), ("C", 1.3)):
        line = np.exp(2j * np.pi * (4.65 - ppm) * frequency * time_s - (np.pi * 20 * time_s) ** 2 / (4 * np.log(2)))
        basis = with_component(basis, name, line)
    remarks = dependence_remarks(basis, ppm_range=(2.2, 4.0))
    assert [remark for remark in remarks if remark.startswith(("A ", "B ", "C "))] == [
        f"{name} has no signal in the fitted range: its amplitude means nothing" for name in "CBA"
    ]
    assert not any("told apart" in remark for remark in remarks)

"""The common phase of a set, on sets that were turned on purpose and on those of other programs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.chemical_shift_reference import SINGLETS_PPM
from mrs_pipeline.basis.conventions import in_own_conventions
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.singlet_phase import in_phase, singlet_phases_deg
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.stated import Stated

SAMPLING = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=None
)


@pytest.fixture(scope="module")
def basis() -> BasisSet:
    """Metabolites with and without singlets, broadened by 2 Hz."""
    metabolites = ("NAA", "Cr", "PCh", "sIns", "Glu", "Ins", "Lac")
    sharp = simulate_basis(sequence="press", metabolites=metabolites, acquisition=SAMPLING, echo_time_1_s=0.012)
    return replace(sharp, fids=sharp.fids * np.exp(-np.pi * 2.0 * SAMPLING.time_s), origins=(), assumptions=(), linewidth_hz=2.0)


@pytest.mark.parametrize("phase_deg", [0.0, 7.0, 77.0, -150.0])
def test_phase_of_a_line_in_closed_form(phase_deg: float) -> None:
    hz = hz_from_ppm(np.array(list(SINGLETS_PPM.values())), spectrometer_frequency_mhz=127.7)
    fids = np.exp((2j * np.pi * hz[:, None] - np.pi * 3.0) * SAMPLING.time_s + 1j * np.radians(phase_deg))
    lines = BasisSet(metabolites=tuple(SINGLETS_PPM), fids=fids, acquisition=SAMPLING, sequence="closed form")
    assert singlet_phases_deg(lines) == pytest.approx(dict.fromkeys(SINGLETS_PPM, phase_deg), abs=1.0)


@pytest.mark.parametrize(("factor", "degrees"), [(-1, "180"), (1j, "-90"), (-1j, "90")])
def test_turned_sets_are_turned_back_exactly(factor: complex, degrees: str, basis: BasisSet) -> None:
    found = in_own_conventions(replace(basis, fids=basis.fids * factor))
    np.testing.assert_array_equal(found.fids, basis.fids)
    assert found.assumptions[0].startswith(f"all FIDs were turned by {degrees} degrees, because their singlets had phases of NAA ")


def test_any_other_phase_is_undone_to_a_few_degrees(basis: BasisSet) -> None:
    found = in_phase(replace(basis, fids=basis.fids * np.exp(1j * np.radians(40.0))))
    assert abs(np.angle(np.vdot(basis.fids, found.fids), deg=True)) < 4.0
    assert in_phase(found) is found


@pytest.mark.parametrize("degrees", [0.0, 4.0, -4.0])
def test_small_phases_stay(degrees: float, basis: BasisSet) -> None:
    turned = replace(basis, fids=basis.fids * np.exp(1j * np.radians(degrees)))
    assert in_phase(turned) is turned


def test_singlets_that_differ_are_a_remark(basis: BasisSet) -> None:
    fids = np.array(basis.fids)
    fids[1] *= -1
    found = in_phase(replace(basis, fids=fids))
    np.testing.assert_array_equal(found.fids, fids)
    assert found.assumptions[0].startswith("singlets differ in phase (NAA ")


def test_one_singlet_is_no_evidence(basis: BasisSet) -> None:
    turned = replace(basis, fids=-basis.fids).select(["NAA", "Glu"])
    assert in_phase(turned) is turned


REAL = {
    "lcmodel_test/3t.basis": Stated(),
    "basis/osprey_3T_PRESS_GE_35ms_noMM.BASIS": Stated(),
    "basis/marss_press_ge_te30_4000hz_2048": Stated(spectrometer_frequency_mhz=127.7, spectral_width_hz=4000.0),
}


@pytest.mark.external_data
@pytest.mark.parametrize("name", REAL)
def test_sets_of_other_programs_are_upright_and_their_negatives_become_them(name: str, external_data: Path) -> None:
    real = read_basis(external_data / name, stated=REAL[name])
    assert max(map(abs, singlet_phases_deg(real).values())) < 6.0
    assert not any("turned" in remark for remark in real.assumptions)
    negative = in_own_conventions(replace(real, fids=-real.fids))
    np.testing.assert_array_equal(negative.fids, in_own_conventions(real).fids)
    assert "turned by 180 degrees" in negative.assumptions[-1]

"""Against a basis in LCModel's format made by a third program: PRESS 30 ms at 127.8 MHz, every coupled spin in its place."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, ComplexArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.io.lcmodel import read_basis

pytestmark = pytest.mark.external_data

#: Lorentzian width their FIDs carry, Hz. The file does not state the first echo time; 10 ms is the one that fits all metabolites.
OWN_HZ = {"NAA": 0.5, "NAAG": 0.5, "Ins": 0.5}
OTHERS_OWN_HZ = 2.0
ECHO_TIME_1_S = 0.010


@pytest.fixture(scope="module")
def theirs(external_data: Path) -> BasisSet:
    basis = read_basis(external_data / "lcmodel_test" / "3t.basis")
    return replace(basis, acquisition=replace(basis.acquisition, echo_time_s=0.03))


def windowed(fid: ComplexArray, width_hz: float, sampling: Acquisition) -> ComplexArray:
    """Spectrum below 4.1 ppm; above it their signals are suppressed with the water."""
    spectrum = spectrum_from_fid(fid * np.exp(-np.pi * width_hz * sampling.time_s))
    return spectrum[(sampling.ppm > 0.3) & (sampling.ppm < 4.1)]


@pytest.mark.parametrize(
    "name", ["Ala", "Asp", "Cr", "PCr", "GABA", "Glc", "Gln", "Glu", "GPC", "PCh", "GSH", "Ins", "sIns", "Lac", "NAA", "NAAG", "Tau"]
)
def test_shape_sign_phase_and_relative_scale_agree(name: str, theirs: BasisSet) -> None:
    sampling = theirs.acquisition
    basis = simulate_basis(sequence="press", metabolites=(name,), acquisition=sampling, echo_time_1_s=ECHO_TIME_1_S)
    ours = windowed(basis.fids[0], 4.0 + OWN_HZ.get(name, OTHERS_OWN_HZ), sampling)
    reference = windowed(theirs.select([name]).fids[0], 4.0, sampling)
    overlap = np.vdot(ours, reference)
    assert abs(overlap) / np.linalg.norm(ours) / np.linalg.norm(reference) > 0.998
    assert abs(np.degrees(np.angle(overlap))) < 2
    # Their amplitudes are those of N protons times 1/2.
    assert np.linalg.norm(reference) / np.linalg.norm(ours) == pytest.approx(0.5, rel=0.01)

"""The signal of one proton: known by construction, and the same in the sets of other programs."""

from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.errors import DataError
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.quantification.basis_scale import SINGLETS, signal_per_proton

ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=123.2, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=None
)


def lines(peaks: dict[str, list[tuple[float, float]]], *, width_hz: float, scale: float = 1.0) -> BasisSet:
    """A set of Lorentzian singlets: ppm and protons of each."""
    t, mhz = ACQUISITION.time_s, ACQUISITION.spectrometer_frequency_mhz
    rates = {
        name: [(n, 2j * np.pi * float(hz_from_ppm(ppm, spectrometer_frequency_mhz=mhz)) - np.pi * width_hz) for ppm, n in own]
        for name, own in peaks.items()
    }
    fids = np.array([np.sum([scale * n * np.exp(rate * t) for n, rate in own], axis=0) for own in rates.values()])
    return BasisSet(metabolites=tuple(peaks), fids=fids, acquisition=ACQUISITION, sequence="lines")


@pytest.mark.parametrize("width_hz", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("scale", [1.0, 3.7e-6])
def test_signal_of_a_proton_in_lines_of_known_size(width_hz: float, scale: float) -> None:
    basis = lines({"Cr": [(3.027, 3), (3.913, 2)], "GPC": [(3.212, 9), (3.66, 2)], "Lac": [(1.31, 3)]}, width_hz=width_hz, scale=scale)
    assert signal_per_proton(basis) == pytest.approx(scale, rel=1e-3)


@pytest.mark.parametrize(("sequence", "expected"), [("press", 1.0), ("pulse_acquire", 1.0), ("steam", 0.5)])
def test_simulated_sets_have_one_per_proton_and_half_with_steam(sequence: str, expected: float) -> None:
    timing = {"press": {"echo_time_1_s": 0.012}, "steam": {"mixing_time_s": 0.010}}.get(sequence, {})
    basis = simulate_basis(sequence=sequence, metabolites=["NAA", "Cr", "Glu"], acquisition=ACQUISITION, **timing)
    assert signal_per_proton(basis) == pytest.approx(expected, rel=1e-3)


@pytest.mark.external_data
@pytest.mark.parametrize("name", ["lcmodel_test/3t.basis", "basis/osprey_3T_PRESS_GE_35ms_noMM.BASIS"])
def test_every_singlet_of_a_set_of_another_program_gives_its_scale(external_data: Path, name: str) -> None:
    basis = read_basis(external_data / name)
    alone = [signal_per_proton(basis.select([metabolite])) for metabolite in SINGLETS]
    assert alone == pytest.approx([signal_per_proton(basis)] * len(SINGLETS), rel=0.025)


def test_sets_without_singlets_or_of_mixed_scales_are_named() -> None:
    with pytest.raises(DataError, match="none of NAA, Cr, PCr, PCh, GPC, sIns"):
        signal_per_proton(lines({"Glu": [(2.35, 2)]}, width_hz=2.0))
    with pytest.raises(DataError, match=r"not on one scale \(signal of one proton: NAA 1, Cr 2\)"):
        signal_per_proton(lines({"NAA": [(2.008, 3)], "Cr": [(3.027, 6)]}, width_hz=2.0))
    with pytest.raises(DataError, match="not on one scale"):
        signal_per_proton(lines({"NAA": [(2.008, 0)]}, width_hz=2.0))

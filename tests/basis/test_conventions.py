"""Sign, first point, chemical-shift reference and added peaks, on sets that were spoiled on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.chemical_shift_reference import referenced, singlet_positions_ppm
from mrs_pipeline.basis.conventions import (
    decay_linewidth_hz,
    halved_first_points,
    in_own_conventions,
    upright,
    with_whole_first_points,
    without_reference_peaks,
)
from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.basis.reference_peak import without_reference_peak
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.errors import DataError

METABOLITES = ("NAA", "Cr", "PCh", "Glu", "Ins", "Lac", "GSH", "Gln", "Tau")


@pytest.fixture(scope="module", params=[(2000.0, 1024), (4000.0, 2048), (1250.0, 512)], ids=str)
def basis(request: pytest.FixtureRequest) -> BasisSet:
    """Metabolites with amide protons, broadened by 2 Hz as in most sets, and three broad components."""
    width_hz, n_points = request.param
    sampling = Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=127.7,
        spectral_width_hz=width_hz,
        n_points=n_points,
        echo_time_s=0.03,
        repetition_time_s=None,
    )
    sharp = simulate_basis(sequence="press", metabolites=METABOLITES, acquisition=sampling, echo_time_1_s=0.012)
    broad = macromolecule_basis(names=("MM09", "MM20", "Lip13a"), acquisition=sampling)
    fids = np.vstack([sharp.fids * np.exp(-np.pi * 2.0 * sampling.time_s), broad.fids])
    return replace(sharp, metabolites=(*sharp.metabolites, *broad.metabolites), fids=fids, origins=(), assumptions=(), linewidth_hz=2.0)


def moved(basis: BasisSet, ppm: float) -> BasisSet:
    """All lines higher by some ppm."""
    sampling = basis.acquisition
    return replace(basis, fids=basis.fids * np.exp(-2j * np.pi * ppm * sampling.spectrometer_frequency_mhz * sampling.time_s))


def test_a_set_in_order_stays_as_it_is(basis: BasisSet) -> None:
    kept = in_own_conventions(basis)
    np.testing.assert_array_equal(kept.fids, basis.fids)
    assert (kept.metabolites, kept.assumptions) == (basis.metabolites, ())


def test_all_faults_at_once_are_undone(basis: BasisSet) -> None:
    sampling = basis.acquisition
    hz = hz_from_ppm(0.0, spectrometer_frequency_mhz=127.7)
    reference = 5.0 * np.exp((2j * np.pi * hz - np.pi * 2.0) * sampling.time_s)
    faulty = moved(replace(basis, fids=basis.fids + reference), -0.04)
    fids = np.conj(faulty.fids)
    fids[:, 0] /= 2
    found = in_own_conventions(replace(faulty, fids=fids))
    assert len(found.assumptions) == 3
    assert found.metabolites == basis.metabolites
    error = np.linalg.norm(found.fids - basis.fids, axis=1) / np.linalg.norm(basis.fids, axis=1)
    assert error.max() < 0.03


def test_mirrored_set_is_turned_and_says_so(basis: BasisSet) -> None:
    turned = upright(replace(basis, fids=np.conj(basis.fids)))
    np.testing.assert_array_equal(turned.fids, basis.fids)
    assert turned.assumptions == ("the FIDs were conjugated, because their signals lay left of water (4.65 to 9.3 ppm)",)


@pytest.mark.parametrize("ppm", [(8.44,), (6.89, 3.05, 3.93), (4.65,), (7.2, 2.0)])
def test_compounds_on_both_sides_of_water_decide_nothing(ppm: tuple[float, ...], acquisition: Acquisition) -> None:
    hz = hz_from_ppm(np.array(ppm), spectrometer_frequency_mhz=127.7)
    fids = np.exp((2j * np.pi * hz[:, None] - np.pi * 2.0) * acquisition.time_s)
    aromatic = BasisSet(metabolites=tuple("ABC"[: len(ppm)]), fids=fids, acquisition=acquisition, sequence="closed form")
    found = upright(aromatic)
    # One line left of water alone cannot be told from a mirrored one.
    assert bool(found.assumptions) == (ppm == (8.44,))
    assert not upright(replace(aromatic, fids=0 * fids)).assumptions


def test_halved_first_points_are_found_one_by_one(basis: BasisSet) -> None:
    """As in the set of the 2016 fitting challenge, where only the macromolecules are halved."""
    fids = np.array(basis.fids)
    fids[-3:, 0] /= 2
    np.testing.assert_array_equal(halved_first_points(fids, acquisition=basis.acquisition), [False] * 9 + [True] * 3)
    found = with_whole_first_points(replace(basis, fids=fids))
    np.testing.assert_array_equal(found.fids, basis.fids)
    assert found.assumptions == ("first points had been halved, and were doubled, of MM09, MM20, Lip13a",)


def test_first_points_of_noisy_and_of_empty_components(basis: BasisSet) -> None:
    rng = np.random.default_rng(7)
    noise = 0.01 * np.abs(basis.fids[:, :1]) * (rng.standard_normal(basis.fids.shape) + 1j * rng.standard_normal(basis.fids.shape))
    halved = basis.fids + noise
    halved[:, 0] /= 2
    assert halved_first_points(halved, acquisition=basis.acquisition).all()
    assert not halved_first_points(basis.fids + noise, acquisition=basis.acquisition).any()
    empty = np.array(basis.fids)
    empty[3] = 0.0
    assert not halved_first_points(empty, acquisition=basis.acquisition).any()


@pytest.mark.parametrize("ppm", [-0.03, 0.05, 0.15, 1.65])
def test_reference_that_is_off_is_found_to_a_thousandth_and_corrected(ppm: float, basis: BasisSet) -> None:
    found = referenced(moved(basis, ppm))
    positions = singlet_positions_ppm(found)
    assert positions == pytest.approx({"NAA": 2.008, "Cr": 3.027, "PCh": 3.208}, abs=0.003)
    error = np.linalg.norm(found.fids - basis.fids, axis=1) / np.linalg.norm(basis.fids, axis=1)
    assert error.max() < 0.2  # a shift of 0.001 ppm turns the phase of a slowly decaying line by half a radian in the end
    assert f"{abs(ppm):.2f}" in found.assumptions[0]
    assert ("high" if ppm > 0 else "low") in found.assumptions[0]
    np.testing.assert_array_equal(referenced(found).fids, found.fids)


def test_small_offsets_stay(basis: BasisSet) -> None:
    off = moved(basis, 0.006)
    assert referenced(off) is off


def test_one_singlet_is_no_evidence(basis: BasisSet) -> None:
    off = moved(basis.select(["NAA", "Glu", "Lac"]), -0.03)
    assert referenced(off) is off


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spectrometer_frequency_mhz": 123.2}, r"frequency were 127\.[67] MHz, not 123.2 MHz"),
        ({"spectrometer_frequency_mhz": 297.2}, r"frequency were 127\.[67] MHz, not 297.2 MHz"),
        ({"spectral_width_hz": 1.25}, "the spectral width"),
        ({"spectral_width_hz": 0.8}, "the spectral width"),
    ],
)
def test_stretched_axes_are_refused(change: dict[str, float], message: str, basis: BasisSet) -> None:
    if "spectral_width_hz" in change:
        change = {"spectral_width_hz": change["spectral_width_hz"] * basis.acquisition.spectral_width_hz}
    with pytest.raises(DataError, match=message):
        referenced(replace(basis, acquisition=replace(basis.acquisition, **change)))


def test_mirrored_about_another_place_than_water_is_refused(basis: BasisSet) -> None:
    with pytest.raises(DataError, match="mirrored about"):
        referenced(moved(replace(basis, fids=np.conj(basis.fids)), -2.0))


def test_singlets_that_contradict_each_other_are_a_remark(basis: BasisSet) -> None:
    fids = np.array(basis.fids)
    fids[1] = moved(basis, 0.1).fids[1]
    found = referenced(replace(basis, fids=fids))
    np.testing.assert_array_equal(found.fids, fids)
    assert found.assumptions[0].startswith("singlets contradict each other")


def test_reference_peak_does_not_survive(acquisition: Acquisition) -> None:
    def line(ppm: float, width_hz: float = 2.0) -> np.ndarray:
        hz = hz_from_ppm(ppm, spectrometer_frequency_mhz=127.7)
        return np.exp((2j * np.pi * hz - np.pi * width_hz) * acquisition.time_s)

    for signal in (3 * line(2.01), 2 * line(3.03), line(1.3)):
        reference = 4 * line(0.01, width_hz=3.0) * np.exp(0.3j)
        cleaned = without_reference_peak(signal + reference, acquisition=acquisition)
        assert np.abs(cleaned - signal).max() < 0.01 * np.abs(reference).max()
        np.testing.assert_array_equal(without_reference_peak(signal, acquisition=acquisition), signal)


def test_flat_spectra_have_no_peak_to_go_by(acquisition: Acquisition) -> None:
    fids = np.zeros((2, acquisition.n_points), complex)
    fids[:, 0] = 1.0
    flat = BasisSet(metabolites=("NAA", "Cr"), fids=fids, acquisition=acquisition, sequence="")
    np.testing.assert_array_equal(in_own_conventions(flat).fids, fids)


def test_component_that_is_nothing_but_the_reference(acquisition: Acquisition) -> None:
    hz = hz_from_ppm(np.array([2.008, 0.0]), spectrometer_frequency_mhz=127.7)
    fids = np.exp((2j * np.pi * hz[:, None] - np.pi * 2.0) * acquisition.time_s)
    basis = BasisSet(metabolites=("NAA", "TSP"), fids=fids, acquisition=acquisition, sequence="", origins=("a", "b"))
    found = without_reference_peaks(basis)
    assert (found.metabolites, found.origins) == (("NAA",), ("a",))
    np.testing.assert_array_equal(found.fids, fids[:1])
    assert "TSP was nothing else and is left out" in found.assumptions[0]


def test_component_without_any_value_is_named(basis: BasisSet) -> None:
    fids = np.array(basis.fids)
    fids[4] = 0.0
    with pytest.raises(DataError, match="all values of Ins are zero: leave it out"):
        in_own_conventions(replace(basis, fids=fids))
    np.testing.assert_array_equal(without_reference_peak(fids[4], acquisition=basis.acquisition), fids[4])


def test_decay_gives_the_linewidth(acquisition: Acquisition) -> None:
    hz = hz_from_ppm(np.array([2.008, 3.0]), spectrometer_frequency_mhz=127.7)
    fids = np.exp((2j * np.pi * hz[:, None] - np.pi * 2.0) * acquisition.time_s)
    assert decay_linewidth_hz(fids, acquisition=acquisition) == pytest.approx(2.0, rel=1e-6)
    assert decay_linewidth_hz(0 * fids, acquisition=acquisition) == 0.0

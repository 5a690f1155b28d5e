from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, hz_from_ppm, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.basis.resampling import echo_time_remark, resampled, sequence_remark
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.errors import DataError

METABOLITES = ("NAA", "Cr", "Glu", "Ins", "Lac")


def basis_at(acquisition: Acquisition) -> BasisSet:
    return simulate_basis(sequence="press", metabolites=METABOLITES, acquisition=acquisition, echo_time_1_s=0.012)


def test_same_axis_is_cropped_or_extended_by_zeros_exactly(acquisition: Acquisition) -> None:
    basis = basis_at(acquisition)
    np.testing.assert_array_equal(resampled(basis, acquisition=acquisition.with_n_points(512)).fids, basis.fids[:, :512])
    longer = resampled(basis, acquisition=acquisition.with_n_points(2048))
    np.testing.assert_array_equal(longer.fids[:, :1024], basis.fids)
    assert not longer.fids[:, 1024:].any()
    assert longer.acquisition.n_points == 2048


@pytest.mark.parametrize("ppm", [0.5, 2.01, 4.65, 7.8])
@pytest.mark.parametrize(("spectral_width_hz", "frequency_mhz"), [(2000.0, 127.2), (2500.0, 127.7), (1600.0, 127.7), (5000.0, 128.3)])
def test_singlets_keep_their_ppm(ppm: float, spectral_width_hz: float, frequency_mhz: float, acquisition: Acquisition) -> None:
    def singlet(at: Acquisition) -> BasisSet:
        hz = hz_from_ppm(ppm, spectrometer_frequency_mhz=at.spectrometer_frequency_mhz)
        fid = np.exp(2j * np.pi * hz * at.time_s)
        return BasisSet(metabolites=("X",), fids=fid[None], acquisition=at, sequence="closed form")

    wanted = replace(acquisition, spectral_width_hz=spectral_width_hz, spectrometer_frequency_mhz=frequency_mhz, n_points=700)
    found = resampled(singlet(acquisition), acquisition=wanted)
    np.testing.assert_allclose(found.fids, singlet(wanted).fids, atol=1e-3)


def test_coupled_spins_agree_with_a_simulation_at_the_other_field(acquisition: Acquisition) -> None:
    wanted = replace(acquisition, spectrometer_frequency_mhz=126.9, spectral_width_hz=2400.0, n_points=600)
    found, direct = resampled(basis_at(acquisition), acquisition=wanted).fids, basis_at(wanted).fids
    decay = np.exp(-np.pi * 6 * wanted.time_s)
    error = np.linalg.norm((found - direct) * decay, axis=1) / np.linalg.norm(direct * decay, axis=1)
    # Couplings are scaled with the field, by 0.6 %.
    assert error.max() < 0.02


def test_broad_lines_agree_with_their_closed_form(acquisition: Acquisition) -> None:
    names = ("MM09", "MM20", "Lip13a")
    wanted = replace(acquisition, spectrometer_frequency_mhz=128.1, spectral_width_hz=4000.0, n_points=2048)
    found = resampled(macromolecule_basis(names=names, acquisition=acquisition), acquisition=wanted)
    np.testing.assert_allclose(found.fids, macromolecule_basis(names=names, acquisition=wanted).fids, atol=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nucleus": "31P"}, "basis is of nucleus 1H but the data are of 31P"),
        ({"spectrometer_frequency_mhz": 297.2}, "basis is at 127.7 MHz but the data at 297.2 MHz"),
        ({"spectrometer_frequency_mhz": 123.2}, "127.7 MHz but the data at 123.2 MHz"),
        ({"echo_time_s": 0.0401}, "echo time of 30 ms but the data 40.1 ms"),
        ({"echo_time_s": 0.0199}, "echo time of 30 ms but the data 19.9 ms"),
    ],
)
def test_data_the_basis_does_not_belong_to_are_refused(change: dict, message: str, acquisition: Acquisition) -> None:
    with pytest.raises(DataError, match=message):
        resampled(basis_at(acquisition), acquisition=replace(acquisition, **change))


def test_bases_too_short_or_too_narrow_are_refused(acquisition: Acquisition) -> None:
    with pytest.raises(DataError, match=r"basis lasts 0.128 s but the data 0.512 s"):
        resampled(basis_at(acquisition.with_n_points(256)), acquisition=acquisition)
    narrow = replace(acquisition, spectral_width_hz=1000.0)
    with pytest.raises(DataError, match=r"too narrow to interpolate: use one of at least 12 ppm"):
        resampled(basis_at(narrow), acquisition=acquisition)


def test_echo_time_unknown_to_the_data_is_accepted(acquisition: Acquisition) -> None:
    found = resampled(basis_at(acquisition), acquisition=replace(acquisition, echo_time_s=None))
    assert found.acquisition.echo_time_s is None


@pytest.mark.parametrize(
    ("echo_time_s", "remarkable"), [(0.031, False), (0.0311, True), (0.0289, True), (0.035, True), (0.04, True), (None, False)]
)
def test_echo_times_that_nearly_agree_are_a_remark(echo_time_s: float | None, remarkable: bool, acquisition: Acquisition) -> None:
    basis, wanted = basis_at(acquisition), replace(acquisition, echo_time_s=echo_time_s)
    np.testing.assert_array_equal(resampled(basis, acquisition=wanted).fids, basis.fids)
    remark = echo_time_remark(basis, acquisition=wanted)
    assert (remark is not None) == remarkable
    if remark:
        assert f"echo time of 30 ms but the data {1e3 * (echo_time_s or 0):g} ms" in remark
    assert echo_time_remark(replace(basis, acquisition=replace(acquisition, echo_time_s=None)), acquisition=wanted) is None


@pytest.mark.parametrize(
    ("of_basis", "of_data", "families"),
    [
        ("press, ideal pulses, echo time 30 ms", "PRESS", None),
        ("press, ideal pulses", "%CustomerSeq%\\eja_svs_steam", ("PRESS", "STEAM")),
        ("PRESS", "svs_slaser_dkd", ("PRESS", "sLASER")),
        ("slaser, shaped pulses", "semi-LASER", None),
        ("press, ideal pulses", "svs_se", None),
        ("steam, ideal pulses", "svs_se", ("STEAM", "PRESS")),
        ("steam", "%SiemensSeq%\\svs_se", ("STEAM", "PRESS")),
        ("steam", "*SVS_SE_30", ("STEAM", "PRESS")),
        ("press", "svs_st", ("PRESS", "STEAM")),
        ("press", "*svs_st_vapor_643", ("PRESS", "STEAM")),
        ("press", "svs_slaserVOI_dkd", ("PRESS", "sLASER")),
        ("press", "svs_semilaser", ("PRESS", "sLASER")),
        ("press", "svs_special", None),
        ("press, ideal pulses", "", None),
        ("", "steam", None),
        ("press; measured macromolecules (steam)", "steam", None),
        ("press", "mega_press", None),
    ],
)
def test_sequences_that_evidently_differ_are_a_remark(
    of_basis: str, of_data: str, families: tuple[str, str] | None, acquisition: Acquisition
) -> None:
    remark = sequence_remark(replace(basis_at(acquisition), sequence=of_basis), sequence_name=of_data)
    if families is None:
        assert remark is None
    else:
        assert remark is not None
        assert f"sequence {families[0]} but the data of {families[1]} ({of_data})" in remark


def test_a_narrow_width_that_differs_by_next_to_nothing_is_accepted(acquisition: Acquisition) -> None:
    """1199.904 against 1200 Hz, as scanners round their dwell times: lines on the new axis to a thousandth of their height."""
    narrow = replace(acquisition, spectrometer_frequency_mhz=123.25, spectral_width_hz=1200.0, n_points=1024)
    data = replace(narrow, spectral_width_hz=1199.904)

    def lines(at: Acquisition) -> np.ndarray:
        offsets_hz = (4.65 - np.array([0.9, 2.01, 3.03, 3.91])[:, None]) * at.spectrometer_frequency_mhz
        return np.exp((2j * np.pi * offsets_hz - np.pi * 4.0) * at.time_s)

    basis = BasisSet(metabolites=("A", "B", "C", "D"), fids=lines(narrow), acquisition=narrow, sequence="closed form")
    found, expected = (spectrum_from_fid(fids) for fids in (resampled(basis, acquisition=data).fids, lines(data)))
    assert np.all(np.abs(found - expected).max(axis=1) < 1e-3 * np.abs(expected).max(axis=1))
    with pytest.raises(DataError, match=r"spectral width of 1200 Hz \(9.74 ppm\) and the data of 1190 Hz, and the one is too narrow"):
        resampled(basis, acquisition=replace(narrow, spectral_width_hz=1190.0))

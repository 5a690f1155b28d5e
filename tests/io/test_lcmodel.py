"""LCModel formats against files of other programs and known resonances."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.lcmodel import decay_linewidth_hz, read_basis, read_raw, read_raw_fid, without_reference_peak, write_basis

SINGLETS_PPM = {"NAA": 2.008, "Cr": 3.027, "Cho": 3.185, "Gly": 3.548, "Ace": 1.904, "sIns": 3.34}  # Govindaraju 2000


@pytest.fixture
def basis(acquisition: Acquisition) -> BasisSet:
    hz = hz_from_ppm(np.array([2.01, 3.03, 1.3]), spectrometer_frequency_mhz=127.7)
    fids = np.exp((2j * np.pi * hz[:, None] - np.pi * 2.0) * acquisition.time_s) * np.array([[3.0], [2.0], [1.0]])
    return BasisSet(metabolites=("NAA", "Cr", "Lac"), fids=fids, acquisition=acquisition, sequence="press 'x'", linewidth_hz=2.0)


def peak_ppm(basis: BasisSet, name: str) -> float:
    """Position of the highest peak, from a transform zero-filled sixteenfold."""
    fid = basis.fids[basis.metabolites.index(name)]
    spectrum = np.abs(np.fft.fft(fid, 16 * fid.size))
    hz = np.fft.fftfreq(16 * fid.size, basis.acquisition.dwell_time_s)[np.argmax(spectrum)]
    return float(4.65 - hz / basis.acquisition.spectrometer_frequency_mhz)


def namelist_file(spectra: dict[str, np.ndarray], *, extra: str = "", n: int | None = None, echo: str = "30.") -> str:
    """A .BASIS file as LCModel's manual describes it, written without the package."""
    n = next(iter(spectra.values())).size if n is None else n
    text = f" $SEQPAR\n FWHMBA = 0.01,\n HZPPPM = 127.7,\n ECHOT = {echo},\n SEQ = 'PRESS' $END\n $BASIS1\n IDBASI = 'x',\n"
    text += f" FMTBAS = '(2E15.6)',\n BADELT = 5D-04,\n NDATAB = {n} $END\n"
    for name, spectrum in spectra.items():
        text += f" $NMUSED\n XTRASH = 0. $END\n $BASIS\n ID = '{name}',\n METABO = '{name}',\n{extra} $END\n"
        text += "".join(f"{value.real:15.6E}{value.imag:15.6E}\n" for value in spectrum)
    return text


def test_own_file_reads_back(basis: BasisSet, tmp_path: Path) -> None:
    write_basis(basis, tmp_path / "a.BASIS")
    again = read_basis(tmp_path / "a.BASIS")
    np.testing.assert_allclose(again.fids, basis.fids, atol=1e-10)
    assert again.linewidth_hz == pytest.approx(2.0)
    assert (again.metabolites, again.sequence) == (basis.metabolites, basis.sequence)
    assert again.acquisition == replace(basis.acquisition, repetition_time_s=None)
    write_basis(again, tmp_path / "b.BASIS")
    assert (tmp_path / "a.BASIS").read_bytes() == (tmp_path / "b.BASIS").read_bytes()


def test_written_file_holds_the_plain_transform(basis: BasisSet, tmp_path: Path) -> None:
    """Frequency domain, zero frequency first, first point halved: NAA at its place with positive real part."""
    write_basis(basis, tmp_path / "a.BASIS")
    numbers = (tmp_path / "a.BASIS").read_text().split("$BASIS\n")[1].split("$END")[1].split("$NMUSED")[0].split()
    spectrum = np.array(numbers, float)[::2]
    hz = np.fft.fftfreq(spectrum.size, 5e-4)[np.argmax(spectrum)]
    assert 4.65 - hz / 127.7 == pytest.approx(2.01, abs=0.02)
    assert spectrum.max() > 10 * abs(spectrum.min())


def test_shift_scale_and_zero_filling_of_lcmodels_own_sets(basis: BasisSet, tmp_path: Path) -> None:
    spectrum = np.fft.fft(basis.fids[0], 2 * basis.acquisition.n_points)
    shifted = np.roll(spectrum, 3)
    (tmp_path / "a.basis").write_text(namelist_file({"NAA": shifted}, extra=" CONC = 10., TRAMP = 4., VOLUME = 2., ISHIFT = 3"))
    again = read_basis(tmp_path / "a.basis")
    assert again.acquisition.n_points == basis.acquisition.n_points
    np.testing.assert_allclose(again.fids[0], basis.fids[0] * 4 / 20, atol=1e-4)


def test_empty_echo_time_is_unknown(basis: BasisSet, tmp_path: Path) -> None:
    (tmp_path / "a.basis").write_text(namelist_file({"PCho": np.fft.fft(basis.fids[0])}, echo=""))
    again = read_basis(tmp_path / "a.basis")
    assert again.acquisition.echo_time_s is None
    assert again.metabolites == ("PCh",)
    assert again.linewidth_hz == pytest.approx(2.0, rel=0.01)


def test_reference_peak_does_not_survive(basis: BasisSet, acquisition: Acquisition) -> None:
    reference_hz = hz_from_ppm(0.01, spectrometer_frequency_mhz=127.7)
    reference = 4 * np.exp((2j * np.pi * reference_hz - np.pi * 3.0) * acquisition.time_s + 0.3j)
    cleaned = without_reference_peak(basis.fids[0] + reference, acquisition=acquisition)
    assert np.abs(cleaned - basis.fids[0]).max() < 0.01 * np.abs(reference).max()
    for fid in basis.fids:
        np.testing.assert_array_equal(without_reference_peak(fid, acquisition=acquisition), fid)


def test_broken_files_are_a_sentence(basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / "a.basis"
    whole = namelist_file({"NAA": np.fft.fft(basis.fids[0]), "Cr": np.fft.fft(basis.fids[1])})
    broken = {
        whole[: len(whole) * 3 // 4]: "Cr has .* NDATAB|values",
        whole.replace("BADELT", "BADLET"): "BADELT is ''",
        whole.replace("NDATAB = 512", "NDATAB = 1"): "at least 16 points",
        whole.replace("NDATAB = 512", "NDATAB = 1E999"): "NDATAB is '1E999'",
        whole.replace("HZPPPM = 127.7", "HZPPPM = -1"): "spectrometer_frequency_mhz is -1",
        whole.replace("'Cr'", "'NAA'"): "appears twice",
        whole.replace("E+00", "Q+00"): "not a number",
        whole.split("$NMUSED")[0]: "no \\$BASIS entry",
        "nothing": "no namelist",
    }
    for text, message in broken.items():
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            read_basis(path)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("FMTDAT='(2E15.6)', VOLUME=2, TRAMP=6", [3 - 6j, -9 + 1.5j]),
        ("FMTDAT='(8E13.5)'", [1 - 2j, -3 + 0.5j]),
        ("BRUKER=T", [1 + 2j, -3 - 0.5j]),
    ],
)
def test_raw_header(header: str, expected: list[complex], tmp_path: Path) -> None:
    """Numbers may touch each other, use D, or drop the letter of the exponent."""
    (tmp_path / "a.raw").write_text(f" remark\n $NMID ID='a',\n {header}\n $END\n +1.00000E+00-2.00000D+00-3.00000E+00 5.00-001\n")
    np.testing.assert_allclose(read_raw_fid(tmp_path / "a.raw"), expected)


def test_sequential_sampling_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_text(" $NMID SEQACQ=T $END\n 1.0 2.0\n")
    with pytest.raises(InputError, match="SEQACQ"):
        read_raw_fid(tmp_path / "a.raw")


def test_decay_gives_the_linewidth(acquisition: Acquisition, basis: BasisSet) -> None:
    assert decay_linewidth_hz(basis.fids, acquisition=acquisition) == pytest.approx(2.0, rel=1e-6)
    assert decay_linewidth_hz(0 * basis.fids, acquisition=acquisition) == 0.0


@pytest.mark.external_data
@pytest.mark.parametrize(("name", "offset_ppm"), [("lcmodel_test/3t.basis", 0.0), ("basis/osprey_3T_PRESS_GE_35ms_noMM.BASIS", -0.03)])
def test_sets_of_other_programs(external_data: Path, tmp_path: Path, name: str, offset_ppm: float) -> None:
    """Singlets where they belong (one program centres its sets at 4.68 ppm), upright, and stable through writing."""
    basis = read_basis(external_data / name)
    for metabolite, ppm in {"NAA": 2.008, "Cr": 3.027, "PCr": 3.029, "GPC": 3.212, "sIns": 3.34}.items():
        assert peak_ppm(basis, metabolite) == pytest.approx(ppm + offset_ppm, abs=0.01)
    assert np.all(basis.fids[:, 0].real > 0.9 * np.abs(basis.fids[:, 0]))
    write_basis(basis, tmp_path / "a.BASIS")
    np.testing.assert_allclose(read_basis(tmp_path / "a.BASIS").fids, basis.fids, atol=1e-9 * np.abs(basis.fids).max())
    write_basis(read_basis(tmp_path / "a.BASIS"), tmp_path / "b.BASIS")
    assert (tmp_path / "a.BASIS").read_bytes() == (tmp_path / "b.BASIS").read_bytes()


@pytest.mark.external_data
def test_raw_has_the_sign_of_the_package(external_data: Path) -> None:
    """The same FID was converted to NIfTI-MRS by another program."""
    stored = np.asanyarray(nibabel.load(external_data / "real" / "philips3t_press30_dbiex.nii.gz").dataobj).ravel()
    np.testing.assert_allclose(read_raw_fid(external_data / "lcmodel_test" / "data.raw"), stored, rtol=1e-5, atol=1e-9)


@pytest.mark.external_data
def test_folder_of_raw_files(external_data: Path) -> None:
    """A line through six singlets gives the frequency (3 T) and the carrier; all lie on it."""
    acquisition = Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7262, spectral_width_hz=4000.0, n_points=1, echo_time_s=0.03, repetition_time_s=None
    )
    basis = read_raw(external_data / "basis" / "marss_press_ge_te30_4000hz_2048", acquisition=acquisition)
    assert len(basis.metabolites) == 34
    assert basis.acquisition.n_points == 2048
    found = [peak_ppm(basis, name) for name in SINGLETS_PPM]
    np.testing.assert_allclose(found, list(SINGLETS_PPM.values()), atol=0.001)


def test_raw_folder_without_files_or_of_differing_lengths(tmp_path: Path, basis: BasisSet, write_nifti: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"no \.raw file"):
        read_raw(tmp_path, acquisition=basis.acquisition)
    for name, values in {"NAA": "1.0 2.0", "Cr": "1.0 2.0 3.0 4.0"}.items():
        (tmp_path / f"{name}.raw").write_text(f" $NMID TRAMP=1 $END\n {values}\n")
    with pytest.raises(InputError, match="differ in their number of points"):
        read_raw(tmp_path, acquisition=basis.acquisition)

"""LCModel's .RAW files against a conversion by another program and known resonances."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.lcmodel_raw import read_raw, read_raw_fid, write_raw
from mrs_pipeline.io.stated import Stated

SINGLETS_PPM = {"NAA": 2.008, "Cr": 3.027, "Cho": 3.185, "Gly": 3.548, "Ace": 1.904, "sIns": 3.34}  # Govindaraju 2000
STATED = Stated(spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0)


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" $NMID SEQACQ=T $END\n 1.0 2.0\n", "SEQACQ"),
        (" $NMID VOLUME=0 $END\n 1.0 2.0\n", "VOLUME must be positive"),
        (" $NMID ID='a' $END\n 1.0 2.0 3.0\n", "pairs of finite numbers"),
        (" $SEQPAR HZPPPM=127.7 $END\n 1.0 2.0\n", "0 \\$NMID headers"),
        ("1.0 2.0\n", "no namelist"),
    ],
)
def test_files_that_cannot_be_used(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_text(text)
    with pytest.raises(InputError, match=message):
        read_raw_fid(tmp_path / "a.raw")


def test_folder_round_trip_is_exact(basis: BasisSet, tmp_path: Path) -> None:
    write_raw(basis, tmp_path / "set")
    again = read_raw(tmp_path / "set", stated=STATED)
    assert again.metabolites == ("Cr", "Lac", "NAA")
    np.testing.assert_array_equal(again.select(basis.metabolites).fids, basis.fids)
    assert again.acquisition == replace(basis.acquisition, repetition_time_s=None)
    assert (again.sequence, again.origins, again.assumptions) == (basis.sequence, ("Cr.raw", "Lac.raw", "NAA.raw"), ())
    write_raw(again, tmp_path / "again")
    for file in (tmp_path / "set").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_what_files_do_not_state_must_be_given(basis: BasisSet, tmp_path: Path) -> None:
    write_raw(basis, tmp_path / "set")
    with pytest.raises(InputError, match=r"does not state the spectral width .* basis.file_spectral_width_hz .* --spectral-width"):
        read_raw(tmp_path / "set")
    with pytest.raises(InputError, match=r"127.7 MHz, but 123.2 MHz is given"):
        read_raw(tmp_path / "set", stated=Stated(spectrometer_frequency_mhz=123.2, spectral_width_hz=2000.0))
    (tmp_path / "NAA.raw").write_text((tmp_path / "set" / "NAA.raw").read_text().split("$END\n", 1)[1])
    with pytest.raises(InputError, match="does not state the spectrometer frequency"):
        read_raw(tmp_path / "NAA.raw", stated=Stated(spectral_width_hz=2000.0))
    assert read_raw(tmp_path / "NAA.raw", stated=STATED).metabolites == ("NAA",)


def test_folders_that_cannot_be_used(tmp_path: Path, basis: BasisSet) -> None:
    with pytest.raises(InputError, match=r"no \.raw file"):
        read_raw(tmp_path, stated=STATED)
    for name, values in {"NAA": "1.0 2.0", "Cr": "1.0 2.0 3.0 4.0"}.items():
        (tmp_path / f"{name}.raw").write_text(f" $NMID TRAMP=1 $END\n {values}\n")
    with pytest.raises(InputError, match=r"differ in their number of points \(Cr.raw has 2 and NAA.raw has 1\)"):
        read_raw(tmp_path, stated=STATED)
    write_raw(basis, tmp_path / "set")
    (tmp_path / "set" / "Cr.raw").write_text((tmp_path / "set" / "Cr.raw").read_text().replace("127.7", "297.2"))
    with pytest.raises(InputError, match=r"Cr.raw has a spectrometer frequency of 297.2 and Lac.raw one of 127.7"):
        read_raw(tmp_path / "set", stated=Stated(spectral_width_hz=2000.0))
    (tmp_path / "set" / "Cr.raw").rename(tmp_path / "set" / "Tau.raw")
    (tmp_path / "set" / "Lac.raw").rename(tmp_path / "set" / "Tauri.raw")
    with pytest.raises(InputError, match="spectrometer frequency of"):
        read_raw(tmp_path / "set", stated=Stated(spectral_width_hz=2000.0))


def test_names_that_mean_the_same(tmp_path: Path, basis: BasisSet) -> None:
    write_raw(replace(basis, metabolites=("PCho", "PCh", "NAA")), tmp_path / "set")
    with pytest.raises(InputError, match="appears twice"):
        read_raw(tmp_path / "set", stated=STATED)


@pytest.mark.external_data
def test_raw_has_the_sign_of_the_package(external_data: Path) -> None:
    """The same FID was converted to NIfTI-MRS by another program."""
    stored = np.asanyarray(nibabel.load(external_data / "real" / "philips3t_press30_dbiex.nii.gz").dataobj).ravel()
    np.testing.assert_allclose(read_raw_fid(external_data / "lcmodel_test" / "data.raw"), stored, rtol=1e-5, atol=1e-9)


@pytest.mark.external_data
def test_folder_of_raw_files(external_data: Path, peak_ppm: Callable[[BasisSet, str], float]) -> None:
    """A line through six singlets gives the frequency (3 T) and the carrier; all lie on it, and nothing needs a change."""
    stated = Stated(spectrometer_frequency_mhz=127.7262, spectral_width_hz=4000.0, echo_time_s=0.03)
    basis = read_raw(external_data / "basis" / "marss_press_ge_te30_4000hz_2048", stated=stated)
    assert len(basis.metabolites) == 34
    assert basis.acquisition.n_points == 2048
    found = [peak_ppm(basis, name) for name in SINGLETS_PPM]
    np.testing.assert_allclose(found, list(SINGLETS_PPM.values()), atol=0.001)
    assert basis.assumptions == ()


@pytest.mark.external_data
@pytest.mark.parametrize(
    ("frequency_mhz", "width_hz", "message"),
    [(123.2, 4000.0, "frequency were 127.7 MHz, not 123.2 MHz"), (127.7262, 2000.0, "the spectral width 3999 Hz, not 2000 Hz")],
)
def test_a_sampling_that_is_evidently_wrong(external_data: Path, frequency_mhz: float, width_hz: float, message: str) -> None:
    stated = Stated(spectrometer_frequency_mhz=frequency_mhz, spectral_width_hz=width_hz)
    with pytest.raises(InputError, match=message):
        read_raw(external_data / "basis" / "marss_press_ge_te30_4000hz_2048", stated=stated)

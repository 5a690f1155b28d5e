"""FSL-MRS's basis files: the documented keys and sign, exact round trips, and one sentence for each way to be broken."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.fsl_json import read_fsl_json, write_fsl_json
from mrs_pipeline.io.stated import Stated


def content(fid: np.ndarray, **changes: Any) -> dict[str, Any]:
    """A file as the documentation of FSL-MRS describes it, written without the package; ``None`` leaves a key out."""
    values = {
        "basis_re": fid.real.tolist(),
        "basis_im": fid.imag.tolist(),
        "basis_dwell": 5e-4,
        "basis_centre": 127.7,
        "basis_width": 2.0,
        "basis_name": "NAA",
        **changes,
    }
    return {"basis": {key: value for key, value in values.items() if value is not None}, "seq": {"sequenceName": "svs_slaser"}, "meta": {}}


def write(folder: Path, name: str, values: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(values if isinstance(values, str) else json.dumps(values))
    return folder


def documented_fid(ppm: float, *, mirrored: bool = False) -> np.ndarray:
    """A singlet in FSL-MRS's convention, ppm = 4.65 + f / SF."""
    hz = (ppm - 4.65) * 127.7 * (-1 if mirrored else 1)
    return np.exp((2j * np.pi * hz - np.pi * 2.0) * np.arange(512) * 5e-4)


@pytest.mark.parametrize("mirrored", [False, True])
def test_documented_convention(mirrored: bool, tmp_path: Path, peak_ppm: Callable[[BasisSet, str], float]) -> None:
    for name, ppm in {"NAA": 2.008, "Cr": 3.027, "Tau": 3.3}.items():
        write(tmp_path / "set", f"{name}.json", content(documented_fid(ppm, mirrored=mirrored), basis_name=name))
    basis = read_fsl_json(tmp_path / "set")
    assert basis.metabolites == ("Cr", "NAA", "Tau")
    assert peak_ppm(basis, "NAA") == pytest.approx(2.008, abs=0.01)
    assert (basis.sequence, basis.linewidth_hz, basis.origins) == ("svs_slaser", 2.0, ("Cr.json", "NAA.json", "Tau.json"))
    assert (basis.acquisition.spectral_width_hz, basis.acquisition.spectrometer_frequency_mhz) == (2000.0, 127.7)
    assert basis.acquisition.echo_time_s is None
    assert bool(basis.assumptions) == mirrored


def test_written_files_follow_the_documentation(basis: BasisSet, tmp_path: Path) -> None:
    write_fsl_json(basis, tmp_path / "set")
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["Cr.json", "Lac.json", "NAA.json"]
    values = json.loads((tmp_path / "set" / "NAA.json").read_text())["basis"]
    fid = np.array(values["basis_re"]) + 1j * np.array(values["basis_im"])
    np.testing.assert_allclose(fid, 3 * documented_fid(2.008), atol=1e-12)
    stated = {key: values[key] for key in ("basis_dwell", "basis_centre", "basis_width", "basis_name")}
    assert stated == {"basis_dwell": 5e-4, "basis_centre": 127.7, "basis_width": 2.0, "basis_name": "NAA"}


@pytest.mark.parametrize("spectral_width_hz", [2000.0, 1 / 3e-4, 4000.123])
def test_round_trip_is_exact(spectral_width_hz: float, basis: BasisSet, tmp_path: Path, facts: Callable[[BasisSet], Any]) -> None:
    acquisition = replace(basis.acquisition, spectral_width_hz=spectral_width_hz, repetition_time_s=None)
    said = {"origins": ("a", "b", "c"), "assumptions": ("ideal pulses", "no relaxation"), "linewidth_hz": 0.0}
    whole = replace(basis, acquisition=acquisition, **said)
    write_fsl_json(whole, tmp_path / "set")
    again = read_fsl_json(tmp_path / "set")
    np.testing.assert_array_equal(again.fids, whole.fids)
    assert facts(again) == facts(whole)
    write_fsl_json(again, tmp_path / "again")
    for file in (tmp_path / "set").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_single_macromolecule_file_with_the_keys_at_the_top(tmp_path: Path) -> None:
    write(tmp_path / "set", "Mac.json", content(documented_fid(0.9), basis_name=None, basis_width=None)["basis"])
    basis = read_fsl_json(tmp_path / "set" / "Mac.json")
    assert basis.metabolites == ("Mac",)
    assert basis.linewidth_hz == pytest.approx(2.0, rel=1e-3)


def test_frequency_in_hz_or_no_frequency(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", "NAA.json", content(documented_fid(2.008), basis_centre=127.7e6))
    basis = read_fsl_json(folder)
    assert basis.acquisition.spectrometer_frequency_mhz == pytest.approx(127.7)
    assert basis.assumptions == ("basis_centre was taken to be in Hz",)
    write(folder, "NAA.json", content(documented_fid(2.008), basis_centre=4.65))
    with pytest.raises(InputError, match=r"basis_centre is 4.65: the spectrometer frequency in MHz is expected"):
        read_fsl_json(folder)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("", "is not JSON, or it is truncated"),
        ('{"basis": {"basis_re": [1.0, 2.0', "is not JSON, or it is truncated"),
        ("[1, 2]", "a JSON object with the key 'basis' is expected"),
        ({"basis": 3}, "has no 'basis_re'"),
        ({"name": "participants"}, "has no 'basis_re'"),
        (content(documented_fid(2.0), basis_im=None), "has no 'basis_im'"),
        (content(documented_fid(2.0), basis_dwell=None), "has no 'basis_dwell'"),
        (content(documented_fid(2.0), basis_centre=None), "has no 'basis_centre'"),
        (content(documented_fid(2.0), basis_dwell="0.5 ms"), "basis_dwell is '0.5 ms' where a number is expected"),
        (content(documented_fid(2.0), basis_dwell=0), "basis_dwell is 0"),
        (content(documented_fid(2.0), basis_dwell=True), "basis_dwell is 'True' where a number"),
        (content(documented_fid(2.0), basis_re=[1.0, 2.0]), "basis_re is not a list of at least 16"),
        (content(documented_fid(2.0), basis_re=[[1.0] * 512]), "basis_re is not a list"),
        (content(documented_fid(2.0), basis_re=["x"] * 512), "basis_re is not a list"),
        (content(documented_fid(2.0), basis_re=[float("nan")] * 512), "basis_re is not a list of at least 16 finite"),
        (content(documented_fid(2.0), basis_re=[1e200] * 512), "basis_re is not a list of at least 16 finite"),
        (content(documented_fid(2.0)[:100], basis_im=[0.0] * 99), "basis_re has 100 values and basis_im 99"),
    ],
)
def test_broken_file(broken: object, message: str, tmp_path: Path) -> None:
    write(tmp_path / "set", "NAA.json", content(documented_fid(2.008)))
    with pytest.raises(InputError, match=message) as raised:
        read_fsl_json(write(tmp_path / "set", "broken.json", broken))
    assert "broken.json" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (content(documented_fid(3.0)[:400], basis_name="Cr"), r"number of points \(Cr.json has 400 and NAA.json has 512\)"),
        (
            content(documented_fid(3.0), basis_name="Cr", basis_dwell=2.5e-4),
            "Cr.json has a spectral width of 4000 and NAA.json one of 2000",
        ),
        (
            content(documented_fid(3.0), basis_name="Cr", basis_centre=297.2),
            "Cr.json has a spectrometer frequency of 297.2 and NAA.json one",
        ),
        (content(documented_fid(3.0)), "a metabolite appears twice"),
    ],
)
def test_files_that_do_not_belong_together(second: dict[str, Any], message: str, tmp_path: Path) -> None:
    write(tmp_path / "set", "NAA.json", content(documented_fid(2.008)))
    with pytest.raises(InputError, match=message) as raised:
        read_fsl_json(write(tmp_path / "set", "Cr.json", second))
    assert str(tmp_path / "set") in str(raised.value)


def test_folder_in_the_way_and_names_that_no_file_can_have(basis: BasisSet, tmp_path: Path) -> None:
    write(tmp_path / "set", "NAA.json", "{}")
    with pytest.raises(InputError, match="exists already"):
        write_fsl_json(basis, tmp_path / "set")
    with pytest.raises(InputError, match="no file can be named after the metabolite 'a/b'"):
        write_fsl_json(replace(basis, metabolites=("a/b", "Cr", "Lac")), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_statement_beside_the_files(basis: BasisSet, tmp_path: Path) -> None:
    folder = write(tmp_path / "set", "NAA.json", content(documented_fid(2.008)))
    assert read_fsl_json(folder, stated=Stated(echo_time_s=0.03)).acquisition.echo_time_s == 0.03
    with pytest.raises(InputError, match="spectral width of 2000 Hz, but 4000 Hz is given"):
        read_fsl_json(folder, stated=Stated(spectral_width_hz=4000.0))

"""LCModel's .BASIS files against files of other programs, the manual's description of the format, and known resonances."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.lcmodel import GRID, on_grid, read_basis, write_basis
from mrs_pipeline.io.stated import Stated


def namelist_file(spectra: dict[str, np.ndarray], *, extra: str = "", n: int | None = None, echo: str = "30.") -> str:
    """A .BASIS file as LCModel's manual describes it, written without the package."""
    n = next(iter(spectra.values())).size if n is None else n
    text = f" $SEQPAR\n FWHMBA = 0.01,\n HZPPPM = 127.7,\n ECHOT = {echo},\n SEQ = 'PRESS' $END\n $BASIS1\n IDBASI = 'x',\n"
    text += f" FMTBAS = '(2E15.6)',\n BADELT = 5D-04,\n NDATAB = {n} $END\n"
    for name, spectrum in spectra.items():
        text += f" $NMUSED\n XTRASH = 0. $END\n $BASIS\n ID = '{name}',\n METABO = '{name}',\n{extra} $END\n"
        text += "".join(f"{value.real:15.6E}{value.imag:15.6E}\n" for value in spectrum)
    return text


def spectrum(fid: np.ndarray, *, n: int | None = None) -> np.ndarray:
    """The transform with the first point halved, as most programs store it."""
    return np.fft.fft(np.concatenate([fid[:1] / 2, fid[1:]]), n)


def test_own_file_reads_back_exactly(basis: BasisSet, tmp_path: Path) -> None:
    write_basis(basis, tmp_path / "a.BASIS")
    again = read_basis(tmp_path / "a.BASIS")
    np.testing.assert_allclose(again.fids, basis.fids, atol=4 * GRID)
    assert again.linewidth_hz == pytest.approx(2.0)
    assert (again.metabolites, again.sequence) == (basis.metabolites, basis.sequence)
    assert again.acquisition == replace(basis.acquisition, repetition_time_s=None)
    write_basis(again, tmp_path / "b.BASIS")
    assert (tmp_path / "a.BASIS").read_bytes() == (tmp_path / "b.BASIS").read_bytes()
    np.testing.assert_array_equal(read_basis(tmp_path / "b.BASIS").fids, again.fids)


@pytest.mark.parametrize("largest", [0.999999999, 1.0, 1.0 + 1e-9, 3.0e-7, 4.7e11])
def test_rounding_to_a_grid_is_final(largest: float) -> None:
    rng = np.random.default_rng(3)
    values = largest * (rng.uniform(-0.7, 0.7, (2, 50)) + 1j * rng.uniform(-0.7, 0.7, (2, 50)))
    values[0, 0] = largest
    once = on_grid(values)
    np.testing.assert_allclose(once, values, rtol=0, atol=1.5 * GRID * largest)
    disturbed = once * (1 + 1e-13 * rng.standard_normal(once.shape))
    np.testing.assert_array_equal(on_grid(disturbed), once)
    np.testing.assert_array_equal(on_grid(0 * values), 0 * values)


def test_written_file_holds_the_plain_transform(basis: BasisSet, tmp_path: Path) -> None:
    """Frequency domain, zero frequency first, first point halved: NAA at its place with positive real part."""
    write_basis(basis, tmp_path / "a.BASIS")
    numbers = (tmp_path / "a.BASIS").read_text().split("$BASIS\n")[1].split("$END")[1].split("$NMUSED")[0].split()
    real = np.array(numbers, float)[::2]
    hz = np.fft.fftfreq(real.size, 5e-4)[np.argmax(real)]
    assert 4.65 - hz / 127.7 == pytest.approx(2.01, abs=0.02)
    assert real.max() > 10 * abs(real.min())


def test_shift_scale_and_zero_filling_of_lcmodels_own_sets(basis: BasisSet, tmp_path: Path) -> None:
    filled = np.fft.fft(basis.fids[0], 2 * basis.acquisition.n_points)
    header = " CONC = 10., TRAMP = 4., VOLUME = 2., ISHIFT = 3"
    (tmp_path / "a.basis").write_text(namelist_file({"NAA": np.roll(filled, 3)}, extra=header))
    again = read_basis(tmp_path / "a.basis")
    assert again.acquisition.n_points == basis.acquisition.n_points
    np.testing.assert_allclose(again.fids[0], basis.fids[0] * 4 / 20, atol=1e-4)


def test_names_lines_and_origins(basis: BasisSet, tmp_path: Path) -> None:
    (tmp_path / "a.basis").write_text(namelist_file({"PCho": spectrum(basis.fids[0])}, echo=""))
    again = read_basis(tmp_path / "a.basis")
    assert again.acquisition.echo_time_s is None
    assert read_basis(tmp_path / "a.basis", stated=Stated(echo_time_s=0.04)).acquisition.echo_time_s == 0.04
    assert again.metabolites == ("PCh",)
    assert again.linewidth_hz == pytest.approx(2.0, rel=0.01)
    assert again.origins == ("a.basis (x)",)
    np.testing.assert_allclose(again.fids, basis.fids[:1], atol=1e-4)
    assert again.assumptions == ()


def test_mirrored_set_is_turned(basis: BasisSet, tmp_path: Path, peak_ppm: Callable[[BasisSet, str], float]) -> None:
    """A negative dwell time, which LCModel's own sets of one vendor state, says nothing; the signals do."""
    spectra = {name: spectrum(fid) for name, fid in zip(basis.metabolites, basis.fids, strict=True)}
    mirrored = {name: spectrum(np.conj(fid)) for name, fid in zip(basis.metabolites, basis.fids, strict=True)}
    for content, n_remarks in ((spectra, 0), (mirrored, 1)):
        (tmp_path / "a.basis").write_text(namelist_file(content).replace("5D-04", "-5D-04"))
        again = read_basis(tmp_path / "a.basis")
        assert peak_ppm(again, "NAA") == pytest.approx(2.008, abs=0.01)
        assert len(again.assumptions) == n_remarks
    assert again.assumptions[0].startswith("the FIDs were conjugated")


def test_reference_peak_does_not_survive(basis: BasisSet, tmp_path: Path, line: Callable[..., np.ndarray]) -> None:
    spectra = {name: spectrum(fid + 4 * line(0.0)) for name, fid in zip(basis.metabolites, basis.fids, strict=True)}
    (tmp_path / "a.basis").write_text(namelist_file({**spectra, "Ref": spectrum(4 * line(0.0))}))
    again = read_basis(tmp_path / "a.basis")
    assert again.metabolites == basis.metabolites
    np.testing.assert_allclose(again.fids, basis.fids, atol=0.03)
    assert "a reference peak at 0 ppm was removed from 4 of 4 components; Ref was nothing else and is left out" in again.assumptions


def test_statements_that_contradict_the_file(basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / "a.basis"
    path.write_text(namelist_file({"NAA": spectrum(basis.fids[0])}))
    for stated, message in {
        Stated(spectral_width_hz=4000.0): "spectral width of 2000 Hz, but 4000 Hz is given",
        Stated(spectrometer_frequency_mhz=123.2): "spectrometer frequency of 127.7 MHz, but 123.2 MHz is given",
        Stated(echo_time_s=0.035): "echo time of 0.03 s, but 0.035 s is given",
    }.items():
        with pytest.raises(InputError, match=message):
            read_basis(path, stated=stated)


def test_broken_files_are_a_sentence(basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / "a.basis"
    whole = namelist_file({"NAA": spectrum(basis.fids[0]), "Cr": spectrum(basis.fids[1])})
    entries = whole.split(" $NMUSED")
    broken = {
        whole[: len(whole) * 3 // 4]: "Cr has .* NDATAB|values",
        whole[: len(entries[0]) + len(entries[1]) // 2]: "NAA has .* NDATAB|values",
        whole.replace("BADELT", "BADLET"): "BADELT is ''",
        whole.replace("5D-04", "0."): "spectral_width_hz is 0",
        whole.replace("NDATAB = 512", "NDATAB = 1"): "at least 16 points",
        whole.replace("NDATAB = 512", "NDATAB = 500"): "NAA has 512 points where NDATAB says 500",
        whole.replace("NDATAB = 512", "NDATAB = 1E99"): "NDATAB is 1e\\+99",
        whole.replace("NDATAB = 512", "NDATAB = 1E999"): "NDATAB is '1E999'",
        whole.replace("HZPPPM = 127.7", "HZPPPM = -1"): "spectrometer_frequency_mhz is -1",
        whole + whole.replace("5D-04", "2.5D-04"): "states BADELT as 5D-04 and as 2.5D-04",
        whole + whole: "appears twice",
        whole.replace("'Cr'", "'NAA'"): "appears twice",
        whole.replace("E+00", "Q+00"): "not a number",
        whole.replace("E+00", "+120"): "pairs of finite numbers",
        whole.replace("'NAA',\n", "'NAA', TRAMP = 1E200,\n"): "TRAMP, VOLUME and CONC of NAA must be positive numbers",
        whole.split("$NMUSED")[0]: "no \\$BASIS entry",
        "nothing": "no namelist",
    }
    for text, message in broken.items():
        path.write_text(text)
        with pytest.raises(InputError, match=message) as raised:
            read_basis(path)
        assert "a.basis" in str(raised.value)


@pytest.mark.external_data
@pytest.mark.parametrize(("name", "moved"), [("lcmodel_test/3t.basis", False), ("basis/osprey_3T_PRESS_GE_35ms_noMM.BASIS", True)])
def test_sets_of_other_programs(external_data: Path, name: str, moved: bool, peak_ppm: Callable[[BasisSet, str], float]) -> None:
    """Singlets where they belong (one program centres its sets at 4.68 ppm), upright, with whole first points."""
    basis = read_basis(external_data / name)
    for metabolite, ppm in {"NAA": 2.008, "Cr": 3.027, "PCr": 3.029, "GPC": 3.212, "sIns": 3.34}.items():
        assert peak_ppm(basis, metabolite) == pytest.approx(ppm, abs=0.01)
    assert np.all(basis.fids[:, 0].real > 0.9 * np.abs(basis.fids[:, 0]))
    assert any("0.030 ppm too low" in remark for remark in basis.assumptions) == moved

"""Basis-set files by suffix: our own form loses nothing, damaged files are a sentence."""

import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.io.basis_files import FORMAT, basis_inputs, read_basis, write_basis
from mrs_pipeline.io.stated import Stated


@pytest.fixture
def whole(basis: BasisSet) -> BasisSet:
    """A basis set with all that can be said of it."""
    return replace(basis, origins=("a book", "Müller 2000", ""), assumptions=("ideal pulses",))


def test_own_form_is_exact_and_repeatable(whole: BasisSet, tmp_path: Path, facts: Callable[[BasisSet], Any]) -> None:
    for name in ("a.npz", "b.npz"):
        write_basis(whole, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_basis(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.fids, whole.fids)
    assert facts(again) == facts(whole)


def test_files_of_the_first_version_are_still_read(basis: BasisSet, tmp_path: Path) -> None:
    header = {"format": "mrs_pipeline basis 1", "metabolites": basis.metabolites, "acquisition": asdict(basis.acquisition)}
    header |= {"sequence": "press", "linewidth_hz": 1.5}
    np.savez(tmp_path / "a.npz", header=np.array(json.dumps(header)), fids=basis.fids)
    old = read_basis(tmp_path / "a.npz")
    np.testing.assert_array_equal(old.fids, basis.fids)
    assert (old.origins, old.assumptions) == ((), ())


def test_suffix_chooses_the_format(basis: BasisSet, tmp_path: Path) -> None:
    write_basis(basis, tmp_path / "a.BASIS")
    assert (tmp_path / "a.BASIS").read_text().startswith(" $SEQPAR")
    np.testing.assert_allclose(read_basis(tmp_path / "a.BASIS").fids, basis.fids, atol=1e-9)
    with pytest.raises(ConfigError, match=r"\.npz"):
        write_basis(basis, tmp_path / "a.txt")
    with pytest.raises(ConfigError, match="unknown form of a basis set 'matlab': use one of fsl_json, lcmodel, npz, raw"):
        write_basis(basis, tmp_path / "a.npz", form="matlab")


@pytest.mark.parametrize("form", ["npz", "lcmodel", "fsl_json", "raw"])
def test_one_entry_reads_every_form(form: str, basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / {"npz": "a.npz", "lcmodel": "a.BASIS"}.get(form, "folder")
    write_basis(basis, path, form=form)
    stated = Stated(spectral_width_hz=2000.0) if form == "raw" else Stated()
    again = read_basis(path, stated=stated).select(basis.metabolites)
    np.testing.assert_allclose(again.fids, basis.fids, atol=1e-9)
    assert again.acquisition.spectral_width_hz == 2000.0
    inputs = basis_inputs(path)
    assert [file.stem for file in inputs] == (["Cr", "Lac", "NAA"] if path.is_dir() else ["a"])


def test_folders_that_hold_no_basis_set_or_two(basis: BasisSet, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "._NAA.json").touch()
    with pytest.raises(InputError, match=r"set holds neither .raw nor .json files"):
        read_basis(tmp_path / "set")
    write_basis(basis, tmp_path / "both", form="raw")
    (tmp_path / "both" / "Ala.JSON").write_text("{}")
    with pytest.raises(InputError, match=r"both holds both .raw and .json files"):
        read_basis(tmp_path / "both")
    (tmp_path / "a.mat").touch()
    with pytest.raises(InputError, match=r"a.mat has no suffix of a basis set"):
        read_basis(tmp_path / "a.mat")


def test_statements_about_our_own_form(basis: BasisSet, tmp_path: Path) -> None:
    write_basis(replace(basis, acquisition=replace(basis.acquisition, echo_time_s=None)), tmp_path / "a.npz")
    assert read_basis(tmp_path / "a.npz", stated=Stated(echo_time_s=0.03)).acquisition.echo_time_s == 0.03
    with pytest.raises(InputError, match="spectral width of 2000 Hz, but 4000 Hz is given"):
        read_basis(tmp_path / "a.npz", stated=Stated(spectral_width_hz=4000.0))


def test_truncated_file(basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_basis(basis, path)
    content = path.read_bytes()
    for fraction in (0.0, 0.1, 0.5, 0.99):
        path.write_bytes(content[: int(len(content) * fraction)])
        with pytest.raises(InputError, match=r"a\.npz"):
            read_basis(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["a.npz", "a.BASIS", "fsl_json/NAA.json", "raw/NAA.raw"]),
    place=st.floats(0, 1, exclude_max=True),
    header_only=st.booleans(),
    text=st.sampled_from([b"E+99", b"E+308", b"nan", b"-", b"$", b"'", b"0", b" ", b"\n", b"{", b"null", b"[", b"\x00", b"\xff", b"mm"]),
)
def test_any_bytes_may_be_wrong(name: str, place: float, header_only: bool, text: bytes, basis: BasisSet, tmp_path: Path) -> None:
    """A damaged file is a sentence, or still a basis set, and never anything else."""
    path, form = tmp_path / name, name.split("/", maxsplit=1)[0] if "/" in name else None
    folder = path.parent if form else path
    if not path.exists():
        write_basis(basis, folder, form=form)
        if form == "fsl_json":  # as of another program, so that it is examined
            path.write_text(path.read_text(encoding="utf-8").replace("mrs_pipeline", "other"), encoding="utf-8")
    whole = path.read_bytes()
    content = bytearray(whole)
    position = int(place * (min(len(content), 900) if header_only else len(content)))
    content[position : position + len(text)] = text
    path.write_bytes(content)
    try:
        with contextlib.suppress(InputError):
            assert isinstance(read_basis(folder, stated=Stated(spectral_width_hz=2000.0)), BasisSet)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "header",
    [
        {},
        [],
        {"format": "other"},
        {"format": FORMAT, "metabolites": ["NAA"], "acquisition": {"nucleus": "1H"}, "sequence": "", "linewidth_hz": 0},
    ],
)
def test_wrong_header(header: object, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", header=np.array(json.dumps(header)), fids=np.zeros((1, 4), complex))
    with pytest.raises(InputError, match=r"a\.npz"):
        read_basis(tmp_path / "a.npz")


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, header=np.array({"a": 1}, dtype=object), fids=np.zeros((1, 4), complex))
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match=r"a\.npz"):
        read_basis(tmp_path / "a.npz")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        read_basis(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("form", "name", "message"),
    [
        ("npz", "q.BASIS", "does not end in .npz"),
        ("npz", "q", "does not end in .npz"),
        ("lcmodel", "q.npz", "does not end in .basis"),
        ("raw", "q.npz", "is the name of a file, but the form raw is a folder"),
        ("fsl_json", "q.basis", "is the name of a file, but the form fsl_json is a folder"),
    ],
)
def test_form_that_contradicts_the_name_is_refused(form: str, name: str, message: str, basis: BasisSet, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        write_basis(basis, tmp_path / name, form=form)
    assert not list(tmp_path.iterdir())

"""Basis-set files by suffix: our own form loses nothing, damaged files are a sentence."""

import contextlib
import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.io.basis_files import FORMAT, read_basis_file, write_basis_file


@pytest.fixture
def basis(acquisition: Acquisition) -> BasisSet:
    decay = np.exp(-np.arange(1, 3)[:, None] * (3 + 40j) * acquisition.time_s)
    return BasisSet(
        metabolites=("NAA", "Glu"),
        fids=decay,
        acquisition=acquisition,
        sequence="press",
        linewidth_hz=1.5,
        origins=("a book", "Müller 2000"),
        assumptions=("ideal pulses",),
    )


def test_own_form_is_exact_and_repeatable(basis: BasisSet, tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_basis_file(basis, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = read_basis_file(tmp_path / "a.npz")
    np.testing.assert_array_equal(again.fids, basis.fids)
    assert (again.metabolites, again.acquisition, again.sequence, again.linewidth_hz) == (("NAA", "Glu"), basis.acquisition, "press", 1.5)
    assert (again.origins, again.assumptions) == (basis.origins, basis.assumptions)


def test_files_of_the_first_version_are_still_read(basis: BasisSet, tmp_path: Path) -> None:
    header = {"format": "mrs_pipeline basis 1", "metabolites": basis.metabolites, "acquisition": asdict(basis.acquisition)}
    header |= {"sequence": "press", "linewidth_hz": 1.5}
    np.savez(tmp_path / "a.npz", header=np.array(json.dumps(header)), fids=basis.fids)
    old = read_basis_file(tmp_path / "a.npz")
    np.testing.assert_array_equal(old.fids, basis.fids)
    assert (old.origins, old.assumptions) == ((), ())


def test_suffix_chooses_the_format(basis: BasisSet, tmp_path: Path) -> None:
    write_basis_file(basis, tmp_path / "a.BASIS")
    assert (tmp_path / "a.BASIS").read_text().startswith(" $SEQPAR")
    np.testing.assert_allclose(read_basis_file(tmp_path / "a.BASIS").fids, basis.fids, atol=1e-9)
    with pytest.raises(ConfigError, match=r"\.npz"):
        write_basis_file(basis, tmp_path / "a.txt")


def test_truncated_file(basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_basis_file(basis, path)
    content = path.read_bytes()
    for fraction in (0.0, 0.1, 0.5, 0.99):
        path.write_bytes(content[: int(len(content) * fraction)])
        with pytest.raises(InputError, match=r"a\.npz"):
            read_basis_file(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from([".npz", ".BASIS"]),
    changes=st.lists(st.tuples(st.integers(0, 899), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_any_bytes_may_be_wrong(suffix: str, changes: list[tuple[int, int]], basis: BasisSet, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_basis_file(basis, path)
    content = bytearray(path.read_bytes())
    for position, value in changes:
        content[position] = value
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert isinstance(read_basis_file(path), BasisSet)


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
        read_basis_file(tmp_path / "a.npz")


def test_nothing_is_ever_unpickled(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, header=np.array({"a": 1}, dtype=object), fids=np.zeros((1, 4), complex))
    (tmp_path / "a.npz").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match=r"a\.npz"):
        read_basis_file(tmp_path / "a.npz")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        read_basis_file(tmp_path / "a.npz")

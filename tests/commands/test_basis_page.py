"""The page of a study's basis set, made from its file."""

import hashlib
import re

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.commands.basis_page import write_basis_page
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.basis_files import write_basis

ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=512, echo_time_s=0.03, repetition_time_s=None
)


def config(**basis):
    whole = {"file": None, "macromolecules": ["MM09", "MM20"], **basis}
    return {
        "study": {"title": None, "name": "small"},
        "basis": whole,
        "fitting": {"ppm_range": [0.5, 4.1]},
        "simulation": None,
    }


def written(folder, *names):
    fids = np.exp(2j * np.pi * 127.7 * (4.65 - 2.008) * ACQUISITION.time_s)
    basis = BasisSet(metabolites=names, fids=np.array([fids] * len(names)), acquisition=ACQUISITION, sequence="press")
    path = folder / "basis.npz"
    write_basis(basis, path)
    return path


def text_of(path):
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL).split())


def test_page_of_a_simulated_set(tmp_path):
    basis = written(tmp_path, "NAA", "NAAG")
    write_basis_page(basis, config=config(), out=tmp_path / "basis.html", group_page="index.html")
    text = text_of(tmp_path / "basis.html")
    assert "Basis set: small" in text
    assert "simulated by this program" in text
    assert "built-in components: MM09, MM20" in text
    assert "Sequence press Pulses" in text
    assert "0.5 to 4.1 ppm" in text
    assert hashlib.sha256(basis.read_bytes()).hexdigest() in text
    assert 'href="index.html"' in (tmp_path / "basis.html").read_text(encoding="utf-8")


def test_page_of_a_file_with_macromolecules_of_its_own(tmp_path):
    basis = written(tmp_path, "NAA", "Mac")
    write_basis_page(basis, config=config(file="sets/press30.BASIS"), out=tmp_path / "basis.html")
    text = text_of(tmp_path / "basis.html")
    assert "the file sets/press30.BASIS" in text
    assert "those of the set: Mac" in text
    assert "MM09" not in text


def test_no_page_of_a_damaged_set(tmp_path):
    (tmp_path / "basis.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"basis\.npz"):
        write_basis_page(tmp_path / "basis.npz", config=config(), out=tmp_path / "basis.html")
    assert [path.name for path in tmp_path.iterdir()] == ["basis.npz"]

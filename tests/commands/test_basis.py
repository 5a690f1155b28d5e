"""Basis sets between forms, with the macromolecules of a study, and what a user is told when a set is not quite of the data."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import spin_system
from mrs_pipeline.commands.basis import basis_sources, macromolecule_sources, with_macromolecules, write_configured_basis
from mrs_pipeline.commands.study import study_config
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.io.basis_files import read_basis, write_basis
from mrs_pipeline.io.config import complete_section

Run = Callable[..., Any]

#: What the path of each form ends with.
SUFFIXES = {"npz": ".npz", "lcmodel": ".BASIS", "fsl_json": ""}


@pytest.fixture(scope="module")
def basis(inputs: Any) -> BasisSet:
    return read_basis(inputs.basis)


@pytest.fixture
def measured(basis: BasisSet, tmp_path: Path) -> Path:
    """Measured macromolecules, stood in for by two Gaussian lines, at another dwell time and with a metabolite beside them."""
    sampling = Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=127.73,
        spectral_width_hz=4000.0,
        n_points=4096,
        echo_time_s=0.03,
        repetition_time_s=None,
    )
    lines = macromolecule_basis(names=("MM09", "MM20"), acquisition=sampling)
    named = replace(lines, metabolites=("Mac", "NAA"), sequence="inversion recovery", origins=("scan", "scan"), assumptions=("nulled",))
    write_basis(named, tmp_path / "measured.npz")
    return tmp_path / "measured.npz"


@pytest.mark.parametrize("form", ["npz", "lcmodel", "fsl_json", "raw"])
def test_there_and_back(form: str, basis: BasisSet, inputs: Any, run: Run, tmp_path: Path) -> None:
    out, back = tmp_path / {"npz": "a.npz", "lcmodel": "a.BASIS"}.get(form, "folder"), tmp_path / "back.npz"
    assert run("basis-convert", inputs.basis, "--form", form, "--out", out) == (0, "", "")
    options = ["--spectral-width", 2000] if form == "raw" else []
    code, _, err = run("basis-convert", out, *options, "--out", back)
    assert code == 0
    assert all(line.startswith("mrs-pipeline basis-convert: note: ") for line in err.splitlines())
    assert not (err and form in {"npz", "fsl_json"})
    again = read_basis(back)
    np.testing.assert_allclose(again.select(basis.metabolites).fids, basis.fids, atol=1e-9)
    assert again.acquisition == basis.acquisition


def test_changes_are_told(basis: BasisSet, run: Run, tmp_path: Path) -> None:
    fids = basis.fids * np.exp(-np.pi * 2.0 * basis.acquisition.time_s)
    write_basis(replace(basis, fids=np.conj(fids)), tmp_path / "raw", form="raw")
    code, out, err = run("basis-convert", tmp_path / "raw", "--spectral-width", 2000, "--out", tmp_path / "a.npz")
    assert (code, out) == (0, "")
    assert err == "mrs-pipeline basis-convert: note: the FIDs were conjugated, because their signals lay left of water (4.65 to 9.3 ppm)\n"
    assert read_basis(tmp_path / "a.npz").assumptions == (err.split("note: ")[1].strip(),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{raw}", "--out", "{new}.npz"], "does not state the spectral width of its FIDs: give it as basis.file_spectral_width_hz"),
        (
            ["{raw}", "--spectral-width", 2000, "--frequency", 64, "--out", "{new}.npz"],
            "spectrometer frequency of 127.7 MHz, but 64",
        ),
        (["{raw}", "--spectral-width", 2000, "--out", "{new}"], "has no suffix of a basis-set file"),
        (["{raw}", "--spectral-width", 2000, "--form", "matlab", "--out", "{new}"], "unknown form of a basis set 'matlab': use one of"),
        (["{raw}", "--spectral-width", 2000, "--form", "fsl_json", "--out", "{raw}"], "exists already and is not an empty folder"),
        (["{raw}", "--spectral-width", -1, "--out", "{new}.npz"], "--spectral-width: -1 is outside 200 to 100000 Hz: give it in Hz"),
        (["{raw}", "--spectral-width", 2, "--out", "{new}.npz"], "--spectral-width: 2 is outside 200 to 100000 Hz: give it in Hz"),
        (["{raw}", "--frequency", 127.7e6, "--out", "{new}.npz"], "--frequency: 127700000.0 is outside 10 to 1000 MHz: give it in MHz"),
        (["{raw}", "--echo-time", 30, "--out", "{new}.npz"], "--echo-time: 30 is outside 0 to 1 s: give it in s"),
        (["{raw}", "--echo-time", "nan", "--out", "{new}.npz"], "--echo-time: nan is outside 0 to 1 s: give it in s"),
        (["{new}", "--out", "{new}.npz"], "could not be read (no such file)"),
        (["{empty}", "--out", "{new}.npz"], "holds neither .raw nor .json files"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[Any], message: str, basis: BasisSet, run: Run, tmp_path: Path) -> None:
    write_basis(basis, tmp_path / "raw", form="raw")
    (tmp_path / "empty").mkdir()
    places = {name: str(tmp_path / name) for name in ("raw", "new", "empty")}
    code, out, err = run("basis-convert", *(item.format(**places) if isinstance(item, str) else item for item in arguments))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "raw"]


def test_section_that_names_a_folder(basis: BasisSet, tmp_path: Path) -> None:
    write_basis(basis, tmp_path / "set", form="raw")
    given = {"file": str(tmp_path / "set"), "file_spectral_width_hz": 2000, "file_frequency_mhz": 127.7, "file_echo_time_s": 0.03}
    section = complete_section("basis", given)
    assert [path.stem for path in basis_sources(section)] == sorted(basis.metabolites)
    write_configured_basis(section, out=tmp_path / "basis.npz")
    again = read_basis(tmp_path / "basis.npz")
    np.testing.assert_array_equal(again.select(basis.metabolites).fids, basis.fids)
    assert again.origins == tuple(f"{name}.raw" for name in sorted(basis.metabolites))


def test_some_components_of_a_set(basis: BasisSet, inputs: Any, run: Run, tmp_path: Path) -> None:
    assert run("basis-convert", inputs.basis, "--metabolites", "mI", "NAA", "--out", tmp_path / "a.npz") == (0, "", "")
    assert read_basis(tmp_path / "a.npz").metabolites == ("Ins", "NAA")
    code, _, err = run("basis-convert", inputs.basis, "--metabolites", "Ace", "--out", tmp_path / "b.npz")
    assert code == 2
    assert f"{inputs.basis}: metabolite 'Ace' is not in the basis: use one of" in err
    section = complete_section("basis", {"file": str(inputs.basis), "file_metabolites": ["Glu", "Cr"]})
    write_configured_basis(section, out=tmp_path / "c.npz")
    np.testing.assert_array_equal(read_basis(tmp_path / "c.npz").fids, basis.select(["Glu", "Cr"]).fids)


SPIN_OPTIONS = ["--sequence", "press", "--echo-time", 0.03, "--frequency", 127.7, "--spectral-width", 2000, "--n-points", 256]


def test_published_spin_systems_to_choose(run: Run, tmp_path: Path) -> None:
    """The chosen numbers are simulated, by whatever name the metabolite is given."""
    for name, options in {"default": [], "chosen": ["--spin-system", "GABA=near2013"]}.items():
        out = tmp_path / f"{name}.npz"
        assert run("basis", *SPIN_OPTIONS, "--metabolites", "GABA", "Cr", *options, "--out", out) == (0, "", "")
    default, chosen = (read_basis(tmp_path / f"{name}.npz") for name in ("default", "chosen"))
    np.testing.assert_array_equal(chosen.fids[1], default.fids[1])
    assert not np.allclose(chosen.fids[0], default.fids[0])
    assert "Near" in chosen.origins[0]
    expected = simulate_basis(
        sequence="press",
        metabolites=[spin_system("GABA", variant="near2013")],
        acquisition=chosen.acquisition,
        echo_time_1_s=0.012,
    )
    np.testing.assert_allclose(chosen.fids[0], expected.fids[0], atol=1e-12)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("GABA=near", "unknown spin system of GABA 'near': use one of"),
        ("GABA", "--spin-system GABA is not understood: write it as METABOLITE=SET"),
        ("Ser=soher2023", "basis.spin_systems chooses 'soher2023' for Ser, which is not simulated"),
    ],
)
def test_spin_systems_that_cannot_be_chosen(choice: str, message: str, run: Run, tmp_path: Path) -> None:
    code, _, err = run("basis", *SPIN_OPTIONS, "--metabolites", "GABA", "--spin-system", choice, "--out", tmp_path / "a.npz")
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_study_with_an_unknown_spin_system_does_not_start() -> None:
    study = {
        "study": {"name": "x", "bids_dir": "."},
        "basis": {"echo_time_1_s": 0.012, "spin_systems": {"Glu": "mine"}},
        "windows": {"event": None, "infusion": {"start_s": 0, "stop_s": 60, "width_s": 60}},
    }
    with pytest.raises(ConfigError, match="unknown spin system of Glu 'mine'"):
        study_config(study, source="test")


def test_macromolecules_of_a_study(basis: BasisSet, measured: Path) -> None:
    built_in = with_macromolecules(basis, names=["MM09", "Lip13a"])
    assert built_in.metabolites == (*basis.metabolites, "MM09", "Lip13a")
    assert with_macromolecules(built_in, names=["MM20"]) is built_in
    assert with_macromolecules(basis, names=None) is basis
    assert with_macromolecules(basis, names=[]) is basis
    replaced = with_macromolecules(built_in, names=str(measured))
    assert replaced.metabolites == (*basis.metabolites, "Mac")
    expected = macromolecule_basis(names=("MM09",), acquisition=basis.acquisition).fids[0]
    np.testing.assert_allclose(replaced.fids[-1], expected, atol=2e-3)
    assert replaced.origins[-1] == "scan"
    assert "nulled" in replaced.assumptions
    assert len(replaced.origins) == len(replaced.metabolites)
    assert macromolecule_sources({"macromolecules": str(measured)}) == [measured]
    assert macromolecule_sources({"macromolecules": None}) == macromolecule_sources({"macromolecules": ["MM09"]}) == []


def test_macromolecule_files_that_cannot_be_used(basis: BasisSet, measured: Path, inputs: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no macromolecules but Cr, PCr"):
        with_macromolecules(basis, names=str(inputs.basis))
    with pytest.raises(InputError, match="could not be read"):
        with_macromolecules(basis, names="nowhere.npz")
    there = read_basis(measured)
    write_basis(replace(there, acquisition=replace(there.acquisition, spectrometer_frequency_mhz=297.2)), tmp_path / "7t.npz")
    with pytest.raises(InputError, match=r"7t.npz: the basis is at 297.2 MHz but the data at 127.7 MHz"):
        with_macromolecules(basis, names=str(tmp_path / "7t.npz"))
    study = {
        "study": {"name": "x", "bids_dir": "."},
        "basis": {"echo_time_1_s": 0.012, "macromolecules": "nowhere.npz"},
        "windows": {"event": None, "infusion": {"start_s": 0, "stop_s": 60, "width_s": 60}},
    }
    with pytest.raises(ConfigError, match=r"basis.macromolecules names nowhere.npz, which does not exist"):
        study_config(study, source="test")
    study["basis"]["macromolecules"] = str(measured)
    assert study_config(study, source="test")["basis"]["macromolecules"] == str(measured)


def test_measured_macromolecules_in_a_fit(bench: Any, measured: Path, run: Run, table: Callable[[Path], pd.DataFrame]) -> None:
    bench.replace(bench.study, "[MM09, MM20]", str(measured))
    assert run(*bench.fit()).but_fits() == (0, "", "")
    assert set(table(bench.out / "amplitudes.tsv")["metabolite"]) == {*read_basis(bench.basis).metabolites, "Mac"}


def with_echo_time(path: Path, echo_time_s: float) -> None:
    basis = read_basis(path)
    write_basis(replace(basis, acquisition=replace(basis.acquisition, echo_time_s=echo_time_s)), path)


def test_echo_time_that_nearly_agrees_is_a_warning(bench: Any, run: Run) -> None:
    with_echo_time(bench.basis, 0.035)
    sentence = "warning: the basis has an echo time of 35 ms but the data 30 ms: "
    code, out, err = run(*bench.timecourse()).but_fits()
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert err.startswith(f"mrs-pipeline timecourse: {sentence}")
    status = json.loads((bench.out / "status.json").read_text(encoding="utf-8"))
    assert status["basis_remarks"] == [err.split("warning: ")[1].strip()]
    code, out, err = run(*bench.fit()).but_fits()
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert err.startswith(f"mrs-pipeline fit: {sentence}")


def test_echo_time_that_is_another_is_refused(bench: Any, run: Run) -> None:
    with_echo_time(bench.basis, 0.068)
    code, out, err = run(*bench.fit())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "the basis has an echo time of 68 ms but the data 30 ms: use a basis of the data's echo time" in err
    assert not bench.out.exists()


def test_another_sequence_is_a_warning(bench: Any, run: Run) -> None:
    """The name of the sequence comes from the sidecar of the raw data and reaches the preprocessed ones."""
    sidecar = bench.svs.with_name("svs.json")
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text(encoding="utf-8")), "PulseSequenceType": "STEAM"}), encoding="utf-8")
    assert run(*bench.preprocess()).code == 0
    bench.preprocessed, bench.out = bench.out / "preprocessed.nii.gz", bench.folder / "fits"
    code, _, err = run(*bench.fit()).but_fits()
    assert code == 0
    expected = "the basis is of the sequence PRESS but the data of STEAM (STEAM): their coupled metabolites differ"
    assert err == f"mrs-pipeline fit: warning: {expected}\n"


ACCEPTED = {"lcmodel_test/3t.basis": 127.7861, "basis/osprey_3T_PRESS_GE_35ms_noMM.BASIS": 127.731}


@pytest.mark.external_data
@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize("form", ["npz", "lcmodel", "fsl_json"])
def test_sets_of_other_programs_round_trip_exactly(name: str, form: str, external_data: Path, tmp_path: Path) -> None:
    """Read, written and read again: the same numbers; written once more: the same bytes."""
    first = read_basis(external_data / name)
    assert first.acquisition.spectrometer_frequency_mhz == ACCEPTED[name]
    once, twice = (tmp_path / f"{folder}{SUFFIXES[form]}" for folder in ("once", "twice"))
    write_basis(first, once, form=form)
    again = read_basis(once)
    np.testing.assert_array_equal(again.fids, first.fids)
    facts = ("metabolites", "acquisition", "sequence", "linewidth_hz")
    facts += () if form == "lcmodel" else ("origins", "assumptions")
    assert {fact: getattr(again, fact) for fact in facts} == {fact: getattr(first, fact) for fact in facts}
    write_basis(again, twice, form=form)
    files = sorted(once.iterdir()) if once.is_dir() else [once]
    for file in files:
        assert file.read_bytes() == (twice / file.name if twice.is_dir() else twice).read_bytes()


@pytest.mark.external_data
def test_measures_are_the_same_with_a_set_and_its_copies(
    external_data: Path, run: Run, table: Callable[[Path], pd.DataFrame], tmp_path: Path
) -> None:
    """The spectrum that comes with LCModel's test, fitted with LCModel's basis and with its copies in three forms."""
    original, measures = external_data / "lcmodel_test" / "3t.basis", {}
    for form, suffix in SUFFIXES.items():
        assert run("basis-convert", original, "--form", form, "--out", tmp_path / f"copy{suffix}").code == 0
    for basis in (original, *(tmp_path / f"copy{suffix}" for suffix in SUFFIXES.values())):
        out = tmp_path / f"fit{len(measures)}"
        assert run("fit", external_data / "real" / "philips3t_press30_dbiex.nii.gz", "--basis", basis, "--out", out).code == 0
        measures[basis.name] = table(out / "measures.tsv").set_index("measure")[["value", "sd"]]
    reference = measures.pop("3t.basis")
    assert reference["value"]["Glx/tNAA"] > 0.5
    for copy in measures.values():
        pd.testing.assert_frame_equal(copy, reference, check_exact=True)

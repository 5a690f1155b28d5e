"""Basis sets of other programs given to ``fit`` and ``timecourse``: what the configuration states of them, and which components count."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.commands.fit import real_remark
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.basis_files import read_basis, write_basis

Run = Callable[..., Any]

ONE_POINT = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1, echo_time_s=0.03, repetition_time_s=None
)


@pytest.fixture
def doubled(bench: Any) -> Any:
    """The basis of the bench as a folder of .RAW files, which do not state their spectral width, with a component made up by two others."""
    basis = read_basis(bench.basis)
    total = basis.select(["Glu", "Gln"]).fids.sum(axis=0)
    fids = np.vstack([basis.fids, total]) * np.exp(-np.pi * 2.0 * basis.acquisition.time_s)
    bench.basis = bench.folder / "set"
    write_basis(replace(basis, metabolites=(*basis.metabolites, "Sum"), fids=fids, origins=()), bench.basis, form="raw")
    bench.replace(bench.study, "basis: {", "basis: {file_spectral_width_hz: 2000, ")
    return bench


@pytest.mark.parametrize("command", ["fit", "timecourse"])
def test_configuration_states_what_the_files_do_not_and_doubles_are_told(command: str, doubled: Any, run: Run) -> None:
    code, _, err = run(*getattr(doubled, command)()).but_fits()
    assert code == 0
    expected = f"mrs-pipeline {command}: warning: Sum is the sum of Gln and Glu: their amplitudes cannot be told apart; choose components"
    assert err.startswith(expected)
    assert err.count("\n") == 1


def test_components_chosen_in_the_configuration(doubled: Any, run: Run, table: Callable[[Path], pd.DataFrame]) -> None:
    doubled.replace(doubled.study, "basis: {", "basis: {file_metabolites: [NAA, NAAG, Glu, Gln, Cr, PCr, PCh, GPC], ")
    assert run(*doubled.fit()).but_fits() == (0, "", "")
    assert set(table(doubled.out / "amplitudes.tsv")["metabolite"]) == {
        "NAA",
        "NAAG",
        "Glu",
        "Gln",
        "Cr",
        "PCr",
        "PCh",
        "GPC",
        "MM09",
        "MM20",
    }


def test_components_chosen_on_the_command_line(bench: Any, run: Run, table: Callable[[Path], pd.DataFrame]) -> None:
    basis = read_basis(bench.basis)
    fids = np.vstack([basis.fids, basis.fids[:1] * np.exp(-np.pi * 40 * basis.acquisition.time_s)])
    write_basis(replace(basis, metabolites=(*basis.metabolites, "Mac"), fids=fids, origins=()), bench.basis)
    chosen = ["NAA", "Cr", "mI", "Glu", "Gln", "GPC"]
    assert run(*bench.fit(), "--metabolites", *chosen).code == 0
    assert set(table(bench.out / "amplitudes.tsv")["metabolite"]) == {"NAA", "Cr", "Ins", "Glu", "Gln", "GPC", "Mac"}
    bench.out = bench.folder / "other"
    code, out, err = run(*bench.fit(), "--metabolites", "NAA", "Ace")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{bench.basis}: metabolite 'Ace' is not in the basis: use one of" in err


def test_a_configuration_may_hold_only_what_differs(bench: Any, run: Run, table: Callable[[Path], pd.DataFrame]) -> None:
    bench.study.write_text("fitting: {baseline: polynomial}\n", encoding="utf-8")
    assert run(*bench.fit()).but_fits().code == 0
    assert np.allclose(table(bench.out / "fitquality.tsv")["baseline_ed_per_ppm"], 8 / 3.8)
    bench.study.write_text("fitting: {baselin: polynomial}\n", encoding="utf-8")
    assert "unknown key 'fitting.baselin' (did you mean 'baseline'?)" in run(*bench.fit()).err


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("shift_sd_ppm_by_metabolite: {NAAA: 0.001}", "no component is called 'NAAA': did you mean NAA, NAAG"),
        ("baseline: p-spline", "unknown fitting.baseline 'p-spline': use one of none, p_spline, polynomial"),
    ],
)
def test_names_that_nothing_has_are_refused(section: str, message: str, bench: Any, run: Run) -> None:
    bench.study.write_text(f"fitting: {{{section}}}\n", encoding="utf-8")
    code, _, err = run(*bench.fit())
    assert code == 2
    assert message in err


@pytest.mark.parametrize("command", ["fit", "timecourse"])
def test_an_empty_component_is_named(command: str, bench: Any, run: Run) -> None:
    basis = read_basis(bench.basis)
    fids = np.array(basis.fids)
    fids[basis.metabolites.index("Glu")] = 0.0
    write_basis(replace(basis, fids=fids), bench.basis)
    code, _, err = run(*getattr(bench, command)())
    assert code == 2
    assert "component Glu holds only zeros" in err


def test_a_component_of_nan_is_named_with_one_advice() -> None:
    with pytest.raises(DataError, match=r"component Cr of the basis holds values that are not finite numbers$"):
        BasisSet(metabolites=("NAA", "Cr"), fids=np.array([[1.0], [np.nan]]), acquisition=ONE_POINT, sequence="none")


def test_fids_without_an_imaginary_part_are_a_remark() -> None:
    for data, n_remarks in ((np.ones(1, dtype=complex), 1), (np.array([1.0 + 1.0j]), 0), (np.zeros(1, dtype=complex), 0)):
        assert len(real_remark(Fids(data=data, dims=("time",), acquisition=ONE_POINT))) == n_remarks

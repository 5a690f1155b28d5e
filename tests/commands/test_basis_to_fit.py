"""Basis sets of other programs given to ``fit`` and ``timecourse``: what the configuration states of them, and which components count."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.io.basis_files import read_basis, write_basis

Run = Callable[..., Any]


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

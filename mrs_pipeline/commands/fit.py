"""Command ``fit``: every spectrum of a file fitted by itself."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.basis.dependence import dependence_remarks
from mrs_pipeline.basis.macromolecules import soft_ratio_priors
from mrs_pipeline.basis.spin_systems import spin_systems
from mrs_pipeline.commands.basis import basis_remarks, basis_to_fit, changed_on_reading, fitting_basis
from mrs_pipeline.commands.fit_results import fit_results
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.commands.resampling import NO_RESAMPLING, Resampling, resampled_table
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.io.curves import write_curves
from mrs_pipeline.io.nifti_mrs import read_fids, read_header
from mrs_pipeline.io.orientation import check_orientation
from mrs_pipeline.io.tables import write_table

#: What a study that asks for concentrations is told where no session is known.
NO_CONCENTRATIONS = "no concentrations: they need the water reference of a session, which the commands preprocess and timecourse know"

#: A fit of fewer points of a spectrum than this means nothing.
MIN_POINTS = 32


def fit_file(
    svs: Path,
    *,
    basis: Path,
    config: Mapping[str, Any],
    out_dir: Path,
    metabolites: Sequence[str] | None = None,
    resampling: Resampling = NO_RESAMPLING,
) -> tuple[str, ...]:
    """Fit every spectrum of a NIfTI-MRS file and write amplitudes, their correlations, measures, quality and curves into `out_dir`.

    `config` needs the sections `fitting`, `measures`, `intervals`, `quantification` and `basis` of a study. `metabolites` are the
    components of the basis set that are fitted beside macromolecules (`commands.basis.basis_to_fit`), by default all. `resampling` asks
    for tables of refits, ``bootstrap.tsv`` and ``montecarlo.tsv``. Returns what a reader must know of the basis set (`basis_remarks`,
    `dependence_remarks`), of the fits (`fit_remarks`) and of concentrations, and what was changed in a set of another program.
    """
    fids = read_fids(svs, allow_missing=True)
    if "coil" in fids.dims:
        raise InputError(f"{svs} has {fids.sizes['coil']} coils apart: combine them first, for instance by mrs-pipeline preprocess")
    check_orientation(fids, name=svs)
    available = basis_to_fit(basis, section=config["basis"], metabolites=metabolites)
    remarks = basis_remarks(available, acquisition=fids.acquisition, sequence_name=read_header(svs).extension.get("SequenceName"))
    fitter = fitter_for(available, acquisition=fids.acquisition, config=config)
    remarks += real_remark(fids)
    remarks += dependence_remarks(fitter.basis, ppm_range=fitter.options.ppm_range)
    fits = fit_spectra(fids, fitter=fitter)
    results = fit_results(fits, fitter=fitter, config=config)
    with staged_folder(out_dir) as folder:
        for name, table in results.tables.items():
            write_table(table, folder / name)
        for name, (n_draws, redrawn) in resampling.tables.items():
            table = resampled_table(
                fits,
                fitter=fitter,
                definitions=results.definitions,
                intervals=results.intervals,
                n_draws=n_draws,
                redrawn=redrawn,
                seed=resampling.seed,
            )
            write_table(table, folder / f"{name}.tsv")
        write_curves(fits, folder / "curves.npz")
    remarks = (*remarks, *results.remarks)
    if config["quantification"]["units"]:
        remarks = (*remarks, NO_CONCENTRATIONS)
    return (*remarks, *changed_on_reading(available, basis))


def real_remark(fids: Fids) -> tuple[str, ...]:
    """What a reader must know of FIDs without an imaginary part."""
    if np.any(fids.data.imag) or not np.any(fids.data.real):
        return ()
    return ("the imaginary part of every sample is zero: half of each signal is a mirror image about water; convert the raw data again",)


def _check_names(names: Iterable[str], *, key: str, known: Collection[str]) -> None:
    """Refuse a metabolite that no basis could have; the sentence names the nearest ones."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(standard_name(name), known, n=3, cutoff=0.4) or sorted(known)
            raise ConfigError(f"fitting.{key}: no component is called '{name}': did you mean {', '.join(near)}?")


def fitter_for(basis: BasisSet, *, acquisition: Acquisition, config: Mapping[str, Any]) -> Fitter:
    """The fitter of a basis set on the data's axis with the options of a study; `ConfigError` for a range without data."""
    options = FitOptions.from_mapping(config["fitting"])
    ppm, (low, high) = acquisition.ppm, options.ppm_range
    if np.count_nonzero((ppm >= low) & (ppm <= high)) < MIN_POINTS:
        raise ConfigError(
            f"fitting.ppm_range is {low:g} to {high:g} ppm, where the data have fewer than {MIN_POINTS} points (they run from "
            f"{ppm.min():.1f} to {ppm.max():.1f} ppm): choose a range inside"
        )
    ready = fitting_basis(basis, acquisition=acquisition, macromolecules=config["basis"]["macromolecules"])
    for key in ("shift_sd_ppm_by_metabolite", "broadening_sd_hz_by_metabolite"):
        if getattr(options, key):
            _check_names(getattr(options, key), key=key, known={*ready.metabolites, *spin_systems()})
    return prepare_fitter(ready, options=options, ratio_priors=soft_ratio_priors())

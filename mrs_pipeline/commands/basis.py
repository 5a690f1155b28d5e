"""Command ``basis``: simulate a basis set and write it; basis sets ready for data of a given axis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet, is_macromolecule
from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.basis.resampling import resampled
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.io.basis_files import read_basis_file, write_basis_file


def write_simulated_basis(section: Mapping[str, Any], *, out: Path) -> None:
    """Simulate the metabolites of a `basis` section and write them to `out` (``.BASIS`` or our own format, by its ending).

    A section that names a file has that file copied in our own format instead.
    """
    if section.get("file"):
        write_basis_file(read_basis_file(Path(section["file"])), out)
        return
    acquisition = Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=float(section["spectrometer_frequency_mhz"]),
        spectral_width_hz=float(section["spectral_width_hz"]),
        n_points=int(section["n_points"]),
        echo_time_s=float(section["echo_time_s"]),
        repetition_time_s=None,
    )
    basis = simulate_basis(
        sequence=str(section["sequence"]),
        metabolites=list(section["metabolites"]),
        acquisition=acquisition,
        echo_time_1_s=section.get("echo_time_1_s"),
        mixing_time_s=section.get("mixing_time_s"),
    )
    write_basis_file(basis, out)


def fitting_basis(path: Path, *, acquisition: Acquisition, macromolecules: Sequence[str]) -> BasisSet:
    """A basis set on the data's axis, the built-in macromolecules added unless it brings components of its own."""
    return with_macromolecules(resampled(read_basis_file(path), acquisition=acquisition), names=macromolecules)


def with_macromolecules(basis: BasisSet, *, names: Sequence[str]) -> BasisSet:
    """The basis with built-in macromolecule and lipid components added; unchanged if it has components of its own or none is named."""
    if not names or any(is_macromolecule(name) for name in basis.metabolites):
        return basis
    added = macromolecule_basis(names=names, acquisition=basis.acquisition)
    return replace(
        basis,
        metabolites=(*basis.metabolites, *added.metabolites),
        fids=np.vstack([basis.fids, added.fids]),
        sequence=f"{basis.sequence}; {added.sequence}",
        origins=(*basis.origins, *(added.origins or ("",) * len(added.metabolites))) if basis.origins else (),
        assumptions=(*basis.assumptions, *added.assumptions),
    )

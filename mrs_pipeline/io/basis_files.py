"""Basis-set files of any kind: LCModel ``.BASIS``, and ``.npz``, the form in which this program keeps its own."""

import io
import json
import os
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.io import lcmodel
from mrs_pipeline.io.atomic import atomic_path

#: What the header of our own files says first, so that later versions can tell; the first version had no origins and assumptions.
FORMAT = "mrs_pipeline basis 2"
READABLE_FORMATS = ("mrs_pipeline basis 1", FORMAT)


def read_basis_file(path: str | os.PathLike[str]) -> BasisSet:
    """Read a basis set by its suffix (``.BASIS`` or ``.npz``, in any case); `InputError` names a file that cannot be used."""
    readers = {".basis": lcmodel.read_basis, ".npz": _read_npz}
    return readers[_suffix(path)](path)


def write_basis_file(basis: BasisSet, path: str | os.PathLike[str]) -> None:
    """Write a basis set in the format of the suffix: ``.BASIS`` for other programs, ``.npz`` without any loss; same input, same bytes."""
    writers = {".basis": lcmodel.write_basis, ".npz": _write_npz}
    writers[_suffix(path)](basis, path)


def _suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in {".basis", ".npz"}:
        raise ConfigError(f"{path} has no suffix of a basis-set file: name it .npz (no loss) or .BASIS (LCModel format)")
    return suffix


def _write_npz(basis: BasisSet, path: str | os.PathLike[str]) -> None:
    header = {
        "format": FORMAT,
        "metabolites": list(basis.metabolites),
        "acquisition": asdict(basis.acquisition),
        "sequence": basis.sequence,
        "linewidth_hz": basis.linewidth_hz,
        "origins": list(basis.origins),
        "assumptions": list(basis.assumptions),
    }
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, header=np.array(json.dumps(header)), fids=basis.fids)


def _read_npz(path: str | os.PathLike[str]) -> BasisSet:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror or error}): check its name or simulate the basis set first") from error
    try:
        return _basis_from(content)
    except Exception as error:  # damaged archives raise errors of zipfile, zlib, json, tokenize and many other modules
        raise InputError(f"{path} is not a whole basis-set file ({error}): simulate or export it again") from error


def _basis_from(content: bytes) -> BasisSet:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            header = json.loads(str(arrays["header"]))
            fids = np.asarray(arrays["fids"], dtype=np.complex128)
    if header["format"] not in READABLE_FORMATS:
        raise InputError(f"its format is '{header['format']}'")
    return BasisSet(
        metabolites=tuple(standard_name(str(name)) for name in header["metabolites"]),
        fids=fids,
        acquisition=Acquisition(**header["acquisition"]),
        sequence=str(header["sequence"]),
        linewidth_hz=float(header["linewidth_hz"]),
        origins=tuple(str(text) for text in header.get("origins", ())),
        assumptions=tuple(str(text) for text in header.get("assumptions", ())),
    )

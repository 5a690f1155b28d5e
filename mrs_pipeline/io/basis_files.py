"""Basis sets of any form: LCModel's ``.BASIS`` and ``.RAW``, the JSON files of FSL-MRS, and ``.npz``, this program's own."""

import io
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.errors import ConfigError, InputError, unknown_name
from mrs_pipeline.io import lcmodel
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.basis_folder import files_of
from mrs_pipeline.io.fsl_json import is_own_json, read_fsl_json, write_fsl_json
from mrs_pipeline.io.lcmodel_raw import read_raw, write_raw
from mrs_pipeline.io.stated import NOTHING_STATED, Stated

#: What the header of our own files says first, so that later versions can tell; the first version had no origins and assumptions.
FORMAT = "mrs_pipeline basis 2"
READABLE_FORMATS = ("mrs_pipeline basis 1", FORMAT)


def read_basis(path: str | os.PathLike[str], *, stated: Stated = NOTHING_STATED) -> BasisSet:
    """Read a basis set, whatever its form: a file by its suffix, a folder by the suffix of the files in it.

    ``stated`` adds what the files do not say of their sampling and timing. Sets of other programs are brought to this package's
    conventions, which ``assumptions`` tells; `InputError` names a file that cannot be used.
    """
    source = Path(path)
    return _READERS[_suffix_of(source)](source, stated=stated)


def basis_inputs(path: Path) -> list[Path]:
    """All files a basis set is read from, so that a change of any of them can be noticed; the path itself if it cannot be read."""
    if not path.is_dir():
        return [path]
    return [file for suffix in _FOLDERS for file in files_of(path, suffix=suffix)] or [path]


def write_basis(basis: BasisSet, path: str | os.PathLike[str], *, form: str | None = None) -> None:
    """Write a basis set as one of `FORMS`, by default that of the suffix; same input, same bytes.

    Nothing is lost in ``npz`` and ``fsl_json``; ``lcmodel`` rounds to 1e-10 of the largest value and, like ``raw``, keeps neither origins
    nor assumptions. The last two are new folders. `ConfigError` for an unknown form or suffix, or one that contradicts the other.
    """
    form = form or _form_of(Path(path))
    if form not in FORMS:
        raise unknown_name("form of a basis set", form, FORMS)
    _check_suffix(Path(path), form=form)
    FORMS[form](basis, path)


def is_own(path: Path) -> bool:
    """Whether a basis set that can be read is of a form of this program that keeps its assumptions, so that reading changes nothing."""
    if path.suffix.lower() == ".npz":
        return True
    files = files_of(path, suffix=".json")
    return bool(files) and files[0].suffix.lower() == ".json" and is_own_json(files[0])


def _check_suffix(path: Path, *, form: str) -> None:
    """A form that a reader would not expect behind the suffix is a `ConfigError`."""
    suffix = next((suffix for suffix, of_suffix in _SUFFIXES.items() if of_suffix == form), None)
    if suffix is None and path.suffix.lower() in _SUFFIXES:
        raise ConfigError(f"{path} is the name of a file, but the form {form} is a folder: leave out {path.suffix} or the form")
    if suffix is not None and path.suffix.lower() != suffix:
        raise ConfigError(f"{path} does not end in {suffix}, as a basis set of the form {form} does: change its name or the form")


def _form_of(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ConfigError(
            f"{path} has no suffix of a basis-set file: name it .npz (no loss) or .BASIS (LCModel), or choose the form "
            "fsl_json or raw for a folder"
        )
    return _SUFFIXES[suffix]


def _suffix_of(path: Path) -> str:
    """The suffix that decides on the reader; `InputError` where there is none, or more than one kind of file in a folder."""
    if path.is_dir():
        found = [suffix for suffix in _FOLDERS if files_of(path, suffix=suffix)]
        if len(found) != 1:
            held = "both .raw and .json files" if found else "neither .raw nor .json files"
            raise InputError(f"{path} holds {held}: name a folder with the files of one basis set, LCModel's .RAW or FSL-MRS's .json")
        return found[0]
    if not path.exists():
        raise InputError(f"{path} could not be read (no such file): check its name or simulate the basis set first")
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise InputError(f"{path} has no suffix of a basis set: .npz, .BASIS, or a folder of .raw or .json files is expected")
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


def _read_npz(path: str | os.PathLike[str], *, stated: Stated) -> BasisSet:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror or error}): check its name or simulate the basis set first") from error
    try:
        basis = _basis_from(content)
    except Exception as error:  # damaged archives raise errors of zipfile, zlib, json, tokenize and many other modules
        raise InputError(f"{path} is not a whole basis-set file ({error}): simulate or export it again") from error
    return _with_stated(basis, stated=stated, path=path)


def _with_stated(basis: BasisSet, *, stated: Stated, path: object) -> BasisSet:
    acquisition = basis.acquisition
    for name in ("spectrometer_frequency_mhz", "spectral_width_hz"):
        stated.value(name, getattr(acquisition, name), path=path)
    echo_time_s = stated.value("echo_time_s", acquisition.echo_time_s, path=path)
    return replace(basis, acquisition=replace(acquisition, echo_time_s=echo_time_s))


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


#: The forms in which a basis set can be written.
FORMS: dict[str, Callable[[BasisSet, str | os.PathLike[str]], None]] = {
    "npz": _write_npz,
    "lcmodel": lcmodel.write_basis,
    "fsl_json": write_fsl_json,
    "raw": write_raw,
}

_SUFFIXES = {".npz": "npz", ".basis": "lcmodel"}

_READERS: dict[str, Callable[..., BasisSet]] = {".npz": _read_npz, ".basis": lcmodel.read_basis, ".raw": read_raw, ".json": read_fsl_json}

#: Suffixes of files of which a folder may be full.
_FOLDERS = (".raw", ".json")

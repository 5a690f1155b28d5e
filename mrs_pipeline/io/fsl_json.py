"""Basis sets of FSL-MRS: a folder of JSON files, one a metabolite.

The keys are those of its documentation ("Basis Spectra Simulation") and of its author's answer to a user (issue 7 of its repository):
``basis_re`` and ``basis_im`` (the FID), ``basis_dwell`` (s), ``basis_centre`` (the spectrometer frequency, MHz), ``basis_width``
(broadening, Hz) and ``basis_name``, inside ``basis`` or, for a macromolecule file, at the top. Its spectra have ppm = 4.65 + f / SF under
a plain transform: FIDs are the complex conjugates of those on disk in NIfTI-MRS, and of those here. Files of other programs with the
other sign are told by their signals (`basis.conventions.upright`).
"""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.atomic import atomic_folder
from mrs_pipeline.io.basis_folder import OneFid, assembled, file_name, files_of
from mrs_pipeline.io.namelists import LARGEST
from mrs_pipeline.io.stated import NOTHING_STATED, Stated

#: What ``meta`` of the files written here says of its author: they need no examination.
OWN_PROGRAM = "mrs_pipeline"

#: Spectrometer frequencies that scanners have, MHz; a million times more is one in Hz.
PLAUSIBLE_MHZ = (10.0, 1500.0)

#: Fewer points are no FID.
MIN_POINTS = 16

_KEYS = ("basis_re", "basis_im", "basis_dwell", "basis_centre")


def read_fsl_json(path: str | os.PathLike[str], *, stated: Stated = NOTHING_STATED) -> BasisSet:
    """Read a folder of FSL-MRS basis files, or a single one, into this package's conventions.

    Raises `InputError` naming the file for text that is no JSON, missing keys, lists of differing lengths, values that are not numbers,
    and for files that differ in sampling.
    """
    source = Path(path)
    files = files_of(source, suffix=".json")
    if not files:
        raise InputError(f"{path} holds no .json file: name a folder with one file a metabolite")
    parts = [(_content(file), file) for file in files]
    parts.sort(key=lambda part: _position(part[0]))
    return assembled([_one(content, file=file) for content, file in parts], path=source, stated=stated)


def is_own_json(file: Path) -> bool:
    """Whether a basis file of FSL-MRS was written by this program."""
    return bool(_meta(_content(file)))


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{file} could not be read ({error.strerror or error}): check its name and permissions") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is not JSON, or it is truncated ({error}): export the basis set again") from error
    if not isinstance(content, dict):
        raise InputError(f"{file} is no basis file of FSL-MRS: a JSON object with the key 'basis' is expected")
    return content


def _meta(content: Mapping[str, Any]) -> dict[str, Any]:
    """What this program noted in a file of its own; nothing in files of others."""
    meta = content.get("meta")
    return meta if isinstance(meta, dict) and meta.get("program") == OWN_PROGRAM else {}


def _position(content: Mapping[str, Any]) -> int:
    position = _meta(content).get("position", 0)
    return position if isinstance(position, int) else 0


def _one(content: Mapping[str, Any], *, file: Path) -> OneFid:
    basis = content.get("basis", content)
    missing = [key for key in _KEYS if not isinstance(basis, dict) or key not in basis]
    if missing:
        raise InputError(f"{file} has no '{missing[0]}': it is not a basis file of FSL-MRS, or not a whole one")
    meta, sequence = _meta(content), content.get("seq")
    frequency_mhz, remarks = _frequency_mhz(_number(basis, "basis_centre", file=file), file=file)
    width_hz = basis.get("basis_width")
    return OneFid(
        file=file,
        name=str(basis.get("basis_name") or file.stem),
        fid=_fid(basis, file=file),
        spectrometer_frequency_mhz=frequency_mhz,
        spectral_width_hz=_spectral_width_hz(basis, meta=meta, file=file),
        echo_time_s=_number(meta, "echo_time_s", file=file) if meta.get("echo_time_s") else None,
        linewidth_hz=float(width_hz) if isinstance(width_hz, int | float) and (meta or width_hz > 0) else None,
        sequence=str(sequence.get("sequenceName") or "") if isinstance(sequence, dict) else "",
        origin=str(meta.get("origin") or ""),
        assumptions=(*map(str, meta.get("assumptions") or ()), *remarks),
        settled=bool(meta),
    )


def _spectral_width_hz(basis: Mapping[str, Any], *, meta: Mapping[str, Any], file: Path) -> float:
    """From the dwell time; as it was before it was turned into one, where the file knows."""
    dwell_time_s = _number(basis, "basis_dwell", file=file)
    if dwell_time_s <= 0:
        raise InputError(f"{file}: basis_dwell is {dwell_time_s:g}: the positive time between two samples in seconds is expected")
    noted = meta.get("spectral_width_hz")
    return noted if isinstance(noted, float) and 1.0 / noted == dwell_time_s else float(f"{1.0 / dwell_time_s:.14g}")


def _frequency_mhz(value: float, *, file: Path) -> tuple[float, tuple[str, ...]]:
    """The spectrometer frequency, which some programs state in Hz, and a remark if this one did."""
    low, high = PLAUSIBLE_MHZ
    if low <= value <= high:
        return value, ()
    if low <= value / 1e6 <= high:
        return value / 1e6, ("basis_centre was taken to be in Hz",)
    raise InputError(f"{file}: basis_centre is {value:g}: the spectrometer frequency in MHz is expected")


def _number(values: Mapping[str, Any], key: str, *, file: Path) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{file}: {key} is {str(value)[:40]!r} where a number is expected: export the basis set again")
    return float(value)


def _fid(basis: Mapping[str, Any], *, file: Path) -> ComplexArray:
    real, imaginary = (_numbers(basis[key], key=key, file=file) for key in ("basis_re", "basis_im"))
    if real.size != imaginary.size:
        raise InputError(f"{file}: basis_re has {real.size} values and basis_im {imaginary.size}: export the basis set again")
    return np.stack([real, -imaginary], axis=1).view(np.complex128)[:, 0]


def _numbers(values: object, *, key: str, file: Path) -> FloatArray:
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or numbers.size < MIN_POINTS or not np.all(np.abs(numbers) < LARGEST):
        raise InputError(f"{file}: {key} is not a list of at least {MIN_POINTS} finite numbers: export the basis set again")
    return numbers


def write_fsl_json(basis: BasisSet, path: str | os.PathLike[str]) -> None:
    """Write a new folder of FSL-MRS basis files without any rounding; what the format does not know is kept in ``meta``."""
    with atomic_folder(path) as folder:
        for position, (name, fid) in enumerate(zip(basis.metabolites, basis.fids, strict=True)):
            text = json.dumps(_file_content(name, fid, basis=basis, position=position), allow_nan=False)
            (folder / file_name(name, suffix=".json")).write_text(text + "\n", encoding="utf-8")


def _file_content(name: str, fid: ComplexArray, *, basis: BasisSet, position: int) -> dict[str, Any]:
    acquisition = basis.acquisition
    return {
        "basis": {
            "basis_re": fid.real.tolist(),
            "basis_im": (-fid.imag).tolist(),
            "basis_dwell": acquisition.dwell_time_s,
            "basis_centre": acquisition.spectrometer_frequency_mhz,
            "basis_width": basis.linewidth_hz,
            "basis_name": name,
        },
        "seq": {"sequenceName": basis.sequence},
        "meta": {
            "program": OWN_PROGRAM,
            "position": position,
            "spectral_width_hz": acquisition.spectral_width_hz,
            "echo_time_s": acquisition.echo_time_s,
            "origin": basis.origins[position] if basis.origins else "",
            "assumptions": list(basis.assumptions),
        },
    }

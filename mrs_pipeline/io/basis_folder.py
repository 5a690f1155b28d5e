"""A basis set kept as one file per metabolite: which files belong to it, and whether they agree with each other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.basis.conventions import decay_linewidth_hz, in_own_conventions
from mrs_pipeline.errors import InputError, MrsPipelineError
from mrs_pipeline.io.stated import Stated

#: Values of two files that differ by less are the same.
SAME = 1e-6

#: What a set must state, how a message calls it, and where else it may be given.
_NEEDED = {
    "spectrometer_frequency_mhz": ("spectrometer frequency", "basis.file_frequency_mhz", "--frequency"),
    "spectral_width_hz": ("spectral width", "basis.file_spectral_width_hz", "--spectral-width"),
}


@dataclass(frozen=True, kw_only=True)
class OneFid:
    """One metabolite as its file has it; None where the file does not say. ``settled`` files follow this package's conventions."""

    file: Path
    name: str
    fid: ComplexArray
    spectrometer_frequency_mhz: float | None = None
    spectral_width_hz: float | None = None
    echo_time_s: float | None = None
    linewidth_hz: float | None = None
    sequence: str = ""
    origin: str = ""
    assumptions: tuple[str, ...] = ()
    settled: bool = False


def files_of(path: Path, *, suffix: str) -> list[Path]:
    """The files of a folder with a suffix (in any case), or the file itself; hidden files do not count."""
    if not path.is_dir():
        return [path]
    return sorted(entry for entry in path.iterdir() if entry.suffix.lower() == suffix and not entry.name.startswith("."))


def file_name(name: str, *, suffix: str) -> str:
    """Name of the file of a metabolite; `InputError` for a name that no file can have."""
    if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|') or not name.isprintable():
        raise InputError(f"no file can be named after the metabolite '{name}': write the basis set as .npz or .BASIS")
    return name + suffix


def assembled(parts: Sequence[OneFid], *, path: Path, stated: Stated) -> BasisSet:
    """One basis set of single FIDs, in this package's conventions.

    `InputError` for files that differ in length, sampling or echo time, for a sampling nobody states, and for a name that appears twice.
    """
    sizes = {part.fid.size: part.file.name for part in parts}
    if len(sizes) > 1:
        each = " and ".join(f"{file} has {size}" for size, file in list(sizes.items())[:2])
        raise InputError(f"{path}: the files differ in their number of points ({each}): export them alike")
    try:
        basis = BasisSet(
            metabolites=tuple(standard_name(part.name) for part in parts),
            fids=np.array([part.fid for part in parts]),
            acquisition=_acquisition(parts, path=path, stated=stated),
            sequence=next((part.sequence for part in parts if part.sequence), ""),
            origins=tuple(part.origin or part.file.name for part in parts),
            assumptions=tuple(dict.fromkeys(remark for part in parts for remark in part.assumptions)),
        )
        settled = basis if all(part.settled for part in parts) else in_own_conventions(basis)
    except InputError:
        raise
    except MrsPipelineError as error:
        raise InputError(f"{path}: {error}") from error
    return replace(settled, linewidth_hz=_linewidth_hz(parts, basis=settled))


def _acquisition(parts: Sequence[OneFid], *, path: Path, stated: Stated) -> Acquisition:
    names = (*_NEEDED, "echo_time_s")
    values = {name: stated.value(name, _common(parts, name, path=path), path=path) for name in names}
    for name, (words, key, option) in _NEEDED.items():
        if values[name] is None:
            raise InputError(
                f"{path} does not state the {words} of its FIDs: give it as {key} in the configuration, "
                f"or convert the files with mrs-pipeline basis-convert and its option {option}"
            )
    return Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=float(values["spectrometer_frequency_mhz"] or 0.0),
        spectral_width_hz=float(values["spectral_width_hz"] or 0.0),
        n_points=parts[0].fid.size,
        echo_time_s=values["echo_time_s"],
        repetition_time_s=None,
    )


def _common(parts: Sequence[OneFid], name: str, *, path: Path) -> float | None:
    """The value all files that state it have; `InputError` names two that differ."""
    stating = [part for part in parts if getattr(part, name) is not None]
    if not stating:
        return None
    first = float(getattr(stating[0], name))
    for part in stating[1:]:
        other = float(getattr(part, name))
        if abs(other - first) > SAME * abs(first):
            words = name.removesuffix("_s").removesuffix("_mhz").removesuffix("_hz").replace("_", " ")
            raise InputError(
                f"{path}: {stating[0].file.name} has a {words} of {first:g} and {part.file.name} one of {other:g}: export the files alike"
            )
    return first


def _linewidth_hz(parts: Sequence[OneFid], *, basis: BasisSet) -> float:
    """What all files state; else, the common decay of the FIDs."""
    widths = [part.linewidth_hz for part in parts]
    stated = [width for width in widths if width is not None and width >= 0]
    if len(stated) == len(parts) and max(stated) - min(stated) <= SAME * max(stated):
        return stated[0]
    return decay_linewidth_hz(basis.fids, acquisition=basis.acquisition)

"""LCModel's ``.RAW`` files: one FID each, in the sign of this package, without its spectral width; a folder of them is a basis set."""

import os
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.atomic import atomic_folder
from mrs_pipeline.io.basis_folder import OneFid, assembled, file_name, files_of
from mrs_pipeline.io.namelists import LARGEST, Namelist, complex_values, number_of, quoted, read_namelists
from mrs_pipeline.io.stated import NOTHING_STATED, Stated


def read_raw(path: str | os.PathLike[str], *, stated: Stated = NOTHING_STATED) -> BasisSet:
    """Read a ``.RAW`` file or a folder of them as a basis set; the names of the files are those of the metabolites.

    ``stated`` must hold the spectral width, which the format does not know; the spectrometer frequency and the echo time are taken from
    a $SEQPAR of the files where they have one. Raises `InputError` for files that differ in length or sampling.
    """
    source = Path(path)
    files = files_of(source, suffix=".raw")
    if not files:
        raise InputError(f"{path} holds no .raw file: name a folder with one file a metabolite")
    return assembled([_one(file) for file in files], path=source, stated=stated)


def _one(file: Path) -> OneFid:
    namelists = read_namelists(file)
    general = next((entry.values for entry in namelists if entry.name == "SEQPAR"), {})
    frequency_mhz = number_of(general, "HZPPPM", path=file, default=0.0)
    echo_time_ms = number_of(general, "ECHOT", path=file, default=0.0)
    return OneFid(
        file=file,
        name=file.stem,
        fid=_fid(namelists, path=file),
        spectrometer_frequency_mhz=frequency_mhz or None,
        echo_time_s=echo_time_ms / 1000 or None,
        sequence=general.get("SEQ", ""),
    )


def read_raw_fid(path: str | os.PathLike[str]) -> ComplexArray:
    """The FID of one ``.RAW`` file, times TRAMP over VOLUME as LCModel does."""
    return _fid(read_namelists(path), path=path)


def _fid(namelists: list[Namelist], *, path: object) -> ComplexArray:
    entries = [entry for entry in namelists if entry.name == "NMID"]
    if len(entries) != 1:
        raise InputError(f"{path} holds {len(entries)} $NMID headers where one is expected: it is not an LCModel .RAW file")
    values = entries[0].values
    if values.get("SEQACQ", "F").strip(".").upper().startswith("T"):
        raise InputError(f"{path} was sampled sequentially (SEQACQ = T), which is not supported: export it with simultaneous sampling")
    fid = complex_values(entries[0].data, path=path, what="the FID")
    fid = np.conj(fid) if values.get("BRUKER", "F").strip(".").upper().startswith("T") else fid
    tramp, volume = (number_of(values, key, path=path, default=1.0) for key in ("TRAMP", "VOLUME"))
    if not 1 / LARGEST < min(tramp, volume) <= max(tramp, volume) < LARGEST:
        raise InputError(f"{path}: TRAMP and VOLUME must be positive numbers: correct the header")
    return fid if tramp == volume else fid * (tramp / volume)


def write_raw(basis: BasisSet, path: str | os.PathLike[str]) -> None:
    """Write a new folder of ``.RAW`` files, one a metabolite, without any rounding; a reader must be told their spectral width."""
    with atomic_folder(path) as folder:
        for name, fid in zip(basis.metabolites, basis.fids, strict=True):
            (folder / file_name(name, suffix=".raw")).write_text(_text(name, fid, basis=basis))


def _text(name: str, fid: ComplexArray, *, basis: BasisSet) -> str:
    acquisition = basis.acquisition
    echo = "" if acquisition.echo_time_s is None else repr(round(acquisition.echo_time_s * 1000, 9))
    lines = [f"{value.real:25.16E}{value.imag:25.16E}\n" for value in fid]
    return (
        f" $SEQPAR\n ECHOT = {echo},\n HZPPPM = {float(acquisition.spectrometer_frequency_mhz)!r},\n"
        f" SEQ = '{quoted(basis.sequence)}'\n $END\n"
        f" $NMID\n ID = '{quoted(name)}',\n FMTDAT = '(2E25.16)',\n VOLUME = 1.,\n TRAMP = 1.\n $END\n" + "".join(lines)
    )

"""Commands ``basis`` and ``basis-convert``: make or take over a basis set and write it; basis sets ready for data of a given axis."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet, is_macromolecule, standard_name
from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.basis.resampling import echo_time_remark, resampled, sequence_remark
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import SpinSystem, selected_spin_systems
from mrs_pipeline.commands.basis_cache import cache_folder, cached, simulation_key
from mrs_pipeline.commands.pulses import configured_pulses, pulse_sources
from mrs_pipeline.errors import ConfigError, DataError, InputError
from mrs_pipeline.io.basis_files import basis_inputs, is_own, read_basis, write_basis
from mrs_pipeline.io.stated import Stated


def write_configured_basis(section: Mapping[str, Any], *, out: Path, form: str | None = None, use_cache: bool = True) -> tuple[str, ...]:
    """Write the basis set of a `basis` section to `out`: the one its ``file`` names, else a simulated one.

    `form` is one of `io.basis_files.FORMS`, by default that of the suffix. A long simulation is kept and read the next time
    (`basis_cache`), unless `use_cache` is false. Returns what was changed in an imported set, in sentences.
    """
    if section.get("file"):
        wanted = section.get("file_metabolites")
        return convert_basis(Path(section["file"]), out, stated=stated_of_files(section), form=form, metabolites=wanted)
    systems = selected_spin_systems(section["metabolites"], variants=section["spin_systems"])
    folder = cache_folder() if use_cache else None
    basis = cached(simulation_key(section, systems=systems), lambda: _simulated(section, systems=systems), folder=folder)
    write_basis(basis, out, form=form)
    return ()


def _simulated(section: Mapping[str, Any], *, systems: Sequence[SpinSystem]) -> BasisSet:
    acquisition = Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=float(section["spectrometer_frequency_mhz"]),
        spectral_width_hz=float(section["spectral_width_hz"]),
        n_points=int(section["n_points"]),
        echo_time_s=float(section["echo_time_s"]),
        repetition_time_s=None,
    )
    return simulate_basis(
        sequence=str(section["sequence"]),
        metabolites=systems,
        acquisition=acquisition,
        echo_time_1_s=section.get("echo_time_1_s"),
        mixing_time_s=section.get("mixing_time_s"),
        refocusing_times_s=section.get("refocusing_times_s"),
        selection=configured_pulses(section["pulses"]),
    )


def convert_basis(
    source: Path, out: Path, *, stated: Stated, form: str | None = None, metabolites: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Write a basis set, or some of its metabolites, in another form; returns `changed_on_reading`."""
    basis = read_basis(source, stated=stated)
    try:
        wanted = basis.select(metabolites) if metabolites else basis
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None
    write_basis(wanted, out, form=form)
    return changed_on_reading(basis, source)


def changed_on_reading(basis: BasisSet, source: Path) -> tuple[str, ...]:
    """What was changed in the set of another program, in sentences; nothing in one of our own."""
    return () if is_own(source) else basis.assumptions


def stated_of_files(section: Mapping[str, Any]) -> Stated:
    """What a `basis` section states of the sampling of files that do not state it."""
    return Stated(
        spectrometer_frequency_mhz=section.get("file_frequency_mhz"),
        spectral_width_hz=section.get("file_spectral_width_hz"),
        echo_time_s=section.get("file_echo_time_s"),
    )


def basis_to_fit(path: Path, *, section: Mapping[str, Any], metabolites: Sequence[str] | None = None) -> BasisSet:
    """The basis set of a path with what a `basis` section states of files that do not state it, or choose among their components.

    Files of our own form have nothing to add. `metabolites` takes the place of the section's choice; macromolecules are kept besides.
    """
    own = path.suffix.lower() == ".npz"
    basis = read_basis(path) if own else read_basis(path, stated=stated_of_files(section))
    wanted = metabolites or (None if own else section.get("file_metabolites"))
    if wanted:
        names = dict.fromkeys(map(standard_name, wanted))
        kept = [name for name in basis.metabolites if is_macromolecule(name) and name not in names] if metabolites else []
        try:
            basis = basis.select([*names, *kept])
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None
    _check_signals(basis, path=path)
    return basis


def _check_signals(basis: BasisSet, *, path: Path) -> None:
    empty = [name for name, fid in zip(basis.metabolites, basis.fids, strict=True) if not fid.any()]
    if empty:
        raise InputError(f"{path}: component {empty[0]} holds only zeros: export it again or choose components without it by --metabolites")


def basis_sources(section: Mapping[str, Any]) -> list[Path]:
    """The files that the basis set of a section is read from; for a simulated one those of its pulses."""
    return basis_inputs(Path(section["file"])) if section["file"] else pulse_sources(section["pulses"])


def macromolecule_sources(section: Mapping[str, Any]) -> list[Path]:
    """The files that measured macromolecules are read from; none for built-in ones."""
    choice = section["macromolecules"]
    return basis_inputs(Path(choice)) if isinstance(choice, str) else []


def fitting_basis(basis: BasisSet, *, acquisition: Acquisition, macromolecules: Sequence[str] | str | None) -> BasisSet:
    """A basis set on the data's axis, with the macromolecules of a study (`with_macromolecules`)."""
    return with_macromolecules(resampled(basis, acquisition=acquisition), names=macromolecules)


def basis_remarks(basis: BasisSet, *, acquisition: Acquisition, sequence_name: object = "") -> tuple[str, ...]:
    """What a reader of the results must know where a basis is not quite of the data, in sentences."""
    found = (
        echo_time_remark(basis, acquisition=acquisition),
        sequence_remark(basis, sequence_name=sequence_name if isinstance(sequence_name, str) else ""),
    )
    return tuple(remark for remark in found if remark)


def with_macromolecules(basis: BasisSet, *, names: Sequence[str] | str | None) -> BasisSet:
    """The basis with macromolecules and lipids.

    `names` lists built-in components, which are added unless the basis has some of its own; a text is the path of a basis set whose
    macromolecules, resampled, take the place of all others; nothing leaves the basis as it is.
    """
    if isinstance(names, str):
        return _joined(_without_macromolecules(basis), _measured(Path(names), acquisition=basis.acquisition))
    if not names or any(is_macromolecule(name) for name in basis.metabolites):
        return basis
    return _joined(basis, macromolecule_basis(names=names, acquisition=basis.acquisition))


def _without_macromolecules(basis: BasisSet) -> BasisSet:
    return basis.select([name for name in basis.metabolites if not is_macromolecule(name)])


def _measured(path: Path, *, acquisition: Acquisition) -> BasisSet:
    """The macromolecules of a file on the data's axis."""
    found = read_basis(path)
    names = [name for name in found.metabolites if is_macromolecule(name)]
    if not names:
        held = ", ".join(found.metabolites)
        raise InputError(f"{path} holds no macromolecules but {held}: components with names such as Mac, MM09 or Lip13 are expected")
    try:
        return resampled(found.select(names), acquisition=acquisition)
    except DataError as error:
        raise InputError(f"{path}: {error}") from error


def _joined(basis: BasisSet, added: BasisSet) -> BasisSet:
    """Both sets in one, which must share their axis."""
    known = bool(basis.origins or added.origins)
    origins = ((one.origins or ("",) * len(one.metabolites)) if known else () for one in (basis, added))
    return replace(
        basis,
        metabolites=(*basis.metabolites, *added.metabolites),
        fids=np.vstack([basis.fids, added.fids]),
        sequence=f"{basis.sequence}; {added.sequence}",
        origins=tuple(origin for each in origins for origin in each),
        assumptions=tuple(dict.fromkeys((*basis.assumptions, *added.assumptions))),
    )

"""BIDS file names of MR spectroscopy (BIDS 1.10): entities, suffixes, and which sidecar applies to which file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mrs_pipeline.errors import InputError
from mrs_pipeline.io.tables import read_json

#: Entities in the order in which they stand in a name.
ENTITIES = ("sub", "ses", "task", "acq", "nuc", "voi", "rec", "run", "echo", "inv")

#: Data suffixes and their endings.
SUFFIXES = ("svs", "mrsref", "events", "mrsi", "unloc")
NIFTI_ENDINGS = (".nii.gz", ".nii")

_LABEL = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, kw_only=True)
class BidsName:
    """A file name taken apart: entities (``sub`` -> ``01``), suffix and ending with its dot."""

    entities: Mapping[str, str]
    suffix: str
    ending: str

    def __str__(self) -> str:
        """The file name, entities in the standard's order."""
        parts = [f"{key}-{self.entities[key]}" for key in ENTITIES if key in self.entities]
        return "_".join([*parts, self.suffix]) + self.ending

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """What must be unique in a dataset for one suffix; ``run-1`` and ``run-01`` are the same run."""
        return tuple(
            (name, value.lstrip("0") if name in {"run", "echo", "inv"} else value) for name, value in sorted(self.entities.items())
        )


def parse_name(path: Path) -> BidsName:
    """Take a file name apart; `InputError` says what about it is not BIDS."""
    stem, dot, ending = path.name.partition(".")
    *pairs, suffix = stem.split("_")
    entities: dict[str, str] = {}
    for pair in pairs:
        name, dash, label = pair.partition("-")
        if not dash or name not in ENTITIES or name in entities or not _LABEL.fullmatch(label):
            raise InputError(
                f"{path}: '{pair}' in the name is no BIDS entity of spectroscopy: use {', '.join(f'{key}-' for key in ENTITIES)}"
            )
        entities[name] = label
    if list(entities) != [key for key in ENTITIES if key in entities]:
        raise InputError(f"{path}: the entities of the name are not in the order of BIDS ({', '.join(ENTITIES)}): rename the file")
    if not re.fullmatch(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)?", ending):
        raise InputError(f"{path}: '.{ending}' is no ending of a BIDS file: use dots only in endings such as .nii.gz and .json")
    return BidsName(entities=entities, suffix=suffix, ending=dot + ending)


def checked_label(label: str, *, what: str) -> str:
    """The label, if letters and digits are all it has; else `InputError`."""
    if not _LABEL.fullmatch(label):
        raise InputError(f"{what} '{label}' cannot be part of a BIDS file name: use letters and digits only")
    return label


def is_part_of(entities: Mapping[str, str], *, of: Mapping[str, str]) -> bool:
    """Whether every entity has the same label among the other entities."""
    return all(of.get(key) == label for key, label in entities.items())


def inherited_sidecar(path: Path, *, root: Path) -> dict[str, object]:
    """Metadata of a data file by the inheritance principle: files nearer to it and with more entities win.

    A JSON file applies if it lies in a folder between ``root`` and the file, has the same suffix and no entity that the
    file has not. `InputError` names a JSON file that is not valid.
    """
    merged: dict[str, object] = {}
    for sidecar in inherited_files(path, root=root):
        merged.update(read_json(sidecar))
    return merged


def inherited_files(path: Path, *, root: Path) -> list[Path]:
    """The JSON files that apply to a data file, those that win last."""
    name = parse_name(path)
    folders = [folder for folder in reversed(path.parents) if folder == root or root in folder.parents]
    found: list[Path] = []
    for folder in folders:
        found += [file for _, file in sorted(_applicable(folder.glob(f"*{name.suffix}.json"), name=name), key=lambda pair: pair[0])]
    return found


def _applicable(candidates: Iterable[Path], *, name: BidsName) -> list[tuple[int, Path]]:
    """Sidecars that apply, each with its number of entities."""
    found = []
    for candidate in candidates:
        other = parse_name(candidate)
        if other.suffix == name.suffix and is_part_of(other.entities, of=name.entities):
            found.append((len(other.entities), candidate))
    return found

"""BIDS datasets of MR spectroscopy: which sessions there are, and which files belong to each."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from mrs_pipeline.errors import InputError
from mrs_pipeline.io.bids_names import NIFTI_ENDINGS, BidsName, inherited_files, inherited_sidecar, is_part_of, parse_name
from mrs_pipeline.io.tables import read_known_table

#: Which files to take: entity -> label, several labels, or None for "without this entity".
Filters = Mapping[str, str | Sequence[str] | None]


@dataclass(frozen=True, kw_only=True)
class RunFiles:
    """One recording: data, water references, events, metadata of data and reference, and when it started (date and time, if known)."""

    svs: Path
    references: tuple[Path, ...] = ()
    events: Path | None = None
    sidecar: Mapping[str, Any] = field(default_factory=dict)
    reference_sidecar: Mapping[str, Any] = field(default_factory=dict)
    acq_time: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionFiles:
    """The runs of one visit of one participant; ``session`` is empty in datasets without sessions."""

    participant: str
    session: str
    runs: tuple[RunFiles, ...]

    @property
    def label(self) -> str:
        """Such as ``sub-01_ses-1``, the beginning of all file names of the session."""
        return f"sub-{self.participant}" + (f"_ses-{self.session}" if self.session else "")


def find_sessions(bids_dir: str | os.PathLike[str], *, filters: Filters | None = None) -> tuple[SessionFiles, ...]:
    """All sessions with single-voxel data that pass ``filters``, ordered by participant and session.

    Runs of one session may differ in the run entity (and in task, if the filter names several tasks); anything else that
    differs has to be chosen by a filter. Raises `InputError` for duplicate files, participants and sessions, names that
    contradict their folders, references that do not exist or leave the dataset, and a dataset without any matching data.
    """
    root = _dataset(bids_dir)
    read_participants(root)
    found = [_session_files(folder, root=root, filters=filters or {}) for folder in _session_folders(root)]
    sessions = tuple(files for files in found if files.runs)
    if not sessions:
        chosen = f" with {dict(filters)}" if filters else ""
        raise InputError(
            f"{bids_dir} holds no single-voxel data (sub-*/[ses-*/]mrs/*_svs.nii.gz){chosen}: check the folder and the filters"
        )
    return sessions


def session_files(bids_dir: str | os.PathLike[str], *, participant: str, session: str, filters: Filters | None = None) -> SessionFiles:
    """The files of one session alone, whatever becomes of the others; `InputError` if it has no data that pass ``filters``."""
    root = _dataset(bids_dir)
    folder = root / f"sub-{participant}" / (f"ses-{session}" if session else "")
    files = _session_files(folder, root=root, filters=filters or {})
    if not files.runs:
        raise InputError(
            f"{folder / 'mrs'} holds no single-voxel data (*_svs.nii.gz) that pass the filters: check the folder and the filters"
        )
    return files


def source_files(files: SessionFiles, *, bids_dir: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Every file that `read_session` and `session_files` take something from: data, references, events, sidecars, times."""
    root = Path(bids_dir)
    found: list[Path] = []
    for run in files.runs:
        for path in (run.svs, *run.references):
            found += [path, *inherited_files(path, root=root)]
        found += [run.events] if run.events else []
    found += sorted(files.runs[0].svs.parents[1].glob("*_scans.tsv"))[:1]
    return tuple(dict.fromkeys(found))


def visit_files(bids_dir: str | os.PathLike[str]) -> tuple[Path, ...]:
    """The tables that `read_visits` reads, as far as there are any."""
    root = Path(bids_dir)
    tables = (root / "participants.tsv", *(folder / f"{folder.name}_sessions.tsv" for folder in _folders(root, "sub-")))
    return tuple(path for path in tables if path.exists())


def sessions_without_data(bids_dir: str | os.PathLike[str], *, filters: Filters | None = None) -> pd.DataFrame:
    """Sessions that `find_sessions` leaves out, with columns participant, session and reason."""
    root = _dataset(bids_dir)
    rows = []
    for folder in _session_folders(root):
        files = _session_files(folder, root=root, filters=filters or {})
        if not files.runs:
            reason = "no single-voxel file passes the filters" if _names(folder, suffix="svs") else "no single-voxel file"
            rows.append({"participant": files.participant, "session": files.session, "reason": reason})
    return pd.DataFrame(rows, columns=["participant", "session", "reason"])


def read_participants(bids_dir: str | os.PathLike[str]) -> pd.DataFrame:
    """``participants.tsv`` with the label in column ``participant``, or the participants that have folders if there is none."""
    path = Path(bids_dir) / "participants.tsv"
    if not path.exists():
        return pd.DataFrame({"participant": [folder.name.removeprefix("sub-") for folder in _folders(Path(bids_dir), "sub-")]})
    return _labelled(path, kind="participants", prefix="sub-")


def read_visits(bids_dir: str | os.PathLike[str]) -> pd.DataFrame:
    """One row per session of the dataset: participant, session, what the sessions files state, then what ``participants.tsv`` states."""
    root = _dataset(bids_dir)
    tables = []
    for folder in _folders(root, "sub-"):
        path = folder / f"{folder.name}_sessions.tsv"
        labels = [session.name.removeprefix("ses-") for session in _folders(folder, "ses-")] or [""]
        table = _labelled(path, kind="sessions", prefix="ses-") if path.exists() else pd.DataFrame({"session": labels})
        tables.append(table.assign(participant=folder.name.removeprefix("sub-")))
    visits = pd.concat(tables, ignore_index=True)
    people = read_participants(root)
    people = people[["participant", *[name for name in people.columns if name not in visits.columns]]]
    merged = visits.merge(people, on="participant", how="left")
    return merged[["participant", "session", *[name for name in merged.columns if name not in {"participant", "session"}]]]


def _labelled(path: Path, *, kind: str, prefix: str) -> pd.DataFrame:
    """A participants or sessions table, its identifiers without prefix in a column named as the kind in the singular."""
    column = f"{kind.removesuffix('s')}_id"
    table = read_known_table(path, kind=kind)
    for name in table[column]:
        if not isinstance(name, str) or not name.startswith(prefix):
            raise InputError(f"{path}: {column} is '{name}' where '{prefix}<label>' is expected: correct the table")
    table.insert(0, kind.removesuffix("s"), table[column].str.removeprefix(prefix))
    return table.drop(columns=column)


def _dataset(bids_dir: str | os.PathLike[str]) -> Path:
    root = Path(bids_dir)
    if not root.is_dir():
        raise InputError(f"{bids_dir} is not a folder: name the top folder of a BIDS dataset")
    if not _folders(root, "sub-"):
        raise InputError(f"{bids_dir} has no sub-* folders: name the top folder of a BIDS dataset")
    return root


def _folders(parent: Path, prefix: str) -> list[Path]:
    return sorted(folder for folder in parent.glob(f"{prefix}*") if folder.is_dir())


def _session_folders(root: Path) -> list[Path]:
    """Folders that hold ``mrs``: of every session, or of the participant where there are no sessions."""
    folders = []
    for participant in _folders(root, "sub-"):
        sessions = _folders(participant, "ses-")
        if sessions and (participant / "mrs").is_dir():
            raise InputError(f"{participant} has sessions and an mrs folder outside of them: move the files into their session")
        folders.extend(sessions or [participant])
    return folders


def _names(folder: Path, *, suffix: str, endings: tuple[str, ...] = NIFTI_ENDINGS) -> list[tuple[BidsName, Path]]:
    """Files of one suffix in a session, ordered by run and name; `InputError` for files of the same meaning or in the wrong folder."""
    paths = sorted(path for path in (folder / "mrs").glob(f"*_{suffix}.*") if path.name.endswith(endings))
    names = [(parse_name(path), path) for path in paths]
    seen: dict[object, Path] = {}
    for name, path in names:
        owner = [f"{key}-{name.entities[key]}" for key in ("sub", "ses") if key in name.entities]
        if owner != [part for part in folder.parts[-2:] if part.startswith(("sub-", "ses-"))]:
            raise InputError(f"{path} lies in the folder of another participant or session: move or rename it")
        if name.key in seen:
            raise InputError(f"{path} and {seen[name.key].name} are the same run twice: remove one of them")
        seen[name.key] = path
    return sorted(
        names, key=lambda pair: (int(pair[0].entities.get("run", "0")) if pair[0].entities.get("run", "0").isdecimal() else 0, pair[1].name)
    )


def _passes(entities: Mapping[str, str], filters: Filters) -> bool:
    for key, wanted in filters.items():
        labels = [wanted] if wanted is None or isinstance(wanted, str) else list(wanted)
        if entities.get(key) not in labels:
            return False
    return True


def _session_files(folder: Path, *, root: Path, filters: Filters) -> SessionFiles:
    names = [(name, path) for name, path in _names(folder, suffix="svs") if _passes(name.entities, filters)]
    _check_one_acquisition(names, folder=folder, filters=filters)
    references, events = _names(folder, suffix="mrsref"), _names(folder, suffix="events", endings=(".tsv",))
    times = acquisition_times(folder)
    runs = []
    for name, path in names:
        sidecar = inherited_sidecar(path, root=root)
        waters = _references(name, sidecar=sidecar, candidates=references, root=root, path=path)
        runs.append(
            RunFiles(
                svs=path,
                references=waters,
                reference_sidecar=inherited_sidecar(waters[0], root=root) if waters else {},
                events=_events(name, candidates=events, only_run=len(names) == 1),
                sidecar=sidecar,
                acq_time=times.get(path),
            )
        )
    session = folder.name.removeprefix("ses-") if folder.name.startswith("ses-") else ""
    participant = (folder.parent if session else folder).name.removeprefix("sub-")
    return SessionFiles(participant=participant, session=session, runs=tuple(runs))


def _check_one_acquisition(names: list[tuple[BidsName, Path]], *, folder: Path, filters: Filters) -> None:
    """Runs of one session must be told apart by run alone, or by tasks that were asked for."""
    allowed = {"run"} | ({"task"} if "task" in filters else set())
    for key in sorted({key for name, _ in names for key in name.entities} - allowed):
        labels = sorted({name.entities.get(key, "none") for name, _ in names})
        if len(labels) > 1:
            raise InputError(f"{folder / 'mrs'} holds data that differ in '{key}' ({', '.join(labels)}): choose one by the filter '{key}'")


def _references(
    name: BidsName, *, sidecar: Mapping[str, Any], candidates: list[tuple[BidsName, Path]], root: Path, path: Path
) -> tuple[Path, ...]:
    """Water references of a run: those its sidecar names, else the file of the same name, else the nearest compatible one."""
    stated = sidecar.get("ReferenceSignal")
    if stated:
        return tuple(_inside(uri, root=root, path=path) for uri in ([stated] if isinstance(stated, str) else stated))
    for ignored in (set(), {"run"}, {"run", "task"}):
        fitting = [
            (len(other.entities), candidate)
            for other, candidate in candidates
            if is_part_of({key: label for key, label in other.entities.items() if key not in ignored}, of=name.entities)
        ]
        if fitting:
            best = max(count for count, _ in fitting)
            return (next(candidate for count, candidate in fitting if count == best),)
    return ()


def _inside(uri: object, *, root: Path, path: Path) -> Path:
    """The file a BIDS URI means; `InputError` unless it exists inside the dataset."""
    relative = PurePosixPath(str(uri).removeprefix("bids::"))
    if relative.is_absolute() or ".." in relative.parts or ":" in str(relative):
        raise InputError(f"{path}: ReferenceSignal '{uri}' is outside the dataset: name a file of this dataset as bids::sub-...")
    target = root / relative
    if not target.is_file():
        raise InputError(f"{path}: ReferenceSignal '{uri}' does not exist: correct the sidecar")
    return target


def _events(name: BidsName, *, candidates: list[tuple[BidsName, Path]], only_run: bool) -> Path | None:
    """Events of the run; in a session of one run also a file with fewer entities."""
    for other, candidate in candidates:
        if other.entities == name.entities or (only_run and is_part_of(other.entities, of=name.entities)):
            return candidate
    return None


def acquisition_times(folder: Path) -> dict[Path, str]:
    """Start of each file from the scans table of the session, where there is one."""
    found = sorted(folder.glob("*_scans.tsv"))
    if not found:
        return {}
    table = read_known_table(found[0], kind="scans")
    if "acq_time" not in table.columns:
        return {}
    return {folder / str(name): time for name, time in zip(table["filename"], table["acq_time"], strict=True) if isinstance(time, str)}

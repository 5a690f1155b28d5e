"""Command ``import``: NIfTI-MRS files listed in a table become a BIDS dataset, whole or not at all."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.errors import InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.atomic import atomic_folder
from mrs_pipeline.io.bids import RunFiles
from mrs_pipeline.io.bids_names import BidsName, checked_label
from mrs_pipeline.io.nifti_header import MrsHeader
from mrs_pipeline.io.nifti_mrs import read_fids, read_header, write_fids
from mrs_pipeline.io.orientation import check_orientation
from mrs_pipeline.io.session_clock import read_events
from mrs_pipeline.io.sessions import check_sidecar, sidecar_beside
from mrs_pipeline.io.tables import read_known_table, write_json, write_table

#: Release of BIDS that has spectroscopy.
BIDS_VERSION = "1.10.0"

#: Column of the import table -> entity of the file name.
NAME_COLUMNS = {"participant": "sub", "session": "ses", "task": "task", "acq": "acq", "voi": "voi", "run": "run"}

#: Columns that describe participants and sessions; they go to the tables of that name.
PARTICIPANT_COLUMNS = ("age", "sex", "group", "sequence")
SESSION_COLUMNS = ("condition", "period")

#: Column of the import table -> header key that it supplies where a file does not state it.
HEADER_COLUMNS = {"echo_time_s": "EchoTime", "repetition_time_s": "RepetitionTime"}

#: Header keys, not personal, that BIDS calls by the same name.
COPIED_KEYS = ("Manufacturer", "ManufacturersModelName", "SoftwareVersions", "MixingTime", "InversionTime")

KINDS = ("svs", "mrsref", "events")

Row = Mapping[str, Any]


def import_table(
    table_path: str | os.PathLike[str], out_dir: str | os.PathLike[str], *, source_dir: str | os.PathLike[str] | None = None
) -> None:
    """Write the files a table lists as a BIDS dataset into the new folder ``out_dir``.

    Columns: file (relative to ``source_dir``, by default the folder MRS_EXTERNAL_DATA names, else that of the table),
    participant and kind (svs, mrsref or events); optional session, task, acq, voi, run, condition, period, sequence, age,
    sex, group, acq_time, echo_time_s and repetition_time_s. Fields about the patient are left out. Raises `InputError`,
    and writes nothing, if a file cannot be used, a name occurs twice or a value that BIDS requires is missing.
    """
    table = _checked(read_known_table(table_path, kind="import"), path=table_path)
    source = Path(source_dir or os.environ.get("MRS_EXTERNAL_DATA") or Path(table_path).parent)
    rows = _rows(table)
    with atomic_folder(out_dir) as root:
        for row, name in zip(rows, _names(rows, path=table_path), strict=True):
            _import_file(row, name=name, source=source, folder=_folder(name, root=root))
        _write_people(table, root=root)
        _write_scans(rows, names=_names(rows, path=table_path), root=root)
        _write_dataset(root, title=Path(table_path).stem)


def _checked(table: pd.DataFrame, *, path: object) -> pd.DataFrame:
    """The table; `InputError` for kinds and columns that are not known."""
    known = {"file", "kind", "acq_time", *NAME_COLUMNS, *PARTICIPANT_COLUMNS, *SESSION_COLUMNS, *HEADER_COLUMNS}
    unknown = [name for name in table.columns if name not in known]
    if unknown:
        raise InputError(f"{path} has a column '{unknown[0]}' that is not understood: use {', '.join(sorted(known))}")
    for number, row in enumerate(_rows(table), start=2):
        if row["kind"] not in KINDS or not row["file"] or not row["participant"]:
            raise InputError(f"{path}, line {number}: file, participant and a kind out of {', '.join(KINDS)} are expected")
    if not len(table):
        raise InputError(f"{path} lists no files: add one row per file")
    return table


def _rows(table: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in table.to_dict(orient="records")]


def _text(value: object) -> str | None:
    """The text of a cell; None where it is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _names(rows: Sequence[Row], *, path: object) -> list[BidsName]:
    """BIDS name of every row; `InputError` for one that occurs twice or cannot be a name."""
    names: list[BidsName] = []
    for row in rows:
        entities = {
            entity: checked_label(label.removeprefix(f"{entity}-"), what=f"{path}: {column}")
            for column, entity in NAME_COLUMNS.items()
            if (label := _text(row.get(column))) is not None
        }
        name = BidsName(entities=entities, suffix=row["kind"], ending=".tsv" if row["kind"] == "events" else ".nii.gz")
        if any(name.suffix == other.suffix and name.key == other.key for other in names):
            raise InputError(f"{path} has two rows that would both become {name}: tell them apart by run, acq or session")
        names.append(name)
    return names


def _folder(name: BidsName, *, root: Path) -> Path:
    folder = root / f"sub-{name.entities['sub']}"
    return (folder / f"ses-{name.entities['ses']}" if "ses" in name.entities else folder) / "mrs"


def _import_file(row: Row, *, name: BidsName, source: Path, folder: Path) -> None:
    path = source / row["file"]
    if name.suffix == "events":
        events = read_events(RunFiles(svs=path, events=path))
        write_table(events, folder / str(name))
        return
    sidecar = {**sidecar_beside(path), **_supplied(row)}
    header = read_header(path, sidecar=sidecar)
    check_sidecar(header.extension, sidecar=sidecar, path=path)
    fids = read_fids(path, sidecar=sidecar)
    if fids.acquisition.echo_time_s is None:
        raise InputError(f"{path} does not state EchoTime, which BIDS requires: add a column echo_time_s to the table")
    if name.suffix == "svs":
        check_orientation(fids, name=path)
    write_fids(fids, folder / str(name), source_header=header.extension, affine=header.affine)
    metadata = _sidecar(fids, header=header, source=sidecar, name=name)
    write_json(metadata, folder / str(name).replace(name.ending, ".json"))


def _supplied(row: Row) -> dict[str, float]:
    """Header values that the table states."""
    texts = {key: _text(row.get(column)) for column, key in HEADER_COLUMNS.items()}
    return {key: float(text) for key, text in texts.items() if text is not None}


def _sidecar(fids: Fids, *, header: MrsHeader, source: Row, name: BidsName) -> dict[str, object]:
    """What BIDS requires of spectroscopy, and what else the header tells that is not personal."""
    acquisition = fids.acquisition
    n_transients = source.get("NumberOfTransients", fids.sizes.get("transient", 1))
    metadata: dict[str, object] = {
        "ResonantNucleus": [acquisition.nucleus],
        "SpectrometerFrequency": [acquisition.spectrometer_frequency_mhz],
        "SpectralWidth": acquisition.spectral_width_hz,
        "EchoTime": acquisition.echo_time_s,
        "RepetitionTime": acquisition.repetition_time_s,
        "NumberOfSpectralPoints": acquisition.n_points,
        "NumberOfTransients": n_transients,
        "WaterSuppression": False if name.suffix == "mrsref" else header.extension.get("WaterSuppressed"),
        "AcquisitionVoxelSize": [round(float(size), 3) for size in np.linalg.norm(header.affine[:3, :3], axis=0)],
        "TaskName": name.entities.get("task"),
        "AcquisitionTime": source.get("AcquisitionTime"),
        **{key: header.extension.get(key) for key in COPIED_KEYS},
    }
    if "voi" in name.entities:
        metadata |= {"BodyPart": source.get("BodyPart", "BRAIN"), "BodyPartDetails": source.get("BodyPartDetails", name.entities["voi"])}
    return {key: value for key, value in metadata.items() if value is not None}


def _write_people(table: pd.DataFrame, *, root: Path) -> None:
    """``participants.tsv`` and, where there are sessions, one sessions table a participant."""
    has_sessions = "session" in table.columns and table["session"].notna().any()
    columns = [name for name in table.columns if name in PARTICIPANT_COLUMNS or (name in SESSION_COLUMNS and not has_sessions)]
    people = _one_row_each(table, key="participant", columns=columns, prefix="sub-")
    write_table(people, root / "participants.tsv")
    if not has_sessions:
        return
    if table["session"].isna().any():
        raise InputError("the import table gives a session for some files only: give one for every file or for none")
    for participant, part in table.groupby("participant"):
        label = f"sub-{str(participant).removeprefix('sub-')}"
        visits = _one_row_each(part, key="session", columns=[name for name in SESSION_COLUMNS if name in part.columns], prefix="ses-")
        write_table(visits, root / label / f"{label}_sessions.tsv")


def _one_row_each(table: pd.DataFrame, *, key: str, columns: list[str], prefix: str) -> pd.DataFrame:
    """One row per participant or session; `InputError` if its rows state different values."""
    rows = []
    for label, part in table.groupby(key):
        row: dict[str, object] = {f"{key}_id": f"{prefix}{str(label).removeprefix(prefix)}"}
        for column in columns:
            values = part[column].dropna().unique()
            if len(values) > 1:
                raise InputError(f"the import table gives {column} of {key} {label} as {values[0]} and as {values[1]}: correct it")
            row[column] = values[0] if len(values) else None
        rows.append(row)
    return pd.DataFrame(rows, columns=[f"{key}_id", *columns])


def _write_scans(rows: Sequence[Row], *, names: list[BidsName], root: Path) -> None:
    """Scans tables with the acquisition times, if the import table states any."""
    scans: dict[Path, list[dict[str, str]]] = {}
    for row, name in zip(rows, names, strict=True):
        if (time := _text(row.get("acq_time"))) is not None and name.suffix != "events":
            scans.setdefault(_folder(name, root=root).parent, []).append({"filename": f"mrs/{name}", "acq_time": time})
    for folder, entries in scans.items():
        label = "_".join(part for part in folder.parts[-2:] if part.startswith(("sub-", "ses-")))
        write_table(pd.DataFrame(entries), folder / f"{label}_scans.tsv")


def _write_dataset(root: Path, *, title: str) -> None:
    write_json({"Name": title, "BIDSVersion": BIDS_VERSION, "DatasetType": "raw"}, root / "dataset_description.json")
    text = (
        f"# {title}\n\nMR spectroscopy in NIfTI-MRS, arranged by BIDS {BIDS_VERSION} with `mrs-pipeline import`. "
        "Fields of the file headers that identify persons were left out.\n"
    )
    (root / "README.md").write_text(text, encoding="utf-8")


def planned_sessions(table_path: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Participants and sessions (empty where there are none) that have data in an import table, in order of appearance."""
    table = _checked(read_known_table(table_path, kind="import"), path=table_path)
    rows = [row for row in _rows(table) if row["kind"] == "svs"]
    names = _names(rows, path=table_path)
    return list(dict.fromkeys((name.entities["sub"], name.entities.get("ses", "")) for name in names))

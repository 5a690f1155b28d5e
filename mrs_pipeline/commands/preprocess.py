"""Command ``preprocess``: raw runs of one session to combined, aligned transients with a record of all that was done."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.commands.layout import PreprocessedNames
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.commands.water_reference import water_entry
from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.bids import SessionFiles, session_files
from mrs_pipeline.io.nifti_mrs import read_header, write_fids
from mrs_pipeline.io.session_clock import session_events
from mrs_pipeline.io.sessions import read_session
from mrs_pipeline.io.tables import read_json, write_json, write_table
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, preprocess

#: Longest list of numbers that goes into the record of a step.
_MAX_VALUES = 512


def preprocess_session(
    files: SessionFiles,
    *,
    steps: Sequence[Mapping[str, Any]] | None,
    event: str | None,
    out_dir: Path,
    names: PreprocessedNames,
) -> tuple[str, ...]:
    """Preprocess the runs of a session and write the result; nothing is written when it fails (`MrsPipelineError`).

    Returns what a user must know of the session, beginning with why it should not be analysed where that is so.
    """
    try:
        session = preprocess(read_session(files, event=event), steps=DEFAULT_STEPS if steps is None else steps)
    except DataError as error:
        raise DataError(f"{files.runs[0].svs}: {error}") from None
    header = read_header(files.runs[0].svs, sidecar=files.runs[0].sidecar)
    with staged_folder(out_dir) as folder:
        write_fids(_writable(session), folder / names.data, source_header=header.extension, affine=header.affine)
        write_table(_transients_first(session.transients), folder / names.transients)
        write_table(_events(files, event=event), folder / names.events)
        write_json(_record(session, files), folder / names.record)
    return (*(record.flag for record in session.records if record.flag), *_remarks(session))


def try_preprocess(
    bids_dir: Path, *, participant: str, session: str, config: Mapping[str, Any], out_dir: Path, names: PreprocessedNames
) -> str:
    """`preprocess_session` of one session of a dataset for the workflow: bad data become a record with their reason and empty files.

    So a study goes on; a wrong configuration is no property of the data and still raises. A session that a step flags keeps its data, its
    record has the reason, and it is not fitted. Returns the reason, empty when all is well.
    """
    steps, event = config["preprocessing"]["steps"], placing_event(config["windows"])
    try:
        files = session_files(bids_dir, participant=participant, session=session, filters=entity_filters(config["selection"]))
        preprocess_session(files, steps=steps, event=event, out_dir=out_dir, names=names)
        return str(read_json(out_dir / names.record)["reason"])
    except (InputError, DataError) as error:
        with staged_folder(out_dir) as folder:
            for name in (names.data, names.transients, names.events):
                (folder / name).touch()
            write_json({"status": "failed", "reason": str(error)}, folder / names.record)
        return str(error)


def placing_event(windows: Mapping[str, Any]) -> str | None:
    """The event that can place the runs of a session on one clock: one that happens once; not the second of several."""
    event: str | None = windows.get("event")
    repeated = (windows.get("event_number") or 1) > 1 or (windows.get("blocks") or {}).get("event") == event
    return None if repeated else event


def entity_filters(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Entities that files must have, from the `selection` section of a study."""
    return {key: selection[key] for key in ("task", "acq", "voi") if selection[key] is not None}


def _events(files: SessionFiles, *, event: str | None) -> pd.DataFrame:
    """Events on the session clock, an empty table where there are none."""
    if not any(run.events for run in files.runs):
        return pd.DataFrame({"onset": [], "duration": [], "trial_type": []})
    return session_events(files, event=event)


def _transients_first(transients: pd.DataFrame) -> pd.DataFrame:
    leading = ["transient", "frequency_shift_hz", "phase_rad", "rejected", "reason"]
    present = [name for name in leading if name in transients.columns]
    return transients[[*present, *(name for name in transients.columns if name not in present)]]


def _writable(session: Session) -> Fids:
    """The data with zeros in place of rejected transients that are not finite, which would make the file unreadable."""
    rejected = ~session.kept & ~np.isfinite(session.fids.data).all(axis=-1)
    return session.fids.with_data(np.where(rejected[..., None], 0.0, session.fids.data)) if rejected.any() else session.fids


def _remarks(session: Session) -> tuple[str, ...]:
    return tuple(record.remark for record in session.records if record.remark)


def _record(session: Session, files: SessionFiles) -> dict[str, object]:
    """What was done to a session, in words and small numbers, and the checksums of what it was done to."""
    rejected = session.transients["rejected"] if "rejected" in session.transients else pd.Series(False, index=session.transients.index)
    paths = [path for run in files.runs for path in (run.svs, *run.references)]
    flags = "; ".join(record.flag for record in session.records if record.flag)
    return {
        "status": "flagged" if flags else "ok",
        "reason": flags,
        "remarks": list(_remarks(session)),
        "n_runs": len(files.runs),
        "n_transients": session.n_transients,
        "n_rejected": int(rejected.sum()),
        "has_reference": session.reference is not None,
        "water_reference": water_entry(session.reference),
        "steps": [_step_entry(record) for record in session.records],
        "inputs": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths},
    }


def _step_entry(record: StepRecord) -> dict[str, object]:
    values = {key: _plain(value) for key, value in record.values.items()}
    return {
        "step": record.step,
        "method": record.method,
        "details": record.details,
        "values": {key: value for key, value in values.items() if value is not None},
    }


def _plain(value: object) -> object:
    """A value JSON can hold: complex arrays as magnitudes; what is not finite, too long or of another kind as None."""
    if isinstance(value, np.ndarray | list | tuple):
        array = np.asarray(value)
        if array.size > _MAX_VALUES or array.dtype.kind not in "biufc":
            return None
        return _finite(np.abs(array).tolist() if array.dtype.kind == "c" else array.tolist())
    value = value.item() if isinstance(value, np.generic) else value
    return _finite(value) if isinstance(value, bool | int | float | str) else None


def _finite(value: object) -> object:
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

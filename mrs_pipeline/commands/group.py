"""Tables of the whole study, collected from those of its sessions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.commands.layout import PreprocessedNames, StudySession, TimecourseNames, bids_dir
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.bids import read_visits
from mrs_pipeline.io.tables import read_json, read_table, write_table

#: Tables of a session that are put together, and the group table they make.
COLLECTED = ("measures", "amplitudes", "fitquality", "windows", "responses")

#: What the sessions and participants files say of a visit that every measure is marked with.
DESIGN = ("condition", "period", "sequence")


def collect(sessions: Sequence[StudySession], *, config: Mapping[str, Any], results: Path, out_dir: Path) -> None:
    """Write the group tables: measures (with condition, period, sequence and covariates), amplitudes, quality, windows, sessions.

    `InputError` when not one session could be analysed, with the first reason.
    """
    visits = _visits(sessions, config=config)
    overview = pd.DataFrame([_overview(item, visits[item.label], results=results) for item in sessions])
    usable = [item for item, status in zip(sessions, overview["status"], strict=True) if status == "ok"]
    if not usable:
        raise InputError(f"none of the {len(sessions)} sessions could be analysed; the first: {overview['reason'].iloc[0]}")
    with staged_folder(out_dir) as folder:
        write_table(pd.concat([overview, without_data(overview, config=config)], ignore_index=True), folder / "sessions.tsv")
        for name in COLLECTED:
            table = pd.concat([_session_table(item, visits, name=name, results=results) for item in usable], ignore_index=True)
            write_table(table, folder / f"{name}.tsv")
        write_table(_transients(usable, results=results), folder / "transients.tsv")


def _visits(sessions: Sequence[StudySession], *, config: Mapping[str, Any]) -> dict[str, dict[str, object]]:
    """Design and covariates of each session by label; `InputError` names a covariate the dataset does not state."""
    visits = read_visits(bids_dir(config))
    covariates = list(config["statistics"]["covariates"])
    for name in covariates:
        if name not in visits.columns:
            raise InputError(f"statistics.covariates names '{name}', which neither participants.tsv nor the sessions files have")
    columns = [*DESIGN, *covariates]
    keys = zip(visits["participant"].astype(str), visits["session"].astype(str), strict=True)
    rows = visits.reindex(columns=columns).to_dict(orient="records")
    known = {key: {str(name): value for name, value in row.items()} for key, row in zip(keys, rows, strict=True)}
    return {item.label: known.get((item.participant, item.session), dict.fromkeys(columns)) for item in sessions}


def without_data(overview: pd.DataFrame, *, config: Mapping[str, Any]) -> pd.DataFrame:
    """Rows for visits the dataset lists that have no data: what is missing is said, not left out."""
    visits, wanted = read_visits(bids_dir(config)), config["selection"]["participants"]
    present = set(zip(overview["participant"], overview["session"], strict=True))
    rows = [
        {**{name: row.get(name) for name in DESIGN}, "participant": row["participant"], "session": row["session"]}
        for row in visits.to_dict(orient="records")
        if (row["participant"], row["session"]) not in present and (not wanted or row["participant"] in wanted)
    ]
    missing = {"status": "no_data", "reason": "the dataset lists this visit, but there are no single-voxel data of it"}
    return pd.DataFrame([row | missing for row in rows], columns=overview.columns)


def _overview(item: StudySession, visit: Mapping[str, object], *, results: Path) -> dict[str, object]:
    """One row of ``sessions.tsv``: design, what became of the session, counts."""
    folder = results / item.folder
    record = read_json(folder / PreprocessedNames.bids(item.label).record)
    status = read_json(folder / TimecourseNames.bids(item.label).file("status.json"))
    row: dict[str, object] = {"participant": item.participant, "session": item.session, **visit}
    return row | {
        "status": status["status"],
        "reason": status["reason"],
        "n_runs": record.get("n_runs"),
        "n_transients": record.get("n_transients"),
        "n_rejected": record.get("n_rejected"),
        "has_reference": record.get("has_reference"),
        "event_onset_s": status.get("event_onset_s"),
    }


def _session_table(item: StudySession, visits: Mapping[str, Mapping[str, object]], *, name: str, results: Path) -> pd.DataFrame:
    """A table of a session with the columns that say whose it is; the number of a spectrum is that of its window."""
    table = read_table(results / item.folder / TimecourseNames.bids(item.label).file(f"{name}.tsv"))
    design: dict[str, object] = {"participant": item.participant, "session": item.session}
    if name in ("measures", "responses"):
        design |= visits[item.label]
    marks = pd.DataFrame({key: [value] * len(table) for key, value in design.items()}, index=table.index)
    return pd.concat([marks, table.drop(columns="spectrum", errors="ignore")], axis=1)


def _transients(sessions: Sequence[StudySession], *, results: Path) -> pd.DataFrame:
    tables = []
    for item in sessions:
        table = read_table(results / item.folder / PreprocessedNames.bids(item.label).transients)
        tables.append(table.assign(participant=item.participant, session=item.session))
    whole = pd.concat(tables, ignore_index=True).replace({np.inf: np.nan})
    return whole[["participant", "session", *[name for name in whole.columns if name not in ("participant", "session")]]]

"""Preprocessed sessions as later stages read them: transients with their table, and what preprocessing said of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.commands.layout import PreprocessedNames
from mrs_pipeline.errors import InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.tables import read_json, read_table

_PREPROCESSED = "_desc-preproc_svs.nii.gz"


def transients_beside(path: Path) -> Path:
    """The table of transients that belongs to a preprocessed file."""
    if path.name.endswith(_PREPROCESSED):
        return path.with_name(path.name.removesuffix("_svs.nii.gz") + "_transients.tsv")
    return path.with_name("transients.tsv")


def record_beside(path: Path) -> Path:
    """The record of preprocessing that belongs to a preprocessed file."""
    if path.name.endswith(_PREPROCESSED):
        return path.with_name(path.name.removesuffix("_svs.nii.gz") + "_record.json")
    return path.with_name(PreprocessedNames().record)


def said_of(paths: Sequence[Path]) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """The first record of preprocessing (empty where there is none), and why the sessions are flagged and what else to know of them."""
    records: list[dict[str, Any]] = [read_json(path) if path.exists() else {} for path in map(record_beside, paths)]
    flags = dict.fromkeys(str(record.get("reason") or "") for record in records)
    remarks = dict.fromkeys(str(remark) for record in records for remark in record.get("remarks") or ())
    return records[0], "; ".join(filter(None, flags)), tuple(remarks)


def joined_transients(paths: Sequence[Path]) -> tuple[Fids, pd.DataFrame]:
    """Transients of all files in order, with their table; `InputError` when they share no clock."""
    pieces = [_preprocessed(path) for path in paths]
    table = pd.concat([transients for _, transients in pieces], ignore_index=True)
    times = table["time_s"].to_numpy(dtype=float)
    if len(pieces) > 1 and not np.all(np.diff(times[np.isfinite(times)]) > 0):
        raise InputError(
            f"{paths[1]} does not follow {paths[0]} in time: preprocess the runs of a session together, in order, so that "
            "they share one clock"
        )
    data = np.concatenate([np.asarray(fids.data) for fids, _ in pieces])
    return pieces[0][0].with_data(data), table


def _preprocessed(path: Path) -> tuple[Fids, pd.DataFrame]:
    fids = read_fids(path)
    if fids.dims == ("time",):
        fids = fids.with_data(np.asarray(fids.data)[None, :], dims=("transient", "time"))
    if fids.dims != ("transient", "time"):
        raise InputError(f"{path} has dimensions {', '.join(fids.dims)}: preprocessed transients (transient, time) are expected")
    table_path = transients_beside(path)
    n_transients = fids.sizes["transient"]
    if not table_path.exists():
        return fids, _plain_table(fids, n_transients, path=path)
    table = read_table(table_path, required=("transient", "time_s", "rejected"))
    if len(table) != n_transients:
        raise InputError(f"{table_path} has {len(table)} rows for {n_transients} transients: preprocess the session again")
    return fids, table


def _plain_table(fids: Fids, n_transients: int, *, path: Path) -> pd.DataFrame:
    """Times from the repetition time where there is no table of transients."""
    repetition_time_s = fids.acquisition.repetition_time_s
    if repetition_time_s is None and n_transients > 1:
        raise InputError(f"{path} states no RepetitionTime and has no transients.tsv beside it: the times of its transients are unknown")
    times = np.arange(n_transients) * (repetition_time_s or 0.0)
    return pd.DataFrame({"transient": np.arange(n_transients), "run": 0, "time_s": times, "rejected": False})

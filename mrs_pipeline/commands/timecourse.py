"""Command ``timecourse``: windows of a preprocessed session, and a fit of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.basis.dependence import dependence_remarks
from mrs_pipeline.commands.basis import basis_remarks, basis_to_fit
from mrs_pipeline.commands.fit import fitter_for
from mrs_pipeline.commands.fit_results import fit_results
from mrs_pipeline.commands.layout import PreprocessedNames, TimecourseNames
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.commands.quantification import quantify
from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.io.curves import write_curves
from mrs_pipeline.io.nifti_mrs import read_fids, read_header, write_fids
from mrs_pipeline.io.tables import read_json, read_table, write_json, write_table
from mrs_pipeline.timecourse.windows import Window, average_windows, event_onset_s, make_windows, window_edges, window_table

_PREPROCESSED = "_desc-preproc_svs.nii.gz"

#: Files of a session besides its status.
OUTPUTS = ("svs.nii.gz", "windows.tsv", "amplitudes.tsv", "correlations.tsv", "measures.tsv", "fitquality.tsv", "curves.npz")


def timecourse(
    preprocessed: Sequence[Path],
    *,
    events: Path | None,
    config: Mapping[str, Any],
    basis: Path,
    out_dir: Path,
    names: TimecourseNames,
) -> tuple[str, ...]:
    """Average preprocessed transients in windows relative to the event, fit every window, and write spectra and tables.

    The stiffness of the baseline is chosen on the mean of all windows and is the same for each of them. Returns what a reader must know
    of the session, the basis set, the fits and concentrations, which the status holds too; that is "flagged" where preprocessing says
    that the session should not be analysed. Raises `MrsPipelineError` for a missing event, an unknown clock, or windows without any
    transient.
    """
    fids, transients = _joined(preprocessed)
    section = config["windows"]
    onset_s = _onset_s(events, event=section["event"])
    windows = make_windows(
        window_edges(section),
        time_s=transients["time_s"].to_numpy(dtype=float),
        rejected=transients["rejected"].to_numpy(dtype=bool),
        onset_s=onset_s,
    )
    weights = transients["weight"].to_numpy(dtype=float) if "weight" in transients else None
    averaged = average_windows(fids, windows=windows, min_transients=section["min_transients"], weights=weights)
    _require_signal(averaged, windows, name=preprocessed[0], onset_s=onset_s, transients=transients)
    header, available = read_header(preprocessed[0]), basis_to_fit(basis, section=config["basis"])
    remarks = basis_remarks(available, acquisition=averaged.acquisition, sequence_name=header.extension.get("SequenceName"))
    fitter = fitter_for(available, acquisition=averaged.acquisition, config=config)
    remarks += dependence_remarks(fitter.basis, ppm_range=fitter.options.ppm_range)
    counts = np.array([len(window.transients) for window in windows], dtype=float)
    fits = fit_windows(averaged, counts=counts, fitter=fitter)
    record, flag, about_session = _said_of(preprocessed)
    quantified = quantify(
        fits,
        section=config["quantification"],
        record=record,
        basis=fitter.basis,
        acquisition=averaged.acquisition,
    )
    results = fit_results(fits, fitter=fitter, config=config, quantified=quantified)
    with staged_folder(out_dir) as folder:
        write_fids(averaged, folder / names.file("svs.nii.gz"), source_header=header.extension, affine=header.affine)
        reasons = transients["reason"].fillna("").astype(str).tolist() if "reason" in transients else []
        write_table(window_table(windows, reasons=reasons).assign(event_onset_s=onset_s), folder / names.file("windows.tsv"))
        for name, table in results.tables.items():
            write_table(_with_windows(pd.DataFrame(table), windows), folder / names.file(name))
        write_curves(fits, folder / names.file("curves.npz"))
        status = {
            "status": "flagged" if flag else "ok",
            "reason": flag,
            "event_onset_s": onset_s,
            "preprocessing_remarks": list(about_session),
            "basis_remarks": list(remarks),
            "fit_remarks": list(results.remarks),
        }
        write_json(status | ({"quantification": quantified.summary} if quantified else {}), folder / names.file("status.json"))
    return (*([flag] if flag else []), *about_session, *remarks, *results.remarks, *(quantified.remarks if quantified else ()))


def try_timecourse(
    preprocessed: Path, *, record: Path, events: Path, config: Mapping[str, Any], basis: Path, out_dir: Path, names: TimecourseNames
) -> str:
    """`timecourse` for the workflow: bad data become a status with a reason and empty files, so that a study goes on.

    A wrong configuration is no property of the data and still raises. Returns the reason, or what there is to remark about the basis
    set and concentrations, empty when all is well.
    """
    reason = str(read_json(record)["reason"])
    if not reason:
        try:
            remarks = timecourse([preprocessed], events=events, config=config, basis=basis, out_dir=out_dir, names=names)
            return "\n".join(f"warning: {remark}" for remark in remarks)
        except (InputError, DataError) as error:
            reason = str(error)
    with staged_folder(out_dir) as folder:
        for name in OUTPUTS:
            (folder / names.file(name)).touch()
        write_json({"status": "failed", "reason": reason, "basis_remarks": [], "fit_remarks": []}, folder / names.file("status.json"))
    return reason


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


def _said_of(paths: Sequence[Path]) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """The first record of preprocessing (empty where there is none), and why the sessions are flagged and what else to know of them."""
    records: list[dict[str, Any]] = [read_json(path) if path.exists() else {} for path in map(record_beside, paths)]
    flags = dict.fromkeys(str(record.get("reason") or "") for record in records)
    remarks = dict.fromkeys(str(remark) for record in records for remark in record.get("remarks") or ())
    return records[0], "; ".join(filter(None, flags)), tuple(remarks)


def _joined(paths: Sequence[Path]) -> tuple[Fids, pd.DataFrame]:
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


def _onset_s(events: Path | None, *, event: str | None) -> float:
    if event is None:
        return 0.0
    if events is not None and not events.is_file():
        raise InputError(f"{events} does not exist: give the events table of the session")
    table = read_table(events, required=("onset", "trial_type")) if events is not None else pd.DataFrame()
    if table.empty:
        raise InputError(
            f"there is no events file, or it lists no events, but windows.event is '{event}': add *_events.tsv with that trial_type, "
            "or set windows.event to null"
        )
    onset_s = event_onset_s(table.assign(onset=pd.to_numeric(table["onset"], errors="coerce")), event=event)
    if not np.isfinite(onset_s):
        raise InputError(f"{events}: the onset of '{event}' is not a number: give it in seconds from the first transient")
    return onset_s


def _require_signal(averaged: Fids, windows: Sequence[Window], *, name: Path, onset_s: float, transients: pd.DataFrame) -> None:
    if transients["rejected"].all():
        reasons = (
            transients["reason"].fillna("").replace("", "no reason given") if "reason" in transients else pd.Series(["no reason given"])
        )
        raise DataError(
            f"{name} holds no transient to average: all {len(transients)} are rejected, most for '{reasons.mode()[0]}'; check that the raw "
            "data hold a signal"
        )
    if not np.any(np.all(np.isfinite(averaged.data), axis=1)):
        times = transients["time_s"].to_numpy(dtype=float) - onset_s
        raise DataError(
            f"{name} has no window with enough retained transients: the data run from {times.min():g} to {times.max():g} s relative to the "
            f"event, the windows from {windows[0].start_s:g} to {windows[-1].stop_s:g} s; correct the windows section"
        )


def _with_windows(table: pd.DataFrame, windows: Sequence[Window]) -> pd.DataFrame:
    """The table with the window of each spectrum behind its number."""
    numbers = table["spectrum"].to_numpy(dtype=int)
    columns = {
        "window": [windows[number].index for number in numbers],
        "window_start_s": [windows[number].start_s for number in numbers],
        "window_stop_s": [windows[number].stop_s for number in numbers],
    }
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)

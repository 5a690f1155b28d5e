"""Files of one visit -> `Session`: runs joined along transients, dimensions in one order, times on one clock."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.errors import InputError
from mrs_pipeline.fids import Fids, ProcessingStep
from mrs_pipeline.io.bids import RunFiles, SessionFiles, acquisition_times
from mrs_pipeline.io.nifti_header import first_number
from mrs_pipeline.io.nifti_mrs import read_fids, read_header
from mrs_pipeline.io.orientation import check_orientation
from mrs_pipeline.io.session_clock import check_no_overlap, run_starts_s, transient_times_s
from mrs_pipeline.io.tables import read_json
from mrs_pipeline.preprocessing.session import Session, StepRecord

#: Metadata that header and sidecar both state, and the relative difference that is still rounding.
CONSISTENT = {"SpectrometerFrequency": 0.005, "EchoTime": 0.01, "RepetitionTime": 0.01}

#: Relative difference of the spectrometer frequency between runs: readjustment, not another scanner.
READJUSTMENT = 1e-3


def read_session(files: SessionFiles, *, event: str | None = None) -> Session:
    """Read the runs of a session and its water reference (that of the first run that has one).

    ``event`` is the trial_type that may place several runs on one clock. Raises `InputError` for files that cannot be read,
    runs that were acquired differently, mirrored spectra, and metadata that contradict each other.
    """
    runs = [_read_run(run) for run in files.runs]
    _check_alike(runs, files=files)
    fids = _joined(runs)
    check_orientation(fids, name=files.runs[0].svs)
    transients = _transients(runs, files=files, event=event)
    record = _joining_record(runs, files=files)
    if record is not None:
        history = (*fids.history, ProcessingStep(method=record.method, details=record.details))
        fids = Fids(data=fids.data, dims=fids.dims, acquisition=fids.acquisition, history=history)
    reference = _read_reference(files, fids=fids)
    return Session(fids=fids, reference=reference, transients=transients, records=(record,) if record else ())


def session_from_files(
    svs_paths: Sequence[str | os.PathLike[str]],
    *,
    reference_paths: Sequence[str | os.PathLike[str]] = (),
    events_paths: Sequence[str | os.PathLike[str]] = (),
    event: str | None = None,
) -> Session:
    """`read_session` for files outside of a BIDS dataset, in the order in which they were acquired; sidecars beside them are used."""
    return read_session(files_as_session(svs_paths, reference_paths=reference_paths, events_paths=events_paths), event=event)


def files_as_session(
    svs_paths: Sequence[str | os.PathLike[str]],
    *,
    reference_paths: Sequence[str | os.PathLike[str]] = (),
    events_paths: Sequence[str | os.PathLike[str]] = (),
) -> SessionFiles:
    """Plain files as the runs of one session; events are given for every run or for none.

    What lies beside the files as in a BIDS dataset is used: sidecars, ``_events.tsv`` of the same name, acquisition times in the
    scans table of the session.
    """
    if not svs_paths:
        raise InputError("no data files were named: give at least one NIfTI-MRS file")
    if events_paths and len(events_paths) != len(svs_paths):
        raise InputError(f"{len(events_paths)} events files were named for {len(svs_paths)} runs: give one for each run")
    for path in svs_paths:
        if not Path(path).is_file():
            raise InputError(f"{path} is not a file: name the NIfTI-MRS files of the session")
    references = tuple(Path(path) for path in reference_paths)
    named: list[Path | None] = [Path(path) for path in events_paths]
    events = named or [events_beside(Path(path)) for path in svs_paths]
    reference_sidecar = sidecar_beside(references[0]) if references else {}
    runs = [
        RunFiles(
            svs=Path(path),
            references=references,
            events=table,
            sidecar=sidecar_beside(Path(path)),
            reference_sidecar=reference_sidecar,
            acq_time=acquisition_times(Path(path).resolve().parents[1]).get(Path(path).resolve()),
        )
        for path, table in zip(svs_paths, events, strict=True)
    ]
    return SessionFiles(participant=Path(svs_paths[0]).name, session="", runs=tuple(runs))


def sidecar_beside(path: Path) -> Mapping[str, Any]:
    """Content of the JSON file of the same name, empty if there is none."""
    sidecar = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    return read_json(sidecar) if sidecar.exists() else {}


def events_beside(path: Path) -> Path | None:
    """The events table of the same name as a data file, if there is one."""
    table = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii").removesuffix("_svs") + "_events.tsv")
    return table if table.exists() and table != path else None


def _read_run(run: RunFiles) -> Fids:
    check_sidecar(read_header(run.svs, sidecar=run.sidecar).extension, sidecar=run.sidecar, path=run.svs)
    fids = with_standard_dims(read_fids(run.svs, sidecar=run.sidecar, allow_missing=True), path=run.svs)
    if not np.any(np.all(np.isfinite(fids.data), axis=-1)):
        raise InputError(f"{run.svs} holds no FID whose values are all finite numbers: export or convert the file again")
    return fids


def check_sidecar(extension: Mapping[str, Any], *, sidecar: Mapping[str, Any], path: Path) -> None:
    """`InputError` if the header of a file and its JSON sidecar state different values."""
    for key, tolerance in CONSISTENT.items():
        header = first_number(extension.get(key), key=key, path=path)
        stated = first_number(sidecar.get(key), key=key, path=path)
        if header and stated is not None and abs(stated / header - 1) > tolerance:
            raise InputError(f"{path}: {key} is {header:g} in the header and {stated:g} in the JSON sidecar: correct the one that is wrong")


def with_standard_dims(fids: Fids, *, path: object) -> Fids:
    """Dimensions (coil, transient, time) or (transient, time); others of size 1 are dropped, larger ones refused with `InputError`."""
    for name, size in fids.sizes.items():
        if name not in {"coil", "transient", "time"} and size > 1:
            raise InputError(
                f"{path} has a dimension '{name}' of size {size}: split the file or average over it; coils and transients are read"
            )
    order = [name for name in ("coil", "transient", "time") if name in fids.dims]
    others = [name for name in fids.dims if name not in order]
    data = np.transpose(fids.data, [fids.dims.index(name) for name in [*others, *order]]).reshape([fids.sizes[name] for name in order])
    if "transient" not in order:
        data, order = np.expand_dims(data, -2), [*order[:-1], "transient", "time"]
    return fids.with_data(data, dims=tuple(order))


def _check_alike(runs: Sequence[Fids], *, files: SessionFiles) -> None:
    """`InputError` if runs cannot be joined: other coils, sampling, timing or spectrometer frequency."""
    first = runs[0]
    for run, source in zip(runs[1:], files.runs[1:], strict=True):
        one, other = first.acquisition, run.acquisition
        pairs = {
            "dimensions": (first.dims, run.dims),
            "number of coils": (first.sizes.get("coil"), run.sizes.get("coil")),
            "number of points": (one.n_points, other.n_points),
            "nucleus": (one.nucleus, other.nucleus),
            "echo time": (one.echo_time_s, other.echo_time_s),
            "repetition time": (one.repetition_time_s, other.repetition_time_s),
            "spectral width": (round(one.spectral_width_hz, 2), round(other.spectral_width_hz, 2)),
        }
        for what, (mine, its) in pairs.items():
            if mine != its:
                raise InputError(
                    f"{source.svs} has another {what} ({its}) than {files.runs[0].svs.name} ({mine}): runs must be acquired alike"
                )
        if abs(other.spectrometer_frequency_mhz / one.spectrometer_frequency_mhz - 1) > READJUSTMENT:
            raise InputError(
                f"{source.svs} was acquired at {other.spectrometer_frequency_mhz} MHz and {files.runs[0].svs.name} at "
                f"{one.spectrometer_frequency_mhz} MHz: runs of one session must come from one scanner"
            )


def _joined(runs: Sequence[Fids]) -> Fids:
    return runs[0] if len(runs) == 1 else runs[0].with_data(np.concatenate([run.data for run in runs], axis=-2))


def _joining_record(runs: Sequence[Fids], *, files: SessionFiles) -> StepRecord | None:
    """What was done to join several runs; None for a single one."""
    if len(runs) == 1:
        return None
    offsets_hz = [1e6 * (run.acquisition.spectrometer_frequency_mhz - runs[0].acquisition.spectrometer_frequency_mhz) for run in runs]
    details = f"{len(runs)} runs of {', '.join(str(run.sizes['transient']) for run in runs)} transients joined"
    if any(offsets_hz):
        details += f"; spectrometer frequency of the first kept, the others differ by {', '.join(f'{hz:g}' for hz in offsets_hz[1:])} Hz"
    if len({run.references for run in files.runs if run.references}) > 1:
        details += "; the water reference of the first run that has one serves all runs"
    return StepRecord(step="join_runs", method="Concatenation", details=details, values={"frequency_offset_hz": offsets_hz})


def _transients(runs: Sequence[Fids], *, files: SessionFiles, event: str | None) -> pd.DataFrame:
    """One row per transient: transient, run and time_s."""
    starts = run_starts_s(files.runs, event=event)
    times = [
        transient_times_s(run.sizes["transient"], repetition_time_s=run.acquisition.repetition_time_s, sidecar=source.sidecar)
        for run, source in zip(runs, files.runs, strict=True)
    ]
    check_no_overlap(starts, durations_s=[_duration_s(time, run=run) for time, run in zip(times, runs, strict=True)], files=files)
    return pd.DataFrame(
        {
            "transient": np.arange(sum(map(len, times))),
            "run": np.repeat(np.arange(len(runs)), [len(time) for time in times]),
            "time_s": np.concatenate([start + time for start, time in zip(starts, times, strict=True)]),
        }
    )


def _duration_s(times_s: np.ndarray[Any, np.dtype[np.float64]], *, run: Fids) -> float:
    """From the first to the end of the last repetition."""
    step = float(times_s[-1] - times_s[-2]) if len(times_s) > 1 else run.acquisition.repetition_time_s or math.nan
    return float(times_s[-1]) + step


def _read_reference(files: SessionFiles, *, fids: Fids) -> Fids | None:
    """The water reference of the first run that has one; several files of it are joined along transients."""
    run = next((run for run in files.runs if run.references), None)
    if run is None:
        return None
    paths = run.references
    parts = [with_standard_dims(read_fids(path, sidecar=run.reference_sidecar), path=path) for path in paths]
    if len({(part.dims, part.sizes.get("coil"), part.acquisition.n_points) for part in parts}) > 1:
        raise InputError(f"{files.label}: the water references differ in coils or points: name one of them")
    reference = _joined(parts)
    coils = reference.sizes.get("coil"), fids.sizes.get("coil")
    if None not in coils and coils[0] != coils[1]:
        raise InputError(f"{paths[0]} has {coils[0]} coils and {files.runs[0].svs.name} has {coils[1]}: they must come from the same coils")
    return reference

"""Command ``timecourse``: windows of a preprocessed session, and a fit of each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mrs_pipeline.basis.dependence import dependence_remarks
from mrs_pipeline.commands.basis import basis_remarks, basis_to_fit
from mrs_pipeline.commands.fit import fitter_for
from mrs_pipeline.commands.fit_results import fit_results
from mrs_pipeline.commands.gain import check_gain
from mrs_pipeline.commands.layout import MOVING, TimecourseNames
from mrs_pipeline.commands.moving import moving_table
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.commands.preprocessed import joined_transients, said_of
from mrs_pipeline.commands.quantification import quantify
from mrs_pipeline.commands.session_estimates import SessionSpectra, session_estimates
from mrs_pipeline.commands.session_windows import SessionWindows, require_signal, session_windows, weights_of
from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.io.curves import write_curves
from mrs_pipeline.io.nifti_mrs import read_header, write_fids
from mrs_pipeline.io.tables import read_json, write_json, write_table
from mrs_pipeline.timecourse.windows import Window, average_windows, window_table

#: Files of a session besides its status.
OUTPUTS = (
    "svs.nii.gz", "windows.tsv", "amplitudes.tsv", "correlations.tsv", "measures.tsv", "fitquality.tsv", "responses.tsv", "curves.npz",
)  # fmt: skip


def timecourse(
    preprocessed: Sequence[Path],
    *,
    events: Path | None,
    config: Mapping[str, Any],
    basis: Path,
    out_dir: Path,
    names: TimecourseNames,
) -> tuple[str, ...]:
    """Average preprocessed transients in windows, fit every window and what runs through all of them, and write spectra and tables.

    The stiffness of the baseline is chosen on the mean of all windows and is the same for each of them; moving windows are fitted with
    that mean and have a table of their own. Returns what a reader must know of the session, its windows, the basis set, the fits and
    concentrations, which the status holds too; that is "flagged" where preprocessing says that the session should not be analysed. Raises
    `MrsPipelineError` for a missing event, an unknown clock, or windows without any transient.
    """
    section = config["windows"]
    raw, transients = joined_transients(preprocessed)
    found = session_windows(section, events=events, transients=transients)
    checked = check_gain(raw, transients=transients, correct=section.get("gain_steps") == "correct")
    averaged, shown = (
        average_windows(checked.fids, windows=windows, min_transients=section["min_transients"], weights=weights_of(transients))
        for windows in (found.windows, found.moving)
    )
    require_signal(averaged, found, name=preprocessed[0], transients=transients)
    header, available = read_header(preprocessed[0]), basis_to_fit(basis, section=config["basis"])
    remarks = basis_remarks(available, acquisition=averaged.acquisition, sequence_name=header.extension.get("SequenceName"))
    fitter = fitter_for(available, acquisition=averaged.acquisition, config=config)
    remarks += dependence_remarks(fitter.basis, ppm_range=fitter.options.ppm_range)
    session = SessionSpectra(
        fids=checked.fids, transients=transients, windows=found, averaged=averaged, shown=shown, events=events, label=names.prefix
    )
    estimates = session_estimates(session, config=config, fitter=fitter)
    record, flag, about_session = said_of(preprocessed)
    quantified = quantify(
        estimates.fits, section=config["quantification"], record=record, basis=fitter.basis, acquisition=averaged.acquisition
    )
    results = fit_results(estimates.fits, fitter=fitter, config=config, quantified=quantified, others=estimates.others)
    with staged_folder(out_dir) as folder:
        write_fids(averaged, folder / names.file("svs.nii.gz"), source_header=header.extension, affine=header.affine)
        write_table(_window_table(found, transients=transients), folder / names.file("windows.tsv"))
        for name, table in results.tables.items():
            write_table(_with_windows(pd.DataFrame(table), found.windows), folder / names.file(name))
        if found.moving:
            course = moving_table(found.moving, fits=estimates.moving, fitter=fitter, results=results)
            write_table(course, folder / names.file(MOVING))
        write_table(estimates.responses, folder / names.file("responses.tsv"))
        write_curves(estimates.fits, folder / names.file("curves.npz"))
        status = {
            "status": "flagged" if flag else "ok",
            "reason": flag,
            "event_onset_s": found.onset_s,
            "preprocessing_remarks": list(about_session),
            "window_remarks": list(checked.remarks),
            "basis_remarks": list(remarks),
            "fit_remarks": [*results.remarks, *estimates.remarks],
        }
        write_json(status | ({"quantification": quantified.summary} if quantified else {}), folder / names.file("status.json"))
    said = (*about_session, *checked.remarks, *remarks, *results.remarks, *estimates.remarks, *(quantified.remarks if quantified else ()))
    return (flag, *said) if flag else said


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
        for name in (*OUTPUTS, *((MOVING,) if config["windows"].get("moving") else ())):
            (folder / names.file(name)).touch()
        write_json({"status": "failed", "reason": reason, "basis_remarks": [], "fit_remarks": []}, folder / names.file("status.json"))
    return reason


def _window_table(found: SessionWindows, *, transients: pd.DataFrame) -> pd.DataFrame:
    reasons = transients["reason"].fillna("").astype(str).tolist() if "reason" in transients else []
    return window_table(found.windows, reasons=reasons).assign(event_onset_s=found.onset_s)


def _with_windows(table: pd.DataFrame, windows: Sequence[Window]) -> pd.DataFrame:
    """The table with the window of each spectrum behind its number."""
    of_rows = [windows[number] for number in table["spectrum"].to_numpy(dtype=int)]
    columns = {
        "window": [window.index for window in of_rows],
        "window_start_s": [window.start_s for window in of_rows],
        "window_stop_s": [window.stop_s for window in of_rows],
        "phase": [window.phase for window in of_rows],
        "mean_time_s": [window.mean_time_s for window in of_rows],
    }
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)

"""Fitted windows of a session, read for figures that lay their spectra over each other."""

from pathlib import Path

import numpy as np

from mrs_pipeline.commands.layout import TimecourseNames
from mrs_pipeline.io.curves import read_curves, read_gaussian_widths
from mrs_pipeline.io.tables import read_table
from mrs_pipeline.report.window_spectra import WindowCurves, WindowSpectra, window_spectra
from mrs_pipeline.timecourse.recording import REFERENCE_PHASES


def read_window_spectra(folder: Path, names: TimecourseNames) -> WindowSpectra | None:
    """All fitted windows of a session on one axis; None where there are none."""
    path = folder / names.file("curves.npz")
    if not path.exists() or not path.stat().st_size:
        return None
    quality = read_table(folder / names.file("fitquality.tsv")).set_index("spectrum").to_dict("index")
    gaussian = read_gaussian_widths(path)
    windows = []
    for number, curves in read_curves(path).items():
        row = quality[number]
        windows.append(
            WindowCurves(
                curves=curves[["ppm", "data", "fit", "baseline", "residual"]],
                start_s=float(row["window_start_s"]),
                stop_s=float(row["window_stop_s"]),
                reference=row["phase"] in REFERENCE_PHASES,
                fwhm_hz=float(row["fwhm_hz"]),
                fwhm_sd_hz=float(row.get("fwhm_sd_hz", np.nan)),
                gaussian_hz=gaussian.get(number, np.nan),
                hz_per_ppm=float(row["fwhm_hz"]) / float(row["fwhm_ppm"]),
            )
        )
    return window_spectra(windows)

"""Fitted curves in one file, for figures: real parts of data, baseline, residual and components; and the covariance of the amplitudes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mrs_pipeline.errors import InputError
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.io.atomic import atomic_path

if TYPE_CHECKING:
    import pandas as pd


def write_curves(fits: Sequence[SpectrumFit], path: Path) -> None:
    """Curves of all fits that have any as a NumPy archive without pickles; failed fits are left out."""
    arrays: dict[str, np.ndarray] = {"n_spectra": np.array(len(fits))}
    for index, fit in enumerate(fits):
        if fit.curves is not None:
            curves = fit.curves
            rows = [curves.data, curves.fit, curves.baseline, curves.residual, *curves.components.T]
            arrays[f"ppm_{index}"] = curves.ppm
            arrays[f"curves_{index}"] = np.array([row.real for row in rows], dtype=np.float32)
            arrays[f"gaussian_hz_{index}"] = np.sqrt(fit.parameters.get("gaussian_square_hz2", np.nan))
            arrays[f"covariance_{index}"] = np.asarray(fit.covariance)
            arrays[f"names_{index}"] = np.array(["data", "fit", "baseline", "residual", *fit.metabolites])
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def read_curves(path: Path) -> "dict[int, pd.DataFrame]":
    """Curves by spectrum index: columns ppm, data, fit, baseline, residual and one per component."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            indices = [index for index in range(int(archive["n_spectra"])) if f"ppm_{index}" in archive]
            return {index: _table(archive, index) for index in indices}
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} holds no fitted curves ({error}): fit the spectra again") from None


def read_gaussian_widths(path: Path) -> dict[int, float]:
    """Gaussian part of the linewidth (full width, Hz) by spectrum index; empty where an older file does not have it."""
    with np.load(path, allow_pickle=False) as archive:
        names = [f"gaussian_hz_{index}" for index in range(int(archive["n_spectra"]))]
        return {index: float(archive[name]) for index, name in enumerate(names) if name in archive}


def read_covariances(path: Path) -> "dict[int, pd.DataFrame]":
    """Covariance of the amplitudes by spectrum index, rows and columns named by component."""
    import pandas as pd  # noqa: PLC0415 - slow to import, and not needed to write

    with np.load(path, allow_pickle=False) as archive:
        indices = [index for index in range(int(archive["n_spectra"])) if f"covariance_{index}" in archive]
        names = {index: [str(name) for name in archive[f"names_{index}"][4:]] for index in indices}
        return {index: pd.DataFrame(archive[f"covariance_{index}"], index=names[index], columns=names[index]) for index in indices}


def _table(archive: np.lib.npyio.NpzFile, index: int) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415 - as in `read_covariances`

    curves = pd.DataFrame(archive[f"curves_{index}"].T.astype(float), columns=[str(name) for name in archive[f"names_{index}"]])
    curves.insert(0, "ppm", archive[f"ppm_{index}"])
    return curves

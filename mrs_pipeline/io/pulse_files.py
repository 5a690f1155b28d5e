"""Pulse shapes as plain text: one step a line with amplitude, phase in degrees and, optionally, relative gradient."""

import os
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.pulses import SampledShape
from mrs_pipeline.basis.waveforms import MIN_STEPS
from mrs_pipeline.errors import InputError

#: More steps than this only cost time: 10 ms at 1 microsecond.
MAX_STEPS = 10000


def read_pulse_shape(path: str | os.PathLike[str]) -> SampledShape:
    """Read a shape: columns separated by blanks or tabs (a comma may stand before them), lines that start with # are comments.

    One column: amplitude, negative values meaning a phase of 180 degrees; two: amplitude and phase (degrees); three: also the gradient
    relative to its nominal value. `InputError` names the file and line that cannot be used.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} could not be read as text ({error}): name a file of amplitudes, one a line") from error
    rows = [_numbers(line, path=path, number=number) for number, line in enumerate(lines, start=1) if line.split("#")[0].strip()]
    widths = {len(row) for row in rows}
    if len(rows) < MIN_STEPS or len(widths) != 1 or not widths <= {1, 2, 3}:
        raise InputError(
            f"{path} has {len(rows)} steps of {sorted(widths)} columns: at least {MIN_STEPS}, each of 1 to 3 columns, are expected"
        )
    if len(rows) > MAX_STEPS:
        raise InputError(f"{path} has {len(rows)} steps, more than {MAX_STEPS}: export the pulse with longer steps")
    columns = np.array(rows, dtype=float).T
    if not np.any(columns[0]):
        raise InputError(f"{path} has only amplitudes of 0: export the pulse again")
    return SampledShape(
        name=Path(path).name,
        amplitude=columns[0],
        phase_rad=np.radians(columns[1]) if len(columns) > 1 else np.zeros(len(rows)),
        gradient=columns[2] if len(columns) > 2 else np.ones(len(rows)),
    )


def _numbers(line: str, *, path: str | os.PathLike[str], number: int) -> FloatArray:
    fields = line.split("#", maxsplit=1)[0].split()
    if any("," in field.rstrip(",") for field in fields):
        raise InputError(
            f"{path}, line {number}: '{line.strip()}' has commas within numbers: write decimal points, and blanks between columns"
        )
    try:
        values = np.array([float(field.rstrip(",")) for field in fields])
    except ValueError as error:
        raise InputError(
            f"{path}, line {number}: '{line.strip()}' is not a row of numbers: amplitude, phase in degrees, gradient"
        ) from error
    if not np.all(np.isfinite(values)):
        raise InputError(f"{path}, line {number}: '{line.strip()}' holds a value that is not finite: correct it")
    return values

"""Command ``macromolecules``: metabolite-nulled scans to a macromolecule component for fitting."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray
from mrs_pipeline.basis.measured_macromolecules import MeasuredMacromolecules, as_basis, measured_macromolecules
from mrs_pipeline.basis.metabolite_residues import residue_basis
from mrs_pipeline.errors import ConfigError, DataError, InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.basis_files import write_basis
from mrs_pipeline.io.sessions import session_from_files
from mrs_pipeline.io.tables import write_json
from mrs_pipeline.preprocessing.noise import stored_length
from mrs_pipeline.preprocessing.steps import preprocess
from mrs_pipeline.preprocessing.water_removal import remove_water
from mrs_pipeline.report.nulled_scan import FIGURE_SUFFIXES, nulled_scan_figure

#: Share of the echo time that is the first echo time of PRESS where it is not given: residues hardly depend on it.
FIRST_ECHO_SHARE = 0.4
#: First steps of every scan; transients are averaged as they are, for macromolecule lines are broader than any drift within a scan.
STEPS: tuple[Mapping[str, Any], ...] = ({"step": "coil_combination"}, {"step": "eddy_current"})


def measure_macromolecules(
    scans: Sequence[Path],
    *,
    out: Path | None = None,
    water: Sequence[Path] = (),
    figure: Path | None = None,
    kind: Literal["lines", "data"] = "lines",
    timing: Mapping[str, Any] | None = None,
) -> MeasuredMacromolecules:
    """Write the component of one or several metabolite-nulled scans as a basis-set file, what was found beside it as JSON, and a figure.

    Without `out` and `figure` nothing is written and what was found is only returned.
    `water` are the unsuppressed references, none or one for each scan; `timing` the keys ``sequence`` (default ``press``),
    ``echo_time_1_s`` and ``mixing_time_s`` of `residue_basis`. Everything is computed before anything is written. `InputError` for files
    that cannot be read or do not belong together, `DataError` with the names of the files where the scans cannot be used.
    """
    _check_names(scans, water=water, figure=figure)
    fids, acquisition = _prepared(scans, water=water)
    metabolites = residue_basis(acquisition=acquisition, **_timing(timing or {}, acquisition=acquisition))
    try:
        found = measured_macromolecules(fids, acquisition=acquisition, metabolites=metabolites)
    except DataError as error:
        raise DataError(f"{', '.join(path.name for path in scans)}: {error}") from error
    drawing = nulled_scan_figure(found, suffix=figure.suffix) if figure else b""
    if out:
        write_basis(as_basis(found, kind=kind, origin=", ".join(path.name for path in scans)), out)
        write_json(summary(found, scans=scans), out.with_suffix(".json"))
    if figure:
        with atomic_path(figure) as temporary:
            temporary.write_bytes(drawing)
    return found


def summary(found: MeasuredMacromolecules, *, scans: Sequence[Path]) -> dict[str, object]:
    """What was found, for people and programs: numbers of the fit, residues, lines and how each scan was placed."""
    return {
        "scans": [{"file": path.name, **asdict(place)} for path, place in zip(scans, found.placements, strict=True)],
        "residues": {item.name: {"amplitude": item.amplitude, "sd": item.sd, "height": item.height} for item in found.residues},
        "lines": [asdict(line) for line in found.lines],
        "lorentzian_hz": found.lorentzian_hz,
        "quality": dict(found.quality),
        "warnings": list(found.warnings),
        "units": "amplitudes, areas and heights at the scale of the component, whose line near 0.9 ppm has 3 protons; phases in rad",
    }


def _check_names(scans: Sequence[Path], *, water: Sequence[Path], figure: Path | None) -> None:
    if len(water) not in {0, len(scans)}:
        raise ConfigError(f"{len(water)} water references were given for {len(scans)} scans: give one for each, in the same order, or none")
    if figure is not None and figure.suffix not in FIGURE_SUFFIXES:
        raise ConfigError(f"{figure} has no suffix of a figure: name it {' or '.join(FIGURE_SUFFIXES)}")


def _prepared(scans: Sequence[Path], *, water: Sequence[Path]) -> tuple[ComplexArray, Acquisition]:
    """Averaged scans without eddy currents, water and appended zeros, (n_scans, n_points), and what they have in common."""
    references = [[path] for path in water] or [[] for _ in scans]
    means = [_mean(scan, references=reference) for scan, reference in zip(scans, references, strict=True)]
    first = means[0].acquisition
    for path, mean in zip(scans[1:], means[1:], strict=True):
        _check_alike(mean.acquisition, first, path=path, other_path=scans[0])
    length = min(stored_length(mean.data) for mean in means)
    acquisition = first.with_n_points(length)
    rows = [Fids(data=mean.data[:length], dims=("time",), acquisition=acquisition) for mean in means]
    return np.array([remove_water(row, options={}).data for row in rows]), acquisition


def _mean(scan: Path, *, references: Sequence[Path]) -> Fids:
    session = preprocess(session_from_files([scan], reference_paths=references), steps=STEPS)
    if session.fids.acquisition.echo_time_s is None:
        raise InputError(f"{scan} does not state its echo time: put EchoTime in seconds into a JSON file of the same name")
    if not session.sound.any():
        raise InputError(f"{scan} holds no signal: export or convert the file again")
    return Fids(data=session.fids.data[session.sound].mean(axis=0), dims=("time",), acquisition=session.fids.acquisition)


def _check_alike(one: Acquisition, other: Acquisition, *, path: Path, other_path: Path) -> None:
    """`InputError` where two scans cannot be averaged; differences of the field within a scanner's readjustment do not matter in ppm."""
    pairs = {
        "nucleus": (one.nucleus, other.nucleus),
        "spectral width": (round(one.spectral_width_hz, 1), round(other.spectral_width_hz, 1)),
        "frequency in MHz": (round(one.spectrometer_frequency_mhz, 1), round(other.spectrometer_frequency_mhz, 1)),
        "echo time in s": (round(one.echo_time_s or 0.0, 3), round(other.echo_time_s or 0.0, 3)),
    }
    for what, (first, second) in pairs.items():
        if first != second:
            raise InputError(f"{path} and {other_path} differ in {what} ({first} and {second}): average scans of one kind")


def _timing(given: Mapping[str, Any], *, acquisition: Acquisition) -> dict[str, Any]:
    timing = {"sequence": "press", **{key: value for key, value in given.items() if value is not None}}
    if timing["sequence"] == "press" and acquisition.echo_time_s:
        timing.setdefault("echo_time_1_s", FIRST_ECHO_SHARE * acquisition.echo_time_s)
    return timing

"""The command line: one subcommand a stage, over the same functions as the workflow.

Exit codes: 0 done, 2 wrong usage or bad input (one sentence on stderr), 1 a defect of the program.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mrs_pipeline import __version__
from mrs_pipeline.errors import ConfigError, MrsPipelineError


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and one sentence."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return the exit code."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # many small matrices: more threads only cost time
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except MrsPipelineError as error:
        print(f"mrs-pipeline {options.command}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _within(low: int, high: int, unit: str) -> Callable[[str], float]:
    """Reads a number between two limits, beyond which another unit was meant."""

    def number(text: str) -> float:
        if not max(low, 1e-9) <= float(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is outside {low} to {high} {unit}: give it in {unit}")
        return float(text)

    return number


frequency_mhz, spectral_width_hz, time_s = _within(10, 1000, "MHz"), _within(200, 100000, "Hz"), _within(0, 1, "s")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="mrs-pipeline", description="Functional MR spectroscopy: raw transients to the contrast of two conditions.")
    parser.add_argument("--version", action="version", version=f"mrs-pipeline {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    for add in (
        _add_simulate,
        _add_import,
        _add_basis,
        _add_basis_convert,
        _add_macromolecules,
        _add_preprocess,
        _add_fit,
        _add_timecourse,
        _add_contrast,
    ):
        add(commands)
    return parser


def _add_simulate(commands: Any) -> None:
    parser = commands.add_parser("simulate", help="synthetic study with known truth as a BIDS dataset")
    parser.add_argument("description", type=Path, metavar="SIMULATION.yaml", help="description of the study")
    parser.add_argument("--seed", type=natural_number, help="seed of all random draws (default: that of the description)")
    parser.add_argument("--out", type=Path, required=True, metavar="BIDS_DIR", help="new folder of the dataset")
    parser.set_defaults(run=_simulate)


def _simulate(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.simulate import simulate_study

    simulate_study(options.description, options.out, seed=options.seed)


def _add_import(commands: Any) -> None:
    parser = commands.add_parser("import", help="lay NIfTI-MRS files out as a BIDS dataset")
    parser.add_argument("table", type=Path, metavar="TABLE.tsv", help="one row a file: file, participant, session, kind, ...")
    parser.add_argument("--source", type=Path, help="folder the files are relative to (default: MRS_EXTERNAL_DATA, else that of the table)")
    parser.add_argument("--out", type=Path, required=True, metavar="BIDS_DIR", help="new folder of the dataset")
    parser.set_defaults(run=_import)


def _import(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.import_bids import import_table

    import_table(options.table, options.out, source_dir=options.source)


def _add_basis(commands: Any) -> None:
    parser = commands.add_parser("basis", help="simulate a basis set")
    parser.add_argument("--sequence", required=True, help="pulse_acquire, spin_echo, press, steam, slaser or special")
    parser.add_argument("--echo-time", type=time_s, required=True, metavar="S", help="echo time, s")
    parser.add_argument("--echo-time-1", type=time_s, metavar="S", help="first echo time of PRESS, s (default: 0.4 of the echo time)")
    parser.add_argument("--mixing-time", type=time_s, metavar="S", help="mixing time of STEAM, s")
    parser.add_argument("--frequency", type=frequency_mhz, required=True, metavar="MHZ", help="proton frequency of the scanner, MHz")
    parser.add_argument("--spectral-width", type=spectral_width_hz, required=True, metavar="HZ", help="spectral width, Hz")
    parser.add_argument("--n-points", type=natural_number, required=True, metavar="N", help="points of an FID")
    parser.add_argument("--pulses", default="ideal", metavar="SET", help="ideal (default), ge_press, press, slaser, steam or special")
    parser.add_argument("--metabolites", nargs="+", metavar="NAME", help="metabolites (default: 21 of the human brain)")
    parser.add_argument("--spin-system", nargs="+", default=[], metavar="NAME=SET", help="published set of numbers, such as GABA=near2013")
    parser.add_argument("--no-cache", action="store_true", help="simulate again what a cache may hold")
    _add_output_of_basis(parser)
    parser.set_defaults(run=_basis)


def _add_output_of_basis(parser: argparse.ArgumentParser) -> None:
    forms = "npz (ours, no loss), lcmodel (.BASIS), fsl_json or raw (new folders)"
    parser.add_argument("--form", metavar="FORM", help=f"{forms}; default: that of the ending .npz or .BASIS")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="file or folder to write")


def _basis(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.basis import write_configured_basis
    from mrs_pipeline.io.config import complete_config

    section = {
        "sequence": options.sequence,
        "echo_time_s": options.echo_time,
        "echo_time_1_s": options.echo_time_1,
        "mixing_time_s": options.mixing_time,
        "pulses": options.pulses,
        "spectrometer_frequency_mhz": options.frequency,
        "spectral_width_hz": options.spectral_width,
        "n_points": options.n_points,
    }
    if options.sequence == "press" and options.echo_time_1 is None:
        section["echo_time_1_s"] = 0.4 * options.echo_time
    if options.metabolites:
        section["metabolites"] = options.metabolites
    section["spin_systems"] = dict(_chosen_set(text) for text in options.spin_system)
    study = {"study": {"name": "basis"}, "basis": section, "windows": {"event": None}}
    section = complete_config(study, source="command line")["basis"]
    write_configured_basis(section, out=options.out, form=options.form, use_cache=not options.no_cache)


def _chosen_set(text: str) -> tuple[str, str]:
    name, sign, chosen = text.partition("=")
    if not (name and sign and chosen):
        raise ConfigError(f"--spin-system {text} is not understood: write it as METABOLITE=SET, such as GABA=near2013")
    return name, chosen


def _add_basis_convert(commands: Any) -> None:
    parser = commands.add_parser("basis-convert", help="write a basis set of any program in another form")
    parser.add_argument("source", type=Path, metavar="BASIS", help="a .BASIS or .npz file, or a folder of LCModel .RAW or FSL-MRS JSON")
    parser.add_argument("--frequency", type=frequency_mhz, metavar="MHZ", help="proton frequency, MHz, where the files do not state it")
    parser.add_argument("--spectral-width", type=spectral_width_hz, metavar="HZ", help="spectral width, Hz, which .RAW files never state")
    parser.add_argument("--echo-time", type=time_s, metavar="S", help="echo time, s, where the files do not state it")
    parser.add_argument("--metabolites", nargs="+", metavar="NAME", help="components to keep (default: all)")
    _add_output_of_basis(parser)
    parser.set_defaults(run=_basis_convert)


def _basis_convert(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.basis import convert_basis
    from mrs_pipeline.io.stated import Stated

    stated = Stated(spectrometer_frequency_mhz=options.frequency, spectral_width_hz=options.spectral_width, echo_time_s=options.echo_time)
    changes = convert_basis(options.source, options.out, stated=stated, form=options.form, metabolites=options.metabolites)
    _tell(changes, options=options, kind="note")


def _tell(remarks: Sequence[str], *, options: argparse.Namespace, kind: str) -> None:
    """Print what a user must know though the command succeeded."""
    for remark in remarks:
        print(f"mrs-pipeline {options.command}: {kind}: {remark}", file=sys.stderr)


def _add_macromolecules(commands: Any) -> None:
    parser = commands.add_parser("macromolecules", help="macromolecule component from metabolite-nulled scans")
    parser.add_argument("scans", type=Path, nargs="+", metavar="SCAN", help="metabolite-nulled scans (NIfTI-MRS), one for each person")
    parser.add_argument("--water", type=Path, nargs="+", default=[], metavar="REF", help="water references, one for each scan in order")
    parser.add_argument("--sequence", default="press", help="sequence of the scans after the inversion, as for basis (default: press)")
    parser.add_argument("--echo-time-1", type=time_s, metavar="S", help="first echo time of PRESS, s (default: 0.4 of the echo time)")
    parser.add_argument("--mixing-time", type=time_s, metavar="S", help="mixing time of STEAM, s")
    parser.add_argument("--kind", choices=("lines", "data"), default="lines", help="noise-free lines (default) or the cleaned data")
    parser.add_argument("--figure", type=Path, metavar="PATH", help="figure to write, .png or .svg")
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="basis-set file to write, .npz or .BASIS")
    parser.set_defaults(run=_macromolecules)


def _macromolecules(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.macromolecules import measure_macromolecules

    timing = {"sequence": options.sequence, "echo_time_1_s": options.echo_time_1, "mixing_time_s": options.mixing_time}
    found = measure_macromolecules(
        options.scans, out=options.out, water=options.water, figure=options.figure, kind=options.kind, timing=timing
    )
    _tell(found.warnings, options=options, kind="warning")


def _add_preprocess(commands: Any) -> None:
    parser = commands.add_parser("preprocess", help="raw runs of one session to aligned transients")
    parser.add_argument("svs", type=Path, nargs="+", metavar="SVS", help="runs of one session, in order (NIfTI-MRS)")
    parser.add_argument("--reference", type=Path, nargs="+", default=[], metavar="MRSREF", help="water reference")
    parser.add_argument("--config", type=Path, metavar="STUDY.yaml", help="study whose preprocessing steps are used")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.set_defaults(run=_preprocess)


def _preprocess(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.layout import PreprocessedNames
    from mrs_pipeline.commands.preprocess import preprocess_session
    from mrs_pipeline.io.sessions import files_as_session

    config = _study_or_defaults(options.config)
    files = files_as_session(options.svs, reference_paths=options.reference)
    steps, event = config["preprocessing"]["steps"], config["windows"].get("event")
    preprocess_session(files, steps=steps, event=event, out_dir=options.out, names=PreprocessedNames())


def _add_fit(commands: Any) -> None:
    parser = commands.add_parser("fit", help="fit every spectrum of a file")
    parser.add_argument("svs", type=Path, metavar="SVS", help="spectra (NIfTI-MRS), coils combined")
    parser.add_argument("--basis", type=Path, required=True, metavar="BASIS", help="a basis set in any form of basis-convert")
    parser.add_argument(
        "--metabolites", nargs="+", metavar="NAME", help="components of the basis to fit beside macromolecules (default: all)"
    )
    parser.add_argument("--ppm-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="fitted range, ppm (default: 0.2 4.0)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="study whose fitting options and measures are used")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tables")
    parser.set_defaults(run=_fit)


def _fit(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.fit import fit_file

    config = _study_or_defaults(options.config)
    if options.ppm_range:
        low, high = options.ppm_range
        if not low < high:
            raise ConfigError(f"--ppm-range {low:g} {high:g} is empty: give the lower limit first")
        config["fitting"]["ppm_range"] = [low, high]
    remarks = fit_file(options.svs, basis=options.basis, config=config, out_dir=options.out, metabolites=options.metabolites)
    _tell(remarks, options=options, kind="warning")


def _add_timecourse(commands: Any) -> None:
    parser = commands.add_parser("timecourse", help="windows of a preprocessed session and their fits")
    parser.add_argument("preprocessed", type=Path, nargs="+", metavar="PREPROCESSED", help="result of mrs-pipeline preprocess")
    parser.add_argument("--events", type=Path, metavar="EVENTS.tsv", help="events, onsets in seconds from the first transient")
    parser.add_argument("--config", type=Path, required=True, metavar="STUDY.yaml", help="study: windows, fitting, measures")
    parser.add_argument("--basis", type=Path, required=True, metavar="BASIS", help="basis set")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tables")
    parser.set_defaults(run=_timecourse)


def _timecourse(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.layout import TimecourseNames
    from mrs_pipeline.commands.timecourse import timecourse

    config = _study_or_defaults(options.config)
    names = TimecourseNames()
    remarks = timecourse(options.preprocessed, events=options.events, config=config, basis=options.basis, out_dir=options.out, names=names)
    _tell(remarks, options=options, kind="warning")


def _add_contrast(commands: Any) -> None:
    parser = commands.add_parser("contrast", help="contrast of conditions from a table of measures")
    parser.add_argument("measures", type=Path, metavar="MEASURES.tsv", help="measures of all sessions and windows")
    parser.add_argument("--config", type=Path, required=True, metavar="STUDY.yaml", help="study: its statistics section")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tables")
    parser.set_defaults(run=_contrast)


def _contrast(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.contrast import contrast_file

    contrast_file(options.measures, config=_study_or_defaults(options.config), out_dir=options.out)


def _study_or_defaults(path: Path | None) -> dict[str, Any]:
    """A study's configuration, or the package's defaults where none is given."""
    from mrs_pipeline.io.config import complete_config, read_config

    if path is not None:
        return read_config(path)
    return complete_config({"study": {"name": "defaults"}, "basis": {}, "windows": {"event": None}}, source="defaults")


def natural_number(text: str) -> int:
    """A whole number that is not negative; the name appears in messages."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


if __name__ == "__main__":
    sys.exit(main())

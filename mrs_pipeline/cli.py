"""The command line: one subcommand a stage, over the same functions as the workflow.

Exit codes: 0 done, 2 wrong usage or bad input (one sentence on stderr), 1 a defect of the program.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mrs_pipeline import __version__
from mrs_pipeline.cli_analysis import add_contrast, add_fit, add_timecourse
from mrs_pipeline.cli_arguments import Parser, frequency_mhz, natural_number, spectral_width_hz, study_or_defaults, tell, time_s
from mrs_pipeline.cli_power import add_power
from mrs_pipeline.errors import ConfigError, MrsPipelineError


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


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="mrs-pipeline", description="Functional MR spectroscopy: raw transients to the contrast of two conditions.")
    parser.add_argument("--version", action="version", version=f"mrs-pipeline {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for add in (
        _add_simulate,
        _add_import,
        _add_basis,
        _add_basis_convert,
        _add_macromolecules,
        _add_preprocess,
        add_fit,
        add_timecourse,
        add_contrast,
        add_power,
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
    tell(changes, options=options, kind="note")


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
    tell(found.warnings, options=options, kind="warning")


def _add_preprocess(commands: Any) -> None:
    parser = commands.add_parser("preprocess", help="raw runs of one session to aligned transients")
    parser.add_argument("svs", type=Path, nargs="+", metavar="SVS", help="runs of one session, in order (NIfTI-MRS)")
    parser.add_argument("--reference", type=Path, nargs="+", default=[], metavar="MRSREF", help="water reference")
    parser.add_argument("--config", type=Path, metavar="STUDY.yaml", help="study whose preprocessing steps are used")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the results")
    parser.set_defaults(run=_preprocess)


def _preprocess(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.layout import PreprocessedNames
    from mrs_pipeline.commands.preprocess import placing_event, preprocess_session
    from mrs_pipeline.io.sessions import files_as_session

    config = study_or_defaults(options.config)
    files = files_as_session(options.svs, reference_paths=options.reference)
    steps, event = config["preprocessing"]["steps"], placing_event(config["windows"])
    remarks = preprocess_session(files, steps=steps, event=event, out_dir=options.out, names=PreprocessedNames())
    tell(remarks, options=options, kind="warning")


if __name__ == "__main__":
    sys.exit(main())

"""Subcommands of the analysis: fit, timecourse, contrast."""

import argparse
from pathlib import Path
from typing import Any

from mrs_pipeline.cli_arguments import natural_number, partial_study, study_or_defaults, tell
from mrs_pipeline.errors import ConfigError


def add_fit(commands: Any) -> None:
    """Subcommand ``fit``."""
    about = "Fit every spectrum of a file by itself. Each has a baseline of its own stiffness, which a study chooses once a session."
    parser = commands.add_parser("fit", help="fit every spectrum of a file", description=about)
    parser.add_argument("svs", type=Path, metavar="SVS", help="spectra (NIfTI-MRS), coils combined")
    parser.add_argument("--basis", type=Path, required=True, metavar="BASIS", help="a basis set in any form of basis-convert")
    parser.add_argument(
        "--metabolites", nargs="+", metavar="NAME", help="components of the basis to fit beside macromolecules (default: all)"
    )
    parser.add_argument("--ppm-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="fitted range, ppm (default: 0.2 4.0)")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="study whose fitting options and measures are used, or a file with only what differs from the defaults",
    )
    parser.add_argument("--bootstrap", type=natural_number, default=0, metavar="N", help="refit N spectra rebuilt from each fit")
    parser.add_argument(
        "--monte-carlo",
        type=natural_number,
        default=0,
        metavar="N",
        help="the same with shifts, widths and baseline redrawn from their priors",
    )
    parser.add_argument("--seed", type=natural_number, default=0, metavar="S", help="seed of their noise (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tables")
    parser.set_defaults(run=_fit)


def _fit(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.fit import fit_file
    from mrs_pipeline.commands.resampling import Resampling

    config = partial_study(options.config)
    if options.ppm_range:
        low, high = options.ppm_range
        if not low < high:
            raise ConfigError(f"--ppm-range {low:g} {high:g} is empty: give the lower limit first")
        config["fitting"]["ppm_range"] = [low, high]
    remarks = fit_file(
        options.svs,
        basis=options.basis,
        config=config,
        out_dir=options.out,
        metabolites=options.metabolites,
        resampling=Resampling(bootstrap=options.bootstrap, monte_carlo=options.monte_carlo, seed=options.seed),
    )
    tell(remarks, options=options, kind="warning")


def add_timecourse(commands: Any) -> None:
    """Subcommand ``timecourse``."""
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

    config = study_or_defaults(options.config)
    names = TimecourseNames()
    remarks = timecourse(options.preprocessed, events=options.events, config=config, basis=options.basis, out_dir=options.out, names=names)
    tell(remarks, options=options, kind="warning")


def add_contrast(commands: Any) -> None:
    """Subcommand ``contrast``."""
    parser = commands.add_parser("contrast", help="contrast of conditions from a table of measures")
    parser.add_argument("measures", type=Path, metavar="MEASURES.tsv", help="measures of all sessions and windows")
    parser.add_argument("--config", type=Path, required=True, metavar="STUDY.yaml", help="study: its statistics section")
    parser.add_argument("--fitquality", type=Path, metavar="FITQUALITY.tsv", help="quality of fits, for exclusions and controls")
    parser.add_argument("--windows", type=Path, metavar="WINDOWS.tsv", help="transients of windows, for exclusions")
    parser.add_argument("--sessions", type=Path, metavar="SESSIONS.tsv", help="planned sessions, for the account of exclusions")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the tables")
    parser.set_defaults(run=_contrast)


def _contrast(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.contrast import contrast_file

    contrast_file(
        options.measures,
        config=study_or_defaults(options.config),
        out_dir=options.out,
        fitquality=options.fitquality,
        windows=options.windows,
        sessions=options.sessions,
    )

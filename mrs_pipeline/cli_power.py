"""Subcommand ``power`` of the command line."""

import argparse
from pathlib import Path
from typing import Any

from mrs_pipeline.cli_arguments import natural_number, partial_study


def add_power(commands: Any) -> None:
    """Subcommand ``power``."""
    parser = commands.add_parser("power", help="power, detectable effect and needed participants of a crossover")
    parser.add_argument("--effect", type=_effect, required=True, metavar="PERCENT", help="difference between conditions to be found, %%")
    parser.add_argument(
        "--participants", type=_several, nargs="+", default=[12, 20, 26, 40], metavar="N", help="numbers to look at (default: 12 20 26 40)"
    )
    parser.add_argument("--measures", type=Path, metavar="MEASURES.tsv", help="a study whose variances and windows are taken")
    parser.add_argument("--window-sd", type=_positive, metavar="PERCENT", help="else: SD of a window within its session, %%")
    parser.add_argument("--response-sd", type=_positive, default=0.0, metavar="PERCENT", help="SD of the change between sessions, %%")
    parser.add_argument("--session-sd", type=_positive, default=0.0, metavar="PERCENT", help="SD of the level between sessions, %%")
    parser.add_argument(
        "--windows", type=natural_number, nargs=2, default=[1, 6], metavar=("BASELINE", "INFUSION"), help="windows (default: 1 6)"
    )
    parser.add_argument("--missing", type=_fraction, default=0.0, metavar="PART", help="part of the windows without a value (default: 0)")
    parser.add_argument("--power", type=_fraction, default=0.8, metavar="P", help="power aimed at (default: 0.8)")
    parser.add_argument("--analysis", metavar="NAME", help="analysis (default: the primary one; a mixed model takes minutes)")
    parser.add_argument("--studies", type=natural_number, default=1000, metavar="N", help="simulated studies (default: 1000)")
    parser.add_argument("--seed", type=natural_number, default=1, metavar="S", help="seed of the simulation (default: 1)")
    parser.add_argument("--config", type=Path, metavar="STUDY.yaml", help="study: its statistics section, or only what differs")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for power.tsv")
    parser.set_defaults(run=_power)


def _several(text: str) -> int:
    """A number of participants; the name appears in messages."""
    number = natural_number(text)
    if number < 4:
        raise argparse.ArgumentTypeError(f"{text} are too few: a contrast needs at least 4 participants")
    return number


def _effect(text: str) -> float:
    """An effect in per cent; the name appears in messages."""
    if not 0 < abs(float(text)) < 1000:
        raise argparse.ArgumentTypeError(f"{text} is no effect in per cent")
    return float(text)


def _positive(text: str) -> float:
    if not 0 <= float(text) < 1000:
        raise argparse.ArgumentTypeError(f"{text} is no standard deviation in per cent")
    return float(text)


def _fraction(text: str) -> float:
    if not 0 <= float(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return float(text)


def _power(options: argparse.Namespace) -> None:
    from mrs_pipeline.commands.power import PowerQuestion, fitted_truth, power_table, stated_truth, write_power
    from mrs_pipeline.errors import ConfigError

    if (options.measures is None) == (options.window_sd is None):
        raise ConfigError("variances come from exactly one of --measures and --window-sd: give one of them")
    statistics = partial_study(options.config)["statistics"]
    truth = (
        fitted_truth(options.measures, statistics=statistics)
        if options.measures
        else stated_truth(
            window_sd=options.window_sd, response_sd=options.response_sd, session_sd=options.session_sd, windows=tuple(options.windows)
        )
    )
    question = PowerQuestion(
        effect_percent=options.effect,
        participants=options.participants,
        power=options.power,
        n_studies=max(1, options.studies),
        seed=options.seed,
        missing_fraction=options.missing,
    )
    table = power_table(truth, statistics=statistics, question=question, analysis=options.analysis, is_fitted=options.measures is not None)
    print(
        f"windows: {truth.n_baseline_windows} before, {truth.n_infusion_windows} during the infusion; SD of a window "
        f"{truth.window_sd_percent:.3g} %, of the response of a session {truth.response_sd_percent:.3g} %"
    )
    print(table.to_string(index=False, float_format="{:.3g}".format))
    if options.out:
        write_power(table, out_dir=options.out)

"""What subcommands share: reading of numbers, wrong usage in one sentence, remarks on stderr, the configuration."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2 and one sentence."""
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _within(low: int, high: int, unit: str) -> Callable[[str], float]:
    """Reads a number between two limits, beyond which another unit was meant."""

    def number(text: str) -> float:
        if not max(low, 1e-9) <= float(text) <= high:
            raise argparse.ArgumentTypeError(f"{text} is outside {low} to {high} {unit}: give it in {unit}")
        return float(text)

    return number


frequency_mhz, spectral_width_hz, time_s = _within(10, 1000, "MHz"), _within(200, 100000, "Hz"), _within(0, 1, "s")


def natural_number(text: str) -> int:
    """A whole number that is not negative; the name appears in messages."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return value


def tell(remarks: Sequence[str], *, options: argparse.Namespace, kind: str) -> None:
    """Print what a user must know though the command succeeded."""
    for remark in remarks:
        print(f"mrs-pipeline {options.command}: {kind}: {remark}", file=sys.stderr)


#: What a study must state, for commands that need nothing of it.
UNSTATED: Mapping[str, Any] = {"study": {"name": "defaults"}, "basis": {}, "windows": {"event": None}}


def study_or_defaults(path: Path | None) -> dict[str, Any]:
    """A study's configuration, or the package's defaults where none is given."""
    from mrs_pipeline.io.config import default_config, read_config

    return read_config(path) if path is not None else default_config(UNSTATED)


def partial_study(path: Path | None) -> dict[str, Any]:
    """The same from a file that may hold only what differs from the defaults."""
    from mrs_pipeline.io.config import complete_config, read_yaml

    return complete_config({**UNSTATED, **read_yaml(path)}, source=str(path)) if path is not None else study_or_defaults(None)

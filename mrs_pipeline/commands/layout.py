"""Where the files of a study lie and what they are called: known to every stage, dependent on none."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Table of moving windows of a session, where a study asks for them.
MOVING = "moving.tsv"


@dataclass(frozen=True, kw_only=True)
class StudySession:
    """One participant and visit; `session` is empty in datasets without sessions.

    `inputs` are the raw files its preprocessing depends on (empty where a rule makes the whole dataset at once).
    """

    participant: str
    session: str
    inputs: tuple[Path, ...] = ()

    @property
    def label(self) -> str:
        """Such as ``sub-01_ses-1``."""
        return f"sub-{self.participant}" + (f"_ses-{self.session}" if self.session else "")

    @property
    def folder(self) -> str:
        """Such as ``sub-01/ses-1/mrs``."""
        return "/".join([f"sub-{self.participant}", *([f"ses-{self.session}"] if self.session else []), "mrs"])


@dataclass(frozen=True, kw_only=True)
class PreprocessedNames:
    """File names of one preprocessed session: data, table of transients, events on the session clock, record."""

    data: str = "preprocessed.nii.gz"
    transients: str = "transients.tsv"
    events: str = "events.tsv"
    record: str = "preprocessing.json"

    @classmethod
    def bids(cls, label: str) -> "PreprocessedNames":
        """Names in a BIDS derivative; `label` such as ``sub-01_ses-1``."""
        stem = f"{label}_desc-preproc"
        return cls(
            data=f"{stem}_svs.nii.gz", transients=f"{stem}_transients.tsv", events=f"{stem}_events.tsv", record=f"{stem}_record.json"
        )


@dataclass(frozen=True, kw_only=True)
class TimecourseNames:
    """File names of the windows of one session and their fits; all share a prefix."""

    prefix: str = ""

    @classmethod
    def bids(cls, label: str) -> "TimecourseNames":
        """Names in a BIDS derivative; `label` such as ``sub-01_ses-1``."""
        return cls(prefix=f"{label}_desc-window_")

    def file(self, name: str) -> str:
        """Full name of a file such as ``measures.tsv``."""
        return f"{self.prefix}{name}"


def results_dir(config: Mapping[str, Any]) -> Path:
    """Where everything of the study appears."""
    return Path(str(config["study"]["results_dir"])) / str(config["study"]["name"])


def bids_dir(config: Mapping[str, Any]) -> Path:
    """The raw dataset: the one given, or the one the workflow makes."""
    given = config["study"]["bids_dir"]
    return Path(given) if given else results_dir(config) / "bids"

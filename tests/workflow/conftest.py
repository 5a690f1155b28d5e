"""Small studies in folders of their own: copies of the workflow, of a part of the test data and, where asked for, of the package."""

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

#: The phantom study with fewer components and windows.
SMALL: dict[str, Any] = {
    "study": {"name": "small", "title": "Small study", "bids_dir": "data"},
    "selection": {"task": "infusion"},
    "basis": {
        "sequence": "press",
        "echo_time_s": 0.030,
        "echo_time_1_s": 0.012,
        "spectral_width_hz": 2000,
        "n_points": 512,
        "metabolites": ["Cr", "PCr", "GPC", "Gln", "Glu", "Ins", "NAA", "NAAG"],
        "macromolecules": ["MM09", "MM20"],
    },
    "windows": {
        "event": "infusion",
        "baseline": {"start_s": -72, "stop_s": 0, "width_s": 72},
        "infusion": {"start_s": 0, "stop_s": 120, "width_s": 60},
        "min_transients": 4,
    },
    "statistics": {"conditions": ["placebo", "naltrexone"]},
}

#: Folders of results that differ between equal runs: run times and messages.
UNEQUAL = {"benchmarks", "logs"}


@dataclass
class Study:
    """A folder with a workflow, a configuration and data."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results" / "small"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def package(self) -> Path:
        return self.folder / "package" / "mrs_pipeline"

    def configure(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Write the configuration with a change."""
        config = copy.deepcopy(SMALL)
        change(config)
        (self.folder / "config").mkdir(exist_ok=True)
        (self.folder / "config" / "study.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def command(self, *arguments: str, configfile: str | None = "config/study.yaml") -> list[str]:
        chosen = ["--configfile", configfile] if configfile else []
        return [sys.executable, "-m", "snakemake", "--cores", "2", *chosen, *arguments]

    @property
    def environment(self) -> dict[str, str]:
        copied = {"PYTHONPATH": str(self.package.parent)} if self.package.exists() else {}
        return {**os.environ, "OMP_NUM_THREADS": "1", **copied}

    def run(self, *arguments: str, configfile: str | None = "config/study.yaml") -> "subprocess.CompletedProcess[str]":
        """Run Snakemake; its messages are in ``stdout``."""
        return subprocess.run(
            self.command(*arguments, configfile=configfile),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )

    def run_whole(self, *arguments: str) -> None:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout[-4000:]

    def interrupt(self, *, when: Callable[[], bool], with_signal: signal.Signals) -> None:
        """Start Snakemake and send a signal to it and all its jobs as soon as something is there."""
        process = subprocess.Popen(
            self.command("--cores", "1"),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 120
            while not when() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert process.poll() is None
        finally:
            os.killpg(process.pid, with_signal)
            process.wait(timeout=60)

    def planned(self, *arguments: str, configfile: str | None = "config/study.yaml") -> dict[str, int]:
        """Number of jobs by rule that a run would have."""
        done = self.run("--dry-run", *arguments, configfile=configfile)
        assert done.returncode == 0, done.stdout[-4000:]
        if "Nothing to be done" in done.stdout:
            return {}
        lines = done.stdout.split("Job stats:\n")[1].split("\n\n")[0].splitlines()[2:]
        counts = {name: int(count) for name, count in (line.split() for line in lines)}
        assert counts.pop("total") == sum(counts.values())
        assert counts.pop("all") == 1
        return counts

    def files(self) -> dict[str, bytes]:
        """All result files that equal runs make equal."""
        paths = [path for path in self.results.rglob("*") if path.is_file() and not UNEQUAL & set(path.relative_to(self.results).parts)]
        return {str(path.relative_to(self.results)): path.read_bytes() for path in sorted(paths)}


def take_data(folder: Path, *, participants: int) -> None:
    """The first participants of the test data, without their truth."""
    source = ROOT / "test_data"
    folder.mkdir(parents=True)
    for number in range(1, participants + 1):
        shutil.copytree(source / f"sub-{number:02d}", folder / f"sub-{number:02d}")
    shutil.copy2(source / "dataset_description.json", folder)
    lines = (source / "participants.tsv").read_text(encoding="utf-8").splitlines()[: participants + 1]
    (folder / "participants.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Study]:
    """Makes a study in a folder."""

    def make(
        folder: Path, *, participants: int = 2, with_package: bool = False, change: Callable[[dict[str, Any]], object] = lambda _: None
    ) -> Study:
        study = Study(folder)
        shutil.copytree(ROOT / "workflow", folder / "workflow")
        shutil.copytree(ROOT / "profiles", folder / "profiles")
        shutil.copy2(ROOT / "Snakefile", folder)
        if participants:
            take_data(study.data, participants=participants)
        if with_package:
            shutil.copytree(ROOT / "mrs_pipeline", study.package)  # with what Python has compiled of it
        study.configure(change)
        return study

    return make


@pytest.fixture(scope="session")
def finished(make_study: Callable[..., Study], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of two participants with a package of its own, run to its end. Not to be changed: see `changeable`."""
    study = make_study(tmp_path_factory.mktemp("finished") / "study", with_package=True)
    study.run_whole()
    return study


@pytest.fixture
def changeable(finished: Study, tmp_path: Path) -> Study:
    """A copy of the finished study, times of files included."""
    shutil.copytree(finished.folder, tmp_path / "study")
    return Study(tmp_path / "study")


@pytest.fixture(scope="session")
def table() -> Callable[[Path], list[Mapping[str, str]]]:
    """Reads a table as rows of texts."""

    def read(path: Path) -> list[Mapping[str, str]]:
        header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        return [dict(zip(header, row, strict=True)) for row in rows]

    return read

"""The hash of code changes with what a command depends on and with nothing else, judged against Python's own imports."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mrs_pipeline.commands import provenance

ROOT = Path(__file__).parents[2]
STAGES = ("simulate", "import_bids", "basis", "preprocess", "timecourse", "group", "contrast", "report", "provenance")

LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.modules if name.split(".")[0] == "mrs_pipeline"]))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package that may be edited."""
    return copied(tmp_path_factory.mktemp("package"))


def copied(folder):
    shutil.copytree(ROOT / "mrs_pipeline", folder / "mrs_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "mrs_pipeline"


def fresh(package, monkeypatch):
    """Let the hash be that of a copy as it is now."""
    monkeypatch.setattr(provenance, "_root", lambda: package)
    for cached in (provenance._data_files, provenance._tree, provenance._texts, provenance._imports):
        cached.cache_clear()


@pytest.fixture
def hashes(monkeypatch):
    """Hash of every stage in a copy of the package."""

    def ask(package):
        fresh(package, monkeypatch)
        return {stage: provenance.code_hash(f"mrs_pipeline.commands.{stage}") for stage in STAGES}

    yield ask
    monkeypatch.undo()
    fresh(provenance._root(), monkeypatch)


EXPECTED = {
    "statistics/likelihood.py": {"contrast"},
    "fitting/baseline.py": {"timecourse"},
    "quantification/measures.py": {"timecourse"},
    "preprocessing/rejection.py": {"preprocess"},
    "synthetic/faults.py": {"simulate"},
    "schemas/simulated_columns.json": {"simulate"},
    "report/templates/group.html": {"report"},
    "basis/macromolecules.json": {"simulate", "basis", "timecourse", "report"},
    "basis/operators.py": {"simulate", "basis", "timecourse"},
    "io/session_clock.py": {"import_bids", "preprocess"},
    "io/tables.py": {*STAGES} - {"basis"},
    "commands/layout.py": {"preprocess", "timecourse", "group", "report"},
    "commands/study.py": set(),
    "cli.py": set(),
    "schemas/study.schema.json": set(),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_stages_that_depend_on_a_file(name, package, hashes):
    before, path = hashes(package), package / name
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    after = hashes(package)
    path.write_bytes(content)
    assert {stage for stage in STAGES if before[stage] != after[stage]} == EXPECTED[name]


@pytest.mark.parametrize("stage", STAGES)
def test_hash_covers_every_module_that_python_loads(stage, package, hashes):
    """Packages apart, whose __init__ hold nothing but a docstring."""
    module = f"mrs_pipeline.commands.{stage}"
    environment = {"PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-B", "-c", LOADED, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=package.parent, env=environment)
    loaded = {name for name in json.loads(done.stdout) if package.parent.joinpath(*name.split(".")).with_suffix(".py").exists()}
    assert module in loaded
    hashes(package)
    assert loaded <= provenance._closure(module)


def test_hash_does_not_depend_on_the_place(package, hashes, tmp_path):
    shutil.copytree(package, tmp_path / "a b" / "mrs_pipeline")
    assert hashes(tmp_path / "a b" / "mrs_pipeline") == hashes(package)

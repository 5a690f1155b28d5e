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
def ours():
    return [name for name in sys.modules if name.split(".")[0] == "mrs_pipeline"]
loaded = {}
for stage in sys.argv[1:]:
    importlib.import_module(f"mrs_pipeline.commands.{stage}")
    loaded[stage] = ours()
    for name in ours():
        del sys.modules[name]
print(json.dumps(loaded))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package that may be edited."""
    return copied(tmp_path_factory.mktemp("package"))


def copied(folder):
    shutil.copytree(ROOT / "mrs_pipeline", folder / "mrs_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "mrs_pipeline"


def hashes(package):
    """Hash of every stage in a copy of the package, whose files may have changed but not what they import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "_root", lambda: package)
        return {stage: provenance.code_hash(f"mrs_pipeline.commands.{stage}") for stage in STAGES}


@pytest.fixture(scope="module")
def before(package):
    """Hashes of the copy as it is; what is kept of it must not be taken for the package itself."""
    forget()
    yield hashes(package)
    forget()


def forget():
    for cached in (provenance._files, provenance._data_files, provenance._tree, provenance._texts, provenance._imports):
        cached.cache_clear()


EXPECTED = {
    "statistics/likelihood.py": {"contrast"},
    "fitting/baseline.py": {"timecourse"},
    "fitting/solver.py": {"timecourse"},
    "quantification/measures.py": {"timecourse"},
    "preprocessing/rejection.py": {"preprocess"},
    "synthetic/faults.py": {"simulate"},
    "schemas/simulated_columns.json": {"simulate"},
    "report/templates/group.html": {"report"},
    "report/templates/style.css": {"report"},
    "basis/macromolecules.json": {"simulate", "basis", "timecourse", "report"},
    "basis/operators.py": {"simulate", "basis", "timecourse"},
    "basis/simulation.py": {"simulate", "basis", "timecourse"},
    "io/session_clock.py": {"import_bids", "preprocess"},
    "io/tables.py": {*STAGES} - {"basis"},
    "commands/layout.py": {"preprocess", "timecourse", "group", "report"},
    "commands/study.py": set(),
    "cli.py": set(),
    "schemas/study.schema.json": set(),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_stages_that_depend_on_a_file(name, package, before):
    path = package / name
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    after = hashes(package)
    path.write_bytes(content)
    assert {stage for stage in STAGES if before[stage] != after[stage]} == EXPECTED[name]


@pytest.fixture(scope="module")
def loaded(package):
    """Modules of the package that Python has loaded after importing a stage and nothing else, by stage."""
    command = [sys.executable, "-c", LOADED, *STAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=package.parent, env={"PYTHONPATH": str(package.parent)})
    return json.loads(done.stdout)


@pytest.mark.parametrize("stage", STAGES)
def test_hash_covers_every_module_that_python_loads(stage, package, loaded, before):
    """Packages apart, whose __init__ hold nothing but a docstring."""
    module = f"mrs_pipeline.commands.{stage}"
    found = {name for name in loaded[stage] if package.parent.joinpath(*name.split(".")).with_suffix(".py").exists()}
    assert module in found
    assert found <= provenance._closure(module)


def test_hash_does_not_depend_on_the_place(package, before, tmp_path):
    shutil.copytree(package, tmp_path / "a b" / "mrs_pipeline")
    forget()
    moved = hashes(tmp_path / "a b" / "mrs_pipeline")
    forget()
    assert moved == before

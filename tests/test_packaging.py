"""What is built is complete: an installed wheel works away from the checkout, and the version is stated once and the same."""

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import mrs_pipeline

ROOT = Path(__file__).parents[1]

LOAD_FROM_WHEEL = """
import importlib.resources, json, pathlib
import mrs_pipeline
schemas = [f for f in importlib.resources.files("mrs_pipeline.schemas").iterdir() if f.name.endswith(".json")]
for schema in schemas:
    json.loads(schema.read_text(encoding="utf-8"))
print(json.dumps({"package": str(pathlib.Path(mrs_pipeline.__file__).parent), "schemas": sorted(s.name for s in schemas)}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the sources, so that neither the checkout nor its earlier builds take part."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(ROOT / "mrs_pipeline", source / "mrs_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    return next(folder.glob("*.whl"))


def pip(*arguments: str) -> None:
    run = subprocess.run([sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.slow
def test_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    """Schemas, spin systems and templates are data, easily left out of a wheel without anybody noticing."""
    package = ROOT / "mrs_pipeline"
    expected = {str(file.relative_to(ROOT)) for file in package.rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    held = set(zipfile.ZipFile(wheel).namelist())
    assert expected - held == set()
    suffixes = {Path(name).suffix for name in held}
    assert {".json", ".html", ".typed"} <= suffixes
    assert any(name.endswith("spin_systems.json") for name in held)


@pytest.mark.slow
def test_installed_wheel_finds_its_schemas_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip("install", "--quiet", "--no-deps", "--no-index", "--target", str(target), str(wheel))
    loaded = json.loads(
        subprocess.run(
            [sys.executable, "-c", LOAD_FROM_WHEEL],
            cwd=elsewhere,
            env={"PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    assert loaded["package"] == str(target / "mrs_pipeline")
    assert loaded["schemas"] == sorted(file.name for file in (ROOT / "mrs_pipeline" / "schemas").glob("*.json"))
    assert loaded["schemas"]


def test_version_is_the_same_wherever_it_is_stated() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == mrs_pipeline.__version__
    assert f"## [{mrs_pipeline.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_citation_has_the_fields_its_format_requires() -> None:
    """Citation File Format 1.2.0: cff-version, message, title and at least one author."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()
    assert all("name" in author or {"family-names", "given-names"} <= author.keys() for author in citation["authors"])


def test_a_fit_starts_without_what_is_slow_to_import() -> None:
    """Each of these takes longer to import than a spectrum takes to fit."""
    program = "import sys, mrs_pipeline.commands.fit; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert {"lmfit", "matplotlib", "scipy.stats", "scipy.signal", "scipy.ndimage", "snakemake"}.isdisjoint(loaded)

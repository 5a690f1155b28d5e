"""Which code a command depends on, as one hash, and where results come from."""

import ast
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from mrs_pipeline import __version__
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.tables import write_json

_PACKAGE = "mrs_pipeline"

#: Libraries whose version may change a number.
_LIBRARIES = ("numpy", "scipy", "pandas", "nibabel", "nifti-mrs", "lmfit", "formulaic", "matplotlib")

#: Endings of data files that count as code.
_DATA_SUFFIXES = {".json", ".yaml", ".html", ".css", ".js"}


def code_hash(*modules: str) -> str:
    """Hash of the sources of modules (``mrs_pipeline.commands.fit``) and of every module of the package they import, directly or not.

    Data files in the subpackage of a module (constants, templates) and those a command names count with it; schemas do not, since
    what they add to a configuration is a parameter of every job. A change anywhere else leaves the hash as it is.
    """
    digest = hashlib.sha256()
    for path in sorted({path for module in modules for name in _closure(module) for path in _files(name)}):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def _root() -> Path:
    return Path(str(resources.files(_PACKAGE)))


def _source(module: str) -> Path | None:
    base = _root().parent.joinpath(*module.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _files(module: str) -> tuple[Path, ...]:
    source = _source(module)
    if source is None:
        return ()
    return (source, *(path for path in _data_files() if _owns(module, path)))


@cache
def _data_files() -> tuple[Path, ...]:
    return tuple(path for path in _root().rglob("*") if path.suffix in _DATA_SUFFIXES)


def _owns(module: str, path: Path) -> bool:
    """Whether a data file belongs to a module: named by it, or in its subpackage."""
    package = module.removeprefix(f"{_PACKAGE}.").split(".")[0]
    if package == "commands":
        return path.name in _texts(module)
    return path.relative_to(_root()).parts[0] == package


@cache
def _tree(module: str) -> ast.Module:
    source = _source(module)
    return ast.parse(source.read_text(encoding="utf-8") if source else "")


@cache
def _texts(module: str) -> frozenset[str]:
    """All text constants of a module."""
    return frozenset(node.value for node in ast.walk(_tree(module)) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def _closure(module: str) -> frozenset[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return frozenset(found)


@cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of the package that a module names in its imports."""
    names: list[str] = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(name for name in names if name.split(".")[0] == _PACKAGE and _source(name) is not None)


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash of a configuration, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:16]


def provenance(config: Mapping[str, Any]) -> dict[str, object]:
    """Program, versions, seed and configuration hash; no time, so that equal runs give equal bytes."""
    simulation = config["simulation"] or {}
    return {
        "program": f"{_PACKAGE} {__version__}",
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "configuration": config_hash(config),
        "simulation": simulation.get("description"),
        "seed": simulation.get("seed"),
    }


def describe_derivative(config: Mapping[str, Any], *, source: Path, out_dir: Path) -> None:
    """Write ``dataset_description.json`` and a ``.bidsignore`` for files that BIDS has no names for yet."""
    write_json(dataset_description(config, sources=[source.as_posix()]), out_dir / "dataset_description.json")
    with atomic_path(out_dir / ".bidsignore") as temporary:
        temporary.write_text("**/*_desc-*\nbasis/\nbenchmarks/\nbids/\ngroup/\nlogs/\nreport/\nsimulation/\n", encoding="utf-8")


def dataset_description(config: Mapping[str, Any], *, sources: Iterable[str]) -> dict[str, object]:
    """``dataset_description.json`` of the derivative (BIDS 1.10)."""
    return {
        "Name": f"{config['study']['name']}: preprocessed and fitted functional MR spectroscopy",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": _PACKAGE, "Version": __version__, "Description": f"configuration {config_hash(config)}"}],
        "SourceDatasets": [{"URL": source} for source in sources],
    }

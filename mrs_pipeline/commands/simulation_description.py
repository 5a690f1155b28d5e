"""Descriptions of synthetic studies on disk: a YAML file, or one that names another and holds only what differs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.config import complete_config, read_yaml
from mrs_pipeline.synthetic.description import StudyDescription, description_from_mapping
from mrs_pipeline.synthetic.plan import StudyPlan, study_plan

#: Key of the file that a description starts from, relative to its own folder.
EXTENDS = "extends"


def read_description(path: Path) -> StudyDescription:
    """The description in a YAML file; `ConfigError` names a key or value that is wrong and the valid ones."""
    return description_from_mapping(description_mapping(path))


def read_plan(path: Path, *, seed: int | None = None) -> StudyPlan:
    """The plan of a described study; ``seed`` replaces the one in the file."""
    description = read_description(path)
    return study_plan(description, seed=description.seed if seed is None else seed)


def description_mapping(path: Path) -> dict[str, Any]:
    """The whole content of a description, the files it extends included, after checking it."""
    merged: dict[str, Any] = {}
    for part in reversed(description_files(path)):
        content = read_yaml(part)
        content.pop(EXTENDS, None)
        merged = _merged(merged, content)
    return complete_config(merged, source=str(path), schema_name="simulation")


def description_files(path: Path) -> tuple[Path, ...]:
    """The file and those it extends, nearest first; `ConfigError` for a file that extends itself."""
    files: list[Path] = []
    while True:
        if path.resolve() in [file.resolve() for file in files]:
            raise ConfigError(f"{path} extends itself through {', '.join(map(str, files))}: remove '{EXTENDS}' from one of them")
        files.append(path)
        extended = read_yaml(path).get(EXTENDS)
        if extended is None:
            return tuple(files)
        if not isinstance(extended, str):
            raise ConfigError(f"{path}: '{EXTENDS}' is {extended!r}: expected the path of one description, relative to this file")
        path = path.parent / extended


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the values of the change, section by section; null takes a key out."""
    merged = dict(base)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged

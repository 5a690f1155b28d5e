"""Check of a parsed document against a JSON schema of the package, with errors that name the key and what is valid."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jsonschema

from mrs_pipeline.errors import ConfigError


def load_schema(name: str) -> dict[str, Any]:
    """The schema ``<name>.schema.json`` of the package."""
    text = resources.files("mrs_pipeline.schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def check_document(document: object, *, schema: Mapping[str, Any], source: str) -> None:
    """Refuse a document that does not satisfy the schema: `ConfigError` names the source, the key and what was expected."""
    problems = list(jsonschema.Draft202012Validator(schema).iter_errors(document))  # type: ignore[arg-type]
    if problems:
        first = min(problems, key=lambda problem: (len(problem.absolute_path), [str(part) for part in problem.absolute_path]))
        raise ConfigError(f"{source}: {_sentence(first)}")


def _sentence(problem: jsonschema.ValidationError) -> str:
    key = ".".join(str(part) for part in problem.absolute_path)
    schema = problem.schema if isinstance(problem.schema, Mapping) else {}
    if problem.validator == "additionalProperties":
        return _unknown_key(key, problem.instance, schema)
    if problem.validator == "required":
        missing = next(name for name in schema["required"] if name not in problem.instance)
        return (
            f"key '{_joined(key, missing)}' is missing{_meaning(schema['properties'][missing] if 'properties' in schema else {})}: add it"
        )
    return f"key '{key}' is not as expected{_meaning(schema)}: {problem.message}"


def _unknown_key(key: str, instance: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    unknown = next(name for name in instance if name not in schema["properties"])
    return f"unknown key '{_joined(key, unknown)}': use one of {', '.join(sorted(schema['properties']))}"


def _joined(key: str, name: object) -> str:
    return f"{key}.{name}" if key else str(name)


def _meaning(schema: Mapping[str, Any]) -> str:
    return f" ({schema['description']})" if "description" in schema else ""

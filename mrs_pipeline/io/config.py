"""Study configuration: YAML, checked against the package's schema, defaults filled in."""

import copy
import difflib
import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from mrs_pipeline.errors import ConfigError


def load_schema(name: str) -> dict[str, Any]:
    """A JSON schema that travels with the package, such as `study`."""
    text = resources.files("mrs_pipeline.schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping, read safely; `ConfigError` names the file and, for a syntax error, the line."""
    import yaml  # noqa: PLC0415 - the defaults need no file

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist: give the path of a study configuration") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text ({error}): a YAML file in UTF-8 is expected") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{path} is not valid YAML{place}: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds no mapping of keys to values: a study configuration is expected")
    return content


def read_config(path: Path) -> dict[str, Any]:
    """A complete, checked study configuration from a YAML file."""
    return complete_config(read_yaml(path), source=str(path))


def complete_config(config: Mapping[str, Any], *, source: str, schema_name: str = "study") -> dict[str, Any]:
    """The configuration with all defaults filled in, after checking it; `ConfigError` names the key and the valid ones."""
    import jsonschema  # noqa: PLC0415 - slow to import, and the defaults need no check

    schema = load_schema(schema_name)
    validator = jsonschema.Draft202012Validator(schema)
    problem = jsonschema.exceptions.best_match(validator.iter_errors(dict(config)))
    if problem is not None:
        raise ConfigError(f"{source}: {_sentence(problem)}")
    return _with_defaults(config, schema)


def default_config(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of a study around what the program itself states, which is not checked."""
    return _with_defaults(stated, load_schema("study"))


def complete_section(name: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One section of a study configuration with its defaults, for commands that need no whole study."""
    return _with_defaults(values or {}, load_schema("study")["properties"][name])


def _with_defaults(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    filled = copy.deepcopy(dict(values))
    for key, entry in schema.get("properties", {}).items():
        if key not in filled and "default" in entry:
            filled[key] = copy.deepcopy(entry["default"])
        if isinstance(filled.get(key), dict) and "properties" in entry:
            filled[key] = _with_defaults(filled[key], entry)
    return filled


def _sentence(problem: Any) -> str:
    """One sentence for a schema error: the key, what was expected, and a near miss where there is one."""
    where = ".".join(str(part) for part in problem.absolute_path)
    if problem.validator == "additionalProperties" and isinstance(problem.instance, dict):
        return _unknown_key(problem, where)
    if problem.validator == "required":
        missing = [key for key in problem.validator_value if key not in problem.instance]
        return f"key '{_joined(where, missing[0])}' is missing: add it"
    is_choice = problem.validator == "enum"
    text = "one of " + ", ".join(map(str, problem.validator_value)) if is_choice else _expectation(problem)
    return f"'{where or 'the whole file'}' is {problem.instance!r}: expected {text}"


def _unknown_key(problem: Any, where: str) -> str:
    valid = sorted(problem.schema.get("properties", {}))
    extra = sorted(str(key) for key in problem.instance if key not in valid)
    near = difflib.get_close_matches(extra[0], valid, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return f"unknown key '{_joined(where, extra[0])}'{hint}: use one of {', '.join(valid)}"


def _joined(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _expectation(problem: Any) -> str:
    value = problem.validator_value
    types = " or ".join(map(str, value)) if isinstance(value, list) else value
    words = {
        "type": f"a value of type {types}",
        "minimum": f"at least {value}",
        "maximum": f"at most {value}",
        "exclusiveMinimum": f"more than {value}",
        "exclusiveMaximum": f"less than {value}",
        "pattern": f"a text that matches {value}",
        "minItems": f"at least {value} entries",
        "maxItems": f"at most {value} entries",
        "uniqueItems": "entries that differ from each other",
    }
    return str(words.get(str(problem.validator), problem.message))

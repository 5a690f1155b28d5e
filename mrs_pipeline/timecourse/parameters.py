"""Parameters of a temporal response: what a configuration may say, and the check of what it says."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mrs_pipeline.errors import ConfigError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One option of a response: its meaning with unit, its default, and the values allowed.

    `kind` is `number`, `integer`, `text` or `numbers` (names with a number each). A parameter that is not `required` may be None where its
    default is.
    """

    doc: str
    kind: Literal["number", "integer", "text", "numbers"] = "number"
    default: Any = None
    required: bool = False
    above: float = -math.inf
    at_least: float = -math.inf
    at_most: float = math.inf

    def check(self, value: Any, *, key: str) -> Any:
        """The value, numbers as float; `ConfigError` names the key, what was expected and the meaning."""
        if value is None and self.default is None and not self.required:
            return None
        if value is None:
            raise ConfigError(f"{key} is missing: give {self.doc}")
        if self.kind == "text":
            return _text(value, key=key, doc=self.doc)
        if self.kind == "numbers":
            return _numbers(value, key=key, doc=self.doc)
        return self._number(value, key=key)

    def _number(self, value: Any, *, key: str) -> float:
        whole = self.kind == "integer"
        inside = _is_number(value) and self.above < value and self.at_least <= value <= self.at_most
        if not inside or (whole and value != int(value)):
            limits = {"more than": self.above, "at least": self.at_least, "at most": self.at_most}
            words = [f"{word} {limit:g}" for word, limit in limits.items() if math.isfinite(limit)]
            expected = ("a whole number" if whole else "a finite number") + (", " + " and ".join(words) if words else "")
            raise ConfigError(f"{key} is {value!r}: expected {expected} ({self.doc})")
        return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: Any, *, key: str, doc: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"{key} is {value!r}: expected a text ({doc})")
    return value


def _numbers(value: Any, *, key: str, doc: str) -> dict[str, float]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) and _is_number(number) for name, number in value.items()):
        raise ConfigError(f"{key} is {value!r}: expected names with a finite number each ({doc})")
    return {name: float(number) for name, number in value.items()}


def resolved(parameters: Mapping[str, Parameter], given: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """All parameters, the given ones over the defaults; `ConfigError` for an unknown name or a wrong value below the config key `key`."""
    for name in given:
        if name not in parameters:
            raise unknown_name(f"option of {key}:", name, parameters)
    return {name: item.check(given.get(name, item.default), key=f"{key}.{name}") for name, item in parameters.items()}

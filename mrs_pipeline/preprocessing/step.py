"""What a preprocessing step is: a function on sessions, and options that are checked before anything runs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mrs_pipeline.errors import ConfigError, unknown_name
from mrs_pipeline.preprocessing.session import Session


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a step: its default, what it means (with unit), and the words or numbers allowed.

    Two numbers are a range, the lower one first; bounds hold for each of them.
    """

    default: Any
    doc: str
    choices: tuple[str, ...] = ()
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None

    def check(self, value: Any, *, name: str) -> Any:
        """The value, if it is of the default's kind; `ConfigError` names the option otherwise."""
        if self.choices and value not in self.choices:
            raise unknown_name(f"value of option {name}", str(value), self.choices)
        if not _same_kind(value, self.default):
            raise ConfigError(f"option {name} is {value!r}: expected something like {self.default!r} ({self.doc})")
        self._check_numbers(value, name=name)
        return value

    def _check_numbers(self, value: Any, *, name: str) -> None:
        numbers = [x for x in (value if isinstance(value, list | tuple) else [value]) if isinstance(x, int | float)]
        if len(numbers) == 2 and not numbers[0] < numbers[1]:
            raise ConfigError(f"option {name} is {value!r}: give the lower end first ({self.doc})")
        for number in numbers:
            wrong = {
                "a finite number": not math.isfinite(number),
                f"at least {self.at_least}": self.at_least is not None and number < self.at_least,
                f"more than {self.above}": self.above is not None and number <= self.above,
                f"at most {self.at_most}": self.at_most is not None and number > self.at_most,
            }
            for words in (words for words, is_wrong in wrong.items() if is_wrong):
                raise ConfigError(f"option {name} is {value!r}: it must be {words} ({self.doc})")


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float)
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple) and len(value) == len(default) and all(map(_same_kind, value, default))
    return isinstance(value, type(default))


Options = Mapping[str, Option]


def resolve(options: Options, given: Mapping[str, Any], *, step: str) -> dict[str, Any]:
    """All options of a step, the given ones over the defaults; `ConfigError` lists the valid names if one is unknown."""
    for name in given:
        if name not in options:
            raise unknown_name(f"option of step {step}", name, options)
    return {name: option.check(given.get(name, option.default), name=f"{step}.{name}") for name, option in options.items()}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A line of the step table: function ``(session, *, options) -> Session`` and its options."""

    function: Callable[..., Session]
    options: Options = field(default_factory=dict)

    def run(self, session: Session, *, options: Mapping[str, Any]) -> Session:
        """The session after this step; ``options`` are complete."""
        return self.function(session, options=options)

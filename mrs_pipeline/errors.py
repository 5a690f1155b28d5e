"""The errors a user may see: each message is one sentence naming what is wrong, what was expected and what to do."""

from collections.abc import Iterable


class MrsPipelineError(Exception):
    """Base of every error caused by input, configuration or usage (exit code 2, no traceback)."""


class InputError(MrsPipelineError):
    """A file or dataset that cannot be used as it is."""


class ConfigError(MrsPipelineError):
    """A configuration key or value that is not understood."""


class DataError(MrsPipelineError):
    """Arrays or tables whose content contradicts itself or does not suffice for what is asked."""


def unknown_name(kind: str, name: str, valid: Iterable[str]) -> ConfigError:
    """Error for a name that is not in a table of variants; lists the valid names."""
    return ConfigError(f"unknown {kind} '{name}': use one of {', '.join(sorted(valid))}")

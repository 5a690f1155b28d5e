"""Fails when one of the files named on the command line is not valid YAML or repeats a key."""

import sys
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml


class StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses repeated keys, which YAML readers otherwise overwrite in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node; `yaml.YAMLError` names the line of a key that occurs twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = {key for key in keys if keys.count(key) > 1}
        if repeated:
            raise yaml.YAMLError(f"repeated keys {sorted(map(str, repeated))}\n{node.start_mark}")
        return super().construct_mapping(node, deep)


def problem(path: Path) -> str:
    """What is wrong with a file, or an empty string."""
    try:
        yaml.load(path.read_text(encoding="utf-8"), Loader=StrictLoader)  # noqa: S506  # a SafeLoader underneath
    except yaml.YAMLError as error:
        return f"{path}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit("\n".join(filter(None, (problem(Path(name)) for name in sys.argv[1:]))) or None)

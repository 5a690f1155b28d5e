"""The files in config/: the default study documents every key, and all of them are valid."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mrs_pipeline.commands.study import study_config
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.config import load_schema, read_yaml
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, STEPS

ROOT = Path(__file__).parents[2]
DEFAULT_STUDY = ROOT / "config" / "config.yaml"
CONFIGS = sorted(path.name for path in (ROOT / "config").glob("*.yaml"))

#: Keys whose values make the default study the one it is.
OWN = {
    "study.name", "simulation", "simulation.description", "selection.task", "basis.echo_time_1_s", "basis.n_points", "basis.pulses",
    "windows.event", "windows.baseline", "windows.infusion", "windows.min_transients", "preprocessing.steps", "statistics.conditions",
}  # fmt: skip


#: Sections that the default study does without: their keys are in comments.
IN_COMMENTS = ("import.", "windows.blocks.", "windows.moving.")

#: Keys of stretches that the default study gives.
OWN |= {f"windows.{part}.{key}" for part in ("baseline", "infusion") for key in ("start_s", "stop_s", "width_s")}


def schema_keys(schema: Mapping[str, Any], *, prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every key of a schema by its dotted path, stretches of windows included."""
    for name, entry in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        yield path, entry
        inner = load_schema("study")["$defs"]["stretch"] if "anyOf" in entry else entry
        yield from schema_keys(inner, prefix=f"{path}.")


SCHEMA_KEYS = dict(schema_keys(load_schema("study")))


def value_at(config: Mapping[str, Any], path: str) -> Any:
    """The value of a dotted path; KeyError where it is absent."""
    value: Any = config
    for part in path.split("."):
        value = value[part]
    return value


@pytest.mark.parametrize("path", SCHEMA_KEYS)
def test_every_key_is_in_the_default_study_with_a_comment(path: str) -> None:
    lines = DEFAULT_STUDY.read_text(encoding="utf-8").splitlines()
    name = re.escape(path.rsplit(".", maxsplit=1)[-1])
    places = [number for number, line in enumerate(lines) if re.match(rf"^(# )? *{name}:", line)]
    assert places, f"{path} is missing"
    is_section = "." not in path
    commented = any("#" in lines[n].split(":", 1)[1] or lines[n - 1].lstrip().startswith("# ") for n in places)
    assert commented or is_section, f"{path} has no comment"
    if not path.startswith(IN_COMMENTS):
        value_at(read_yaml(DEFAULT_STUDY), path)


@pytest.mark.parametrize("path", [path for path, entry in SCHEMA_KEYS.items() if "default" in entry and path not in OWN])
def test_values_of_the_default_study_are_the_defaults(path: str) -> None:
    default = SCHEMA_KEYS[path]["default"]
    if default == {} and SCHEMA_KEYS[path].get("properties"):
        return  # a section: its keys are compared one by one
    if not path.startswith(IN_COMMENTS):
        assert value_at(read_yaml(DEFAULT_STUDY), path) == default


def test_the_steps_of_the_default_study_are_the_default_steps() -> None:
    assert read_yaml(DEFAULT_STUDY)["preprocessing"]["steps"] == list(DEFAULT_STEPS)


def test_options_of_steps_named_in_comments_have_their_defaults() -> None:
    text = DEFAULT_STUDY.read_text(encoding="utf-8")
    steps = text[text.index("  steps:") : text.index("# ---- windows")]
    for step, entry in STEPS.items():
        after = steps[steps.index(f"- step: {step} ") :].split("\n    - ")[0]
        named = dict(re.findall(r"(\w+): (\[[^\]]*\]|[\w.]+)", after.split("#", 1)[1]))
        assert named, f"{step} names no option"
        for option, value in named.items():
            default = entry.options[option].default
            written = str(default).lower() if isinstance(default, bool) else str(default)
            assert value == written, f"{step}.{option}"


@pytest.mark.parametrize("name", CONFIGS)
def test_config_files_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    path = ROOT / "config" / name
    assert study_config(read_yaml(path), source=name)["study"]["name"]


@pytest.mark.parametrize(
    ("section", "change", "sentence"),
    [
        ("fitting", {"baseline": "spline"}, "spline"),
        ("basis", {"sequence": "laser"}, "laser"),
        ("statistics", {"primary": {"contrast": "naltrexone - placebo: mood"}}, "mood"),
        ("statistics", {"primary": {"analysis": "post_hoc"}}, "post_hoc"),
        ("windows", {"event": "infusion", "bins": 3}, "bins"),
        ("timecourse", {"responses": [{"name": "infusion", "shape": "box"}]}, "box"),
        ("timecourse", {"drift": -1}, "drift"),
    ],
)
def test_what_a_late_stage_would_refuse_is_refused_at_the_start(
    section: str, change: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    config = read_yaml(ROOT / "config" / "phantom.yaml")
    config[section] = {**config.get(section, {}), **change}
    with pytest.raises(ConfigError, match=sentence):
        study_config(config, source="test")

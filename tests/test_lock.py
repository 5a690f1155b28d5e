"""requirements.lock pins everything, for every Python supported, and says nothing of where packages come from."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = (("linux", "Linux", "x86_64"), ("darwin", "Darwin", "arm64"))
PIN = re.compile(r"[a-z0-9][a-z0-9-]*==[0-9][0-9a-z.]*( ; [^;#@]+)?")


def lines() -> list[str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared() -> Iterator[Requirement]:
    extras = project()["optional-dependencies"]
    for specification in [*project()["dependencies"], *(name for names in extras.values() for name in names)]:
        yield Requirement(specification)


def environment(python: str, platform: tuple[str, str, str]) -> dict[str, str]:
    sys_platform, system, machine = platform
    return {
        "python_version": python,
        "python_full_version": f"{python}.1",
        "sys_platform": sys_platform,
        "platform_system": system,
        "platform_machine": machine,
        "os_name": "posix",
        "platform_python_implementation": "CPython",
    }


def pins(python: str, platform: tuple[str, str, str]) -> dict[str, str]:
    """Version of every package that the lock names for an interpreter; a package named twice fails."""
    found: dict[str, str] = {}
    for requirement in map(Requirement, lines()):
        if requirement.marker is None or requirement.marker.evaluate(environment(python, platform)):
            assert requirement.name not in found
            found[requirement.name] = next(iter(requirement.specifier)).version
    return found


def test_every_line_is_an_exact_version_and_nothing_else() -> None:
    """No address, no hash, no extra, no path, no option: only `name==version`, a marker where it is needed."""
    odd = [line for line in lines() if not PIN.fullmatch(line)]
    assert odd == []


def test_header_says_how_the_lock_is_written() -> None:
    assert ".ci/lock" in (ROOT / "requirements.lock").read_text(encoding="utf-8").split("==", maxsplit=1)[0]


def test_lock_does_not_hold_the_project() -> None:
    names = {canonicalize_name(Requirement(line).name) for line in lines()}
    assert canonicalize_name(project()["name"]) not in names


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda platform: platform[0])
@pytest.mark.parametrize("python", PYTHONS)
def test_every_declared_dependency_is_pinned_within_its_range(python: str, platform: tuple[str, str, str]) -> None:
    pinned = pins(python, platform)
    unmet = [str(one) for one in declared() if not one.specifier.contains(pinned.get(canonicalize_name(one.name), "0"))]
    assert unmet == []


def test_the_pythons_checked_are_those_declared() -> None:
    prefix = "Programming Language :: Python :: "
    assert tuple(one.removeprefix(prefix) for one in project()["classifiers"] if one.startswith(prefix)) == PYTHONS

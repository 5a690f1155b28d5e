"""House rules no linter knows: short functions and files, documented public names, nothing of one machine in the text."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 300
# Written in two parts, or this file would break its own rule.
MACHINE_PATHS = re.compile(r"(?<![\w.*})>-])/" + r"(?:work|tmp|opt|root|home/\w+|Users/\w+|scratch)/\w")
REGISTRY_HOSTS = re.compile(
    r"pypi\." + r"org|pythonhosted\." + r"org|registry\." + r"npmjs|deb\." + r"debian|conda\." + r"anaconda", re.IGNORECASE
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def files() -> list[Path]:
    """Files of the checkout that are or could be tracked."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if names.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in names.stdout.split("\0") if name and (ROOT / name).is_file()]


def python_files() -> list[Path]:
    return [file for file in files() if file.suffix == ".py"]


def functions(file: Path) -> Iterator[Function]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def public(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes of a module body, and the public methods of the latter."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def name(file: Path, line: int) -> str:
    return f"{file.relative_to(ROOT)}:{line}"


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for file in files():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [name(file, number) for number, line in enumerate(text.splitlines(), start=1) if pattern.search(line)]
    return found


def test_functions_are_short() -> None:
    long = [name(file, one.lineno) for file in python_files() for one in functions(file) if length(one) > MAX_FUNCTION_LINES]
    assert long == []


def test_files_are_short() -> None:
    long = [name(file, 1) for file in python_files() if len(file.read_text(encoding="utf-8").splitlines()) > MAX_FILE_LINES]
    assert long == []


def test_public_names_have_docstrings() -> None:
    silent = []
    for file in (ROOT / "mrs_pipeline").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        silent += [name(file, one.lineno) for one in public(tree.body) if not ast.get_docstring(one)]
    assert silent == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_matching(MACHINE_PATHS) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_matching(REGISTRY_HOSTS) == []


@pytest.mark.parametrize("text", ["/" + "work/main", "see /" + "tmp/x", "'/" + "root/a'"])
def test_machine_paths_are_recognised(text: str) -> None:
    assert MACHINE_PATHS.search(text)


@pytest.mark.parametrize("text", ["workflow/work/main", "./tmp/x", "n/a", "{output}/tmp/x", "<folder>/opt/x"])
def test_paths_inside_the_project_are_not_mistaken(text: str) -> None:
    assert not MACHINE_PATHS.search(text)

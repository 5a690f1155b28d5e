"""Where the files of an import are looked for."""

from pathlib import Path

import pytest

from mrs_pipeline.commands.study import source_dir
from mrs_pipeline.errors import ConfigError


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with nothing beside it, and no variable set."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MRS_EXTERNAL_DATA", raising=False)
    return folder


def config(folder: Path | None = None) -> dict[str, dict[str, str | None]]:
    return {"import": {"source_dir": str(folder) if folder else None}}


def test_the_configuration_comes_before_the_variable_and_the_variable_before_the_neighbour(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, variable, beside = (checkout.parent / name for name in ("named", "variable", "shared/data"))
    for folder in (named, variable, beside):
        folder.mkdir(parents=True)
    assert source_dir(config()).resolve() == beside
    monkeypatch.setenv("MRS_EXTERNAL_DATA", str(variable))
    assert source_dir(config()) == variable
    assert source_dir(config(named)) == named


def test_no_folder_is_one_sentence_that_names_key_and_variable(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"import\.source_dir or in the variable MRS_EXTERNAL_DATA"):
        source_dir(config())
    monkeypatch.setenv("MRS_EXTERNAL_DATA", str(checkout / "absent"))
    with pytest.raises(ConfigError, match="absent, does not exist"):
        source_dir(config())

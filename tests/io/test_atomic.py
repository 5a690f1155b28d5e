"""Files and folders appear whole or not at all."""

import errno
from pathlib import Path

import pytest

from mrs_pipeline.errors import InputError
from mrs_pipeline.io.atomic import atomic_folder, atomic_path


def test_file_appears_when_whole(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "new" / "a.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        assert temporary.parent == tmp_path / "new"
        temporary.write_text("whole")
        assert not (tmp_path / "new" / "a.nii.gz").exists()
    assert (tmp_path / "new" / "a.nii.gz").read_text() == "whole"


def test_failure_keeps_earlier_content_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "a.tsv"
    target.write_text("earlier")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert target.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["a.tsv"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_full_or_forbidden_disk_is_a_sentence_about_the_file(tmp_path: Path, code: int) -> None:
    with pytest.raises(InputError, match=r"a\.tsv could not be written"), atomic_path(tmp_path / "a.tsv"):
        raise OSError(code, "reason")
    assert list(tmp_path.iterdir()) == []


def test_other_errors_pass(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a.tsv"):
        _ = 1 / 0


def test_folder_appears_when_whole(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with atomic_folder(tmp_path / "out") as temporary:
        (temporary / "a").write_text("1")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_failed_folder_is_removed(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_folder(tmp_path / "out") as temporary:
            (temporary / "a").write_text("1")
            raise InputError("bad file")

    with pytest.raises(InputError, match="bad file"):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_filled_folder_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("1")
    with pytest.raises(InputError, match="exists already"), atomic_folder(tmp_path / "out"):
        pass

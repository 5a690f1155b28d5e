"""Files appear whole or not at all: results are written beside their place and renamed when complete."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from mrs_pipeline.errors import InputError, MrsPipelineError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary file name in the folder of ``path``; it becomes ``path`` if the block succeeds, else it is removed.

    All suffixes are kept (``.nii.gz``), since writers choose their format by them. An interrupted program leaves the
    earlier content of ``path`` untouched. Raises `InputError` naming ``path`` when the disk is full or not writable.
    """
    target = Path(path)
    temporary = target.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{target.name}")
    try:
        with _sentence_for(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder that becomes ``path`` if the block succeeds, else it is removed with all its content.

    ``path`` must not exist or be an empty folder: nothing is ever merged into or replaced. Raises `InputError` otherwise.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists already and is not an empty folder: name a new folder or remove it first")
    temporary = target.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{target.name}")
    try:
        with _sentence_for(target):
            temporary.mkdir(parents=True)
            yield temporary
            if target.exists():
                target.rmdir()
            temporary.replace(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _sentence_for(target: Path) -> Iterator[None]:
    """Turn a system error that concerns writing into a sentence; errors about other files keep their own words."""
    try:
        yield
    except MrsPipelineError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{target} could not be written ({reason}): free some space or correct the permissions") from error

"""Where the files of a command go: all of them appear together, under names given by the caller."""

import contextlib
import errno
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from mrs_pipeline.errors import InputError

#: Names of what is still being written, here and in `mrs_pipeline.io.atomic`.
_TEMPORARY = ".tmp-????????????-*"


def remove_remains(folder: Path) -> None:
    """Remove what a killed program left half-written under a folder; only for folders that no running program writes to."""
    for path in sorted(folder.rglob(_TEMPORARY)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def staged_folder(out_dir: Path) -> Iterator[Path]:
    """Yield a temporary folder; when the block succeeds its files are moved into `out_dir`, else nothing is left behind.

    `InputError` when the folder cannot be written (read-only, disk full).
    """
    target = Path(out_dir)
    staging = target.parent / f".tmp-{uuid.uuid4().hex[:12]}-{target.name}"
    try:
        staging.mkdir(parents=True)
        yield staging
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(staging.iterdir()):
            path.replace(target / path.name)
    except OSError as error:
        remedy = "make room on the disk" if error.errno == errno.ENOSPC else "name another folder"
        raise InputError(f"{target} cannot be written ({error.strerror or error}): {remedy}") from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)

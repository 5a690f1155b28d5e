"""What every job of the workflow does around its work: a log, and one sentence when its input is bad."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

from mrs_pipeline.errors import MrsPipelineError


@contextlib.contextmanager
def job_log(path: str | os.PathLike[str]) -> Iterator[None]:
    """Send all that a job prints to its log file; a bad input ends it with code 2 and one sentence, a defect with its traceback."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with Path(path).open("w", encoding="utf-8") as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            yield
        except MrsPipelineError as error:
            print(f"error: {error}", file=log)
            sys.exit(2)
        except Exception:
            traceback.print_exc(file=log)
            sys.exit(1)

"""Simulated basis sets kept by content: what has been simulated once, with the same code, is read instead.

The folder is that of the variable ``MRS_PIPELINE_CACHE`` (empty: nothing is kept), else ``mrs_pipeline`` in ``XDG_CACHE_HOME``, else in
``~/.cache``. Nothing depends on it: results are the same bytes without, and a folder that cannot be used is as good as none.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.spin_systems import SpinSystem
from mrs_pipeline.errors import MrsPipelineError
from mrs_pipeline.io.basis_files import read_basis, write_basis

#: What is simulated within this time is not kept: reading it would save nothing worth the disk space.
MIN_SECONDS = 2.0

#: Keys of a basis section that a simulation does not depend on.
_OTHER_KEYS = ("file", "file_metabolites", "file_frequency_mhz", "file_spectral_width_hz", "file_echo_time_s", "macromolecules")

#: What of the package decides on the result of a simulation: a folder, by these ends of names, and what leads from a section to it.
_FOLDER, _SUFFIXES = "basis", (".py", ".json")
_FURTHER = ("acquisition.py", "commands/basis.py", "commands/pulses.py", "io/pulse_files.py")


def cache_folder() -> Path | None:
    """Where simulated sets are kept, whether it exists or not; None where nothing is to be kept."""
    named = os.environ.get("MRS_PIPELINE_CACHE")
    if named is not None:
        return Path(named) if named else None
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mrs_pipeline"
    except RuntimeError:  # a user without a home
        return None


def simulation_key(section: Mapping[str, Any], *, systems: Sequence[SpinSystem]) -> str:
    """Hash of all that determines a simulated set: configuration, files it names, spin systems, and the code of the simulation."""
    digest = hashlib.sha256()
    for path in _code():
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    determining = {key: value for key, value in section.items() if key not in _OTHER_KEYS}
    digest.update(json.dumps(determining, sort_keys=True, default=str).encode() + repr(tuple(systems)).encode())
    for text in _texts(determining):
        with contextlib.suppress(OSError, ValueError):
            if Path(text).is_file():
                digest.update(Path(text).read_bytes())
    return digest.hexdigest()


def _code() -> list[Path]:
    package = Path(str(resources.files("mrs_pipeline")))
    folder = sorted(path for path in (package / _FOLDER).iterdir() if path.suffix in _SUFFIXES)
    return [*(package / name for name in _FURTHER), *folder]


def _texts(value: object) -> Iterator[str]:
    """All texts in nested lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from _texts(value[key])
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def cached(key: str, simulate: Callable[[], BasisSet], *, folder: Path | None) -> BasisSet:
    """The set kept under this key, else the simulated one, which is kept if it took long; a damaged file is simulated again."""
    path = None if folder is None else folder / f"basis-{key}.npz"
    if path is not None:
        with contextlib.suppress(MrsPipelineError, OSError):
            return read_basis(path)
    start = time.monotonic()
    basis = simulate()
    if path is not None and time.monotonic() - start >= MIN_SECONDS:
        with contextlib.suppress(MrsPipelineError, OSError):
            write_basis(basis, path)
    return basis

"""Text files of Fortran namelists and numbers, the form of LCModel's .BASIS and .RAW files."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.errors import InputError

_NAMELIST = re.compile(
    r"[$&](?P<name>[A-Za-z]\w*)\s(?P<body>.*?)(?:[$&]END|^\s*/\s*$)(?P<data>[^$&]*)", re.DOTALL | re.IGNORECASE | re.MULTILINE
)
_ENTRY = re.compile(r"(?P<key>[A-Za-z]\w*)[ \t]*=[ \t]*(?P<value>'(?:[^'\n]|'')*'|[^,=\s']*)")
#: A Fortran number; the letter of a three-digit exponent may be left out, and numbers may follow each other without a space.
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeDd][+-]?\d+|[+-]\d{3}(?![\d.]))?")


#: Larger values are no signal, and their squares no numbers.
LARGEST = 1e100


@dataclass(frozen=True, kw_only=True)
class Namelist:
    """One namelist: its name and keys in capitals, values as text without quotes, and the text up to the next namelist."""

    name: str
    values: Mapping[str, str]
    data: str


def read_namelists(path: str | os.PathLike[str]) -> list[Namelist]:
    """All namelists of a file in order; `InputError` where there are none."""
    try:
        text = Path(path).read_bytes().decode("latin-1")
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror or error}): check its name and permissions") from error
    found = [Namelist(name=match["name"].upper(), values=_values(match["body"]), data=match["data"]) for match in _NAMELIST.finditer(text)]
    if not found:
        raise InputError(f"{path} holds no namelist such as $BASIS1 or $NMID: it is not an LCModel .BASIS or .RAW file")
    return found


def _values(body: str) -> dict[str, str]:
    return {match["key"].upper(): _unquoted(match["value"]) for match in _ENTRY.finditer(body)}


def _unquoted(value: str) -> str:
    return value[1:-1].replace("''", "'").strip() if value.startswith("'") else value


def quoted(text: str) -> str:
    """A text as it may stand between the quotes of a value."""
    return text.replace("'", "''").replace("\n", " ").replace("$", " ").replace("&", " ")


def number_of(values: Mapping[str, str], key: str, *, path: object, default: float | None = None) -> float:
    """A number of a namelist; an empty or absent one is ``default``, or an `InputError` where there is none."""
    text = values.get(key, "")
    if text == "" and default is not None:
        return default
    try:
        value = _float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path}: {key} is '{text}' where a number is expected: correct the header")
    return value


def complex_values(data: str, *, path: object, what: str) -> ComplexArray:
    """Pairs of real and imaginary parts as complex numbers; `InputError` for anything that is not a finite number or pair."""
    if _NUMBER.sub(" ", data).strip():
        raise InputError(f"{path}: the values of {what} hold text that is not a number: export the file again")
    values = np.array([_float(number) for number in _NUMBER.findall(data)], dtype=np.float64)
    if values.size == 0 or values.size % 2 or not np.all(np.abs(values) < LARGEST):
        raise InputError(f"{path}: {what} has {values.size} values where pairs of finite numbers are expected: the file may be truncated")
    return values.view(np.complex128)


def _float(text: str) -> float:
    """The value of a Fortran number."""
    try:
        return float(text.replace("D", "E").replace("d", "e"))
    except ValueError:
        return float(re.sub(r"(?<=[\d.])([+-]\d+)$", r"E\1", text))

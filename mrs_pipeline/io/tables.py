"""Tables on disk: tab-separated values with ``n/a`` for what is missing and a JSON file that describes every column.

The descriptions come from one dictionary, ``schemas/columns.json``; a column that is not in it cannot be written, so the
dictionary stays complete.
"""

import functools
import importlib.resources
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.io.atomic import atomic_path

if TYPE_CHECKING:
    import pandas as pd

MISSING = "n/a"

#: Columns that are names even where they look like numbers: participant "01" is not 1.
TEXT_COLUMNS = frozenset(
    {
        "participant",
        "session",
        "participant_id",
        "session_id",
        "task",
        "acq",
        "voi",
        "condition",
        "sequence",
        "metabolite",
        "metabolite_2",
        "interval",
        "measure",
        "trial_type",
        "step",
        "status",
        "reason",
        "warnings",
        "contrast",
        "analysis",
        "filename",
        "file",
        "kind",
        "acq_time",
        "control",
        "sentence",
        "variant",
        "stage",
        "criterion",
        "question",
    }
)


@functools.cache
def column_descriptions() -> Mapping[str, Mapping[str, object]]:
    """The dictionary of all columns: name -> Description, Units and, for categories, Levels."""
    return _schema("columns.json")


@functools.cache
def table_schemas() -> Mapping[str, Mapping[str, Any]]:
    """The kinds of tables: name -> Description, Required columns, and the Unique columns that together identify a row."""
    return _schema("tables.json")


def _schema(name: str) -> Mapping[str, Mapping[str, Any]]:
    text = importlib.resources.files("mrs_pipeline.schemas").joinpath(name).read_text(encoding="utf-8")
    content: Mapping[str, Mapping[str, Any]] = json.loads(text)
    return content


def read_known_table(path: str | os.PathLike[str], *, kind: str) -> "pd.DataFrame":
    """`read_table` for a kind of table in `table_schemas`: `InputError` for missing columns and for rows that are there twice."""
    schema = table_schemas()[kind]
    table = read_table(path, required=schema["Required"])
    unique = list(schema["Unique"])
    double = table[table.duplicated(subset=unique)] if unique else table.iloc[:0]
    if len(double):
        name = ", ".join(str(value) for value in double.iloc[0][unique])
        raise InputError(f"{path} lists {name} twice: each {' and '.join(unique)} may have one row")
    return table


def read_table(path: str | os.PathLike[str], *, required: Iterable[str] = ()) -> "pd.DataFrame":
    """Read a tab-separated table; ``n/a`` and empty cells are missing (NaN, in text columns None).

    A column becomes numbers (or booleans) if all its values are; `TEXT_COLUMNS` always stay text. Raises `InputError`
    for a missing file or column, a column named twice, a row of another length and bytes that are not UTF-8.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import, and not needed to write

    rows = _rows(Path(path))
    header, body = rows[0], rows[1:]
    _check_header(header, required=required, path=Path(path))
    for number, row in enumerate(body, start=2):
        if len(row) != len(header):
            raise InputError(f"{path}, line {number}: {len(row)} fields where the header has {len(header)}; separate them by single tabs")
    columns = {name: _column(name, [row[index] for row in body]) for index, name in enumerate(header)}
    return pd.DataFrame(columns, columns=header)


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: save the table as UTF-8 with tabs between columns") from error
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror or error}): check its name and permissions") from error
    if "\0" in text:
        raise InputError(f"{path} is not a text table (it holds null bytes): save it as tab-separated UTF-8 text")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    rows = [line.split("\t") for line in lines if line.strip()]
    if not rows:
        raise InputError(f"{path} is empty: a header line with column names is expected")
    return rows


def _check_header(header: list[str], *, required: Iterable[str], path: Path) -> None:
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(f"{path} has no column '{missing[0]}': its columns are {', '.join(header)} (tab-separated)")
    double = {name for name in header if header.count(name) > 1}
    if double:
        raise InputError(f"{path} names the column '{min(double)}' twice: each column may appear once")
    if "" in header:
        raise InputError(f"{path} has a column without a name: name every column in the first line")


def _column(name: str, cells: list[str]) -> "pd.Series":
    import pandas as pd  # noqa: PLC0415 - as in `read_table`

    present = [cell for cell in cells if cell not in {MISSING, ""}]
    text = pd.Series([None if cell in {MISSING, ""} else cell for cell in cells], dtype=object)
    if name in TEXT_COLUMNS or not present:
        return text if name in TEXT_COLUMNS else pd.Series([np.nan] * len(cells), dtype=float)
    if all(cell in {"true", "false"} for cell in present):
        return text.map({"true": True, "false": False, None: None}).astype(bool if len(present) == len(cells) else object)
    numbers = [_number(cell) for cell in present]
    if any(number is None for number in numbers):
        return text
    if len(present) == len(cells) and all(cell.lstrip("+-").isdecimal() for cell in cells):
        return pd.Series([int(cell) for cell in cells])
    return pd.Series([math.nan if cell in {MISSING, ""} else float(cell) for cell in cells], dtype=float)


def _number(cell: str) -> float | None:
    """The number a cell holds, or None; identifiers such as ``01`` are no numbers."""
    digits = cell.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdecimal():
        return None
    try:
        return float(cell) if cell.strip() == cell and "_" not in cell else None
    except ValueError:
        return None


def write_table(table: "pd.DataFrame | Mapping[str, Sequence[object]]", path: str | os.PathLike[str], *, described: bool = True) -> None:
    """Write a table, or columns of equal length by name, and beside it the JSON file that describes its columns.

    Each file appears whole or not at all. Floats are written as the shortest text that reads back as the same number, booleans as
    true/false, missing values as n/a. Raises `DataError` for a column that `column_descriptions` lacks and for text that would break
    the table.
    """
    values = [(str(name), _values(column)) for name, column in table.items()]
    columns = [name for name, _ in values]
    unknown = [name for name in columns if name not in column_descriptions()]
    if unknown and described:
        raise DataError(f"column '{unknown[0]}' of {Path(path).name} is not described: add it to mrs_pipeline/schemas/columns.json")
    if len(set(columns)) != len(columns):
        raise DataError(f"{Path(path).name} would have a column twice: its columns are {', '.join(columns)}")
    rows = zip(*([_cell(value) for value in column] for _, column in values), strict=True)
    lines = ["\t".join(row) for row in [tuple(columns), *rows]]
    with atomic_path(path) as temporary:
        temporary.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
    if described:
        write_json({name: column_descriptions()[name] for name in columns}, Path(path).with_suffix(".json"))


def _values(column: "pd.Series | Sequence[object]") -> Sequence[object]:
    """The values of a column, None for what pandas takes as missing."""
    if isinstance(column, Sequence):
        return column
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]


def _cell(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, float):
        return repr(float(value))
    text = str(value)
    if any(character in text for character in "\t\n\r\0"):
        raise DataError(f"the text {text!r} holds a tab or line break, which a table cannot store: remove it")
    return text or MISSING


def write_json(content: Mapping[str, object], path: str | os.PathLike[str]) -> None:
    """Write a JSON file with two-space indentation, atomically; numbers that are not finite are refused with `DataError`."""
    try:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise DataError(f"the content of {Path(path).name} cannot be stored as JSON ({error})") from error
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> dict[str, object]:
    """The object a JSON file holds; `InputError` names a file that is missing, broken or holds something else."""
    try:
        content = json.loads(Path(path).read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror or error}): check its name and permissions") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON ({error}): correct the file") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} should hold a JSON object (name: value pairs), not a {type(content).__name__}: correct the file")
    return content

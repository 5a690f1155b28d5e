"""Tables keep numbers to the last digit, identifiers as text and every column described."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.io.tables import column_descriptions, read_json, read_known_table, read_table, table_schemas, write_json, write_table


def test_identifiers_stay_text_and_missing_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("participant\tvalue\tnote\tperiod\n01\t1.5\t007\t1\n02\tn/a\tn/a\t2\n", encoding="utf-8")
    table = read_table(path, required=["participant"])
    assert table["participant"].tolist() == ["01", "02"]
    assert table["value"].iloc[0] == 1.5
    assert math.isnan(table["value"].iloc[1])
    assert table["note"].tolist() == ["007", None]
    assert table["period"].tolist() == [1, 2]


@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=False), min_size=1, max_size=5))
def test_floats_survive_to_the_last_digit(values: list[float], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("t") / "a.tsv"
    write_table(pd.DataFrame({"value": values}), path)
    np.testing.assert_array_equal(read_table(path)["value"], values)


def test_written_form(tmp_path: Path) -> None:
    table = pd.DataFrame({"participant": ["01", None], "rejected": [True, False], "value": [0.1, np.nan], "transient": [0, 1]})
    write_table(table, tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_bytes() == b"participant\trejected\tvalue\ttransient\n01\ttrue\t0.1\t0\nn/a\tfalse\tn/a\t1\n"
    described = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(described) == list(table.columns)
    assert all(entry["Description"] for entry in described.values())
    assert read_table(tmp_path / "a.tsv")["rejected"].dtype == bool


def test_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(pd.DataFrame(columns=["participant", "value"]), tmp_path / "a.tsv")
    assert list(read_table(tmp_path / "a.tsv").columns) == ["participant", "value"]


def test_undescribed_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'mystery' of a\.tsv is not described"):
        write_table(pd.DataFrame({"mystery": [1]}), tmp_path / "a.tsv")


def test_tab_in_a_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tab or line break"):
        write_table(pd.DataFrame({"reason": ["a\tb"]}), tmp_path / "a.tsv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\tb\n1\n", "line 2: 1 fields where the header has 2"),
        (b"a\ta\n1\t2\n", "column 'a' twice"),
        (b"b\n1\n", "no column 'a'"),
        (b"a\t\n1\t2\n", "without a name"),
        ("a\nü\n".encode("latin-1"), "not UTF-8"),
        (b"a\n\0\n", "null bytes"),
        (b"", "is empty"),
    ],
)
def test_bad_tables_are_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.tsv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "a.tsv", required=["a"])


def test_missing_table_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read"):
        read_table(tmp_path / "none.tsv")


def test_windows_line_ends_and_byte_order_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"\xef\xbb\xbfvalue\r\n1.5\r\n")
    assert read_table(tmp_path / "a.tsv")["value"].tolist() == [1.5]


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000])
def test_bad_json_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_json_without_finite_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json"):
        write_json({"x": float("nan")}, tmp_path / "a.json")


def test_rows_that_are_there_twice_are_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("spectrum\tmetabolite\tamplitude\tsd\n0\tNAA\t1\t1\n1\tNAA\t1\t1\n")
    assert len(read_known_table(path, kind="amplitudes")) == 2
    path.write_text("spectrum\tmetabolite\tamplitude\tsd\n0\tNAA\t1\t1\n0\tNAA\t1\t1\n")
    with pytest.raises(InputError, match="lists 0, NAA twice: each spectrum and metabolite"):
        read_known_table(path, kind="amplitudes")


def test_kinds_of_tables_use_described_columns() -> None:
    for schema in table_schemas().values():
        assert set(schema["Unique"]) <= set(schema["Required"]) <= set(column_descriptions())


def test_every_column_is_described_in_words() -> None:
    assert all(set(entry) <= {"Description", "Units", "Levels"} and entry["Description"] for entry in column_descriptions().values())

from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.errors import InputError
from mrs_pipeline.io.pulse_files import read_pulse_shape


def written(folder: Path, text: str) -> Path:
    path = folder / "pulse.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_are_amplitude_phase_and_gradient(tmp_path: Path) -> None:
    rows = "\n".join(f"{step}, {10 * step}\t0.5  # step" for step in range(20))
    shape = read_pulse_shape(written(tmp_path, f"# amplitude phase gradient\n\n{rows}\n"))
    np.testing.assert_array_equal(shape.amplitude, np.arange(20))
    np.testing.assert_allclose(shape.phase_rad, np.radians(10.0 * np.arange(20)))
    np.testing.assert_array_equal(shape.gradient, np.full(20, 0.5))
    assert shape.name == "pulse.txt"


def test_a_single_column_is_an_amplitude_of_either_sign(tmp_path: Path) -> None:
    shape = read_pulse_shape(written(tmp_path, "\n".join(["-1"] * 8 + ["2"] * 12)))
    np.testing.assert_array_equal(shape.amplitude, [-1] * 8 + [2] * 12)
    np.testing.assert_array_equal(shape.phase_rad, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\n" * 5, "has 5 steps"),
        ("1 0\n" * 20 + "1\n", r"of \[1, 2\] columns"),
        ("1 0 1 4\n" * 20, r"of \[4\] columns"),
        ("1 0\n" * 20 + "one two\n", "line 21: 'one two' is not a row of numbers"),
        ("1\n" * 20 + "nan\n", "line 21: 'nan' holds a value that is not finite"),
        ("0\n" * 20, "only amplitudes of 0"),
        ("0,963398\n" * 20, "line 1: '0,963398' has commas within numbers"),
        ("1\n" * 20000, "more than 10000"),
        ("", "has 0 steps"),
    ],
)
def test_damaged_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_pulse_shape(written(tmp_path, text))
    assert "pulse.txt" in str(caught.value)


def test_missing_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be read as text"):
        read_pulse_shape(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x81" * 40)
    with pytest.raises(InputError, match=r"binary\.txt"):
        read_pulse_shape(tmp_path / "binary.txt")

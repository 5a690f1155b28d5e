"""Numbers in another unit than the one that is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.config import complete_config

Run = Callable[..., Any]

SPIN_OPTIONS = ["--sequence", "press", "--echo-time", 0.03, "--frequency", 127.7, "--spectral-width", 2000, "--n-points", 256]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--frequency", 3, "--frequency: 3 is outside 10 to 1000 MHz: give it in MHz"),
        ("--spectral-width", 2.0, "--spectral-width: 2.0 is outside 200 to 100000 Hz: give it in Hz"),
        ("--echo-time", 30, "--echo-time: 30 is outside 0 to 1 s: give it in s"),
        ("--echo-time-1", 12, "--echo-time-1: 12 is outside 0 to 1 s: give it in s"),
    ],
)
def test_another_unit_is_one_sentence(option: str, value: float, message: str, run: Run, tmp_path: Path) -> None:
    code, out, err = run("basis", *SPIN_OPTIONS, option, value, "--out", tmp_path / "a.npz")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("spectrometer_frequency_mhz", 3, "at least 10"),
        ("file_frequency_mhz", 127.7e6, "at most 1000"),
        ("spectral_width_hz", 2, "at least 200"),
        ("file_spectral_width_hz", 4e6, "at most 100000"),
    ],
)
def test_another_unit_in_a_study_is_one_sentence(key: str, value: float, message: str) -> None:
    study = {"study": {"name": "x"}, "basis": {key: value}, "windows": {"event": None}}
    with pytest.raises(ConfigError, match=rf"'basis.{key}' is {value!r}: expected {message}"):
        complete_config(study, source="test")

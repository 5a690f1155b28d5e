"""The key ``basis.pulses``: named sets, pulses of one's own, and what is refused before the first job."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrs_pipeline.commands.basis import basis_sources, write_configured_basis
from mrs_pipeline.commands.pulses import configured_pulses
from mrs_pipeline.commands.study import _check_basis
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.config import complete_config

OWN = {
    "carrier_ppm": 3.0,
    "n_positions": 32,
    "excitation": {"shape": "sinc", "duration_s": 0.002, "bandwidth_hz": 2500},
    "refocusing": {"shape": "gaussian", "duration_s": 0.003, "bandwidth_hz": 900, "flip_deg": 170},
}


def section(**changes: Any) -> dict[str, Any]:
    basis = {"echo_time_1_s": 0.012, "metabolites": ["Cr", "Lac"], "n_points": 256, **changes}
    found: dict[str, Any] = complete_config({"study": {"name": "x"}, "basis": basis, "windows": {"event": None}}, source="test")["basis"]
    return found


def pulse_file(folder: Path) -> Path:
    path = folder / "mine.txt"
    path.write_text("\n".join(f"{value:.6f}" for value in np.hanning(40)), encoding="utf-8")
    return path


def test_pulses_of_ones_own_are_simulated_and_told(tmp_path: Path) -> None:
    write_configured_basis(section(pulses=OWN), out=tmp_path / "own.npz", use_cache=False)
    basis = read_basis(tmp_path / "own.npz")
    assert basis.sequence.startswith("press, shaped pulses, TE 30 ms")
    assert "refocusing: Gaussian, 3 ms, 900 Hz, 170 degrees" in basis.assumptions[0]


def test_a_shape_from_a_file_is_an_input_of_the_basis(tmp_path: Path) -> None:
    file = pulse_file(tmp_path)
    own = {**OWN, "refocusing": {"shape": str(file), "duration_s": 0.004}}
    assert basis_sources(section(pulses=own)) == [file]
    selection = configured_pulses(own)
    assert selection is not None
    assert selection.pulses["refocusing"].description.startswith("mine.txt, 4 ms, ")
    assert basis_sources(section(pulses="ge_press")) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pulses": "siemens"}, "unknown set of pulses 'siemens': use one of ge_press, ideal"),
        ({"pulses": {**OWN, "refocusing": {"shape": "sync", "duration_s": 0.003}}}, "unknown pulse shape 'sync'"),
        ({"pulses": {**OWN, "refocusing": {"shape": "sinc", "duration_s": 0.003}}}, "needs bandwidth_hz"),
        ({"pulses": {**OWN, "refocusing": {"shape": "none.txt", "duration_s": 0.003}}}, r"none\.txt could not be read"),
        ({"pulses": {"excitation": OWN["excitation"]}}, "has a pulse for refocusing, but no such pulse"),
        ({"pulses": "ge_press", "echo_time_s": 0.008, "echo_time_1_s": 0.004}, "the pulses take .* ms of a delay of 2 ms"),
        ({"pulses": "slaser", "sequence": "slaser", "refocusing_times_s": [0.003, 0.01, 0.02, 0.026]}, "refocus at 26 ms"),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_the_first_job(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, InputError), match=message):
        _check_basis(section(**changes))


@pytest.mark.parametrize("wrong", [{"excite": {}}, {"excitation": {"shape": "sinc"}}, {"n_positions": 2}])
def test_typing_errors_in_a_description_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"basis\.pulses"):
        section(pulses=wrong)


def test_command_line_takes_a_named_set(run: Callable[..., Any], tmp_path: Path) -> None:
    sampling = ["--echo-time", 0.03, "--frequency", 127.7, "--spectral-width", 2000, "--n-points", 256, "--metabolites", "Cr"]
    assert run("basis", "--sequence", "press", "--pulses", "press", *sampling, "--out", tmp_path / "x.npz").code == 0
    assert read_basis(tmp_path / "x.npz").assumptions[0].startswith("shaped pulses")

"""The cache of simulated basis sets: found by content, without effect on results, and never in the way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrs_pipeline.basis.spin_systems import perturbed, spin_system
from mrs_pipeline.commands import basis, basis_cache
from mrs_pipeline.commands.basis import write_configured_basis
from mrs_pipeline.commands.basis_cache import cache_folder, simulation_key
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.config import complete_section

METABOLITES = ["Cr", "NAA"]


def section(**changes: Any) -> dict[str, Any]:
    return complete_section("basis", {"metabolites": METABOLITES, "n_points": 128, "echo_time_1_s": 0.012, **changes})


def key(**changes: Any) -> str:
    content = section(**changes)
    return simulation_key(content, systems=[spin_system(name) for name in content["metabolites"]])


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, in which even quick simulations are kept."""
    monkeypatch.setenv("MRS_PIPELINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(basis_cache, "MIN_SECONDS", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def simulations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for every simulation that is really done."""
    done: list[str] = []
    simulate = basis.simulate_basis

    def counted(**options: Any) -> Any:
        done.append(options["sequence"])
        return simulate(**options)

    monkeypatch.setattr(basis, "simulate_basis", counted)
    return done


def test_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for named, xdg, expected in [
        ("/a", "/b", Path("/a")),
        ("", "/b", None),
        (None, "/b", Path("/b/mrs_pipeline")),
        (None, None, tmp_path / ".cache/mrs_pipeline"),
        (None, "", tmp_path / ".cache/mrs_pipeline"),
    ]:
        monkeypatch.setenv("HOME", str(tmp_path))
        for name, value in (("MRS_PIPELINE_CACHE", named), ("XDG_CACHE_HOME", xdg)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        assert cache_folder() == expected


def test_same_bytes_with_and_without_and_from_the_cache(cache: Path, simulations: list[str], tmp_path: Path) -> None:
    for name, use_cache in {"without": False, "kept": True, "found": True}.items():
        write_configured_basis(section(), out=tmp_path / f"{name}.npz", use_cache=use_cache)
    assert len(simulations) == 2
    content = {(tmp_path / f"{name}.npz").read_bytes() for name in ("without", "kept", "found")}
    assert len(content) == 1
    assert [path.name for path in cache.iterdir()] == [f"basis-{key()}.npz"]
    write_configured_basis(section(), out=tmp_path / "found.BASIS")
    assert len(simulations) == 2


def test_what_the_key_depends_on() -> None:
    different = [
        key(),
        key(echo_time_s=0.035),
        key(metabolites=["NAA", "Cr"]),
        key(metabolites=["NAA"]),
        key(n_points=256),
        key(sequence="steam"),
        key(spectrometer_frequency_mhz=127.8),
        key(pulses="press"),
    ]
    assert len(set(different)) == len(different)
    assert key(macromolecules=["MM09"], file_echo_time_s=0.03, file_metabolites=["NAA"]) == key()
    other = perturbed(spin_system("NAA"), rng=np.random.default_rng(1), shift_sd_ppm=0.001, coupling_sd_hz=0.1)
    assert simulation_key(section(), systems=[spin_system("Cr"), spin_system("NAA")]) == key()
    assert simulation_key(section(), systems=[spin_system("Cr"), other]) != key()


def test_content_of_named_files_counts(tmp_path: Path) -> None:
    """A pulse shape that changes under the same name is another simulation."""
    path = tmp_path / "pulse.txt"
    keys = []
    for text in ("1 2 3", "1 2 4"):
        path.write_text(text)
        keys.append(key(pulses={"refocusing": [str(path)]}))
    assert keys[0] != keys[1]


def test_code_of_the_simulation_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = basis_cache._code()
    assert {"simulation.py", "spin_systems.json", "operators.py", "pulse_sets.py", "pulses.py", "acquisition.py"} <= {
        path.name for path in code
    }
    assert len(set(code)) == len(code)
    before = key()
    changed = tmp_path / "simulation.py"
    changed.write_text("another program")
    monkeypatch.setattr(basis_cache, "_code", lambda: [changed if path.name == "simulation.py" else path for path in code])
    assert key() != before


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [truncated, emptied, a_folder])
def test_a_damaged_cache_is_simulated_again(damage: Callable[[Path], None], cache: Path, simulations: list[str], tmp_path: Path) -> None:
    write_configured_basis(section(), out=tmp_path / "a.npz")
    damage(next(cache.iterdir()))
    write_configured_basis(section(), out=tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert len(simulations) == 2
    assert not [path for path in cache.iterdir() if path.name.startswith(".tmp")]
    if damage is not a_folder:
        np.testing.assert_array_equal(read_basis(next(cache.iterdir())).fids, read_basis(tmp_path / "a.npz").fids)


def test_a_cache_that_cannot_be_written_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MRS_PIPELINE_CACHE", str(tmp_path / "file" / "cache"))
    write_configured_basis(section(), out=tmp_path / "a.npz")
    assert read_basis(tmp_path / "a.npz").metabolites == ("Cr", "NAA")


def test_quick_simulations_leave_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(basis_cache, "MIN_SECONDS", 1e6)
    write_configured_basis(section(), out=tmp_path / "a.npz")
    assert not cache.exists()


def test_option_no_cache(cache: Path, simulations: list[str], run: Callable[..., Any], tmp_path: Path) -> None:
    options = ["--sequence", "press", "--echo-time", 0.03, "--frequency", 127.7, "--spectral-width", 2000, "--n-points", 128]
    for extra in ([], [], ["--no-cache"]):
        assert run("basis", *options, "--metabolites", *METABOLITES, *extra, "--out", tmp_path / "a.npz") == (0, "", "")
    assert len(simulations) == 2

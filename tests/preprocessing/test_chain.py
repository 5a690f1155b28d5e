"""Glx/tNAA after the whole chain: the reduced form of benchmarks/preprocessing/chain.py."""

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks" / "preprocessing"


@pytest.fixture
def chain(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("chain")


@pytest.mark.slow
def test_ratio_of_averages_is_that_of_the_same_noise_without_faults(chain):
    """Drift, a field step, eddy currents, spoiled transients and changing water of 5 times NAA at a signal-to-noise ratio of 10."""
    row = chain.row("all", snr=10.0, n_seeds=4, fwhm_hz=7.0)
    assert abs(row["ratio_%"]) < 0.3
    assert row["sd_%"] < 0.3 * row["noise_%"]
    assert row["kept_%"] > 90
    assert abs(row["deg"]) < 5
    assert abs(row["hz"]) < 0.5


def test_without_correction_the_ratio_would_be_off(chain, monkeypatch):
    """The same session with alignment and rejection left out: the comparison can fail, by twice the limit above at least."""
    steps = [step for step in chain.DEFAULT_STEPS if step["step"] not in ("alignment", "rejection", "eddy_current")]
    monkeypatch.setattr(chain, "DEFAULT_STEPS", steps)
    row = chain.row("all", snr=10.0, n_seeds=2, fwhm_hz=7.0)
    assert row["sd_%"] > 0.6 * row["noise_%"]

"""The whole way from a table of measures to the contrast of changes, against lmerTest and pbkrtest."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.statistics.contrasts import contrast_table

R_FOLDER = Path(__file__).with_name("r")
CHANGES = json.loads((R_FOLDER / "golden.json").read_text())["changes"]


def measures_of(dataset: str) -> pd.DataFrame:
    """Reference data as a table of measures: one baseline window, then five."""
    table = pd.read_csv(R_FOLDER / "crossovers.csv", dtype={"period": str})
    table = table[table["dataset"] == dataset].rename(columns={"y": "value"})
    start_s = 300.0 * (table["window"].str[1:].astype(int) - 1)
    return table.assign(measure="Glx", window_start_s=start_s, window_stop_s=start_s + 300.0)


@pytest.mark.parametrize("golden", CHANGES, ids=lambda golden: f"{golden['dataset']}, covariate {golden['covariate']}")
def test_change_contrast_agrees_with_r(golden: dict[str, Any]) -> None:
    section = {
        "conditions": ["placebo", "naltrexone"],
        "analyses": ["session_aware"],
        "measures": ["Glx"],
        "scale": {"Glx": "raw"},
        "covariates": ["fwhm_hz"] if golden["covariate"] else [],
    }
    ours = contrast_table(measures_of(golden["dataset"]), statistics=section).iloc[0]
    assert ours["contrast"] == "naltrexone - placebo: infusion change"
    assert not golden["singular"]
    found = ours[["estimate", "se", "df", "ci_low", "ci_high", "p"]].astype(float)
    expected = [golden["kenward_roger"][name] for name in ("Estimate", "Std. Error", "df", "lower", "upper", "Pr(>|t|)")]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.r
def test_r_still_gives_the_committed_numbers(tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    for name in ("golden.R", "crossovers.csv"):
        shutil.copy(R_FOLDER / name, tmp_path)
    run = subprocess.run(["Rscript", "golden.R"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if "there is no package" in run.stderr:
        pytest.skip("R lacks lme4, lmerTest, pbkrtest or jsonlite")
    assert run.returncode == 0, run.stderr
    again = json.loads((tmp_path / "golden.json").read_text())
    for ours, theirs in zip(CHANGES, again["changes"], strict=True):
        assert theirs["kenward_roger"] == pytest.approx(ours["kenward_roger"], rel=1e-5)

"""Block designs in the statistics: rest and task are what baseline and infusion are, and overlapping windows are refused."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.commands.contrast import contrasts_of
from mrs_pipeline.errors import DataError

STATISTICS = {
    "conditions": ["placebo", "drug"],
    "primary": {"analysis": "session_aware", "measure": "Glx/tNAA", "contrast": None},
    "analyses": ["session_aware", "paired_summary", "sign_flip", "max_t", "as_published"],
    "measures": ["Glx/tNAA"],
    "scale": {"default": "log_percent"},
    "covariates": [],
    "adjustment": "holm",
    "confidence": 0.95,
}
#: rest, task, rest, task in time.
PHASES = ["rest", "task", "rest", "task"]


def table(*, phases: list[str] | None, gathered: bool = False) -> pd.DataFrame:
    """Eight people, two visits, four windows; times of rest and task interleave where a window gathers all blocks of a level."""
    rng = np.random.default_rng(5)
    rows = []
    for person in range(8):
        for visit, condition in enumerate(("placebo", "drug") if person % 2 else ("drug", "placebo")):
            level = 1.3 + 0.1 * rng.standard_normal()
            for window, phase in enumerate(PHASES):
                effect = 0.05 * (phase == "task") * (condition == "drug")
                value = level * np.exp(effect + 0.01 * rng.standard_normal())
                start = (0.0, 60.0)[window % 2] if gathered else 60.0 * window
                stop = start + (180.0 if gathered else 60.0)
                rows.append([f"{person}", f"{visit}", condition, visit + 1, window, start, stop, "Glx/tNAA", value, 0.02])
    names = ["participant", "session", "condition", "period", "window", "window_start_s", "window_stop_s", "measure", "value", "sd"]
    whole = pd.DataFrame(rows, columns=names)
    if gathered:
        whole = whole[whole["window"] < 2]
    return whole if phases is None else whole.assign(phase=[phases[window] for window in whole["window"]])


def main_row(measures: pd.DataFrame, analysis: str) -> pd.Series:
    contrasts, _ = contrasts_of(measures, statistics=STATISTICS)
    return contrasts[contrasts["analysis"] == analysis].iloc[0]


@pytest.mark.parametrize("analysis", ["session_aware", "paired_summary", "sign_flip"])
def test_rest_and_task_are_contrasted_as_baseline_and_infusion_are(analysis: str) -> None:
    by_phase = main_row(table(phases=PHASES), analysis)
    assert by_phase["contrast"] == "drug - placebo: task change"
    # the same values at times that make the first of each pair baseline
    moved = table(phases=None)
    order = {0: (-120.0, -60.0), 2: (-60.0, 0.0), 1: (0.0, 60.0), 3: (60.0, 120.0)}
    for window, (start, stop) in order.items():
        moved.loc[moved["window"] == window, ["window_start_s", "window_stop_s"]] = start, stop
    by_time = main_row(moved, analysis)
    assert by_time["contrast"] == "drug - placebo: infusion change"
    numbers = ["estimate", "se", "df", "p"]
    np.testing.assert_allclose(by_phase[numbers].astype(float), by_time[numbers].astype(float), rtol=1e-6)
    assert abs(by_phase["estimate"] - 5.0) < 3 * by_phase["se"]


def test_windows_that_gather_the_blocks_of_a_level_may_interleave() -> None:
    row = main_row(table(phases=PHASES, gathered=True), "paired_summary")
    assert row["status"] == "ok"


def test_one_condition_says_that_nothing_contrasts_task_and_rest() -> None:
    contrasts, _ = contrasts_of(table(phases=PHASES), statistics={**STATISTICS, "conditions": None})
    assert contrasts["reason"].iloc[0].startswith("the study has fewer than two conditions; task and rest")


def test_overlapping_windows_and_unknown_phases_are_refused() -> None:
    with pytest.raises(DataError, match="share transients, so their errors are correlated"):
        contrasts_of(table(phases=PHASES).assign(overlapping=True), statistics=STATISTICS)
    sliding = table(phases=None).assign(window_stop_s=lambda rows: rows["window_stop_s"] + 30.0)
    with pytest.raises(DataError, match=r"overlaps the one before it: .* errors are correlated"):
        contrasts_of(sliding, statistics=STATISTICS)
    with pytest.raises(DataError, match="holds 'washout': use one of baseline"):
        contrasts_of(table(phases=["rest", "washout", "rest", "task"]), statistics=STATISTICS)
    assert main_row(table(phases=PHASES).assign(overlapping=False), "paired_summary")["status"] == "ok"

"""Simulated studies have the variances and effects they were asked for."""

import numpy as np
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

TRUTH = CrossoverTruth(
    n_participants=4000,
    n_baseline_windows=1,
    n_infusion_windows=2,
    participant_sd_percent=8.0,
    session_sd_percent=3.0,
    response_sd_percent=4.0,
    window_sd_percent=5.0,
    participant_response_sd_percent=2.0,
    effect_percent=1.5,
    period_response_percent=1.0,
    missing_fraction=0.0,
)


def test_variances_and_effect() -> None:
    table = simulated_measures(TRUTH, rng=np.random.default_rng(1))
    table["y"] = 100 * np.log(table["value"])
    wide = table.pivot_table(index=["participant", "condition"], columns="window", values="y")
    change = (wide[[1, 2]].mean(axis=1) - wide[0]).unstack()
    difference = change["naltrexone"] - change["placebo"]
    # Of a session change: response 16, two infusion windows 25/2, one baseline window 25; the response of the participant cancels.
    assert difference.mean() == pytest.approx(1.5, abs=4 * difference.std() / np.sqrt(4000))
    assert difference.var() == pytest.approx(2 * (16 + 12.5 + 25) + 1.0, rel=0.08)
    assert wide[0].unstack().mean(axis=1).var() == pytest.approx(64 + (9 + 25) / 2, rel=0.08)


def test_orders_and_missing_windows() -> None:
    table = simulated_measures(CrossoverTruth(**{**vars(TRUTH), "missing_fraction": 0.2}), rng=np.random.default_rng(2))
    assert table.groupby("participant")["condition"].nunique().eq(2).all()
    first = table[table["period"] == 1].drop_duplicates("participant")
    assert first["condition"].value_counts().to_dict() == {"placebo": 2000, "naltrexone": 2000}
    assert first.groupby("sequence")["condition"].nunique().eq(1).all()
    assert table["value"].isna().mean() == pytest.approx(0.2, abs=0.02)


def test_a_study_of_nobody_is_refused() -> None:
    with pytest.raises(DataError, match="at least one participant"):
        CrossoverTruth(**{**vars(TRUTH), "n_participants": 0})

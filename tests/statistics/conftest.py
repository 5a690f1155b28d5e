"""Simulated studies shared by the tests of the statistics."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

Study = Callable[..., pd.DataFrame]


@pytest.fixture
def study() -> Study:
    """A function that makes a table of measures; keywords override the truth, ``seed`` the noise."""

    def make(*, seed: int = 1, **changes: Any) -> pd.DataFrame:
        usual = {
            "n_participants": 8,
            "n_baseline_windows": 1,
            "n_infusion_windows": 4,
            "participant_sd_percent": 8.0,
            "session_sd_percent": 4.0,
            "response_sd_percent": 4.0,
            "window_sd_percent": 5.0,
            "period_response_percent": 2.0,
        }
        return simulated_measures(CrossoverTruth(**{**usual, **changes}), rng=np.random.default_rng(seed))

    return make


@pytest.fixture
def section() -> dict[str, Any]:
    """A statistics section for those tables."""
    return {
        "conditions": ["placebo", "naltrexone"],
        "primary": {"analysis": "session_aware", "measure": "Glx/tNAA", "contrast": "naltrexone - placebo: infusion change"},
        "analyses": ["session_aware", "as_published", "paired_summary"],
        "measures": ["Glx/tNAA"],
    }

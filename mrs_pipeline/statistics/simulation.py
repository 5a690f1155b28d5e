"""Tables of measures of a two-period crossover with known variances and effect, for calibration and power."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError


@dataclass(frozen=True, kw_only=True)
class CrossoverTruth:
    """What a simulated study consists of; SDs and the effect in percent of the measure (log scale).

    Two conditions, ``reference`` first; odd participants have them in the other order. ``effect_percent`` is the difference between the
    conditions in the change from baseline, ``period_effect_percent`` and ``period_response_percent`` shift the level and the response
    of the second session, ``missing_fraction`` of the windows has no value. Noise of neighbouring windows of a session has the correlation
    ``autocorrelation``; its SD is ``window_sd_percent`` in the first window, ``window_sd_ratio`` times that in the last, in equal steps of
    its logarithm.
    """

    n_participants: int
    n_baseline_windows: int
    n_infusion_windows: int
    participant_sd_percent: float
    session_sd_percent: float
    response_sd_percent: float
    window_sd_percent: float
    participant_response_sd_percent: float = 0.0
    effect_percent: float = 0.0
    period_effect_percent: float = 0.0
    period_response_percent: float = 0.0
    missing_fraction: float = 0.0
    autocorrelation: float = 0.0
    window_sd_ratio: float = 1.0
    window_length_s: float = 300.0
    conditions: tuple[str, str] = ("placebo", "naltrexone")

    def __post_init__(self) -> None:
        """`DataError` for a study without infusion windows or participants."""
        if self.n_participants < 1 or self.n_infusion_windows < 1 or self.n_baseline_windows < 0:
            raise DataError("a simulated crossover needs at least one participant and one infusion window")


def simulated_percent(truth: CrossoverTruth, *, rng: np.random.Generator) -> FloatArray:
    """One study, 100 times the logarithm of the measure; shape (n_participants, 2 sessions, n_windows), NaN where there is no value."""
    n_windows = truth.n_baseline_windows + truth.n_infusion_windows
    shape = (truth.n_participants, 2, n_windows)
    participant, period, window = np.indices(shape)
    treated = (participant + period) % 2 == 1
    during = window >= truth.n_baseline_windows
    level = rng.normal(scale=truth.participant_sd_percent, size=truth.n_participants)[participant]
    common = rng.normal(scale=truth.participant_response_sd_percent, size=truth.n_participants)[participant]
    session = rng.normal(scale=truth.session_sd_percent, size=(truth.n_participants, 2))[participant, period]
    response = rng.normal(scale=truth.response_sd_percent, size=(truth.n_participants, 2))[participant, period]
    shift = truth.period_effect_percent * period + during * (truth.effect_percent * treated + truth.period_response_percent * period)
    percent = level + session + during * (common + response) + shift + rng.normal(size=shape) @ _noise_root(truth, n_windows=n_windows).T
    return np.where(rng.uniform(size=shape) < truth.missing_fraction, np.nan, percent)


def _noise_root(truth: CrossoverTruth, *, n_windows: int) -> FloatArray:
    """Matrix that makes noise of the windows of a session from independent standard normal numbers; shape (n_windows, n_windows)."""
    place = np.arange(n_windows)
    sd = truth.window_sd_percent * truth.window_sd_ratio ** (place / max(1, n_windows - 1))
    correlation = truth.autocorrelation ** np.abs(place[:, None] - place)
    return np.asarray(sd[:, None] * np.linalg.cholesky(correlation))


def simulated_measures(truth: CrossoverTruth, *, rng: np.random.Generator, measure: str = "Glx/tNAA") -> pd.DataFrame:
    """One study as a table of measures, with every window listed and NaN where it has no value."""
    n_windows = truth.n_baseline_windows + truth.n_infusion_windows
    participant, period, window = (axis.ravel() for axis in np.indices((truth.n_participants, 2, n_windows)))
    treated = (participant + period) % 2 == 1
    start_s = (window - truth.n_baseline_windows) * truth.window_length_s
    value = np.exp(simulated_percent(truth, rng=rng).ravel() / 100)
    return pd.DataFrame(
        {
            "participant": [f"{number:02d}" for number in participant + 1],
            "session": (period + 1).astype(str),
            "condition": np.array(truth.conditions)[treated.astype(int)],
            "period": period + 1,
            "sequence": np.where(participant % 2 == 1, "AB", "BA")[: len(participant)],
            "window": window,
            "window_start_s": start_s,
            "window_stop_s": start_s + truth.window_length_s,
            "measure": measure,
            "value": value,
            "sd": value * truth.window_sd_percent / 100,
        }
    )

"""False-positive rates and coverage on simulated null studies: the session-aware model keeps them, the published one cannot."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.design import checked_measures, measure_data
from mrs_pipeline.statistics.options import Options
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

OPTIONS = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=())
WINDOW_SD_PERCENT = 5.0


def n_false_positives(
    *, analyses: list[str], n_studies: int, n_participants: int, spread: float, effect_percent: float = 0.0, seed: int = 77
) -> list[int]:
    """Studies whose 95 % interval misses the true effect (with no effect: p < 0.05), per analysis; 8 % of windows lost."""
    truth = CrossoverTruth(
        n_participants=n_participants,
        n_baseline_windows=1,
        n_infusion_windows=6,
        participant_sd_percent=8.0,
        session_sd_percent=spread * WINDOW_SD_PERCENT,
        response_sd_percent=spread * WINDOW_SD_PERCENT,
        window_sd_percent=WINDOW_SD_PERCENT,
        participant_response_sd_percent=2.0,
        effect_percent=effect_percent,
        missing_fraction=0.08,
    )
    missed = np.zeros(len(analyses), dtype=int)
    for study in range(n_studies):
        table = simulated_measures(truth, rng=np.random.default_rng([seed, study]))
        data = measure_data(checked_measures(table, options=OPTIONS), measure="Glx/tNAA", options=OPTIONS)
        for position, name in enumerate(analyses):
            test = ANALYSES[name].function(data, confidence=0.95)[0].test
            missed[position] += not test.ci_low <= effect_percent <= test.ci_high
    return missed.tolist()


def limits(n_studies: int) -> tuple[float, float]:
    """99.8 % binomial limits of a count at the nominal 5 %."""
    return tuple(stats.binom.ppf([0.001, 0.999], n_studies, 0.05))


@pytest.mark.slow
def test_false_positives_stay_within_binomial_limits() -> None:
    """In each of six settings, and more sharply in all of them together, whose studies are drawn independently."""
    settings = list(product((12, 26), (0.0, 0.67, 1.0)))
    counts = np.array(
        [
            n_false_positives(
                analyses=["session_aware", "paired_summary"], n_studies=80, n_participants=n_participants, spread=spread, seed=77 + number
            )
            for number, (n_participants, spread) in enumerate(settings)
        ]
    )
    assert np.all(counts <= limits(80)[1]), counts
    low, high = limits(80 * len(settings))
    assert np.all((low <= counts.sum(axis=0)) & (counts.sum(axis=0) <= high)), counts


@pytest.mark.slow
def test_intervals_cover_a_true_effect() -> None:
    counts = n_false_positives(
        analyses=["session_aware", "paired_summary"], n_studies=120, n_participants=26, spread=0.67, effect_percent=3.0
    )
    low, high = limits(120)
    assert all(low <= count <= high for count in counts), counts


def test_the_published_model_fails_where_sessions_differ() -> None:
    aware, published = n_false_positives(analyses=["session_aware", "as_published"], n_studies=60, n_participants=26, spread=1.0)
    assert aware <= limits(60)[1]
    assert published > 2 * limits(60)[1]

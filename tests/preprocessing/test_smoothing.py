import numpy as np
import pytest

from mrs_pipeline.preprocessing.smoothing import smooth_drift, wander_of


def test_known_variances_are_found(rng):
    walk = np.cumsum(0.3 * rng.standard_normal(2000))
    seen = walk + 0.6 * rng.standard_normal(2000)
    wander = wander_of(seen, variance=np.full(2000, 0.36))
    assert wander.level == pytest.approx(0.09, rel=0.5)
    assert wander.jitter < 0.1
    scattered = wander_of(0.6 * rng.standard_normal(2000), variance=np.full(2000, 0.036))
    assert scattered.jitter == pytest.approx(0.36, rel=0.5)
    assert scattered.level < 1e-3


def test_a_steady_drift_is_a_straight_line(rng):
    """Error of a straight line fitted to n values of SD s: s sqrt(2 / n) on average; 4 Hz/min at 2 s, 5 times that much is allowed."""
    truth = np.arange(256) * 4.0 / 30
    error = smooth_drift(truth + 0.3 * rng.standard_normal(256), sd=np.full(256, 0.3)) - truth
    assert np.std(error) < 5 * 0.3 * np.sqrt(2 / 256)


def test_breathing_is_kept_as_far_as_it_shows(rng):
    """White changes of SD j seen with noise of SD s: the best estimate has an error of j s / sqrt(j^2 + s^2)."""
    truth = 0.4 * np.sin(1.7 * np.arange(600) ** 1.1)
    error = smooth_drift(truth + 0.3 * rng.standard_normal(600), sd=np.full(600, 0.3)) - truth
    assert np.std(error) < 1.1 * 0.3 * 0.28 / np.hypot(0.3, 0.28)


def test_smoothing_is_near_the_kalman_steady_state(rng):
    """Local level with q = 0.01, r = 0.36: the smoothed variance of a long series is sqrt(q r) / 2 for small q / r."""
    walk = np.cumsum(0.1 * rng.standard_normal(4000))
    seen = walk + 0.6 * rng.standard_normal(4000)
    error = smooth_drift(seen, sd=np.full(4000, 0.6)) - walk
    assert np.var(error) == pytest.approx(np.sqrt(0.01 * 0.36) / 2, rel=0.3)


def test_changes_from_shot_to_shot_are_followed(rng):
    truth = rng.standard_normal(500)
    error = smooth_drift(truth + 0.1 * rng.standard_normal(500), sd=np.full(500, 0.1)) - truth
    assert np.std(error) < 0.13


@pytest.mark.parametrize("size", [2.0, 5.0])
def test_a_step_stays_sharp(rng, size):
    truth = np.where(np.arange(200) < 90, 0.0, size)
    path = smooth_drift(truth + 0.4 * rng.standard_normal(200), sd=np.full(200, 0.4))
    assert np.abs(path - truth).max() < 0.5


def test_values_of_unknown_precision_are_bridged(rng):
    values = np.linspace(0, 3, 60) + 0.05 * rng.standard_normal(60)
    sd = np.full(60, 0.05)
    values[30], sd[30] = 100.0, np.inf
    assert smooth_drift(values, sd=sd)[30] == pytest.approx(1.5, abs=0.2)


def test_too_short_a_series_is_returned(rng):
    values = rng.standard_normal(2)
    np.testing.assert_array_equal(smooth_drift(values, sd=np.ones(2)), values)

"""Steps of gain and of signal, against series whose steps are known."""

import numpy as np
import pytest

from mrs_pipeline.timecourse.gain_steps import common_gain, find_size_steps

N, PLACE = 240, 90


def series(
    seed: int, *, gain: float = 0.0, signal: float = 0.0, slope: float = 0.0, n: int = N, place: int = PLACE
) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes (SD 4 %, 2 % spoiled) and noise SDs (3 %) with steps (logarithms) of gain and of signal alone, and a drift."""
    rng = np.random.default_rng(seed)
    after = np.arange(n) >= place
    amplitude = np.exp(0.04 * rng.standard_normal(n) + (gain + signal) * after + slope * np.linspace(0, 1, n))
    amplitude[rng.random(n) < 0.02] *= 0.7
    return amplitude, np.exp(0.03 * rng.standard_normal(n) + gain * after)


@pytest.mark.parametrize("percent", [-20.0, -10.0, 10.0, 20.0])
def test_a_gain_step_is_found_with_its_place_and_size(percent: float) -> None:
    log = np.log1p(percent / 100)
    for seed in range(10):
        amplitude, noise = series(seed, gain=log)
        (step,) = find_size_steps(amplitude, noise=noise)
        assert step.is_gain
        assert abs(step.index - PLACE) <= 2
        assert abs(step.gain_log - log) < 0.03
        rescaled = amplitude * common_gain((step,), n_transients=N)
        assert np.log(np.median(rescaled[PLACE:]) / np.median(rescaled[:PLACE])) == pytest.approx(0.0, abs=0.03)


def test_mean_error_of_the_size_is_within_its_standard_error() -> None:
    errors, ses = [], []
    for seed in range(60):
        amplitude, noise = series(seed, gain=0.1)
        (step,) = find_size_steps(amplitude, noise=noise)
        errors.append(step.gain_log - 0.1)
        ses.append(step.noise_se)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(60)
    assert 0.5 < np.mean(ses) / np.std(errors) < 1.5


@pytest.mark.parametrize("slope", [0.0, 0.08])
def test_nothing_is_found_without_a_step(slope: float) -> None:
    for seed in range(100):
        amplitude, noise = series(seed, slope=slope)
        assert find_size_steps(amplitude, noise=noise) == ()


def test_a_response_that_rises_in_a_minute_is_no_step() -> None:
    rise = 0.03 * (1 - np.exp(-np.maximum(np.arange(N) - 60, 0) / 20.0))
    for seed in range(50):
        amplitude, noise = series(seed)
        assert find_size_steps(amplitude * np.exp(rise), noise=noise) == ()


def test_a_step_of_the_signal_alone_is_no_gain() -> None:
    for seed in range(10):
        amplitude, noise = series(seed, signal=-0.15)
        (step,) = find_size_steps(amplitude, noise=noise)
        assert not step.is_gain
        assert not step.is_alike
        assert step.gain_log == 0.0
        assert step.signal_log == pytest.approx(-0.15, abs=0.04)


def test_two_steps() -> None:
    for seed in range(5):
        amplitude, noise = series(seed, gain=0.12)
        back = np.exp(-0.2 * (np.arange(N) >= 170))
        steps = find_size_steps(amplitude * back, noise=noise * back)
        assert [step.is_gain for step in steps] == [True, True]
        assert abs(steps[0].index - PLACE) <= 2
        assert abs(steps[1].index - 170) <= 2
        factors = common_gain(steps, n_transients=N)
        assert factors[0] == 1.0
        assert factors[-1] == pytest.approx(np.exp(0.08), rel=0.04)


def test_noise_that_is_not_known_and_short_series() -> None:
    amplitude, _ = series(0, gain=0.15)
    (step,) = find_size_steps(amplitude, noise=np.zeros(N))
    assert not step.is_gain
    assert np.isnan(step.noise_log)
    assert find_size_steps(amplitude[:20], noise=np.ones(20)) == ()

import numpy as np
import pytest

from mrs_pipeline.preprocessing.local_trend import departures

N = 120


def of(values, **options):
    return departures(values, usual=options.pop("usual", np.ones(len(values), dtype=bool)), n_local=31, **options)


@pytest.mark.parametrize("slope", [0.0, 0.3, -2.0])
def test_only_the_jump_departs_from_a_slope_with_a_step(slope):
    values = slope * np.arange(N) + np.where(np.arange(N) >= 70, 5.0, 0.0)
    values[40] += 1.5
    values[1] -= 1.0
    nearest, _ = of(values)
    expected = np.zeros(N)
    expected[[1, 40]] = -1.0, 1.5
    np.testing.assert_allclose(nearest, expected, atol=1e-9)


def test_departures_about_are_distributed_as_the_noise(rng):
    _, about = of(0.2 * np.arange(N) + rng.standard_normal(N))
    assert np.std(about) == pytest.approx(1.0, abs=0.15)


def test_angles_may_turn_round_and_complex_numbers_have_two_parts():
    phase = np.linspace(0.7 * np.pi, 1.7 * np.pi, N)
    phase[60] += 2.0
    nearest, _ = of(np.angle(np.exp(1j * phase)), is_angle=True)
    assert nearest[60] == pytest.approx(2.0, abs=0.1)
    assert np.abs(np.delete(nearest, 60)).max() < 0.05
    values = np.arange(N) * (1 - 2j)
    values[60] += 3j
    np.testing.assert_allclose(of(values)[0], np.where(np.arange(N) == 60, 3j, 0), atol=1e-9)


def test_unusual_values_are_judged_but_have_no_say():
    values = 0.5 * np.arange(N)
    values[30:60] += 7.0
    usual = np.abs(np.arange(N) - 44.5) > 15
    nearest, _ = of(values, usual=usual)
    np.testing.assert_allclose(nearest, np.where(usual, 0.0, 7.0), atol=1e-9)
    single = departures(values, usual=np.arange(N) == 3, n_local=31)[0]
    np.testing.assert_allclose(single, values - values[3], atol=1e-9)

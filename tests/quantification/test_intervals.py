"""Intervals: closed forms, coverage on simulated normals, the definition of Fieller's set, and the boundary at zero."""

import numpy as np
import pytest
from scipy.special import ndtr

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.quantification.intervals import (
    IntervalOptions,
    RatioMoments,
    fieller_interval,
    log_ratio_interval,
    non_negative_interval,
)

Z = 1.959963984540054  # normal quantile at 0.975
N_DRAWS = 20_000
#: Three standard errors of a share of 0.95 among the draws.
MARGIN = 3 * np.sqrt(0.95 * 0.05 / N_DRAWS)


def moments(numerator: float, denominator: float, sd_numerator: float, sd_denominator: float, correlation: float = 0.0) -> RatioMoments:
    return RatioMoments(
        numerator=numerator,
        denominator=denominator,
        variance_numerator=sd_numerator**2,
        variance_denominator=sd_denominator**2,
        covariance=correlation * sd_numerator * sd_denominator,
    )


def coverage(method, truth: tuple[float, float], sd: tuple[float, float], correlation: float, seed: int) -> float:
    """Share of draws whose interval holds the true ratio, an unbounded one counting by its lower end."""
    matrix = np.array([[sd[0] ** 2, correlation * sd[0] * sd[1]], [correlation * sd[0] * sd[1], sd[1] ** 2]])
    held = 0
    for numerator, denominator in np.random.default_rng(seed).multivariate_normal(truth, matrix, size=N_DRAWS):
        interval = method(moments(numerator, denominator, *sd, correlation), quantile=Z)
        held += interval.low <= truth[0] / truth[1] <= (np.inf if np.isnan(interval.high) else interval.high)
    return held / N_DRAWS


@pytest.mark.parametrize(("sd", "correlation"), [((0.5, 0.3), -0.5), ((4.0, 1.0), 0.3)])
def test_fieller_covers_exactly(sd: tuple[float, float], correlation: float) -> None:
    assert coverage(fieller_interval, (13.0, 10.0), sd, correlation, seed=1) == pytest.approx(0.95, abs=MARGIN)


@pytest.mark.parametrize(("sd", "correlation"), [((0.5, 0.3), -0.5), ((1.5, 0.8), 0.3)])
def test_log_ratio_covers_where_both_parts_stand_out(sd: tuple[float, float], correlation: float) -> None:
    # 0.01: the logarithm of a normal with a relative SD of 0.12 is not normal, an error of second order in it
    assert coverage(log_ratio_interval, (13.0, 10.0), sd, correlation, seed=2) == pytest.approx(0.95, abs=MARGIN + 0.01)


def test_fieller_ends_are_where_the_defining_statistic_is_z() -> None:
    found = moments(13.0, 10.0, 1.0, 2.0, 0.4)
    interval = fieller_interval(found, quantile=Z)
    for ratio in (interval.low, interval.high):
        variance = found.variance_numerator - 2 * ratio * found.covariance + ratio**2 * found.variance_denominator
        assert abs(found.numerator - ratio * found.denominator) / np.sqrt(variance) == pytest.approx(Z)


def test_fieller_with_a_certain_denominator_is_the_symmetric_interval() -> None:
    interval = fieller_interval(moments(13.0, 10.0, 1.0, 0.0), quantile=Z)
    assert (interval.low, interval.high) == pytest.approx((1.3 - Z * 0.1, 1.3 + Z * 0.1))


def test_log_ratio_by_hand() -> None:
    interval = log_ratio_interval(moments(12.0, 8.0, 0.6, 0.2, 0.5), quantile=Z)
    factor = np.exp(Z * np.sqrt(0.05**2 + 0.025**2 - 2 * 0.5 * 0.05 * 0.025))
    assert (interval.low, interval.high, interval.kind) == (pytest.approx(1.5 / factor), pytest.approx(1.5 * factor), "log_ratio")


def test_a_denominator_that_may_be_zero_leaves_no_upper_end() -> None:
    interval = fieller_interval(moments(13.0, 2.0, 1.0, 1.5), quantile=Z)
    assert interval.kind == "unbounded"
    assert np.isnan(interval.high)
    # what remains is the lower end: the numerator is well above zero
    statistic = (13.0 - interval.low * 2.0) / np.sqrt(1.0 + interval.low**2 * 1.5**2)
    assert statistic == pytest.approx(Z)
    assert fieller_interval(moments(0.1, 0.1, 1.0, 1.0), quantile=Z).low == 0.0


def test_ratio_of_something_that_is_not_there_starts_at_zero() -> None:
    interval = log_ratio_interval(moments(0.0, 10.0, 1.0, 0.5), quantile=Z)
    assert interval.kind == "fieller"
    assert interval.low == 0.0
    assert interval.high == pytest.approx(Z * 0.1, rel=0.02)  # the error of the denominator is of second order


@pytest.mark.parametrize("truth", [0.0, 0.5, 1.5, 2.5, 6.0])
def test_amplitudes_at_the_boundary_are_covered(truth: float) -> None:
    values = np.maximum(np.random.default_rng(3).normal(truth, 1.0, N_DRAWS), 0.0)
    intervals = [non_negative_interval(value, 1.0, quantile=Z) for value in values]
    held = np.mean([item.low <= truth <= item.high for item in intervals])
    # missed above z: both tails; below it only by estimates that are too large
    expected = 0.95 if truth > Z else float(ndtr(Z))
    assert held == pytest.approx(expected, abs=MARGIN)


def test_an_amplitude_held_at_zero_says_what_could_hide() -> None:
    interval = IntervalOptions(confidence=0.9).of_sum(0.0, 2.0)
    assert (interval.low, interval.high, interval.kind) == (0.0, pytest.approx(2.0 * 1.6448536), "at_zero")


def test_no_value_has_no_interval() -> None:
    assert np.isnan(IntervalOptions().of_sum(np.nan, np.nan).high)


@pytest.mark.parametrize(
    ("section", "key"), [({"confidence": 1.5, "ratio": "log_ratio"}, "confidence"), ({"confidence": 0.9, "ratio": "t"}, "ratio")]
)
def test_wrong_options_are_named(section: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match=f"intervals.{key}"):
        IntervalOptions.from_mapping(section)

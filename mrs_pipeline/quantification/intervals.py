"""Confidence intervals of amplitudes, sums and ratios from their covariance, honest where an amplitude is held at zero."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from mrs_pipeline.errors import ConfigError, unknown_name

#: The logarithm of a ratio is close to normal where numerator and denominator are this many standard errors from zero.
LOG_NEEDS = 3.0


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Ends and how they were found: `normal`, `at_zero`, `log_ratio`, `fieller` or `unbounded` (`high` is then NaN)."""

    low: float
    high: float
    kind: str


#: No interval: there is no value either.
NO_INTERVAL = Interval(low=np.nan, high=np.nan, kind="")


@dataclass(frozen=True, kw_only=True)
class RatioMoments:
    """Numerator and denominator of a ratio with their variances and covariance."""

    numerator: float
    denominator: float
    variance_numerator: float
    variance_denominator: float
    covariance: float


def non_negative_interval(value: float, sd: float, *, quantile: float) -> Interval:
    """``[max(0, value - z sd), value + z sd]`` of an amplitude or a sum that cannot be negative.

    With the estimate ``max(0, x)`` of a normal x and sd that of x it covers a true value of 0 or above with at least the nominal
    probability, at most half of what is left more: an estimate held at zero has the upper end ``z sd``, what could hide there.
    """
    if not (np.isfinite(value) and np.isfinite(sd)):
        return NO_INTERVAL
    return Interval(low=max(0.0, value - quantile * sd), high=value + quantile * sd, kind="normal" if value > 0 else "at_zero")


def log_ratio_interval(moments: RatioMoments, *, quantile: float) -> Interval:
    """``r exp(-+ z sd(ln r))`` with the delta method for ``sd(ln r)``; Fieller's where the logarithm is far from normal (`LOG_NEEDS`)."""
    above, below = moments.numerator, moments.denominator
    certain = above > LOG_NEEDS * np.sqrt(moments.variance_numerator) and below > LOG_NEEDS * np.sqrt(moments.variance_denominator)
    if not certain:
        return fieller_interval(moments, quantile=quantile)
    relative = moments.variance_numerator / above**2 + moments.variance_denominator / below**2 - 2 * moments.covariance / (above * below)
    factor = float(np.exp(quantile * np.sqrt(max(relative, 0.0))))
    return Interval(low=above / below / factor, high=above / below * factor, kind="log_ratio")


def fieller_interval(moments: RatioMoments, *, quantile: float) -> Interval:
    """All r >= 0 for which ``numerator - r denominator`` is within z of its standard errors from zero.

    Fieller 1954, J R Stat Soc B 16:175. Exact for normal numerator and denominator whatever their covariance. Where the denominator is
    itself not z standard errors from zero, no upper end exists.
    """
    square = quantile**2
    a = moments.denominator**2 - square * moments.variance_denominator
    b = moments.numerator * moments.denominator - square * moments.covariance
    c = moments.numerator**2 - square * moments.variance_numerator
    root = float(np.sqrt(max(b * b - a * c, 0.0)))
    if a > 0:
        return Interval(low=max(0.0, (b - root) / a), high=(b + root) / a, kind="fieller")
    # a r^2 - 2 b r + c <= 0 opens downwards: beyond the roots, and everything where there are none
    roots = sorted(((b - root) / a, (b + root) / a)) if a < 0 and b * b > a * c else [-np.inf, -np.inf]
    return Interval(low=roots[1] if roots[0] < 0 < roots[1] else 0.0, high=np.nan, kind="unbounded")


#: Intervals of ratios by the name used in the configuration.
RATIO_INTERVALS: Mapping[str, Callable[..., Interval]] = {"log_ratio": log_ratio_interval, "fieller": fieller_interval}


@dataclass(frozen=True, kw_only=True)
class IntervalOptions:
    """Confidence level, and the name of the interval of ratios in `RATIO_INTERVALS`.

    Quantiles are those of the normal distribution: a fitted range has hundreds of degrees of freedom.
    """

    confidence: float = 0.95
    ratio: str = "log_ratio"

    def __post_init__(self) -> None:
        """Refuse what is no interval; `ConfigError` names the key."""
        if not 0.0 < self.confidence < 1.0:
            raise ConfigError(f"intervals.confidence is {self.confidence:g}: a level between 0 and 1 is expected, such as 0.95")
        if self.ratio not in RATIO_INTERVALS:
            raise unknown_name("intervals.ratio", self.ratio, RATIO_INTERVALS)

    @classmethod
    def from_mapping(cls, section: Mapping[str, Any]) -> "IntervalOptions":
        """Options of the `intervals` section of a study."""
        return cls(confidence=float(section["confidence"]), ratio=str(section["ratio"]))

    @property
    def quantile(self) -> float:
        """Normal quantile z of the two-sided interval."""
        return float(ndtri(0.5 + 0.5 * self.confidence))

    def of_sum(self, value: float, sd: float) -> Interval:
        """Interval of an amplitude or a sum of amplitudes."""
        return non_negative_interval(value, sd, quantile=self.quantile)

    def of_ratio(self, moments: RatioMoments) -> Interval:
        """Interval of a ratio of sums of amplitudes."""
        return RATIO_INTERVALS[self.ratio](moments, quantile=self.quantile)


#: 95 % intervals, of ratios by their logarithm.
DEFAULT_INTERVALS = IntervalOptions()

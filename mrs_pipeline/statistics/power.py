"""Power of a two-period crossover: exact for the period-adjusted paired test, by simulation for any analysis.

The change of a session has the variance of its response plus that of the noise of its windows, and a participant's difference twice
that. The paired test adjusted for period has n - 2 degrees of freedom and the standard error sd sqrt(1/n1 + 1/n2) / 2 with n1 and n2
participants in the two orders, so that its power is that of the noncentral t distribution. By simulation: all analyses are
equivariant, an effect moves estimate and interval and changes nothing else, so that intervals of studies without an effect give
the power at every effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import optimize, stats

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.crossover_model import CellMeans
from mrs_pipeline.statistics.design import MIN_PARTICIPANTS, UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.inference import TestResult
from mrs_pipeline.statistics.options import Options
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

#: More participants than this are not searched for.
MOST_PARTICIPANTS = 2000
MOST_SIMULATED = 400

#: Steps of that search.
MOST_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class PowerResult:
    """Power at one number of participants and the smallest effect found with the power asked, both simulated and exact (complete data).

    ``power_error`` is the standard error of the simulation; ``n_failed`` studies gave no interval and count as not significant.
    """

    n_participants: int
    power: float
    power_error: float
    power_exact: float
    detectable_percent: float
    detectable_exact_percent: float
    n_failed: int


def difference_sd(truth: CrossoverTruth) -> float:
    """SD of a participant's difference between the changes of two sessions (without baseline: between their means), %."""
    n_baseline, n_infusion = truth.n_baseline_windows, truth.n_infusion_windows
    noise = truth.window_sd_percent**2 * (1 / n_infusion + (1 / n_baseline if n_baseline else 0.0))
    session = 0.0 if n_baseline else truth.session_sd_percent**2
    return float(np.sqrt(2 * (truth.response_sd_percent**2 + session + noise)))


def exact_power(effect: float, *, sd: float, n_participants: int, alpha: float = 0.05, n_adjusted: int = 1) -> float:
    """Power of the two-sided paired test of ``effect``, both in units of the differences' ``sd``.

    ``n_adjusted`` = 1: adjusted for period, the participants in two orders as equal as can be; 0: the plain paired t test.
    """
    first = (n_participants + 1) // 2
    shares = (1 / first + 1 / (n_participants - first)) / 4 if n_adjusted else 1 / n_participants
    df = n_participants - 1 - n_adjusted
    limit, shift = stats.t.ppf(1 - alpha / 2, df), abs(effect) / (sd * np.sqrt(shares))
    return float(stats.nct.sf(limit, df, shift) + stats.nct.cdf(-limit, df, shift))


def exact_detectable(*, sd: float, n_participants: int, power: float, alpha: float = 0.05) -> float:
    """The smallest effect that the period-adjusted paired test finds with that power, in the unit of ``sd``."""

    def missing(effect: float) -> float:
        return exact_power(effect, sd=sd, n_participants=n_participants, alpha=alpha) - power

    upper = sd
    while missing(upper) < 0:
        upper *= 2
    return float(optimize.brentq(missing, 0.0, upper))


def exact_participants(effect: float, *, sd: float, power: float, alpha: float = 0.05, n_adjusted: int = 1) -> int:
    """The smallest number of participants that gives the paired test that power; `DataError` beyond `MOST_PARTICIPANTS`."""
    for n in range(MIN_PARTICIPANTS, MOST_PARTICIPANTS + 1):
        if exact_power(effect, sd=sd, n_participants=n, alpha=alpha, n_adjusted=n_adjusted) >= power:
            return n
    raise DataError(
        f"an effect of {effect:g} with differences of SD {sd:.3g} needs more than {MOST_PARTICIPANTS} participants: "
        "look for a larger effect or for less noise"
    )


def null_intervals(truth: CrossoverTruth, *, options: Options, n_studies: int, seed: int) -> FloatArray:
    """Intervals (n_studies, 2) of the first analysis of ``options`` in simulated studies without an effect; NaN where there is none."""
    analysis = ANALYSES[options.analyses[0]]
    if not analysis.has_main:
        raise ConfigError(f"the analysis {options.analyses[0]} has no main contrast whose power could be asked: choose another")
    settings = {name: getattr(options, name) for name in analysis.settings}
    null = replace(truth, effect_percent=0.0, conditions=(options.conditions[0], options.conditions[1]))
    limits = np.full((n_studies, 2), np.nan)
    for study in range(n_studies):
        table = simulated_measures(null, rng=np.random.default_rng([seed, truth.n_participants, study]), measure=options.measures[0])
        try:
            data = measure_data(checked_measures(table, options=options), measure=options.measures[0], options=options)
            test = analysis.function(data, confidence=options.confidence, **settings)[0].test
        except UnanswerableError:
            continue
        if isinstance(test, TestResult):
            limits[study] = test.ci_low, test.ci_high
    return limits


def power_at(effect: float, *, intervals: FloatArray) -> float:
    """Share of studies whose interval, moved by an effect, leaves out zero."""
    return float(np.mean((intervals[:, 0] + effect > 0) | (intervals[:, 1] + effect < 0)))


def detectable(*, intervals: FloatArray, power: float) -> float:
    """The smallest effect whose studies have that power; infinite if too many have no interval."""
    needed = np.sort(np.where(np.isfinite(intervals[:, 0]), -intervals[:, 0], np.inf))
    return float(needed[min(len(needed), int(np.ceil(power * len(needed)))) - 1])


def power_of(truth: CrossoverTruth, *, options: Options, power: float, n_studies: int, seed: int) -> PowerResult:
    """Power at the effect and the number of participants of ``truth``, two-sided at 1 - confidence."""
    intervals = null_intervals(truth, options=options, n_studies=n_studies, seed=seed)
    n, sd, alpha = truth.n_participants, difference_sd(truth), 1 - options.confidence
    found = power_at(truth.effect_percent, intervals=intervals)
    return PowerResult(
        n_participants=n,
        power=found,
        power_error=float(np.sqrt(found * (1 - found) / n_studies)),
        power_exact=exact_power(truth.effect_percent, sd=sd, n_participants=n, alpha=alpha),
        detectable_percent=detectable(intervals=intervals, power=power),
        detectable_exact_percent=exact_detectable(sd=sd, n_participants=n, power=power, alpha=alpha),
        n_failed=int(np.sum(~np.isfinite(intervals[:, 0]))),
    )


def required(truth: CrossoverTruth, *, options: Options, power: float, n_studies: int, seed: int) -> PowerResult:
    """The even number of participants whose simulated studies have the power, with their result.

    The search begins at the exact number for complete data and follows the simulated detectable effect, which falls as
    1 / sqrt(n). `DataError` if more than `MOST_SIMULATED` participants are needed.
    """
    exact = exact_participants(truth.effect_percent, sd=difference_sd(truth), power=power, alpha=1 - options.confidence)
    n, found = exact + exact % 2, {}
    for _ in range(MOST_STEPS):
        if n > MOST_SIMULATED:
            raise DataError(
                f"an effect of {truth.effect_percent:g} % needs {n} participants (exact for complete data: {exact}), and more than "
                f"{MOST_SIMULATED} are not simulated: look for a larger effect or for less noise"
            )
        found[n] = power_of(replace(truth, n_participants=n), options=options, power=power, n_studies=n_studies, seed=seed)
        wanted = n * (found[n].detectable_percent / abs(truth.effect_percent)) ** 2
        following = max(MIN_PARTICIPANTS, 2 * int(np.ceil(min(wanted, 2.0 * MOST_SIMULATED) / 2)))
        if abs(found[n].power - power) <= 2 * found[n].power_error or following in found:
            break
        n = following
    return found[n]


def truth_from_fit(model: CellMeans) -> CrossoverTruth:
    """A study like the one that was fitted, without an effect, from its variance parameters.

    A response (without baseline: a session) that varies less than noise predicts has a negative parameter; its sum with the noise is
    what the change of a session varies by, and the window SD is lowered to give that sum.
    """
    parts = dict(zip(model.fit.component_names, model.fit.components.tolist(), strict=True))
    phases = model.data.windows["phase"]
    n_baseline, n_infusion = int((phases == "baseline").sum()), int((phases == "infusion").sum())
    share = 1 / n_infusion + (1 / n_baseline if n_baseline else 0.0)
    lowest = min(parts.get("session response" if n_baseline else "session", 0.0), 0.0)
    sd = {name: float(np.sqrt(max(value, 0.0))) for name, value in {**parts, "residual": parts["residual"] + lowest / share}.items()}
    return CrossoverTruth(
        n_participants=int(model.data.rows["participant"].nunique()),
        n_baseline_windows=n_baseline,
        n_infusion_windows=n_infusion,
        participant_sd_percent=sd.get("participant", 0.0),
        session_sd_percent=sd.get("session", 0.0),
        response_sd_percent=sd.get("session response", 0.0),
        window_sd_percent=sd["residual"],
        participant_response_sd_percent=sd.get("participant response", 0.0),
    )


def upper_sd(sd: float, *, df: float, confidence: float = 0.8) -> float:
    """One-sided upper confidence limit of a standard deviation with ``df`` degrees of freedom (Browne 1995, Stat Med 14:1933)."""
    return float(sd * np.sqrt(df / stats.chi2.ppf(1 - confidence, df)))


def scaled(truth: CrossoverTruth, *, factor: float) -> CrossoverTruth:
    """The study with all that varies between sessions and windows multiplied."""
    names = ("session_sd_percent", "response_sd_percent", "window_sd_percent")
    changes: Mapping[str, Any] = {name: factor * getattr(truth, name) for name in names}
    return replace(truth, **changes)

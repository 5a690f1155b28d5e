"""Temporal responses: columns over time, without a unit, that events and a few parameters make.

A response is a function of the time since the onset of an event and of its duration; a column is the sum over the events. An event
without a duration (0 or n/a in the events table) goes on to the end of the recording in `boxcar`, `exponential_rise` and `trapezoid` and
is short in `gamma`; an `infusion` needs one, unless all of the dose is a bolus.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import ConfigError, DataError, unknown_name
from mrs_pipeline.timecourse.formula import check_expression, evaluate
from mrs_pipeline.timecourse.parameters import Parameter, resolved
from mrs_pipeline.timecourse.pharmacokinetics import KINETICS, Kinetics, concentration, kinetics_named


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A line of the table: function ``(time_s, *, duration_s, options) -> column`` and its parameters.

    `of_events`: `time_s` counts from the onset of an event, else it is the clock of the session and the column has zero mean.
    """

    function: Callable[..., FloatArray]
    parameters: Mapping[str, Parameter]
    of_events: bool = True


def boxcar(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:  # noqa: ARG001 - the signature of the table
    """1 from the onset until the event ends, that moment excluded, else 0."""
    return np.asarray((time_s >= 0.0) & (time_s < _end(duration_s)), dtype=float)


def exponential_rise(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:
    """``1 - exp(-t / tau)`` while the event lasts, then ``exp(-t / tau_off)`` of what was reached."""
    end, tau, tau_off = _end(duration_s), options["tau_s"], options["tau_off_s"] or options["tau_s"]
    reached = -np.expm1(-np.clip(time_s, 0.0, end) / tau)
    return np.asarray(reached * np.exp(-np.maximum(time_s - end, 0.0) / tau_off))


def trapezoid(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:
    """Straight up to 1 within `rise_s`, 1 for `plateau_s` (None: until the event ends), straight down within `fall_s`."""
    rise, fall, plateau = options["rise_s"], options["fall_s"], options["plateau_s"]
    end = _end(duration_s) if plateau is None else rise + plateau
    if end < rise:
        raise DataError(f"rise_s is {rise:g}, longer than the event of {end:g} s: give plateau_s, or a shorter rise_s")
    up = np.clip(time_s / rise, 0.0, 1.0) if rise > 0.0 else (time_s >= 0.0)
    down = np.clip(1.0 - (time_s - end) / fall, 0.0, 1.0) if fall > 0.0 else (time_s < end)
    return np.asarray(up * down, dtype=float)


def gamma(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:
    """Gamma density of mode `peak_s` and scale `scale_s` convolved with the event, scaled to a largest value of 1.

    The defaults are the positive lobe of the customary haemodynamic response (shape 6, scale 1 s: Friston et al. 1998, NeuroImage 7:30);
    gamma functions for it: Boynton et al. 1996, J Neurosci 16:4207. The largest value for a duration D is at ``D / (1 - exp(-D / mode))``.
    """
    mode, scale = options["peak_s"], options["scale_s"]
    power = mode / scale
    time = np.maximum(time_s, 0.0)
    if duration_s <= 0.0:
        return np.asarray(np.where(time > 0.0, np.exp(power * (np.log(np.where(time > 0.0, time, mode) / mode) - time / mode + 1.0)), 0.0))

    def convolved(t: FloatArray) -> FloatArray:
        started, ended = (scipy.special.gammainc(power + 1.0, np.maximum(x, 0.0) / scale) for x in (t, t - duration_s))
        return np.asarray(started - ended)

    highest = duration_s / -math.expm1(-duration_s / mode)
    return convolved(time) / float(convolved(np.array([highest]))[0])


def infusion(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:
    """Concentration of a drug, see `concentration`, scaled so that its largest value within `horizon_s` of the onset is 1."""
    if duration_s <= 0.0 and options["bolus"] < 1.0:
        raise DataError("the events table has no duration of the infusion: state it there, give duration_s, or bolus: 1 for an injection")
    kinetics = _kinetics(options)

    def course(t: FloatArray) -> FloatArray:
        return concentration(t, kinetics=kinetics, bolus=options["bolus"], duration_s=duration_s, ke0_per_min=options["ke0_per_min"])

    return course(time_s) / _largest(course, before=options["horizon_s"], turning_point=duration_s)


def _largest(course: Callable[[FloatArray], FloatArray], *, before: float, turning_point: float) -> float:
    """Largest value of a course from 0 to `before`: on a grid with the one sharp turning point, then on a fine one about the largest."""
    grid = np.unique(np.append(np.linspace(0.0, before, 1001), min(turning_point, before)))
    values = course(grid)
    index = int(np.argmax(values))
    about = np.linspace(grid[max(index - 1, 0)], grid[min(index + 1, grid.size - 1)], 1001)
    return float(max(values[index], course(about).max()))


def polynomial_drift(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:  # noqa: ARG001 - signature
    """Legendre polynomial of a degree over the recording, less its mean."""
    span = float(np.ptp(time_s))
    position = 2.0 * (time_s - time_s.min()) / span - 1.0 if span > 0.0 else np.zeros_like(time_s)
    column = np.polynomial.legendre.legval(position, np.eye(int(options["degree"]) + 1)[-1])
    return np.asarray(column - column.mean())


def formula(time_s: FloatArray, *, duration_s: float, options: Mapping[str, Any]) -> FloatArray:
    """An expression in `t` (s since the onset), `duration` (s, 0 if unknown) and named constants."""
    return evaluate(options["expression"], variables={**options["constants"], "t": time_s, "duration": duration_s}, key="expression")


def _check_formula(options: Mapping[str, Any], *, key: str) -> None:
    """`ConfigError` for a formula that could not be computed at any time."""
    for name in ("t", "duration"):
        if name in options["constants"]:
            raise ConfigError(f"{key}.constants name '{name}', which is the time or the duration of the event: choose another word")
    check_expression(options["expression"], variables={**options["constants"], "t": np.zeros(2), "duration": 0.0}, key=f"{key}.expression")


def _end(duration_s: float) -> float:
    return duration_s if duration_s > 0.0 else math.inf


def _kinetics(options: Mapping[str, Any]) -> Kinetics:
    """Published kinetics, with own rate constants in their place."""
    published = kinetics_named(options["drug"])
    rates = {name: options[name] if options[name] is not None else getattr(published, name) for name in _RATES}
    return Kinetics(**rates)


_RATES = ("k10_per_min", "k12_per_min", "k21_per_min")

_DURATION = {"duration_s": Parameter(doc="duration in place of that of the events table, s", at_least=0.0)}

#: Shape of a response -> how it is made.
RESPONSES: dict[str, Shape] = {
    "boxcar": Shape(function=boxcar, parameters=_DURATION),
    "exponential_rise": Shape(
        function=exponential_rise,
        parameters={
            "tau_s": Parameter(doc="time constant of the rise, s", required=True, above=0.0),
            "tau_off_s": Parameter(doc="time constant of the decay after the event, s; null: that of the rise", above=0.0),
            **_DURATION,
        },
    ),
    "trapezoid": Shape(
        function=trapezoid,
        parameters={
            "rise_s": Parameter(doc="time from 0 to the plateau, s", required=True, at_least=0.0),
            "plateau_s": Parameter(doc="length of the plateau, s; null: until the event ends", at_least=0.0),
            "fall_s": Parameter(doc="time from the plateau to 0, s", required=True, at_least=0.0),
            **_DURATION,
        },
    ),
    "gamma": Shape(
        function=gamma,
        parameters={
            "peak_s": Parameter(doc="time to the peak after a short event, s", default=5.0, above=0.0),
            "scale_s": Parameter(doc="scale of the gamma density, s: its decay", default=1.0, above=0.0),
            **_DURATION,
        },
    ),
    "infusion": Shape(
        function=infusion,
        parameters={
            "drug": Parameter(doc=f"published kinetics: {', '.join(KINETICS)}", kind="text", default="ketamine"),
            **{name: Parameter(doc=f"rate constant {name[:3]} in place of the published one, 1/min", above=0.0) for name in _RATES},
            "bolus": Parameter(doc="share of the dose that is given at once at the onset", default=0.0, at_least=0.0, at_most=1.0),
            "ke0_per_min": Parameter(doc="rate constant of an effect compartment, 1/min; null: plasma", above=0.0),
            "horizon_s": Parameter(doc="time after the onset within which the largest value is 1, s", default=3600.0, above=0.0),
            **_DURATION,
        },
    ),
    "polynomial_drift": Shape(
        function=polynomial_drift,
        parameters={"degree": Parameter(doc="degree of the polynomial", kind="integer", required=True, at_least=1, at_most=10)},
        of_events=False,
    ),
    "formula": Shape(
        function=formula,
        parameters={
            "expression": Parameter(doc="an expression in t, such as where(t > 0, 1 - exp(-t / tau), 0)", kind="text", required=True),
            "constants": Parameter(doc="numbers by name, such as {tau: 600}", kind="numbers", default={}),
            **_DURATION,
        },
    ),
}


def response_options(shape: str, given: Mapping[str, Any], *, key: str) -> dict[str, Any]:
    """All options of a response, checked; `ConfigError` for an unknown shape or option or a wrong value, naming keys below `key`."""
    if shape not in RESPONSES:
        raise unknown_name(f"value of {key}.shape:", shape, RESPONSES)
    options = resolved(RESPONSES[shape].parameters, given, key=key)
    if shape == "infusion":
        kinetics_named(options["drug"])
    if shape == "formula":
        _check_formula(options, key=key)
    return options


def response(
    time_s: FloatArray, *, shape: str, onsets_s: FloatArray, durations_s: FloatArray, options: Mapping[str, Any], key: str = "response"
) -> FloatArray:
    """Column of a response at the times given, shape (n_times,), without a unit.

    `time_s` (n_times,) and `onsets_s` and `durations_s` of the events (n_events,) are in seconds on the clock of the session; a duration
    that is NaN or 0 is unknown. `shape` is a name in `RESPONSES`, `options` are those given (the others have their defaults), and `key` is
    the config key that errors name. Responses of several events add up.

    Raises
    ------
    ConfigError
        For what `response_options` refuses, and for a formula that cannot be computed.
    DataError
        For an event whose duration the options do not fit.
    """
    complete, entry = response_options(shape, options, key=key), RESPONSES[shape]
    times = np.asarray(time_s, dtype=float)
    own = complete.get("duration_s")
    durations = np.nan_to_num(np.asarray(durations_s, dtype=float)) if own is None else np.full(len(onsets_s), own)
    try:
        if not entry.of_events:
            return entry.function(times, duration_s=0.0, options=complete)
        columns = [entry.function(times - on, duration_s=float(d), options=complete) for on, d in zip(onsets_s, durations, strict=True)]
    except (ConfigError, DataError) as error:
        raise type(error)(f"{key}: {error}") from None
    return np.asarray(np.sum(columns, axis=0)) if columns else np.zeros_like(times)

"""Gain steps: sudden changes of the size of all that is received, found in the series of single transients.

A receiver gain multiplies signal and noise alike. A step of the signal that the noise does not share has another cause (position,
transmitter, a lost coil) and is told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from mrs_pipeline.acquisition import FloatArray

#: Transients on either side of a step, at least; of one that the noise confirms, whose values a single movement does not spoil.
MIN_SIDE, MIN_GAIN_SIDE = 15, 5
#: Steps in a session, at most.
MAX_STEPS = 4
#: Least size of a step in its standard errors, the search over all places included: see docs/timecourse.md for false alarms.
MIN_Z = 6.0
#: Least size of a change of gain, and of a change of signal that the noise does not share: natural logarithms.
MIN_GAIN_LOG, MIN_SIGNAL_LOG = 0.03, 0.05
#: Evidence that signal and noise must each give for a change of gain, standard errors.
_MIN_OWN_Z = 3.0
#: SD of what else moves the signal across a step (linewidth, the response itself), logarithm: 1.2 % in ten simulated visits.
_SIGNAL_OWN_LOG = 0.015
#: By how many standard errors signal and noise may differ in a change of gain.
_MAX_DIFFERENCE_Z = 3.0
#: Transients of the running median about which outliers are cut off, and where: robust SDs.
_N_LOCAL, _CUT = 15, 3.0


@dataclass(frozen=True, kw_only=True)
class SizeStep:
    """A step of the size of the signal: `index` is the first transient after it.

    `signal_log` and `noise_log` are natural logarithms of after over before, with standard errors; the noise is NaN where it is not
    known. `is_gain`: signal and noise change alike.
    """

    index: int
    signal_log: float
    signal_se: float
    noise_log: float
    noise_se: float
    is_gain: bool

    @property
    def is_alike(self) -> bool:
        """Whether signal and noise change by the same size as far as can be told; so a step that is no gain may yet be one."""
        difference_se = float(np.linalg.norm([self.signal_se, self.noise_se, _SIGNAL_OWN_LOG]))
        return bool(abs(self.signal_log - self.noise_log) <= _MAX_DIFFERENCE_Z * difference_se)

    @property
    def gain_log(self) -> float:
        """Change of the gain: mean of signal and noise by their precision, what else moves the signal included; 0 where it is none."""
        if not self.is_gain:
            return 0.0
        weights = np.array([np.hypot(self.signal_se, _SIGNAL_OWN_LOG), self.noise_se]) ** -2.0
        return float(np.average([self.signal_log, self.noise_log], weights=weights))


def find_size_steps(signal: FloatArray, *, noise: FloatArray) -> tuple[SizeStep, ...]:
    """Steps of a series of amplitudes (n,) and noise SDs (n,) of retained transients in order of time, by their place.

    Each is the place where a level on either side, beside one straight line through all and the steps found before, explains most: first
    of signal and noise together (gain), then of the signal alone. It counts from `MIN_Z` standard errors and the least size of its kind
    on. Places are searched again, and sizes estimated together, when there are several.
    """
    if len(signal) < 2 * MIN_SIDE or not np.all(signal > 0):
        return ()
    series = _Series.of(signal, noise=noise)
    steps: tuple[SizeStep, ...] = ()
    while len(steps) < MAX_STEPS:
        places = [(step.index, step.is_gain) for step in steps]
        further = next((kind for kind in (True, False) if _qualifies(_searched(series, places, is_gain=kind))), None)
        if further is None:
            break
        places.append((_searched(series, places, is_gain=further).index, further))
        steps = _refined(series, places)
        if len(steps) < len(places):
            break
    return tuple(sorted(steps, key=lambda step: step.index))


def common_gain(steps: tuple[SizeStep, ...], *, n_transients: int) -> FloatArray:
    """Factors (n_transients,) that bring all transients to the gain of the first; step places count the transients of this series."""
    places = np.arange(n_transients)
    logs = np.sum([step.gain_log * (places >= step.index) for step in steps], axis=0) if steps else np.zeros(n_transients)
    return np.asarray(np.exp(-logs))


Places = Sequence[tuple[int, bool]]


@dataclass(frozen=True, kw_only=True)
class _Series:
    """Logarithms of signal and noise without outliers, their scatter, and the mean of both by their precision."""

    size: FloatArray
    size_sd: float
    floor: FloatArray | None
    floor_sd: float

    @classmethod
    def of(cls, signal: FloatArray, *, noise: FloatArray) -> "_Series":
        size = np.log(signal)
        known = bool(np.all(np.isfinite(noise)) and np.all(noise > 0))
        floor = np.log(noise) if known else None
        return cls(
            size=_without_outliers(size),
            size_sd=_scatter(size),
            floor=None if floor is None else _without_outliers(floor),
            floor_sd=float("nan") if floor is None else _scatter(floor),
        )

    @property
    def both(self) -> FloatArray:
        if self.floor is None:
            return self.size
        weights = np.array([self.size_sd, self.floor_sd]) ** -2.0
        return np.asarray((weights[0] * self.size + weights[1] * self.floor) / weights.sum())


def _searched(series: _Series, places: Places, *, is_gain: bool) -> SizeStep:
    """The largest step beside those at `places`, measured at its place with them."""
    values, margin = (series.both, MIN_GAIN_SIDE) if is_gain else (series.size, MIN_SIDE)
    place = _largest_step(values, beside=[index for index, _ in places], margin=margin)
    return _measured(series, [*places, (place, is_gain)])[-1]


def _qualifies(step: SizeStep) -> bool:
    if not step.is_gain:
        return abs(step.signal_log) >= max(MIN_Z * step.signal_se, MIN_SIGNAL_LOG)
    if not np.isfinite(step.noise_log):
        return False
    joint_se = (step.signal_se**-2 + step.noise_se**-2) ** -0.5
    own = min(abs(step.signal_log) / step.signal_se, abs(step.noise_log) / step.noise_se)
    return own >= _MIN_OWN_Z and step.is_alike and abs(step.gain_log) >= max(MIN_Z * joint_se, MIN_GAIN_LOG)


def _refined(series: _Series, places: list[tuple[int, bool]]) -> tuple[SizeStep, ...]:
    """Each place searched again beside the others, until none moves; steps that then no longer count are left out."""
    for _ in range(MAX_STEPS):
        before = list(places)
        for number, (_, is_gain) in enumerate(before):
            others = [place for position, place in enumerate(places) if position != number]
            places[number] = (_searched(series, others, is_gain=is_gain).index, is_gain)
        if places == before:
            break
    return tuple(step for step in _measured(series, places) if _qualifies(step))


def _measured(series: _Series, places: Places) -> list[SizeStep]:
    """All steps estimated together, beside a straight line."""
    indices = [index for index, _ in places]
    signal, signal_se = _sizes(series.size, sd=series.size_sd, places=indices)
    missing = np.full(len(indices), np.nan)
    noise, noise_se = (missing, missing) if series.floor is None else _sizes(series.floor, sd=series.floor_sd, places=indices)
    return [
        SizeStep(
            index=index,
            signal_log=float(signal[row]),
            signal_se=float(signal_se[row]),
            noise_log=float(noise[row]),
            noise_se=float(noise_se[row]),
            is_gain=is_gain,
        )
        for row, (index, is_gain) in enumerate(places)
    ]


def _sizes(values: FloatArray, *, sd: float, places: Sequence[int]) -> tuple[FloatArray, FloatArray]:
    """Sizes of steps by least squares beside a line, and their standard errors for independent transients."""
    steps = _without(_steps(len(values), places), columns=_line(len(values)))
    inverse = np.linalg.pinv(steps @ steps.T)
    return np.asarray(inverse @ steps @ values), np.asarray(sd * np.sqrt(np.diag(inverse)))


def _scatter(values: FloatArray) -> float:
    """Robust SD from one transient to the next, which neither steps nor drift enter; a floor keeps it above zero."""
    return max(float(1.4826 * np.median(np.abs(np.diff(values))) / np.sqrt(2.0)), 1e-4)


def _without_outliers(values: FloatArray) -> FloatArray:
    local = median_filter(values, size=_N_LOCAL, mode="nearest")
    reach = _CUT * _scatter(values)
    return np.asarray(local + np.clip(values - local, -reach, reach))


def _largest_step(values: FloatArray, *, beside: Sequence[int], margin: int) -> int:
    """Place of the step that explains most beside a line and steps at other places, `margin` from either end at least.

    With orthonormal columns Q for these, the step u from a place on explains ``(u'r)^2 / (u'u - |Q'u|^2)`` of the rest r = v - QQ'v, and
    every product with u is a sum over what follows the place.
    """
    n = len(values)
    orthogonal = np.linalg.qr(np.concatenate([_line(n), _steps(n, beside)]).T)[0]
    rest = values - orthogonal @ (orthogonal.T @ values)
    places = np.arange(margin, n - margin + 1)
    power = (n - places) - np.sum(_from_place_on(orthogonal)[places] ** 2, axis=1)
    explained = _from_place_on(rest)[places] ** 2 / np.maximum(power, 1e-6)
    return int(places[np.argmax(np.where(power > 1e-6, explained, 0.0))])


def _from_place_on(values: FloatArray) -> FloatArray:
    """Sums over the first axis from each place to the end."""
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])


def _steps(n: int, places: Sequence[int]) -> FloatArray:
    """Unit steps (n_places, n) that begin at the places."""
    return np.asarray(np.arange(n)[None, :] >= np.asarray(places, dtype=int)[:, None], dtype=np.float64)


def _line(n: int) -> FloatArray:
    return np.stack([np.ones(n), np.linspace(-1.0, 1.0, n)])


def _without(values: FloatArray, *, columns: FloatArray) -> FloatArray:
    """Rows of values without what the rows of `columns` explain of them by least squares."""
    orthogonal = np.linalg.qr(columns.T)[0]
    return np.asarray(values - (values @ orthogonal) @ orthogonal.T)

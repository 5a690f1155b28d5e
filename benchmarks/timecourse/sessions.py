"""Sessions of known truth: what happens during an infusion, or to the scanner, and the windows that are recorded.

A session draws one truth (`brain_spectra`: amplitudes, lineshape, macromolecules, baseline, residual water, shift, phases). Its transients
differ by a common shift and phase, windows are means of the retained ones. What happens with the infusion acts from one transient to the
next by a course between 0 and 1: changes of amplitudes; narrowing of all signals, macromolecules too, but not of residual water or
baseline. Two scenarios of one session have the same truth and the same noise, so that what an effect does is seen through it.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "fitting"))

from brain_spectra import Source
from reference_model import GAUSSIAN, Truth

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.fids import Fids

#: Full width of a Voigt line, Olivero & Longbothum 1977, doi 10.1016/0022-4073(77)90161-3: a L + root(b L^2 + G^2).
_A, _B = 0.5346, 0.2166
_BLOCK = 64


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What happens. Widths in Hz, full width of the Lorentzian part; shares are of the value in the baseline.

    `lorentzian_hz`: narrowing with the course; `gaussian`: by the Gaussian part instead, for the same full width.
    `changes`: of metabolites with the course. `macromolecules`, `lipids`, `baseline`, `water`: change with the course.
    `drift_hz`, `drift_width_hz`: straight lines over the session, of shift (about 0) and Lorentzian width (from 0), all signals.
    `lost`: shares of single transients lost before and during the infusion; `burst`: a share of a window lost at once, in half of them.
    `lengths`: transients of every window, where these differ. `beside`: the scenario that it is compared with.
    """

    lorentzian_hz: float = 0.0
    gaussian: bool = False
    changes: Mapping[str, float] = field(default_factory=dict)
    macromolecules: float = 0.0
    lipids: float = 0.0
    baseline: float = 0.0
    water: float = 0.0
    drift_hz: float = 0.0
    drift_width_hz: float = 0.0
    lost: tuple[float, float] = (0.0, 0.0)
    burst: float = 0.0
    lengths: tuple[int, ...] = ()
    beside: str = "nothing"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Windows of a session: `course` (n_windows,) of 0 and 1, `n_transients` in each, and how far single transients are off (SD)."""

    course: FloatArray
    n_transients: int = 60
    shift_sd_hz: float = 0.3
    phase_sd_deg: float = 5.0

    @property
    def during(self) -> BoolArray:
        """Which windows are in the infusion or stimulus."""
        return np.asarray(self.course > 0.5)

    def lengths(self, scenario: Scenario) -> FloatArray:
        """Transients recorded in every window."""
        return np.array(scenario.lengths or [self.n_transients] * self.course.size)


#: Four windows before and eight during an infusion, and a stimulus of eight dynamics on and off.
INFUSION = Schedule(course=np.repeat([0.0, 1.0], [4, 8]))
BLOCKS = Schedule(course=np.tile(np.repeat([0.0, 1.0], 8), 4), n_transients=4)
UNEQUAL = (90, 60, 60, 30, 30, 30, 60, 60, 90, 120, 60, 30)


@dataclass(frozen=True, kw_only=True)
class Session:
    """Windows as recorded, transients in each, and the true amplitudes (2, n_metabolites) before and during."""

    windows: Fids
    counts: FloatArray
    names: tuple[str, ...]
    amplitudes: FloatArray


def lorentzian_of(gaussian_hz: float, fwhm_hz: float) -> float:
    """Lorentzian part of a Voigt line."""
    roots = np.roots([_A**2 - _B, -2.0 * _A * fwhm_hz, fwhm_hz**2 - gaussian_hz**2])
    return float(np.min(roots.real))


def narrower_square(gaussian_hz: float, fwhm_hz: float, *, lorentzian_hz: float) -> float:
    """By how much the square of the Gaussian part falls where the line narrows as a Lorentzian part less by `lorentzian_hz` makes it."""
    own = lorentzian_of(gaussian_hz, fwhm_hz)
    less = own - lorentzian_hz
    target = _A * less + np.sqrt(_B * less**2 + gaussian_hz**2)
    return float(gaussian_hz**2 - ((target - _A * own) ** 2 - _B * own**2))


def draw(source: Source, scenario: Scenario, *, schedule: Schedule, snr: float, fwhm_hz: float, seed: Sequence[int]) -> Session:
    """One session; `snr` is that of a window of all its transients."""
    truth, height = source.truth(np.random.default_rng([*seed, 1]), fwhm_hz=fwhm_hz)
    retained, counts = retained_transients(scenario, schedule=schedule, rng=np.random.default_rng([*seed, 2]))
    turns = turns_of(retained, scenario, schedule=schedule, time_s=source.acquisition.time_s, rng=np.random.default_rng([*seed, 3]))
    clean = source.recorded(
        window_signals(truth, scenario, schedule=schedule, turns=turns, fwhm_hz=fwhm_hz), np.random.default_rng([*seed, 4])
    )
    sd = height / snr / np.sqrt(source.acquisition.n_points) * np.sqrt(schedule.n_transients / counts)
    noise = np.random.default_rng([*seed, 5]).standard_normal((*clean.shape, 2)).view(complex)[..., 0]
    changes = np.array([scenario.changes.get(name, 0.0) for name in truth.names])
    return Session(
        windows=Fids(data=clean + sd[:, None] * noise, dims=("window", "time"), acquisition=source.acquisition),
        counts=counts,
        names=truth.names,
        amplitudes=truth.amplitudes * np.stack([np.ones_like(changes), 1.0 + changes]),
    )


def retained_transients(scenario: Scenario, *, schedule: Schedule, rng: np.random.Generator) -> tuple[BoolArray, FloatArray]:
    """Which transients are retained, and how many in each window: at least three."""
    lengths = schedule.lengths(scenario)
    kept = []
    for length, during in zip(lengths, schedule.during, strict=True):
        good = rng.random(length) >= scenario.lost[int(during)]
        if rng.random() < 0.5:
            first = int(rng.integers(length))
            good[first : first + round(scenario.burst * length)] = False
        good[:3] = True
        kept.append(good)
    return np.concatenate(kept), np.array([good.sum() for good in kept], dtype=float)


def turns_of(retained: BoolArray, scenario: Scenario, *, schedule: Schedule, time_s: FloatArray, rng: np.random.Generator) -> ComplexArray:
    """Means over the retained transients of every window of what their shift, phase and width do, (n_windows, n_points)."""
    n = retained.size
    drift = np.linspace(0.0, 1.0, n)
    shift_hz = schedule.shift_sd_hz * rng.standard_normal(n) + scenario.drift_hz * (drift - 0.5)
    phase = np.deg2rad(schedule.phase_sd_deg) * rng.standard_normal(n)
    rate = 2j * np.pi * shift_hz - np.pi * scenario.drift_width_hz * drift
    ends = np.cumsum(schedule.lengths(scenario))
    turns = []
    for end, length in zip(ends, schedule.lengths(scenario), strict=True):
        chosen = np.flatnonzero(retained[end - length : end]) + end - length
        turns.append(np.mean(np.exp(rate[chosen, None] * time_s + 1j * phase[chosen, None]), axis=0))
    return np.array(turns)


def window_signals(truth: Truth, scenario: Scenario, *, schedule: Schedule, turns: ComplexArray, fwhm_hz: float) -> ComplexArray:
    """Noise-free windows, upright."""
    time, course = truth.acquisition.time_s, schedule.course[:, None]
    square = narrower_square(truth.gaussian_hz, fwhm_hz, lorentzian_hz=scenario.lorentzian_hz) if scenario.gaussian else 0.0
    lorentzian = 0.0 if scenario.gaussian else scenario.lorentzian_hz
    narrowing = np.exp(course * (np.pi * lorentzian * time + GAUSSIAN * square * time**2))
    changes = np.array([scenario.changes.get(name, 0.0) for name in truth.names])
    lines = truth.lines + course * ((truth.amplitudes * changes) @ truth.metabolites + broad_change(truth, scenario))
    rest = (1.0 + course * scenario.water) * truth.others.sum(axis=0) + truth.baseline
    return np.asarray(turns * (lines * narrowing + rest + course * scenario.baseline * other_baseline(truth)))


def broad_change(truth: Truth, scenario: Scenario) -> ComplexArray:
    """Signal of macromolecules and lipids that appears: `lipids` is the height of a lipid line of 25 Hz over that of NAA."""
    time, frequency = truth.acquisition.time_s, truth.acquisition.spectrometer_frequency_mhz
    n_lipids = 4 if len(truth.broad_amplitudes) > 15 else 2  # the last ones, of the built-in and of the published signals
    macromolecules = truth.broad_amplitudes[:-n_lipids] @ truth.broad[:-n_lipids]
    lipid = np.exp(2j * np.pi * (4.65 - 1.3) * frequency * time - GAUSSIAN * 25.0**2 * time**2)
    naa = truth.names.index("NAA")
    height = np.abs(np.fft.fft(truth.amplitudes[naa] * truth.metabolites[naa])).max()
    return np.asarray(scenario.macromolecules * macromolecules + scenario.lipids * height / np.abs(np.fft.fft(lipid)).max() * lipid)


def other_baseline(truth: Truth) -> ComplexArray:
    """A smooth signal of 1 ppm full width at 2.4 ppm as high as NAA, where it disturbs glutamate most."""
    time, frequency = truth.acquisition.time_s, truth.acquisition.spectrometer_frequency_mhz
    hump = np.exp(2j * np.pi * (4.65 - 2.4) * frequency * time - GAUSSIAN * (1.0 * frequency * time) ** 2)
    naa = truth.names.index("NAA")
    height = np.abs(np.fft.fft(truth.amplitudes[naa] * truth.metabolites[naa])).max()
    return np.asarray(hump * height / np.abs(np.fft.fft(hump)).max())

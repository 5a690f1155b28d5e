"""The table of sequences that can be simulated: ideal pulses, delays and selected coherences of each.

Excitation turns magnetisation onto the real axis and refocusing pulses act along it, so a resonance on the carrier keeps phase 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi

from mrs_pipeline.errors import ConfigError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """Ideal pulse on all protons: flip angle about an axis in the transverse plane (0 = real axis, pi/2 = imaginary axis)."""

    flip_rad: float
    axis_rad: float


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Free evolution."""

    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Coherence:
    """Ideal gradient selection: only coherences of this order survive (-1 is the one that is detected)."""

    order: int


Event = Pulse | Delay | Coherence

EXCITATION = Pulse(flip_rad=pi / 2, axis_rad=pi / 2)
REFOCUSING = Pulse(flip_rad=pi, axis_rad=0.0)
STORAGE = Pulse(flip_rad=-pi / 2, axis_rad=pi / 2)


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """One line of the table: the events before the first sample, given the timing, and the timing keys they need."""

    events: Callable[[Mapping[str, float]], tuple[Event, ...]]
    requires: tuple[str, ...]
    description: str


def _pulse_acquire(timing: Mapping[str, float]) -> tuple[Event, ...]:  # noqa: ARG001  needs no timing
    return (EXCITATION,)


def _spin_echo(timing: Mapping[str, float]) -> tuple[Event, ...]:
    half = Delay(duration_s=timing["echo_time_s"] / 2)
    return (EXCITATION, half, REFOCUSING, half)


def _press(timing: Mapping[str, float]) -> tuple[Event, ...]:
    first, total = timing["echo_time_1_s"], timing["echo_time_s"]
    if first >= total:
        raise ConfigError(f"echo_time_1_s is {first} but must be shorter than the echo time of {total} s: state both in seconds")
    return (
        EXCITATION,
        Delay(duration_s=first / 2),
        REFOCUSING,
        Delay(duration_s=total / 2),
        REFOCUSING,
        Delay(duration_s=(total - first) / 2),
    )


def _steam(timing: Mapping[str, float]) -> tuple[Event, ...]:
    half = Delay(duration_s=timing["echo_time_s"] / 2)
    mixing = Delay(duration_s=timing["mixing_time_s"])
    # +1 before and -1 after the mixing time is the stimulated echo; it holds half of the magnetisation.
    return (EXCITATION, Coherence(order=1), half, STORAGE, Coherence(order=0), mixing, EXCITATION, Coherence(order=-1), half)


SEQUENCES: dict[str, Sequence] = {
    "pulse_acquire": Sequence(events=_pulse_acquire, requires=(), description="90 degrees, acquisition"),
    "spin_echo": Sequence(events=_spin_echo, requires=("echo_time_s",), description="90 - TE/2 - 180 - TE/2"),
    "press": Sequence(
        events=_press,
        requires=("echo_time_s", "echo_time_1_s"),
        description="90 - TE1/2 - 180 - (TE1 + TE2)/2 - 180 - TE2/2 (Bottomley 1987), TE = TE1 + TE2",
    ),
    "steam": Sequence(
        events=_steam,
        requires=("echo_time_s", "mixing_time_s"),
        description="90 - TE/2 - 90 - TM - 90 - TE/2 (Frahm 1989), stimulated echo: half of the signal",
    ),
}


def sequence_events(name: str, *, timing: Mapping[str, float | None]) -> tuple[Event, ...]:
    """The events of a sequence of the table.

    ``timing`` may hold ``echo_time_s``, ``echo_time_1_s`` and ``mixing_time_s``. `ConfigError` lists the valid names, or names the
    timing key that is missing or not a positive number.
    """
    if name not in SEQUENCES:
        raise unknown_name("sequence", name, SEQUENCES)
    sequence = SEQUENCES[name]
    return sequence.events({key: _duration(key, timing.get(key), sequence=name) for key in sequence.requires})


def _duration(key: str, value: float | None, *, sequence: str) -> float:
    if value is None:
        raise ConfigError(f"sequence '{sequence}' needs {key}: state it in seconds")
    if not 0.0 < value < 10.0:
        raise ConfigError(f"{key} of sequence '{sequence}' is {value}: a positive time in seconds is expected")
    return float(value)

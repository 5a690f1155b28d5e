"""The table of sequences that can be simulated: pulses, the delays between their centres, and the coherences selected in between.

Excitation turns magnetisation onto the real axis and refocusing pulses act along it, so a resonance on the carrier keeps phase 0.
Ideal pulses act on all spins alike; the role and direction of a pulse matter where real ones take its place (`selective`).
"""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from math import pi

from mrs_pipeline.errors import ConfigError, unknown_name

#: Timing keys and their values in seconds; one key holds several times.
Timing = Mapping[str, float | Items[float] | None]


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """Ideal pulse on all protons: flip angle about an axis in the transverse plane (0 = real axis, pi/2 = imaginary axis).

    A real pulse of that role selects along the spatial ``direction``; pulses that share one follow each other.
    """

    flip_rad: float
    axis_rad: float
    role: str
    direction: int


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Free evolution between the centres of two pulses, or of a pulse and the echo."""

    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Coherence:
    """Ideal gradient selection: only coherences of this order survive (-1 is the one that is detected)."""

    order: int


@dataclass(frozen=True, kw_only=True)
class InversionDifference:
    """Half of the difference of two measurements, without and with an inversion before them (ISIS)."""

    pulse: Pulse


Event = Pulse | Delay | Coherence | InversionDifference

DETECTED = Coherence(order=-1)


def _excitation(direction: int) -> Pulse:
    return Pulse(flip_rad=pi / 2, axis_rad=pi / 2, role="excitation", direction=direction)


def _refocusing(direction: int) -> Pulse:
    return Pulse(flip_rad=pi, axis_rad=0.0, role="refocusing", direction=direction)


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """One line of the table: the events before the first sample, given the timing, and the timing keys they need or may have."""

    events: Callable[[Mapping[str, tuple[float, ...]]], tuple[Event, ...]]
    requires: tuple[str, ...]
    description: str
    optional: tuple[str, ...] = ()


def _pulse_acquire(times: Mapping[str, tuple[float, ...]]) -> tuple[Event, ...]:  # noqa: ARG001  needs no timing
    return (_excitation(0), DETECTED)


def _spin_echo(times: Mapping[str, tuple[float, ...]]) -> tuple[Event, ...]:
    (total,) = times["echo_time_s"]
    return _echoes(_excitation(0), centres_s=(total / 2,), directions=(1,), echo_time_s=total)


def _press(times: Mapping[str, tuple[float, ...]]) -> tuple[Event, ...]:
    (first,), (total,) = times["echo_time_1_s"], times["echo_time_s"]
    if first >= total:
        raise ConfigError(f"echo_time_1_s is {first} but must be shorter than the echo time of {total} s: state both in seconds")
    return _echoes(_excitation(0), centres_s=(first / 2, (first + total) / 2), directions=(1, 2), echo_time_s=total)


def _slaser(times: Mapping[str, tuple[float, ...]]) -> tuple[Event, ...]:
    (total,) = times["echo_time_s"]
    centres = times.get("refocusing_times_s") or tuple(total * part / 8 for part in (1, 3, 5, 7))
    if len(centres) != 4 or list(centres) != sorted({0.0, *centres, total})[1:-1]:
        raise ConfigError(
            f"refocusing_times_s is {list(centres)}: four ascending times in seconds, "
            f"between excitation and the echo time of {total} s, are expected"
        )
    echo = 2 * (centres[3] - centres[2] + centres[1] - centres[0])
    if abs(echo - total) > 1e-6:
        raise ConfigError(
            f"refocusing_times_s refocus at {1e3 * echo:g} ms, not at the echo time of {1e3 * total:g} ms: correct one of them"
        )
    return _echoes(_excitation(0), centres_s=centres, directions=(1, 1, 2, 2), echo_time_s=total)


def _special(times: Mapping[str, tuple[float, ...]]) -> tuple[Event, ...]:
    (total,) = times["echo_time_s"]
    inversion = Pulse(flip_rad=pi, axis_rad=0.0, role="inversion", direction=0)
    echo = _echoes(_excitation(1), centres_s=(total / 2,), directions=(2,), echo_time_s=total)
    return (InversionDifference(pulse=inversion), *echo)


def _steam(times: Mapping[str, tuple[float, ...]]) -> tuple[Event, ...]:
    half = Delay(duration_s=times["echo_time_s"][0] / 2)
    mixing = Delay(duration_s=times["mixing_time_s"][0])
    storage = Pulse(flip_rad=-pi / 2, axis_rad=pi / 2, role="storage", direction=1)
    # +1 before and -1 after the mixing time is the stimulated echo; it holds half of the magnetisation.
    return (_excitation(0), Coherence(order=1), half, storage, Coherence(order=0), mixing, _excitation(2), DETECTED, half)


def _echoes(excitation: Pulse, *, centres_s: Items[float], directions: Items[int], echo_time_s: float) -> tuple[Event, ...]:
    """Excitation and refocusing pulses at these times; each pulse turns the coherence order over, and the last echo is detected."""
    order, now_s = -1 if len(centres_s) % 2 == 0 else 1, 0.0
    events: list[Event] = [excitation, Coherence(order=order)]
    for centre_s, direction in zip(centres_s, directions, strict=True):
        order = -order
        events += [Delay(duration_s=centre_s - now_s), _refocusing(direction), Coherence(order=order)]
        now_s = centre_s
    return (*events, Delay(duration_s=echo_time_s - now_s))


SEQUENCES: dict[str, Sequence] = {
    "pulse_acquire": Sequence(events=_pulse_acquire, requires=(), description="90 degrees, acquisition"),
    "spin_echo": Sequence(events=_spin_echo, requires=("echo_time_s",), description="90 - TE/2 - 180 - TE/2"),
    "press": Sequence(
        events=_press,
        requires=("echo_time_s", "echo_time_1_s"),
        description="90 - TE1/2 - 180 - (TE1 + TE2)/2 - 180 - TE2/2 (Bottomley 1987), TE = TE1 + TE2",
    ),
    "slaser": Sequence(
        events=_slaser,
        requires=("echo_time_s",),
        optional=("refocusing_times_s",),
        description="90, two pairs of adiabatic 180 (Scheenen 2008, doi 10.1002/mrm.21302), equally spaced unless their times are given",
    ),
    "special": Sequence(
        events=_special,
        requires=("echo_time_s",),
        description="180 on and off, 90 - TE/2 - 180 - TE/2 (Mlynarik 2006, doi 10.1002/mrm.21043)",
    ),
    "steam": Sequence(
        events=_steam,
        requires=("echo_time_s", "mixing_time_s"),
        description="90 - TE/2 - 90 - TM - 90 - TE/2 (Frahm 1989), stimulated echo: half of the signal",
    ),
}


def sequence_events(name: str, *, timing: Timing) -> tuple[Event, ...]:
    """The events of a sequence of the table.

    ``timing`` may hold ``echo_time_s``, ``echo_time_1_s``, ``mixing_time_s`` and ``refocusing_times_s``; what the sequence does not
    have is not looked at. `ConfigError` lists the valid names, or names the timing key that is missing or not a positive number.
    """
    if name not in SEQUENCES:
        raise unknown_name("sequence", name, SEQUENCES)
    sequence = SEQUENCES[name]
    times = {key: _durations(key, timing.get(key), sequence=name) for key in sequence.requires}
    for key in sequence.optional:
        if timing.get(key) is not None:
            times[key] = _durations(key, timing[key], sequence=name)
    return sequence.events(times)


def _durations(key: str, value: float | Items[float] | None, *, sequence: str) -> tuple[float, ...]:
    if value is None:
        raise ConfigError(f"sequence '{sequence}' needs {key}: state it in seconds")
    values = (value,) if isinstance(value, int | float) else tuple(value)
    for single in values:
        if not 0.0 < single < 10.0:
            raise ConfigError(f"{key} of sequence '{sequence}' is {single}: a positive time in seconds is expected")
    return tuple(float(single) for single in values)

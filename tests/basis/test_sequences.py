from itertools import pairwise

import numpy as np
import pytest

from mrs_pipeline.basis.sequences import SEQUENCES, Coherence, Delay, InversionDifference, Pulse, sequence_events
from mrs_pipeline.errors import ConfigError

TIMING = {"echo_time_s": 0.03, "echo_time_1_s": 0.011, "mixing_time_s": 0.01}


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_sequence_has_a_description_and_needs_what_it_says(name: str) -> None:
    assert SEQUENCES[name].description
    sequence_events(name, timing={key: TIMING[key] for key in SEQUENCES[name].requires})
    for key in SEQUENCES[name].requires:
        with pytest.raises(ConfigError, match=f"needs {key}"):
            sequence_events(name, timing={**TIMING, key: None})


@pytest.mark.parametrize(
    ("name", "total_s"),
    [("pulse_acquire", 0.0), ("spin_echo", 0.03), ("press", 0.03), ("steam", 0.04), ("slaser", 0.03), ("special", 0.03)],
)
def test_delays_add_up_to_echo_and_mixing_time(name: str, total_s: float) -> None:
    delays = [event.duration_s for event in sequence_events(name, timing=TIMING) if isinstance(event, Delay)]
    assert sum(delays) == pytest.approx(total_s)


def test_both_echoes_of_press_are_in_their_place() -> None:
    first, between, last = (event.duration_s for event in sequence_events("press", timing=TIMING) if isinstance(event, Delay))
    pulses = np.cumsum([first, between])
    # An echo lies as far behind a refocusing pulse as its source lies before: excitation at 0, first echo at TE1, second at TE.
    echoes = [0.0, *(np.nan, np.nan)]
    for position, pulse in enumerate(pulses):
        echoes[position + 1] = 2 * pulse - echoes[position]
    assert echoes[1:] == pytest.approx([0.011, 0.03])
    assert [later > earlier for earlier, later in pairwise(echoes)] == [True, True]
    assert pulses[-1] + last == pytest.approx(0.03)


def test_unknown_sequence_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="unknown sequence 'epsi': use one of press, pulse_acquire, slaser, special, spin_echo, steam"):
        sequence_events("epsi", timing=TIMING)


@pytest.mark.parametrize(("wrong", "message"), [({"echo_time_1_s": 0.03}, "must be shorter"), ({"echo_time_s": 30.0}, "in seconds")])
def test_impossible_times_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sequence_events("press", timing={**TIMING, **wrong})


def orders(name: str) -> list[int]:
    return [event.order for event in sequence_events(name, timing=TIMING) if isinstance(event, Coherence)]


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_detected_order_is_selected_last_and_turned_over_by_every_refocusing_pulse(name: str) -> None:
    events = [event for event in sequence_events(name, timing=TIMING) if not isinstance(event, Delay)]
    assert orders(name)[-1] == -1
    for before, pulse, after in zip(events, events[1:], events[2:], strict=False):
        if isinstance(pulse, Pulse) and pulse.role == "refocusing":
            assert isinstance(before, Coherence)
            assert isinstance(after, Coherence)
            assert before.order == -after.order


@pytest.mark.parametrize("name", ["press", "slaser", "special", "steam"])
def test_a_voxel_is_selected_along_three_directions(name: str) -> None:
    events = sequence_events(name, timing=TIMING)
    pulses = [event.pulse if isinstance(event, InversionDifference) else event for event in events]
    assert {pulse.direction for pulse in pulses if isinstance(pulse, Pulse)} == {0, 1, 2}


def test_the_pairs_of_slaser_may_lie_where_one_says_if_they_refocus() -> None:
    times = {**TIMING, "refocusing_times_s": (0.005, 0.011, 0.017, 0.026)}
    delays = [event.duration_s for event in sequence_events("slaser", timing=times) if isinstance(event, Delay)]
    assert np.cumsum(delays) == pytest.approx([0.005, 0.011, 0.017, 0.026, 0.03])
    with pytest.raises(ConfigError, match="refocus at 32 ms, not at the echo time of 30 ms"):
        sequence_events("slaser", timing={**times, "refocusing_times_s": (0.005, 0.012, 0.017, 0.026)})
    with pytest.raises(ConfigError, match="four ascending times"):
        sequence_events("slaser", timing={**times, "refocusing_times_s": (0.005, 0.011, 0.026)})

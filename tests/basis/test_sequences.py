from itertools import pairwise

import numpy as np
import pytest

from mrs_pipeline.basis.sequences import SEQUENCES, Delay, sequence_events
from mrs_pipeline.errors import ConfigError

TIMING = {"echo_time_s": 0.03, "echo_time_1_s": 0.011, "mixing_time_s": 0.01}


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_sequence_has_a_description_and_needs_what_it_says(name: str) -> None:
    assert SEQUENCES[name].description
    sequence_events(name, timing={key: TIMING[key] for key in SEQUENCES[name].requires})
    for key in SEQUENCES[name].requires:
        with pytest.raises(ConfigError, match=f"needs {key}"):
            sequence_events(name, timing={**TIMING, key: None})


@pytest.mark.parametrize(("name", "total_s"), [("pulse_acquire", 0.0), ("spin_echo", 0.03), ("press", 0.03), ("steam", 0.04)])
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
    with pytest.raises(ConfigError, match="unknown sequence 'slaser': use one of press, pulse_acquire, spin_echo, steam"):
        sequence_events("slaser", timing=TIMING)


@pytest.mark.parametrize(("wrong", "message"), [({"echo_time_1_s": 0.03}, "must be shorter"), ({"echo_time_s": 30.0}, "in seconds")])
def test_impossible_times_are_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        sequence_events("press", timing={**TIMING, **wrong})

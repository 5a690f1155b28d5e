"""One independent stream of random numbers for each purpose, participant and visit."""

from typing import Literal

import numpy as np

Purpose = Literal["design", "participant", "session", "faults", "receiver", "noise", "windows"]

#: Key of each purpose: never renumber, or every study changes.
_KEYS: dict[Purpose, int] = {"design": 0, "participant": 1, "session": 2, "faults": 3, "receiver": 4, "noise": 5, "windows": 6}


def stream(seed: int, *, purpose: Purpose, participant_index: int = 0, session_index: int = 0) -> np.random.Generator:
    """The generator of one purpose: what one visit draws never depends on which other visits are generated."""
    key = (_KEYS[purpose], participant_index, session_index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

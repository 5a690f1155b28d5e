"""One independent stream of random numbers for each purpose, participant and visit.

Switching one fault on or changing its size leaves the draws of everything else as they were, so that two studies of one seed differ in
nothing but that fault (common random numbers).
"""

import zlib
from typing import Literal

import numpy as np

Purpose = Literal[
    "order",
    "sex",
    "age",
    "washout",
    "basis",
    "tissue",
    "wrong voxel",
    "moved voxel",
    "ratio",
    "composition",
    "metabolites",
    "scale",
    "response",
    "haemodynamics",
    "linewidth",
    "lines",
    "macromolecules",
    "lipid",
    "attrition",
    "clinical",
    "receiver",
    "gain",
    "frequency",
    "respiration",
    "phase",
    "motion",
    "missing",
    "fluctuation",
    "lipid over time",
    "broad baseline",
    "spurious echo",
    "eddy current",
    "water",
    "water lines",
    "run break",
    "noise",
    "window noise",
]


def stream(seed: int, *, purpose: Purpose, participant_index: int = 0, session_index: int = 0) -> np.random.Generator:
    """The generator of one purpose: what one visit draws never depends on which other visits are generated.

    ``session_index`` is 0 for what belongs to the person and counts the visits from 1 for what belongs to a visit.
    """
    key = (zlib.crc32(purpose.encode()), participant_index, session_index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

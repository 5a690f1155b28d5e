"""Sections of the description of a synthetic study: one frozen record each, checked where values could contradict each other.

The files in ``config/simulation`` say what each value means, its unit and its source; ``simulation.schema.json`` checks types and
ranges. "percent" of a ratio or level means 100 x natural logarithm. No value has a default.
"""

from typing import Annotated

#: Lowest and highest value of a uniform distribution; `description` refuses one that is the wrong way round.
Range = Annotated[tuple[float, float], "lowest, highest"]
IntegerRange = Annotated[tuple[int, int], "lowest, highest"]

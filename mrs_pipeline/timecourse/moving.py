"""Moving windows: overlapping averages that show a course and are never tested."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.timecourse.recording import Recording, Window


def check_moving(section: Mapping[str, Any]) -> None:
    """`ConfigError` for the `moving` part of a `windows` section whose windows would not overlap."""
    moving = section.get("moving")
    if moving is not None and not 0 < moving["step_s"] < moving["width_s"]:
        raise ConfigError(
            f"windows.moving.step_s is {moving['step_s']:g} and width_s {moving['width_s']:g}: moving windows overlap, "
            "so the step is above 0 and below the width"
        )


def moving_windows(limits_s: tuple[float, float], *, recording: Recording, width_s: float, step_s: float) -> tuple[Window, ...]:
    """Windows of `width_s` every `step_s` from the first limit on that end no later than the second; at least one."""
    start, stop = limits_s
    n_windows = max(1, int(np.floor((stop - start - width_s) / step_s + 1e-9)) + 1)
    starts = start + step_s * np.arange(n_windows)
    return tuple(
        recording.window(
            recording.between(begin, begin + width_s), index=index, limits_s=(float(begin), float(begin + width_s)), overlapping=True
        )
        for index, begin in enumerate(starts)
    )

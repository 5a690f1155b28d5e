"""How uncertain a concentration scale is because its constants are: one error for all windows of a session, which changes do not have."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.quantification.concentration import UNITS, Situation
from mrs_pipeline.quantification.constants import TISSUES, Constants
from mrs_pipeline.quantification.tissue import TissueFractions


@dataclass(frozen=True, kw_only=True)
class ScaleUncertainty:
    """Standard deviations of what a scale rests on: relative ones of times and water content, the absolute one of tissue fractions.

    Times and content of each compartment err by themselves, those of all metabolites together.
    """

    water_t1: float
    water_t2: float
    metabolite_t1: float
    metabolite_t2: float
    water_content: float
    fractions: float


def scale_log_sd(
    unit: str, *, metabolites: Sequence[str], amplitudes: FloatArray, situation: Situation, uncertainty: ScaleUncertainty
) -> float:
    """SD of the logarithm of ``sum amplitude x factor`` from the constants alone; NaN for a unit that assumes its tissue.

    The delta method with differences over one SD either side, sources independent.
    """
    if not UNITS[unit].needs_tissue:
        return np.nan
    steps = [
        0.5 * (_log_sum(unit, metabolites, amplitudes, above) - _log_sum(unit, metabolites, amplitudes, below))
        for above, below in _varied(situation, uncertainty)
    ]
    return float(np.sqrt(np.sum(np.square(steps))))


def _log_sum(unit: str, metabolites: Sequence[str], amplitudes: FloatArray, situation: Situation) -> float:
    total = float(amplitudes @ UNITS[unit].factors(metabolites, situation=situation))
    return float(np.log(total)) if total > 0 else np.nan


def _varied(situation: Situation, uncertainty: ScaleUncertainty) -> Iterator[tuple[Situation, Situation]]:
    """The situation with each source of error one SD up and one SD down."""
    for field, sd in (
        ("water_t1_s", uncertainty.water_t1),
        ("water_t2_s", uncertainty.water_t2),
        ("water_content_kg_per_l", uncertainty.water_content),
    ):
        for compartment in range(len(TISSUES)):
            yield _both(situation, _scaled_water, sd, field=field, compartment=compartment)
    for field, sd in (("metabolite_t1_s", uncertainty.metabolite_t1), ("metabolite_t2_s", uncertainty.metabolite_t2)):
        yield _both(situation, _scaled_times, sd, field=field)
    for compartment in (0, 2):
        yield _both(situation, _shifted_fractions, uncertainty.fractions, compartment=compartment)


def _both(situation: Situation, change: Callable[..., Situation], sd: float, **which: object) -> tuple[Situation, Situation]:
    return change(situation, sd, **which), change(situation, -sd, **which)


def _scaled_water(situation: Situation, step: float, *, field: str, compartment: int) -> Situation:
    values = np.array(getattr(situation.constants, field))
    values[compartment] *= np.exp(step)
    return _with_constants(situation, {field: values})


def _scaled_times(situation: Situation, step: float, *, field: str) -> Situation:
    times = getattr(situation.constants, field)
    return _with_constants(situation, {field: {name: (grey * np.exp(step), white * np.exp(step)) for name, (grey, white) in times.items()}})


def _with_constants(situation: Situation, changed: dict[str, object]) -> Situation:
    return replace(situation, constants=Constants(**{**vars(situation.constants), **changed}))


def _shifted_fractions(situation: Situation, step: float, *, compartment: int) -> Situation:
    """One compartment larger at the cost of the others: CSF of both tissues, grey matter of white matter; never beyond what there is."""
    if situation.fractions is None:
        return situation
    volumes = situation.fractions.volumes
    others = np.array([0.0, 1.0, 0.0]) if compartment == 0 else volumes * np.array([1.0, 1.0, 0.0])
    if not volumes @ others > 0:
        return situation
    step = float(np.clip(step, -volumes[compartment], 0.9 * np.sum(volumes[others > 0])))
    volumes[compartment] += step
    volumes -= step * others / others.sum()
    grey, white, csf = (float(value) for value in np.maximum(volumes, 0.0))
    return replace(situation, fractions=TissueFractions(grey_matter=grey, white_matter=white, csf=csf))

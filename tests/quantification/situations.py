"""Voxels and timings that several tests speak of."""

from dataclasses import replace
from functools import cache

from mrs_pipeline.quantification.concentration import Situation, Timing
from mrs_pipeline.quantification.constants import Constants, selected_constants
from mrs_pipeline.quantification.tissue import TissueFractions

#: The voxel of the design's sensitivity numbers.
VOXEL = TissueFractions(grey_matter=0.60, white_matter=0.28, csf=0.12)
#: No saturation and no decay.
IDEAL = Timing(echo_time_s=1e-9, repetition_time_s=1e6)
PRESS = Timing(echo_time_s=0.030, repetition_time_s=3.0)


@cache
def published(water: str = "wansapura1999", metabolites: str = "mlynarik2001_wyss2018") -> Constants:
    return selected_constants(water=water, metabolites=metabolites)


def situation(**changed: object) -> Situation:
    """The voxel measured by PRESS at TE 30 ms and TR 3 s, with what a test changes."""
    usual = Situation(
        constants=published(),
        fractions=VOXEL,
        data=PRESS,
        reference=PRESS,
        institutional_water_mmol_per_l=35880.0,
        institutional_water_t2_s=0.080,
    )
    return replace(usual, **changed)


def voxel(grey: float, white: float, csf: float) -> TissueFractions:
    return TissueFractions(grey_matter=grey, white_matter=white, csf=csf)

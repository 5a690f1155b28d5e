"""How concentrations were obtained, as the MRSinMRS checklist asks (Lin et al. 2021, doi 10.1002/nbm.4484, items 3c and 3d)."""

from collections.abc import Sequence

import numpy as np

from mrs_pipeline.quantification.concentration import UNITS, Situation, Timing
from mrs_pipeline.quantification.water import WaterReference

#: Relative difference of two echo or repetition times that is still rounding.
SAME_TIME = 0.01


def output_measure(units: Sequence[str]) -> str:
    """Item 3c: the output measure, one clause a unit."""
    return "; ".join(f"{unit}: {UNITS[unit].meaning}" for unit in units)


def quantification_reference(situation: Situation, *, water: WaterReference, units: Sequence[str]) -> str:
    """Item 3d: the reference and the assumptions behind it, in sentences."""
    n = water.n_transients
    sentences = [
        f"Internal water reference ({_times(situation.reference)}, {n} transient{'s' if n > 1 else ''}), its signal extrapolated to the "
        "start of the FID; two protons a molecule."
    ]
    if any(UNITS[unit].needs_tissue for unit in units):
        sentences.append(_tissue_sentence(situation))
    if "i.u." in units:
        sentences.append(
            f"Institutional units assume {situation.institutional_water_mmol_per_l:g} mmol/L of water with a T2 of "
            f"{1000 * situation.institutional_water_t2_s:g} ms in the whole voxel."
        )
    return " ".join(sentences)


def _tissue_sentence(situation: Situation) -> str:
    constants = situation.constants
    words = "Relaxation (T1, T2) and water content from published constants"
    if situation.fractions is not None:
        grey, white, csf = situation.fractions.volumes
        words = (
            f"Voxel of {100 * grey:.0f} % grey matter, {100 * white:.0f} % white matter, {100 * csf:.0f} % CSF; "
            + words[0].lower()
            + words[1:]
        )
    numbers = [
        f"T1 {_joined(constants.water_t1_s, 1.0)} s",
        f"T2 {_joined(constants.water_t2_s, 1000.0)} ms",
        f"content {_joined(constants.water_content_kg_per_l, 1.0)} kg/L",
    ]
    return (
        f"{words} ({constants.sources}; water in grey matter/white matter/CSF: {', '.join(numbers)}), by the equations of "
        "Gasparovic et al. 2006 and Near et al. 2021."
    )


def _joined(values: np.ndarray, scale: float) -> str:
    return "/".join(f"{scale * value:g}" for value in values)


def _times(timing: Timing) -> str:
    echo = "TE not stated" if timing.echo_time_s is None else f"TE {1000 * timing.echo_time_s:g} ms"
    return f"{echo}, " + ("TR not stated" if timing.repetition_time_s is None else f"TR {timing.repetition_time_s:g} s")


def differing_times(situation: Situation) -> str:
    """A remark where reference and data were measured with other times, else empty."""
    pairs = (
        (situation.data.echo_time_s, situation.reference.echo_time_s),
        (situation.data.repetition_time_s, situation.reference.repetition_time_s),
    )
    if all(own is None or other is None or abs(other / own - 1) <= SAME_TIME for own, other in pairs):
        return ""
    return (
        f"the water reference was measured with {_times(situation.reference)} and the data with {_times(situation.data)}; "
        "concentrations correct each for relaxation with its own times"
    )

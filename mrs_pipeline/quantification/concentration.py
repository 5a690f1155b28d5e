"""Concentration of a metabolite from its signal over that of water, in each unit there is.

Gasparovic et al. 2006, Magn Reson Med 55:1219, doi 10.1002/mrm.20901; Near et al. 2021, NMR Biomed 34:e4257, doi 10.1002/nbm.4257,
equations 4 to 6.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.quantification.constants import Constants
from mrs_pipeline.quantification.tissue import TissueFractions

#: Pure water, mol/kg: 1000 / 18.015.
WATER_MOL_PER_KG = 55.51
#: The two recordings, as sentences call them.
DATA, REFERENCE = "the data", "the water reference"


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Echo and repetition time of a recording, s; None where they are not stated."""

    echo_time_s: float | None
    repetition_time_s: float | None


@dataclass(frozen=True, kw_only=True)
class Situation:
    """All that a concentration depends on besides the two signals.

    `fractions` is None where they are not known. ``institutional_water_mmol_per_l`` and ``institutional_water_t2_s`` are those of the
    one tissue that the unit ``i.u.`` assumes.
    """

    constants: Constants
    fractions: TissueFractions | None
    data: Timing
    reference: Timing
    institutional_water_mmol_per_l: float
    institutional_water_t2_s: float


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit of concentration: ``factors(metabolites, situation=...)``, and what one unit means."""

    factors: Callable[..., FloatArray]
    meaning: str
    needs_tissue: bool


def attenuation(t1_s: FloatArray, t2_s: FloatArray, *, timing: Timing, what: str) -> FloatArray:
    """What saturation and decay leave of a spin-echo signal, ``(1 - exp(-TR / T1)) exp(-TE / T2)``, in the shape of `t1_s`.

    For a 90 degree excitation and an echo time short against T1 (Near 2021, eq. 4). `DataError` names the time that `what` does not state.
    """
    return np.asarray(-np.expm1(-_stated(timing, "repetition", what=what) / t1_s) * np.exp(-_stated(timing, "echo", what=what) / t2_s))


def _stated(timing: Timing, kind: str, *, what: str) -> float:
    value = timing.repetition_time_s if kind == "repetition" else timing.echo_time_s
    if value is None:
        field = "RepetitionTime" if kind == "repetition" else "EchoTime"
        key = f"quantification.{'data' if what == DATA else 'reference'}_{kind}_time_s"
        raise DataError(f"there is no {field} in the header or sidecar of {what}: state it there, or in {key}")
    return value


def molal_factors(metabolites: Sequence[str], *, situation: Situation) -> FloatArray:
    """Molal: mmol in a kg of tissue water for a metabolite whose molecule signals as much as one of water, shape (n_metabolites,).

    ``1000 x 55.51 x sum_k f_k R_k / sum_tissue f_k R_k,M`` with the mole fractions of water f_k in grey matter, white matter and CSF: with
    relaxation of the metabolite alike in both tissues the denominator is ``(1 - f_CSF) R_M`` as in Near 2021, eq. 4. Water mole fractions,
    not volume fractions, belong into ``1 - f_CSF``. The metabolite is taken to be equally concentrated in the water of both tissues.
    """
    fractions = _known(situation).water_fractions(situation.constants.water_content_kg_per_l)
    water = fractions @ _water_attenuation(situation)
    return np.asarray(1000.0 * WATER_MOL_PER_KG * water / (_metabolite_attenuation(metabolites, situation) @ fractions[:2]))


def molar_factors(metabolites: Sequence[str], *, situation: Situation) -> FloatArray:
    """Molar: mmol in a litre of tissue (CSF apart) for a metabolite whose molecule signals as much as one of water, shape (n_metabolites,).

    ``sum_k v_k c_k R_k / sum_tissue v_k R_k,M`` with volume fractions v_k and water concentrations ``c_k = 55.51 mol/kg x d_k``: Near 2021,
    eq. 6, whose denominator ``(1 - v_CSF) R_M`` it is where relaxation is alike in both tissues. The metabolite is taken to be equally
    concentrated in both tissues.
    """
    volumes = _known(situation).volumes
    concentration = 1000.0 * WATER_MOL_PER_KG * situation.constants.water_content_kg_per_l
    water = volumes @ (concentration * _water_attenuation(situation))
    return np.asarray(water / (_metabolite_attenuation(metabolites, situation) @ volumes[:2]))


def institutional_factors(metabolites: Sequence[str], *, situation: Situation) -> FloatArray:
    """The same if the voxel were one tissue and only the water decayed, shape (n_metabolites,): institutional units.

    ``WCONC x exp(-TE / T2)``, by default 35880 mmol/L (white matter) and 80 ms, which are the defaults of LCModel (WCONC, ATTH2O = 0.7 at
    30 ms; manual of LCModel 6.3, section 10.2). No saturation, no CSF, no relaxation of the metabolite.
    """
    echo_time_s = _stated(situation.reference, "echo", what=REFERENCE)
    one = situation.institutional_water_mmol_per_l * np.exp(-echo_time_s / situation.institutional_water_t2_s)
    return np.full(len(metabolites), one)


def _known(situation: Situation) -> TissueFractions:
    if situation.fractions is None:
        raise DataError("the tissue fractions of the voxel are not known: a concentration in tissue cannot be stated")
    return situation.fractions


def _water_attenuation(situation: Situation) -> FloatArray:
    """Of water in each compartment, shape (3,)."""
    constants = situation.constants
    return attenuation(constants.water_t1_s, constants.water_t2_s, timing=situation.reference, what=REFERENCE)


def _metabolite_attenuation(metabolites: Sequence[str], situation: Situation) -> FloatArray:
    """Of each metabolite in grey and white matter, shape (n_metabolites, 2)."""
    constants = situation.constants
    return attenuation(constants.t1_s(metabolites), constants.t2_s(metabolites), timing=situation.data, what=DATA)


#: Every unit by the name used in the configuration and in the tables.
UNITS: Mapping[str, Unit] = {
    "mmol/kg": Unit(factors=molal_factors, meaning="mmol per kg of tissue water (molal), CSF and relaxation corrected", needs_tissue=True),
    "mmol/L": Unit(factors=molar_factors, meaning="mmol per litre of tissue (molar), CSF and relaxation corrected", needs_tissue=True),
    "i.u.": Unit(
        factors=institutional_factors,
        meaning="institutional units: scaled to water as if the voxel were one tissue; no correction for CSF, saturation, metabolite decay",
        needs_tissue=False,
    ),
}

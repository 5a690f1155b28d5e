"""Every unit against tables worked out by hand, its limits, and the sensitivities that published programs got wrong."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.quantification.concentration import UNITS, Timing, attenuation, molal_factors, molar_factors
from mrs_pipeline.quantification.constants import selected_constants
from tests.quantification.situations import IDEAL, PRESS, VOXEL, published, situation, voxel

# Grey 0.60, white 0.28, CSF 0.12; TE 30 ms, TR 3 s; constants wansapura1999 and mlynarik2001_wyss2018. With a calculator:
#   volume x content      0.60 x 0.78 = 0.46800    0.28 x 0.65 = 0.18200    0.12 x 0.97 = 0.11640    sum 0.76640
#   water mole fractions  0.46800 / 0.76640 = 0.61065    0.18200 / 0.76640 = 0.23747    0.11640 / 0.76640 = 0.15188
#   saturation of water   exp(-3 / 1.331) = 0.10498    exp(-3 / 0.832) = 0.02717    exp(-3 / 3.817) = 0.45568
#   decay of water        exp(-30 / 110) = 0.76130     exp(-30 / 79.2) = 0.68469    exp(-30 / 503) = 0.94210
#   R of water            0.89502 x 0.76130 = 0.68138  0.97283 x 0.68469 = 0.66609  0.54432 x 0.94210 = 0.51280
#   seen water            0.46800 x 0.68138 + 0.18200 x 0.66609 + 0.11640 x 0.51280 = 0.31888 + 0.12123 + 0.05969 = 0.49980
#   R of Glu              (1 - exp(-3 / 1.27)) exp(-30 / 128.5) = 0.90579 x 0.79179 = 0.71719 in grey matter,
#                         (1 - exp(-3 / 1.17)) exp(-30 / 124) = 0.92301 x 0.78511 = 0.72466 in white matter
#   R of NAA              0.87008 x 0.89023 = 0.77457 and 0.89163 x 0.91625 = 0.81696
SEEN_WATER = 0.49980
R_GLU, R_NAA = (0.71719, 0.72466), (0.77457, 0.81696)
MOLAL = {
    "Glu": 55510 * SEEN_WATER / (0.46800 * R_GLU[0] + 0.18200 * R_GLU[1]),  # 27743.9 / 0.46753 = 59341
    "NAA": 55510 * SEEN_WATER / (0.46800 * R_NAA[0] + 0.18200 * R_NAA[1]),  # 27743.9 / 0.51118 = 54274
}
MOLAR = {
    "Glu": 55510 * SEEN_WATER / (0.60 * R_GLU[0] + 0.28 * R_GLU[1]),  # 27743.9 / 0.63322 = 43814
    "NAA": 55510 * SEEN_WATER / (0.60 * R_NAA[0] + 0.28 * R_NAA[1]),  # 27743.9 / 0.69349 = 40006
}


def factor(unit: str, metabolite: str = "Glu", **changed: object) -> float:
    return float(UNITS[unit].factors([metabolite], situation=situation(**changed))[0])


@pytest.mark.parametrize("metabolite", ["Glu", "NAA"])
def test_molal_and_molar_of_a_mixed_voxel_by_hand(metabolite: str) -> None:
    assert factor("mmol/kg", metabolite) == pytest.approx(MOLAL[metabolite], rel=2e-5)
    assert factor("mmol/L", metabolite) == pytest.approx(MOLAR[metabolite], rel=2e-5)


def test_pure_tissue_without_relaxation_is_the_water_of_textbooks() -> None:
    """55.51 mol in a kg of water whatever the tissue; 0.78 x 55.51 = 43.30 in a litre of grey, 0.65 x 55.51 = 36.08 of white matter."""
    pure_grey, pure_white = {"fractions": voxel(1, 0, 0)}, {"fractions": voxel(0, 1, 0)}
    ideal = {"data": IDEAL, "reference": IDEAL}
    assert factor("mmol/kg", **pure_grey, **ideal) == pytest.approx(55510, rel=1e-6)
    assert factor("mmol/kg", **pure_white, **ideal) == pytest.approx(55510, rel=1e-6)
    assert factor("mmol/L", **pure_grey, **ideal) == pytest.approx(43300, rel=1e-4)
    assert factor("mmol/L", **pure_white, **ideal) == pytest.approx(36080, rel=1e-4)


@pytest.mark.parametrize("csf", [0.0, 0.05, 0.12, 0.3])
def test_csf_dilutes_the_voxel_but_not_the_concentration(csf: float) -> None:
    """10 mmol/L in grey matter and none in CSF: whatever the share of CSF, the answer is 10 mmol/L and 10 / 0.78 = 12.82 mmol/kg."""
    water = (1 - csf) * 0.78 * 55510 + csf * 0.97 * 55510
    ratio = (1 - csf) * 10.0 / water
    ideal = {"fractions": voxel(1 - csf, 0, csf), "data": IDEAL, "reference": IDEAL}
    assert ratio * factor("mmol/L", **ideal) == pytest.approx(10.0, rel=1e-6)
    assert ratio * factor("mmol/kg", **ideal) == pytest.approx(10.0 / 0.78, rel=1e-6)


def test_signals_made_compartment_by_compartment_give_back_what_was_put_in() -> None:
    """Molecules counted and attenuated in each compartment, not by the formula: 9 mmol/L of NAA in both tissues, or 12 mmol/kg of water."""
    volumes, content = np.array([0.5, 0.3, 0.2]), np.array([0.78, 0.65, 0.97])
    water_left = (1 - np.exp(-2.0 / np.array([1.331, 0.832, 3.817]))) * np.exp(-0.020 / np.array([0.110, 0.0792, 0.503]))
    naa_left = (1 - np.exp(-1.5 / np.array([1.47, 1.35]))) * np.exp(-0.035 / np.array([0.258, 0.343]))
    water = np.sum(volumes * content * 55510 * water_left)
    times = {
        "fractions": voxel(*volumes),
        "data": Timing(echo_time_s=0.035, repetition_time_s=1.5),
        "reference": Timing(echo_time_s=0.020, repetition_time_s=2.0),
    }
    by_volume = np.sum(volumes[:2] * 9.0 * naa_left)
    by_water = np.sum(volumes[:2] * content[:2] * 12.0 * naa_left)
    assert by_volume / water * factor("mmol/L", "NAA", **times) == pytest.approx(9.0, rel=1e-12)
    assert by_water / water * factor("mmol/kg", "NAA", **times) == pytest.approx(12.0, rel=1e-12)


def test_institutional_unit_is_that_of_lcmodel() -> None:
    """35880 x exp(-30 / 80) = 35880 x 0.68729 = 24660; LCModel rounds the decay to 0.7."""
    assert factor("i.u.") == pytest.approx(24660, abs=1)
    assert factor("i.u.") / (35880 * 0.7) == pytest.approx(1.0, abs=0.02)
    assert factor("i.u.", fractions=None, data=Timing(echo_time_s=None, repetition_time_s=None)) == factor("i.u.")


def test_choice_of_water_and_metabolite_constants_moves_the_scale_by_a_sixth() -> None:
    """methods.md section 7: +16 % for the sets of Osprey and Gannet against those of FSL-MRS at TR 3 s, TE 30 ms.

    Survey by hand: water 0.46800 x 0.61490 + 0.18200 x 0.63293 + 0.11640 x 0.48171 = 0.45903; R = 0.90227 x 0.85672 = 0.77300 in both
    tissues; 55510 x 0.45903 / (0.65000 x 0.77300) = 50713. 59341 / 50713 = 1.170 for Glu; water alone 0.49980 / 0.45903 = 1.089.
    """
    survey = published("survey", "survey")
    assert factor("mmol/kg", constants=survey) == pytest.approx(50713, abs=2)
    assert factor("mmol/kg") / factor("mmol/kg", constants=survey) == pytest.approx(1.16, abs=0.015)
    water_only = published("survey", "mlynarik2001_wyss2018")
    assert factor("mmol/kg") / factor("mmol/kg", constants=water_only) == pytest.approx(1.089, abs=0.001)


@pytest.mark.parametrize(("csf", "error_percent"), [(0.05, -1.5), (0.12, -3.6), (0.20, -5.9)])
def test_volume_of_csf_in_place_of_its_water_would_be_wrong_by_this(csf: float, error_percent: float) -> None:
    """methods.md section 7. 0.12: (1 - 0.15188) / (1 - 0.12) = 0.96377, so that dividing by 1 - f_CSF (volume) loses 3.6 %."""
    share = (1 - csf) / (0.60 + 0.28)
    mixed = voxel(0.60 * share, 0.28 * share, csf)
    same = selected_constants(
        water="wansapura1999", metabolites="survey", own={}
    )  # one relaxation time in both tissues, as the equation has it
    right = factor("mmol/kg", fractions=mixed, constants=same)
    water = mixed.water_fractions(same.water_content_kg_per_l)
    seen = water @ attenuation(same.water_t1_s, same.water_t2_s, timing=PRESS, what="the water reference")
    metabolite = (1 - np.exp(-3.0 / 1.29)) * np.exp(-0.030 / 0.194)
    assert right == pytest.approx(55510 * seen / ((1 - water[2]) * metabolite), rel=1e-12)
    wrong = 55510 * seen / ((1 - csf) * metabolite)
    assert 100 * (wrong / right - 1) == pytest.approx(error_percent, abs=0.05)


def test_each_metabolite_has_its_own_relaxation() -> None:
    together = molal_factors(["Glu", "Gln", "NAA", "Cho of another name"], situation=situation())
    alone = [molal_factors([name], situation=situation())[0] for name in ("Glu", "Gln", "NAA", "default")]
    assert together == pytest.approx(alone, rel=1e-12)
    assert len(set(alone)) == 4


def test_reference_has_its_own_times() -> None:
    """A reference at TR 10 s and TE 11 ms: only the water changes. Grey matter by hand: 0.99945 x 0.90485 = 0.90436 for 0.68138."""
    other = {"fractions": voxel(1, 0, 0), "reference": Timing(echo_time_s=0.011, repetition_time_s=10.0)}
    change = factor("mmol/L", **other) / factor("mmol/L", fractions=voxel(1, 0, 0))
    assert change == pytest.approx(0.90436 / 0.68138, rel=2e-5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"data": Timing(echo_time_s=0.03, repetition_time_s=None)},
            r"no RepetitionTime .* of the data: .*quantification.data_repetition_time_s",
        ),
        ({"data": Timing(echo_time_s=None, repetition_time_s=3.0)}, r"no EchoTime .* of the data: .*quantification.data_echo_time_s"),
        (
            {"reference": Timing(echo_time_s=0.03, repetition_time_s=None)},
            r"no RepetitionTime .* of the water reference: .*reference_repetition",
        ),
        ({"fractions": None}, "tissue fractions of the voxel are not known"),
    ],
)
def test_what_is_missing_is_named(changed: dict[str, object], message: str) -> None:
    for function in (molal_factors, molar_factors):
        with pytest.raises(DataError, match=message):
            function(["Glu"], situation=situation(**changed))


def test_institutional_unit_needs_the_echo_time_of_the_reference() -> None:
    with pytest.raises(DataError, match="no EchoTime in the header or sidecar of the water reference"):
        factor("i.u.", reference=Timing(echo_time_s=None, repetition_time_s=3.0))


def test_molar_is_molal_times_the_water_of_tissue_where_relaxation_is_alike() -> None:
    """A litre of the tissue of this voxel holds (0.468 + 0.182) / 0.88 = 0.73864 kg of water."""
    constants = replace(published("wansapura1999", "survey"))
    ratio = factor("mmol/L", constants=constants) / factor("mmol/kg", constants=constants)
    assert ratio == pytest.approx(0.73864, abs=1e-5)
    assert VOXEL.volumes.sum() == pytest.approx(1.0)

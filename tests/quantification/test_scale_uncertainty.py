"""The uncertainty that constants and tissue leave: closed forms, and drawing the constants themselves."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.quantification.concentration import UNITS, Timing
from mrs_pipeline.quantification.constants import Constants
from mrs_pipeline.quantification.scale_uncertainty import ScaleUncertainty, scale_log_sd
from mrs_pipeline.quantification.tissue import tissue_fractions
from tests.quantification.situations import VOXEL, published, situation, voxel

NONE = ScaleUncertainty(water_t1=0.0, water_t2=0.0, metabolite_t1=0.0, metabolite_t2=0.0, water_content=0.0, fractions=0.0)
PUBLISHED = published()
USUAL = ScaleUncertainty(water_t1=0.1, water_t2=0.1, metabolite_t1=0.1, metabolite_t2=0.1, water_content=0.05, fractions=0.02)


def log_sd(unit: str = "mmol/L", uncertainty: ScaleUncertainty = USUAL, **changed: object) -> float:
    return scale_log_sd(
        unit, metabolites=["Glu", "Gln"], amplitudes=np.array([10.0, 3.0]), situation=situation(**changed), uncertainty=uncertainty
    )


def test_nothing_uncertain_leaves_nothing() -> None:
    assert log_sd(uncertainty=NONE) == 0.0


def test_water_content_of_pure_tissue_is_the_molar_scale_itself_and_cancels_from_the_molal_one() -> None:
    only = replace(NONE, water_content=0.05)
    assert log_sd("mmol/L", only, fractions=voxel(1, 0, 0)) == pytest.approx(0.05, rel=1e-9)
    assert log_sd("mmol/kg", only, fractions=voxel(1, 0, 0)) == pytest.approx(0.0, abs=1e-12)


def test_decay_by_hand() -> None:
    """TE 30 ms, T2 194 ms +- 10 %: TE / T2 x 10 % = 1.55 %. Water of grey matter, 110 ms: 30 / 110 x 10 % = 2.73 %."""
    pure = {"fractions": voxel(1, 0, 0), "constants": published("wansapura1999", "survey")}
    assert log_sd("mmol/L", replace(NONE, metabolite_t2=0.1), **pure) == pytest.approx(0.0155, abs=1e-4)
    assert log_sd("mmol/L", replace(NONE, water_t2=0.1), **pure) == pytest.approx(0.0273, abs=1e-4)


def test_csf_fraction_by_hand() -> None:
    """Molar, water alike everywhere, no relaxation: C = S / (1 - f), so that 0.02 of CSF at 0.20 are 0.02 / 0.80 = 2.5 %."""
    alike = replace(published(), water_content_kg_per_l=np.array([0.8, 0.8, 0.8]))
    ideal = Timing(echo_time_s=1e-9, repetition_time_s=1e6)
    changed = {"fractions": voxel(0.5, 0.3, 0.2), "constants": alike, "data": ideal, "reference": ideal}
    assert log_sd("mmol/L", replace(NONE, fractions=0.02), **changed) == pytest.approx(0.025, rel=1e-3)


def test_grey_against_white_matter_by_hand() -> None:
    """Molar, no relaxation, grey and white matter half each, no CSF.

    Grey matter 0.52 for 0.50: 0.52 x 0.78 + 0.48 x 0.65 = 0.7176 for 0.7150, 0.364 %. CSF cannot fall below 0, so that half a step up is
    what counts: ln((0.98 x 0.7150 + 0.02 x 0.97) / 0.98 / 0.7150) / 2 = 1.365 %.
    """
    ideal = Timing(echo_time_s=1e-9, repetition_time_s=1e6)
    found = log_sd("mmol/L", replace(NONE, fractions=0.02), fractions=voxel(0.5, 0.5, 0), data=ideal, reference=ideal)
    assert found == pytest.approx(np.hypot(0.00364, 0.01365), rel=2e-3)


@pytest.mark.parametrize("unit", ["mmol/kg", "mmol/L"])
def test_delta_method_against_drawn_constants(unit: str) -> None:
    rng = np.random.default_rng(3)
    drawn = [_log_total(unit, rng) for _ in range(1500)]
    assert log_sd(unit) == pytest.approx(np.std(drawn), rel=0.07)
    assert 0.04 < log_sd(unit) < 0.09


def _log_total(unit: str, rng: np.random.Generator) -> float:
    constants = PUBLISHED
    times = {field: np.exp(0.1 * rng.standard_normal()) for field in ("metabolite_t1_s", "metabolite_t2_s")}
    changed = Constants(
        **{
            **vars(constants),
            "water_t1_s": constants.water_t1_s * np.exp(0.1 * rng.standard_normal(3)),
            "water_t2_s": constants.water_t2_s * np.exp(0.1 * rng.standard_normal(3)),
            "water_content_kg_per_l": constants.water_content_kg_per_l * np.exp(0.05 * rng.standard_normal(3)),
            **{
                field: {name: (g * factor, w * factor) for name, (g, w) in vars(constants)[field].items()}
                for field, factor in times.items()
            },
        }
    )
    grey_step, csf_step = 0.02 * rng.standard_normal(2)
    grey, white, csf = VOXEL.volumes
    tissue = grey + white
    mixed = {
        "grey_matter": grey + grey_step - csf_step * grey / tissue,
        "white_matter": white - grey_step - csf_step * white / tissue,
        "csf": csf + csf_step,
    }
    drawn = situation(constants=changed, fractions=tissue_fractions(mixed))
    return float(np.log(np.array([10.0, 3.0]) @ UNITS[unit].factors(["Glu", "Gln"], situation=drawn)))


def test_institutional_units_state_none_and_empty_compartments_do_no_harm() -> None:
    assert np.isnan(log_sd("i.u."))
    assert log_sd("mmol/kg", replace(NONE, fractions=0.02), fractions=voxel(0, 1, 0)) > 0
    assert np.isfinite(log_sd("mmol/kg", replace(NONE, fractions=0.5), fractions=voxel(0.05, 0.05, 0.9)))

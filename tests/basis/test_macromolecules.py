import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, spectrum_from_fid
from mrs_pipeline.basis.macromolecules import (
    lines_of_nulled_scan,
    macromolecule_basis,
    macromolecule_components,
    macromolecule_data,
    measured_type_macromolecules,
    soft_ratio_priors,
)
from mrs_pipeline.errors import ConfigError

# Position, full width at half maximum (ppm) and sum of areas: LCModel 6.3 defaults.
LCMODEL = {
    "MM09": (0.91, 0.17, 3.0), "MM12": (1.21, 0.20, 2.0), "MM14": (1.43, 0.20, 2.0), "MM17": (1.67, 0.17, 2.0),
    "Lip09": (0.89, 0.19, 3.0), "Lip13a": (1.28, 0.20, 2.0), "Lip13b": (1.28, 0.09, 2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LCMODEL)
def test_lines_have_the_stated_position_width_and_area(name: str, acquisition: Acquisition) -> None:
    fine = acquisition.with_n_points(16384)
    basis = macromolecule_basis(names=(name,), acquisition=fine)
    spectrum = spectrum_from_fid(basis.fids[0]).real
    shift, fwhm, area = LCMODEL[name]
    spacing = np.ptp(fine.ppm) / fine.n_points
    assert fine.ppm[np.argmax(spectrum)] == pytest.approx(shift, abs=spacing)
    # Half of the first point is the constant under a discrete spectrum.
    above = spectrum - area / 2 > (spectrum.max() - area / 2) / 2
    assert np.count_nonzero(above) * spacing == pytest.approx(fwhm, abs=2 * spacing)
    assert np.mean(spectrum) == pytest.approx(area)


def test_components_of_several_lines_start_at_the_sum_of_their_areas(acquisition: Acquisition) -> None:
    basis = macromolecule_basis(names=("MM20", "Lip20", "-CrCH2"), acquisition=acquisition)
    np.testing.assert_allclose(basis.fids[:, 0], [2.39, 2.87, -2.0])
    np.testing.assert_allclose(np.abs(basis.fids[2]), 2.0)


def test_measured_profile_is_another_than_the_parametrised_one(acquisition: Acquisition) -> None:
    basis = measured_type_macromolecules(acquisition=acquisition)
    assert len(basis.metabolites) == 13
    assert basis.fids[:, 0].sum() == pytest.approx(4.66)
    # A Gaussian of FWHM w has fallen to 1/2 at t = 2 ln 2 / (pi w).
    half_s = 2 * np.log(2) / (np.pi * 21.2 * 127.7 / 128)
    decay = np.interp(half_s, acquisition.time_s, np.abs(basis.fids[0]))
    assert decay == pytest.approx(0.72 / 2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "birch"), [("MM26", "MM261"), ("MM30", "MM296"), ("MM31", "MM311"), ("MM37", "MM367"), ("MM38", "MM380"), ("MM40", "MM396")]
)
def test_components_above_2_5_ppm_are_the_measured_lines_at_the_scale_of_mm09(name: str, birch: str, acquisition: Acquisition) -> None:
    measured = measured_type_macromolecules(acquisition=acquisition)
    expected = measured.fids[measured.metabolites.index(birch)] * 3.0 / 0.72
    component = macromolecule_basis(names=(name,), acquisition=acquisition).fids[0]
    np.testing.assert_allclose(component, expected, atol=0.03 * abs(expected[0]))


def test_lines_of_a_nulled_scan_are_the_measured_ones_and_one_more(acquisition: Acquisition) -> None:
    lines = lines_of_nulled_scan()
    assert tuple(lines)[:13] == measured_type_macromolecules(acquisition=acquisition).metabolites
    assert [line.shift_ppm for name, line in lines.items() if name == "MM181"] == [1.81]
    assert lines["MM090"].fwhm_ppm == pytest.approx(21.2 / 128)


def test_every_number_has_a_source() -> None:
    """Each part of the file is explained under `about`, and each explanation names a publication or program."""
    content = macromolecule_data()
    about = content["about"]
    assert set(content) - {"about"} == set(about) - {"units"}
    assert all("doi:" in text or "LCModel" in text for key, text in about.items() if key != "units")


def test_priors_speak_of_components_that_exist() -> None:
    known = {*macromolecule_components(), "Cr", "PCr"}
    priors = soft_ratio_priors()
    assert {name for prior in priors for name in (prior.numerator, *prior.denominator)} <= known
    assert {prior.numerator: (prior.mean, prior.sd) for prior in priors} == {
        "Lip09": (0.267, 0.1), "Lip20": (0.15, 0.07), "MM20": (1.5, 0.375), "MM12": (0.4, 0.2),
        "MM14": (0.75, 0.45), "MM17": (0.375, 0.3), "-CrCH2": (0.1, 0.25),
        "MM225": (0.8, 0.5), "MM27": (0.5, 0.5),
        **dict.fromkeys(("MM201", "MM209", "MM26", "MM30", "MM31", "MM37", "MM38", "MM40"), (1.0, 0.5)),
    }  # fmt: skip


def test_unknown_component_lists_the_valid_ones(acquisition: Acquisition) -> None:
    with pytest.raises(ConfigError, match="unknown macromolecule or lipid component 'MM99': use one of -CrCH2, Lip09"):
        macromolecule_basis(names=("MM99",), acquisition=acquisition)

"""Macromolecules of simulated metabolite-nulled scans against what was put in."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import voigt_profile

from mrs_pipeline.acquisition import spectrum_from_fid
from mrs_pipeline.basis.basis_set import is_macromolecule
from mrs_pipeline.basis.measured_macromolecules import MeasuredMacromolecules, as_basis, measured_macromolecules, voigt_fwhm_hz
from mrs_pipeline.errors import DataError

from .nulled_scans import ACQUISITION, RESIDUE_BASIS, RESIDUES, broadening, nulled_scan, shape, true_component


def measured(fids, **changes) -> MeasuredMacromolecules:
    return measured_macromolecules(fids, **{"acquisition": ACQUISITION, "metabolites": RESIDUE_BASIS, **changes})


def error(found: MeasuredMacromolecules, low_ppm: float = 0.5, high_ppm: float = 3.6, **truth: float) -> float:
    """Root of the mean squared error of the component over the height of the highest line."""
    true = shape(true_component(**truth), low_ppm, high_ppm)
    return float(np.sqrt(np.mean((shape(found.component, low_ppm, high_ppm) - true) ** 2)) / shape(true_component(**truth)).max())


@pytest.fixture(scope="module")
def found() -> list[MeasuredMacromolecules]:
    """Scans of other noise, phase and frequency."""
    places = [(0.7, 2.0), (-2.5, -6.0), (3.0, 8.0), (0.0, 0.0), (-1.0, -1.5), (1.7, 4.0)]
    return [measured(nulled_scan(seed, phase_rad=phase, shift_hz=shift)) for seed, (phase, shift) in enumerate(places)]


def test_component_is_recovered(found):
    """Within 3 % of its height below 3.6 ppm, 5 % above, in every scan; the shape to 0.995."""
    for one in found:
        assert error(one) < 0.03
        assert error(one, 3.6, 4.1) < 0.05
        assert np.corrcoef(shape(one.component), shape(true_component()))[0, 1] > 0.995


def test_component_is_noise_free_and_its_scale_is_that_of_mm09(found):
    for one in found:
        late = one.component[ACQUISITION.time_s > 0.15]
        assert np.abs(late).max() < 1e-4 * np.abs(one.component[0])
        assert next(line.area for line in one.lines if abs(line.shift_ppm - 0.9) < 0.03) == pytest.approx(3.0)


def test_homogeneous_width_of_macromolecules_is_not_taken_for_baseline():
    """Lorentzian lines of 8 Hz (T2 of 40 ms) have far tails; a start with Gaussian ones must still find them."""
    one = measured(nulled_scan(0, lorentzian_hz=8.0))
    assert one.lorentzian_hz == pytest.approx(8.0, abs=4.0)
    assert error(one, lorentzian_hz=8.0) < 0.03


def test_residues_are_unbiased_within_their_standard_errors(found):
    z = np.array([[(item.amplitude - RESIDUES[item.name]) / item.sd for item in one.residues] for one in found])
    assert [item.name for item in found[0].residues] == list(RESIDUES)
    # the mean of six has a standard error of 0.4
    assert np.abs(z.mean(axis=0)).max() < 1.2
    assert 0.4 < np.sqrt(np.mean(z**2)) < 1.3


def test_residues_of_either_sign_are_plain(found):
    for one in found:
        amplitudes = {item.name: item for item in one.residues}
        assert amplitudes["CrCH2"].amplitude > 4 * amplitudes["CrCH2"].sd
        assert amplitudes["NAACH3"].amplitude < -3 * amplitudes["NAACH3"].sd
        assert amplitudes["NAACH3"].height < 0 < amplitudes["CrCH2"].height
    inverted = measured(nulled_scan(0, residues={"CrCH2": -0.3}))
    assert {item.name: item.amplitude for item in inverted.residues}["CrCH2"] == pytest.approx(-0.3, abs=0.1)
    assert error(inverted, 3.6, 4.1) < 0.05


def test_place_of_a_scan_is_found(found):
    phases = np.array([one.placements[0].phase_rad for one in found])
    expected = np.array([0.7, -2.5, 3.0, 0.0, -1.0, 1.7])
    assert np.abs(np.angle(np.exp(1j * (phases - expected)))).max() < np.radians(8)
    np.testing.assert_allclose([one.placements[0].shift_hz for one in found], [2.0, -6.0, 8.0, 0.0, -1.5, 4.0], atol=0.6)


def test_standard_error_of_the_component_is_right(found):
    """The curve in the scan, where its standard error is stated, against the truth as broad as the scan."""
    true = spectrum_from_fid(true_component() * broadening()).real
    z = []
    for one in found:
        expected = np.interp(one.curves.ppm, ACQUISITION.ppm[::-1], true[::-1])
        z.append((one.curves.component.real - expected) / one.curves.component_sd)
    assert 0.3 < np.sqrt(np.mean(np.square(z))) < 1.6


def test_curves_add_up_and_leave_noise(found):
    for one in found:
        curves = one.curves
        np.testing.assert_allclose(curves.data, curves.component + curves.residues + curves.baseline + curves.remainder)
        assert one.quality["residual_over_noise"] == pytest.approx(1.0, abs=0.15)
        assert np.std(curves.remainder.real) == pytest.approx(one.noise_sd, rel=0.2)
        assert one.quality["snr"] == pytest.approx(25.0, rel=0.2)
        assert one.warnings == ()


def test_scan_without_residues_is_left_unharmed():
    scan = nulled_scan(3, residues={})
    one = measured(scan)
    assert max(abs(item.amplitude) / item.sd for item in one.residues) < 3.5
    assert error(one) < 0.045
    # what is taken out is not more than the noise would explain
    assert np.sqrt(np.mean(one.curves.residues.real**2)) < 2 * one.noise_sd


def test_cleaned_scan_is_the_scan_without_residues_and_baseline(found):
    """The truth as broad as the scan plus the noise stated, but for a constant, which far tails of lines share with the baseline."""
    true = shape(true_component() * broadening())
    for one in found:
        inside = (ACQUISITION.ppm > 0.5) & (ACQUISITION.ppm < 3.6)
        rest = spectrum_from_fid(one.cleaned)[inside].real - true
        assert 0.8 * one.noise_sd < np.std(rest) < 1.5 * one.noise_sd


def test_unit_of_the_scan_does_not_matter(found):
    again = measured(1e6 * nulled_scan(0, phase_rad=0.7, shift_hz=2.0))
    np.testing.assert_allclose(again.component, found[0].component, rtol=1e-4, atol=1e-4)
    assert again.placements[0].scale == pytest.approx(1e-6 * found[0].placements[0].scale, rel=1e-4)


def test_mean_over_people_is_better_than_any_of_them_on_average():
    """Other phase, frequency, unit and residues each; SNR 10, which for one person is too little."""
    places = [(0.3, 2.0, 1.0, 1.0), (-1.0, -3.0, 0.5, 20.0), (2.0, 1.0, 1.5, 0.01), (3.0, -1.0, 0.8, 3.0)]
    scans = [
        unit * nulled_scan(seed, snr=10.0, phase_rad=phase, shift_hz=shift, residues={name: size * a for name, a in RESIDUES.items()})
        for seed, (phase, shift, size, unit) in enumerate(places)
    ]
    together = measured(np.array(scans))
    alone = [measured(scan) for scan in scans]
    assert error(together) < 0.75 * np.mean([error(one) for one in alone])
    assert together.quality["snr"] == pytest.approx(10 * np.sqrt(4), rel=0.2)
    units = np.array([unit for *_, unit in places])
    np.testing.assert_allclose([place.scale for place in together.placements], 1 / units, rtol=0.15)


def test_basis_set_of_the_component(found):
    basis = as_basis(found[0], origin="scan.nii.gz")
    assert basis.metabolites == ("Mac",)
    assert is_macromolecule(basis.metabolites[0])
    assert "1 person: scan.nii.gz" in basis.origins[0]
    assert any("CrCH2" in sentence for sentence in basis.assumptions)
    np.testing.assert_array_equal(basis.fids[0], found[0].component)
    data = as_basis(found[0], kind="data")
    np.testing.assert_array_equal(data.fids[0], found[0].cleaned)
    assert data.linewidth_hz == pytest.approx(voigt_fwhm_hz(gaussian_hz=3.0, lorentzian_hz=3.0), abs=1.5)


def test_ordinary_scan_is_refused():
    """Metabolites of full size: NAA and creatine beside macromolecules of a usual amount, as in any short-echo spectrum."""
    full = {"CrCH3": 8.0, "CrCH2": 8.0, "NAACH3": 10.0, "NAACH2": 10.0, "tCho": 1.5, "Ins": 6.0, "Glu": 9.0, "Gln": 3.0}
    with pytest.raises(DataError, match=r"the scan is not metabolite-nulled: .* times as high as the macromolecules at 0.9 ppm"):
        measured(nulled_scan(0, residues=full))


def test_badly_nulled_scan_is_remarked_on():
    one = measured(nulled_scan(0, residues={**RESIDUES, "CrCH2": 0.7}))
    assert any("CrCH2" in sentence and "inversion time" in sentence for sentence in one.warnings)
    assert any("CrCH2" in sentence and "inversion time" in sentence for sentence in as_basis(one).assumptions)


def test_noise_alone_is_refused():
    with pytest.raises(DataError, match="shows no macromolecules"):
        measured(nulled_scan(0, residues={}, macromolecules=0.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"acquisition": replace(ACQUISITION, nucleus="31P")}, "nucleus 31P"),
        ({"acquisition": ACQUISITION.with_n_points(1024)}, "expected \\(scans, 1024 points\\)"),
        ({"acquisition": replace(ACQUISITION, spectral_width_hz=700.0)}, "covers 1.9 to 7.4 ppm"),
        ({"acquisition": replace(ACQUISITION, spectrometer_frequency_mhz=123.2)}, "not on the axis of the scan"),
        ({"acquisition": replace(ACQUISITION, echo_time_s=0.035)}, "echo time of 30 ms, the scan of 35 ms"),
        ({"ppm_range": (0.2, 4.8)}, "before water"),
    ],
)
def test_contradictions_are_said(change, message):
    with pytest.raises(DataError, match=message):
        measured(nulled_scan(0), **change)


def test_too_short_scan_is_refused():
    short = ACQUISITION.with_n_points(400)
    with pytest.raises(DataError, match="the scan lasts 200 ms: at least 250 ms"):
        measured(nulled_scan(0)[:400], acquisition=short)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_unusable_values_are_refused(value):
    with pytest.raises(DataError, match="empty or holds values that are not finite"):
        measured(np.full(ACQUISITION.n_points, value, dtype=complex))


@pytest.mark.parametrize(("gaussian_hz", "lorentzian_hz"), [(10.0, 0.0), (0.0, 10.0), (5.0, 5.0), (17.0, 9.0), (2.0, 30.0)])
def test_width_of_a_voigt_line(gaussian_hz: float, lorentzian_hz: float):
    offset = np.linspace(0, 40, 400001)
    line = voigt_profile(offset, gaussian_hz / np.sqrt(8 * np.log(2)), lorentzian_hz / 2)
    half = offset[np.argmax(line < line[0] / 2)]
    assert voigt_fwhm_hz(gaussian_hz=gaussian_hz, lorentzian_hz=lorentzian_hz) == pytest.approx(2 * half, rel=1e-3)

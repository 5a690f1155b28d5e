import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.spin_systems import spin_systems
from mrs_pipeline.report import basis_spectra
from mrs_pipeline.report.component_names import full_name

ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=None
)


def make_basis(lines: dict[str, list[tuple[float, float]]]) -> BasisSet:
    """Undamped lines (ppm, area) under a plain FFT at (4.65 - ppm) times the spectrometer frequency."""
    time_s = ACQUISITION.time_s
    fids = [sum(area * np.exp(2j * np.pi * (4.65 - ppm) * 127.7 * time_s) for ppm, area in each) for each in lines.values()]
    return BasisSet(metabolites=tuple(lines), fids=np.array(fids), acquisition=ACQUISITION, sequence="made here")


def test_broadened_line_has_the_stated_width_and_area() -> None:
    spectra = basis_spectra.broadened_spectra(make_basis({"A": [(2.0, 4.0)]}))
    values, step_hz = spectra.values[0], 127.7 * float(spectra.ppm[0] - spectra.ppm[1])
    assert values.sum() * step_hz == pytest.approx(4.0, rel=1e-9)
    # A Gaussian line of area A and width w (FWHM) is 2 A / w sqrt(ln 2 / pi) high.
    assert values.max() == pytest.approx(2 * 4.0 / basis_spectra.BROADENING_HZ * np.sqrt(np.log(2) / np.pi), rel=2e-3)
    above = values > values.max() / 2
    assert above.sum() * step_hz == pytest.approx(basis_spectra.BROADENING_HZ, abs=2 * step_hz)
    assert abs(values[spectra.ppm > 4.0]).max() < 1e-6 * values.max()  # no offset


@pytest.mark.parametrize("distance_hz", [0.0, 2.0, 6.0, 40.0])
def test_similarity_of_two_lines(distance_hz: float) -> None:
    basis = make_basis({"A": [(2.0, 1.0)], "B": [(2.0 + distance_hz / 127.7, -5.0)]})
    alike = basis_spectra.similarity(basis_spectra.broadened_spectra(basis), ppm_range=(0.2, 4.0))
    # Two Gaussians of equal width w, d apart: exp(-2 ln 2 d^2 / w^2).
    expected = np.exp(-2 * np.log(2) * distance_hz**2 / basis_spectra.BROADENING_HZ**2)
    np.testing.assert_allclose(alike, [[1.0, -expected], [-expected, 1.0]], atol=1e-6)


def test_similarity_outside_the_fitted_range_is_unknown() -> None:
    basis = make_basis({"A": [(2.0, 1.0)], "amide": [(6.8, 1.0)], "empty": [(2.0, 0.0)]})
    alike = basis_spectra.similarity(basis_spectra.broadened_spectra(basis), ppm_range=(0.2, 4.0))
    np.testing.assert_array_equal(np.isnan(alike), [[False, True, True], [True, True, True], [True, True, True]])


def test_peaks_are_counted_up_and_down() -> None:
    basis = make_basis({"A": [(2.0, 1.0), (2.5, -3.0), (3.0, 0.5), (3.5, 0.2)], "empty": [(2.0, 0.0)]})
    spectra = basis_spectra.broadened_spectra(basis)
    several, none = (basis_spectra.peaks_of(spectra.ppm, values) for values in spectra.values)
    assert several.strongest_ppm == pytest.approx(2.5, abs=0.005)
    assert several.height < 0
    assert several.n_peaks == 3  # the last is below a tenth of the strongest
    assert np.isnan(none.strongest_ppm)
    assert none.n_peaks == 0


@pytest.mark.parametrize(
    ("line_ppm", "expected"), [(2.0, (0.2, 4.4)), (5.216, (0.2, 5.4)), (8.18, (0.2, 8.4)), (0.0, (-0.2, 4.4)), (4.38, (0.2, 4.6))]
)
def test_shown_range_reaches_beyond_every_signal(line_ppm: float, expected: tuple[float, float]) -> None:
    spectra = basis_spectra.broadened_spectra(make_basis({"A": [(2.0, 1.0), (line_ppm, 0.5)]}))
    shown = basis_spectra.shown_range(spectra.ppm, spectra.values[0], least=(0.2, 4.4), fraction=0.03)
    assert shown == pytest.approx(expected, abs=0.21)
    outside = (spectra.ppm < shown[0]) | (spectra.ppm > shown[1])
    assert np.abs(spectra.values[0])[outside].max() < 0.03 * spectra.values[0].max()
    assert shown[0] <= 0.2
    assert shown[1] >= 4.4


def test_every_simulated_metabolite_has_a_full_name() -> None:
    assert [name for name in spin_systems() if not full_name(name)] == []
    assert full_name("MM12") == "macromolecules near 1.2 ppm"
    assert full_name("Lip13b") == "lipids near 1.3 ppm"
    assert full_name("unheard of") == ""

"""Fits of spectra whose truth is known: recovery, uncertainty, invariances, verdicts."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.basis.macromolecules import RatioPrior
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import fit_spectra, fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.ratio_priors import ratio_rows
from mrs_pipeline.fitting.start import noise_sd

from .conftest import LINES, TRUTH, line_fid


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


def ratio(fit) -> float:
    amplitude = dict(zip(fit.metabolites, fit.amplitudes, strict=True))
    return (amplitude["Glu"] + amplitude["Gln"]) / (amplitude["NAA"] + amplitude["NAAG"])


TRUE_RATIO = 13.0 / 11.5


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"shift_hz": 25.0},
        {"shift_hz": -25.0},
        {"phase_rad": np.pi},
        {"phase_rad": -1.5},
        {"gaussian_hz": 10.0, "lorentzian_hz": 4.0},
        {"gaussian_hz": 2.0, "lorentzian_hz": 1.0},
        {"delay_s": 2e-4},
    ],
)
def test_truth_is_recovered_whatever_the_shift_phase_and_width(fitter, make_fid, fault) -> None:
    fit = fit_spectrum(make_fid(snr=300.0, **fault), fitter=fitter)
    assert fit.status == "ok"
    assert abs(ratio(fit) / TRUE_RATIO - 1.0) < 0.03
    assert np.all(np.abs(fit.amplitudes - np.array(list(TRUTH.values()))) < 5.0 * fit.sd)


@pytest.mark.parametrize("criterion", ["reml", "maic"])
def test_strongly_curved_baseline_is_followed_when_its_stiffness_is_chosen(basis, make_fid, criterion: str) -> None:
    chosen = prepare_fitter(basis, options=FitOptions(baseline_stiffness=criterion))
    fit = fit_spectrum(make_fid(snr=300.0, hump=60.0), fitter=chosen)
    assert abs(ratio(fit) / TRUE_RATIO - 1.0) < 0.03
    assert np.all(np.abs(fit.amplitudes - np.array(list(TRUTH.values()))) < 5.0 * fit.sd)


def test_noise_free_amplitudes_are_exact(fitter, make_fid) -> None:
    fit = fit_spectrum(make_fid(snr=1e6), fitter=fitter)
    assert np.allclose(fit.amplitudes, list(TRUTH.values()), rtol=5e-3)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_ratios_do_not_depend_on_the_unit_of_the_data(fitter, make_fid, scale: float) -> None:
    reference = fit_spectrum(make_fid(snr=50.0), fitter=fitter)
    other = fit_spectrum(make_fid(snr=50.0, scale=scale), fitter=fitter)
    assert np.allclose(other.amplitudes / scale, reference.amplitudes, rtol=1e-6, atol=1e-6)


def test_fits_are_deterministic(fitter, make_fid) -> None:
    first, second = (fit_spectrum(make_fid(snr=30.0), fitter=fitter) for _ in range(2))
    assert np.array_equal(first.amplitudes, second.amplitudes)
    assert np.array_equal(first.covariance, second.covariance)


@pytest.mark.slow
def test_printed_standard_errors_match_the_scatter_and_intervals_cover(fitter, make_fid) -> None:
    fits = [fit_spectrum(make_fid(snr=60.0, hump=20.0, seed=seed), fitter=fitter) for seed in range(120)]
    index = fits[0].metabolites.index("Glu")
    values, printed = (np.array([getattr(fit, name)[index] for fit in fits]) for name in ("amplitudes", "sd"))
    assert np.std(values) / np.mean(printed) == pytest.approx(1.0, abs=0.2)
    covered = np.abs(values - TRUTH["Glu"]) < 1.96 * printed
    assert 0.88 <= covered.mean() <= 1.0


def test_quality_numbers_follow_their_definitions(fitter, make_fid) -> None:
    quality = fit_spectrum(make_fid(snr=80.0, gaussian_hz=0.01, lorentzian_hz=6.0, shift_hz=3.0, phase_rad=0.5), fitter=fitter).quality
    assert quality["snr"] == pytest.approx(80.0, rel=0.1)
    assert quality["fwhm_hz"] == pytest.approx(6.0, abs=0.4)
    assert quality["shift_hz"] == pytest.approx(3.0, abs=0.3)
    assert quality["phase0_deg"] == pytest.approx(np.degrees(0.5), abs=2.0)
    assert quality["fqn"] == pytest.approx(1.0, abs=0.25)


def test_smoothing_can_be_held_at_that_of_another_fit(fitter, make_fid) -> None:
    mean = fit_spectrum(make_fid(snr=200.0, hump=40.0), fitter=fitter)
    window = fit_spectrum(make_fid(snr=40.0, hump=40.0, seed=5), fitter=fitter, smoothing=mean.smoothing)
    assert window.smoothing == mean.smoothing


@pytest.mark.parametrize(
    ("name", "fid", "status"),
    [
        ("zeros", np.zeros(1024, dtype=complex), "no_signal"),
        ("nan", np.full(1024, np.nan + 0j), "not_finite"),
        ("one point", np.eye(1, 1024)[0].astype(complex), "no_signal"),
        ("constant", np.ones(1024, dtype=complex), "no_signal"),
        ("large constant", np.full(1024, 1e9 + 0j), "no_signal"),
        ("noise", np.random.default_rng(0).standard_normal((1024, 2)).view(complex)[:, 0], "no_signal"),
        ("water", np.exp(-12.0 * np.arange(1024) / 2000.0).astype(complex), "no_signal or not_described or naa_misplaced"),
    ],
)
def test_what_is_no_spectrum_gets_a_status_and_nan(fitter, name: str, fid, status: str) -> None:
    fit = fit_spectrum(fid, fitter=fitter)
    assert fit.status in status.split(" or "), name
    assert np.all(np.isnan(fit.amplitudes))
    assert fit.reason


@pytest.mark.parametrize("names", [["NAA"], ["Gln", "GABA"]])
def test_a_signal_that_the_basis_lacks_is_not_called_noise(basis, make_fid, names: list[str]) -> None:
    few = prepare_fitter(basis.select(names), options=FitOptions())
    strong, noise = fit_spectrum(make_fid(snr=100.0), fitter=few), fit_spectrum(make_fid(snr=0.3), fitter=few)
    assert (strong.status, noise.status) == ("not_described", "no_signal")
    assert strong.quality["fqn"] > 10.0
    assert "does not describe" in strong.reason


def test_the_line_of_naa_is_not_measured_outside_the_fitted_range(basis, make_fid) -> None:
    fit = fit_spectrum(make_fid(snr=80.0), fitter=prepare_fitter(basis, options=FitOptions(ppm_range=(2.2, 4.0))))
    assert fit.status == "ok"
    assert np.isnan(fit.quality["snr"])
    assert np.isnan(fit.quality["fwhm_hz"])


def test_flexibility_of_a_baseline_without_penalty_is_its_number_of_columns(basis, make_fid) -> None:
    """Cubic polynomials, real and imaginary parts apart: eight columns over 3.8 ppm."""
    fit = fit_spectrum(make_fid(snr=80.0), fitter=prepare_fitter(basis, options=FitOptions(baseline="polynomial")))
    assert fit.quality["baseline_ed_per_ppm"] == pytest.approx(8 / 3.8)


def test_every_spectrum_of_a_batch_is_fitted_by_itself(fitter, make_fid, acquisition) -> None:
    data = np.array([make_fid(snr=60.0, seed=1), np.full(1024, np.nan), make_fid(snr=60.0, seed=2)])
    fits = fit_spectra(Fids(data=data, dims=("window", "time"), acquisition=acquisition), fitter=fitter)
    assert [fit.status for fit in fits] == ["ok", "not_finite", "ok"]
    assert np.array_equal(fits[2].amplitudes, fit_spectrum(data[2], fitter=fitter).amplitudes)


def test_data_of_another_axis_are_refused(fitter, acquisition) -> None:
    other = Fids(data=np.ones((2, 512), dtype=complex), dims=("window", "time"), acquisition=acquisition.with_n_points(512))
    with pytest.raises(DataError, match="resample"):
        fit_spectra(other, fitter=fitter)


def test_unknown_option_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown key of the fitting section 'ppm_rnge': use one of .*ppm_range"):
        FitOptions.from_mapping({"ppm_rnge": [0.2, 4.0]})


@pytest.mark.parametrize(("line_amplitude", "tolerance"), [(0.0, 0.02), (20.0, 0.05), (2000.0, 0.15)])
def test_noise_estimate_is_unbiased_and_hardly_moved_by_a_line(acquisition, line_amplitude: float, tolerance: float) -> None:
    rng = np.random.default_rng(4)
    line = line_amplitude * np.exp((2j * np.pi * (4.65 - 10.0) * 127.7 - 20.0) * acquisition.time_s)
    draws = [line + rng.standard_normal(1024) + 1j * rng.standard_normal(1024) for _ in range(40)]
    estimates = [noise_sd(fid, ppm=acquisition.ppm) / np.sqrt(1024) for fid in draws]
    assert np.mean(estimates) == pytest.approx(1.0, abs=tolerance)


@pytest.mark.parametrize("factor", [0.5, 0.0, 1.4])
def test_a_first_sample_that_is_wrong_changes_nothing(fitter, make_fid, factor: float) -> None:
    fid = make_fid(snr=80.0, seed=9)
    other = fid.copy()
    other[0] *= factor
    first, second = (fit_spectrum(each, fitter=fitter) for each in (fid, other))
    assert np.all(np.abs(second.amplitudes - first.amplitudes) < 0.15 * first.sd)


@pytest.mark.parametrize("width_hz", [0.0, 6.0])
def test_macromolecules_do_not_share_the_lorentzian_width(basis, make_fid, width_hz: float) -> None:
    """A broad component under lines of 6 Hz, itself as narrow as in the basis or as much broader: amplitudes and its width are found."""
    time_s = np.arange(1024) / 2000.0
    broad = sum(height * line_fid(ppm, time_s) for ppm, height in ((0.9, 1.0), (2.05, 1.4), (2.25, 0.8))) * np.exp(-((18.0 * time_s) ** 2))
    whole = replace(basis, metabolites=(*basis.metabolites, "Mac"), fids=np.vstack([basis.fids, broad]))
    fid = make_fid(snr=300.0, gaussian_hz=1.0, lorentzian_hz=6.0, seed=2) + 20.0 * broad * np.exp(-np.pi * width_hz * time_s)
    fit = fit_spectrum(fid, fitter=prepare_fitter(whole, options=FitOptions()))
    assert fit.parameters["broadening_hz_Mac"] == pytest.approx(width_hz, abs=1.5)
    assert np.all(np.abs(fit.amplitudes - [*TRUTH.values(), 20.0]) < 4.0 * fit.sd)
    assert ratio(fit) == pytest.approx(TRUE_RATIO, rel=0.03)


@pytest.mark.parametrize("delay_s", [-3e-3, 3e-3])
def test_a_delay_of_the_whole_signal_is_found(fitter, make_fid, delay_s: float) -> None:
    """Three milliseconds turn the phase by 4.8 rad over 2 ppm."""
    fit = fit_spectrum(make_fid(snr=100.0, delay_s=delay_s, shift_hz=20.0, phase_rad=3.0), fitter=fitter)
    assert fit.status == "ok"
    assert fit.quality["phase1_ms"] == pytest.approx(1e3 * delay_s, abs=0.1)
    assert ratio(fit) == pytest.approx(TRUE_RATIO, rel=0.04)


def test_filtered_edges_of_a_narrow_band_do_not_count_as_noise() -> None:
    """1200 Hz at 123 MHz, as measured spectra have them whose edges hold five times the noise."""
    ppm = 4.65 - np.fft.fftshift(np.fft.fftfreq(1024, 1 / 1200.0)) / 123.2
    rng = np.random.default_rng(6)
    shape = np.where((ppm < ppm.min() + 0.35) | (ppm > ppm.max() - 0.35), 5.0, 1.0)
    spectra = shape * (rng.standard_normal((30, 1024)) + 1j * rng.standard_normal((30, 1024)))
    estimates = [noise_sd(np.fft.ifft(np.fft.ifftshift(spectrum)), ppm=ppm) for spectrum in spectra]
    assert np.mean(estimates) == pytest.approx(1.0, abs=0.05)


def test_late_samples_count_for_the_noise_but_not_for_the_amplitudes(basis, make_fid) -> None:
    """Four times the samples of the same noise: twice its SD in the spectrum, and nothing else."""
    rng = np.random.default_rng(5)
    short = make_fid(snr=80.0, seed=6)
    spread = np.std((short - make_fid(snr=np.inf))[512:].real)
    late = spread * (rng.standard_normal((2, 3072)) * [[1], [1j]]).sum(axis=0)
    long_basis = replace(
        basis,
        acquisition=basis.acquisition.with_n_points(4096),
        fids=np.array([sum(h * line_fid(ppm, np.arange(4096) / 2000.0) for ppm, h in LINES[name]) for name in basis.metabolites]),
    )
    first = fit_spectrum(short, fitter=prepare_fitter(basis, options=FitOptions()))
    second = fit_spectrum(np.concatenate([short, late]), fitter=prepare_fitter(long_basis, options=FitOptions()))
    np.testing.assert_allclose(second.amplitudes, first.amplitudes, atol=0.02 * first.sd.min())
    assert second.quality["noise_sd"] == pytest.approx(2 * first.quality["noise_sd"], rel=0.12)
    assert second.quality["snr"] == pytest.approx(first.quality["snr"] / 2, rel=0.12)
    assert second.quality["fqn"] == pytest.approx(first.quality["fqn"], rel=0.25)


def test_a_ratio_to_something_that_is_not_there_ties_nothing() -> None:
    prior = RatioPrior(numerator="A", denominator=("B",), mean=0.5, sd=0.1)
    (row,) = ratio_rows([prior], components=("A", "B")).rows(amplitudes=np.array([4.0, 1e-20]), sd=np.array([1.0, 2.0]))
    # the prior SD of A - 0.5 B is a tenth of what B may be
    np.testing.assert_allclose(row, np.array([1.0, -0.5]) / 0.2)

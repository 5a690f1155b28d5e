"""Matched windows: lines of one width, noise that is white and as strong as before."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.timecourse.linewidths import WindowWidths, voigt_fwhm
from mrs_pipeline.timecourse.matching import FILTERS, MatchingOptions, match_linewidths

N_POINTS = 1024
ACQUISITION = Acquisition(
    nucleus="1H",
    spectrometer_frequency_mhz=127.7,
    spectral_width_hz=2000.0,
    n_points=N_POINTS,
    echo_time_s=0.03,
    repetition_time_s=2.0,
)
TIME = ACQUISITION.time_s
AS_THEY_ARE = {"shrinkage": "none"}


def line(lorentzian_hz: float, *, gaussian_hz: float = 0.0, position_hz: float = 337.0) -> np.ndarray:
    decay = np.exp(-np.pi * lorentzian_hz * TIME - (np.pi * gaussian_hz * TIME) ** 2 / (4.0 * np.log(2.0)))
    return np.exp(2j * np.pi * position_hz * TIME) * decay


def windows(data) -> Fids:
    return Fids(data=np.array(data), dims=("window", "time"), acquisition=ACQUISITION)


def matched(data, *, fwhm_hz, noise_sd=0.0, gaussian_hz=0.0, seed=0, **options):
    fwhm = np.asarray(fwhm_hz, dtype=float)
    given = WindowWidths(fwhm_hz=fwhm, sd_hz=np.full(fwhm.shape, 0.1), infusion=np.arange(fwhm.size) > 0, gaussian_hz=gaussian_hz)
    sds = np.broadcast_to(np.asarray(noise_sd, dtype=float), fwhm.shape)
    settings = MatchingOptions(**{**AS_THEY_ARE, **options})
    return match_linewidths(windows(data), widths=given, noise_sd=sds, rng=np.random.default_rng(seed), options=settings)


def measured_fwhm(fid: np.ndarray) -> float:
    """Full width at half maximum of the real spectrum on a grid of 0.01 Hz, the first point halved as the integral has it."""
    grid = 337.0 + np.arange(-10.0, 10.0, 0.01)
    weights = np.where(np.arange(N_POINTS) == 0, 0.5, 1.0)
    curve = (np.exp(-2j * np.pi * np.outer(grid, TIME)) @ (fid * weights)).real
    above = grid[curve >= curve.max() / 2.0]
    return float(above[-1] - above[0]) + 0.01


def test_lorentzian_lines_become_those_of_the_widest() -> None:
    found = matched([line(5.0), line(4.8), line(5.3)], fwhm_hz=[5.0, 4.8, 5.3])
    np.testing.assert_allclose(np.asarray(found.fids.data), [line(5.3)] * 3, atol=1e-12)
    np.testing.assert_allclose(found.table["filter_hz"], [0.3, 0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(found.table["fwhm_matched_hz"], 5.3)
    assert found.table["reason"].tolist() == ["", "", ""]
    assert found.table["window"].tolist() == [0, 1, 2]


def test_lorentzian_parts_of_voigt_lines_are_matched() -> None:
    """A full width changes by less than its Lorentzian part: the difference of full widths would broaden too little."""
    fwhm = voigt_fwhm(np.array([3.0, 2.8]), gaussian_hz=4.0)
    assert 0.6 < (fwhm[0] - fwhm[1]) / 0.2 < 0.8
    found = matched([line(3.0, gaussian_hz=4.0), line(2.8, gaussian_hz=4.0)], fwhm_hz=fwhm, gaussian_hz=4.0)
    np.testing.assert_allclose(np.asarray(found.fids.data), [line(3.0, gaussian_hz=4.0)] * 2, atol=1e-10)
    assert found.table["filter_hz"][1] == pytest.approx(0.2)


def test_a_gaussian_filter_adds_squares() -> None:
    fwhm = voigt_fwhm(3.0, gaussian_hz=np.array([4.0, 5.0]))
    data = [line(3.0, gaussian_hz=width) for width in (4.0, 5.0)]
    found = matched(data, fwhm_hz=fwhm, gaussian_hz=4.0, lineshape="gaussian", target_hz=float(fwhm[1]))
    np.testing.assert_allclose(np.asarray(found.fids.data)[0], data[1], atol=1e-10)
    assert found.table["filter_hz"][0] == pytest.approx(3.0)
    np.testing.assert_allclose(found.table["fwhm_matched_hz"], fwhm[1])


@pytest.mark.parametrize("lineshape", FILTERS)
@pytest.mark.parametrize("gaussian_hz", [0.0, 4.0])
def test_the_width_after_matching_is_the_target(lineshape: str, gaussian_hz: float) -> None:
    """Measured on the spectrum; 0.02 %: the accuracy of the Voigt width, and the step of the grid."""
    fids = [line(lorentzian, gaussian_hz=gaussian_hz) for lorentzian in (3.0, 3.6)]
    found = matched(fids, fwhm_hz=[measured_fwhm(fid) for fid in fids], gaussian_hz=gaussian_hz, target_hz=8.0, lineshape=lineshape)
    for fid, after in zip(np.asarray(found.fids.data), found.table["fwhm_matched_hz"], strict=True):
        assert after == pytest.approx(8.0, rel=1e-6)
        assert measured_fwhm(fid) == pytest.approx(8.0, abs=0.02)


@pytest.mark.parametrize("lineshape", FILTERS)
def test_noise_is_white_and_as_strong_as_before(lineshape: str) -> None:
    """600 windows of noise alone, half of them broadened from 5 to 9 Hz: every sample and every frequency keeps its variance.

    Sums of squares of 300 windows are chi-square of 600 degrees of freedom; all of 1024 stay within the quantiles of 1e-7.
    """
    n, sds = 300, np.repeat([0.7, 1.3], 300)
    rng = np.random.default_rng(11)
    noise = sds[:, None] * rng.standard_normal((2 * n, N_POINTS, 2)).view(complex)[..., 0]
    found = matched(noise, fwhm_hz=np.repeat([9.0, 5.0], n), noise_sd=sds, seed=12, lineshape=lineshape)
    data = np.asarray(found.fids.data)
    np.testing.assert_array_equal(data[:n], noise[:n])
    low, high = stats.chi2(2 * n).ppf([1e-7, 1.0 - 1e-7]) / (2 * n)
    for domain in (data[n:], np.fft.fft(data[n:], axis=1) / np.sqrt(N_POINTS)):
        ratio = np.mean(np.abs(domain) ** 2, axis=0) / (2.0 * 1.3**2)
        assert np.all((ratio > low) & (ratio < high))
        assert ratio.mean() == pytest.approx(1.0, abs=5.0 / np.sqrt(n * N_POINTS))
        assert np.mean(domain.real**2) == pytest.approx(np.mean(domain.imag**2), rel=5.0 * 2.0 / np.sqrt(n * N_POINTS))
    neighbours = np.fft.fft(data[n:], axis=1)
    correlation = np.mean(neighbours[:, 1:] * neighbours[:, :-1].conj()).real / np.mean(np.abs(neighbours) ** 2)
    assert abs(correlation) < 5.0 / np.sqrt(n * N_POINTS)
    # the trap that is avoided: the filter alone leaves less noise, which is alike in neighbouring frequencies
    filtered = np.fft.fft(noise[n:] * FILTERS[lineshape].decay(TIME, width_hz=np.full(n, found.table["filter_hz"][n])), axis=1)
    assert np.mean((filtered[:, 1:] * filtered[:, :-1].conj()).real) > 0.5 * np.mean(np.abs(filtered) ** 2)


def test_added_noise_is_none_where_nothing_is_filtered_and_that_of_a_window_does_not_depend_on_others() -> None:
    data = [line(5.0), line(4.0), line(4.5)]
    one, other = (matched(data, fwhm_hz=[5.0, 4.0, width], noise_sd=1.0) for width in (4.5, 4.9))
    np.testing.assert_array_equal(np.asarray(one.fids.data)[0], data[0])
    np.testing.assert_array_equal(np.asarray(one.fids.data)[1], np.asarray(other.fids.data)[1])


def test_windows_without_a_width_or_data_keep_their_place_with_a_reason() -> None:
    found = matched([line(5.0), line(4.0), np.full(N_POINTS, np.nan), line(4.5)], fwhm_hz=[5.0, np.nan, np.nan, 4.5])
    assert found.table["reason"].tolist() == ["", "no linewidth: its fit failed", "no data", ""]
    assert np.isnan(np.asarray(found.fids.data)[1:3]).all()
    assert np.isfinite(np.asarray(found.fids.data)[[0, 3]]).all()
    assert np.isnan(found.table["filter_hz"][1:3]).all()


def test_nothing_to_match_is_no_error() -> None:
    found = matched([line(5.0)] * 2, fwhm_hz=[np.nan, np.nan])
    assert np.isnan(np.asarray(found.fids.data)).all()


def test_a_window_wider_than_the_target_stays_as_it_is_and_says_so() -> None:
    found = matched([line(5.0), line(4.0)], fwhm_hz=[5.0, 4.0], target_hz=4.5, noise_sd=1.0)
    np.testing.assert_array_equal(np.asarray(found.fids.data)[0], line(5.0))
    assert found.table["reason"].tolist() == ["wider than the target", ""]
    assert found.table["fwhm_matched_hz"].tolist() == pytest.approx([5.0, 4.5])


def test_shrunk_widths_are_those_that_are_matched() -> None:
    found = matched([line(5.0), line(5.2)], fwhm_hz=[5.0, 5.2], shrinkage="empirical_bayes")
    assert found.table["fwhm_shrunk_hz"].tolist() == pytest.approx([5.05, 5.15])
    assert found.table["filter_hz"].tolist() == pytest.approx([0.1, 0.0])
    assert found.table["fwhm_hz"].tolist() == [5.0, 5.2]


def test_the_history_says_what_was_done() -> None:
    found = matched([line(5.0), line(4.8)], fwhm_hz=[5.0, 4.8])
    (step,) = found.fids.history
    assert (step.method, "5.00 Hz by lorentzian filters of 0.00, 0.20 Hz" in step.details) == ("Apodization", True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"lineshape": "sinc"}, "unknown value of lineshape.*'sinc'"),
        ({"shrinkage": "lots"}, "unknown value of shrinkage.*'lots'"),
        ({"target_hz": 0.0}, "target_hz of linewidth matching is 0.0"),
        ({"width": 3}, "unknown option of linewidth matching 'width'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        MatchingOptions.from_mapping(options)


def test_columns_that_do_not_fit_the_windows_are_refused() -> None:
    with pytest.raises(DataError, match="there are 2 windows, 3 linewidths"):
        matched([line(5.0), line(4.0)], fwhm_hz=[5.0, 4.0, 3.0])
    with pytest.raises(DataError, match="noise SD of a window with a linewidth"):
        matched([line(5.0), line(4.0)], fwhm_hz=[5.0, 4.0], noise_sd=np.nan)
    one = Fids(data=line(5.0), dims=("time",), acquisition=ACQUISITION)
    given = WindowWidths(fwhm_hz=np.ones(1), sd_hz=np.ones(1), infusion=np.ones(1, dtype=bool))
    with pytest.raises(DataError, match=r"windows \(window, time\)"):
        match_linewidths(one, widths=given, noise_sd=np.ones(1), rng=np.random.default_rng(0), options=MatchingOptions())


def test_amplitudes_of_a_fixed_lineshape_no_longer_follow_the_width() -> None:
    """Least squares with lines of 3 Hz (Lorentzian) and 4 Hz (Gaussian): narrowing by 0.2 Hz raises them by about 2 % before matching."""
    wide, narrow = (line(lorentzian, gaussian_hz=4.0) for lorentzian in (3.0, 2.8))

    def amplitude(fid: np.ndarray) -> float:
        return float(np.vdot(wide, fid).real / np.vdot(wide, wide).real)

    before = amplitude(narrow)
    found = matched([wide, narrow], fwhm_hz=voigt_fwhm(np.array([3.0, 2.8]), gaussian_hz=4.0), gaussian_hz=4.0)
    assert 0.015 < before - 1.0 < 0.035
    assert amplitude(np.asarray(found.fids.data)[1]) == pytest.approx(1.0, abs=1e-9)


def test_a_false_change_of_the_ratio_by_narrower_lines_becomes_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brain-like windows whose macromolecules and couplings are not those of the fit, the second one 0.2 Hz narrower, of the same noise.

    Widths are the fitted ones. At a signal-to-noise ratio of 4000 the added noise does not hide what is left.
    """
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks" / "fitting"))
    arm = importlib.import_module("arms").arms("misfit")[1]
    fitter, sampling = arm.fitter(FitOptions()), arm.source.acquisition

    def change(fids: Fids) -> tuple[float, np.ndarray]:
        """Change of 100 ln(Glx/tNAA), and the fitted widths."""
        fits = fit_windows(fids, counts=np.full(2, 50.0), fitter=fitter)
        names, amplitudes = fits[0].metabolites, np.array([fit.amplitudes for fit in fits])
        glx, tnaa = (amplitudes[:, [names.index(name) for name in part]].sum(axis=1) for part in (("Glu", "Gln"), ("NAA", "NAAG")))
        return float(np.diff(100.0 * np.log(glx / tnaa))[0]), np.array([fit.quality["fwhm_hz"] for fit in fits])

    changes = []
    for seed in range(12):
        rng = np.random.default_rng([seed, 1])
        truth, height = arm.source.truth(rng, fwhm_hz=6.5)
        sd = height / 4000.0 / np.sqrt(sampling.n_points)
        noise = sd * rng.standard_normal((sampling.n_points, 2)).view(complex)[:, 0]
        narrower = truth.signal + truth.lines * np.expm1(np.pi * 0.2 * sampling.time_s)
        fids = Fids(data=np.array([truth.signal, narrower]) + noise, dims=("window", "time"), acquisition=sampling)
        before, fwhm = change(fids)
        widths = WindowWidths(fwhm_hz=fwhm, sd_hz=np.full(2, 0.002), infusion=np.array([False, True]), gaussian_hz=truth.gaussian_hz)
        found = match_linewidths(fids, widths=widths, noise_sd=np.full(2, sd), rng=rng, options=MatchingOptions())
        assert found.table["filter_hz"][1] == pytest.approx(0.2, abs=0.03)
        changes.append((before, change(found.fids)[0]))
    before, after = np.sqrt(np.mean(np.square(changes), axis=0))
    assert after < 0.5 * before

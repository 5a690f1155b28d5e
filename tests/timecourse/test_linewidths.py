"""Shrinkage against the closed forms of the normal-normal model, and Voigt widths against lines that are computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import voigt_profile

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.timecourse.linewidths import (
    SHRINKAGES,
    WindowWidths,
    between_variance,
    gaussian_part,
    lorentzian_part,
    shrunk_widths,
    voigt_fwhm,
)

INFUSION = np.arange(7) > 0


def widths(fwhm_hz, sd_hz=0.1, **others) -> WindowWidths:
    fwhm = np.asarray(fwhm_hz, dtype=float)
    return WindowWidths(fwhm_hz=fwhm, sd_hz=np.broadcast_to(np.asarray(sd_hz, dtype=float), fwhm.shape), infusion=INFUSION, **others)


@pytest.mark.parametrize(("between_sd", "n_windows"), [(0.1, 40), (0.3, 40)])
def test_shrunk_widths_have_the_error_of_the_normal_normal_model(between_sd: float, n_windows: int) -> None:
    """Mean squared error v s^2 / (v + s^2) where the model is known (Efron & Morris 1973); estimating mean and variance adds a little."""
    rng, sd, n = np.random.default_rng(4), 0.15, 400
    truth = 7.0 + between_sd * rng.standard_normal((n, n_windows))
    found = truth + sd * rng.standard_normal((n, n_windows))
    infusion = np.arange(n_windows) > 0
    shrunk = np.array(
        [
            shrunk_widths(WindowWidths(fwhm_hz=x, sd_hz=np.full(n_windows, sd), infusion=infusion), shrinkage="empirical_bayes")
            for x in found
        ]
    )
    ideal = between_sd**2 * sd**2 / (between_sd**2 + sd**2)
    # 3 / n_windows: of order 1 / n each for the mean and the variance; 3 %: 16000 squares have an error of 1 %
    assert ideal * 0.97 < np.mean((shrunk - truth) ** 2) < ideal * (1.03 + 3.0 / n_windows) + sd**2 / n_windows
    assert np.mean((shrunk - truth) ** 2) < 0.85 * sd**2


def test_the_variance_between_windows_is_found_without_bias() -> None:
    """Before it is cut at 0; errors of different size."""
    rng, n = np.random.default_rng(5), 4000
    sds = np.array([0.05, 0.1, 0.1, 0.2, 0.2, 0.3, 0.1])
    values = 7.0 + np.hypot(0.4, sds) * rng.standard_normal((n, 7))
    found = np.array([between_variance(x, variances=sds**2) for x in values])
    assert found.mean() == pytest.approx(0.16, abs=4.0 * found.std() / np.sqrt(n))
    assert between_variance(np.array([7.0, 7.01, 7.02]), variances=np.full(3, 0.04)) == 0.0
    assert between_variance(np.array([7.0]), variances=np.array([0.04])) == 0.0


def test_two_values_of_equal_error_by_hand() -> None:
    """Moments of two: v = d^2/2 - s^2, so the distance d shrinks by 1 - 2 s^2 / d^2."""
    two = WindowWidths(fwhm_hz=np.array([7.0, 7.4]), sd_hz=np.full(2, 0.1), infusion=np.array([False, True]))
    assert np.diff(shrunk_widths(two, shrinkage="empirical_bayes"))[0] == pytest.approx(0.4 * (1.0 - 2.0 * 0.01 / 0.16))


def test_widths_within_their_errors_become_one() -> None:
    given_widths = widths([7.0, 7.05, 6.95, 7.02, np.nan, 6.99, 7.01])
    shrunk = shrunk_widths(given_widths, shrinkage="empirical_bayes")
    assert np.isnan(shrunk[4])
    np.testing.assert_allclose(np.delete(shrunk, 4), np.nanmean(given_widths.fwhm_hz))


def test_two_levels_are_weighted_means_of_their_windows() -> None:
    fwhm, sd = np.array([7.0, 6.8, 6.7, 6.9, np.nan, 6.6, 6.8]), np.array([0.1, 0.1, 0.2, 0.1, np.nan, 0.2, 0.1])
    shrunk = shrunk_widths(widths(fwhm, sd), shrinkage="two_level")
    assert shrunk[0] == 7.0
    expected = (6.8 * 4 + 6.7 + 6.9 * 4 + 6.6 + 6.8 * 4) / 14
    np.testing.assert_allclose(shrunk[1:], [expected, expected, expected, np.nan, expected, expected])


def test_none_leaves_the_widths_and_needs_no_errors() -> None:
    fwhm = np.array([7.0, 6.8, 6.7, 6.9, np.nan, 6.6, 6.8])
    np.testing.assert_array_equal(shrunk_widths(widths(fwhm, np.nan), shrinkage="none"), fwhm)
    for name in SHRINKAGES:
        assert np.isnan(shrunk_widths(widths(np.full(7, np.nan), np.nan), shrinkage=name)).all()


@settings(deadline=None)
@given(fwhm=st.floats(2.0, 30.0), share=st.floats(0.0, 0.999))
def test_parts_of_a_voigt_line_give_its_width_back(fwhm: float, share: float) -> None:
    gaussian = share * fwhm
    lorentzian = lorentzian_part(np.array([fwhm]), gaussian_hz=gaussian)
    assert voigt_fwhm(lorentzian, gaussian_hz=gaussian)[0] == pytest.approx(fwhm, rel=1e-9)
    assert gaussian_part(np.array([fwhm]), lorentzian_hz=lorentzian)[0] == pytest.approx(gaussian, abs=1e-5 * fwhm)


@pytest.mark.parametrize(("lorentzian", "gaussian"), [(5.0, 0.0), (0.001, 6.0), (3.0, 4.0), (6.0, 2.0)])
def test_the_width_is_that_of_a_voigt_profile(lorentzian: float, gaussian: float) -> None:
    """0.02 %: the accuracy that Olivero & Longbothum state."""
    offset = np.linspace(0.0, 10.0, 200001)
    profile = voigt_profile(offset, max(gaussian, 1e-9) / np.sqrt(8.0 * np.log(2.0)), lorentzian / 2.0)
    half = np.interp(-0.5 * profile[0], -profile, offset)
    assert voigt_fwhm(lorentzian, gaussian_hz=gaussian) == pytest.approx(2.0 * half, rel=3e-4)


def test_a_line_narrower_than_its_gaussian_part_has_no_lorentzian_one() -> None:
    np.testing.assert_array_equal(lorentzian_part(np.array([3.0]), gaussian_hz=4.0), 0.0)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: shrunk_widths(widths(np.ones(7)), shrinkage="bayes"), ConfigError, "unknown shrinkage of linewidths 'bayes'"),
        (lambda: shrunk_widths(widths(np.ones(7), np.nan), shrinkage="empirical_bayes"), DataError, "without a positive standard error"),
        (lambda: shrunk_widths(widths(np.ones(7), 0.0), shrinkage="two_level"), DataError, "without a positive standard error"),
        (lambda: widths(-np.ones(7)), DataError, "not positive"),
        (lambda: widths(np.ones(7), gaussian_hz=-1.0), DataError, "negative"),
        (lambda: WindowWidths(fwhm_hz=np.ones(3), sd_hz=np.ones(2), infusion=np.ones(3, bool)), DataError, "one number a window"),
    ],
)
def test_impossible_widths_are_refused(call, error, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        call()

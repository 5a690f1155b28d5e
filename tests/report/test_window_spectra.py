"""Spectra of windows on one axis and of one linewidth, against Lorentzian lines whose widths and places are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.report import stacks
from mrs_pipeline.report.contents import GroupReport, SessionReport
from mrs_pipeline.report.pages import group_page, session_page
from mrs_pipeline.report.window_spectra import WindowCurves, refined, window_spectra

HZ_PER_PPM = 127.7
STEP = -0.008


def lorentzian(x: np.ndarray, *, centre: float, width: float, area: float = 1.0) -> np.ndarray:
    return area * width / 2 / np.pi / ((x - centre) ** 2 + width**2 / 4)


@pytest.mark.parametrize(("shift", "width"), [(0.0, 0.0), (0.3, 0.0), (-1.7, 0.4), (0.0, 3.0)])
def test_lines_are_moved_and_broadened_as_lorentzian_ones(shift: float, width: float) -> None:
    """Widths of Lorentzian lines add; the line must be in range, so that little of its tails is beyond the ends."""
    x = np.arange(4000.0)
    found = refined(lorentzian(x, centre=2000.0, width=8.0), shift=shift, width=width)
    expected = lorentzian(x, centre=2000.0 + shift, width=8.0 + width)
    assert np.max(np.abs(found - expected)[100:-100]) < 1e-4 * expected.max()


def test_finer_points_lie_on_the_same_curve() -> None:
    x = np.arange(1000.0)
    found = refined(lorentzian(x, centre=500.3, width=9.0), shift=0.0, width=0.0, factor=4)
    expected = lorentzian(np.arange(found.size) / 4.0, centre=500.3, width=9.0)
    assert found.size == 999 * 4 + 1
    assert np.max(np.abs(found - expected)[400:-400]) < 1e-3 * expected.max()


def windows(*, width_hz: tuple[float, ...], glutamate: tuple[float, ...], shift_ppm: float = 0.001) -> list[WindowCurves]:
    """Spectra of NAA at 2.01 and a line at 2.35 ppm on axes that are a little apart; the first half is baseline."""
    found = []
    for number, (width, area) in enumerate(zip(width_hz, glutamate, strict=True)):
        ppm = 4.2 + STEP * np.arange(500) + shift_ppm * number
        lines = [lorentzian(ppm, centre=at, width=width / HZ_PER_PPM, area=size) for at, size in ((2.01, 1.0), (2.35, area))]
        fit = np.sum(lines, axis=0)
        curves = pd.DataFrame({"ppm": ppm, "data": fit, "fit": fit, "baseline": 0.0, "residual": 0.01 * fit.max()})
        found.append(
            WindowCurves(
                curves=curves,
                start_s=60.0 * number - 120.0,
                stop_s=60.0 * number - 60.0,
                reference=number < len(width_hz) // 2,
                fwhm_hz=width,
                fwhm_sd_hz=1e-4,
                gaussian_hz=0.0,
                hz_per_ppm=HZ_PER_PPM,
            )
        )
    return found


def test_lines_that_only_became_narrower_leave_no_difference() -> None:
    spectra = window_spectra(windows(width_hz=(6.0, 6.0, 5.8, 5.7), glutamate=(0.3, 0.3, 0.3, 0.3)))
    assert spectra is not None
    assert spectra.filter_hz == pytest.approx([0.0, 0.0, 0.25, 0.25], abs=1e-3)
    unmatched = spectra.data[2:].mean(axis=0) - spectra.data[:2].mean(axis=0)
    inside = slice(20, -20)
    assert np.max(np.abs(unmatched)[inside]) > 3.0
    assert np.max(np.abs(spectra.mean_difference)[inside]) < 0.1
    assert np.max(spectra.data[0]) == pytest.approx(100.0, rel=0.01)
    assert spectra.residual[0][inside] == pytest.approx(1.0, abs=0.05)


def test_a_change_of_amplitude_stays_in_the_difference() -> None:
    spectra = window_spectra(windows(width_hz=(6.0, 6.0, 5.8, 5.8), glutamate=(0.3, 0.3, 0.33, 0.33)))
    assert spectra is not None
    place = int(np.argmin(np.abs(spectra.ppm - 2.35)))
    assert spectra.mean_difference[place] == pytest.approx(3.0, rel=0.06)
    assert abs(spectra.mean_difference[int(np.argmin(np.abs(spectra.ppm - 2.01)))]) < 0.1


def test_what_cannot_be_compared_is_said() -> None:
    assert window_spectra([]) is None
    alone = window_spectra(windows(width_hz=(6.0,), glutamate=(0.3,)))
    assert alone is not None
    assert np.isnan(alone.differences).all()
    assert stacks.stacked_differences(alone).reason == stacks.NO_DIFFERENCE
    assert stacks.stacked_spectra(None).reason == stacks.NO_SPECTRA


def test_unknown_widths_are_left_as_they_are() -> None:
    known = windows(width_hz=(6.0, 5.8), glutamate=(0.3, 0.3))
    blind = [WindowCurves(**{**vars(window), "fwhm_hz": np.nan, "fwhm_sd_hz": np.nan}) for window in known]
    spectra = window_spectra(blind)
    assert spectra is not None
    assert list(spectra.filter_hz) == [0.0, 0.0]
    without_errors = window_spectra([WindowCurves(**{**vars(window), "fwhm_sd_hz": np.nan}) for window in known])
    assert without_errors is not None
    assert without_errors.filter_hz == pytest.approx([0.0, 0.2])


def test_the_pages_show_them(study: GroupReport, one_session: SessionReport) -> None:
    spectra = window_spectra(windows(width_hz=(6.0, 6.0, 5.8, 5.7), glutamate=(0.3, 0.3, 0.3, 0.3)))
    assert spectra is not None
    page = session_page(replace(one_session, spectra=spectra))
    for words in ("Spectra of 4 windows", "Differences of 4 windows", "Residuals of 4 windows", "filters of up to 0.25 Hz"):
        assert words in page
    of_all = dict.fromkeys([("01", "1"), ("01", "2"), ("02", "1"), ("02", "2")], spectra)
    assert "Mean difference spectrum with 95 % interval of placebo, drug" in group_page(replace(study, spectra=of_all))

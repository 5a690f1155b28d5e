"""What the linewidth does to the estimators of a session, on closed-form spectra."""

import numpy as np
import pytest

from mrs_pipeline.commands.estimators import ESTIMATORS, SessionCourse
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_mean, fit_windows

N = 12
AFTER = np.arange(N) >= 6


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


def course(make_fid, acquisition, fitter, *, lorentzian_hz: float) -> SessionCourse:
    widths = np.where(AFTER, lorentzian_hz, 3.0)
    data = np.array([make_fid(snr=300.0, hump=40.0, seed=k, lorentzian_hz=width) for k, width in enumerate(widths)])
    fids, counts = Fids(data=data, dims=("window", "time"), acquisition=acquisition), np.ones(N)
    mean = fit_mean(fids, counts=counts, fitter=fitter)
    fits = fit_windows(fids, counts=counts, fitter=fitter, mean=mean)
    return SessionCourse(averaged=fids, counts=counts, active=AFTER, fits=fits, mean=mean, fitter=fitter, seed=1)


def change(fits) -> float:
    """Percent change of Glx/tNAA."""
    names, amplitudes = fits[0].metabolites, np.array([fit.amplitudes for fit in fits])
    glx, tnaa = (amplitudes[:, np.isin(names, part)].sum(axis=1) for part in (("Glu", "Gln"), ("NAA", "NAAG")))
    ratio = glx / tnaa
    return float(100.0 * np.log(ratio[AFTER].mean() / ratio[~AFTER].mean()))


def test_narrowing_shows_where_the_lineshape_is_held_and_nowhere_else(fitter, make_fid, acquisition) -> None:
    """Lines 0.6 Hz narrower afterwards, the noise the same."""
    wide, narrow = (course(make_fid, acquisition, fitter, lorentzian_hz=width) for width in (3.0, 2.4))
    moved = {name: change(estimate(narrow)) - change(estimate(wide)) for name, estimate in ESTIMATORS.items()}
    moved["independent"] = change(narrow.fits) - change(wide.fits)
    assert abs(moved["lineshape_held"]) > 0.5
    assert abs(moved["independent"]) < 0.1
    assert abs(moved["joint"]) < 0.1
    # the matched width has an error of its own, and new noise
    assert abs(moved["linewidth_matched"]) < 0.3 * abs(moved["lineshape_held"])


def test_a_session_whose_mean_is_no_spectrum_has_no_other_estimators(fitter, make_fid, acquisition) -> None:
    good = course(make_fid, acquisition, fitter, lorentzian_hz=3.0)
    empty = good.averaged.with_data(np.zeros_like(good.averaged.data))
    mean = fit_mean(empty, counts=good.counts, fitter=fitter)
    bad = SessionCourse(averaged=empty, counts=good.counts, active=AFTER, fits=good.fits, mean=mean, fitter=fitter, seed=1)
    for estimate in ESTIMATORS.values():
        with pytest.raises(DataError, match="the mean of the session could not be fitted"):
            estimate(bad)

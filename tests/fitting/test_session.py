"""Windows of a session: the same baseline stiffness, that of their own noise."""

import numpy as np
import pytest

from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_windows, window_smoothing


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


def windows(make_fid, *, n: int, snr: float, hump: float) -> np.ndarray:
    return np.array([make_fid(snr=snr, hump=hump, seed=seed) for seed in range(n)])


def test_all_windows_share_a_stiffness_that_suits_their_noise(fitter, make_fid, acquisition) -> None:
    """Between that of their mean, which has eight times less noise variance, and nothing: what each would choose alone is near."""
    data = windows(make_fid, n=8, snr=40.0, hump=40.0)
    fits = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.full(8, 16.0), fitter=fitter)
    shared = {fit.smoothing for fit in fits}
    assert len(shared) == 1
    mean = fit_spectrum(data.mean(axis=0), fitter=fitter)
    alone = np.array([fit_spectrum(fid, fitter=fitter).smoothing for fid in data])
    assert mean.smoothing < shared.pop() < 8.0 * mean.smoothing * 1.001
    assert abs(np.log10(fits[0].smoothing / np.median(alone))) < abs(np.log10(mean.smoothing / np.median(alone))) + 0.3


def test_smoothing_follows_the_median_window(fitter, make_fid) -> None:
    mean = fit_spectrum(make_fid(snr=150.0, hump=40.0), fitter=fitter)
    equal, unequal = (window_smoothing(mean, counts=np.array(counts)) for counts in ([10.0] * 4, [10.0, 10.0, 10.0, 70.0]))
    assert unequal == pytest.approx(2.5 * equal)


def test_empty_windows_keep_their_place(fitter, make_fid, acquisition) -> None:
    data = windows(make_fid, n=3, snr=60.0, hump=0.0)
    data[1] = np.nan
    fits = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.array([8.0, 0.0, 8.0]), fitter=fitter)
    assert [fit.status for fit in fits] == ["ok", "too_few_transients", "ok"]
    none = fit_windows(Fids(data=data[1:2], dims=("window", "time"), acquisition=acquisition), counts=np.array([0.0]), fitter=fitter)
    assert [fit.status for fit in none] == ["too_few_transients"]

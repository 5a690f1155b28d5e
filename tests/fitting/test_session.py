"""Windows of a session: what belongs to the session is held, what may change is free."""

import numpy as np
import pytest

from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import fit_spectra, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_windows

from .conftest import TRUTH

N = 24


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


def session(make_fid, acquisition, **spectrum) -> Fids:
    """Windows of one truth with noise of their own."""
    data = np.array([make_fid(snr=40.0, hump=40.0, seed=seed, **spectrum) for seed in range(N)])
    return Fids(data=data, dims=("window", "time"), acquisition=acquisition)


def log_ratios(fits) -> np.ndarray:
    """100 ln(Glx/tNAA) of every fit."""
    names = fits[0].metabolites
    amplitudes = np.array([fit.amplitudes for fit in fits])
    glx, tnaa = (amplitudes[:, [names.index(name) for name in part]].sum(axis=1) for part in (("Glu", "Gln"), ("NAA", "NAAG")))
    return 100.0 * np.log(glx / tnaa)


def test_changes_are_more_precise_than_those_of_windows_fitted_alone(fitter, make_fid, acquisition) -> None:
    fids = session(make_fid, acquisition)
    together, alone = fit_windows(fids, counts=np.full(N, 16.0), fitter=fitter), fit_spectra(fids, fitter=fitter)
    assert all(fit.status == "ok" for fit in together)
    assert np.std(log_ratios(together)) < 0.85 * np.std(log_ratios(alone))
    assert np.mean(log_ratios(together)) == pytest.approx(100.0 * np.log(13.0 / 11.5), abs=3.0)


@pytest.mark.slow
def test_printed_errors_are_those_of_levels(fitter, make_fid, acquisition) -> None:
    """Sessions of four windows each: errors of the level against the truth, shared parts included, over what is printed."""
    scores = []
    for first in range(0, 120, 4):
        data = np.array([make_fid(snr=40.0, hump=40.0, seed=1000 + first + k) for k in range(4)])
        fids = Fids(data=data, dims=("window", "time"), acquisition=acquisition)
        for fit in fit_windows(fids, counts=np.full(4, 16.0), fitter=fitter):
            scores.append((fit.amplitudes - list(TRUTH.values())) / fit.sd)
    rms = np.sqrt(np.mean(np.square(scores), axis=0))
    # the truth has no shifts and widths of single components, for which the printed errors allow
    assert np.all((rms > 0.45) & (rms < 1.25))
    assert 0.92 < np.mean(np.abs(scores) < 1.96) <= 1.0


def test_a_change_of_the_amplitude_is_found_whole(fitter, make_fid, acquisition) -> None:
    """Glutamate rises by 10 % in half of the windows; the error of the mean over 12 windows is about 1 %."""
    before, after = session(make_fid, acquisition), session(make_fid, acquisition, truth={**TRUTH, "Glu": 11.0, "Gln": 3.3})
    data = np.concatenate([np.asarray(before.data)[: N // 2], np.asarray(after.data)[N // 2 :]])
    values = log_ratios(fit_windows(before.with_data(data), counts=np.full(N, 16.0), fitter=fitter))
    error = np.sqrt(np.var(values[: N // 2]) + np.var(values[N // 2 :])) / np.sqrt(N / 2)
    assert values[N // 2 :].mean() - values[: N // 2].mean() == pytest.approx(100.0 * np.log(1.1), abs=3.0 * error)


def test_narrower_lines_do_not_look_like_a_change(fitter, make_fid, acquisition) -> None:
    """All lines 0.5 Hz narrower in half of the windows."""
    wide, narrow = session(make_fid, acquisition), session(make_fid, acquisition, lorentzian_hz=2.5)
    data = np.concatenate([np.asarray(wide.data)[: N // 2], np.asarray(narrow.data)[N // 2 :]])
    fits = fit_windows(wide.with_data(data), counts=np.full(N, 16.0), fitter=fitter)
    widths, values = np.array([fit.quality["fwhm_hz"] for fit in fits]), log_ratios(fits)
    assert widths[: N // 2].mean() - widths[N // 2 :].mean() == pytest.approx(0.45, abs=0.15)
    error = np.sqrt(np.var(values[: N // 2]) + np.var(values[N // 2 :])) / np.sqrt(N / 2)
    assert abs(values[N // 2 :].mean() - values[: N // 2].mean()) < 3.0 * error


def test_a_baseline_that_departs_from_the_sessions_is_followed(fitter, make_fid, acquisition) -> None:
    data = np.asarray(session(make_fid, acquisition).data).copy()
    data[0] = make_fid(snr=40.0, hump=60.0, seed=0)
    fits = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.full(N, 16.0), fitter=fitter)
    assert fits[0].quality["fqn"] < 1.5
    assert abs(log_ratios(fits)[0] - np.median(log_ratios(fits))) < 3.0 * np.std(log_ratios(fits)[1:])


def test_empty_windows_keep_their_place(fitter, make_fid, acquisition) -> None:
    data = np.asarray(session(make_fid, acquisition).data)[:3].copy()
    data[1] = np.nan
    fits = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.array([8.0, 0.0, 8.0]), fitter=fitter)
    assert [fit.status for fit in fits] == ["ok", "too_few_transients", "ok"]
    none = fit_windows(Fids(data=data[1:2], dims=("window", "time"), acquisition=acquisition), counts=np.array([0.0]), fitter=fitter)
    assert [fit.status for fit in none] == ["too_few_transients"]


@pytest.mark.parametrize("alone", [True, False])
def test_printed_errors_of_the_linewidth_are_true(fitter, make_fid, acquisition, alone: bool) -> None:
    fids = session(make_fid, acquisition)
    fits = fit_spectra(fids, fitter=fitter) if alone else fit_windows(fids, counts=np.full(N, 16.0), fitter=fitter)
    widths, errors = (np.array([fit.quality[name] for fit in fits]) for name in ("fwhm_hz", "fwhm_sd_hz"))
    # 24 spectra tell an SD to 15 %
    assert np.std(widths) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=0.45)


def test_own_errors_of_windows_are_those_of_differences(fitter, make_fid, acquisition) -> None:
    fits = fit_windows(session(make_fid, acquisition), counts=np.full(N, 16.0), fitter=fitter)
    own = np.sqrt(np.mean([np.diag(fit.own_covariance) for fit in fits], axis=0))
    scatter = np.std([fit.amplitudes for fit in fits], axis=0, ddof=1)
    assert np.all((own > 0.65 * scatter) & (own < 1.5 * scatter))
    assert all(np.all(np.diag(fit.own_covariance) < np.diag(fit.covariance) * 1.05) for fit in fits)


def test_windows_that_share_transients_leave_the_others_alone(fitter, make_fid, acquisition) -> None:
    """Two windows, and beside them the mean of both, which has no say in the mean of the session and the covariance of its share."""
    data = session(make_fid, acquisition).data[:2]
    alone = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.array([64.0, 64.0]), fitter=fitter)
    shared = Fids(data=np.concatenate([data, data.mean(axis=0)[None]]), dims=("window", "time"), acquisition=acquisition)
    both = fit_windows(shared, counts=np.array([64.0, 64.0, 128.0]), fitter=fitter, in_mean=np.array([True, True, False]))
    for one, other in zip(alone, both[:2], strict=True):
        np.testing.assert_array_equal(one.amplitudes, other.amplitudes)
        np.testing.assert_array_equal(one.covariance, other.covariance)
    assert both[2].status == "ok"
    # the whole session is its own mean: nothing is added to what the mean knows
    assert np.all(np.diag(both[2].covariance) < np.diag(alone[0].covariance) + 1e-12)


def test_what_is_described_badly_in_all_windows_is_no_error_of_differences(fitter, make_fid, acquisition) -> None:
    """A line that is not in the basis, the same in every window: residuals several times the noise, changes as precise as without it."""
    clean = session(make_fid, acquisition)
    line = 40.0 * np.exp((2j * np.pi * (4.65 - 1.3) * 127.7 - np.pi * 7.0) * acquisition.time_s)
    spoiled = fit_windows(clean.with_data(np.asarray(clean.data) + line), counts=np.full(N, 16.0), fitter=fitter)
    assert np.mean([fit.quality["fqn"] for fit in spoiled]) > 2.0
    own = np.sqrt(np.mean([np.diag(fit.own_covariance) for fit in spoiled], axis=0))
    scatter = np.std([fit.amplitudes for fit in spoiled], axis=0, ddof=1)
    assert np.median(own / scatter) == pytest.approx(1.0, abs=0.35)

"""The joint fit of a session: truth of closed-form spectra, an effect of linewidth that is none, and errors that are true."""

import numpy as np
import pytest

from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import prepare_fitter
from mrs_pipeline.fitting.joint import fit_joint
from mrs_pipeline.fitting.joint_problem import Courses
from mrs_pipeline.fitting.joint_search import minimised
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_windows

from .conftest import TRUTH

N = 12
#: Windows before and after the change, as the design has them.
AFTER = np.repeat([0.0, 1.0], [4, 8])
DESIGN = np.stack([np.ones(N), AFTER], axis=1)


@pytest.fixture(scope="module")
def fitter(basis):
    return prepare_fitter(basis, options=FitOptions())


def session(make_fid, acquisition, *, seed=0, snr=40.0, changed=None, **afterwards) -> Fids:
    """Windows with noise of their own; those after the change have other amplitudes, or what `afterwards` says."""
    data = [
        make_fid(snr=snr, hump=40.0, seed=100 * seed + k, **({"truth": changed or TRUTH} | afterwards if after else {}))
        for k, after in enumerate(AFTER)
    ]
    return Fids(data=np.array(data), dims=("window", "time"), acquisition=acquisition)


def fitted(fids, fitter, *, amplitudes="follow", widths="free"):
    return fit_joint(fids, counts=np.ones(N), courses=Courses(amplitudes=amplitudes, widths=widths, design=DESIGN), fitter=fitter)


def change(fit) -> tuple[float, float]:
    """Change of ln(Glx/tNAA) in percent and its standard error."""
    values, covariance = fit.amplitudes(
        DESIGN[[0, -1]] if fit.courses.amplitudes == "follow" else np.stack([1 - AFTER, AFTER]) / [[4], [8]]
    )
    names = fit.mean.metabolites
    gradient, ratio = np.zeros_like(values), np.zeros(2)
    for sign, part in ((1, ("Glu", "Gln")), (-1, ("NAA", "NAAG"))):
        chosen = np.isin(names, part)
        for row in range(2):
            total = values[row] @ chosen
            ratio[row] += sign * np.log(total)
            gradient[row] += (2 * row - 1) * sign * chosen / total
    variance = np.einsum("ai,aibj,bj->", gradient, covariance, gradient)
    return float(100.0 * (ratio[1] - ratio[0])), float(100.0 * np.sqrt(variance))


@pytest.mark.parametrize("amplitudes", ["free", "follow"])
def test_a_change_of_the_amplitude_is_found_whole(fitter, make_fid, acquisition, amplitudes: str) -> None:
    changed = {**TRUTH, "Glu": 10.5, "Gln": 3.15}
    found, error = change(fitted(session(make_fid, acquisition, snr=400.0, changed=changed), fitter, amplitudes=amplitudes))
    assert 0.05 < error < 0.5
    assert found == pytest.approx(100.0 * np.log(1.05), abs=3.0 * error)


def test_narrower_lines_are_no_change_unless_widths_are_held(fitter, make_fid, acquisition) -> None:
    """All lines 0.5 Hz narrower afterwards, the noise the same."""
    wide, narrow = session(make_fid, acquisition), session(make_fid, acquisition, lorentzian_hz=2.5)
    moved = {
        widths: change(fitted(narrow, fitter, widths=widths))[0] - change(fitted(wide, fitter, widths=widths))[0]
        for widths in ("free", "follow", "held")
    }
    assert abs(moved["free"]) < 0.1
    assert abs(moved["follow"]) < 0.1
    assert abs(moved["held"]) > 0.5


def test_free_amplitudes_agree_with_windows_fitted_beside_their_mean(fitter, make_fid, acquisition) -> None:
    fids = session(make_fid, acquisition)
    together, covariance = fitted(fids, fitter, amplitudes="free").amplitudes(np.eye(N))
    windows = fit_windows(fids, counts=np.ones(N), fitter=fitter)
    sd = np.array([fit.sd for fit in windows])
    assert np.abs(together - [fit.amplitudes for fit in windows]).max() < 0.5 * sd.max()
    np.testing.assert_allclose(np.sqrt(np.einsum("aiai->ai", covariance)), sd, rtol=0.1)


def test_the_minimum_is_one(fitter, make_fid, acquisition) -> None:
    """From elsewhere the search comes back to the same unknowns."""
    minimum = fitted(session(make_fid, acquisition), fitter).minimum
    rng = np.random.default_rng(3)
    errors = np.sqrt(minimum.solution.local_variances), np.sqrt(np.diag(minimum.solution.shared_covariance))
    start = minimum.local + 2.0 * rng.standard_normal(minimum.local.shape) * errors[0], minimum.shared + 2.0 * errors[1]
    again = minimised(minimum.problem, *start)
    assert again.converged
    assert np.abs((again.local - minimum.local) / errors[0]).max() < 0.1
    assert np.abs((again.shared - minimum.shared) / errors[1]).max() < 0.1


def test_transients_give_what_windows_give(fitter, make_fid, acquisition) -> None:
    """Windows of four transients each: widths that follow the design, phase and shift free in every transient."""
    transients = np.array([[make_fid(snr=20.0, hump=40.0, seed=10 * k + j) for j in range(4)] for k in range(N)])
    windows = Fids(data=transients.mean(axis=1), dims=("window", "time"), acquisition=acquisition)
    single = Fids(data=transients.reshape(4 * N, -1), dims=("transient", "time"), acquisition=acquisition)
    courses = [Courses(amplitudes="follow", widths="follow", design=design) for design in (DESIGN, np.repeat(DESIGN, 4, axis=0))]
    of_windows, error = change(fit_joint(windows, counts=np.full(N, 4.0), courses=courses[0], fitter=fitter))
    of_transients, error_of_transients = change(fit_joint(single, counts=np.ones(4 * N), courses=courses[1], fitter=fitter))
    assert of_transients == pytest.approx(of_windows, abs=error)
    assert error_of_transients == pytest.approx(error, rel=0.2)


def test_rows_without_data_do_not_take_part(fitter, make_fid, acquisition) -> None:
    fids = session(make_fid, acquisition)
    data = np.asarray(fids.data).copy()
    data[5] = np.nan
    assert fitted(fids.with_data(data), fitter).rows == (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)
    assert fitted(fids.with_data(np.full_like(data, np.nan)), fitter).status == "too_few_transients"
    assert fitted(fids.with_data(np.zeros_like(data)), fitter).status == "no_signal"


@pytest.mark.slow
def test_errors_of_the_change_are_true(fitter, make_fid, acquisition) -> None:
    scores = []
    for seed in range(60):
        for amplitudes in ("free", "follow"):
            found, error = change(fitted(session(make_fid, acquisition, seed=seed), fitter, amplitudes=amplitudes))
            scores.append(found / error)
    assert np.mean(scores) == pytest.approx(0.0, abs=0.4)
    assert 0.75 < np.sqrt(np.mean(np.square(scores))) < 1.15
    assert np.mean(np.abs(scores) < 1.96) > 0.92

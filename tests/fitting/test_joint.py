"""The joint fit of a session: truth of closed-form spectra, an effect of linewidth that is none, and errors that are true."""

import numpy as np
import pytest

from mrs_pipeline.errors import DataError
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


def test_slopes_of_the_search_are_those_of_the_cost(fitter, make_fid, acquisition) -> None:
    """Against finite differences, in windows whose baselines depart from the session's."""
    data = np.array([make_fid(snr=40.0, hump=40.0 + 10.0 * (-1) ** k, seed=k) for k in range(N)])
    minimum = fitted(Fids(data=data, dims=("window", "time"), acquisition=acquisition), fitter, widths="follow").minimum
    problem, local = minimum.problem, minimum.local + np.sqrt(minimum.solution.local_variances)

    def cost(at: np.ndarray) -> float:
        off = at - problem.local_centre
        return sum(piece.squares.sum() for piece in problem.pieces(at, minimum.shared)) + np.sum((off @ problem.local_penalty) * off)

    slopes = np.concatenate([piece.blocks(local[piece.part]).local_right for piece in problem.pieces(local, minimum.shared)])
    for window in (0, 1):
        for unknown in range(local.shape[1]):
            step = np.zeros_like(local)
            step[window, unknown] = 1e-3 * np.sqrt(minimum.solution.local_variances[window, unknown])
            difference = (cost(local + step) - cost(local - step)) / (2.0 * step[window, unknown])
            assert -2.0 * slopes[window, unknown] == pytest.approx(difference, rel=0.02)


def with_echo(fids: Fids, *, window: int, size: float) -> Fids:
    """An echo of another signal in one window, `size` times as high as its FID."""
    data, time_s = np.asarray(fids.data).copy(), np.arange(1024) / 2000.0
    echo = np.exp(-(((time_s - 0.2) / 0.03) ** 2) + 2j * np.pi * (4.65 - 2.3) * 127.7 * time_s)
    data[window] += size * np.abs(data[window]).max() * echo
    return fids.with_data(data)


@pytest.mark.parametrize("amplitudes", ["free", "follow"])
def test_a_damaged_window_has_less_weight(fitter, make_fid, acquisition, amplitudes: str) -> None:
    fids = session(make_fid, acquisition)
    damaged = fitted(with_echo(fids, window=6, size=0.02), fitter, amplitudes=amplitudes)
    assert (damaged.status, damaged.ruined) == ("ok", ())
    assert np.flatnonzero(damaged.minimum.problem.weight < 0.85).tolist() == [6]
    (found, error), (expected, _) = change(damaged), change(fitted(fids, fitter, amplitudes=amplitudes))
    assert found == pytest.approx(expected, abs=0.5 * error)


@pytest.mark.parametrize("amplitudes", ["free", "follow"])
def test_a_ruined_window_is_left_out_by_name(fitter, make_fid, acquisition, amplitudes: str) -> None:
    """The rest is fitted as if it had never been recorded."""
    fids = session(make_fid, acquisition)
    data = np.asarray(fids.data).copy()
    data[6] = np.nan
    ruined, without = (fitted(item, fitter, amplitudes=amplitudes) for item in (with_echo(fids, window=6, size=0.3), fids.with_data(data)))
    assert (ruined.status, ruined.ruined, ruined.rows) == ("ok", (6,), without.rows)
    if amplitudes == "free":
        assert [fit.status for fit in ruined.window_fits(N)] == ["not_described" if row == 6 else "ok" for row in range(N)]
    np.testing.assert_array_equal(ruined.minimum.shared, without.minimum.shared)


def test_designs_that_tell_nothing_apart_are_refused(fitter, make_fid, acquisition) -> None:
    fids = session(make_fid, acquisition)

    def attempt(design):
        return fit_joint(fids, counts=np.ones(len(fids.data)), courses=courses(design), fitter=fitter)

    def courses(design):
        return Courses(amplitudes="follow", widths="free", design=design)

    with pytest.raises(DataError, match="combinations of others at its 12 spectra"):
        attempt(np.c_[DESIGN, 1.0 - AFTER])
    with pytest.raises(DataError, match="5 rows for 12 spectra"):
        attempt(DESIGN[:5])
    with pytest.raises(DataError, match="column of ones"):
        attempt(DESIGN[:, ::-1])
    with pytest.raises(DataError, match="not a number"):
        attempt(np.where(np.arange(N)[:, None] == 3, np.nan, DESIGN))


def test_a_session_without_its_baseline_has_a_status(fitter, make_fid, acquisition) -> None:
    fids = session(make_fid, acquisition)
    data = np.asarray(fids.data).copy()
    data[:4] = np.nan
    assert fitted(fids.with_data(data), fitter).status == "too_few_transients"
    assert fitted(fids.with_data(data), fitter, amplitudes="free").status == "ok"


def test_windows_of_zeros_or_of_no_transients_do_not_take_part(fitter, make_fid, acquisition) -> None:
    fids = session(make_fid, acquisition)
    data, counts = np.asarray(fids.data).copy(), np.ones(N)
    data[5], counts[7] = 0.0, 0.0
    fit = fit_joint(fids.with_data(data), counts=counts, courses=Courses(amplitudes="follow", widths="free", design=DESIGN), fitter=fitter)
    assert fit.rows == (0, 1, 2, 3, 4, 6, 8, 9, 10, 11)
    statuses = [item.status for item in fit_windows(fids.with_data(data), counts=counts, fitter=fitter)]
    assert statuses == ["no_signal" if k == 5 else "too_few_transients" if k == 7 else "ok" for k in range(N)]


@pytest.mark.parametrize("amplitudes", ["free", "follow"])
def test_what_the_mean_does_not_show_is_no_less_uncertain_than_in_windows(fitter, make_fid, acquisition, amplitudes: str) -> None:
    """GABA is below what a positive amplitude could describe: its change is zero, and has an error."""
    fids, weights = session(make_fid, acquisition, snr=30.0, changed={**TRUTH, "GABA": -1.0}), np.stack([1 - AFTER, AFTER]) / [[4], [8]]
    data = np.asarray(fids.data).copy()
    data[:4] = np.asarray(session(make_fid, acquisition, snr=30.0, changed={**TRUTH, "GABA": -1.0}).data)[4:8]
    fit = fitted(fids.with_data(data), fitter, amplitudes=amplitudes)
    at = fit.mean.metabolites.index("GABA")
    assert fit.components.unseen == (at,)
    values, covariance = fit.amplitudes(weights if amplitudes == "free" else DESIGN[[0, -1]])
    own = np.array([item.own_covariance[at, at] for item in fit_windows(fids.with_data(data), counts=np.ones(N), fitter=fitter)])
    expected = np.sqrt(np.sum((weights[1] - weights[0]) ** 2 * own))
    variances = covariance[:, at, :, at]
    assert not values[:, at].any()
    # no less than that of windows; more by what the mean did not know of shifts and widths of components
    assert 0.9 * expected < np.sqrt(variances[0, 0] + variances[1, 1] - 2 * variances[0, 1]) < 2.5 * expected


@pytest.mark.parametrize("options", [{"baseline": "none"}, {"baseline": "polynomial"}, {"priors": False}, {"lineshape": "asymmetric"}])
def test_every_baseline_and_lineshape_can_be_fitted_jointly(basis, make_fid, acquisition, options) -> None:
    fitter = prepare_fitter(basis, options=FitOptions(**options))
    found, error = change(fitted(session(make_fid, acquisition, changed={**TRUTH, "Glu": 12.0, "Gln": 3.6}), fitter))
    assert found == pytest.approx(100.0 * np.log(1.2), abs=3.5 * error)
    assert error < 5.0


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

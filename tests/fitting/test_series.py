"""Spectra of a session solved at once: derivatives against differences, solutions against another solver, closed-form truth found again."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.optimize

from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.non_negative import non_negative_all
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.series import evaluated
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.fitting.session_series import lent_by, session_series

from .conftest import TRUTH, line_fid


@pytest.fixture(scope="module")
def broad(acquisition) -> np.ndarray:
    """A macromolecule of 25 Hz at 0.9 ppm."""
    return 4.0 * line_fid(0.9, acquisition.time_s) * np.exp(-np.pi * 25.0 * acquisition.time_s)


@pytest.fixture(scope="module")
def fitter(basis, broad):
    with_broad = replace(basis, metabolites=(*basis.metabolites, "MM09"), fids=np.vstack([basis.fids, broad]))
    return prepare_fitter(with_broad, options=FitOptions())


@pytest.fixture(scope="module")
def signal(make_fid, acquisition, broad):
    """A spectrum with the macromolecule, which widths and faults change like all signals."""

    def make(*, lorentzian_hz=3.0, gaussian_hz=4.0, shift_hz=0.0, phase_rad=0.0, **spectrum) -> np.ndarray:
        time_s = acquisition.time_s
        decay = np.exp(-np.pi * lorentzian_hz * time_s - (np.pi * gaussian_hz * time_s) ** 2 / (4 * np.log(2)))
        fid = make_fid(lorentzian_hz=lorentzian_hz, gaussian_hz=gaussian_hz, shift_hz=shift_hz, phase_rad=phase_rad, hump=20.0, **spectrum)
        return fid + 3.0 * broad * decay * np.exp(1j * phase_rad + 2j * np.pi * shift_hz * time_s)

    return make


def test_gradient_is_the_slope_of_the_cost(fitter, signal) -> None:
    lent = lent_by(fit_spectrum(signal(snr=200.0), fitter=fitter), fitter=fitter)
    fids = np.array([signal(snr=40.0, seed=seed) for seed in (1, 2)])
    unit = np.full(2, 30.0)
    series = session_series(fids, lent=lent, unit=unit, smoothing=10.0, fitter=fitter)
    guess = np.ones((2, len(lent.free)), dtype=bool)
    theta = np.tile(lent.theta + np.array([0.1, 2e-5, 0.7, 3.0, 0.4]), (2, 1))
    gradient = evaluated(series, theta, guess=guess).gradient
    for index, size in enumerate((1e-6, 1e-9, 1e-5, 1e-4, 1e-5)):
        step = np.eye(len(COMMON))[index] * size
        up, down = (evaluated(series, theta + sign * step, guess=guess).cost for sign in (1, -1))
        # phases turn the noise too, which the derivative leaves out: Gauss-Newton's, whose error does not grow with the signal
        tolerance = 1e-4 if index > 1 else 5e-2
        np.testing.assert_allclose(-2.0 * gradient[:, index], (up - down) / (2.0 * size), rtol=tolerance, atol=1e-3)


def test_windows_of_different_shift_phase_and_width_are_found_without_noise(fitter, signal, acquisition) -> None:
    told = [(0.0, 0.0, 3.0, 4.0), (0.6, 0.2, 2.5, 4.0), (-0.5, -0.2, 3.0, 4.4), (-0.1, 0.0, 3.5, 3.6)]
    data = np.array([signal(shift_hz=a, phase_rad=b, lorentzian_hz=c, gaussian_hz=d) for a, b, c, d in told])
    fits = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.ones(4), fitter=fitter)
    for fit, (shift_hz, phase_rad, lorentzian_hz, gaussian_hz) in zip(fits, told, strict=True):
        assert fit.status == "ok"
        # the mean of lines of different shift is a little broader than each, and lends its components' widths
        assert fit.parameters["shift_hz"] == pytest.approx(shift_hz, abs=0.02)
        assert fit.parameters["phase0_rad"] == pytest.approx(phase_rad, abs=0.01)
        width = fit.parameters["lorentzian_hz"] + fit.parameters["broadening_hz_NAA"]
        assert width == pytest.approx(lorentzian_hz, abs=0.15)
        assert np.sqrt(fit.parameters["gaussian_square_hz2"]) == pytest.approx(gaussian_hz, abs=0.15)
        values = dict(zip(fit.metabolites, fit.amplitudes, strict=True))
        assert (values["Glu"] + values["Gln"]) / (values["NAA"] + values["NAAG"]) == pytest.approx(13.0 / 11.5, rel=0.01)


@pytest.mark.parametrize(("shift_hz", "phase_rad"), [(12.0, 0.0), (0.0, 2.5), (-20.0, -2.0)])
def test_a_window_far_from_the_others_is_found(fitter, signal, acquisition, shift_hz: float, phase_rad: float) -> None:
    data = np.array([signal(snr=60.0, seed=seed) for seed in range(12)])
    data[3] = signal(snr=60.0, seed=3, shift_hz=shift_hz, phase_rad=phase_rad)
    fit = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.ones(12), fitter=fitter)[3]
    assert fit.status == "ok"
    assert fit.quality["shift_hz"] == pytest.approx(shift_hz, abs=0.3)
    assert np.abs(fit.amplitudes[: len(TRUTH)] - list(TRUTH.values())).max() < 4.0 * fit.sd.max()


def test_macromolecules_of_windows_are_those_of_the_session(fitter, signal, acquisition) -> None:
    data = np.array([signal(snr=40.0, seed=seed) for seed in range(6)])
    fits = fit_windows(Fids(data=data, dims=("window", "time"), acquisition=acquisition), counts=np.ones(6), fitter=fitter)
    mean = fit_spectrum(data.mean(axis=0), fitter=fitter)
    place = mean.metabolites.index("MM09")
    assert all(fit.amplitudes[place] == pytest.approx(mean.amplitudes[place], rel=1e-12) for fit in fits)
    assert all(fit.sd[place] == pytest.approx(mean.sd[place], rel=1e-9) for fit in fits)
    assert {"MM09", "phase1_s", "shift_hz_NAA"} <= fits[0].held
    assert not {"NAA", "shift_hz", "phase0_rad"} & fits[0].held


def test_many_non_negative_solutions_agree_with_bounded_least_squares() -> None:
    rng = np.random.default_rng(3)
    matrices, targets = rng.standard_normal((30, 40, 9)), rng.standard_normal((30, 40))
    gram, right = matrices.mT @ matrices, (matrices.mT @ targets[:, :, None])[:, :, 0]
    expected = np.array([scipy.optimize.lsq_linear(a, b, bounds=(0, np.inf), tol=1e-14).x for a, b in zip(matrices, targets, strict=True)])
    for guess in (np.ones(expected.shape, dtype=bool), rng.random(expected.shape) < 0.5):
        np.testing.assert_allclose(non_negative_all(gram, right, guess=guess), expected, atol=1e-6)

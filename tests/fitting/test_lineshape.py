"""Lineshapes: orthogonal to the Voigt parameters, right derivatives, and recovery of distorted spectra."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.lineshape import LINESHAPES, lineshape
from mrs_pipeline.fitting.options import FitOptions

from .conftest import TRUTH

TIME_S = np.arange(1024) / 2000.0


@pytest.mark.parametrize("name", LINESHAPES)
def test_columns_do_what_no_other_parameter_does(name: str) -> None:
    """Orthogonal, under the energy of a 5 Hz line, to phase and shift (imaginary) or amplitude and both widths (real)."""
    columns = lineshape(name).columns(TIME_S)
    weight = np.exp(-2 * np.pi * 5.0 * TIME_S)
    weight /= weight.sum()
    for column in columns:
        turned = column.imag if np.abs(column.imag).max() > 0 else column.real
        powers = range(2) if np.abs(column.imag).max() > 0 else range(3)
        assert np.sum(weight * turned**2) == pytest.approx(1.0, abs=0.02)
        for power in powers:
            other = TIME_S**power
            assert abs(np.sum(weight * turned * other)) < 0.02 * np.sqrt(np.sum(weight * other**2))


@pytest.mark.parametrize("name", ["asymmetric", "eddy", "free"])
def test_derivatives_agree_with_finite_differences(basis, make_fid, name: str) -> None:
    model = prepare_fitter(basis, options=FitOptions(lineshape=name)).model
    theta = np.zeros(model.n_parameters)
    theta[2:5] = [1.0, 20.0, 2.0]
    theta[-model.lineshape.n_columns :] = 0.1 * np.random.default_rng(1).standard_normal(model.lineshape.n_columns)
    amplitudes = np.array(list(TRUTH.values()))
    analytic = model.derivatives(model.modulated(theta), amplitudes=amplitudes, explained=model.columns(theta) @ amplitudes)
    for index in range(2, model.n_parameters):
        step = np.zeros_like(theta)
        step[index] = 1e-5
        numeric = (model.columns(theta + step) - model.columns(theta - step)) @ amplitudes / 2e-5
        np.testing.assert_allclose(analytic[:, index], numeric, atol=1e-6 * np.abs(numeric).max())


def distorted(make_fid, *, kind: str) -> np.ndarray:
    """A spectrum whose lines an eddy current turns, or whose decay is no Voigt line."""
    clean, noise = make_fid(), make_fid(snr=250.0, seed=3) - make_fid()
    factor = {
        "eddy": np.exp(1.2j * np.exp(-TIME_S / 0.03)),
        "decay": 1.0 + 0.25 * np.exp(-((TIME_S - 0.06) ** 2) / (2 * 0.03**2)),
    }[kind]
    return np.asarray(clean * factor + noise)


@pytest.mark.parametrize(("kind", "name"), [("eddy", "eddy"), ("eddy", "free"), ("decay", "free")])
def test_distorted_lines_are_followed(basis, make_fid, kind: str, name: str) -> None:
    fid = distorted(make_fid, kind=kind)
    plain, shaped = (fit_spectrum(fid, fitter=prepare_fitter(basis, options=FitOptions(lineshape=each))) for each in ("voigt", name))
    assert shaped.status == "ok"
    assert shaped.quality["fqn"] < 1.3
    assert plain.quality["fqn"] > 1.5
    ratio = np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 0, 1.0, 1.0, 0])
    below, above = (weights @ shaped.amplitudes for weights in ratio)
    assert above / below == pytest.approx(13.0 / 11.5, rel=0.03)


def test_a_lineshape_that_is_not_needed_changes_nothing(basis, make_fid) -> None:
    fid = make_fid(snr=60.0, seed=4)
    plain, shaped = (fit_spectrum(fid, fitter=prepare_fitter(basis, options=FitOptions(lineshape=each))) for each in ("voigt", "free"))
    assert np.all(np.abs(shaped.amplitudes - plain.amplitudes) < shaped.sd)
    assert np.all(np.abs([shaped.parameters[f"lineshape_{index}"] for index in range(5)]) < 0.2)


def test_unknown_lineshape_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="unknown lineshape 'lorentz': use one of asymmetric, eddy, free, voigt"):
        lineshape("lorentz")

"""Measures: values by hand, standard errors against sampling of the amplitudes."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit, failed_fit
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, check_metabolites, evaluate_measure, measure_definitions

NAMES = ("Glu", "Gln", "NAA", "NAAG")
AMPLITUDES = np.array([10.0, 3.0, 9.0, 1.0])


def make_fit(covariance: np.ndarray) -> SpectrumFit:
    return SpectrumFit(
        metabolites=NAMES,
        amplitudes=AMPLITUDES,
        covariance=covariance,
        parameters={},
        quality={},
        status="ok",
        reason="",
        curves=None,
        smoothing=1.0,
    )


@pytest.fixture
def covariance() -> np.ndarray:
    root = np.array([[0.30, 0.0, 0.0, 0.0], [-0.25, 0.2, 0.0, 0.0], [0.05, 0.02, 0.15, 0.0], [-0.02, 0.0, -0.12, 0.1]])
    return root @ root.T


def definition(name: str):
    return {item.name: item for item in measure_definitions(DEFAULT_MEASURES)}[name]


def test_sum_and_ratio_by_hand(covariance: np.ndarray) -> None:
    fit = make_fit(covariance)
    assert evaluate_measure(fit, definition=definition("Glx")).value == pytest.approx(13.0)
    assert evaluate_measure(fit, definition=definition("Glx/tNAA")).value == pytest.approx(1.3)
    assert evaluate_measure(fit, definition=definition("Glu/tNAA")).value == pytest.approx(1.0)
    assert evaluate_measure(fit, definition=definition("Glx/tNAA")).terms == "(Glu+Gln)/(NAA+NAAG)"


@pytest.mark.parametrize("name", ["Glx", "tNAA", "Glx/tNAA", "Glu/tNAA"])
def test_standard_errors_match_sampled_amplitudes(covariance: np.ndarray, name: str) -> None:
    draws = np.random.default_rng(1).multivariate_normal(AMPLITUDES, covariance * 0.01, size=200_000)
    glx, tnaa = draws[:, 0] + draws[:, 1], draws[:, 2] + draws[:, 3]
    sampled = {"Glx": glx, "tNAA": tnaa, "Glx/tNAA": glx / tnaa, "Glu/tNAA": draws[:, 0] / tnaa}[name]
    assert evaluate_measure(make_fit(covariance * 0.01), definition=definition(name)).sd == pytest.approx(sampled.std(), rel=0.01)


def test_ratio_of_a_sum_to_itself_has_no_error(covariance: np.ndarray) -> None:
    same = measure_definitions({"tNAA": {"sum": ["NAA", "NAAG"]}, "one": {"ratio": ["tNAA", "tNAA"]}})[1]
    measure = evaluate_measure(make_fit(covariance), definition=same)
    assert measure.value == 1.0
    assert measure.sd == pytest.approx(0.0, abs=1e-12)


def test_failed_fit_gives_nan_not_zero() -> None:
    measure = evaluate_measure(failed_fit(NAMES, status="no_signal"), definition=definition("Glx/tNAA"))
    assert np.isnan(measure.value)
    assert np.isnan(measure.sd)


def test_sum_without_any_member_is_nan_and_a_partial_one_says_so(covariance: np.ndarray) -> None:
    fit = make_fit(covariance)
    assert np.isnan(evaluate_measure(fit, definition=definition("tCr")).value)
    partial = measure_definitions({"odd": {"sum": ["Glu", "Ins"]}})[0]
    assert evaluate_measure(fit, definition=partial).terms == "Glu"


def test_synonyms_are_understood() -> None:
    assert measure_definitions({"tCho": {"sum": ["GPC", "PCho"]}})[0].numerator == ("GPC", "PCh")


def test_wrong_definitions_are_named() -> None:
    with pytest.raises(ConfigError, match=r"measures\.Glx"):
        measure_definitions({"Glx": {"sum": []}})
    with pytest.raises(ConfigError, match="must be a 'sum' itself"):
        measure_definitions({"a": {"ratio": ["Glu", "NAA"]}, "b": {"ratio": ["a", "NAA"]}})


def test_unknown_metabolite_names_the_measure_and_the_valid_ones() -> None:
    definitions = measure_definitions({"odd": {"sum": ["Glutamiate"]}})
    with pytest.raises(ConfigError, match=r"measures.odd needs metabolite 'Glutamiate'.*Gln, Glu, NAA, NAAG"):
        check_metabolites(definitions, metabolites=NAMES)

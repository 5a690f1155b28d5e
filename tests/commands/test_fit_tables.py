"""Tables of fits: percent, intervals and correlations against their definitions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.commands.fit_remarks import fit_remarks
from mrs_pipeline.commands.fit_tables import amplitude_table, correlation_table, measure_table, quality_table
from mrs_pipeline.fitting.adequacy import NOT_NOISE, UNKNOWN, Adequacy
from mrs_pipeline.fitting.spectrum_fit import QUALITY_NAMES, FitCurves, SpectrumFit, failed_fit
from mrs_pipeline.io.curves import read_covariances, write_curves
from mrs_pipeline.quantification.intervals import IntervalOptions
from mrs_pipeline.quantification.measures import measure_definitions

NAMES = ("Glu", "Gln", "NAA", "Lac")
SD = np.array([0.5, 0.6, 0.2, 0.3])
CORRELATION = np.array([[1.0, -0.7, 0.1, 0.0], [-0.7, 1.0, 0.0, 0.4], [0.1, 0.0, 1.0, 0.0], [0.0, 0.4, 0.0, 1.0]])


@pytest.fixture
def fit() -> SpectrumFit:
    points = np.zeros(5, dtype=complex)
    return SpectrumFit(
        metabolites=NAMES,
        amplitudes=np.array([10.0, 3.0, 8.0, 0.0]),
        covariance=CORRELATION * np.outer(SD, SD),
        parameters={},
        quality=dict.fromkeys(QUALITY_NAMES, 1.0),
        status="ok",
        reason="",
        curves=FitCurves(ppm=np.arange(5.0), data=points, baseline=points, components=np.zeros((5, 4), dtype=complex), residual=points),
        smoothing=1.0,
    )


@pytest.fixture
def check(fit: SpectrumFit) -> Adequacy:
    """A baseline that costs half as much variance again, a structured residual and a line of 8 standard errors at 1.31 ppm."""
    numbers = {**UNKNOWN.numbers, "effective_dimension": 40.0, "residual_structure": 1.3, "missing_line_ppm": 1.31, "missing_line_z": 8.0}
    return Adequacy(
        numbers=numbers, warnings=(NOT_NOISE, "a line near 1.31 ppm is not in the basis"), covariance_known_baseline=fit.covariance / 1.5
    )


def test_amplitudes_have_percent_and_interval(fit: SpectrumFit, check: Adequacy) -> None:
    fits = [fit, failed_fit(NAMES, status="no_signal")]
    table = pd.DataFrame(amplitude_table(fits, checks=[check, UNKNOWN], intervals=IntervalOptions())).set_index(["spectrum", "metabolite"])
    assert table.loc[(0, "Glu"), "sd_percent"] == pytest.approx(5.0)
    assert table.loc[(0, "Gln"), "ci_low"] == pytest.approx(3.0 - 1.959964 * 0.6)
    assert table.loc[(0, "Gln"), "baseline_inflation"] == pytest.approx(1.5)
    assert np.isnan(table.loc[(0, "Lac"), "sd_percent"])
    assert table.loc[(0, "Lac"), ["ci_low", "interval"]].tolist() == [0.0, "at_zero"]
    assert table.loc[(0, "Lac"), "ci_high"] == pytest.approx(1.959964 * 0.3)
    assert table.loc[1, ["amplitude", "sd", "sd_percent", "ci_low", "ci_high", "baseline_inflation"]].isna().all(axis=None)


def test_correlations_name_the_pairs_asked_for_and_strong_ones(fit: SpectrumFit) -> None:
    table = pd.DataFrame(correlation_table([fit, failed_fit(NAMES, status="no_signal")]))
    assert table["spectrum"].tolist() == [0, 0]
    found = {(row.metabolite, row.metabolite_2): row.correlation for row in table.itertuples()}
    assert found == {("Glu", "Gln"): pytest.approx(-0.7), ("Gln", "Lac"): pytest.approx(0.4)}


def test_the_whole_covariance_is_kept_with_the_curves(fit: SpectrumFit, tmp_path) -> None:
    write_curves([failed_fit(NAMES, status="no_signal"), fit], tmp_path / "curves.npz")
    covariances = read_covariances(tmp_path / "curves.npz")
    assert list(covariances) == [1]
    pd.testing.assert_frame_equal(covariances[1], pd.DataFrame(fit.covariance, index=list(NAMES), columns=list(NAMES)))


DEFINITIONS = measure_definitions({"Glx": {"sum": ["Glu", "Gln"]}, "Glx/NAA": {"ratio": ["Glx", "NAA"]}})


def test_measures_have_intervals_and_the_cost_of_the_baseline(fit: SpectrumFit, check: Adequacy) -> None:
    table = pd.DataFrame(
        measure_table([fit], checks=[check], definitions=DEFINITIONS, estimator="independent", intervals=IntervalOptions())
    )
    rows = table.set_index("measure")
    sd = np.sqrt(0.5**2 + 0.6**2 - 2 * 0.7 * 0.5 * 0.6)
    assert rows.loc["Glx", ["ci_low", "ci_high"]].tolist() == pytest.approx([13.0 - 1.959964 * sd, 13.0 + 1.959964 * sd])
    assert rows.loc["Glx/NAA", "interval"] == "log_ratio"
    assert rows["baseline_inflation"].tolist() == pytest.approx([1.5, 1.5])


def test_quality_has_the_checks_and_their_warnings(fit: SpectrumFit, check: Adequacy) -> None:
    table = pd.DataFrame(quality_table([fit, failed_fit(NAMES, status="no_signal")], checks=[check, UNKNOWN]))
    assert table.loc[0, "warnings"] == "the residual is not noise; a line near 1.31 ppm is not in the basis"
    assert table.loc[0, "missing_line_z"] == 8.0
    assert table.loc[1, ["status", "warnings"]].tolist() == ["no_signal", ""]


def test_remarks_count_fits_and_name_what_is_worst(fit: SpectrumFit, check: Adequacy) -> None:
    worse = replace(check, covariance_known_baseline=fit.covariance / 12.0)
    fits = [fit, failed_fit(NAMES, status="no_signal"), fit, fit]
    structured, line, coupled = fit_remarks(fits, checks=[check, UNKNOWN, worse, worse], definitions=DEFINITIONS)
    assert structured.startswith("in 3 of 3 fits the residual is not noise")
    assert "1.3 times" in structured
    assert line.startswith("a line near 1.31 ppm is not in the basis: the residual of 3 of 3 fits")
    assert "Glx (12 times), Glx/NAA (12 times)" in coupled


def test_good_and_failed_fits_need_no_remark(fit: SpectrumFit) -> None:
    fine = Adequacy(numbers={**UNKNOWN.numbers, "effective_dimension": 40.0}, covariance_known_baseline=fit.covariance)
    fits = [fit, failed_fit(NAMES, status="no_signal")]
    assert fit_remarks(fits, checks=[fine, UNKNOWN], definitions=DEFINITIONS) == ()

"""Tables of fits: percent, intervals and correlations against their definitions."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.commands.fit_tables import amplitude_table, correlation_table
from mrs_pipeline.fitting.spectrum_fit import FitCurves, SpectrumFit, failed_fit
from mrs_pipeline.io.curves import read_covariances, write_curves
from mrs_pipeline.quantification.intervals import IntervalOptions

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
        quality={},
        status="ok",
        reason="",
        curves=FitCurves(ppm=np.arange(5.0), data=points, baseline=points, components=np.zeros((5, 4), dtype=complex), residual=points),
        smoothing=1.0,
    )


def test_amplitudes_have_percent_and_interval(fit: SpectrumFit) -> None:
    table = amplitude_table([fit, failed_fit(NAMES, status="no_signal")], intervals=IntervalOptions()).set_index(["spectrum", "metabolite"])
    assert table.loc[(0, "Glu"), "sd_percent"] == pytest.approx(5.0)
    assert table.loc[(0, "Gln"), "ci_low"] == pytest.approx(3.0 - 1.959964 * 0.6)
    assert np.isnan(table.loc[(0, "Lac"), "sd_percent"])
    assert table.loc[(0, "Lac"), ["ci_low", "interval"]].tolist() == [0.0, "at_zero"]
    assert table.loc[(0, "Lac"), "ci_high"] == pytest.approx(1.959964 * 0.3)
    assert table.loc[1, ["amplitude", "sd", "sd_percent", "ci_low", "ci_high"]].isna().all(axis=None)


def test_correlations_name_the_pairs_asked_for_and_strong_ones(fit: SpectrumFit) -> None:
    table = correlation_table([fit, failed_fit(NAMES, status="no_signal")])
    assert table["spectrum"].tolist() == [0, 0]
    found = {(row.metabolite, row.metabolite_2): row.correlation for row in table.itertuples()}
    assert found == {("Glu", "Gln"): pytest.approx(-0.7), ("Gln", "Lac"): pytest.approx(0.4)}


def test_the_whole_covariance_is_kept_with_the_curves(fit: SpectrumFit, tmp_path) -> None:
    write_curves([failed_fit(NAMES, status="no_signal"), fit], tmp_path / "curves.npz")
    covariances = read_covariances(tmp_path / "curves.npz")
    assert list(covariances) == [1]
    pd.testing.assert_frame_equal(covariances[1], pd.DataFrame(fit.covariance, index=list(NAMES), columns=list(NAMES)))

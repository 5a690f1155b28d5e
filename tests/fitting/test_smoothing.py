"""Baseline stiffness: limits of the effective dimension, and a criterion that follows the data."""

import numpy as np
import pytest

from mrs_pipeline.fitting.baseline import baseline_model
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.smoothing import smoothing_scale

PPM = 4.65 - np.fft.fftshift(np.fft.fftfreq(1024, 1 / 2000.0)) / 127.7
MASK = (PPM >= 0.2) & (PPM <= 4.2)


def test_effective_dimension_runs_from_all_columns_to_a_straight_line() -> None:
    baseline = baseline_model(PPM, mask=MASK, model="p_spline")
    scale = smoothing_scale(baseline, ppm_range=(0.2, 4.2))
    assert scale is not None
    assert scale.effective_dimension(0.0) == pytest.approx(np.count_nonzero(np.diag(baseline.penalty)))
    assert scale.effective_dimension(1e15) == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("dimension", [3.0, 8.0, 20.0])
def test_smoothing_of_a_dimension_gives_that_dimension(dimension: float) -> None:
    scale = smoothing_scale(baseline_model(PPM, mask=MASK, model="p_spline"), ppm_range=(0.2, 4.2))
    assert scale is not None
    assert scale.effective_dimension(scale.smoothing(dimension)) == pytest.approx(dimension, rel=1e-3)


def test_models_without_penalty_have_nothing_to_choose() -> None:
    assert smoothing_scale(baseline_model(PPM, mask=MASK, model="polynomial"), ppm_range=(0.2, 4.2)) is None


@pytest.mark.parametrize("criterion", ["reml", "maic"])
def test_criterion_is_stiffer_for_flat_than_for_curved_data(basis, make_fid, criterion: str) -> None:
    fitter = prepare_fitter(basis, options=FitOptions(baseline_stiffness=criterion))
    flat = fit_spectrum(make_fid(snr=80.0), fitter=fitter)
    curved = fit_spectrum(make_fid(snr=80.0, hump=60.0), fitter=fitter)
    assert flat.quality["baseline_ed_per_ppm"] < curved.quality["baseline_ed_per_ppm"]

"""Baseline columns: closed forms of the Hilbert pair and of B-splines, and the contract every model keeps."""

import numpy as np
import pytest

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.fitting.baseline import BASELINES, baseline_model, cubic_b_spline, water_tails, with_hilbert_partner

PPM = 4.65 - np.fft.fftshift(np.fft.fftfreq(1024, 1 / 2000.0)) / 127.7
MASK = (PPM >= 0.2) & (PPM <= 4.2)


@pytest.mark.parametrize("phase_rad", [0.0, 0.7, 3.0])
def test_hilbert_partner_rebuilds_a_causal_spectrum_from_its_real_part(phase_rad: float) -> None:
    time_s = np.arange(1024) / 2000.0
    fid = np.exp(1j * phase_rad + (2j * np.pi * 210.0 - np.pi * 60.0) * time_s)
    fid[0] = fid[0].real
    spectrum = np.fft.fftshift(np.fft.fft(fid))
    rebuilt = with_hilbert_partner(spectrum.real[:, None])[:, 0]
    assert np.abs(rebuilt - spectrum).max() < 1e-6 * np.abs(spectrum).max()


def test_cubic_b_splines_sum_to_one_between_their_knots() -> None:
    positions = np.linspace(3.0, 7.0, 101)
    assert np.allclose(cubic_b_spline(positions[:, None] - np.arange(11)).sum(axis=1), 1.0)


def test_p_spline_penalty_leaves_straight_lines_alone() -> None:
    penalty = baseline_model(PPM, mask=MASK, model="p_spline").penalty
    splines = np.diag(penalty) > 0
    penalty = penalty[np.ix_(splines, splines)]
    line = 3.0 + 0.2 * np.arange(penalty.shape[0])
    assert line @ penalty @ line == pytest.approx(0.0, abs=1e-9)
    curve = line**2
    assert curve @ penalty @ curve == pytest.approx((penalty.shape[0] - 2) * 0.08**2)


@pytest.mark.parametrize("phase_rad", [0.0, 1.0, 2.0])
def test_tails_of_residual_water_need_no_spline(phase_rad: float) -> None:
    time_s = np.arange(1024) / 2000.0
    water = np.exp(1j * phase_rad + (2j * np.pi * 5.0 - np.pi * 12.0) * time_s)
    spectrum = np.fft.fftshift(np.fft.fft(water))[MASK]
    tails = water_tails(PPM, mask=MASK)
    stacked = np.concatenate([tails.real, tails.imag])
    target = np.concatenate([spectrum.real, spectrum.imag])
    left = target - stacked @ np.linalg.lstsq(stacked, target, rcond=None)[0]
    assert np.abs(left).max() < 0.01 * np.abs(spectrum).max()


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_every_model_keeps_the_contract(name: str) -> None:
    model = baseline_model(PPM, mask=MASK, model=name)
    assert model.design.shape == (MASK.sum(), model.n_columns)
    assert np.all(np.isfinite(model.design))
    assert np.allclose(model.penalty, model.penalty.T)
    assert np.all(np.linalg.eigvalsh(model.penalty) > -1e-9) if model.n_columns else True
    assert not model.design.flags.writeable


def test_unknown_model_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="none, p_spline, polynomial"):
        baseline_model(PPM, mask=MASK, model="spline")

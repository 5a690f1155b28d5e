"""Receiver laws by their definitions."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.receiver import Receiver, received


def test_combined_gain_of_independent_coils_adds_in_squares():
    receiver = Receiver(sensitivities=np.array([3.0, 4.0j]), noise_covariance=np.diag([4.0, 4.0]))
    assert receiver.combined_gain == pytest.approx(np.sqrt(9 / 4 + 16 / 4))


def test_combined_gain_is_the_best_of_many_weights():
    rng = np.random.default_rng(0)
    sensitivities = rng.standard_normal(3) + 1j * rng.standard_normal(3)
    covariance = np.array([[2.0, 0.5, 0.1], [0.5, 1.0, 0.4], [0.1, 0.4, 3.0]])
    weights = rng.standard_normal((20000, 3)) + 1j * rng.standard_normal((20000, 3))
    gains = np.abs(weights.conj() @ sensitivities) / np.sqrt(np.einsum("wi,ij,wj->w", weights.conj(), covariance, weights).real)
    best = Receiver(sensitivities=sensitivities, noise_covariance=covariance).combined_gain
    assert gains.max() <= best * (1 + 1e-12)
    assert gains.max() == pytest.approx(best, rel=0.02)


def test_signal_arrives_with_the_sensitivity_of_each_coil():
    receiver = Receiver(sensitivities=np.array([2.0, 1j]), noise_covariance=np.eye(2) * 1e-12)
    data = received(np.full((1, 4), 10.0 + 5.0j), receiver=receiver, rng=np.random.default_rng(1))
    assert data[0, 0].tolist() == [20 + 10j] * 4
    assert data[1, 0].tolist() == [-5 + 10j] * 4

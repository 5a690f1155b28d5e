"""Receiver laws by their definitions."""

import numpy as np
import pytest

from mrs_pipeline.synthetic.receiver import Receiver, draw_receiver, received


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
    data = received(np.full((1, 4), 10.0 + 5.0j), receiver=receiver, gain=np.ones(1), rng=np.random.default_rng(1))
    assert data[0, 0].tolist() == [20 + 10j] * 4
    assert data[1, 0].tolist() == [-5 + 10j] * 4


def test_gain_multiplies_signal_and_noise():
    receiver = Receiver(sensitivities=np.array([1.0 + 0j]), noise_covariance=np.array([[400.0]]))
    data = received(np.full((2, 20000), 1000.0 + 0j), receiver=receiver, gain=np.array([1.0, 3.0]), rng=np.random.default_rng(1))[0]
    assert data.real.mean(axis=1) == pytest.approx([1000, 3000], rel=0.002)
    assert data.imag.std(axis=1) == pytest.approx([20, 60], rel=0.03)


def draws(realistic, **change):
    hardware = realistic(receiver=change).receiver
    return hardware, [draw_receiver(hardware, rng=np.random.default_rng(seed)) for seed in range(600)]


def test_coils_vary_as_described(realistic):
    """Log-normal sensitivities a factor 3 between plus and minus one SD, phases uniform, noise 30 % between coils."""
    _, receivers = draws(realistic, dead_channel_probability=0, n_coils=16)
    logs = np.log(np.abs([receiver.sensitivities for receiver in receivers]))
    assert np.sqrt(logs.var(axis=1, ddof=1).mean()) == pytest.approx(0.5 * np.log(3), rel=0.04)
    phases = np.angle([receiver.sensitivities for receiver in receivers]).ravel()
    assert abs(np.exp(1j * phases).mean()) < 4.5 / np.sqrt(len(phases))
    noise = 0.5 * np.log([np.diag(receiver.noise_covariance) for receiver in receivers])
    assert np.sqrt(noise.var(axis=1, ddof=1).mean()) == pytest.approx(0.30, rel=0.04)
    assert np.exp(noise.mean()) == pytest.approx(12.0, rel=0.02)


def test_share_of_dead_channels_and_what_they_receive(realistic):
    hardware, receivers = draws(realistic, dead_channel_probability=0.2)
    dead = [receiver for receiver in receivers if receiver.dead_channel is not None]
    assert len(dead) / 600 == pytest.approx(0.2, abs=4.5 * np.sqrt(0.16 / 600))
    assert all(np.count_nonzero(receiver.sensitivities == 0) == 1 for receiver in dead)
    assert {receiver.dead_channel for receiver in dead} == set(range(hardware.n_coils))
    data = received(np.full((1, 4000), 1e4 + 0j), receiver=dead[0], gain=np.ones(1), rng=np.random.default_rng(1))[:, 0]
    channel = dead[0].dead_channel
    sd = np.sqrt(dead[0].noise_covariance[channel, channel])
    assert abs(data[channel].mean()) < 5 * sd / np.sqrt(2000)
    assert data[channel].real.std() == pytest.approx(sd, rel=0.08)


def test_a_dead_channel_costs_its_share_of_the_signal(realistic):
    _, receivers = draws(realistic, dead_channel_probability=0.5)
    alive = [receiver.combined_gain for receiver in receivers if receiver.dead_channel is None]
    dead = [receiver.combined_gain for receiver in receivers if receiver.dead_channel is not None]
    assert alive == pytest.approx([1.0] * len(alive))
    # An eighth of the signal's square, on average; more or less as the noise of the neighbours can be cancelled with it.
    assert np.mean(np.square(dead)) == pytest.approx(7 / 8, abs=0.03)


def test_the_only_coil_does_not_die(realistic):
    _, receivers = draws(realistic, n_coils=1, dead_channel_probability=1)
    assert all(receiver.dead_channel is None for receiver in receivers)

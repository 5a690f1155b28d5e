import numpy as np
import pytest

from mrs_pipeline.preprocessing.noise import noise_covariance, noise_sd, robust_sd, signal_free_samples


def test_covariance_is_that_of_the_noise(brain, rng):
    mixing = np.array([[1.0, 0.0, 0.0], [0.5j, 1.0, 0.0], [0.2, -0.3, 2.0]])
    data = np.einsum("cd,dkt->ckt", mixing, brain.noise(rng, (3, 100, brain.n_points), 1.0)) + brain.metabolites()
    samples, source = signal_free_samples(data, acquisition=brain.acquisition)
    assert source == "tail"
    np.testing.assert_allclose(noise_covariance(samples), 2 * mixing @ mixing.conj().T, atol=0.15)


def test_short_acquisition_whose_tail_still_holds_signal(brain, rng):
    """The noise is then measured in the spectrum, away from the lines, although these are cut off."""
    short = type(brain)(n_points=256)
    size = rng.standard_normal((3, 200, 1))
    data = 50 * size * short.line(3.0, linewidth_hz=6.0) + short.noise(rng, (3, 200, 256), 1.0)
    samples, source = signal_free_samples(data, acquisition=short.acquisition)
    assert source.startswith("spectrum")
    assert np.sqrt(np.diag(noise_covariance(samples)).real / 2) == pytest.approx(np.ones(3), rel=0.1)


def test_appended_zeros_are_not_noise(brain, rng):
    data = brain.noise(rng, (2, 50, brain.n_points), 3.0)
    data[..., 1500:] = 0
    samples, _ = signal_free_samples(data, acquisition=brain.acquisition)
    assert np.sqrt(np.diag(noise_covariance(samples)).real / 2) == pytest.approx([3.0, 3.0], rel=0.03)


@pytest.mark.parametrize("signal", [0.0, 1.0, 1000.0])
def test_noise_sd_does_not_depend_on_the_signal(brain, rng, signal):
    data = signal * brain.metabolites() + brain.noise(rng, (20, brain.n_points), 0.5)
    assert noise_sd(data, acquisition=brain.acquisition).mean() == pytest.approx(0.5, rel=0.03)


def test_robust_sd_of_a_normal_sample_with_outliers(rng):
    values = rng.normal(5.0, 2.0, 4000)
    values[:200] = 1e6
    assert robust_sd(values) == pytest.approx(2.0, rel=0.15)

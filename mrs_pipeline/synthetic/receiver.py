"""Coils, their noise and the digitiser."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.synthetic.sections.scanner import ReceiverHardware


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Complex sensitivity of each coil, shape (n_coils,), and covariance of the real parts of their noise, (n_coils, n_coils).

    The imaginary parts have the same covariance and are independent of the real ones. A dead channel has sensitivity 0.
    """

    sensitivities: ComplexArray
    noise_covariance: FloatArray

    @property
    def combined_gain(self) -> float:
        """Signal over noise SD (of the real part) after the optimal combination of a signal of unit size.

        ``sqrt(s^H C^-1 s)``: Roemer et al. 1990, doi 10.1002/mrm.1910160203.
        """
        whitened = np.linalg.solve(self.noise_covariance, self.sensitivities)
        return float(np.sqrt(np.vdot(self.sensitivities, whitened).real))

    @property
    def dead_channel(self) -> int | None:
        """Number of the coil that receives no signal, or None."""
        dead = np.flatnonzero(self.sensitivities == 0)
        return int(dead[0]) if len(dead) else None


def draw_receiver(hardware: ReceiverHardware, *, rng: np.random.Generator) -> Receiver:
    """The receiver of one visit: log-normal sensitivities with random phases, noise correlated between neighbouring coils.

    The overall gain is that of all coils alive: one that dies takes its share of the signal with it.
    """
    receiver = _whole_receiver(hardware, rng=rng)
    dies, channel = rng.random() < hardware.dead_channel_probability, rng.integers(hardware.n_coils)
    if not dies or hardware.n_coils == 1:
        return receiver
    sensitivities = receiver.sensitivities.copy()
    sensitivities[channel] = 0.0
    return Receiver(sensitivities=sensitivities, noise_covariance=receiver.noise_covariance)


def _whole_receiver(hardware: ReceiverHardware, *, rng: np.random.Generator) -> Receiver:
    """All coils alive, scaled so that a signal of unit size has a signal-to-noise ratio of 1 after their combination."""
    n_coils = hardware.n_coils
    magnitude = np.exp(0.5 * np.log(hardware.sensitivity_spread) * rng.standard_normal(n_coils))
    phase_rad = rng.uniform(-np.pi, np.pi, size=n_coils)
    noise_sd = hardware.noise_sd_units * np.exp(0.01 * hardware.noise_spread_percent * rng.standard_normal(n_coils))
    distance = np.abs(np.subtract.outer(np.arange(n_coils), np.arange(n_coils)))
    covariance = np.outer(noise_sd, noise_sd) * hardware.noise_correlation**distance
    drawn = Receiver(sensitivities=magnitude * np.exp(1j * phase_rad), noise_covariance=covariance)
    return Receiver(sensitivities=drawn.sensitivities / drawn.combined_gain, noise_covariance=covariance)


def received(signal: ComplexArray, *, receiver: Receiver, gain: FloatArray, rng: np.random.Generator) -> ComplexArray:
    """What the coils record of signals of shape (n_transients, n_points): complex64 whole numbers, (n_coils, n_transients, n_points).

    ``gain`` of each transient, (n_transients,), multiplies signal and noise.
    """
    n_coils = len(receiver.sensitivities)
    white = rng.standard_normal((n_coils, *signal.shape, 2), dtype=np.float32)
    mixing = np.linalg.cholesky(receiver.noise_covariance)
    data = np.empty((n_coils, *signal.shape), dtype=np.complex64)
    for coil in range(n_coils):
        noise = np.tensordot(mixing[coil, : coil + 1], white[: coil + 1], axes=1)
        noisy = receiver.sensitivities[coil] * signal + noise.view(np.complex128)[..., 0]
        data[coil] = np.rint(gain[:, np.newaxis] * noisy)
    return data

"""Spin operators of a few coupled spins of any spin number, as real matrices in the Zeeman product basis."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray


@dataclass(frozen=True, kw_only=True)
class SpinOperators:
    """Operators of a set of spins; the dimension is the product of (2 I + 1).

    `z` holds the diagonals of I_kz, shape (n_spins, dimension); `plus` the raising operators, shape (n_spins, dimension, dimension).
    """

    spin_numbers: tuple[float, ...]
    z: FloatArray
    plus: FloatArray

    @property
    def coherence_order(self) -> FloatArray:
        """Order of every element |a><b| of a density matrix: the difference of the magnetic quantum numbers."""
        total = self.z.sum(axis=0)
        return np.asarray(np.rint(total[:, None] - total[None, :]))

    def total_z(self, weights: FloatArray) -> FloatArray:
        """Weighted sum of I_kz."""
        return np.diag(weights @ self.z)

    def total_plus(self, weights: FloatArray) -> FloatArray:
        """Weighted sum of the raising operators."""
        return np.asarray(np.tensordot(weights, self.plus, axes=1))

    def hamiltonian_hz(self, *, shifts_hz: FloatArray, couplings_hz: Mapping[tuple[int, int], float]) -> FloatArray:
        """Chemical shifts and full scalar couplings, in Hz: sum nu_k I_kz + sum J_kl I_k . I_l; real and symmetric."""
        diagonal = shifts_hz @ self.z
        flips = np.zeros((diagonal.size, diagonal.size))
        for (first, second), coupling_hz in couplings_hz.items():
            diagonal = diagonal + coupling_hz * self.z[first] * self.z[second]
            # I_k . I_l = I_kz I_lz + (I_k+ I_l- + I_k- I_l+) / 2
            flip = self.plus[first] @ self.plus[second].T
            flips += 0.5 * coupling_hz * (flip + flip.T)
        return np.diag(diagonal) + flips

    def rotation(self, *, flip_rad: float, axis_rad: float) -> ComplexArray:
        """Propagator of an ideal pulse on all spins: exp(-i flip (F_x cos(axis) + F_y sin(axis)))."""
        propagator: ComplexArray = np.ones((1, 1), dtype=complex)
        for number in self.spin_numbers:
            propagator = np.asarray(np.kron(propagator, _rotation(number, flip_rad, axis_rad)))
        return propagator

    def rotated(self, matrices: ComplexArray, *, a: ComplexArray, b: ComplexArray) -> ComplexArray:
        """Matrices multiplied from the left by one rotation per spin.

        `matrices` has shape (n, dimension, dimension), the Cayley-Klein parameters `a` and `b` of the rotations (n, n_spins).
        """
        before, result = 1, matrices
        for position, number in enumerate(self.spin_numbers):
            turn = _of_cayley_klein(number, a[:, position], b[:, position])
            size = turn.shape[1]
            result = (turn[:, None] @ result.reshape(matrices.shape[0], before, size, -1)).reshape(matrices.shape)
            before *= size
        return result


@lru_cache(maxsize=256)
def spin_operators(spin_numbers: tuple[float, ...]) -> SpinOperators:
    """Operators of spins with these spin numbers (1/2, 1, 3/2, ...)."""
    dimensions = [round(2 * number) + 1 for number in spin_numbers]
    z, plus = [], []
    for position, number in enumerate(spin_numbers):
        before, after = int(np.prod(dimensions[:position])), int(np.prod(dimensions[position + 1 :]))
        z.append(np.kron(np.kron(np.ones(before), _magnetic_numbers(number)), np.ones(after)))
        plus.append(np.kron(np.kron(np.eye(before), _raising(number)), np.eye(after)))
    return SpinOperators(spin_numbers=spin_numbers, z=np.array(z), plus=np.array(plus))


def _magnetic_numbers(number: float) -> FloatArray:
    return number - np.arange(round(2 * number) + 1, dtype=float)


def _raising(number: float) -> FloatArray:
    """I+ of one spin: <m + 1| I+ |m> = sqrt(I (I + 1) - m (m + 1))."""
    m = _magnetic_numbers(number)[1:]
    return np.diag(np.sqrt(number * (number + 1) - m * (m + 1)), k=1)


@lru_cache(maxsize=256)
def _rotation(number: float, flip_rad: float, axis_rad: float) -> ComplexArray:
    plus = _raising(number)
    values, vectors = np.linalg.eigh((plus + plus.T) / 2)
    about_x = (vectors * np.exp(-1j * flip_rad * values)) @ vectors.T
    turn = np.exp(-1j * axis_rad * _magnetic_numbers(number))
    return np.asarray(turn[:, None] * about_x * turn.conj()[None, :])


def _of_cayley_klein(number: float, a: ComplexArray, b: ComplexArray) -> ComplexArray:
    """Rotations of one spin of any spin number, shape (n, 2 I + 1, 2 I + 1), from those of spin 1/2.

    By Euler angles, a = exp(-i (alpha + gamma) / 2) cos(beta / 2) and b = exp(i (alpha - gamma) / 2) sin(beta / 2), as in books on
    angular momentum.
    """
    if number == 0.5:
        return np.stack([np.stack([a, -b.conj()], axis=-1), np.stack([b, a.conj()], axis=-1)], axis=-2)
    half_sum, half_difference = -np.angle(a), np.angle(b)
    alpha, gamma = half_sum + half_difference, half_sum - half_difference
    beta = 2 * np.arctan2(np.abs(b), np.abs(a))
    m, plus = _magnetic_numbers(number), _raising(number)
    values, vectors = np.linalg.eigh((plus - plus.T) / 2j)
    about_y = (vectors * np.exp(-1j * beta[:, None] * values)[:, None, :]) @ vectors.conj().T
    return np.asarray(np.exp(-1j * alpha[:, None] * m)[:, :, None] * about_y * np.exp(-1j * gamma[:, None] * m)[:, None, :])

"""Lineshapes beyond the Voigt line: what eddy currents and the field inside the voxel do to every signal alike.

All FIDs are multiplied by exp(sum_k c_k q_k(t)): an imaginary column turns the phase (a remainder of eddy currents, an asymmetric line), a
real one changes the decay. In the spectrum this is a convolution with a free kernel. The columns are polynomials in 1 - exp(-t / 60 ms),
which stay finite, made orthogonal, under the energy of a 5 Hz line, to what the other parameters already do (phase, shift, amplitude and
both widths), and of unit mean square, so that one prior SD serves all.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.errors import unknown_name
from mrs_pipeline.fids import read_only

_TIME_CONSTANT_S, _REFERENCE_WIDTH_HZ = 0.060, 5.0
_GRID_S = np.linspace(0.0, 0.5, 1001)


@dataclass(frozen=True, kw_only=True)
class Lineshape:
    """Columns of the logarithm of the common decay: `imaginary` and `real` coefficients over `_powers`, shape (n_columns, n_powers)."""

    imaginary: FloatArray
    real: FloatArray

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        object.__setattr__(self, "imaginary", read_only(self.imaginary))
        object.__setattr__(self, "real", read_only(self.real))

    @property
    def n_columns(self) -> int:
        """Number of parameters."""
        return len(self.imaginary) + len(self.real)

    def columns(self, time_s: FloatArray) -> ComplexArray:
        """The columns at given times, shape (n_columns, n_times): imaginary ones first."""
        powers = _powers(time_s)
        return np.concatenate([1j * (self.imaginary @ powers), self.real @ powers])


def _powers(time_s: FloatArray) -> FloatArray:
    """1, t, t^2 and powers 2 to 5 of 1 - exp(-t / time constant), shape (7, n_times)."""
    bounded = 1.0 - np.exp(-time_s / _TIME_CONSTANT_S)
    scaled = time_s / _TIME_CONSTANT_S
    return np.stack([np.ones_like(time_s), scaled, scaled**2, *(bounded**power for power in range(2, 6))])


def _orthogonal(n_columns: int, *, known: int) -> FloatArray:
    """Coefficients of columns orthogonal to the first `known` powers and to each other, shape (n_columns, 7)."""
    powers = _powers(_GRID_S)
    used = [*range(known), *range(3, 3 + n_columns)]
    weight = np.exp(-np.pi * _REFERENCE_WIDTH_HZ * _GRID_S) / np.sqrt(np.sum(np.exp(-2 * np.pi * _REFERENCE_WIDTH_HZ * _GRID_S)))
    _, triangle = np.linalg.qr((powers[used] * weight).T)
    coefficients = np.zeros((n_columns, len(powers)))
    coefficients[:, used] = np.linalg.inv(triangle).T[known:]
    return coefficients


def voigt() -> Lineshape:
    """Lorentzian times Gaussian decay, no more."""
    return Lineshape(imaginary=np.zeros((0, 7)), real=np.zeros((0, 7)))


def asymmetric() -> Lineshape:
    """One imaginary column: lines lean to one side."""
    return Lineshape(imaginary=_orthogonal(1, known=2), real=np.zeros((0, 7)))


def eddy() -> Lineshape:
    """Three imaginary columns: a phase that varies over the first 100 ms."""
    return Lineshape(imaginary=_orthogonal(3, known=2), real=np.zeros((0, 7)))


def free() -> Lineshape:
    """Three imaginary and two real columns: any smooth lineshape."""
    return Lineshape(imaginary=_orthogonal(3, known=2), real=_orthogonal(2, known=3))


LINESHAPES: dict[str, Callable[[], Lineshape]] = {"voigt": voigt, "asymmetric": asymmetric, "eddy": eddy, "free": free}


def lineshape(name: str) -> Lineshape:
    """The named lineshape; `ConfigError` lists the valid names."""
    if name not in LINESHAPES:
        raise unknown_name("lineshape", name, LINESHAPES)
    return LINESHAPES[name]()

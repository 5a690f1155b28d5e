"""Shapes of radio-frequency pulses: amplitude, phase and gradient over time, and the rotation they give an uncoupled spin.

Rotations are Cayley-Klein parameters (a, b) of the propagator [[a, -b*], [b, a*]] in the basis (m = +1/2, m = -1/2), for the
Hamiltonian 2 pi (nu I_z + Re(b1) I_x + Im(b1) I_y): Pauly et al. 1991, IEEE Trans Med Imaging 10:53, doi 10.1109/42.75611.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import read_only

#: Fewer steps than this per cycle of the fastest rotation and the waveform is not what its formula says.
MIN_STEPS = 16


@dataclass(frozen=True, kw_only=True)
class Waveform:
    """A slice-selective pulse as piecewise constant steps of equal length.

    ``b1_hz``: complex nutation frequency of every step, shape (n_steps,); ``gradient``: its slice gradient relative to the nominal one,
    same shape (all 1 for a constant gradient); ``bandwidth_hz``: range of offsets that the nominal gradient spreads over the slice
    thickness; ``description``: in words, for people.
    """

    b1_hz: ComplexArray
    gradient: FloatArray
    duration_s: float
    bandwidth_hz: float
    description: str

    def __post_init__(self) -> None:
        """Check lengths and values; `DataError` says what is wrong."""
        b1_hz, gradient = np.asarray(self.b1_hz, dtype=np.complex128), np.asarray(self.gradient, dtype=np.float64)
        if b1_hz.ndim != 1 or b1_hz.size < MIN_STEPS or gradient.shape != b1_hz.shape:
            raise DataError(f"pulse '{self.description}': at least {MIN_STEPS} steps, and one gradient value a step, are expected")
        if not (np.all(np.isfinite(b1_hz)) and np.all(np.isfinite(gradient)) and np.any(b1_hz)):
            raise DataError(f"pulse '{self.description}': finite amplitudes that are not all zero are expected")
        if not (self.duration_s > 0 and self.bandwidth_hz > 0):
            raise DataError(f"pulse '{self.description}': a positive duration (s) and bandwidth (Hz) are expected")
        object.__setattr__(self, "b1_hz", read_only(b1_hz))
        object.__setattr__(self, "gradient", read_only(gradient))

    @property
    def step_s(self) -> float:
        """Length of one step."""
        return self.duration_s / self.b1_hz.size

    @property
    def peak_b1_hz(self) -> float:
        """Largest nutation frequency; divide by 42.577 to have it in microtesla."""
        return float(np.abs(self.b1_hz).max())


def rotations(
    waveform: Waveform, *, shift_hz: FloatArray, position: FloatArray, stops_s: FloatArray | None = None
) -> Iterator[tuple[ComplexArray, ComplexArray]]:
    """Cayley-Klein parameters between successive stops (default: one, the end), each of shape (n_positions, n_shifts).

    ``position`` in slice thicknesses, ``shift_hz`` relative to the carrier. Stops may lie anywhere within the pulse, in ascending order;
    the last rotation reaches to the end of the pulse.
    """
    edges_s = np.arange(waveform.b1_hz.size + 1) * waveform.step_s
    inner_s = np.array([]) if stops_s is None else np.asarray(stops_s)
    ends_s = np.sort(np.concatenate([edges_s[1:], inner_s]))
    step_of_end = np.minimum((np.searchsorted(edges_s, ends_s, side="left") - 1), waveform.b1_hz.size - 1)
    lengths_s = np.diff(ends_s, prepend=0.0)
    offset_hz = position[:, None] * waveform.bandwidth_hz
    a, b = _identity(position.size, shift_hz.size)
    remaining = list(inner_s)
    for end_s, length_s, step in zip(ends_s, lengths_s, step_of_end, strict=True):
        frequency_hz = shift_hz + offset_hz * waveform.gradient[step]
        a, b = product(_step(frequency_hz, waveform.b1_hz[step], length_s), (a, b))
        if remaining and end_s == remaining[0]:
            remaining.pop(0)
            yield a, b
            a, b = _identity(position.size, shift_hz.size)
    yield a, b


def rotation(waveform: Waveform, *, shift_hz: FloatArray, position: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Cayley-Klein parameters of the whole pulse, each of shape (n_positions, n_shifts)."""
    (whole,) = rotations(waveform, shift_hz=shift_hz, position=position)
    return whole


def product(later: tuple[ComplexArray, ComplexArray], earlier: tuple[ComplexArray, ComplexArray]) -> tuple[ComplexArray, ComplexArray]:
    """Parameters of one rotation after another."""
    (a2, b2), (a1, b1) = later, earlier
    return a2 * a1 - b2.conj() * b1, b2 * a1 + a2.conj() * b1


def _identity(*shape: int) -> tuple[ComplexArray, ComplexArray]:
    return np.ones(shape, dtype=complex), np.zeros(shape, dtype=complex)


def _step(frequency_hz: FloatArray, b1_hz: complex, length_s: float) -> tuple[ComplexArray, ComplexArray]:
    effective_hz = np.sqrt(frequency_hz**2 + abs(b1_hz) ** 2)
    half = np.pi * effective_hz * length_s
    # sin(half) / effective_hz, finite where nothing turns
    scaled_sine = np.pi * length_s * np.sinc(effective_hz * length_s)
    return np.asarray(np.cos(half) - 1j * frequency_hz * scaled_sine), np.asarray(-1j * b1_hz * scaled_sine)

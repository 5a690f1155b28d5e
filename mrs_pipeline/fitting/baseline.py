"""Baseline models: each returns a design and a penalty, all the solver ever sees of a baseline.

Every signal begins at excitation, so the real and imaginary parts of its spectrum are a Hilbert pair (Kramers-Kronig).
A baseline column is therefore a real smooth curve together with its Hilbert partner: half the freedom of independent real and imaginary
curves for the same flexibility.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import CARRIER_PPM, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.errors import unknown_name
from mrs_pipeline.fids import read_only


@dataclass(frozen=True, kw_only=True)
class BaselineModel:
    """Columns of the baseline on the fitted points, and the quadratic penalty on their coefficients.

    `design` is complex, shape (n_points, n_columns), with real coefficients; `penalty` is positive semidefinite, shape
    (n_columns, n_columns), and is multiplied by the smoothing parameter the solver chooses. Zero: a baseline without smoothing.
    """

    design: ComplexArray
    penalty: FloatArray

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        object.__setattr__(self, "design", read_only(self.design))
        object.__setattr__(self, "penalty", read_only(self.penalty))

    @property
    def n_columns(self) -> int:
        """Number of coefficients."""
        return int(self.design.shape[1])


def with_hilbert_partner(curves: FloatArray) -> ComplexArray:
    """Spectra of causal signals whose real parts are the given curves, shape (n_points, n_columns), frequencies ascending."""
    n_points = curves.shape[0]
    signal = np.fft.ifft(np.fft.ifftshift(curves, axes=0), axis=0)
    weight = np.zeros((n_points, 1))
    weight[0], weight[1 : (n_points + 1) // 2] = 1.0, 2.0
    if n_points % 2 == 0:
        weight[n_points // 2] = 1.0
    return np.asarray(np.fft.fftshift(np.fft.fft(signal * weight, axis=0), axes=0))


def cubic_b_spline(distance: FloatArray) -> FloatArray:
    """Cardinal cubic B-spline at a distance from its centre in knot spacings."""
    u = np.abs(distance)
    inner = 2.0 / 3.0 - u**2 + u**3 / 2.0
    outer = np.clip(2.0 - u, 0.0, None) ** 3 / 6.0
    return np.where(u < 1.0, inner, outer)


def p_spline(ppm: FloatArray, *, mask: BoolArray, knots_per_ppm: float = 15.0, margin_ppm: float = 0.3) -> BaselineModel:
    """Cubic B-splines with a second-difference penalty (Eilers & Marx 1996, Stat Sci 11:89) on the fitted points.

    15 splines per ppm as in Wilson 2021 (Magn Reson Med 85:13); `margin_ppm` of splines beyond either end describe the Hilbert
    partners of what lies just outside the range.
    """
    low, high = ppm[mask].min() - margin_ppm, ppm[mask].max() + margin_ppm
    n_intervals = max(4, int(np.ceil((high - low) * knots_per_ppm)))
    centres = np.linspace(low, high, n_intervals + 1)
    curves = cubic_b_spline((ppm[:, None] - centres) / (centres[1] - centres[0]))
    differences = np.diff(np.eye(curves.shape[1]), n=2, axis=0)
    tails = water_tails(ppm, mask=mask)
    penalty = scipy.linalg.block_diag(differences.T @ differences, np.zeros((tails.shape[1], tails.shape[1])))
    return BaselineModel(design=np.hstack([with_hilbert_partner(curves)[mask], tails]), penalty=penalty)


def water_tails(ppm: FloatArray, *, mask: BoolArray) -> ComplexArray:
    """Far tails of residual water of any phase, and an error of the first sample; no penalty.

    Two Lorentzian lines near the carrier, each in phase and in quadrature: in quadrature a line falls off as 1/f only, and without these
    columns the splines would have to bend for it. The lines are those of sampled FIDs, sum_n exp((2 pi i f0 - pi w - 2 pi i f) n dt)
    = 1 / (1 - exp(...)), so aliasing and the first point are right. A first sample that is wrong, halved by a convention or by a receiver's
    filter, adds a complex constant, which splines that end beyond the range cannot make.
    """
    span_ppm = ppm.size * abs(ppm[1] - ppm[0])
    turns = [(ppm[mask] - centre) / span_ppm for centre in (CARRIER_PPM - 0.1, CARRIER_PPM + 0.1)]
    lines = [1.0 / (1.0 - np.exp(2j * np.pi * turn - np.pi * 0.1 / span_ppm)) for turn in turns]
    columns = [*lines, np.ones_like(lines[0])]
    return np.stack([phase * column / np.abs(column).max() for column in columns for phase in (1.0, 1j)], axis=1)


def polynomial(ppm: FloatArray, *, mask: BoolArray, degree: int = 3) -> BaselineModel:
    """Legendre polynomials over the fitted range, real and imaginary parts independent, no penalty."""
    low, high = ppm[mask].min(), ppm[mask].max()
    curves = np.polynomial.legendre.legvander(2 * (ppm[mask] - low) / (high - low) - 1, degree)
    return BaselineModel(design=np.hstack([curves, 1j * curves]), penalty=np.zeros((2 * (degree + 1), 2 * (degree + 1))))


def none(ppm: FloatArray, *, mask: BoolArray) -> BaselineModel:  # noqa: ARG001 - the signature of the table
    """No baseline at all."""
    return BaselineModel(design=np.zeros((int(mask.sum()), 0), dtype=complex), penalty=np.zeros((0, 0)))


BASELINES: dict[str, Callable[..., BaselineModel]] = {"p_spline": p_spline, "polynomial": polynomial, "none": none}


def baseline_model(ppm: FloatArray, *, mask: BoolArray, model: str, options: Mapping[str, Any] | None = None) -> BaselineModel:
    """The named baseline model for the points `mask` of the axis `ppm` (descending, full spectrum)."""
    if model not in BASELINES:
        raise unknown_name("fitting.baseline", model, BASELINES)
    return BASELINES[model](ppm, mask=mask, **(options or {}))

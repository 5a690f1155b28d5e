"""Patterns that repeat every few transients: phase cycles, which are undone, and different spectra, which must not be averaged."""

import numpy as np
from scipy.stats import gamma

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray

#: Lengths of the patterns looked for, transients.
_PERIODS = (2, 4, 8, 16)
#: Least agreement (length of the mean of unit vectors) and largest distance from a quarter turn of the steps of a phase cycle.
_LEAST_AGREEMENT = 0.7
_LARGEST_REST_RAD = np.radians(25.0)
#: Chance that scatter alone is taken for a pattern.
_CHANCE = 1e-9


def phase_cycle(phase_rad: FloatArray, *, usable: BoolArray) -> FloatArray:
    """Phase of each transient (n_transients,) in a cycle of quarter turns that repeats, relative to the first; zeros where there is none.

    Only steps from one transient to the next count, so slow changes of phase do not matter.
    """
    n = phase_rad.size
    turn = np.exp(1j * np.diff(phase_rad)) * (usable[1:] & usable[:-1])
    for period in _PERIODS:
        if n < 4 * period:
            break
        place = np.arange(n - 1) % period
        counts = np.bincount(place, weights=np.abs(turn), minlength=period)
        sums = np.bincount(place, weights=turn.real, minlength=period) + 1j * np.bincount(place, weights=turn.imag, minlength=period)
        quarters = np.rint(np.angle(sums) / (np.pi / 2))
        rest = np.abs(np.angle(sums * np.exp(-0.5j * np.pi * quarters)))
        plain = np.all(np.abs(sums) >= _LEAST_AGREEMENT * np.maximum(counts, 1)) and np.all(rest < _LARGEST_REST_RAD)
        if plain and np.any(quarters % 4) and quarters.sum() % 4 == 0:
            steps = np.concatenate([[0.0], np.cumsum(np.resize(quarters, n - 1))])
            return np.asarray(np.angle(np.exp(0.5j * np.pi * steps)))
    return np.zeros(n)


def alternation(spectra: ComplexArray, *, background: ComplexArray, weights: FloatArray) -> tuple[int, float]:
    """Period with which aligned spectra (n_transients, n_bins) differ most, and by how much of the mean's narrow lines; (0, 0) if by none.

    What the background explains does not count, and the difference must be beyond doubt: more than the scatter within each place of the
    period, be it noise or what alignment has left, makes of the means of the places with a chance of 1e-9 (6 SD).
    """
    narrow = spectra - (spectra @ background.conj()) @ background.T
    mean = weights @ narrow / weights.sum()
    size = float(weights.sum() * np.vdot(mean, mean).real)
    found = (0, 0.0)
    if narrow.shape[1] < 3 * background.shape[1]:  # the background explains nearly anything
        return found
    for period in _PERIODS:
        if np.count_nonzero(weights) < 4 * period or size <= 0:
            break
        place = np.arange(len(narrow)) % period
        parts = weights * (place == np.arange(period)[:, None])
        shares = parts.sum(axis=1)
        if np.any(shares <= 0):
            break
        means = parts @ narrow / shares[:, None]
        between = float(np.sum(shares[:, None] * np.abs(means - mean) ** 2))
        power, variance = _scatter(narrow - means[place], weights=weights, n_free=weights.sum() - period)
        relative = float(np.sqrt(max(between - (period - 1) * power, 0.0) / size))
        if relative > 1.2 * found[1] and between > gamma.isf(_CHANCE, (period - 1) * power**2 / variance, scale=variance / power):
            found = (period, relative)
    return found


def _scatter(rest: ComplexArray, *, weights: FloatArray, n_free: float) -> tuple[float, float]:
    """Mean and variance of the power of one transient of the scatter (n_transients, n_bins): traces of its covariance C and of 2 C^2.

    So scatter in a few directions, as alignment leaves it, is known to fluctuate more than noise in all of them. C^2 of n samples is too
    large by ``trace^2 / n`` on average.
    """
    n_free = max(n_free, 1.0)
    rows = np.concatenate([rest.real, rest.imag], axis=1) * np.sqrt(weights / n_free)[:, None]
    product = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
    power = float(np.trace(product))
    square = float(np.sum(product**2)) - power**2 / n_free
    return max(power, 1e-300), max(2.0 * max(square, power**2 / rows.shape[1]), 1e-300)

"""Patterns that repeat every few transients: phase cycles, which are undone, and different spectra, which must not be averaged."""

import numpy as np

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.preprocessing.registration import noise_power_per_bin

#: Lengths of the patterns looked for, transients.
_PERIODS = (2, 4, 8, 16)
#: Least agreement (length of the mean of unit vectors) and largest distance from a quarter turn of the steps of a phase cycle.
_LEAST_AGREEMENT = 0.7
_LARGEST_REST_RAD = np.radians(25.0)


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

    What the background explains does not count, and the difference must be beyond doubt: 6 SD of what noise makes of the means of
    each place in the period.
    """
    narrow = spectra - (spectra @ background.conj()) @ background.T
    mean = weights @ narrow / weights.sum()
    size, n_dimensions = float(np.vdot(mean, mean).real), narrow.shape[1] - background.shape[1]
    if n_dimensions < 2 * background.shape[1]:
        return 0, 0.0
    lags = [lag for lag in (1, *_PERIODS) if 2 * lag < np.count_nonzero(weights)]
    noise_power = min((noise_power_per_bin(narrow, used=weights > 0, lag=lag) for lag in lags), default=0.0)
    found = (0, 0.0)
    for period in _PERIODS:
        if np.count_nonzero(weights) < 4 * period:
            break
        place = np.arange(len(narrow)) % period
        parts = weights * (place == np.arange(period)[:, None])
        shares = parts.sum(axis=1)
        if np.any(shares <= 0):
            break
        means = parts @ narrow / shares[:, None]
        between = float(np.sum(shares[:, None] * np.abs(means - mean) ** 2))
        n_free, per_dimension = (period - 1) * n_dimensions, noise_power * narrow.shape[1] / n_dimensions
        excess = between - per_dimension * n_free
        relative = float(np.sqrt(max(excess, 0.0) / (weights.sum() * size))) if size > 0 else 0.0
        if excess > 6 * per_dimension * np.sqrt(n_free) and relative > 1.2 * found[1]:
            found = (period, relative)
    return found

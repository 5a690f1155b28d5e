"""Non-negative least squares from normal equations, for one spectrum or many at once.

A guess of which entries are above zero is nearly always right or nearly so; where it is, one solution of linear equations proves it
(Karush-Kuhn-Tucker), and a few exchanges of wrong entries repair it (block principal pivoting: Portugal, Judice & Vicente 1994,
Math Comput 63:625).
"""

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import BoolArray, FloatArray

_RIDGE = 1e-10
#: Exchanges of entries before the search for a solution begins anew, and what counts as no slope in scaled units.
_MAX_EXCHANGES, _SLOPE_TOLERANCE = 6, 1e-9


def non_negative(gram: FloatArray, right: FloatArray, *, guess: BoolArray | None = None) -> FloatArray:
    """Minimise x'Gx - 2 x'r over non-negative x; `guess` says which entries are expected above zero (default: all)."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(gram), 1e-300))
    scaled = gram * scale[:, None] * scale[None, :]
    scaled.flat[:: scale.size + 1] += _RIDGE
    target = right * scale
    guessed = _guessed_solution(scaled, target, np.ones(target.size, dtype=bool) if guess is None else guess)
    if guessed is not None:
        return guessed * scale
    return _searched_solution(scaled, target) * scale


def _searched_solution(gram: FloatArray, right: FloatArray) -> FloatArray:
    """The minimum where no guess led to it (Lawson & Hanson)."""
    import scipy.optimize  # noqa: PLC0415  slow to import, and rarely needed

    upper = scipy.linalg.cholesky(gram, check_finite=False)
    return np.asarray(scipy.optimize.nnls(upper, solved_triangular(upper, right))[0])


def _guessed_solution(gram: FloatArray, right: FloatArray, guess: BoolArray) -> FloatArray | None:
    """The minimum, if a few exchanges of wrong entries of the guess lead to it, else None."""
    inside = guess.copy()
    for _ in range(_MAX_EXCHANGES):
        solution = np.zeros_like(right)
        if inside.any():
            _, solution[inside], failed = scipy.linalg.lapack.dposv(gram[np.ix_(inside, inside)], right[inside])
            if failed:
                return None
        slope = right - gram @ solution
        wrong = np.where(inside, solution < 0.0, slope > _SLOPE_TOLERANCE)
        if not wrong.any():
            return solution
        inside ^= wrong
    return None


def solved_triangular(upper: FloatArray, right: FloatArray) -> FloatArray:
    """Solution of U'x = r for an upper triangular U."""
    return np.asarray(scipy.linalg.lapack.dtrtrs(upper, right, trans=1)[0])


def non_negative_all(gram: FloatArray, right: FloatArray, *, guess: BoolArray) -> FloatArray:
    """`non_negative` for many problems: `gram` (n, m, m), `right` and `guess` (n, m)."""
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(gram, axis1=1, axis2=2), 1e-300))
    scaled, target = gram * scale[:, :, None] * scale[:, None, :], right * scale
    scaled += _RIDGE * np.eye(right.shape[1])
    inside, solution = guess.copy(), np.zeros_like(right)
    left = np.arange(len(right))
    for _ in range(_MAX_EXCHANGES):
        solution[left] = within(scaled[left], target[left], inside[left])
        slope = target[left] - (scaled[left] @ solution[left][:, :, None])[:, :, 0]
        wrong = np.where(inside[left], solution[left] < 0.0, slope > _SLOPE_TOLERANCE)
        inside[left] ^= wrong
        left = left[wrong.any(axis=1)]
        if not left.size:
            return solution * scale
    for index in left:
        solution[index] = _searched_solution(scaled[index], target[index])
    return solution * scale


def within(matrices: FloatArray, right: FloatArray, inside: BoolArray) -> FloatArray:
    """Solutions of systems of equations, (n, m, m) and (n, m) or (n, m, k), over the entries `inside` (n, m), zero elsewhere."""
    both = inside[:, :, None] & inside[:, None, :]
    masked = np.where(both, matrices, 0.0)
    index = np.arange(matrices.shape[1])
    masked[:, index, index] = np.where(inside, matrices[:, index, index], 1.0)
    vectors = right if right.ndim == matrices.ndim else right[:, :, None]
    solution = np.linalg.solve(masked, np.where(inside[:, :, None], vectors, 0.0))
    return np.asarray(solution if right.ndim == matrices.ndim else solution[:, :, 0])

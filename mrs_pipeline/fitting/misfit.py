"""What signals that the model lacks add to the covariance of the amplitudes."""

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.early_energy import EarlyEnergy

#: Keeps the factor of a matrix whose unknowns rounding cannot tell apart; far above rounding, far below any other entry.
_RIDGE = 1e-10


def misfit_covariance(
    design: FloatArray, *, smooth: FloatArray, smooth_rows: FloatArray, information: FloatArray, residual: FloatArray, early: EarlyEnergy,
    n_amplitudes: int,
) -> FloatArray:  # fmt: skip
    """Covariance of the first `n_amplitudes` unknowns by signals of unknown shape that the model lacks, in units of the noise variance.

    What is missing is a signal and so decays: it is taken for noise of variance k in the early part of the FID alone, at any frequency
    of the fitted range. With noise of variance 1 the residual has covariance M = I - F F', ``F F' = Q'Q + W D H^-1 D'W`` (`design` D,
    W = I - Q'Q with `smooth_rows` Q and `smooth` = Q D, `information` H), and its early energy r'Ar the expectation
    ``tr(AM) + k tr(AMAM)``. The moment estimate of k adds ``k C A C'`` with C = H^-1 D'W, the response of the unknowns to the data: the
    error of least squares under another covariance of the noise (White 1980, doi 10.2307/1912934). k is multiplied by ``1 - (s / x)^2``,
    where the excess x exceeds its standard deviation s for a true model (positive-part shrinkage: James & Stein 1961): noise alone adds
    next to nothing.
    """
    root = np.sqrt(early.values)
    seen_rows = (smooth_rows @ early.vectors) * root
    seen = (design.T @ early.vectors) * root - smooth.T @ seen_rows
    scale = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    lower = scipy.linalg.cholesky(information * scale[:, None] * scale + _RIDGE * np.eye(scale.size), lower=True)
    half = scipy.linalg.solve_triangular(lower, seen * scale[:, None], lower=True)
    left = np.diag(early.values) - seen_rows.T @ seen_rows - half.T @ half
    square = float(np.sum(left**2))
    excess = float(early.values @ (early.vectors.T @ residual) ** 2) - float(np.trace(left))
    variance = max(excess - 2.0 * square / max(excess, 1e-300), 0.0) / square
    if not variance > 0.0:
        return np.zeros((n_amplitudes, n_amplitudes))
    response = scipy.linalg.solve_triangular(lower, half, lower=True, trans=1)[:n_amplitudes] * scale[:n_amplitudes, None]
    return np.asarray(variance * (response @ response.T))

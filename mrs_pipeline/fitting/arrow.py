"""Least squares with unknowns of single spectra and unknowns that all share: normal equations in the shape of an arrow.

For every spectrum w with local unknowns x_w and shared ones z the matrix has the blocks A_w (local), B_w (local against shared) and the sum
of C_w (shared). The local ones are eliminated one spectrum at a time (Schur complement ``S = sum_w (C_w - B_w' A_w^-1 B_w)``), so that
time and memory grow in proportion to the number of spectra.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray

_RIDGE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Equations of some spectra: `local` A (n, l, l) and `cross` B (n, l, s) with right sides `local_right` (n, l).

    `shared` C (s, s) and `shared_right` (s,) are sums over these spectra.
    """

    local: FloatArray
    cross: FloatArray
    local_right: FloatArray
    shared: FloatArray
    shared_right: FloatArray


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Local unknowns (n, l), shared ones (s,), and what covariances follow from.

    `inverse` are the A_w^-1 (n, l, l), `carried` the A_w^-1 B_w (n, l, s), `shared_covariance` is S^-1.
    """

    local: FloatArray
    shared: FloatArray
    inverse: FloatArray
    carried: FloatArray
    shared_covariance: FloatArray

    def local_covariance(self, first: int, second: int) -> FloatArray:
        """Covariance of the local unknowns of two spectra, (l, l)."""
        carried = self.carried[first] @ self.shared_covariance @ self.carried[second].T
        return np.asarray(carried + self.inverse[first] if first == second else carried)

    @property
    def local_variances(self) -> FloatArray:
        """Variances of all local unknowns, (n, l)."""
        own = np.diagonal(self.inverse, axis1=1, axis2=2)
        return np.asarray(own + np.einsum("nls,st,nlt->nl", self.carried, self.shared_covariance, self.carried))


def solved(pieces: Sequence[Blocks], *, penalty: FloatArray, penalty_right: FloatArray) -> Solution:
    """Solve the equations of all spectra, `penalty` and `penalty_right` being those of the shared unknowns.

    Raises `numpy.linalg.LinAlgError` where they are singular.
    """
    schur, right = penalty.copy(), penalty_right.copy()
    inverses, carried, begun = [], [], []
    for piece in pieces:
        inverse = _inverses(piece.local)
        inverses.append(inverse)
        carried.append(inverse @ piece.cross)
        begun.append((inverse @ piece.local_right[:, :, None])[:, :, 0])
        schur += piece.shared - np.einsum("nls,nlt->st", piece.cross, carried[-1], optimize=True)
        right += piece.shared_right - np.einsum("nls,nl->s", piece.cross, begun[-1])
    scale = 1.0 / np.sqrt(np.maximum(np.diag(schur), 1e-300))
    factor = scipy.linalg.cho_factor(schur * scale[:, None] * scale + _RIDGE * np.eye(scale.size))
    covariance = scipy.linalg.cho_solve(factor, np.diag(scale)) * scale[:, None]
    shared = covariance @ right
    all_carried = np.concatenate(carried)
    return Solution(
        local=np.concatenate(begun) - all_carried @ shared,
        shared=shared,
        inverse=np.concatenate(inverses),
        carried=all_carried,
        shared_covariance=covariance,
    )


def _inverses(matrices: FloatArray) -> FloatArray:
    """Inverses of symmetric matrices (n, l, l), scaled to a unit diagonal meanwhile."""
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(matrices, axis1=1, axis2=2), 1e-300))
    scaled = matrices * scale[:, :, None] * scale[:, None, :]
    return np.asarray(np.linalg.inv(scaled + _RIDGE * np.eye(scale.shape[1])) * scale[:, :, None] * scale[:, None, :])

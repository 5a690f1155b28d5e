"""A penalised baseline as a linear smoother, diagonal in its own orthonormal columns.

For a baseline with design B, penalty P and smoothing parameter s, what it takes out of a residual e is B (B'B + s P)^-1 B' e. In the
coordinates that make B'B the identity and P diagonal (Demmler & Reinsch 1975, doi 10.1007/BF01437407) this is T w T'e with
w = 1 / (1 + s d): baseline coefficients need not be solved for, and columns with next to no weight can be left out.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import read_only

#: A column whose coefficient may vary by a tenth of the noise at most changes no estimate by as much as a hundredth of its variance.
NEGLIGIBLE_WEIGHT = 0.01
_RANK_TOLERANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Smoother:
    """Orthonormal `columns`, shape (2 n_points, n_columns), smooth ones first, and the penalty (`roughness`) of each."""

    columns: FloatArray
    roughness: FloatArray

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        object.__setattr__(self, "columns", read_only(self.columns))
        object.__setattr__(self, "roughness", read_only(self.roughness))

    def weights(self, smoothing: float) -> FloatArray:
        """Share of each column that the baseline follows, falling from at most 1."""
        return np.asarray(1.0 / (1.0 + smoothing * self.roughness))

    def rows(self, smoothing: float) -> FloatArray:
        """Rows Q, shape (n_kept, 2 n_points), for which the baseline takes Q'Q e out of a residual e."""
        weights = self.weights(smoothing)
        n_kept = int(np.count_nonzero(weights > NEGLIGIBLE_WEIGHT))
        return np.ascontiguousarray((self.columns[:, :n_kept] * np.sqrt(weights[:n_kept])).T)


def smoother(design: FloatArray, penalty: FloatArray) -> Smoother:
    """The smoother of a baseline with a real design, shape (2 n_points, n_columns), and a penalty on its coefficients.

    What has no penalty comes first; the rest, orthogonal to it and scaled by its penalty, has roughness 1 / S^2 with singular values S.
    Combinations of columns that vanish on the fitted points are left out.
    """
    values, vectors = scipy.linalg.eigh(penalty) if penalty.size else (np.zeros(0), np.zeros((0, 0)))
    n_free = values.size - int(np.linalg.matrix_rank(penalty)) if penalty.size else 0
    free = _orthonormal(design @ vectors[:, :n_free])
    rest = design @ (vectors[:, n_free:] / np.sqrt(values[n_free:]))
    left, singular, _ = scipy.linalg.svd(rest - free @ (free.T @ rest), full_matrices=False)
    kept = singular > _RANK_TOLERANCE * singular.max(initial=0.0)
    roughness = np.concatenate([np.zeros(free.shape[1]), 1.0 / singular[kept] ** 2])
    return Smoother(columns=np.hstack([free, left[:, kept]]), roughness=roughness)


def _orthonormal(columns: FloatArray) -> FloatArray:
    """Orthonormal columns of the same span; columns are scaled first, so that small ones count like others."""
    norms = np.linalg.norm(columns, axis=0)
    left, singular, _ = scipy.linalg.svd(columns / np.where(norms > 0.0, norms, 1.0), full_matrices=False)
    return np.asarray(left[:, singular > _RANK_TOLERANCE * singular.max(initial=0.0)])

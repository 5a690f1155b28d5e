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
_RANK_TOLERANCE = 1e-10


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

    Combinations of columns that vanish on the fitted points take the value of least penalty.
    """
    values, vectors = scipy.linalg.eigh(design.T @ design)
    seen = values > _RANK_TOLERANCE * values.max(initial=0.0)
    turned = vectors.T @ penalty @ vectors
    hidden, cross = turned[np.ix_(~seen, ~seen)], turned[np.ix_(~seen, seen)]
    effective = turned[np.ix_(seen, seen)] - cross.T @ np.linalg.pinv(hidden, hermitian=True) @ cross
    scale = 1.0 / np.sqrt(values[seen])
    roughness, rotation = scipy.linalg.eigh(scale[:, None] * effective * scale)
    # What has no penalty is known from the penalty; small numbers are no sign of it, roughness spans more digits than rounding leaves.
    n_free = penalty.shape[0] - int(np.linalg.matrix_rank(penalty)) if penalty.size else 0
    roughness = np.concatenate([np.zeros(n_free), np.maximum(roughness[n_free:], 0.0)])
    return Smoother(columns=design @ (vectors[:, seen] * scale) @ rotation, roughness=roughness)

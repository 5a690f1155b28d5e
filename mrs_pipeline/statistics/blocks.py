"""The rows of a mixed model in independent blocks, and the covariance V of each as a function of the components.

Rows that share no group are independent, so V is block diagonal. Blocks are padded to one size (identity in V, zero elsewhere,
which adds nothing to any sum of the likelihood) so that all of them go through one batched call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mrs_pipeline.acquisition import FloatArray


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Of the residuals of rows (n_rows,): known variances; groups with a variance each; sessions and times that correlate them."""

    known_variances: FloatArray | None = None
    groups: NDArray[np.generic] | None = None
    sessions: NDArray[np.generic] | None = None
    times: FloatArray | None = None


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The rows of a model as padded independent blocks, ``n_rows`` of which are not padding.

    outcome (n_blocks, size), fixed (n_blocks, size, n_fixed), kernels (n_kernels, n_blocks, size, size): Z_k Z_k' of the random terms,
    then the diagonals of the residual variances; the constant part of V (n_blocks, size, size): known variances and the ones of the
    padding; ``rows`` (n_blocks, size) are their numbers, -1 for padding.

    ``separation`` (n_blocks, size, size) is the time between rows of one session and infinite between others; where it is given, the
    last component is the correlation rho of residuals one unit of time apart, and rho^separation takes the place of the last kernel.
    """

    outcome: FloatArray
    fixed: FloatArray
    kernels: FloatArray
    constant: FloatArray
    rows: NDArray[np.int_]
    n_rows: int
    separation: FloatArray | None = None


@dataclass(frozen=True, kw_only=True)
class Covariance:
    """V (n_blocks, size, size), its first derivatives (n_components, n_blocks, size, size) and the second ones that are not zero."""

    value: FloatArray
    slopes: FloatArray
    curvatures: Mapping[tuple[int, int], FloatArray]


def covariance_of(blocks: Blocks, *, components: FloatArray) -> Covariance:
    """V and its derivatives. Linear in the components but for the autocorrelation: sigma^2 rho^separation in the last two."""
    if blocks.separation is None:
        return Covariance(value=blocks.constant + np.tensordot(components, blocks.kernels, axes=1), slopes=blocks.kernels, curvatures={})
    *linear, variance, rho = components
    inside = np.isfinite(blocks.separation)
    d = np.where(inside, blocks.separation, 0.0)
    correlation, slope = inside * rho**d, inside * d * rho ** (d - 1)
    random = blocks.kernels[:-1]
    last = len(components) - 1
    return Covariance(
        value=blocks.constant + np.tensordot(np.array(linear), random, axes=1) + variance * correlation,
        slopes=np.array([*random, correlation, variance * slope]),
        curvatures={(last - 1, last): slope, (last, last): variance * inside * d * (d - 1) * rho ** (d - 2)},
    )


def blocks_from(
    *,
    outcome: FloatArray,
    fixed: FloatArray,
    groups: Sequence[NDArray[np.generic]],
    loadings: Sequence[FloatArray | None],
    residuals: Residuals,
) -> Blocks:
    """Rows sorted into independent padded blocks. Groups (n_rows,) and loadings (n_rows,) come one per random term."""
    n_rows = len(outcome)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in groups]
    together = codes if residuals.sessions is None else [*codes, np.unique(residuals.sessions, return_inverse=True)[1]]
    rows = _padded_rows(_block_labels(together, n_rows=n_rows))
    real = rows >= 0
    both = real[:, :, None] & real[:, None, :]
    identity = both * np.eye(rows.shape[1])
    kernels = [_kernel(code[rows], loading=None if load is None else load[rows]) * both for code, load in zip(codes, loadings, strict=True)]
    constant = np.eye(rows.shape[1]) * ~real[:, :, None]
    if residuals.known_variances is not None:
        constant = constant + identity * residuals.known_variances[rows][:, :, None]
    strata = np.zeros(n_rows, dtype=int) if residuals.groups is None else np.unique(residuals.groups, return_inverse=True)[1]
    diagonals = [identity * (strata[rows] == group)[:, :, None] for group in range(int(strata.max()) + 1)]
    return Blocks(
        outcome=np.where(real, outcome[rows], 0.0),
        fixed=np.where(real[:, :, None], fixed[rows], 0.0),
        kernels=np.array([*kernels, *diagonals]),
        constant=constant,
        rows=rows,
        n_rows=n_rows,
        separation=None
        if residuals.sessions is None or residuals.times is None
        else _separation(together[-1][rows], times=residuals.times[rows], both=both),
    )


def _separation(codes: NDArray[np.int_], *, times: FloatArray, both: NDArray[np.bool_]) -> FloatArray:
    """Time between rows of one session, infinite between those of two, shape (n_blocks, size, size)."""
    same = both & (codes[:, :, None] == codes[:, None, :])
    return np.where(same, np.abs(times[:, :, None] - times[:, None, :]), np.inf)


def _block_labels(codes: Sequence[NDArray[np.int_]], *, n_rows: int) -> NDArray[np.int_]:
    """Connected components of the rows, two rows being joined when any random term puts them in one group; shape (n_rows,)."""
    offsets = np.cumsum([n_rows, *(int(code.max()) + 1 for code in codes)])
    columns = np.concatenate([code + offset for code, offset in zip(codes, offsets, strict=False)]) if codes else np.array([], dtype=int)
    lines = np.tile(np.arange(n_rows), len(codes))
    graph = coo_array((np.ones(len(lines)), (lines, columns)), shape=(int(offsets[-1]), int(offsets[-1])))
    return np.asarray(connected_components(graph, directed=False)[1][:n_rows])


def _padded_rows(labels: NDArray[np.int_]) -> NDArray[np.int_]:
    """Row numbers of each block, shape (n_blocks, size), padded with -1."""
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    rows = np.full((len(members), max(len(member) for member in members)), -1)
    for line, member in zip(rows, members, strict=True):
        line[: len(member)] = member
    return rows


def _kernel(codes: NDArray[np.int_], *, loading: FloatArray | None) -> FloatArray:
    """Z Z' of one random term, shape (n_blocks, size, size)."""
    same = (codes[:, :, None] == codes[:, None, :]).astype(float)
    return same if loading is None else np.asarray(same * loading[:, :, None] * loading[:, None, :])


def variance_range(blocks: Blocks, *, components: FloatArray) -> tuple[float, float]:
    """Smallest eigenvalue of V over the blocks (at most 1 where a block is padded) and the largest variance of a row."""
    v = covariance_of(blocks, components=components).value
    return float(np.min(np.linalg.eigvalsh(v))), float(np.max(np.diagonal(v, axis1=1, axis2=2)))

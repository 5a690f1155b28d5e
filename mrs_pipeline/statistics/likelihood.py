"""The restricted likelihood of a variance-components model, its derivatives and information, block by block.

Rows that share no group are independent, so V is block diagonal. Blocks are padded to one size (identity in V, zero elsewhere,
which adds nothing to any sum below) so that all of them go through one batched call.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mrs_pipeline.acquisition import FloatArray

#: A row of V that the rows before it explain but for this share is singular to working precision.
SMALLEST_PIVOT = 1e-13


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """The rows of a model as padded independent blocks, ``n_rows`` of which are not padding.

    outcome (n_blocks, size), fixed (n_blocks, size, n_fixed), kernels Z_k Z_k' (n_components, n_blocks, size, size) and the constant
    part of V (n_blocks, size, size): known variances and the ones of the padding.
    """

    outcome: FloatArray
    fixed: FloatArray
    kernels: FloatArray
    constant: FloatArray
    n_rows: int


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Likelihood, estimates and derivatives at ``components``; names as in `MixedModelFit`."""

    components: FloatArray
    log_likelihood: float
    score: FloatArray
    beta: FloatArray
    covariance: FloatArray
    expected_information: FloatArray
    observed_information: FloatArray
    p_matrices: FloatArray
    q_matrices: FloatArray


def blocks_from(
    *,
    outcome: FloatArray,
    fixed: FloatArray,
    groups: Sequence[NDArray[np.generic]],
    loadings: Sequence[FloatArray | None],
    known_variances: FloatArray | None,
) -> Blocks:
    """Rows sorted into independent padded blocks. Groups (n_rows,) and loadings (n_rows,) come one per random term."""
    n_rows = len(outcome)
    codes = [np.unique(labels, return_inverse=True)[1] for labels in groups]
    rows = _padded_rows(_block_labels(codes, n_rows=n_rows))
    real = rows >= 0
    both = real[:, :, None] & real[:, None, :]
    identity = both * np.eye(rows.shape[1])
    kernels = [_kernel(code[rows], loading=None if load is None else load[rows]) * both for code, load in zip(codes, loadings, strict=True)]
    constant = np.eye(rows.shape[1]) * ~real[:, :, None]
    if known_variances is not None:
        constant = constant + identity * known_variances[rows][:, :, None]
    return Blocks(
        outcome=np.where(real, outcome[rows], 0.0),
        fixed=np.where(real[:, :, None], fixed[rows], 0.0),
        kernels=np.array([*kernels, identity]),
        constant=constant,
        n_rows=n_rows,
    )


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


def evaluate(blocks: Blocks, *, components: FloatArray) -> Evaluation | None:
    """Restricted likelihood and its derivatives; None where V is not positive definite.

    Score and information: Harville 1977, JASA 72:320; the observed information is minus the second derivative of the restricted
    log-likelihood, -tr(P V_i P V_j)/2 + y'P V_i P V_j P y, and the expected one is tr(P V_i P V_j)/2.
    """
    v = blocks.constant + np.tensordot(components, blocks.kernels, axes=1)
    try:
        pivots = np.diagonal(np.linalg.cholesky(v), axis1=1, axis2=2)
    except np.linalg.LinAlgError:
        return None
    if np.any(pivots**2 < SMALLEST_PIVOT * np.diagonal(v, axis1=1, axis2=2)):
        return None
    log_det_v = 2.0 * float(np.sum(np.log(pivots)))
    v_inv: FloatArray = np.asarray(np.linalg.inv(v), dtype=float)
    v_inv_x = v_inv @ blocks.fixed
    information = np.tensordot(blocks.fixed, v_inv_x, axes=([0, 1], [0, 1]))
    covariance: FloatArray = np.asarray(np.linalg.inv(information), dtype=float)
    beta = covariance @ np.tensordot(v_inv_x, blocks.outcome, axes=([0, 1], [0, 1]))
    residual = blocks.outcome - blocks.fixed @ beta
    weighted = (v_inv @ residual[:, :, None])[:, :, 0]
    n_free = blocks.n_rows - len(beta)
    log_det_x = float(np.linalg.slogdet(information)[1])
    quadratic = float(np.sum(residual * weighted))
    moments = _moments(blocks, v_inv=v_inv, v_inv_x=v_inv_x, weighted=weighted, covariance=covariance)
    return Evaluation(
        components=np.asarray(components),
        log_likelihood=-0.5 * (n_free * float(np.log(2 * np.pi)) + log_det_v + log_det_x + quadratic),
        beta=beta,
        covariance=covariance,
        score=moments.score,
        expected_information=moments.expected,
        observed_information=moments.observed,
        p_matrices=moments.p_matrices,
        q_matrices=moments.q_matrices,
    )


def variance_range(blocks: Blocks, *, components: FloatArray) -> tuple[float, float]:
    """Smallest eigenvalue of V over the blocks (at most 1 where a block is padded) and the largest variance of a row."""
    v = blocks.constant + np.tensordot(components, blocks.kernels, axes=1)
    return float(np.min(np.linalg.eigvalsh(v))), float(np.max(np.diagonal(v, axis1=1, axis2=2)))


@dataclass(frozen=True, kw_only=True)
class _Moments:
    """The traces and quadratic forms behind score and information."""

    score: FloatArray
    expected: FloatArray
    observed: FloatArray
    p_matrices: FloatArray
    q_matrices: FloatArray


def _moments(blocks: Blocks, *, v_inv: FloatArray, v_inv_x: FloatArray, weighted: FloatArray, covariance: FloatArray) -> _Moments:
    """Score, expected and observed information, P_i and Q_ij, with P = V^-1 - V^-1 X Phi X' V^-1 never formed."""
    kernels = blocks.kernels
    n_components, n_fixed = len(kernels), len(covariance)
    spread = v_inv @ kernels  # V^-1 V_k
    flat = spread.reshape(n_components, -1)
    traces = np.trace(spread, axis1=2, axis2=3).sum(axis=1)
    trace_pairs = flat @ np.swapaxes(spread, 2, 3).reshape(n_components, -1).T
    kernel_u = kernels @ v_inv_x
    p_matrices = np.tensordot(v_inv_x, kernel_u, axes=([0, 1], [1, 2])).transpose(1, 0, 2)
    stacked = kernel_u.transpose(1, 2, 0, 3).reshape(*v_inv_x.shape[:2], n_components * n_fixed)
    crossed = np.tensordot(stacked, v_inv @ stacked, axes=([0, 1], [0, 1]))
    q_matrices = crossed.reshape(n_components, n_fixed, n_components, n_fixed).transpose(0, 2, 1, 3)
    phi_p = covariance @ p_matrices
    expected = 0.5 * (trace_pairs - 2 * np.einsum("ab,ijba->ij", covariance, q_matrices) + np.einsum("iab,jba->ij", phi_p, phi_p))
    pulled = (kernels @ weighted[:, :, None])[..., 0]  # V_k P y
    on_x = np.tensordot(pulled, v_inv_x, axes=([1, 2], [0, 1]))
    quadratic = np.einsum("ins,nst,jnt->ij", pulled, v_inv, pulled, optimize=True) - on_x @ covariance @ on_x.T
    return _Moments(
        score=0.5 * (np.tensordot(pulled, weighted, axes=([1, 2], [0, 1])) - traces + np.trace(phi_p, axis1=1, axis2=2)),
        expected=expected,
        observed=quadratic - expected,
        p_matrices=p_matrices,
        q_matrices=q_matrices,
    )

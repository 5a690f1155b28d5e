"""The restricted likelihood of a mixed model, its derivatives and information, block by block."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.statistics.blocks import Blocks, Covariance, covariance_of

#: A row of V that the rows before it explain but for this share is singular to working precision.
SMALLEST_PIVOT = 1e-13


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


def evaluate(blocks: Blocks, *, components: FloatArray) -> Evaluation | None:
    """Restricted likelihood and its derivatives; None where V is not positive definite.

    Score and information: Harville 1977, JASA 72:320; the observed information is minus the second derivative of the restricted
    log-likelihood, -tr(P V_i P V_j)/2 + y'P V_i P V_j P y + (tr(P V_ij) - y'P V_ij P y)/2, and the expected one is tr(P V_i P V_j)/2.
    """
    v = covariance_of(blocks, components=components)
    try:
        pivots = np.diagonal(np.linalg.cholesky(v.value), axis1=1, axis2=2)
    except np.linalg.LinAlgError:
        return None
    if np.any(pivots**2 < SMALLEST_PIVOT * np.diagonal(v.value, axis1=1, axis2=2)):
        return None
    solved = solve_fixed(blocks, v=v.value)
    residual = blocks.outcome - blocks.fixed @ solved.beta
    moments = _moments(v, solved=solved)
    log_det = 2.0 * float(np.sum(np.log(pivots))) - float(np.linalg.slogdet(solved.covariance)[1])
    quadratic = float(np.sum(residual * solved.weighted))
    return Evaluation(
        components=np.asarray(components),
        log_likelihood=-0.5 * ((blocks.n_rows - len(solved.beta)) * float(np.log(2 * np.pi)) + log_det + quadratic),
        beta=solved.beta,
        covariance=solved.covariance,
        score=moments.score,
        expected_information=moments.expected,
        observed_information=moments.observed,
        p_matrices=moments.p_matrices,
        q_matrices=moments.q_matrices,
    )


@dataclass(frozen=True, kw_only=True)
class Solved:
    """Generalised least squares: V^-1, V^-1 X, beta with its covariance Phi, and P y, in blocks."""

    v_inv: FloatArray
    v_inv_x: FloatArray
    beta: FloatArray
    covariance: FloatArray
    weighted: FloatArray


def solve_fixed(blocks: Blocks, *, v: FloatArray) -> Solved:
    """Generalised least squares for V (n_blocks, size, size)."""
    v_inv: FloatArray = np.asarray(np.linalg.inv(v), dtype=float)
    v_inv_x = v_inv @ blocks.fixed
    covariance: FloatArray = np.asarray(np.linalg.inv(np.tensordot(blocks.fixed, v_inv_x, axes=([0, 1], [0, 1]))), dtype=float)
    beta = covariance @ np.tensordot(v_inv_x, blocks.outcome, axes=([0, 1], [0, 1]))
    residual = blocks.outcome - blocks.fixed @ beta
    weighted = (v_inv @ residual[:, :, None])[:, :, 0]
    return Solved(v_inv=v_inv, v_inv_x=v_inv_x, beta=beta, covariance=covariance, weighted=weighted)


@dataclass(frozen=True, kw_only=True)
class _Moments:
    """The traces and quadratic forms behind score and information."""

    score: FloatArray
    expected: FloatArray
    observed: FloatArray
    p_matrices: FloatArray
    q_matrices: FloatArray


def _moments(v: Covariance, *, solved: Solved) -> _Moments:
    """Score, expected and observed information, P_i and Q_ij, with P = V^-1 - V^-1 X Phi X' V^-1 never formed."""
    v_inv, v_inv_x, weighted, covariance = solved.v_inv, solved.v_inv_x, solved.weighted, solved.covariance
    kernels = v.slopes
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
    phi_q = q_matrices.reshape(n_components, n_components, -1) @ covariance.ravel()
    pairs = phi_p.reshape(n_components, -1) @ np.swapaxes(phi_p, 1, 2).reshape(n_components, -1).T
    expected = 0.5 * (trace_pairs - 2 * phi_q + pairs)
    pulled = (kernels @ weighted[:, :, None])[..., 0]  # V_k P y
    on_x = np.tensordot(pulled, v_inv_x, axes=([1, 2], [0, 1]))
    solved_pulled = (v_inv @ pulled[..., None])[..., 0].reshape(n_components, -1)
    quadratic = pulled.reshape(n_components, -1) @ solved_pulled.T - on_x @ covariance @ on_x.T
    return _Moments(
        score=0.5 * (np.tensordot(pulled, weighted, axes=([1, 2], [0, 1])) - traces + np.trace(phi_p, axis1=1, axis2=2)),
        expected=expected,
        observed=quadratic - expected + _curvature_information(v, solved=solved),
        p_matrices=p_matrices,
        q_matrices=q_matrices,
    )


def _curvature_information(v: Covariance, *, solved: Solved) -> FloatArray:
    """(tr(P V_ij) - y'P V_ij P y) / 2, what a V that is not linear adds to the observed information."""
    added = np.zeros((len(v.slopes), len(v.slopes)))
    for (i, j), second in v.curvatures.items():
        on_x = np.tensordot(solved.v_inv_x, second @ solved.v_inv_x, axes=([0, 1], [0, 1]))
        trace = float(np.sum(solved.v_inv * second) - np.sum(solved.covariance * on_x))
        quadratic = float(np.sum(solved.weighted * (second @ solved.weighted[:, :, None])[..., 0]))
        added[i, j] = added[j, i] = 0.5 * (trace - quadratic)
    return added


def component_covariance(information: FloatArray) -> FloatArray:
    """W, the asymptotic covariance of the components from their expected information; shape (n_components, n_components)."""
    scale = np.sqrt(np.diagonal(information))
    inverse = np.linalg.pinv(information / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    return np.asarray(inverse / np.outer(scale, scale))


def intrinsic_curvature(blocks: Blocks, *, found: Evaluation) -> FloatArray:
    """X'V^-1 S V^-1 X with S = sum_kl W_kl V_kl less its projection upon the V_i; shape (n_fixed, n_fixed), zero where V is linear.

    The projection is the bias that the curvature gives the estimated components (Kenward & Roger 2009, Comput Stat Data Anal 53:2583);
    without it the correction would depend on how the components are parameterised.
    """
    v = covariance_of(blocks, components=found.components)
    if not v.curvatures:
        return np.zeros_like(found.covariance)
    w = component_covariance(found.expected_information)
    s = np.sum([(1 if i == j else 2) * w[i, j] * second for (i, j), second in v.curvatures.items()], axis=0)
    solved = solve_fixed(blocks, v=v.value)
    on_x = np.tensordot(solved.v_inv_x, s @ solved.v_inv_x, axes=([0, 1], [0, 1]))
    spread = solved.v_inv @ s
    traces = [
        _projected_trace(slope, s=s, spread=spread, solved=solved, on_x=on_x, p=p)
        for slope, p in zip(v.slopes, found.p_matrices, strict=True)
    ]
    return np.asarray(on_x - np.tensordot(w @ np.array(traces), found.p_matrices, axes=1))


def _projected_trace(slope: FloatArray, *, s: FloatArray, spread: FloatArray, solved: Solved, on_x: FloatArray, p: FloatArray) -> float:
    """tr(P V_i P S) / 2."""
    whole = float(np.sum((solved.v_inv @ slope) * np.swapaxes(spread, 1, 2)))
    crossed = np.tensordot(slope @ solved.v_inv_x, solved.v_inv @ (s @ solved.v_inv_x), axes=([0, 1], [0, 1]))
    both = float(np.trace(solved.covariance @ p @ solved.covariance @ on_x))
    return 0.5 * (whole - 2 * float(np.sum(solved.covariance * crossed)) + both)

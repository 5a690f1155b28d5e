"""Linear mixed models with variance components, fitted by restricted maximum likelihood.

The model is y ~ N(X beta, V) with V = sum_k theta_k Z_k Z_k' + R + D: every random term is one variance (or, if signed, covariance)
parameter; D is zero unless measurement variances are known. The residual covariance R is sigma^2 I, a variance for each of several
groups of rows, or sigma^2 rho^|t - t'| within sessions, a first-order autoregression in continuous time (Jones 1993, *Longitudinal Data
with Serial Correlation*, section 3.2). Notation as in Kenward & Roger 1997, Biometrics 53:983.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import read_only
from mrs_pipeline.statistics.blocks import Blocks, Residuals, blocks_from, variance_range
from mrs_pipeline.statistics.likelihood import Evaluation, component_covariance, evaluate, intrinsic_curvature
from mrs_pipeline.statistics.reml_search import Bounds, SearchResult, search

#: Autocorrelations at which the search stops: below the first the residuals are as good as independent, above the second they
#: cannot be told from the level of their session.
LEAST_CORRELATION, LARGEST_CORRELATION = 1e-3, 0.98

#: Where the search starts: shares of the total variance (every random term together, residual), and the autocorrelation.
STARTS = ((0.5, 0.5, 0.3), (0.05, 0.95, 0.6), (0.9, 0.1, 0.1))

#: V is taken as singular when a combination of rows has less than these shares of the residual and of the largest variance.
LEAST_OF_RESIDUAL, LEAST_OF_LARGEST = 1e-4, 1e-6

#: Two searches that end within this distance in log-likelihood have found the same maximum.
SAME_MAXIMUM = 1e-7


@dataclass(frozen=True, kw_only=True)
class RandomTerm:
    """One random effect: an independent draw per level of ``groups`` (n_rows,), multiplied by ``loading`` (n_rows,), default 1.

    With ``signed`` the parameter may become negative as long as V stays positive definite: it is then the covariance that the
    rows of a group share, and an error stratum keeps its own mean square even when that is below the residual one.
    """

    name: str
    groups: NDArray[np.generic]
    loading: FloatArray | None = None
    signed: bool = False


@dataclass(frozen=True, kw_only=True)
class Autocorrelation:
    """Residuals of one of ``sessions`` (n_rows,) have the correlation rho^|t - t'| for ``times`` (n_rows,), whose unit is that of rho."""

    sessions: NDArray[np.generic]
    times: FloatArray


@dataclass(frozen=True, kw_only=True)
class MixedModelDesign:
    """Outcome (n_rows,), fixed-effect matrix (n_rows, n_fixed) with names, random terms, optional known variances (n_rows,).

    The residuals have one variance, or one for each of ``residual_groups`` (n_rows,), or are correlated over time by ``autocorrelation``.
    """

    outcome: FloatArray
    fixed: FloatArray
    fixed_names: tuple[str, ...]
    random: tuple[RandomTerm, ...]
    known_variances: FloatArray | None = None
    residual_groups: NDArray[np.generic] | None = None
    autocorrelation: Autocorrelation | None = None

    def __post_init__(self) -> None:
        """Check shapes, finiteness and rank; `DataError` names what is wrong."""
        n_rows, n_fixed = np.shape(self.fixed)
        if np.shape(self.outcome) != (n_rows,) or len(self.fixed_names) != n_fixed:
            raise DataError(f"the mixed model has {np.size(self.outcome)} outcomes for a fixed-effect matrix of shape {n_rows, n_fixed}")
        if not (np.all(np.isfinite(self.outcome)) and np.all(np.isfinite(self.fixed))):
            raise DataError("the mixed model was given values that are not finite numbers: drop those rows first")
        if n_rows <= n_fixed or np.linalg.matrix_rank(self.fixed) < n_fixed:
            raise DataError(f"the {n_fixed} fixed effects cannot be told apart in {n_rows} rows: leave out the redundant ones")
        for term in self.random:
            if np.shape(term.groups) != (n_rows,):
                raise DataError(f"random term '{term.name}' has {np.size(term.groups)} group labels for {n_rows} rows")
        if self.known_variances is not None and not np.all(np.asarray(self.known_variances) >= 0):
            raise DataError("known measurement variances must be non-negative numbers, one per row")
        if self.residual_groups is not None and self.autocorrelation is not None:
            raise DataError("the residuals of a mixed model have variances by group or an autocorrelation, not both: choose one")

    @property
    def residual_names(self) -> tuple[str, ...]:
        """Names of the components of the residual covariance, in order."""
        if self.residual_groups is not None:
            return tuple(f"residual {label}" for label in np.unique(self.residual_groups))
        return ("residual",) if self.autocorrelation is None else ("residual", "autocorrelation")


@dataclass(frozen=True, kw_only=True)
class MixedModelFit:
    """What `fit_reml` found.

    ``components`` (n_components,) are the random terms in order, then the residual variance or variances, then the autocorrelation if
    there is one. ``covariance`` is that of ``beta`` without small-sample adjustment; ``expected_information`` and ``observed_information``
    (n_components, n_components) are those of the components; ``p_matrices`` (n_components, n_fixed, n_fixed) and ``q_matrices``
    (n_components, n_components, n_fixed, n_fixed) are X'V^-1 V_i V^-1 X and X'V^-1 V_i V^-1 V_j V^-1 X, which the small-sample
    inference needs, as it does ``curvature`` (n_fixed, n_fixed; `likelihood.intrinsic_curvature`). ``at_boundary`` marks components held at
    a bound. Where ``converged`` is false nothing else may be reported.
    """

    fixed_names: tuple[str, ...]
    beta: FloatArray
    covariance: FloatArray
    component_names: tuple[str, ...]
    components: FloatArray
    at_boundary: BoolArray
    expected_information: FloatArray
    observed_information: FloatArray
    p_matrices: FloatArray
    q_matrices: FloatArray
    curvature: FloatArray
    log_likelihood: float
    converged: bool
    n_rows: int

    @cached_property
    def component_covariance(self) -> FloatArray:
        """W, the asymptotic covariance of the components (n_components, n_components)."""
        return component_covariance(self.expected_information)

    @cached_property
    def adjusted_covariance(self) -> FloatArray:
        """Covariance of beta corrected for the uncertainty of the components (Kenward & Roger 1997, eq. 5), shape (n_fixed, n_fixed)."""
        w, phi = self.component_covariance, self.covariance
        spread = np.tensordot(w, self.q_matrices, axes=2) - np.sum(self.p_matrices @ phi @ np.tensordot(w, self.p_matrices, axes=1), axis=0)
        adjusted = phi + phi @ (2 * spread - 0.5 * self.curvature) @ phi
        return np.asarray((adjusted + adjusted.T) / 2)

    def component(self, name: str) -> float:
        """Estimate of the named variance component."""
        return float(self.components[self.component_names.index(name)])


def fit_reml(design: MixedModelDesign) -> MixedModelFit:
    """Restricted maximum-likelihood fit; deterministic.

    The search (`reml_search.search`) runs from several fixed starting points and the highest likelihood wins. A search that does not
    converge, or that (signed terms) ends where V is singular and the likelihood is no longer that of a sample with error, gives a fit
    with ``converged`` false. `DataError` if the outcome does not vary beyond the fixed effects.
    """
    scale = _residual_sd(design)
    blocks = scaled_blocks(design, scale=scale)
    best = _best_search(blocks, design=design)
    found = evaluate(blocks, components=best.components)
    assert found is not None
    proper = best.converged and _is_proper(blocks, found=found, n_random=len(design.random))
    return _fit(design, found=found, converged=proper, at_boundary=best.at_boundary, scale=scale, curvature=_curvature(blocks, found, best))


def scaled_blocks(design: MixedModelDesign, *, scale: float = 1.0) -> Blocks:
    """The independent blocks of a design, with the outcome in units of ``scale``."""
    correlated = design.autocorrelation
    return blocks_from(
        outcome=design.outcome / scale,
        fixed=design.fixed,
        groups=[term.groups for term in design.random],
        loadings=[term.loading for term in design.random],
        residuals=Residuals(
            known_variances=None if design.known_variances is None else design.known_variances / scale**2,
            groups=design.residual_groups,
            sessions=None if correlated is None else correlated.sessions,
            times=None if correlated is None else correlated.times,
        ),
    )


def _curvature(blocks: Blocks, found: Evaluation, best: SearchResult) -> FloatArray:
    """Curvature of V for the small-sample correction; none for a correlation at its bound, where no expansion holds."""
    if best.at_boundary[-1] or not best.converged:
        return np.zeros_like(found.covariance)
    return intrinsic_curvature(blocks, found=found)


def _is_proper(blocks: Blocks, *, found: Evaluation, n_random: int) -> bool:
    """Whether a maximum is one of a sample with error: V well away from singular, every component informed by the data."""
    smallest, largest = variance_range(blocks, components=found.components)
    informed = bool(np.all(np.diagonal(found.expected_information) > 0))
    n_residual = len(found.components) - n_random - (blocks.separation is not None)
    residual = float(np.mean(found.components[n_random : n_random + n_residual]))
    return informed and smallest > max(LEAST_OF_RESIDUAL * residual, LEAST_OF_LARGEST * largest)


def _residual_sd(design: MixedModelDesign) -> float:
    """SD of the ordinary least-squares residuals, the unit in which the search works."""
    coefficients = np.linalg.lstsq(design.fixed, design.outcome, rcond=None)[0]
    residual = design.outcome - design.fixed @ coefficients
    sd = float(np.sqrt(residual @ residual / (len(residual) - design.fixed.shape[1])))
    if sd <= 1e-12 * max(1.0, float(np.max(np.abs(design.outcome)))):
        raise DataError("the outcome does not vary beyond its fixed effects: check that the values are not constant")
    return sd


def _best_search(blocks: Blocks, *, design: MixedModelDesign) -> SearchResult:
    """Highest maximum over the starting points.

    One start is enough for a covariance that is linear in its components and a maximum inside their bounds; the third is tried only if
    the first two disagree.
    """
    bounds = _bounds(design)
    results: list[SearchResult] = []
    for share_random, share_residual, correlation in STARTS:
        start = np.full(len(bounds.lower), share_random / max(1, len(design.random)))
        start[len(design.random) :] = share_residual
        if design.autocorrelation is not None:
            start[-1] = correlation
        results.append(search(blocks, start=start, bounds=bounds))
        if len(results) == 1 and design.autocorrelation is None and results[0].converged and not np.any(results[0].at_boundary):
            break
        if len(results) == 2 and _agree(*results):
            break
    return max(results, key=lambda result: (result.converged, result.log_likelihood))


def _bounds(design: MixedModelDesign) -> Bounds:
    """Signed terms are free, variances non-negative, and an autocorrelation between its limits."""
    random = [-np.inf if term.signed else 0.0 for term in design.random]
    lower = np.array([*random, *(0.0 for _ in design.residual_names)])
    upper = np.full(len(lower), np.inf)
    if design.autocorrelation is not None:
        lower[-1], upper[-1] = LEAST_CORRELATION, LARGEST_CORRELATION
    return Bounds(lower=lower, upper=upper)


def _agree(first: SearchResult, second: SearchResult) -> bool:
    """Whether two searches converged to the same maximum."""
    return first.converged and second.converged and abs(first.log_likelihood - second.log_likelihood) < SAME_MAXIMUM


def _fit(
    design: MixedModelDesign, *, found: Evaluation, converged: bool, at_boundary: BoolArray, scale: float, curvature: FloatArray
) -> MixedModelFit:
    """The evaluation at the maximum, brought back from units of the residual SD to those of the outcome."""
    n_rows, n_fixed = design.fixed.shape
    units = np.full(len(found.components), scale**2)
    if design.autocorrelation is not None:
        units[-1] = 1.0
    return MixedModelFit(
        fixed_names=design.fixed_names,
        beta=_frozen(found.beta * scale),
        covariance=_frozen(found.covariance * scale**2),
        component_names=(*(term.name for term in design.random), *design.residual_names),
        components=_frozen(found.components * units),
        at_boundary=np.array(at_boundary),
        expected_information=_frozen(found.expected_information / np.outer(units, units)),
        observed_information=_frozen(found.observed_information / np.outer(units, units)),
        p_matrices=_frozen(found.p_matrices / scale**2 / units[:, None, None]),
        q_matrices=_frozen(found.q_matrices / scale**2 / np.outer(units, units)[:, :, None, None]),
        curvature=_frozen(curvature / scale**2),
        log_likelihood=found.log_likelihood - (n_rows - n_fixed) * float(np.log(scale)),
        converged=converged,
        n_rows=n_rows,
    )


def _frozen(values: ArrayLike) -> FloatArray:
    """Read-only float array."""
    return np.asarray(read_only(np.asarray(values, dtype=float)))

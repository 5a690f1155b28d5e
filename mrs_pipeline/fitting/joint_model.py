"""All spectra of a session as one least-squares problem: what each of its unknowns does to every spectrum.

A spectrum has *base* values: the amplitude of every component, the changes of its common parameters, and the coefficients of the baseline.
An unknown is a base value of one spectrum (local), or a number that enters a base value of all of them times a regressor (shared): the
constant 1 for what does not change, a column of the design for what follows a temporal model.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fitting.arrow import Blocks
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.series import Alike, as_pairs, as_spectra

#: Spectra whose equations are set up at once.
_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class Unknowns:
    """Which base value every unknown enters: `local` (n_local,) and `shared` (n_shared,); `regressor`: the column of the design."""

    local: NDArray[np.intp]
    shared: NDArray[np.intp]
    regressor: NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class JointProblem:
    """Spectra, unknowns and priors; base values are those of components, common parameters and baseline, in this order.

    spectra : data in a unit of which the noise of a spectrum is 1 / `weight` (n_spectra,).
    design : (n_spectra, n_regressors), the first column all ones.
    theta : (n_spectra, n_common), common parameters of which base values are the changes; `lower` and `upper`: their bounds.
    baseline : orthonormal columns as pairs, (n_columns, 2 n_points); `rows`: those of the departures of single baselines.
    local_penalty, shared_penalty : quadratic penalties on the unknowns, least at `local_centre` (n_spectra, n_local) and at zero.
    """

    spectra: Alike
    weight: FloatArray
    design: FloatArray
    unknowns: Unknowns
    theta: FloatArray
    lower: FloatArray
    upper: FloatArray
    baseline: FloatArray
    rows: FloatArray
    local_penalty: FloatArray
    local_centre: FloatArray
    shared_penalty: FloatArray

    @property
    def n_components(self) -> int:
        """Number of components."""
        return len(self.spectra.fids)

    @cached_property
    def smooth_baseline(self) -> FloatArray:
        """What departures see of the baseline's columns, (n_columns, n_rows)."""
        return self.baseline @ self.rows.T

    def factors(self) -> FloatArray:
        """By what shared unknowns enter the base values, (n_spectra, n_shared)."""
        return self.design[:, self.unknowns.regressor]

    def base(self, local: FloatArray, shared: FloatArray) -> FloatArray:
        """Base values of all spectra, (n_spectra, n_base)."""
        values = np.zeros((len(self.weight), self.n_components + len(COMMON) + len(self.baseline)))
        values[:, self.unknowns.local] = local
        np.add.at(values.T, self.unknowns.shared, (self.factors() * shared).T)
        return values

    def split(self, base: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Amplitudes (n_spectra, n_components), common parameters (n_spectra, n_common) and baseline coefficients of base values."""
        n, m = self.n_components, self.n_components + len(COMMON)
        return base[:, :n], np.clip(self.theta + base[:, n:m], self.lower, self.upper), base[:, m:]

    def pieces(self, local: FloatArray, shared: FloatArray) -> Iterator["Piece"]:
        """Residuals and derivatives of the spectra, some at a time."""
        base = self.base(local, shared)
        for first in range(0, len(base), _AT_ONCE):
            yield piece(self, slice(first, first + _AT_ONCE), base)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Some spectra at present unknowns, pairs times weights.

    `columns` (n, n_components + n_common, 2 n_points) are the derivatives by base values but those of the baseline, `residual`
    (n, 2 n_points); `explained`, (n, n_points), is without weights and holds what departures explain.
    """

    problem: JointProblem
    part: slice
    columns: FloatArray
    residual: FloatArray
    explained: ComplexArray

    @cached_property
    def taken(self) -> FloatArray:
        """What departures see of the residuals, (n, n_rows)."""
        return self.residual @ self.problem.rows.T

    @property
    def squares(self) -> FloatArray:
        """Squares of the residuals, departures taken out, (n,)."""
        return np.asarray(np.sum(self.residual**2, axis=1) - np.sum(self.taken**2, axis=1))

    @property
    def left(self) -> FloatArray:
        """Residuals with the departures taken out, in units of the noise, pairs (n, 2 n_points)."""
        return self.residual - self.taken @ self.problem.rows

    def blocks(self, local: FloatArray) -> Blocks:
        """Normal equations of a step from the present unknowns, `local` (n, n_local) being the local ones."""
        problem, unknowns = self.problem, self.problem.unknowns
        gram, right = self._products()
        factors = problem.factors()[self.part]
        a, b = unknowns.local, unknowns.shared
        shared = np.einsum("ni,nj,nij->ij", factors, factors, gram[:, b[:, None], b], optimize=True)
        off = problem.local_centre[self.part] - local
        return Blocks(
            local=gram[:, a[:, None], a] + problem.local_penalty,
            cross=gram[:, a[:, None], b] * factors[:, None, :],
            local_right=right[:, a] + off @ problem.local_penalty,
            shared=shared,
            shared_right=np.einsum("ni,ni->i", factors, right[:, b]),
        )

    def _products(self) -> tuple[FloatArray, FloatArray]:
        """Products of all derivatives, departures taken out, (n, n_base, n_base), and of them and the residuals, (n, n_base)."""
        problem, columns = self.problem, self.columns
        weight = problem.weight[self.part, None, None]
        smooth, smooth_baseline = columns @ problem.rows.T, problem.smooth_baseline
        n, m = columns.shape[1], len(problem.baseline)
        gram = np.empty((len(columns), n + m, n + m))
        gram[:, :n, :n] = columns @ columns.mT - smooth @ smooth.mT
        gram[:, :n, n:] = weight * (columns @ problem.baseline.T - smooth @ smooth_baseline.T)
        gram[:, n:, :n] = gram[:, :n, n:].mT
        gram[:, n:, n:] = weight**2 * (np.eye(m) - smooth_baseline @ smooth_baseline.T)
        own = (columns @ self.residual[:, :, None] - smooth @ self.taken[:, :, None])[:, :, 0]
        common = weight[:, :, 0] * (self.residual @ problem.baseline.T - self.taken @ smooth_baseline.T)
        return gram, np.concatenate([own, common], axis=1)


def piece(problem: JointProblem, part: slice, base: FloatArray) -> Piece:
    """The spectra `part` at their base values; `base` (n_spectra, n_base) are those of all."""
    amplitudes, theta, coefficients = (values[part] for values in problem.split(base))
    spectra, weight = problem.spectra, problem.weight[part, None, None]
    chosen = Alike(model=spectra.model, data=spectra.data[part], fids=spectra.fids)
    fids = chosen.envelope(theta)[:, None] * spectra.fids
    columns = as_pairs(spectra.model.fids.rows(fids))
    rotated = as_pairs(chosen.rotated(theta))
    residual = rotated - (amplitudes[:, None] @ columns)[:, 0] - coefficients @ problem.baseline
    # phases turn the data, so what departures explain as well
    explained = as_spectra(rotated - residual + residual @ problem.rows.T @ problem.rows)
    slopes = chosen.slopes((amplitudes[:, None] @ fids)[:, 0], explained)
    return Piece(
        problem=problem,
        part=part,
        columns=weight * np.concatenate([columns, slopes], axis=1),
        residual=weight[:, 0] * residual,
        explained=explained,
    )

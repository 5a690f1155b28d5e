"""Joint spectral-temporal fit: all spectra of a session at once, with what they share and what follows a temporal model.

Beside the fit of the session's mean, whose shifts and widths of single components it takes over, everything is estimated anew from all
spectra together: the baseline and the macromolecules, which are the same in all; phase, shift and widths, which move; and the amplitudes,
either free in every spectrum or sums of regressors over time. Amplitudes are not bound to be positive: a change is then estimated without
the bias of a bound. Components that the mean does not show (amplitude zero) are left out.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import UNIT_TOLERANCE, Fitter, check_axis
from mrs_pipeline.fitting.joint_problem import NO_COMPONENTS, Beginning, Components, Courses, components_of, joint_problem
from mrs_pipeline.fitting.joint_search import JointMinimum, minimised
from mrs_pipeline.fitting.session import departure_smoothing, fit_mean, fitted_noise, usable_rows, weighted_mean
from mrs_pipeline.fitting.session_series import lent_by, starts
from mrs_pipeline.fitting.spectrum_fit import QUALITY_NAMES, SpectrumFit, failed_fit

#: A spectrum whose residuals are larger than those of the others by this factor is damaged: it has less weight.
DAMAGED = 1.2
#: One with residuals so much larger is no spectrum of this session: it is left out.
RUINED = 3.0
_MAX_WEIGHINGS = 3


@dataclass(frozen=True, kw_only=True)
class JointFit:
    """A joint fit. `rows` are the spectra that took part, `ruined` those with data that were left out (`RUINED`).

    `status` is as in `SpectrumFit`, with no minimum where there is nothing to fit; `unit` that of the problem, in the units of the data;
    `mean` the fit of the mean of the spectra that took part.
    """

    mean: SpectrumFit
    rows: tuple[int, ...]
    components: Components
    courses: Courses
    unit: float
    minimum: JointMinimum | None
    status: str
    ruined: tuple[int, ...] = ()

    def amplitudes(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Weighted sums of amplitudes: values (n_sums, n_metabolites), covariance (n_sums, n_metabolites, n_sums, n_metabolites).

        `weights` (n_sums, n) are over the spectra of `rows` where amplitudes are free, else over the regressors. The errors are those of
        the fit and, for sums of weights other than zero, of what it took over from the mean. Components that were left out are zero, with
        the error that the mean leaves them (`_spread`).
        """
        values, covariance = self._of_fit(weights)
        total = weights.sum(axis=1) if self.courses.amplitudes == "free" else weights[:, 0]
        covariance += np.einsum("a,b,ij->aibj", total, total, self._of_level)
        return values, covariance

    def _of_fit(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The same, with what was taken over from the mean as known."""
        minimum, chosen = self._found, self.components.all
        n_sums, n = len(weights), len(self.mean.metabolites)
        picked = np.zeros((n_sums, len(chosen), minimum.shared.size))
        local = np.zeros((n_sums, len(chosen)))
        unknowns, solution = minimum.problem.unknowns, minimum.solution
        own, every = np.zeros((n_sums, len(chosen), n_sums, len(chosen))), list(range(n_sums))
        places = np.flatnonzero(unknowns.local < len(self.components.changing))
        if self.courses.amplitudes == "free" and places.size:
            at = unknowns.local[places].tolist()
            local[:, at] = weights @ minimum.local[:, places]
            picked[:, at] = -np.einsum("aw,wis->ais", weights, solution.carried[:, places])
            blocks = np.einsum("aw,bw,wij->aibj", weights, weights, solution.inverse[:, places][:, :, places], optimize=True)
            own[np.ix_(every, at, every, at)] = blocks
            factors = np.tile(weights.sum(axis=1)[:, None], (1, minimum.shared.size))
        else:
            factors = weights[:, unknowns.regressor]
        for place in np.flatnonzero(unknowns.shared < len(chosen)):
            picked[:, unknowns.shared[place], place] += factors[:, place]
        values, covariance = np.zeros((n_sums, n)), np.zeros((n_sums, n, n_sums, n))
        shared = np.zeros((n_sums, len(chosen)))
        for place in np.flatnonzero(unknowns.shared < len(chosen)):
            shared[:, unknowns.shared[place]] += factors[:, place] * minimum.shared[place]
        values[:, chosen] = (local + shared) * self.unit
        spread = own + np.einsum("ais,st,bjt->aibj", picked, solution.shared_covariance, picked, optimize=True)
        covariance[np.ix_(every, chosen, every, chosen)] = spread * self.unit**2
        for unseen in self.components.unseen:
            covariance[:, unseen, :, unseen] = self._spread(weights) * self.mean.covariance[unseen, unseen]
        return values, covariance

    def _spread(self, weights: FloatArray) -> FloatArray:
        """Covariance of sums (n_sums, n_sums) over the variance of the mean, for independent errors of all spectra.

        An upper limit for differences: the mean's variance holds what is not known of shifts and widths of components too.
        """
        shares = self._found.problem.weight**2 / np.sum(self._found.problem.weight**2)
        if self.courses.amplitudes == "free":
            return np.asarray((weights / shares) @ weights.T)
        design = self.courses.design
        return np.asarray(weights @ np.linalg.solve((design.T * shares) @ design, weights.T))

    @cached_property
    def _of_level(self) -> FloatArray:
        """Covariance of the levels from what was taken over: that of the mean beyond what the joint fit has of its own."""
        if self.courses.amplitudes == "free":
            weights = (self._found.problem.weight**2 / np.sum(self._found.problem.weight**2))[None]
        else:
            weights = self.courses.design.mean(axis=0)[None]
        excess = self.mean.covariance - self._of_fit(weights)[1][0, :, 0]
        values, vectors = np.linalg.eigh(excess)
        return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)

    def window_fits(self, n_windows: int) -> tuple[SpectrumFit, ...]:
        """The amplitudes of each of `n_windows` spectra as fits without curves, their covariances those of levels.

        Amplitudes must be free; rows that did not take part have too few transients, `ruined` ones hold what the basis does not describe,
        and all have the status of the joint fit.
        """
        names = self.mean.metabolites
        if self.status != "ok":
            return (failed_fit(names, status=self.status),) * n_windows
        fits = [failed_fit(names, status="too_few_transients")] * n_windows
        for row in self.ruined:
            fits[row] = failed_fit(names, status="not_described")
        for place, row in enumerate(self.rows):
            values, covariance = self.amplitudes(np.eye(len(self.rows))[place : place + 1])
            fits[row] = SpectrumFit(
                metabolites=names,
                amplitudes=values[0],
                covariance=covariance[0, :, 0],
                own_covariance=self._own(place),
                parameters={},
                quality=dict.fromkeys(QUALITY_NAMES, np.nan),
                status="ok",
                reason="",
                curves=None,
                smoothing=self.mean.smoothing,
            )
        return tuple(fits)

    def _own(self, place: int) -> FloatArray:
        """Covariance of the amplitudes of one spectrum by its own noise."""
        unknowns, chosen = self._found.problem.unknowns, np.array(self.components.changing)
        places = np.flatnonzero(unknowns.local < chosen.size)
        at = chosen[unknowns.local[places]]
        own = np.zeros_like(self.mean.covariance)
        own[np.ix_(at, at)] = self._found.solution.inverse[place][np.ix_(places, places)] * self.unit**2
        unseen = list(self.components.unseen)
        own[unseen, unseen] = np.diag(self.mean.covariance)[unseen] * self._spread(np.eye(len(self.rows))[place : place + 1])[0, 0]
        return own

    @property
    def _found(self) -> JointMinimum:
        if self.minimum is None:
            raise ValueError(f"a joint fit with status '{self.status}' has no amplitudes")
        return self.minimum


def fit_joint(fids: Fids, *, counts: FloatArray, courses: Courses, fitter: Fitter, mean: SpectrumFit | None = None) -> JointFit:
    """Joint fit of spectra, shape (n_spectra, n_points), averages of `counts` transients; rows of NaN do not take part.

    `courses` say what is free and what follows the design; `mean` is the fit of the session's mean, made here if it is not given.
    A design whose columns can be told apart only at spectra without data makes the status `too_few_transients`; `DataError` for others.
    Spectra with larger residuals than the others have less weight; where residuals are `RUINED` times as large, all is done again without.
    """
    fit = _fit_all(fids, counts=counts, courses=courses, fitter=fitter, mean=mean)
    ruined = _ruined(fit, counts=counts)
    if not ruined.size:
        return fit
    data = np.array(fids.data)
    data[ruined] = np.nan
    again = fit_joint(fids.with_data(data), counts=counts, courses=courses, fitter=fitter)
    return replace(again, ruined=tuple(sorted({*ruined.tolist(), *again.ruined})))


def _fit_all(fids: Fids, *, counts: FloatArray, courses: Courses, fitter: Fitter, mean: SpectrumFit | None) -> JointFit:
    """The fit of all spectra with data."""
    check_axis(fids, fitter.basis)
    rows = usable_rows(fids, counts=counts)
    used = _used(courses, rows, n_spectra=len(counts))
    mean = mean or fit_mean(fids, counts=counts, fitter=fitter)
    if mean.status != "ok" or not used.known:
        status = mean.status if mean.status != "ok" else "too_few_transients"
        return JointFit(mean=mean, rows=(), components=NO_COMPONENTS, courses=used, unit=1.0, minimum=None, status=status)
    data, counts = np.asarray(fids.data, dtype=np.complex128)[rows], counts[rows]
    # noise of single spectra is known badly, their shares in it well
    noise = np.median(fitted_noise(data, fitter=fitter) * np.sqrt(counts)) / np.sqrt(counts)
    lent, short = lent_by(mean, fitter=fitter), data[:, : fitter.n_used]
    if courses.amplitudes == "free":
        theta = starts(short, mean=weighted_mean(short, counts), lent=lent, template=fitter.template)
    else:  # single transients are too noisy to tell, and are aligned
        theta = np.tile(lent.theta, (len(rows), 1))
    begun = Beginning(fids=short, noise=noise, theta=theta, lent=lent)
    problem, local, shared = joint_problem(begun, courses=used, smoothing=departure_smoothing(fitter), fitter=fitter)
    try:
        with np.errstate(all="ignore"):
            minimum = _weighed(minimised(problem, local, shared))
    except np.linalg.LinAlgError:  # two components are the same
        return JointFit(mean=mean, rows=(), components=NO_COMPONENTS, courses=used, unit=1.0, minimum=None, status="not_converged")
    return JointFit(
        mean=mean,
        rows=tuple(rows.tolist()),
        components=components_of(lent),
        courses=used,
        unit=begun.unit,
        minimum=minimum,
        status="ok" if minimum.converged else "not_converged",
    )


def _used(courses: Courses, rows: NDArray[np.intp], *, n_spectra: int) -> Courses:
    """Courses of the spectra with data; `DataError` for a design of another length, or one that no data could tell apart."""
    if len(courses.design) != n_spectra:
        raise DataError(f"the design of the joint fit has {len(courses.design)} rows for {n_spectra} spectra: give it one row for each")
    used = courses.at(rows)
    whole = courses.at(np.flatnonzero(np.all(np.isfinite(courses.design), axis=1)))
    if not whole.known:
        raise DataError(
            f"columns of the design of the joint fit are combinations of others at its {len(whole.design)} spectra: take some out, or let "
            "nothing follow it"
        )
    return used


def _ruined(fit: JointFit, *, counts: FloatArray) -> NDArray[np.intp]:
    """Rows of spectra whose residuals, over what noise their number of transients makes, are far larger than those of the others."""
    if fit.minimum is None:
        return np.zeros(0, dtype=np.intp)
    rows = np.array(fit.rows)
    found = fit.minimum.residual_sds / fit.minimum.problem.weight * np.sqrt(counts[rows])
    return np.asarray(rows[found > RUINED * np.median(found)], dtype=np.intp)


def _weighed(minimum: JointMinimum) -> JointMinimum:
    """The minimum with weights that are those of the residuals."""
    for _ in range(_MAX_WEIGHINGS):
        weight = _weights(minimum)
        if np.allclose(weight, minimum.problem.weight, rtol=UNIT_TOLERANCE):
            break
        minimum = minimised(replace(minimum.problem, weight=weight), minimum.local, minimum.shared)
    return minimum


def _weights(minimum: JointMinimum) -> FloatArray:
    """Weights as residuals have it where these are larger than the noise: those of all spectra, and those of damaged ones."""
    found = minimum.residual_sds
    common = max(1.0, float(np.median(found)))
    return np.asarray(minimum.problem.weight / np.where(found > DAMAGED * common, found, common))

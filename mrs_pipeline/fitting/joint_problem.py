"""The spectra of a session as a `JointProblem`: which unknowns are local, which follow the design, which are the same in all."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.errors import DataError, unknown_name
from mrs_pipeline.fitting.fit import Fitter, centred
from mrs_pipeline.fitting.joint_model import JointProblem, Unknowns
from mrs_pipeline.fitting.model import as_real
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.series import Alike, alternating
from mrs_pipeline.fitting.session_series import Lent

#: How amplitudes and widths may go over time.
COURSES = ("free", "follow", "held")
_WIDTHS = ("gaussian_square_hz2", "lorentzian_hz")
#: Information on a column of the baseline below which it is taken for unknown and left at zero, relative to that of one spectrum.
_LEAST_INFORMATION = 1e-6
#: Part of a column of the design that must be its own.
_OWN = 1e-6


@dataclass(frozen=True, kw_only=True)
class Courses:
    """How things go over time: `free` in every spectrum, or as they `follow` the design; `held`: as in the mean.

    `design` (n_spectra, n_regressors) begins with a column of ones.
    """

    amplitudes: str
    widths: str
    design: FloatArray

    def __post_init__(self) -> None:
        """Refuse what is not in `COURSES`."""
        for name in (self.amplitudes, self.widths):
            if name not in COURSES:
                raise unknown_name("course", name, COURSES)

    def at(self, rows: NDArray[np.intp]) -> "Courses":
        """Those of some of the spectra; `DataError` for a design of values that are not numbers there, or without a column of ones."""
        design = np.asarray(self.design, dtype=float)[rows]
        if not np.all(np.isfinite(design)):
            raise DataError("the design of the joint fit is not a number at a spectrum with data: give every column a value there")
        if design.size and not np.allclose(design[:, 0], 1.0):
            raise DataError("the design of the joint fit must begin with a column of ones: put the constant first")
        return replace(self, design=design)

    @property
    def known(self) -> bool:
        """Whether what follows the design can be told from it: no column is a combination of others."""
        if "follow" not in (self.amplitudes, self.widths):
            return True
        norms = np.linalg.norm(self.design, axis=0)
        if len(self.design) < norms.size or not norms.all():
            return False
        return bool(np.linalg.svd(self.design / norms, compute_uv=False)[-1] > _OWN)


@dataclass(frozen=True, kw_only=True)
class Components:
    """Numbers of the components: `changing` ones (metabolites and lipids) and `steady` ones, macromolecules, in a joint fit.

    `unseen` are those that would change, but are left out as the mean does not show them.
    """

    changing: tuple[int, ...]
    steady: tuple[int, ...]
    unseen: tuple[int, ...]

    @property
    def all(self) -> list[int]:
        """In the order of the problem."""
        return [*self.changing, *self.steady]


NO_COMPONENTS = Components(changing=(), steady=(), unseen=())


def components_of(lent: Lent) -> Components:
    """Those that the mean of the session shows, and those that it does not."""
    seen = lent.mean.amplitudes > 0
    return Components(
        changing=tuple(i for i in lent.free if seen[i]),
        steady=tuple(i for i in lent.known if seen[i]),
        unseen=tuple(i for i in lent.free if not seen[i]),
    )


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Spectra of a session and where their search begins.

    FIDs (n_spectra, n_used), SDs of the noise (n_spectra,), parameters `theta` (n_spectra, n_common) and what the mean lends.
    """

    fids: ComplexArray
    noise: FloatArray
    theta: FloatArray
    lent: Lent

    @property
    def unit(self) -> float:
        """Unit of the problem."""
        return float(np.median(self.noise))


def joint_problem(begun: Beginning, *, courses: Courses, smoothing: float, fitter: Fitter) -> tuple[JointProblem, FloatArray, FloatArray]:
    """The problem of a session, and its local and shared unknowns to begin with; `smoothing` is that of departures of baselines."""
    lent, unit, model = begun.lent, begun.unit, fitter.model
    components, common = components_of(lent), len(COMMON)
    unknowns = _unknowns(components, courses, n_baseline=model.smoother.columns.shape[1])
    n = len(components.all)
    offset = lent.lorentzian_hz * (np.array(COMMON) == "lorentzian_hz")
    local_penalty, local_centre = _local_prior(unknowns, components, begun, fitter)
    problem = JointProblem(
        spectra=Alike(
            model=model,
            data=centred(begun.fids, model, shift_hz=lent.shift_hz, delay_s=lent.delay_s) / unit,
            fids=lent.fids[components.all],
        ),
        weight=unit / begun.noise,
        design=courses.design,
        unknowns=unknowns,
        theta=begun.theta,
        lower=fitter.lower[:common] - offset,
        upper=fitter.upper[:common] - offset,
        baseline=alternating(model.smoother.columns.T),
        rows=alternating(model.smoother.rows(smoothing)),
        local_penalty=local_penalty,
        local_centre=local_centre,
        shared_penalty=_shared_penalty(unknowns, components, courses, begun, fitter),
    )
    base = np.zeros(n + common + len(problem.baseline))
    base[:n] = lent.mean.amplitudes[components.all] / unit
    base[n + common :] = model.smoother.columns.T @ as_real(lent.baseline) / unit
    local = np.tile(base[unknowns.local], (len(begun.fids), 1))
    return problem, local, np.where(unknowns.regressor == 0, base[unknowns.shared], 0.0)


def _unknowns(components: Components, courses: Courses, *, n_baseline: int) -> Unknowns:
    n, m = len(components.changing), len(components.all)
    place = {name: m + COMMON.index(name) for name in COMMON}
    columns = range(courses.design.shape[1])
    local = [place["phase0_rad"], place["shift_hz"]]
    shared = [(index, 0) for index in range(n, m)] + [(m + len(COMMON) + index, 0) for index in range(n_baseline)]
    for course, places in ((courses.widths, [place[name] for name in _WIDTHS]), (courses.amplitudes, list(range(n)))):
        if course == "free":
            local += places
        elif course == "follow":
            shared += [(index, column) for index in places for column in columns]
    return Unknowns(
        local=np.array(sorted(local)), shared=np.array([index for index, _ in shared]), regressor=np.array([column for _, column in shared])
    )


def _local_prior(unknowns: Unknowns, components: Components, begun: Beginning, fitter: Fitter) -> tuple[FloatArray, FloatArray]:
    """Ratio priors of free amplitudes and Gaussian ones of common parameters: penalty (n_local, n_local), centre (n_spectra, n_local)."""
    n, changing = len(components.all), list(components.changing)
    rows = _ratio_rows(components, changing, begun, fitter)
    precision, centre = np.zeros(n + len(COMMON)), np.zeros((len(begun.theta), n + len(COMMON)))
    precision[n:] = fitter.priors.precision[: len(COMMON)]
    target = fitter.priors.centre[: len(COMMON)] - begun.lent.lorentzian_hz * (np.array(COMMON) == "lorentzian_hz")
    centre[:, n:] = target - begun.theta
    local = unknowns.local
    penalty = np.diag(precision)
    penalty[:n, :n] += rows.T @ rows
    return penalty[np.ix_(local, local)], centre[:, local]


def _ratio_rows(components: Components, chosen: Collection[int], begun: Beginning, fitter: Fitter) -> FloatArray:
    """Rows of the ratio priors among the chosen components, over all of the problem, for amplitudes in its unit."""
    mean = begun.lent.mean
    rows = fitter.ratio_priors.within(chosen).rows(amplitudes=mean.amplitudes, sd=mean.sd)
    return np.asarray(rows[:, components.all] * begun.unit)


def _shared_penalty(unknowns: Unknowns, components: Components, courses: Courses, begun: Beginning, fitter: Fitter) -> FloatArray:
    """Ratio priors on levels that are shared, and the stiffness of the session's baseline."""
    n, smoother, mean = len(components.all), fitter.model.smoother, begun.lent.mean
    chosen = [*components.steady, *(components.changing if courses.amplitudes == "follow" else ())]
    rows = _ratio_rows(components, chosen, begun, fitter)
    level = courses.design.mean(axis=0)[unknowns.regressor]
    amplitude = unknowns.shared < n
    spread = np.where(amplitude, rows[:, np.where(amplitude, unknowns.shared, 0)] * level, 0.0)
    mean_noise = max(mean.quality["noise_sd"], mean.quality["residual_sd"]) / fitter.noise_scale
    stiff = mean.smoothing * smoother.roughness * (begun.unit / mean_noise) ** 2
    stiff = np.maximum(stiff, _LEAST_INFORMATION * np.mean((begun.unit / begun.noise) ** 2))
    is_baseline = unknowns.shared >= n + len(COMMON)
    diagonal = np.zeros(is_baseline.size)
    diagonal[is_baseline] = stiff[unknowns.shared[is_baseline] - n - len(COMMON)]
    return np.asarray(spread.T @ spread + np.diag(diagonal))

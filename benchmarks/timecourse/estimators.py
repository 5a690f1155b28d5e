"""Estimates of the response of one session: change of a measure during the infusion, with its standard error, by every estimator.

alone        : every window fitted by itself, its own baseline, `fit_spectra`.
windows      : windows beside the fit of their mean, as the workflow fits them, `fit_windows`.
joint        : all windows at once, amplitudes and widths free in each, `fit_joint`.
follow       : all windows at once, amplitudes follow the design, widths free in each.
follow_widths: amplitudes and widths follow the design.
held         : amplitudes free, the lineshape held over time: the known mistake, here to see that it is seen.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from sessions import Schedule, Session

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.fit import Fitter, fit_spectra
from mrs_pipeline.fitting.joint import fit_joint
from mrs_pipeline.fitting.joint_problem import Courses
from mrs_pipeline.fitting.session import fit_mean, fit_windows
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.changes import Change, TwoLevels, change_of
from mrs_pipeline.quantification.measures import MeasureDefinition

GLX, TNAA = ("Glu", "Gln"), ("NAA", "NAAG")
MEASURES: Mapping[str, MeasureDefinition] = {
    definition.name: definition
    for definition in (
        MeasureDefinition(name="Glx/tNAA", numerator=GLX, denominator=TNAA),
        MeasureDefinition(name="Glu/tNAA", numerator=("Glu",), denominator=TNAA),
        MeasureDefinition(name="Glx", numerator=GLX),
        MeasureDefinition(name="Glu", numerator=("Glu",)),
        MeasureDefinition(name="GABA", numerator=("GABA",)),
        MeasureDefinition(name="tNAA", numerator=TNAA),
    )
}
#: Measured as difference over the true level: its estimates may be close to zero, where logarithms mean little.
SMALL = ("GABA",)
#: Name -> courses of amplitudes and widths of the joint fits.
JOINT = {"joint": ("free", "free"), "follow": ("follow", "free"), "follow_widths": ("follow", "follow"), "held": ("free", "held")}
ESTIMATORS = ("alone", "windows", *JOINT)


def changes_by(session: Session, *, schedule: Schedule, fitter: Fitter, estimators: Sequence[str]) -> dict[str, tuple[Change, ...]]:
    """Changes of all measures by the estimators named; NaN where an estimator fails."""
    weights = phase_weights(session, schedule=schedule)
    mean = fit_mean(session.windows, counts=session.counts, fitter=fitter)
    found = {}
    for name in estimators:
        if name == "alone":
            levels = levels_of_windows(fit_spectra(session.windows, fitter=fitter), weights)
        elif name == "windows":
            levels = levels_of_windows(fit_windows(session.windows, counts=session.counts, fitter=fitter, mean=mean), weights)
        else:
            levels = joint_levels(session, JOINT[name], schedule=schedule, fitter=fitter, mean=mean)
        found[name] = tuple(measured(levels, definition, session=session) for definition in MEASURES.values())
    return found


def measured(levels: TwoLevels, definition: MeasureDefinition, *, session: Session) -> Change:
    """Change of a measure: 100 times the difference of logarithms, or in percent of the true level for what is `SMALL`."""
    if definition.name not in SMALL:
        return change_of(levels, definition=definition)
    at = levels.metabolites.index(definition.name)
    level = session.amplitudes[0, session.names.index(definition.name)]
    covariance = levels.covariance[:, at, :, at]
    variance = covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1]
    difference = levels.amplitudes[1, at] - levels.amplitudes[0, at]
    return Change(name=definition.name, log_percent=float(100.0 * difference / level), sd=float(100.0 * np.sqrt(variance) / level))


def true_changes(session: Session) -> list[float]:
    """The true changes in the same units."""
    n = len(session.names)
    levels = TwoLevels(metabolites=session.names, amplitudes=session.amplitudes, covariance=np.zeros((2, n, 2, n)))
    return [measured(levels, definition, session=session).log_percent for definition in MEASURES.values()]


def phase_weights(session: Session, *, schedule: Schedule) -> FloatArray:
    """Means over the windows before and during, weighted as the transients are: (2, n_windows)."""
    shares = np.stack([~schedule.during, schedule.during]) * session.counts
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def levels_of_windows(fits: Sequence[SpectrumFit], weights: FloatArray) -> TwoLevels:
    """Means of the windows that have a fit; errors are those that windows do not share."""
    good = np.array([fit.status == "ok" for fit in fits])
    shares = weights * good
    shares = shares / shares.sum(axis=1, keepdims=True)
    amplitudes = np.nan_to_num([fit.amplitudes for fit in fits])
    own = np.nan_to_num([fit.covariance if fit.own_covariance is None else fit.own_covariance for fit in fits])
    covariance = np.einsum("aw,bw,wij->aibj", shares, shares, own)
    return TwoLevels(metabolites=fits[0].metabolites, amplitudes=shares @ amplitudes, covariance=covariance)


def joint_levels(session: Session, courses: tuple[str, str], *, schedule: Schedule, fitter: Fitter, mean: SpectrumFit) -> TwoLevels:
    """Levels before and during by a joint fit with a boxcar as its design."""
    design = np.stack([np.ones_like(schedule.course), schedule.course], axis=1)
    chosen = Courses(amplitudes=courses[0], widths=courses[1], design=design)
    fit = fit_joint(session.windows, counts=session.counts, courses=chosen, fitter=fitter, mean=mean)
    n = len(fitter.basis.metabolites)
    if fit.status != "ok":
        return TwoLevels(metabolites=fitter.basis.metabolites, amplitudes=np.full((2, n), np.nan), covariance=np.full((2, n, 2, n), np.nan))
    weights = phase_weights(session, schedule=schedule)[:, list(fit.rows)]
    amplitudes, covariance = fit.amplitudes(weights if courses[0] == "free" else np.array([[1.0, 0.0], [1.0, 1.0]]))
    return TwoLevels(metabolites=fitter.basis.metabolites, amplitudes=amplitudes, covariance=covariance)

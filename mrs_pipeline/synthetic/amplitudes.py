"""True amplitudes of the metabolites over the transients of a visit, and the ratio that an analysis should find.

Amplitudes are what a spectrum shows: concentrations of grey and white matter weighted with their volume and their relaxation. The ratio of
amplitudes is the truth that this package's analysis, which corrects neither tissue nor relaxation, should recover; the ratio of
contents (mmol of either in the voxel) stands beside it for analyses that do. Their changes agree but for a change of the voxel.
"""

from collections.abc import Callable

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.response import response_course
from mrs_pipeline.synthetic.tissue import Tissue, content_weights, signal_weights


def response_percent(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True change of the ratio since the baseline at each transient, 100 x natural logarithm, shape (n_transients,)."""
    return visit.plateau_percent * response_course(plan.description)


def concentrations_over_time(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True concentration in grey matter in each transient, mmol/L, shape (n_transients, n_metabolites)."""
    factor = np.exp(0.01 * response_percent(plan, visit))[:, np.newaxis]
    responds = np.isin(plan.description.metabolites, plan.description.levels.numerator)
    before = np.array([visit.concentrations[name] for name in plan.description.metabolites])
    return np.asarray(before * np.where(responds, factor, 1.0))


def amplitudes_over_time(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True signal of each metabolite in each transient, mmol per litre of voxel, shape (n_transients, n_metabolites)."""
    return _in_voxel(plan, visit, weights=lambda voxel: signal_weights(plan.description, voxel))


def contents_over_time(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True content of the voxel without relaxation, mmol per litre of voxel, shape (n_transients, n_metabolites)."""
    return _in_voxel(plan, visit, weights=lambda voxel: content_weights(plan.description, voxel).sum(axis=1))


def true_ratio(plan: StudyPlan, visit: Visit) -> FloatArray:
    """Ratio of the amplitudes of numerator and denominator in each transient, shape (n_transients,)."""
    return _ratio(plan, amplitudes_over_time(plan, visit))


def true_content_ratio(plan: StudyPlan, visit: Visit) -> FloatArray:
    """The same ratio of what the voxel holds, shape (n_transients,)."""
    return _ratio(plan, contents_over_time(plan, visit))


def _in_voxel(plan: StudyPlan, visit: Visit, *, weights: Callable[[Tissue], FloatArray]) -> FloatArray:
    """Concentrations times the weights of the voxel of each transient, which a move of the head changes."""
    concentrations = concentrations_over_time(plan, visit)
    weighted = concentrations * weights(visit.tissue)
    if visit.move is not None:
        weighted[visit.move.transient :] = concentrations[visit.move.transient :] * weights(visit.move.tissue)
    return np.asarray(weighted)


def _ratio(plan: StudyPlan, amounts: FloatArray) -> FloatArray:
    names, levels = plan.description.metabolites, plan.description.levels
    numerator = amounts[:, np.isin(names, levels.numerator)].sum(axis=1)
    return np.asarray(numerator / amounts[:, np.isin(names, levels.denominator)].sum(axis=1))

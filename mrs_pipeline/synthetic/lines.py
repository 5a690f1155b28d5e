"""Shape and place of the metabolites' lines at a visit, and the heights that other signals are measured in."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.synthetic.components import Components, gaussian_decay, gaussian_hz, lorentzian_decay, naa_height
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.sections.scanner import Lineshape
from mrs_pipeline.synthetic.tissue import mean_tissue, signal_weights


@dataclass(frozen=True, kw_only=True)
class VisitLines:
    """Metabolites of unit amplitude with the lines of a visit, (n_metabolites, n_points), and the decay they share, (n_points,)."""

    metabolites: ComplexArray
    decay: FloatArray


def visit_lines(plan: StudyPlan, visit: Visit, *, parts: Components) -> VisitLines:
    """The lines of a visit before the infusion: its shim, and small deviations of each metabolite."""
    description = plan.description
    decay = shim_decay(description.lineshape, linewidth_hz=visit.linewidth_hz, time_s=description.sampling.time_s)
    deviations = line_deviations(description, rng=plan.stream("lines", visit))
    return VisitLines(metabolites=parts.metabolites * deviations * decay, decay=decay)


def shim_decay(lineshape: Lineshape, *, linewidth_hz: float, time_s: FloatArray) -> FloatArray:
    """Decay of the lines of a visit: the described Lorentzian part, the rest of the linewidth Gaussian, shape (n_points,)."""
    gauss_hz = gaussian_hz(linewidth_hz, lorentzian_hz=lineshape.lorentzian_hz)
    return lorentzian_decay(time_s, width_hz=lineshape.lorentzian_hz) * gaussian_decay(time_s, width_hz=gauss_hz)


def line_deviations(description: StudyDescription, *, rng: np.random.Generator) -> ComplexArray:
    """Factor of each metabolite's FID for its own shift and width, (n_metabolites, n_points); NAA is the reference of both."""
    names, lineshape, acquisition = description.metabolites, description.lineshape, description.sampling
    others = (np.array(names) != "NAA")[:, np.newaxis]
    shift_sd_hz = lineshape.metabolite_shift_sd_ppm * acquisition.spectrometer_frequency_mhz
    shift_hz = shift_sd_hz * rng.standard_normal((len(names), 1)) * others
    width_hz = lineshape.metabolite_damping_sd_hz * rng.standard_normal((len(names), 1)) * others
    return np.asarray(np.exp((2j * shift_hz - width_hz) * np.pi * acquisition.time_s))


def visit_naa_height(plan: StudyPlan, visit: Visit, *, parts: Components, lines: VisitLines) -> float:
    """Height of the NAA peak of a visit, mmol/L times points."""
    return visit.amplitudes["NAA"] * naa_height(parts.naa * lines.decay, acquisition=plan.description.sampling)


def mean_naa_height(description: StudyDescription, *, parts: Components) -> float:
    """Height of the NAA peak at the mean level, in the mean voxel and at the mean linewidth: what signal-to-noise is stated for."""
    lineshape, acquisition = description.lineshape, description.sampling
    weights = dict(zip(description.metabolites, signal_weights(description, mean_tissue(description)).tolist(), strict=True))
    level = description.levels.concentrations_mmol_per_l["NAA"] * weights["NAA"]
    decay = shim_decay(lineshape, linewidth_hz=lineshape.linewidth_hz, time_s=acquisition.time_s)
    return float(level) * naa_height(parts.naa * decay, acquisition=acquisition)

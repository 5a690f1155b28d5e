"""Water: what suppression leaves in each transient, and the unsuppressed reference."""

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.synthetic.faults import TransientFaults
from mrs_pipeline.synthetic.lines import VisitLines
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.sections.scanner import EddyCurrent
from mrs_pipeline.synthetic.tissue import water_signal_mmol_per_l

IntegerArray = NDArray[np.int64]

#: Finer than the points of a spectrum by this factor: a peak between two points keeps its height.
OVERSAMPLING = 8


def residual_water(plan: StudyPlan, visit: Visit, *, faults: TransientFaults, naa_height: float) -> ComplexArray:
    """Residual water, (n_transients, n_points): a few Lorentzian lines of any phase whose common size varies between transients."""
    section, rng, acquisition = plan.description.water, plan.stream("water lines", visit), plan.description.sampling
    width_hz = rng.uniform(*section.residual_linewidth_hz, size=section.residual_lines)
    offset_hz = -rng.uniform(*section.residual_offset_ppm, size=section.residual_lines) * acquisition.spectrometer_frequency_mhz
    size = rng.uniform(0.3, 1.0, size=section.residual_lines) * np.exp(1j * rng.uniform(-np.pi, np.pi, size=section.residual_lines))
    line = size @ np.exp((2j * offset_hz - width_hz)[:, np.newaxis] * np.pi * acquisition.time_s)
    height = np.abs(np.fft.fft(line, OVERSAMPLING * acquisition.n_points)).max()
    return np.outer(faults.residual_water, section.residual_height * naa_height / height * line)


def eddy_phases_rad(plan: StudyPlan, visit: Visit) -> tuple[FloatArray, FloatArray]:
    """Phase error during each FID of the data and of the water reference, (n_points,): sums of decaying exponentials.

    Terms of the reference differ from those of the data by independent factors about 1.
    """
    section, rng = plan.description.eddy_current, plan.stream("eddy current", visit)
    amplitude_rad, decays = _eddy_terms(section, time_s=plan.description.sampling.time_s, rng=rng)
    mismatch = 1.0 + 0.01 * section.reference_mismatch_percent * rng.standard_normal(section.n_terms)
    return np.asarray(amplitude_rad @ decays), np.asarray((amplitude_rad * mismatch) @ decays)


def _eddy_terms(section: EddyCurrent, *, time_s: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Amplitude of each term, (n_terms,), and its decay, (n_terms, n_points)."""
    sign = rng.choice([-1.0, 1.0], size=section.n_terms)
    amplitude_rad = np.deg2rad(rng.uniform(*section.amplitude_deg, size=section.n_terms)) * sign
    constant_s = rng.uniform(*section.time_constant_s, size=section.n_terms)
    return amplitude_rad, np.exp(-time_s / constant_s[:, np.newaxis])


def water_reference(plan: StudyPlan, visit: Visit, *, first: IntegerArray, faults: TransientFaults, lines: VisitLines) -> ComplexArray:
    """Unsuppressed water before each recording, (n_runs, n_points): the frequency of the recording's first transient.

    Two protons of the water of all compartments after relaxation; ``first`` indexes those transients.
    """
    description = plan.description
    height = 2 * water_signal_mmol_per_l(description, visit.tissue)
    shift = np.exp(2j * np.pi * np.outer(faults.frequency_shift_hz[first], description.sampling.time_s))
    return np.asarray(height * lines.decay * shift)

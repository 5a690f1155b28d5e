"""Signals that are no metabolites: macromolecules, lipids, a broad hump, an unwanted echo.

Their widths are those seen in vivo, so the shim of the visit is not applied to them again.
"""

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.synthetic.components import Components, gaussian_decay
from mrs_pipeline.synthetic.faults import TransientFaults
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.streams import stream
from mrs_pipeline.synthetic.timing import schedule


def macromolecule_levels(plan: StudyPlan, visit: Visit, *, n_lines: int) -> FloatArray:
    """Factor of each line of the profile, mmol/L, shape (n_lines,): a person's own profile about that of the mean."""
    section = plan.description.macromolecules
    rng = stream(plan.seed, purpose="macromolecules", participant_index=visit.participant.index)
    common = section.participant_sd_percent * rng.standard_normal()
    return np.asarray(section.level_mmol_per_l * np.exp(0.01 * (common + section.line_sd_percent * rng.standard_normal(n_lines))))


def constant_signal(plan: StudyPlan, visit: Visit, *, parts: Components, naa_height: float) -> ComplexArray:
    """What is the same in all transients, (n_points,): macromolecules and, in some visits, the hump."""
    levels = macromolecule_levels(plan, visit, n_lines=len(parts.macromolecules))
    return np.asarray(levels @ parts.macromolecules + hump(plan, visit, naa_height=naa_height))


def hump(plan: StudyPlan, visit: Visit, *, naa_height: float) -> ComplexArray:
    """A broad Gaussian line of any phase, (n_points,); zero in most visits."""
    section, rng, acquisition = plan.description.broad_baseline, plan.stream("broad baseline", visit), plan.description.sampling
    happens, position_ppm = rng.random() < section.probability, float(rng.uniform(*section.position_ppm))
    width_hz, height, phase_rad = rng.uniform(*section.width_hz), rng.uniform(*section.height), rng.uniform(-np.pi, np.pi)
    frequency_hz = hz_from_ppm(position_ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    decay = gaussian_decay(acquisition.time_s, width_hz=width_hz)
    size = happens * height * naa_height / decay.sum()
    return np.asarray(size * decay * np.exp(1j * (2 * np.pi * frequency_hz * acquisition.time_s + phase_rad)))


def lipid_over_time(visit: Visit, *, faults: TransientFaults) -> FloatArray:
    """Factor of the lipid signal in each transient, mmol/L, shape (n_transients,)."""
    return visit.lipid_mmol_per_l * faults.lipid + faults.spoiled_lipid_mmol_per_l


def spurious_echo(plan: StudyPlan, visit: Visit, *, naa_height: float) -> ComplexArray:
    """An echo with a Gaussian envelope within each FID whose phase walks between transients, (n_transients, n_points)."""
    section, rng, acquisition = plan.description.spurious_echo, plan.stream("spurious echo", visit), plan.description.sampling
    happens, position_ppm = rng.random() < section.probability, float(rng.uniform(*section.position_ppm))
    centre_s, duration_s, height = rng.uniform(*section.time_s), rng.uniform(*section.duration_s), rng.uniform(*section.height)
    start_rad, steps = rng.uniform(-np.pi, np.pi), rng.standard_normal(schedule(plan.description.timing).n_transients)
    frequency_hz = hz_from_ppm(position_ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    envelope = np.exp(-0.5 * ((acquisition.time_s - centre_s) / duration_s) ** 2)
    echo = happens * height * naa_height / envelope.sum() * envelope * np.exp(2j * np.pi * frequency_hz * acquisition.time_s)
    return np.outer(np.exp(1j * (start_rad + np.deg2rad(section.phase_walk_deg) * np.cumsum(steps))), echo)

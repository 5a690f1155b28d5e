"""The centre frequency over a visit, part by part."""

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.sections.incidents import FrequencyFaults
from mrs_pipeline.synthetic.timing import Schedule, schedule


def frequency_hz(plan: StudyPlan, visit: Visit) -> FloatArray:
    """Error of the frequency in each transient: adjustment, drift, cooling, step, respiration, jitter and a move of the head."""
    faults, times, rng = plan.description.frequency, schedule(plan.description.timing), plan.stream("frequency", visit)
    offset_hz = faults.offset_sd_hz * rng.standard_normal()
    slow = _drift_hz(faults, times=times, factor=faults.drift_factor[visit.condition_index], rng=rng)
    slow = slow + _cooling_hz(faults, times=times, rng=rng) + _step_hz(faults, times=times, rng=rng) + _moved_hz(visit, times=times)
    jitter_hz = faults.jitter_sd_hz * rng.standard_normal(times.n_transients)
    return np.asarray(offset_hz + slow + _respiration_hz(plan, visit, times=times) + jitter_hz)


def _sign(rng: np.random.Generator) -> float:
    return float(rng.choice([-1.0, 1.0]))


def _drift_hz(faults: FrequencyFaults, *, times: Schedule, factor: float, rng: np.random.Generator) -> FloatArray:
    """Linear; some visits drift faster."""
    sign, usual, fast = _sign(rng), rng.uniform(*faults.drift_hz_per_min), rng.uniform(*faults.fast_drift_hz_per_min)
    speed_hz_per_min = fast if rng.random() < faults.fast_drift_probability else usual
    return sign * factor * speed_hz_per_min * times.time_s / 60


def _cooling_hz(faults: FrequencyFaults, *, times: Schedule, rng: np.random.Generator) -> FloatArray:
    """Exponential return after gradients that warmed the shim iron, in some visits."""
    size_hz = _sign(rng) * rng.uniform(*faults.cooling_hz) * (rng.random() < faults.cooling_probability)
    return np.asarray(size_hz * np.exp(-times.time_s / faults.cooling_time_s))


def _step_hz(faults: FrequencyFaults, *, times: Schedule, rng: np.random.Generator) -> FloatArray:
    """At most one sudden step."""
    size_hz = _sign(rng) * rng.uniform(*faults.step_hz) * (rng.random() < faults.step_probability)
    return np.asarray(size_hz * (np.arange(times.n_transients) >= rng.integers(times.n_transients)))


def _moved_hz(visit: Visit, *, times: Schedule) -> FloatArray:
    if visit.move is None:
        return np.zeros(times.n_transients)
    return np.where(np.arange(times.n_transients) >= visit.move.transient, visit.move.frequency_hz, 0.0)


def _respiration_hz(plan: StudyPlan, visit: Visit, *, times: Schedule) -> FloatArray:
    """Sinusoid of one amplitude and rate a visit, as the transients sample it."""
    faults, rng = plan.description.frequency, plan.stream("respiration", visit)
    amplitude_hz, rate_per_s, phase_rad = (
        rng.uniform(*faults.respiration_hz),
        rng.uniform(*faults.respiration_per_s),
        rng.uniform(0, 2 * np.pi),
    )
    return np.asarray(amplitude_hz * np.sin(2 * np.pi * rate_per_s * times.time_s + phase_rad))

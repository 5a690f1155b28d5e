"""What goes wrong in each transient: frequency, phase, linewidth and motion."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.synthetic.description import FrequencyFaults, Motion, PhaseFaults
from mrs_pipeline.synthetic.plan import StudyPlan, Visit, total_creatine
from mrs_pipeline.synthetic.streams import stream
from mrs_pipeline.synthetic.timing import Schedule, risen, schedule


@dataclass(frozen=True, kw_only=True)
class TransientFaults:
    """Faults of all transients of a visit, each array of shape (n_transients,).

    ``frequency_shift_hz`` and ``phase_rad`` are absolute: transient = ideal * exp(1j * phase + 2j * pi * shift * t).
    ``broadening_hz`` is the Lorentzian width added to (or taken from) the visit's lines, ``gain`` and ``residual_water`` are factors.
    """

    frequency_shift_hz: FloatArray
    phase_rad: FloatArray
    broadening_hz: FloatArray
    gain: FloatArray
    spoiled: BoolArray
    spoiled_amplitude: FloatArray
    spoiled_lipid_mmol_per_l: FloatArray
    residual_water: FloatArray


def transient_faults(plan: StudyPlan, visit: Visit) -> TransientFaults:
    """The faults of one visit, from the stream of random numbers reserved for them."""
    description = plan.description
    times = schedule(description.timing)
    rng = stream(plan.seed, purpose="faults", participant_index=visit.participant.index, session_index=visit.index)
    gain, break_hz, break_width_hz = _run_steps(plan, times=times, rng=rng)
    spoiled = _spoiled(description.motion, infusion=times.infusion, rng=rng)
    phase_rad = _phase_rad(description.phase, n_transients=times.n_transients, rng=rng)
    phase_rad[spoiled] = rng.uniform(-np.pi, np.pi, size=times.n_transients)[spoiled]
    motion, shape = description.motion, times.n_transients
    narrowing_hz = visit.linewidth_change_hz * risen(times.event_time_s, rise_time_s=description.response.rise_time_s)
    lipid = rng.uniform(*motion.lipid_relative_to_tcr, size=shape) * total_creatine(visit.amplitudes)
    return TransientFaults(
        frequency_shift_hz=_frequency_hz(description.frequency, times=times, rng=rng) + break_hz,
        phase_rad=phase_rad,
        broadening_hz=narrowing_hz + break_width_hz + np.where(spoiled, rng.uniform(*motion.broadening_hz, size=shape), 0.0),
        gain=gain,
        spoiled=spoiled,
        spoiled_amplitude=np.where(spoiled, rng.uniform(*motion.amplitude, size=shape), 1.0),
        spoiled_lipid_mmol_per_l=np.where(spoiled, lipid, 0.0),
        residual_water=1.0 + 0.01 * description.water.residual_jitter_percent * rng.standard_normal(shape),
    )


def _run_steps(plan: StudyPlan, *, times: Schedule, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gain factor, frequency and linewidth step of each transient's recording; nothing changes in the first one."""
    run_break = plan.description.run_break
    steps = rng.standard_normal((2, 3)) * [0.01 * run_break.gain_sd_percent, run_break.frequency_sd_hz, run_break.linewidth_sd_hz]
    steps[0] = 0.0
    gain, frequency_hz, linewidth_hz = steps[times.run].T
    return np.exp(gain), frequency_hz, linewidth_hz


def _frequency_hz(faults: FrequencyFaults, *, times: Schedule, rng: np.random.Generator) -> FloatArray:
    """Adjustment error, linear drift, at most one sudden step, and jitter."""
    offset_hz = faults.offset_sd_hz * rng.standard_normal()
    drift_hz_per_min = rng.choice([-1.0, 1.0]) * rng.uniform(*faults.drift_hz_per_min)
    step_hz = rng.choice([-1.0, 1.0]) * rng.uniform(*faults.step_hz) * (rng.random() < faults.step_probability)
    after = np.arange(times.n_transients) >= rng.integers(times.n_transients)
    jitter_hz = faults.jitter_sd_hz * rng.standard_normal(times.n_transients)
    return np.asarray(offset_hz + drift_hz_per_min * times.time_s / 60 + step_hz * after + jitter_hz)


def _phase_rad(faults: PhaseFaults, *, n_transients: int, rng: np.random.Generator) -> FloatArray:
    walk_deg = np.cumsum(faults.walk_sd_deg * rng.standard_normal(n_transients))
    return np.deg2rad(walk_deg + faults.jitter_sd_deg * rng.standard_normal(n_transients))


def _spoiled(motion: Motion, *, infusion: BoolArray, rng: np.random.Generator) -> BoolArray:
    """Bursts of spoiled transients.

    A renewal process: with mean burst length L and chance p of a burst after a clean transient, the expected share of spoiled
    transients f is L / (L + 1/p - 1), so that p = 1 / (L / f - L + 1).
    """
    low, high = motion.burst_transients
    share = np.where(infusion, motion.spoiled_infusion, motion.spoiled_baseline)
    mean_length = (low + high) / 2
    chance = np.where(share > 0, 1 / (mean_length / np.maximum(share, 1e-9) - mean_length + 1), 0.0)
    starts = rng.random(len(infusion)) < chance
    lengths = rng.integers(low, high + 1, size=len(infusion))
    spoiled = np.zeros(len(infusion), dtype=bool)
    next_free = 0
    for index in np.flatnonzero(starts):
        if index >= next_free:
            spoiled[index : index + lengths[index]] = True
            next_free = index + lengths[index]
    return spoiled

"""What goes wrong in each transient: frequency, phase, linewidth, gain, motion, loss."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.synthetic.frequency import frequency_hz
from mrs_pipeline.synthetic.plan import StudyPlan, Visit, total_creatine
from mrs_pipeline.synthetic.sections.incidents import Motion, PhaseFaults
from mrs_pipeline.synthetic.timing import Schedule, risen, schedule

#: However much a condition multiplies the share of spoiled transients, some stay clean.
MOST_SPOILED = 0.9


@dataclass(frozen=True, kw_only=True)
class TransientFaults:
    """Faults of all planned transients of a visit, each array of shape (n_transients,).

    ``frequency_shift_hz`` and ``phase_rad`` are absolute: transient = ideal * exp(1j * phase + 2j * pi * shift * t).
    ``broadening_hz`` is the Lorentzian width added to (or taken from) the visit's lines; ``gain`` multiplies signal and noise,
    ``residual_water`` and ``lipid`` the signals they are named after. Only ``recorded`` transients are in the files.
    """

    frequency_shift_hz: FloatArray
    phase_rad: FloatArray
    broadening_hz: FloatArray
    gain: FloatArray
    spoiled: BoolArray
    spoiled_amplitude: FloatArray
    spoiled_lipid_mmol_per_l: FloatArray
    residual_water: FloatArray
    lipid: FloatArray
    recorded: BoolArray


def transient_faults(plan: StudyPlan, visit: Visit) -> TransientFaults:
    """The faults of one visit, each from a stream of random numbers of its own."""
    description, times = plan.description, schedule(plan.description.timing)
    motion, shape = description.motion, times.n_transients
    rng = plan.stream("motion", visit)
    spoiled = _spoiled(motion, infusion=times.infusion, factor=motion.infusion_factor[visit.condition_index], rng=rng)
    break_gain, break_hz, break_width_hz = _run_steps(plan, visit, times=times)
    phase_rad = _phase_rad(description.phase, n_transients=shape, rng=plan.stream("phase", visit))
    phase_rad[spoiled] = rng.uniform(-np.pi, np.pi, size=shape)[spoiled]
    lipid = rng.uniform(*motion.lipid_relative_to_tcr, size=shape) * total_creatine(visit.amplitudes)
    width_hz = lines_hz(plan, visit) + break_width_hz + np.where(spoiled, rng.uniform(*motion.broadening_hz, size=shape), 0.0)
    return TransientFaults(
        frequency_shift_hz=frequency_hz(plan, visit) + break_hz,
        phase_rad=phase_rad,
        broadening_hz=np.maximum(width_hz, -description.lineshape.lorentzian_hz),
        gain=break_gain * _gain(plan, visit, times=times),
        spoiled=spoiled,
        spoiled_amplitude=np.where(spoiled, rng.uniform(*motion.amplitude, size=shape), 1.0),
        spoiled_lipid_mmol_per_l=np.where(spoiled, lipid, 0.0),
        residual_water=_jitter(plan, visit, percent=description.water.residual_jitter_percent, purpose="water"),
        lipid=_jitter(plan, visit, percent=description.lipids.jitter_percent, purpose="lipid over time"),
        recorded=recorded_transients(plan, visit),
    )


def lines_hz(plan: StudyPlan, visit: Visit) -> FloatArray:
    """Change of the Lorentzian width in each transient that no repetition undoes: blood, slow fluctuation, a move of the head."""
    times = schedule(plan.description.timing)
    width_hz = visit.linewidth_change_hz * risen(times.event_time_s, rise_time_s=plan.description.haemodynamics.rise_time_s)
    if visit.move is not None:
        width_hz[visit.move.transient :] += visit.move.linewidth_hz
    return np.asarray(width_hz + _fluctuation_hz(plan, visit, times=times))


def _fluctuation_hz(plan: StudyPlan, visit: Visit, *, times: Schedule) -> FloatArray:
    """Stationary Gauss-Markov process (Ornstein-Uhlenbeck), exact at the times of the transients."""
    lineshape = plan.description.lineshape
    drawn = plan.stream("fluctuation", visit).standard_normal(times.n_transients)
    kept = np.exp(-np.diff(times.time_s, prepend=-np.inf) / lineshape.fluctuation_time_s)
    values = np.empty(times.n_transients)
    value = 0.0
    for index, (share, fresh) in enumerate(zip(kept.tolist(), (np.sqrt(1 - kept**2) * drawn).tolist(), strict=True)):
        value = share * value + fresh
        values[index] = value
    return np.asarray(lineshape.fluctuation_sd_hz * values)


def _run_steps(plan: StudyPlan, visit: Visit, *, times: Schedule) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gain factor, frequency and linewidth step of each transient's recording; nothing changes in the first one."""
    run_break, rng = plan.description.run_break, plan.stream("run break", visit)
    steps = rng.standard_normal((2, 3)) * [0.01 * run_break.gain_sd_percent, run_break.frequency_sd_hz, run_break.linewidth_sd_hz]
    steps[0] = 0.0
    gain, shift_hz, linewidth_hz = steps[times.run].T
    return np.exp(gain), shift_hz, linewidth_hz


def _gain(plan: StudyPlan, visit: Visit, *, times: Schedule) -> FloatArray:
    """Receiver gain, which changes once in some visits."""
    receiver, rng = plan.description.receiver, plan.stream("gain", visit)
    happens, sign = rng.random() < receiver.gain_step_probability, rng.choice([-1.0, 1.0])
    percent = happens * sign * rng.uniform(*receiver.gain_step_percent)
    return np.where(np.arange(times.n_transients) >= rng.integers(1, times.n_transients), np.exp(0.01 * percent), 1.0)


def _phase_rad(faults: PhaseFaults, *, n_transients: int, rng: np.random.Generator) -> FloatArray:
    """Jitter about a random walk."""
    walk, jitter = rng.standard_normal((2, n_transients))
    return np.asarray(np.deg2rad(faults.jitter_sd_deg * jitter + faults.walk_sd_deg * np.cumsum(walk)))


def _jitter(plan: StudyPlan, visit: Visit, *, percent: float, purpose: Literal["water", "lipid over time"]) -> FloatArray:
    """A factor about 1 in each transient."""
    times = schedule(plan.description.timing)
    return np.asarray(1.0 + 0.01 * percent * plan.stream(purpose, visit).standard_normal(times.n_transients))


def recorded_transients(plan: StudyPlan, visit: Visit) -> BoolArray:
    """Which transients were stored: not those of a lost block and not those after an early end.

    Every recording keeps its first transient.
    """
    missing, times, rng = plan.description.missing, schedule(plan.description.timing), plan.stream("missing", visit)
    recorded = np.ones(times.n_transients, dtype=bool)
    lost, ends = rng.random() < missing.gap_probability, rng.random() < missing.interruption_probability
    length, start = rng.integers(*missing.gap_transients, endpoint=True), rng.integers(1, times.n_transients)
    share = rng.uniform(*missing.recorded_share)
    if lost:
        recorded[start : start + length] = False
    if ends:
        recorded[max(1, round(share * times.n_transients)) :] = False
    recorded[np.flatnonzero(np.diff(times.run, prepend=-1))] = True
    return recorded


def _spoiled(motion: Motion, *, infusion: BoolArray, factor: float, rng: np.random.Generator) -> BoolArray:
    """Bursts of spoiled transients.

    A renewal process: with mean burst length L and chance p of a burst after a clean transient, the expected share of spoiled
    transients f is L / (L + 1/p - 1), so that p = 1 / (L / f - L + 1).
    """
    low, high = motion.burst_transients
    share = np.minimum(np.where(infusion, factor * motion.spoiled_infusion, motion.spoiled_baseline), MOST_SPOILED)
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

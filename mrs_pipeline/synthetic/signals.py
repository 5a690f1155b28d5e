"""The raw signals of one visit: every coil and every transient, with the water reference and the events."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.fids import Fids
from mrs_pipeline.synthetic.amplitudes import amplitudes_over_time
from mrs_pipeline.synthetic.broad_signals import constant_signal, lipid_over_time, spurious_echo
from mrs_pipeline.synthetic.components import Components, components, lorentzian_decay
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.faults import TransientFaults, transient_faults
from mrs_pipeline.synthetic.lines import mean_naa_height, visit_lines, visit_naa_height
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.receiver import Receiver, draw_receiver, received
from mrs_pipeline.synthetic.timing import schedule
from mrs_pipeline.synthetic.water import eddy_phases_rad, residual_water, water_reference


@dataclass(frozen=True, kw_only=True)
class RunSignals:
    """One recording: ``svs`` and ``reference`` with dims ("coil", "transient", "time").

    ``events`` has columns onset and duration (s) and trial_type; ``start_s`` is the time of the first transient since that of the visit,
    ``times_s`` those of all stored transients since the first one.
    """

    svs: Fids
    reference: Fids
    events: pd.DataFrame
    start_s: float
    times_s: FloatArray


@dataclass(frozen=True, kw_only=True)
class SessionSignals:
    """The recordings of one visit (two where baseline and infusion are split) and what received them."""

    runs: tuple[RunSignals, ...]
    receiver: Receiver


def session_signals(plan: StudyPlan, *, participant: str, session: str, basis: BasisSet | None = None) -> SessionSignals:
    """The raw signals of one visit, by labels; the same whether or not other visits are generated. `ConfigError` for unknown labels.

    ``basis`` is that of `true_basis` where it has been simulated before.
    """
    visit = plan.visit(participant=participant, session=session)
    parts, faults = components(plan, basis=basis), transient_faults(plan, visit)
    receiver = draw_receiver(plan.description.receiver, rng=plan.stream("receiver", visit))
    signal, reference = _received_signals(plan, visit, parts=parts, faults=faults)
    rng, times = plan.stream("noise", visit), schedule(plan.description.timing)
    runs = []
    for run in range(times.n_runs):
        stored = np.flatnonzero((times.run == run) & faults.recorded)
        svs = received(signal[stored], receiver=receiver, gain=faults.gain[stored], rng=rng)
        repeated = np.repeat(reference[run : run + 1], plan.description.water.n_reference_transients, axis=0)
        water = received(repeated, receiver=receiver, gain=np.repeat(faults.gain[stored[:1]], len(repeated)), rng=rng)
        runs.append(
            RunSignals(
                svs=_fids(svs, plan.description),
                reference=_fids(water, plan.description),
                events=_events(plan.description, run=run),
                start_s=times.run_start_s(run),
                times_s=times.time_s[stored] - times.run_start_s(run),
            )
        )
    return SessionSignals(runs=tuple(runs), receiver=receiver)


def _received_signals(plan: StudyPlan, visit: Visit, *, parts: Components, faults: TransientFaults) -> tuple[ComplexArray, ComplexArray]:
    """Transients and water references before they reach the coils, (n_transients, n_points) and (n_runs, n_points).

    A coil array of unit gain sees the mean NAA peak at the described signal-to-noise ratio.
    """
    description, lines = plan.description, visit_lines(plan, visit, parts=parts)
    time_s, times = description.sampling.time_s, schedule(description.timing)
    height = visit_naa_height(plan, visit, parts=parts, lines=lines)
    ideal = amplitudes_over_time(plan, visit) @ lines.metabolites
    ideal *= lorentzian_decay(time_s, width_hz=faults.broadening_hz[:, np.newaxis])
    ideal += constant_signal(plan, visit, parts=parts, naa_height=height)
    ideal += np.outer(lipid_over_time(visit, faults=faults), parts.lipid)
    ideal *= faults.spoiled_amplitude[:, np.newaxis]
    ideal += residual_water(plan, visit, faults=faults, naa_height=height)
    ideal += spurious_echo(plan, visit, naa_height=height)
    units = _units_per_mmol_per_l(description, parts=parts)
    eddy_rad, reference_eddy_rad = eddy_phases_rad(plan, visit)
    first = np.flatnonzero(np.diff(times.run, prepend=-1))
    reference = water_reference(plan, visit, first=first, faults=faults, lines=lines)
    signal = units * np.exp(1j * eddy_rad) * ideal * _errors(faults, time_s=time_s)
    return signal, units * np.exp(1j * reference_eddy_rad) * reference


def _units_per_mmol_per_l(description: StudyDescription, *, parts: Components) -> float:
    """Factor that gives the mean NAA peak the described ratio to the noise of a combined spectrum whose samples have an SD of 1."""
    noise_sd = np.sqrt(description.sampling.n_points)
    return float(description.receiver.single_transient_snr * noise_sd / mean_naa_height(description, parts=parts))


def _errors(faults: TransientFaults, *, time_s: FloatArray) -> ComplexArray:
    """Factor of each transient for its phase and frequency, (n_transients, n_points)."""
    return np.asarray(np.exp(1j * (faults.phase_rad[:, np.newaxis] + 2 * np.pi * np.outer(faults.frequency_shift_hz, time_s))))


def _fids(data: ComplexArray, description: StudyDescription) -> Fids:
    return Fids(data=data, dims=("coil", "transient", "time"), acquisition=description.sampling)


def _events(description: StudyDescription, *, run: int) -> pd.DataFrame:
    """The infusion, its onset counted from the first transient of the recording; no row in a recording in which it does not begin."""
    times = schedule(description.timing)
    onset_s = times.time_s[0] - times.event_time_s[0] - times.run_start_s(run)
    begins = 0 <= onset_s < np.sum(times.run == run) * description.timing.repetition_time_s
    row = {"onset": float(onset_s), "duration": description.timing.infusion_s, "trial_type": "infusion"}
    return pd.DataFrame([row] if begins else [], columns=["onset", "duration", "trial_type"])

"""The raw signals of one visit: every coil and every transient, with the water reference and the events."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.synthetic.components import Components, components, gaussian_decay, gaussian_hz, lorentzian_decay, naa_height
from mrs_pipeline.synthetic.description import EddyCurrent, Lineshape, StudyDescription
from mrs_pipeline.synthetic.faults import TransientFaults, transient_faults
from mrs_pipeline.synthetic.plan import StudyPlan, Visit, amplitudes_over_time
from mrs_pipeline.synthetic.receiver import Receiver, draw_receiver, received
from mrs_pipeline.synthetic.streams import stream
from mrs_pipeline.synthetic.timing import schedule


@dataclass(frozen=True, kw_only=True)
class RunSignals:
    """One recording: ``svs`` and ``reference`` with dims ("coil", "transient", "time").

    ``events`` has columns onset and duration (s) and trial_type; ``start_s`` is the time of the first transient since that of the visit.
    """

    svs: Fids
    reference: Fids
    events: pd.DataFrame
    start_s: float


@dataclass(frozen=True, kw_only=True)
class SessionSignals:
    """The recordings of one visit (two where baseline and infusion are split) and what received them."""

    runs: tuple[RunSignals, ...]
    receiver: Receiver


@dataclass(frozen=True, kw_only=True)
class _Water:
    """Residual water of a visit: initial amplitude (complex), width and frequency."""

    amplitude: complex
    width_hz: float
    frequency_hz: float


def session_signals(plan: StudyPlan, *, participant: str, session: str) -> SessionSignals:
    """The raw signals of one visit, by labels; the same whether or not other visits are generated. `ConfigError` for unknown labels."""
    visit = plan.visit(participant=participant, session=session)
    description = plan.description
    rng = stream(plan.seed, purpose="receiver", participant_index=visit.participant.index, session_index=visit.index)
    receiver = draw_receiver(description.receiver, rng=rng)
    parts = components(description)
    faults = transient_faults(plan, visit)
    eddy = np.exp(1j * eddy_phase_rad(description.eddy_current, time_s=description.sampling.time_s, rng=rng))
    units = _units_per_mmol_per_l(description, parts=parts, receiver=receiver)
    ideal = _metabolite_signals(plan, visit=visit, parts=parts, faults=faults, rng=rng)
    ideal += _broad_signals(visit, parts=parts, faults=faults)
    ideal *= faults.spoiled_amplitude[:, np.newaxis]
    ideal += _residual_water(plan, visit=visit, parts=parts, faults=faults, rng=rng)
    signal = units * eddy * ideal * _errors(faults, time_s=description.sampling.time_s)
    reference = units * eddy * _reference_signals(plan, visit=visit, faults=faults)
    return _recorded(plan, visit=visit, signal=signal, reference=reference, receiver=receiver)


def eddy_phase_rad(eddy: EddyCurrent, *, time_s: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Phase error during each FID: a sum of decaying exponentials, shape (n_points,)."""
    amplitude_rad = np.deg2rad(rng.uniform(*eddy.amplitude_deg, size=eddy.n_terms)) * rng.choice([-1.0, 1.0], size=eddy.n_terms)
    constant_s = rng.uniform(*eddy.time_constant_s, size=eddy.n_terms)
    return np.asarray(amplitude_rad @ np.exp(-time_s / constant_s[:, np.newaxis]))


def _units_per_mmol_per_l(description: StudyDescription, *, parts: Components, receiver: Receiver) -> float:
    """Digitiser units per mmol/L that give the described signal-to-noise ratio at the described linewidth and NAA level."""
    acquisition, lineshape = description.sampling, description.lineshape
    level = description.levels.concentrations_mmol_per_l["NAA"]
    decay = shim_decay(lineshape, linewidth_hz=lineshape.linewidth_hz, time_s=acquisition.time_s)
    height = level * naa_height(parts.metabolites.select(["NAA"]).fids[0] * decay, acquisition=acquisition)
    noise_sd = np.sqrt(acquisition.n_points) / receiver.combined_gain
    return float(description.receiver.single_transient_snr * noise_sd / height)


def shim_decay(lineshape: Lineshape, *, linewidth_hz: float, time_s: FloatArray) -> FloatArray:
    """Decay of the lines of a visit: the described Lorentzian part, the rest of the linewidth Gaussian, shape (n_points,)."""
    gauss_hz = gaussian_hz(linewidth_hz, lorentzian_hz=lineshape.lorentzian_hz)
    return lorentzian_decay(time_s, width_hz=lineshape.lorentzian_hz) * gaussian_decay(time_s, width_hz=gauss_hz)


def _metabolite_signals(
    plan: StudyPlan, *, visit: Visit, parts: Components, faults: TransientFaults, rng: np.random.Generator
) -> ComplexArray:
    """Metabolites of all transients, (n_transients, n_points): lines deviate a little by metabolite, broaden and narrow by transient."""
    description, time_s = plan.description, plan.description.sampling.time_s
    lines = line_deviations(description, rng=rng) * shim_decay(description.lineshape, linewidth_hz=visit.linewidth_hz, time_s=time_s)
    signals = amplitudes_over_time(plan, visit) @ (parts.metabolites.fids * lines)
    return np.asarray(signals * lorentzian_decay(time_s, width_hz=faults.broadening_hz[:, np.newaxis]))


def line_deviations(description: StudyDescription, *, rng: np.random.Generator) -> ComplexArray:
    """Factor of each metabolite's FID for its own shift and width, (n_metabolites, n_points); NAA is the reference of both."""
    names, lineshape, acquisition = description.metabolites, description.lineshape, description.sampling
    others = (np.array(names) != "NAA")[:, np.newaxis]
    shift_sd_hz = lineshape.metabolite_shift_sd_ppm * acquisition.spectrometer_frequency_mhz
    shift_hz = shift_sd_hz * rng.standard_normal((len(names), 1)) * others
    width_hz = lineshape.metabolite_damping_sd_hz * rng.standard_normal((len(names), 1)) * others
    return np.asarray(np.exp((2j * shift_hz - width_hz) * np.pi * acquisition.time_s))


def _broad_signals(visit: Visit, *, parts: Components, faults: TransientFaults) -> ComplexArray:
    """Macromolecules and lipids of all transients, (n_transients, n_points).

    Their widths are those seen in vivo, so the shim of the visit is not applied to them again.
    """
    lipid = visit.lipid_mmol_per_l + faults.spoiled_lipid_mmol_per_l
    return np.asarray(visit.macromolecules_mmol_per_l * parts.macromolecules + np.outer(lipid, parts.lipid))


def _residual_water(plan: StudyPlan, *, visit: Visit, parts: Components, faults: TransientFaults, rng: np.random.Generator) -> ComplexArray:
    """What water suppression leaves, (n_transients, n_points): one Lorentzian line whose size varies between transients."""
    acquisition = plan.description.sampling
    water = _draw_water(plan.description, visit=visit, parts=parts, rng=rng)
    line = np.exp((2j * water.frequency_hz - water.width_hz) * np.pi * acquisition.time_s)
    return np.outer(faults.residual_water * water.amplitude, line)


def _draw_water(description: StudyDescription, *, visit: Visit, parts: Components, rng: np.random.Generator) -> _Water:
    acquisition, water = description.sampling, description.water
    decay = shim_decay(description.lineshape, linewidth_hz=visit.linewidth_hz, time_s=acquisition.time_s)
    height = visit.amplitudes["NAA"] * naa_height(parts.metabolites.select(["NAA"]).fids[0] * decay, acquisition=acquisition)
    width_hz = float(rng.uniform(*water.residual_linewidth_hz))
    phase = complex(np.exp(1j * rng.uniform(-np.pi, np.pi)))
    offset_hz = -float(rng.uniform(*water.residual_offset_ppm)) * acquisition.spectrometer_frequency_mhz
    unit_height = float(lorentzian_decay(acquisition.time_s, width_hz=width_hz).sum())
    return _Water(amplitude=water.residual_height * height / unit_height * phase, width_hz=width_hz, frequency_hz=offset_hz)


def _errors(faults: TransientFaults, *, time_s: FloatArray) -> ComplexArray:
    """Factor of each transient for its gain, phase and frequency, (n_transients, n_points)."""
    phase_rad = faults.phase_rad[:, np.newaxis] + 2 * np.pi * np.outer(faults.frequency_shift_hz, time_s)
    return np.asarray(faults.gain[:, np.newaxis] * np.exp(1j * phase_rad))


def _reference_signals(plan: StudyPlan, *, visit: Visit, faults: TransientFaults) -> ComplexArray:
    """Unsuppressed water before each recording, (n_runs, n_points): gain and frequency of the recording's first transient."""
    description, times = plan.description, schedule(plan.description.timing)
    acquisition, water = description.sampling, description.water
    first = [int(np.flatnonzero(times.run == run)[0]) for run in range(times.n_runs)]
    height = 2 * water.reference_mmol_per_l * water.reference_attenuation
    decay = shim_decay(description.lineshape, linewidth_hz=visit.linewidth_hz, time_s=acquisition.time_s)
    shift = np.exp(2j * np.pi * np.outer(faults.frequency_shift_hz[first], acquisition.time_s))
    return np.asarray(height * faults.gain[first, np.newaxis] * decay * shift)


def _recorded(plan: StudyPlan, *, visit: Visit, signal: ComplexArray, reference: ComplexArray, receiver: Receiver) -> SessionSignals:
    """Everything as the coils record it, by recording."""
    description, times = plan.description, schedule(plan.description.timing)
    rng = stream(plan.seed, purpose="noise", participant_index=visit.participant.index, session_index=visit.index)
    runs = []
    for run in range(times.n_runs):
        svs = received(signal[times.run == run], receiver=receiver, rng=rng)
        repeated = np.repeat(reference[run : run + 1], description.water.n_reference_transients, axis=0)
        water = received(repeated, receiver=receiver, rng=rng)
        acquisition = description.sampling
        runs.append(
            RunSignals(
                svs=_fids(svs, acquisition),
                reference=_fids(water, acquisition),
                events=_events(description, run=run),
                start_s=times.run_start_s(run),
            )
        )
    return SessionSignals(runs=tuple(runs), receiver=receiver)


def _fids(data: ComplexArray, acquisition: Acquisition) -> Fids:
    return Fids(data=data, dims=("coil", "transient", "time"), acquisition=acquisition)


def _events(description: StudyDescription, *, run: int) -> pd.DataFrame:
    """The infusion, its onset counted from the first transient of the recording; no row in a recording in which it does not begin."""
    times = schedule(description.timing)
    onset_s = times.time_s[0] - times.event_time_s[0] - times.run_start_s(run)
    begins = 0 <= onset_s < np.sum(times.run == run) * description.timing.repetition_time_s
    row = {"onset": float(onset_s), "duration": description.timing.infusion_s, "trial_type": "infusion"}
    return pd.DataFrame([row] if begins else [], columns=["onset", "duration", "trial_type"])

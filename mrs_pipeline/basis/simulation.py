"""Density-matrix simulation of metabolite FIDs: ideal or slice-selective pulses, exact strong coupling, no relaxation.

With H = 2 pi (sum_k nu_k I_kz + sum_kl J_kl I_k . I_l) and nu_k = `hz_from_ppm`, the signal Tr(F+ rho(t)) of a singlet is
exp(+2j pi nu t), the convention of `mrs_pipeline.acquisition`. Textbook formalism: Levitt, Spin Dynamics, 2nd ed., chapters 14-18.
Magnetically equivalent protons act as one composite spin: n protons are spins n/2, n/2 - 1, ... with their multiplicities
(Corio 1960, doi 10.1021/cr60206a003); this is exact and keeps matrices small.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import comb, prod

import numpy as np

from mrs_pipeline.acquisition import CARRIER_PPM, Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.operators import SpinOperators, spin_operators
from mrs_pipeline.basis.selective import SelectivePulse, SliceSelection, propagators, with_real_pulses
from mrs_pipeline.basis.sequences import Coherence, Delay, Event, InversionDifference, Pulse, Timing, sequence_events
from mrs_pipeline.basis.spin_systems import Spin, SpinGroup, SpinSystem, spin_system
from mrs_pipeline.errors import ConfigError, DataError

#: Transitions weaker than this fraction of the strongest are rounding errors.
NEGLIGIBLE = 1e-13
#: Slice-selective pulses that leave less than this share of the signal of ideal ones are not what they were meant to be.
LEAST_SIGNAL = 0.4


def simulate_basis(
    *,
    sequence: str,
    metabolites: Sequence[str | SpinSystem],
    acquisition: Acquisition,
    echo_time_1_s: float | None = None,
    mixing_time_s: float | None = None,
    refocusing_times_s: Sequence[float] | None = None,
    selection: SliceSelection | None = None,
) -> BasisSet:
    """Noise-free FIDs of the metabolites after a sequence of `SEQUENCES`, without any line broadening.

    The FID of a singlet of N protons starts at N (STEAM: N/2), real and positive; with slice-selective pulses (`selection`; None
    stands for ideal ones) this holds for a singlet on the carrier of the pulses, and ``pulse_acquire`` begins as late after the
    centre of its pulse as a scanner would, with the linear phase of that delay. The echo time is that of `acquisition`; ``echo_time_1_s``
    (PRESS), ``mixing_time_s`` (STEAM) and ``refocusing_times_s`` (sLASER, if not equally spaced) belong to the sequences that have them.
    `ConfigError` for an unknown sequence or metabolite lists the valid names, for a missing time it names the option.
    """
    if acquisition.nucleus != "1H":
        raise DataError(f"the spin systems are those of 1H but the acquisition states nucleus '{acquisition.nucleus}'")
    timing: Timing = {
        "echo_time_s": acquisition.echo_time_s,
        "echo_time_1_s": echo_time_1_s,
        "mixing_time_s": mixing_time_s,
        "refocusing_times_s": refocusing_times_s,
    }
    experiment = prepared(sequence_events(sequence, timing=timing), selection=selection)
    systems = [spin_system(entry) if isinstance(entry, str) else entry for entry in metabolites]
    fids = [_fid(system, experiment, acquisition) for system in systems]
    pulses = "ideal pulses" if selection is None else selection.described()
    return BasisSet(
        metabolites=tuple(system.name for system in systems),
        fids=np.array(fids).reshape(len(systems), acquisition.n_points),
        acquisition=acquisition,
        sequence=_in_words(sequence, timing, pulses="ideal pulses" if selection is None else "shaped pulses"),
        origins=tuple("; ".join(system.sources) for system in systems),
        assumptions=(pulses, "no relaxation", *(f"{system.name}: {system.left_out}" for system in systems if system.left_out)),
    )


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Events ready to run: with slice-selective pulses their carrier and the scale that makes a proton on it start at 1."""

    events: tuple[Event | SelectivePulse, ...]
    selection: SliceSelection | None
    carrier_ppm: float
    scale: complex

    def positions(self, shifts_hz: FloatArray) -> FloatArray:
        """Positions to average over for spins at these shifts from the carrier."""
        return np.zeros(1) if self.selection is None else self.selection.positions(shifts_hz=shifts_hz)

    def averaged(self, density: ComplexArray) -> ComplexArray:
        """Integral over positions, in slice thicknesses; a density matrix that is not yet split into positions as it is."""
        return np.asarray(density.sum(axis=0) * self.selection.step) if self.selection and density.ndim == 3 else density


def prepared(events: Sequence[Event], *, selection: SliceSelection | None) -> Experiment:
    """An experiment of these events, with the pulses of `selection` or, where it is None, ideal ones."""
    ideal = Experiment(events=tuple(events), selection=None, carrier_ppm=CARRIER_PPM, scale=1.0)
    if selection is None:
        return ideal
    real = replace(
        ideal,
        events=with_real_pulses(events, selection=selection),
        selection=selection,
        carrier_ppm=selection.carrier_ppm,
    )
    proton = SpinGroup(label="reference", spins=(Spin(name="H", shift_ppm=selection.carrier_ppm, n_protons=1),))
    signals = [transitions(proton, experiment=run, spectrometer_frequency_mhz=1.0)[1].sum() for run in (ideal, real)]
    if abs(signals[1]) < LEAST_SIGNAL * abs(signals[0]):
        raise ConfigError(
            f"these pulses leave {100 * abs(signals[1] / signals[0]):.2g} % of the signal on their carrier: "
            "check flip angles (degrees), shapes, and that they belong to the sequence"
        )
    return replace(real, scale=complex(signals[0] / signals[1]))


def simulate_fid(
    system: SpinSystem, *, events: Sequence[Event], acquisition: Acquisition, selection: SliceSelection | None = None
) -> ComplexArray:
    """FID of one spin system from the end of the events on, shape (n_points,)."""
    return _fid(system, prepared(events, selection=selection), acquisition)


def _fid(system: SpinSystem, experiment: Experiment, acquisition: Acquisition) -> ComplexArray:
    frequency_mhz = acquisition.spectrometer_frequency_mhz
    pairs = [transitions(group, experiment=experiment, spectrometer_frequency_mhz=frequency_mhz) for group in system.groups]
    frequency_hz = np.concatenate([frequency for frequency, _ in pairs])
    amplitude = np.concatenate([amplitude for _, amplitude in pairs])
    return sum_of_oscillations(frequency_hz, amplitude, acquisition=acquisition)


def transitions(group: SpinGroup, *, experiment: Experiment, spectrometer_frequency_mhz: float) -> tuple[FloatArray, ComplexArray]:
    """Frequencies (Hz) and complex amplitudes of all observable transitions of a group after the events."""
    ppm = np.array([experiment.carrier_ppm, *(spin.shift_ppm for spin in group.spins)])
    all_hz = hz_from_ppm(ppm, spectrometer_frequency_mhz=spectrometer_frequency_mhz)
    carrier_hz, shifts_hz = all_hz[0], all_hz[1:] - all_hz[0]
    states = list(_states_of_other_nuclei(group))
    found = []
    for spin_numbers, weight in _composite_spins(group):
        operators = spin_operators(spin_numbers)
        for offsets_hz in states:
            frequency_hz, amplitude = _transitions(group, operators, experiment, shifts_hz + offsets_hz)
            found.append((frequency_hz + carrier_hz, amplitude * experiment.scale * weight / len(states)))
    return np.concatenate([frequency for frequency, _ in found]), np.concatenate([amplitude for _, amplitude in found])


def sum_of_oscillations(frequency_hz: FloatArray, amplitude: ComplexArray, *, acquisition: Acquisition) -> ComplexArray:
    """Sum over k of amplitude_k exp(2j pi frequency_k t) at the sampling times, shape (n_points,).

    Time is split into coarse and fine steps, which turns the sum into one matrix product.
    """
    n_fine = int(np.ceil(np.sqrt(acquisition.n_points)))
    angle = 2j * np.pi * frequency_hz * acquisition.dwell_time_s
    fine = np.exp(np.outer(angle, np.arange(n_fine)))
    coarse = np.exp(np.outer(np.arange(0, acquisition.n_points, n_fine), angle))
    return np.asarray(((coarse * amplitude) @ fine).ravel()[: acquisition.n_points])


def _composite_spins(group: SpinGroup) -> Iterator[tuple[tuple[float, ...], float]]:
    """Spin numbers of the sets of equivalent protons, with the weight that makes a proton's signal start at 1.

    The trace of I_z squared over n protons is n 2^n / 4; a total spin I = n/2 - k occurs C(n, k) - C(n, k - 1) times.
    """
    choices = [
        [(n / 2 - k, comb(n, k) - (comb(n, k - 1) if k else 0)) for k in range(n // 2 + 1)]
        for n in (spin.n_protons for spin in group.spins)
    ]
    scale = group.fraction * 4.0 / 2.0 ** sum(spin.n_protons for spin in group.spins)
    for combination in product(*choices):
        yield tuple(spin for spin, _ in combination), scale * prod(times for _, times in combination)


def _states_of_other_nuclei(group: SpinGroup) -> Iterator[FloatArray]:
    """Frequency offset (Hz) of every spin for every state of the nuclei that the pulses do not touch."""
    ladders = [np.arange(-other.spin_number, other.spin_number + 1) for other in group.other_nuclei]
    couplings = np.array([other.couplings_hz for other in group.other_nuclei]).reshape(-1, len(group.spins))
    for state in product(*ladders):
        yield np.array(state) @ couplings


def _transitions(
    group: SpinGroup, operators: SpinOperators, experiment: Experiment, shifts_hz: FloatArray
) -> tuple[FloatArray, ComplexArray]:
    couplings = {(coupling.first, coupling.second): coupling.coupling_hz for coupling in group.couplings}
    energies_hz, states = np.linalg.eigh(operators.hamiltonian_hz(shifts_hz=shifts_hz, couplings_hz=couplings))
    free = _FreeEvolution(operators=operators, energies_hz=energies_hz, states=states)
    detected = np.array([float(spin.detected) for spin in group.spins])
    density, direction = operators.total_z(detected).astype(complex), None
    positions = experiment.positions(shifts_hz)
    for event in experiment.events:
        if isinstance(event, SelectivePulse):
            # What follows along another direction sees the average over this one.
            density = density if event.direction == direction else experiment.averaged(density)
            turn = propagators(operators, event, shifts_hz=shifts_hz, couplings_hz=couplings, positions=positions)
            density, direction = _turned(density, turn, free, difference=event.difference), event.direction
        else:
            density = free.after(density, event)
    observed = states.T @ operators.total_plus(detected) @ states
    amplitude = observed.T * (states.T @ experiment.averaged(density) @ states)
    frequency_hz = energies_hz[None, :] - energies_hz[:, None]
    strong = np.abs(amplitude) > NEGLIGIBLE * np.abs(amplitude).max(initial=0.0)
    return frequency_hz[strong], amplitude[strong]


@dataclass(frozen=True, kw_only=True)
class _FreeEvolution:
    """What happens to density matrices, one or one a position, that does not depend on the position."""

    operators: SpinOperators
    energies_hz: FloatArray
    states: FloatArray

    def after(self, density: ComplexArray, event: Event) -> ComplexArray:
        match event:
            case Coherence():
                return self.selected(density, event.order)
            case Delay():
                propagator = (self.states * np.exp(-2j * np.pi * self.energies_hz * event.duration_s)) @ self.states.T
                return np.asarray(propagator @ density @ propagator.conj().T)
            case InversionDifference():
                return _turned(density, self._ideal(event.pulse), self, difference=True)
            case Pulse():
                return _turned(density, self._ideal(event), self, difference=False)

    def selected(self, density: ComplexArray, order: int) -> ComplexArray:
        return np.where(self.operators.coherence_order == order, density, 0.0)

    def _ideal(self, pulse: Pulse) -> ComplexArray:
        return self.operators.rotation(flip_rad=pulse.flip_rad, axis_rad=pulse.axis_rad)


def _turned(density: ComplexArray, turn: ComplexArray, free: _FreeEvolution, *, difference: bool) -> ComplexArray:
    after = np.asarray(turn @ density @ np.swapaxes(turn.conj(), -1, -2))
    return (density - free.selected(after, 0)) / 2 if difference else after


def _in_words(sequence: str, timing: Timing, *, pulses: str) -> str:
    labels = {"echo_time_s": "TE", "echo_time_1_s": "TE1", "mixing_time_s": "TM", "refocusing_times_s": "refocusing at"}
    times = [
        f"{label} {', '.join(f'{1e3 * single:g}' for single in np.atleast_1d(np.array(timing[key])))} ms"
        for key, label in labels.items()
        if timing.get(key) is not None
    ]
    return ", ".join([f"{sequence}, {pulses}", *times])

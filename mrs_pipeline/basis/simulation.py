"""Density-matrix simulation of metabolite FIDs: ideal pulses, exact strong coupling, no relaxation.

With H = 2 pi (sum_k nu_k I_kz + sum_kl J_kl I_k . I_l) and nu_k = `hz_from_ppm`, the signal Tr(F+ rho(t)) of a singlet is
exp(+2j pi nu t), the convention of `mrs_pipeline.acquisition`. Textbook formalism: Levitt, Spin Dynamics, 2nd ed., chapters 14-18.
Magnetically equivalent protons act as one composite spin: n protons are spins n/2, n/2 - 1, ... with their multiplicities
(Corio 1960, doi 10.1021/cr60206a003); this is exact and keeps matrices small.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import comb, prod

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.operators import SpinOperators, spin_operators
from mrs_pipeline.basis.sequences import Coherence, Delay, Event, Pulse, sequence_events
from mrs_pipeline.basis.spin_systems import SpinGroup, SpinSystem, spin_system
from mrs_pipeline.errors import DataError

#: Transitions weaker than this fraction of the strongest are rounding errors.
NEGLIGIBLE = 1e-13


def simulate_basis(
    *,
    sequence: str,
    metabolites: Sequence[str | SpinSystem],
    acquisition: Acquisition,
    echo_time_1_s: float | None = None,
    mixing_time_s: float | None = None,
) -> BasisSet:
    """Noise-free FIDs of the metabolites after a sequence of `SEQUENCES`, without any line broadening.

    The FID of a singlet of N protons starts at N (STEAM: N/2), real and positive. The echo time is that of `acquisition`;
    ``echo_time_1_s`` (PRESS) and ``mixing_time_s`` (STEAM) are needed where the sequence has them. `ConfigError` for an unknown
    sequence or metabolite lists the valid names, for a missing time it names the option.
    """
    if acquisition.nucleus != "1H":
        raise DataError(f"the spin systems are those of 1H but the acquisition states nucleus '{acquisition.nucleus}'")
    timing = {"echo_time_s": acquisition.echo_time_s, "echo_time_1_s": echo_time_1_s, "mixing_time_s": mixing_time_s}
    events = sequence_events(sequence, timing=timing)
    systems = [spin_system(entry) if isinstance(entry, str) else entry for entry in metabolites]
    fids = [simulate_fid(system, events=events, acquisition=acquisition) for system in systems]
    return BasisSet(
        metabolites=tuple(system.name for system in systems),
        fids=np.array(fids).reshape(len(systems), acquisition.n_points),
        acquisition=acquisition,
        sequence=_in_words(sequence, timing),
        origins=tuple("; ".join(system.sources) for system in systems),
        assumptions=("ideal pulses", "no relaxation", *(f"{system.name}: {system.left_out}" for system in systems if system.left_out)),
    )


def simulate_fid(system: SpinSystem, *, events: Sequence[Event], acquisition: Acquisition) -> ComplexArray:
    """FID of one spin system from the end of the events on, shape (n_points,)."""
    pairs = [
        transitions(group, events=events, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz) for group in system.groups
    ]
    frequency_hz = np.concatenate([frequency for frequency, _ in pairs])
    amplitude = np.concatenate([amplitude for _, amplitude in pairs])
    return sum_of_oscillations(frequency_hz, amplitude, acquisition=acquisition)


def transitions(group: SpinGroup, *, events: Sequence[Event], spectrometer_frequency_mhz: float) -> tuple[FloatArray, ComplexArray]:
    """Frequencies (Hz) and complex amplitudes of all observable transitions of a group after the events."""
    shifts_hz = hz_from_ppm(np.array([spin.shift_ppm for spin in group.spins]), spectrometer_frequency_mhz=spectrometer_frequency_mhz)
    states = list(_states_of_other_nuclei(group))
    found = []
    for spin_numbers, weight in _composite_spins(group):
        operators = spin_operators(spin_numbers)
        for offsets_hz in states:
            frequency_hz, amplitude = _transitions(group, operators, events, shifts_hz + offsets_hz)
            found.append((frequency_hz, amplitude * weight / len(states)))
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
    group: SpinGroup, operators: SpinOperators, events: Sequence[Event], shifts_hz: FloatArray
) -> tuple[FloatArray, ComplexArray]:
    couplings = {(coupling.first, coupling.second): coupling.coupling_hz for coupling in group.couplings}
    energies_hz, states = np.linalg.eigh(operators.hamiltonian_hz(shifts_hz=shifts_hz, couplings_hz=couplings))
    detected = np.array([float(spin.detected) for spin in group.spins])
    density = operators.total_z(detected).astype(complex)
    for event in events:
        density = _after(density, event, operators=operators, energies_hz=energies_hz, states=states)
    observed = states.T @ operators.total_plus(detected) @ states
    amplitude = observed.T * (states.T @ density @ states)
    frequency_hz = energies_hz[None, :] - energies_hz[:, None]
    strong = np.abs(amplitude) > NEGLIGIBLE * np.abs(amplitude).max(initial=0.0)
    return frequency_hz[strong], amplitude[strong]


def _after(density: ComplexArray, event: Event, *, operators: SpinOperators, energies_hz: FloatArray, states: FloatArray) -> ComplexArray:
    """The density matrix after an event."""
    match event:
        case Coherence():
            return np.where(operators.coherence_order == event.order, density, 0.0)
        case Pulse():
            propagator = operators.rotation(flip_rad=event.flip_rad, axis_rad=event.axis_rad)
        case Delay():
            propagator = (states * np.exp(-2j * np.pi * energies_hz * event.duration_s)) @ states.T
    return np.asarray(propagator @ density @ propagator.conj().T)


def _in_words(sequence: str, timing: dict[str, float | None]) -> str:
    times = [f"{key.removesuffix('_s').replace('_', ' ')} {1e3 * value:g} ms" for key, value in timing.items() if value is not None]
    return ", ".join([f"{sequence}, ideal pulses", *times])

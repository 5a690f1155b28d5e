"""Slice-selective pulses on coupled spins: density matrices averaged over the slice, one spatial direction after the other.

Every pulse depends on one direction only, and what lies between pulses is free evolution and the selection of one coherence order,
so the average over the voxel is three averages over lines, one after the other: cost 3 n instead of n^3 (Zhang et al. 2017,
doi 10.1002/mrm.26420; Landheer et al. 2020, doi 10.1002/nbm.4129). During a pulse, chemical shift, offset and radio frequency turn
each spin exactly; couplings act as short kicks at the nodes of a Gauss-Legendre rule, whose error is of the fourth order in the
spacing of the kicks and of the second in the couplings (McLachlan 1995, doi 10.1137/0916010).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.basis.operators import SpinOperators
from mrs_pipeline.basis.pulses import ROLES, rephasing_time_s
from mrs_pipeline.basis.sequences import Coherence, Delay, Event, InversionDifference, Pulse
from mrs_pipeline.basis.waveforms import Waveform, rotations
from mrs_pipeline.errors import ConfigError, unknown_name

#: Limits of the carrier, ppm.
LOWEST_PPM, HIGHEST_PPM = 0.0, 10.0
#: Two kicks a stretch; the product of stretch, couplings and shift differences sets the error (see tests).
STRETCH_S = 0.25e-3
#: Gauss-Legendre nodes of two points on (0, 1).
NODES = (0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6)
#: Positions reach this many slice thicknesses to either side of the slices of all resonances: half of the slice, and its edges.
REACH = 1.25
#: Resonances farther than this from the carrier, in slice thicknesses, have a voxel of their own.
LARGEST_DISPLACEMENT = 2.0


@dataclass(frozen=True, kw_only=True)
class SliceSelection:
    """Real pulses in place of ideal ones: a waveform per role, their carrier, and how finely the slice is sampled."""

    pulses: Mapping[str, Waveform]
    carrier_ppm: float
    n_positions: int

    def __post_init__(self) -> None:
        """Refuse roles that do not exist and grids too coarse to average over."""
        for role in self.pulses:
            if role not in ROLES:
                raise unknown_name("role of a pulse", role, dict.fromkeys(ROLES))
        if not LOWEST_PPM <= self.carrier_ppm <= HIGHEST_PPM:
            limits = f"between {LOWEST_PPM:g} and {HIGHEST_PPM:g} ppm"
            raise ConfigError(f"carrier_ppm is {self.carrier_ppm:g}: a chemical shift {limits} is expected")
        if self.n_positions < 8:
            raise ConfigError(f"n_positions is {self.n_positions}: at least 8 positions across the slice are expected")

    def waveform(self, role: str) -> Waveform:
        """The pulse of a role; the second half of a stimulated echo's preparation is the excitation pulse again."""
        found = self.pulses.get(role) or (self.pulses.get("excitation") if role == "storage" else None)
        if found is None:
            raise ConfigError(f"the sequence has a pulse for {role}, but no such pulse is described: add it")
        return found

    @property
    def step(self) -> float:
        """Distance of two positions, slice thicknesses."""
        return 2 * REACH / self.n_positions

    def positions(self, *, shifts_hz: FloatArray) -> FloatArray:
        """Positions in slice thicknesses, equally spaced, that hold the slices of resonances at these shifts from the carrier.

        `n_positions` of them over a slice on the carrier and its edges, as many more as the displacement asks for at the same spacing.
        `ConfigError` where a resonance is selected somewhere else altogether.
        """
        narrowest_hz = min(waveform.bandwidth_hz for waveform in self.pulses.values())
        displacement = float(np.abs(shifts_hz).max(initial=0.0)) / narrowest_hz
        if displacement > LARGEST_DISPLACEMENT:
            raise ConfigError(
                f"a bandwidth of {narrowest_hz:.4g} Hz shifts the slice of a resonance {displacement * narrowest_hz:.0f} Hz from the "
                f"carrier by {displacement:.1f} slice thicknesses: choose a larger bandwidth, or a carrier nearer to the metabolites"
            )
        n_half = int(np.ceil((REACH + displacement) / self.step - 1e-9))
        return np.asarray((np.arange(2 * n_half) + 0.5 - n_half) * self.step)

    def described(self) -> str:
        """The pulses in words."""
        pulses = "; ".join(f"{role}: {waveform.description}" for role, waveform in sorted(self.pulses.items()))
        return f"shaped pulses at {self.carrier_ppm:g} ppm, {self.n_positions} positions or more across each slice ({pulses})"


@dataclass(frozen=True, kw_only=True)
class SelectivePulse:
    """A waveform in its place in a sequence: how much of it lies before and after its centre, and its rephasing gradients.

    With ``difference`` it is an inversion whose measurement is subtracted from one without it.
    """

    waveform: Waveform
    direction: int
    difference: bool
    before_s: float
    after_s: float
    prephase_s: float
    rephase_s: float


def with_real_pulses(events: Sequence[Event], *, selection: SliceSelection) -> tuple[Delay | Coherence | SelectivePulse, ...]:
    """The events with waveforms in place of ideal pulses, and delays shortened by the parts of the pulses that lie in them.

    `ConfigError` if the pulses do not fit between each other.
    """
    placed: list[Delay | Coherence | SelectivePulse] = [
        event if isinstance(event, Delay | Coherence) else _placed(event, selection=selection) for event in events
    ]
    for position, event in enumerate(placed):
        if isinstance(event, Delay):
            earlier = next((other for other in reversed(placed[:position]) if isinstance(other, SelectivePulse)), None)
            later = next((other for other in placed[position:] if isinstance(other, SelectivePulse)), None)
            pulses_s = (earlier.after_s if earlier else 0.0) + (later.before_s if later else 0.0)
            placed[position] = _shortened(event, pulses_s)
    return tuple(placed)


def _shortened(delay: Delay, pulses_s: float) -> Delay:
    if pulses_s > delay.duration_s:
        raise ConfigError(
            f"the pulses take {1e3 * pulses_s:.3g} ms of a delay of {1e3 * delay.duration_s:.3g} ms: "
            "choose shorter pulses or a longer echo time"
        )
    return Delay(duration_s=delay.duration_s - pulses_s)


def _placed(event: Pulse | InversionDifference, *, selection: SliceSelection) -> SelectivePulse:
    """The pulse of a role with its centre: the middle, but for an excitation the moment at which its magnetisation was in phase."""
    pulse = event.pulse if isinstance(event, InversionDifference) else event
    waveform = selection.waveform(pulse.role)
    after_s = rephasing_time_s(waveform) if pulse.role == "excitation" else waveform.duration_s / 2
    return SelectivePulse(
        waveform=waveform,
        direction=pulse.direction,
        difference=isinstance(event, InversionDifference),
        before_s=waveform.duration_s - after_s,
        after_s=after_s,
        prephase_s=waveform.duration_s / 2 if pulse.role == "storage" else 0.0,
        rephase_s=after_s if pulse.role == "excitation" else 0.0,
    )


def propagators(
    operators: SpinOperators,
    pulse: SelectivePulse,
    *,
    shifts_hz: FloatArray,
    couplings_hz: Mapping[tuple[int, int], float],
    positions: FloatArray,
) -> ComplexArray:
    """Propagators of a pulse at every position, shape (n_positions, dimension, dimension); shifts relative to the carrier."""
    waveform = pulse.waveform
    n_stretches = int(np.ceil(waveform.duration_s / STRETCH_S)) if couplings_hz else 0
    stretch_s = waveform.duration_s / max(n_stretches, 1)
    stops_s = (np.arange(n_stretches)[:, None] * stretch_s + stretch_s * np.array(NODES)).ravel()
    turn_total = operators.z.sum(axis=0)
    offset_hz = positions[:, None] * waveform.bandwidth_hz
    total: ComplexArray = np.zeros((positions.size, turn_total.size, turn_total.size), dtype=complex)
    # a gradient of the opposite sign undoes the phase of half a pulse
    total += np.eye(turn_total.size) * np.exp(2j * np.pi * offset_hz * turn_total * pulse.prephase_s)[:, None, :]
    kick = _coupling_kick(operators, couplings_hz, duration_s=stretch_s / 2)
    parts = list(rotations(waveform, shift_hz=shifts_hz, position=positions, stops_s=stops_s))
    for number, (a, b) in enumerate(parts):
        total = operators.rotated(total, a=a, b=b)
        if number < len(parts) - 1:
            total = kick @ total
    return np.asarray(np.exp(2j * np.pi * offset_hz * turn_total * pulse.rephase_s)[:, :, None] * total)


def _coupling_kick(operators: SpinOperators, couplings_hz: Mapping[tuple[int, int], float], *, duration_s: float) -> ComplexArray:
    hamiltonian_hz = operators.hamiltonian_hz(shifts_hz=np.zeros(len(operators.spin_numbers)), couplings_hz=couplings_hz)
    energies_hz, states = np.linalg.eigh(hamiltonian_hz)
    return np.asarray((states * np.exp(-2j * np.pi * energies_hz * duration_s)) @ states.T)

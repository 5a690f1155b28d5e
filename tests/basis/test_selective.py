"""Slice-selective simulation against brute force: matrix exponentials step by step, the whole grid of positions, explicit gradients."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from math import pi

import numpy as np
import pytest
from scipy.linalg import expm

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.pulses import SampledShape, designed_pulse, profile, rephasing_time_s, sampled_pulse
from mrs_pipeline.basis.selective import SliceSelection
from mrs_pipeline.basis.sequences import SEQUENCES, sequence_events
from mrs_pipeline.basis.simulation import prepared, simulate_basis, simulate_fid
from mrs_pipeline.basis.spin_systems import Coupling, Spin, SpinGroup, SpinSystem
from mrs_pipeline.basis.waveforms import Waveform

CARRIER_PPM = 3.0
N_POSITIONS = 8
TIMING = {"echo_time_s": 0.03, "echo_time_1_s": 0.013, "mixing_time_s": 0.012}
TIMES = {"echo_time_1_s": 0.013, "mixing_time_s": 0.012}
LONE = SpinSystem(name="H", groups=(SpinGroup(label="H", spins=(Spin(name="H", shift_ppm=CARRIER_PPM, n_protons=1),)),), sources=())
#: Couplings act in kicks; on these pulses that costs less than this share of the signal.
KICKS = 2e-4
#: Phases of a gradient that tell apart all orders of three protons.
PHASES = 2 * pi * np.arange(7) / 7


def coarse(pulse: Waveform) -> Waveform:
    """Every eighth step eight times as long: brute force is slow."""
    return replace(pulse, b1_hz=pulse.b1_hz[4::8], gradient=pulse.gradient[4::8])


@pytest.fixture(scope="module")
def selection() -> SliceSelection:
    excitation = designed_pulse("sinc", role="excitation", duration_s=2.5e-3, bandwidth_hz=2000.0, flip_rad=pi / 2)
    refocusing = designed_pulse("sinc", role="refocusing", duration_s=4e-3, bandwidth_hz=1200.0, flip_rad=np.radians(150))
    pulses = {"excitation": coarse(excitation), "refocusing": coarse(refocusing)}
    return SliceSelection(pulses=pulses, carrier_ppm=CARRIER_PPM, n_positions=N_POSITIONS)


@pytest.fixture(scope="module")
def three_protons() -> SpinSystem:
    """Strongly and weakly coupled, far from the carrier."""
    spins = tuple(Spin(name=name, shift_ppm=ppm, n_protons=1) for name, ppm in (("A", 4.2), ("B", 2.45), ("C", 2.6)))
    rows = ((0, 1, 10.0), (0, 2, 4.0), (1, 2, -16.0))
    couplings = tuple(Coupling(first=first, second=second, coupling_hz=value) for first, second, value in rows)
    return SpinSystem(name="ABX", groups=(SpinGroup(label="ABX", spins=spins, couplings=couplings),), sources=())


class BruteForce:
    """Operators of single protons in the frame of the pulses' carrier."""

    def __init__(self, system: SpinSystem, acquisition: Acquisition) -> None:
        (group,) = system.groups
        self.frequency_mhz = acquisition.spectrometer_frequency_mhz
        single = {"x": np.array([[0, 1], [1, 0]]) / 2, "y": np.array([[0, -1j], [1j, 0]]) / 2, "z": np.diag([0.5, -0.5])}
        count = len(group.spins)

        def one(axis: str, spin: int) -> ComplexArray:
            return np.kron(np.kron(np.eye(2**spin), single[axis]), np.eye(2 ** (count - spin - 1)))

        self.x, self.y, self.z = (sum(one(axis, spin) for spin in range(count)) for axis in "xyz")
        hz = [(CARRIER_PPM - spin.shift_ppm) * self.frequency_mhz for spin in group.spins]
        self.hz = np.array(hz)
        self.free = sum(hz[spin] * one("z", spin) for spin in range(count))
        for row in group.couplings:
            self.free = self.free + row.coupling_hz * sum(one(axis, row.first) @ one(axis, row.second) for axis in "xyz")
        self.scale = 4 / 2**count
        self.dephased = [expm(-1j * angle * self.z) for angle in PHASES]

    def wait(self, duration_s: float) -> ComplexArray:
        return expm(-2j * pi * self.free * duration_s)

    def pulse(self, waveform: Waveform, position: float) -> ComplexArray:
        offset = position * waveform.bandwidth_hz * waveform.gradient[:, None, None] * self.z
        field = waveform.b1_hz.real[:, None, None] * self.x + waveform.b1_hz.imag[:, None, None] * self.y
        total = np.eye(self.z.shape[0], dtype=complex)
        for step in expm(-2j * pi * (self.free + offset + field) * waveform.step_s):
            total = step @ total
        return total

    def signal(self, density: ComplexArray, times_s: FloatArray) -> ComplexArray:
        rising = (self.x + 1j * self.y) * self.scale
        evolved = [np.trace(rising @ self.wait(t) @ density @ self.wait(t).conj().T) for t in times_s]
        carrier_hz = hz_from_ppm(CARRIER_PPM, spectrometer_frequency_mhz=self.frequency_mhz)
        return np.array(evolved) * np.exp(2j * pi * carrier_hz * times_s)


def conjugated(propagator: ComplexArray, density: ComplexArray) -> ComplexArray:
    return propagator @ density @ propagator.conj().T


def brute_press(force: BruteForce, selection: SliceSelection) -> ComplexArray:
    """Every point of a cubic grid, every phase of two pairs of equal gradients around the refocusing pulses."""
    places = selection.positions(shifts_hz=force.hz)
    excite, refocus = selection.pulses["excitation"], selection.pulses["refocusing"]
    rephase_s, half_s = rephasing_time_s(excite), refocus.duration_s / 2
    waits = [force.wait(0.0065 - rephase_s - half_s), force.wait(0.015 - 2 * half_s), force.wait(0.0085 - half_s)]
    excited = [
        conjugated(expm(2j * pi * place * excite.bandwidth_hz * rephase_s * force.z) @ force.pulse(excite, place), force.z + 0j)
        for place in places
    ]
    turns = [force.pulse(refocus, place) for place in places]
    total = np.zeros_like(force.z, dtype=complex)
    for second, third, one, two in product(turns, turns, force.dephased, force.dephased):
        path = waits[2] @ two @ third @ two @ waits[1] @ one @ second @ one @ waits[0]
        total += conjugated(path, sum(excited))
    return total


def brute_steam(force: BruteForce, selection: SliceSelection) -> ComplexArray:
    """Equal gradients in both halves of the echo time, a crusher in the mixing time."""
    places = selection.positions(shifts_hz=force.hz)
    pulse = selection.pulses["excitation"]
    rephase_s, half_s = rephasing_time_s(pulse), pulse.duration_s / 2
    first, last = force.wait(0.015 - rephase_s - half_s), force.wait(0.015 - rephase_s)
    mixing = force.wait(0.012 - half_s - (pulse.duration_s - rephase_s))

    def gradient(place: float, duration_s: float) -> ComplexArray:
        return expm(2j * pi * place * pulse.bandwidth_hz * duration_s * force.z)

    excite = [gradient(place, rephase_s) @ force.pulse(pulse, place) for place in places]
    store = [force.pulse(pulse, place) @ gradient(place, half_s) for place in places]
    excited = sum(conjugated(turn, force.z + 0j) for turn in excite)
    total = np.zeros_like(force.z, dtype=complex)
    for second, third, dephased, crushed in product(store, excite, force.dephased, force.dephased):
        total += conjugated(dephased @ last @ third @ crushed @ mixing @ second @ dephased @ first, excited)
    return total


@pytest.mark.parametrize(("sequence", "brute", "share"), [("press", brute_press, 1.0), ("steam", brute_steam, 0.5)])
def test_three_averages_over_lines_are_the_average_over_the_voxel(
    sequence: str,
    brute: Callable[[BruteForce, SliceSelection], ComplexArray],
    share: float,
    three_protons: SpinSystem,
    selection: SliceSelection,
    acquisition: Acquisition,
) -> None:
    """Both divided by the signal of a lone proton on the carrier."""
    force, single = BruteForce(three_protons, acquisition), BruteForce(LONE, acquisition)
    signal = force.signal(brute(force, selection), acquisition.time_s[:160:16])
    expected = share * signal / single.signal(brute(single, selection), acquisition.time_s[:1])
    events = sequence_events(sequence, timing=TIMING)
    found = simulate_fid(three_protons, events=events, acquisition=acquisition, selection=selection)[:160:16]
    assert np.abs(expected).max() > 0.3
    np.testing.assert_allclose(found, expected, atol=KICKS * 3)


def test_short_pulses_without_a_gradient_are_ideal(acquisition: Acquisition) -> None:
    def hard(role: str, flip_rad: float) -> Waveform:
        shape = SampledShape(name="hard", amplitude=np.ones(16), phase_rad=np.zeros(16), gradient=np.ones(16))
        return sampled_pulse(shape, role=role, duration_s=1e-7, flip_rad=flip_rad, bandwidth_hz=1e4, peak_b1_hz=None)

    pulses = {"excitation": hard("excitation", pi / 2), "refocusing": hard("refocusing", pi), "inversion": hard("inversion", pi)}
    hard_pulses = SliceSelection(pulses=pulses, carrier_ppm=CARRIER_PPM, n_positions=8)
    for sequence in SEQUENCES:
        settings = {"sequence": sequence, "metabolites": ("Lac", "Glu", "NAA"), "acquisition": acquisition, **TIMES}
        ideal, real = simulate_basis(**settings), simulate_basis(**settings, selection=hard_pulses)
        # what selects no slice has a signal from wherever one looks: only shapes can be compared
        np.testing.assert_allclose(real.fids / real.fids[:, :1], ideal.fids / ideal.fids[:, :1], atol=2e-3)


def test_a_narrow_slice_shifts_lactate_out_of_its_own_coupling(acquisition: Acquisition) -> None:
    """Chemical-shift displacement at TE = 1/J, equal echoes: the doublet is inverted where its partner sees both refocusing pulses.

    Where the partner misses one pulse, coupling evolves for TE/2 only: no signal; where it misses both, coupling is refocused: upright.
    With boxcar slices each pulse misses the partner in |shift difference| / bandwidth of the voxel.
    """
    echo = replace(acquisition, echo_time_s=1 / 6.933)
    bandwidth_hz = 1000.0
    refocusing = designed_pulse("slr", role="refocusing", duration_s=12e-3, bandwidth_hz=bandwidth_hz, flip_rad=pi)
    excitation = designed_pulse("slr", role="excitation", duration_s=1e-3, bandwidth_hz=2e4, flip_rad=pi / 2)
    pulses = {"excitation": excitation, "refocusing": refocusing}
    real = simulate_basis(
        sequence="press",
        metabolites=("Lac",),
        acquisition=echo,
        echo_time_1_s=echo.echo_time_s / 2,
        selection=SliceSelection(pulses=pulses, carrier_ppm=1.3142, n_positions=96),
    )
    ideal = simulate_basis(sequence="press", metabolites=("Lac",), acquisition=echo, echo_time_1_s=echo.echo_time_s / 2)
    missed = (4.0974 - 1.3142) * echo.spectrometer_frequency_mhz / bandwidth_hz
    expected = -((1 - missed) ** 2) + missed**2
    methyl = np.exp(-2j * pi * hz_from_ppm(1.3142, spectrometer_frequency_mhz=echo.spectrometer_frequency_mhz) * echo.time_s)
    decay = np.exp(-pi * 6 * echo.time_s)
    splitting = np.cos(pi * 6.933 * echo.time_s) * decay
    found = np.vdot(splitting, real.fids[0] * methyl * decay).real / np.vdot(splitting, splitting).real / 3
    whole = np.vdot(splitting, ideal.fids[0] * methyl * decay).real / np.vdot(splitting, splitting).real / 3
    assert whole == pytest.approx(-1.0, abs=0.1)
    assert found == pytest.approx(expected, abs=0.05)


def brute_slaser(force: BruteForce, selection: SliceSelection) -> ComplexArray:
    """Both pulses of a pair see the same position; gradients select orders as projections."""
    places = selection.positions(shifts_hz=force.hz)
    excite, passage = selection.pulses["excitation"], selection.pulses["refocusing"]
    rephase_s, half_s = rephasing_time_s(excite), passage.duration_s / 2
    outer, last, inner = force.wait(0.00375 - rephase_s - half_s), force.wait(0.00375 - half_s), force.wait(0.0075 - 2 * half_s)
    m = np.diag(force.z).real

    def selected(density: ComplexArray, order: int) -> ComplexArray:
        return np.where(np.isclose(m[:, None] - m[None, :], order), density, 0.0)

    def pair(density: ComplexArray, place: float) -> ComplexArray:
        turn = force.pulse(passage, place)
        return selected(conjugated(turn @ inner, selected(conjugated(turn, density), 1)), -1)

    turned = [expm(2j * pi * place * excite.bandwidth_hz * rephase_s * force.z) @ force.pulse(excite, place) for place in places]
    excited = conjugated(outer, selected(sum(conjugated(turn, force.z + 0j) for turn in turned), -1))
    first = sum(pair(excited, place) for place in places)
    return conjugated(last, sum(pair(conjugated(inner, first), place) for place in places))


def test_pairs_of_adiabatic_pulses_are_averaged_together(acquisition: Acquisition) -> None:
    excitation = designed_pulse("slr", role="excitation", duration_s=2e-3, bandwidth_hz=4000.0, flip_rad=pi / 2)
    passage = designed_pulse("hyperbolic_secant", role="refocusing", duration_s=3.5e-3, bandwidth_hz=3000.0, flip_rad=pi)
    pulses = {"excitation": coarse(excitation), "refocusing": passage}
    selection = SliceSelection(pulses=pulses, carrier_ppm=CARRIER_PPM, n_positions=N_POSITIONS)
    spins = (Spin(name="A", shift_ppm=4.2, n_protons=1), Spin(name="B", shift_ppm=2.5, n_protons=1))
    group = SpinGroup(label="AB", spins=spins, couplings=(Coupling(first=0, second=1, coupling_hz=12.0),))
    system = SpinSystem(name="AB", groups=(group,), sources=())
    force, single = BruteForce(system, acquisition), BruteForce(LONE, acquisition)
    signal = force.signal(brute_slaser(force, selection), acquisition.time_s[:160:16])
    expected = signal / single.signal(brute_slaser(single, selection), acquisition.time_s[:1])
    events = sequence_events("slaser", timing=TIMING)
    found = simulate_fid(system, events=events, acquisition=acquisition, selection=selection)[:160:16]
    np.testing.assert_allclose(found, expected, atol=KICKS * 2)


def test_inversion_of_special_cancels_what_lies_outside_its_slice(acquisition: Acquisition) -> None:
    """Along the inverted direction the signal is the share of the sampled line that is inverted."""
    excitation = designed_pulse("slr", role="excitation", duration_s=2e-3, bandwidth_hz=4000.0, flip_rad=pi / 2)
    refocusing = designed_pulse("slr", role="refocusing", duration_s=5e-3, bandwidth_hz=1400.0, flip_rad=pi)
    inversion = designed_pulse("hyperbolic_secant", role="inversion", duration_s=6e-3, bandwidth_hz=5000.0, flip_rad=pi)
    pulses = {"excitation": excitation, "refocusing": refocusing, "inversion": inversion}
    selection = SliceSelection(pulses=pulses, carrier_ppm=CARRIER_PPM, n_positions=64)
    real = prepared(sequence_events("special", timing=TIMING), selection=selection)
    without = prepared(sequence_events("special", timing=TIMING)[1:], selection=selection)
    # the scale of an experiment makes up for what its slices leave of a proton's signal
    share = abs(without.scale / real.scale)
    assert share == pytest.approx(
        profile(inversion, role="inversion", position=selection.positions(shifts_hz=np.zeros(1))).sum() * selection.step, rel=1e-6
    )
    basis = simulate_basis(sequence="special", metabolites=("Cr",), acquisition=acquisition, selection=selection)
    assert basis.fids[0, 0] == pytest.approx(5.0, rel=0.01)

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from scipy.linalg import expm

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm, spectrum_from_fid
from mrs_pipeline.basis.sequences import SEQUENCES, sequence_events
from mrs_pipeline.basis.simulation import simulate_basis, simulate_fid, sum_of_oscillations
from mrs_pipeline.basis.spin_systems import Coupling, OtherNucleus, Spin, SpinGroup, SpinSystem, spin_systems
from mrs_pipeline.errors import ConfigError, DataError

TIMES = {"echo_time_1_s": 0.011, "mixing_time_s": 0.01}
TIMING = {"echo_time_s": 0.03, **TIMES}


def singlet(ppm: float, acquisition: Acquisition) -> ComplexArray:
    hz = hz_from_ppm(ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    return np.exp(2j * np.pi * hz * acquisition.time_s)


def pair(difference_hz: float, coupling_hz: float, acquisition: Acquisition) -> SpinSystem:
    """Two protons to either side of the carrier."""
    half_ppm = difference_hz / acquisition.spectrometer_frequency_mhz / 2
    spins = tuple(Spin(name=name, shift_ppm=4.65 + sign * half_ppm, n_protons=1) for name, sign in (("A", 1), ("B", -1)))
    group = SpinGroup(label="pair", spins=spins, couplings=(Coupling(first=0, second=1, coupling_hz=coupling_hz),))
    return SpinSystem(name="pair", groups=(group,), sources=())


def simulated(system: SpinSystem, sequence: str, acquisition: Acquisition) -> ComplexArray:
    return simulate_fid(system, events=sequence_events(sequence, timing=TIMING), acquisition=acquisition)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_singlets_start_at_their_protons_and_turn_as_the_convention_says(sequence: str, acquisition: Acquisition) -> None:
    basis = simulate_basis(sequence=sequence, metabolites=("Cr", "sIns"), acquisition=acquisition, **TIMES)
    part = 0.5 if sequence == "steam" else 1.0
    creatine = 3 * singlet(3.027, acquisition) + 2 * singlet(3.913, acquisition)
    np.testing.assert_allclose(basis.fids, part * np.array([creatine, 6 * singlet(3.34, acquisition)]), atol=1e-9)


def test_naa_lies_at_2_ppm_upright(acquisition: Acquisition) -> None:
    fine = acquisition.with_n_points(32768)
    basis = simulate_basis(sequence="press", metabolites=("NAA",), acquisition=fine, **TIMES)
    spectrum = spectrum_from_fid(basis.fids[0] * np.exp(-np.pi * 5 * fine.time_s))
    peak = np.argmax(np.abs(spectrum))
    assert fine.ppm[peak] == pytest.approx(2.008, abs=1e-3)
    assert spectrum[peak].real > 10 * abs(spectrum[peak].imag)


def test_all_protons_are_seen_after_one_pulse(acquisition: Acquisition) -> None:
    basis = simulate_basis(sequence="pulse_acquire", metabolites=tuple(spin_systems()), acquisition=acquisition)
    np.testing.assert_allclose(basis.fids[:, 0], [system.n_protons for system in spin_systems().values()], atol=1e-9)


@pytest.mark.parametrize("coupling_hz", [-15.0, 0.0, 2.0, 40.0])
def test_strongly_coupled_pair_is_the_textbook_quartet(coupling_hz: float, acquisition: Acquisition) -> None:
    """Lines at +-(C +- J)/2 with C = sqrt(difference^2 + J^2); inner intensities (1 + J/C)/2, outer (1 - J/C)/2."""
    splitting = np.hypot(20.0, coupling_hz)
    inner, outer = (splitting - coupling_hz) / 2, (splitting + coupling_hz) / 2
    share = coupling_hz / splitting
    expected = (1 + share) * np.cos(2 * np.pi * inner * acquisition.time_s) + (1 - share) * np.cos(2 * np.pi * outer * acquisition.time_s)
    found = simulated(pair(20.0, coupling_hz, acquisition), "pulse_acquire", acquisition)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def weak_echo(system: SpinSystem, acquisition: Acquisition) -> ComplexArray:
    """Homonuclear coupling is not refocused: both doublets go as cos(pi J (TE + t))."""
    coupling_hz, echo_time_s = system.groups[0].couplings[0].coupling_hz, 0.03
    lines = sum(singlet(spin.shift_ppm, acquisition) for spin in system.groups[0].spins)
    return lines * np.cos(np.pi * coupling_hz * (echo_time_s + acquisition.time_s))


def test_weakly_coupled_doublets_are_modulated_by_the_echo_time(acquisition: Acquisition) -> None:
    system = pair(1e7, 7.0, acquisition)
    np.testing.assert_allclose(simulated(system, "spin_echo", acquisition), weak_echo(system, acquisition), atol=1e-6)


def test_strong_coupling_goes_over_into_weak_as_the_shift_difference_grows(acquisition: Acquisition) -> None:
    differences_hz = np.array([1e2, 1e3, 1e4, 1e5])
    systems = [pair(difference, 7.0, acquisition) for difference in differences_hz]
    early = acquisition.with_n_points(20)
    errors = [np.abs(simulated(system, "spin_echo", early) - weak_echo(system, early)).max() for system in systems]
    # First order in J over the difference.
    assert np.all(np.array(errors) < 4 * 7.0 / differences_hz)
    assert errors == sorted(errors, reverse=True)


@pytest.mark.parametrize(("spin_number", "states"), [(0.5, (-0.5, 0.5)), (1.0, (-1.0, 0.0, 1.0))])
def test_other_nuclei_are_refocused(spin_number: float, states: tuple[float, ...], acquisition: Acquisition) -> None:
    other = OtherNucleus(nucleus="X", spin_number=spin_number, couplings_hz=(6.0,))
    group = SpinGroup(label="line", spins=(Spin(name="H", shift_ppm=3.0, n_protons=2),), other_nuclei=(other,))
    found = simulated(SpinSystem(name="line", groups=(group,), sources=()), "spin_echo", acquisition)
    splitting = np.mean([np.exp(2j * np.pi * 6.0 * state * acquisition.time_s) for state in states], axis=0)
    np.testing.assert_allclose(found, 2 * singlet(3.0, acquisition) * splitting, atol=1e-9)


def test_protons_not_detected_split_their_neighbours(acquisition: Acquisition) -> None:
    early = replace(acquisition, spectrometer_frequency_mhz=1e6, n_points=64)
    spins = (Spin(name="H", shift_ppm=2.0, n_protons=1), Spin(name="NH", shift_ppm=8.0, n_protons=1, detected=False))
    group = SpinGroup(label="amide", spins=spins, couplings=(Coupling(first=0, second=1, coupling_hz=7.0),))
    found = simulated(SpinSystem(name="amide", groups=(group,), sources=()), "pulse_acquire", early)
    np.testing.assert_allclose(found, singlet(2.0, early) * np.cos(np.pi * 7.0 * early.time_s), atol=1e-5)


SINGLE = {"x": np.array([[0, 1], [1, 0]]) / 2, "y": np.array([[0, -1j], [1j, 0]]) / 2, "z": np.diag([0.5, -0.5])}


class Protons:
    """Plain product operators of single protons: no composite spins, matrix exponentials, gradients as rotations that are averaged."""

    def __init__(self, system: SpinSystem, acquisition: Acquisition) -> None:
        (group,) = system.groups
        owner = [index for index, spin in enumerate(group.spins) for _ in range(spin.n_protons)]
        self.count = len(owner)
        self.fx, self.fy, self.fz = (sum(self.one(axis, k) for k in range(self.count)) for axis in "xyz")
        hz = [hz_from_ppm(group.spins[k].shift_ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz) for k in owner]
        coupling = {(row.first, row.second): row.coupling_hz for row in group.couplings}
        pairs = [(a, b, coupling.get((owner[a], owner[b]), 0.0)) for a in range(self.count) for b in range(a + 1, self.count)]
        self.energy = sum(hz[k] * self.one("z", k) for k in range(self.count))
        self.energy = self.energy + sum(j * self.one(axis, a) @ self.one(axis, b) for a, b, j in pairs for axis in "xyz")

    def one(self, axis: str, position: int) -> ComplexArray:
        return reduce(np.kron, [SINGLE[axis] if k == position else np.eye(2) for k in range(self.count)])

    def wait(self, duration_s: float) -> ComplexArray:
        return expm(-2j * np.pi * self.energy * duration_s)

    def turn(self, operator: ComplexArray, angle: float) -> ComplexArray:
        return expm(-1j * angle * operator)

    def signal(self, steps: list[ComplexArray], times_s: FloatArray) -> ComplexArray:
        density = self.fz.astype(complex)
        for step in steps:
            density = step @ density @ step.conj().T
        rising = (self.fx + 1j * self.fy) * 4 / 2**self.count
        return np.array([np.trace(rising @ self.wait(t) @ density @ self.wait(t).conj().T) for t in times_s])


@pytest.mark.parametrize("name", ["Lac", "Asp", "Tau"])
def test_press_agrees_with_plain_product_operators(name: str, acquisition: Acquisition) -> None:
    system = spin_systems()[name]
    protons = Protons(system, acquisition)
    excite, refocus = protons.turn(protons.fy, np.pi / 2), protons.turn(protons.fx, np.pi)
    steps = [excite, protons.wait(0.0055), refocus, protons.wait(0.015), refocus, protons.wait(0.0095)]
    found = simulated(system, "press", acquisition)[:200:40]
    np.testing.assert_allclose(found, protons.signal(steps, acquisition.time_s[:200:40]), atol=1e-9)


@pytest.mark.parametrize("name", ["Lac", "Asp", "Tau"])
def test_slaser_agrees_with_plain_product_operators(name: str, acquisition: Acquisition) -> None:
    system = spin_systems()[name]
    protons = Protons(system, acquisition)
    refocus = protons.turn(protons.fx, np.pi)
    steps = [protons.turn(protons.fy, np.pi / 2), protons.wait(0.00375)]
    steps += [refocus, protons.wait(0.0075)] * 3 + [refocus, protons.wait(0.00375)]
    found = simulated(system, "slaser", acquisition)[:200:40]
    np.testing.assert_allclose(found, protons.signal(steps, acquisition.time_s[:200:40]), atol=1e-9)


@pytest.mark.parametrize("name", ["Lac", "Glu", "GABA"])
def test_inverting_before_an_echo_changes_its_sign_only(name: str, acquisition: Acquisition) -> None:
    system = spin_systems()[name]
    np.testing.assert_allclose(simulated(system, "special", acquisition), simulated(system, "spin_echo", acquisition), atol=1e-9)


@pytest.mark.parametrize("sequence", ["press", "slaser", "steam"])
@pytest.mark.parametrize("name", ["Glu", "GABA", "Ins", "NAAG"])
def test_total_intensity_of_a_pulse_is_the_protons_and_no_echo_has_more(name: str, sequence: str, acquisition: Acquisition) -> None:
    """Unitary evolution cannot make transverse magnetisation; the integral of the spectrum is the first point of the FID."""
    system = spin_systems()[name]
    assert abs(simulated(system, "pulse_acquire", acquisition)[0]) == pytest.approx(system.n_protons, rel=1e-9)
    assert abs(simulated(system, sequence, acquisition)[0]) <= system.n_protons * (1 + 1e-9)


def weak(system: SpinSystem, acquisition: Acquisition) -> ComplexArray:
    """A3X after a spin echo, secular coupling: the methyl doublet goes as cos(pi J t'), the methine quartet as its third power."""
    coupling_hz = system.groups[0].couplings[0].coupling_hz
    methyl, methine = (singlet(spin.shift_ppm, acquisition) for spin in system.groups[0].spins)
    modulation = np.cos(np.pi * coupling_hz * (0.03 + acquisition.time_s))
    return 3 * methyl * modulation + methine * modulation**3


def test_weakly_coupled_methyl_group_follows_the_closed_form(acquisition: Acquisition) -> None:
    spins = (Spin(name="CH3", shift_ppm=4.65 + 4e5, n_protons=3), Spin(name="H", shift_ppm=4.65 - 4e5, n_protons=1))
    group = SpinGroup(label="A3X", spins=spins, couplings=(Coupling(first=0, second=1, coupling_hz=7.0),))
    system = SpinSystem(name="A3X", groups=(group,), sources=())
    np.testing.assert_allclose(simulated(system, "spin_echo", acquisition), weak(system, acquisition), atol=1e-6)


@pytest.mark.parametrize("name", ["Lac", "Asp", "Asc"])
def test_steam_agrees_with_gradients_that_dephase(name: str, acquisition: Acquisition) -> None:
    """Equal gradients before and after the mixing time and a crusher in it, averaged over positions."""
    system = spin_systems()[name]
    protons = Protons(system, acquisition)
    excite, store = protons.turn(protons.fy, np.pi / 2), protons.turn(protons.fy, -np.pi / 2)
    angles = 2 * np.pi * np.arange(9) / 9
    total = np.zeros(3, dtype=complex)
    for echo in angles:
        for crusher in angles:
            dephased = protons.turn(protons.fz, echo) @ protons.wait(0.015)
            mixing = protons.turn(protons.fz, crusher) @ protons.wait(0.01)
            total += protons.signal([excite, dephased, store, mixing, excite, dephased], acquisition.time_s[:120:40])
    np.testing.assert_allclose(simulated(system, "steam", acquisition)[:120:40], total / 81, atol=1e-9)


def test_oscillations_are_summed_for_any_number_of_points(acquisition: Acquisition) -> None:
    odd = acquisition.with_n_points(37)
    frequency_hz, amplitude = np.array([-310.0, 12.5, 700.0]), np.array([1.0, 2.0j, -0.5])
    expected = sum(a * np.exp(2j * np.pi * f * odd.time_s) for f, a in zip(frequency_hz, amplitude, strict=True))
    np.testing.assert_allclose(sum_of_oscillations(frequency_hz, amplitude, acquisition=odd), expected, atol=1e-12)


def test_missing_times_and_unknown_names_are_named(acquisition: Acquisition) -> None:
    with pytest.raises(ConfigError, match="needs echo_time_1_s"):
        simulate_basis(sequence="press", metabolites=("NAA",), acquisition=acquisition)
    with pytest.raises(ConfigError, match="needs echo_time_s"):
        simulate_basis(sequence="spin_echo", metabolites=("NAA",), acquisition=replace(acquisition, echo_time_s=None))
    with pytest.raises(ConfigError, match="unknown metabolite 'Foo'"):
        simulate_basis(sequence="pulse_acquire", metabolites=("Foo",), acquisition=acquisition)
    with pytest.raises(DataError, match="nucleus '31P'"):
        simulate_basis(sequence="pulse_acquire", metabolites=("NAA",), acquisition=replace(acquisition, nucleus="31P"))


def test_result_says_how_it_was_made(acquisition: Acquisition) -> None:
    basis = simulate_basis(sequence="press", metabolites=("mI",), acquisition=acquisition, echo_time_1_s=0.011)
    assert basis.metabolites == ("Ins",)
    assert basis.sequence == "press, ideal pulses, TE 30 ms, TE1 11 ms"
    assert basis.linewidth_hz == 0.0

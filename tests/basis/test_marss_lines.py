"""Against FIDs of another program for a scanner's shaped pulses: whatever the pulses do, every line must lie where the spin system says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.basis.sequences import sequence_events
from mrs_pipeline.basis.simulation import prepared, transitions
from mrs_pipeline.basis.spin_systems import SpinGroup, SpinSystem, perturbed, spin_system

pytestmark = pytest.mark.external_data

#: Their field (lines of glycine, scyllo-inositol and acetate agree on it to 1e-8), line width and sampling.
FREQUENCY_MHZ, WIDTH_HZ, DWELL_TIME_S = 127.7324368, 1.0, 1 / 4000
#: Glutamate and others of Govindaraju's table are theirs too, but their lines are too dense to tell a wrong number from a right one.
THEIR_NAMES = {"2HG": "2HG", "Ace": "Ace", "Ala": "Ala", "Asp": "Asp", "Cho": "Cho", "Lac": "Lac", "PCh": "PCho"} | {
    "Phe": "PA", "Thr": "Thr", "Trp": "Try", "Tyr": "Tyr", "Val": "Val"
}  # fmt: skip


def read(folder: Path, name: str) -> ComplexArray:
    text = (folder / "basis" / "marss_press_ge_te30_4000hz_2048" / f"{name}.raw").read_text(encoding="utf-8")
    values = np.array(text.rpartition("$END")[2].split(), dtype=float)
    return values[0::2] + 1j * values[1::2]


def frequencies_hz(system: SpinSystem) -> np.ndarray:
    """Frequencies of all lines, to 1 mHz."""
    experiment = prepared(sequence_events("pulse_acquire", timing={}), selection=None)
    pairs = [transitions(group, experiment=experiment, spectrometer_frequency_mhz=FREQUENCY_MHZ) for group in system.groups]
    lines = np.concatenate([frequency[np.abs(amplitude) > 1e-6 * np.abs(amplitude).max()] for frequency, amplitude in pairs])
    return np.unique(np.round(lines, 3))


def unexplained(system: SpinSystem, fid: ComplexArray) -> float:
    """Share of the FID's norm that no sum of the system's lines, each of any amplitude and phase, explains."""
    time_s = np.arange(fid.size) * DWELL_TIME_S
    lines = np.exp(2j * np.pi * np.outer(time_s, frequencies_hz(system)) - np.pi * WIDTH_HZ * time_s[:, None])
    normal = lines.conj().T @ lines
    normal[np.diag_indices_from(normal)] += 1e-8 * fid.size
    amplitudes = np.linalg.solve(normal, lines.conj().T @ fid)
    return float(np.linalg.norm(lines @ amplitudes - fid) / np.linalg.norm(fid))


def without_coupling(group: SpinGroup, *, below_hz: float) -> SpinGroup:
    return replace(group, couplings=tuple(coupling for coupling in group.couplings if coupling.coupling_hz > below_hz))


@pytest.mark.parametrize(("name", "theirs"), THEIR_NAMES.items())
def test_lines_lie_where_another_program_has_them(name: str, theirs: str, external_data: Path) -> None:
    system = spin_system(name)
    if name == "Tyr":  # their chain lacks its geminal coupling
        system = replace(system, groups=(without_coupling(system.groups[0], below_hz=-10.0), *system.groups[1:]))
    fid = read(external_data, theirs)
    moved = perturbed(system, rng=np.random.default_rng(1), shift_sd_ppm=0.003, coupling_sd_hz=0.3)
    assert unexplained(system, fid) < 1e-3
    assert unexplained(moved, fid) > 10 * unexplained(system, fid)

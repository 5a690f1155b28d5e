"""Spin systems against the basis sets of other programs: every metabolite, every published set of numbers.

    python benchmarks/basis_challenge.py --data ../shared/data

First table: normalised correlation over 0.3-4.4 ppm (LCModel's: to 4.1 ppm, its water region is suppressed) at the best common shift and
phase, both sides broadened by 4 Hz besides what they hold; for the fitting challenge also the phase, the shift and the norm of theirs over
ours. The challenge: ideal PRESS 30 ms, first echo 11 ms, at the frequency of its own line at 0 ppm (123.2617 MHz; 123.2 is
stored), that line removed. LCModel's test set: ideal PRESS 30 ms, first echo 10 ms. Both hold a Lorentzian width, which ours get first.

Second table: what has to move for ours to become theirs, from a least-squares fit of all shifts and couplings to the challenge's FID.
The fit says which numbers they used, not which are right. About ten seconds in all.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import standard_name
from mrs_pipeline.basis.sequences import sequence_events
from mrs_pipeline.basis.simulation import simulate_fid
from mrs_pipeline.basis.spin_systems import SpinGroup, SpinSystem, spin_system, spin_system_variants
from mrs_pipeline.io.lcmodel import read_basis

ADDED_HZ = 4.0
CHALLENGE_MHZ, CHALLENGE_REFERENCE = 123.2617, 0.1
#: Pull of the fit towards where it starts, per 0.002 ppm or 0.2 Hz and in shares of the norm: decides where the FID does not.
HOLD, FIRMER_HOLD = 1e-4, {"PCh": 1e-3, "PE": 1e-3}
#: Sets whose fit ends in the challenge's numbers, and the ppm range left out of it (its GSH has a glycine residue of 7 Hz).
FITTED: dict[str, tuple[str | None, tuple[float, float] | None]] = {
    **dict.fromkeys(("Ala", "Asc", "Asp", "Cr", "Gln", "Glu", "Ins", "Lac", "PCr", "PE", "Tau"), (None, None)),
    "NAA": ("no_amide", None),
    "PCh": ("marjanska2022", None),
    "GSH": ("tkac2008", (3.60, 3.95)),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Target:
    """FIDs of another program, how they were made, and the Lorentzian width they hold (by metabolite where it differs)."""

    fids: dict[str, ComplexArray]
    acquisition: Acquisition
    echo_time_1_s: float
    highest_ppm: float
    widths_hz: dict[str, float]

    def ours(self, system: SpinSystem) -> ComplexArray:
        """Our FID of the same experiment with the same width."""
        timing = {"echo_time_s": 0.03, "echo_time_1_s": self.echo_time_1_s}
        fid = simulate_fid(system, events=sequence_events("press", timing=timing), acquisition=self.acquisition)
        return fid * np.exp(-np.pi * self.widths_hz.get(system.name, 2.0) * self.acquisition.time_s)

    def windowed(self, fid: ComplexArray) -> ComplexArray:
        """Its broadened spectrum within the window."""
        axis = self.acquisition
        spectrum = spectrum_from_fid(fid * np.exp(-np.pi * ADDED_HZ * axis.time_s))
        return spectrum[(axis.ppm > 0.3) & (axis.ppm < self.highest_ppm)]


def challenge(folder: Path) -> Target:
    """The basis of the fitting challenge without its line at 0 ppm."""
    with np.load(folder / "fitting_challenge" / "basis.npz") as content:
        arrays = dict(content)
    acquisition = sampled(frequency_mhz=CHALLENGE_MHZ, dwell_time_s=float(arrays["dt_s"]), n_points=arrays["NAA"].size)
    zero = CHALLENGE_REFERENCE * np.exp((2j * np.pi * 4.65 * CHALLENGE_MHZ - np.pi * 2.0) * acquisition.time_s)
    fids = {standard_name(name): fid - zero for name, fid in arrays.items() if fid.ndim == 1}
    return Target(fids=fids, acquisition=acquisition, echo_time_1_s=0.011, highest_ppm=4.4, widths_hz={})


def lcmodel(folder: Path) -> Target:
    """LCModel's test basis set."""
    basis = read_basis(folder / "lcmodel_test" / "3t.basis")
    widths_hz = dict.fromkeys(("NAA", "NAAG", "Ins"), 0.5)
    fids: dict[str, ComplexArray] = {name: basis.fids[row] for row, name in enumerate(basis.metabolites)}
    return Target(fids=fids, acquisition=basis.acquisition, echo_time_1_s=0.010, highest_ppm=4.1, widths_hz=widths_hz)


def sampled(*, frequency_mhz: float, dwell_time_s: float, n_points: int) -> Acquisition:
    """An acquisition at TE 30 ms."""
    return Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=frequency_mhz,
        spectral_width_hz=1 / dwell_time_s,
        n_points=n_points,
        echo_time_s=0.03,
        repetition_time_s=None,
    )


def agreement(system: SpinSystem, target: Target) -> tuple[complex, float, float]:
    """Correlation (its angle is the phase), shift (Hz) and norm of theirs over ours."""
    ours, theirs = target.ours(system), target.windowed(target.fids[system.name])
    shifts_hz = np.linspace(-1.5, 1.5, 61)
    trials = [target.windowed(ours * np.exp(2j * np.pi * shift * target.acquisition.time_s)) for shift in shifts_hz]
    norms = np.array([np.linalg.norm(trial) for trial in trials])
    correlation = np.array([np.vdot(trial, theirs) for trial in trials]) / norms / np.linalg.norm(theirs)
    best = int(np.argmax(np.abs(correlation)))
    return complex(correlation[best]), float(shifts_hz[best]), float(np.linalg.norm(theirs) / norms[best])


def numbers(group: SpinGroup) -> Iterator[tuple[str, float, float]]:
    """Name, value and natural step of every shift (once where shared) and coupling of a group."""
    shifts = {spin.shift_ppm: spin.name for spin in reversed(group.spins) if spin.detected}
    yield from ((name, value, 2e-3) for value, name in shifts.items())
    names = [spin.name for spin in group.spins]
    yield from ((f"{names[row.first]} {names[row.second]}", row.coupling_hz, 0.2) for row in group.couplings)
    for other in group.other_nuclei:
        yield from ((f"{other.nucleus} {name}", value, 0.2) for name, value in zip(names, other.couplings_hz, strict=True) if value)


def moved(group: SpinGroup, values: FloatArray) -> SpinGroup:
    """The group with other numbers, in the order of `numbers`."""
    left = iter(values)
    shifts = {old: float(next(left)) for old in {spin.shift_ppm: spin.name for spin in reversed(group.spins) if spin.detected}}
    return replace(
        group,
        spins=tuple(replace(spin, shift_ppm=shifts.get(spin.shift_ppm, spin.shift_ppm)) for spin in group.spins),
        couplings=tuple(replace(row, coupling_hz=float(next(left))) for row in group.couplings),
        other_nuclei=tuple(
            replace(other, couplings_hz=tuple(float(next(left)) if value else 0.0 for value in other.couplings_hz))
            for other in group.other_nuclei
        ),
    )


def all_numbers(system: SpinSystem) -> list[tuple[str, float, float]]:
    """`numbers` of all groups, named with the group."""
    return [(f"{group.label.split()[-1]} {name}", value, step) for group in system.groups for name, value, step in numbers(group)]


def fitted(system: SpinSystem, target: Target, *, without_ppm: tuple[float, float] | None) -> tuple[dict[str, float], float]:
    """Fitted numbers, and the residual as a share of their norm; what the FID does not determine stays where it was."""
    rows = all_numbers(system)
    start, steps = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    ends = np.cumsum([len(list(numbers(group))) for group in system.groups])[:-1]
    axis, hold = target.acquisition, FIRMER_HOLD.get(system.name, HOLD)
    inside = (axis.ppm > 0.3) & (axis.ppm < target.highest_ppm)
    inside &= True if without_ppm is None else (axis.ppm < without_ppm[0]) | (axis.ppm > without_ppm[1])
    theirs = spectrum_from_fid(target.fids[system.name])[inside]

    def residual(offsets: FloatArray) -> FloatArray:
        parts = np.split(start + offsets * steps, ends)
        ours = replace(system, groups=tuple(moved(group, part) for group, part in zip(system.groups, parts, strict=True)))
        difference = (spectrum_from_fid(target.ours(ours))[inside] - theirs) / np.linalg.norm(theirs)
        return np.concatenate([difference.real, difference.imag, hold * offsets])

    result = least_squares(residual, np.zeros(len(rows)))
    values = start + result.x * steps
    share = float(np.linalg.norm(result.fun[: -len(rows)]))
    return {row[0]: float(value) for row, value in zip(rows, values, strict=True)}, share


def print_agreement(first: Target, second: Target) -> None:
    """The first table."""
    print(f"{'metabolite':10} {'numbers':16} {'challenge':>9} {'phase':>7} {'shift':>8} {'norm':>6} {'LCModel':>8}")
    for name, variants in spin_system_variants().items():
        for variant in variants if name in {*first.fids, *second.fids} else ():
            system, line = spin_system(name, variant=variant), f"{name:10} {variant:16}"
            correlation, shift_hz, scale = agreement(system, first) if name in first.fids else (np.nan, np.nan, np.nan)
            line += f" {abs(correlation):9.5f} {np.degrees(np.angle(correlation)):5.1f} d {shift_hz:5.2f} Hz {scale:6.3f}"
            print(line + (f" {abs(agreement(system, second)[0]):8.5f}" if name in second.fids else ""))


def print_fits(target: Target) -> None:
    """The second table: numbers that are not those of the default by more than 0.0005 ppm or 0.02 Hz."""
    for name, (variant, without_ppm) in FITTED.items():
        system = spin_system(name, variant=variant)
        published = {number: value for number, value, _ in all_numbers(spin_system(name))}
        values, share = fitted(system, target, without_ppm=without_ppm)
        print(f"\n{name}, fit from {system.variant}: residual {share:.5f} of the norm")
        for number, value in values.items():
            before = published.get(number, value)
            if abs(value - before) > (0.02 if number.count(" ") > 1 else 0.0005):
                print(f"  {number:24} {before:9.4f} -> {value:9.4f}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("MRS_EXTERNAL_DATA", "../shared/data"), help="folder of external data")
    folder = Path(parser.parse_args().data)
    first = challenge(folder)
    print_agreement(first, lcmodel(folder))
    print_fits(first)


if __name__ == "__main__":
    main()

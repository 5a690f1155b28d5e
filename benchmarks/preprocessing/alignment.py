"""Alignment against the Cramer-Rao floor: error of frequency and phase over signal-to-noise ratio, linewidth and what disturbs.

    python benchmarks/preprocessing/alignment.py --seeds 4

`hz_worst`, `deg_worst`: root mean square error over transients and sessions, after the common offset of a session is removed, over the
floor of one transient (0.2 to 4.2 ppm; amplitude, phase, frequency and width of water and lipid free where they are simulated), at the
worst linewidth. Bias: difference between the halves of a session, and error that goes with the true drift times its range, mean +- standard
error over sessions. `jitter_ratio`: largest over smallest error among the eighths of a session about their means; `width_hz`: difference
that makes to the width of an averaged line.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from signals import REPETITION_TIME_S, Brain, floor

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.preprocessing.steps import preprocess

N = 256
Drift = Callable[[FloatArray], FloatArray]

#: Name -> (course of frequency in Hz over minutes, height of residual water and of lipid in units of NAA).
SCENARIOS: dict[str, tuple[Drift, float, float]] = {
    "slow drift": (lambda t: 0.3 * t + 3.0 * np.exp(-t / 3.0), 0.0, 0.0),
    "4 Hz/min": (lambda t: 4.0 * t, 0.0, 0.0),
    "steps of 5 Hz": (lambda t: 0.3 * t + 5.0 * (t > 2.5) - 5.0 * (t > 6.1), 0.0, 0.0),
    "water 5 x NAA": (lambda t: 0.3 * t, 5.0, 0.0),
    "lipid 1 x NAA": (lambda t: 0.3 * t, 0.0, 1.0),
    "all": (lambda t: 2.0 * t + 5.0 * (t > 2.5), 5.0, 1.0),
    "breathing 0.5 Hz": (lambda t: 0.3 * t + 0.5 * np.sin(2 * np.pi * 15.3 * t), 0.0, 0.0),
}

METHODS: dict[str, Mapping[str, Any]] = {
    "without prior": {"smoothness": "none"},
    "with prior": {"smoothness": "random_walk"},
    "spectral registration": {"method": "spectral_registration"},
    "robust spectral registration": {"method": "robust_spectral_registration"},
}


def simulated(scenario: str, *, brain: Brain, snr: float, seed: int) -> tuple[ComplexArray, FloatArray, FloatArray]:
    """Transients and their true shifts (Hz) and phases (rad)."""
    rng = np.random.default_rng(seed)
    drift, water, lipid = SCENARIOS[scenario]
    shift = drift(np.arange(N) * REPETITION_TIME_S / 60)
    phase = np.radians(8.0) * rng.standard_normal(N) + np.radians(1.0) * np.cumsum(rng.standard_normal(N))
    ideal = np.tile(brain.metabolites(), (N, 1))
    if water:
        ideal = ideal + brain.water(rng, N, height=water)
    if lipid:
        ideal = ideal + brain.lipid(rng, N, height=lipid)
    return brain.turned(ideal, shift_hz=shift, phase_rad=phase) + brain.noise(rng, (N, brain.sampling.n_points), snr=snr), shift, phase


def errors(data: ComplexArray, shift: FloatArray, phase: FloatArray, *, brain: Brain, options: Mapping[str, Any]) -> FloatArray:
    """Estimate less truth, Hz and rad, means removed, shape (2, n_transients)."""
    table = preprocess(brain.session(data), steps=[{"step": "alignment", **options}]).transients
    in_shift = table["frequency_shift_hz"].to_numpy() - shift
    turn = np.exp(1j * (table["phase_rad"].to_numpy() - phase))
    return np.stack([in_shift - in_shift.mean(), np.angle(turn / turn.mean())])


def cell(scenario: str, *, snr: float, fwhm_hz: float, method: str, seeds: range) -> dict[str, object]:
    """One cell of the table; errors of all its sessions are pooled."""
    brain = Brain(fwhm_hz=fwhm_hz)
    _, water, lipid = SCENARIOS[scenario]
    nuisances = [brain.line(4.62, width_hz=10.0, height=water) * np.exp(0.7j)] * bool(water) + [lipid * brain.lipid_line()] * bool(lipid)
    least = floor(brain, snr=snr, nuisances=tuple(nuisances))
    found, slopes = [], []
    for seed in seeds:
        data, shift, phase = simulated(scenario, brain=brain, snr=snr, seed=seed)
        found.append(errors(data, shift, phase, brain=brain, options=METHODS[method]))
        drift = shift - shift.mean()
        slopes.append(found[-1][0] @ drift / (drift @ drift) * np.ptp(drift))
    error = np.stack(found)  # (seeds, 2, transients)
    rms = np.sqrt(np.mean(error**2, axis=(0, 2)))
    parts = error.reshape(len(seeds), 2, 8, -1)
    jitter = np.sqrt(np.mean((parts - parts.mean(axis=-1, keepdims=True)) ** 2, axis=(0, 3)))
    half = parts[:, :, 4:].mean(axis=(2, 3)) - parts[:, :, :4].mean(axis=(2, 3))
    return {
        "scenario": scenario, "method": method, "snr": snr, "fwhm_hz": fwhm_hz,
        "floor_hz": least[0], "floor_deg": np.degrees(least[1]), "hz": rms[0] / least[0], "deg": rms[1] / least[1],
        "halves_hz": half[:, 0], "halves_deg": np.degrees(half[:, 1]), "drift_hz": np.array(slopes),
        "jitter_ratio": jitter[0].max() / jitter[0].min(),
        "width_hz": broadened(fwhm_hz, jitter[0].max()) - broadened(fwhm_hz, jitter[0].min()),
    }  # fmt: skip


def broadened(fwhm_hz: float, jitter_hz: float) -> float:
    """Width of a line, half of it Lorentzian, after averaging with jitter (Olivero & Longbothum 1977, doi 10.1016/0022-4073(77)90161-3)."""
    lorentz = 0.5 * fwhm_hz
    gauss_squared = (fwhm_hz - 0.5346 * lorentz) ** 2 - 0.2166 * lorentz**2 + 8 * np.log(2) * jitter_hz**2
    return float(0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss_squared))


def cells(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    """All cells, each with seeds of its own."""
    for number, (scenario, snr, fwhm_hz) in enumerate(product(args.scenarios, args.snr, args.fwhm)):
        seeds = range(number * args.seeds, (number + 1) * args.seeds)
        for method in args.methods:
            yield cell(scenario, snr=snr, fwhm_hz=fwhm_hz, method=method, seeds=seeds)


def with_error(values: pd.Series) -> str:
    """Mean over sessions and its standard error."""
    each = np.concatenate(list(values))
    return f"{each.mean():+.3f} +- {each.std(ddof=1) / np.sqrt(each.size):.3f}"


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """The worst linewidth of each scenario, method and signal-to-noise ratio; bias over all linewidths."""
    return table.groupby(["method", "scenario", "snr"], sort=False).agg(
        hz_worst=("hz", "max"), deg_worst=("deg", "max"), halves_hz=("halves_hz", with_error), halves_deg=("halves_deg", with_error),
        drift_hz=("drift_hz", with_error), jitter_ratio=("jitter_ratio", "max"), width_hz=("width_hz", "max"),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--snr", type=float, nargs="+", default=[3.0, 5.0, 10.0, 20.0])
    parser.add_argument("--fwhm", type=float, nargs="+", default=[4.0, 6.0, 8.0, 10.0])
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--methods", nargs="+", default=["without prior", "with prior"], choices=list(METHODS))
    table = pd.DataFrame(list(cells(parser.parse_args())))
    with pd.option_context("display.width", 200, "display.max_rows", None, "display.max_columns", None, "display.precision", 3):
        print(summary(table))


if __name__ == "__main__":
    main()

"""Rejection: spoiled transients found, good ones lost, and whether what is kept is unbiased when motion differs between windows.

    python benchmarks/preprocessing/rejection.py --seeds 8

Spoiled transients: motion (amplitude 0.5 to 0.9, any phase, 2 to 6 Hz broader, lipid up to tCr, in bursts) or one thing alone at a
size drawn from 3 to 15 in noise units. `departure` is the largest of the changes of amplitude, width, lipid, frequency and phase in
units of the standard error (Cramer-Rao) one transient of this signal-to-noise ratio allows for it; for frequency and phase, where this
is larger, of their ordinary scatter. A transient counts as detectable from 5 on.
"""

import argparse
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from signals import REPETITION_TIME_S, Brain

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.preprocessing.steps import preprocess

N = 300
KINDS = ("motion", "amplitude", "width", "lipid", "frequency", "phase")
_PHASE_SD = np.radians(8.0)
_TCR = 8.8 / 9.3  # in units of NAA


def standard_errors(brain: Brain, *, snr: float) -> Mapping[str, float]:
    """Standard errors of amplitude, width (Hz), lipid (units of NAA), frequency (Hz) and phase (rad), all of them free."""
    signal, time, lipid = brain.metabolites(), brain.time_s, brain.lipid_line()
    inside = (brain.sampling.ppm > 0.2) & (brain.sampling.ppm < 4.2)
    columns = (signal, -np.pi * time * signal, lipid, 2j * np.pi * time * signal, 1j * signal, 1j * lipid)
    jacobian = np.stack([np.fft.fftshift(np.fft.fft(column))[inside] for column in columns], axis=1)
    information = np.real(jacobian.conj().T @ jacobian) / (brain.noise_sd(snr) ** 2 * brain.sampling.n_points)
    return dict(zip(("amplitude", "width", "lipid", "frequency", "phase"), np.sqrt(np.diag(np.linalg.inv(information))), strict=False))


def spoiled_rows(rng: np.random.Generator, share: FloatArray) -> FloatArray:
    """Which transients are spoiled, in bursts of 1 to 4, expected ``share`` of each."""
    bad = np.zeros(N, dtype=bool)
    for start in np.flatnonzero(rng.random(N) < share / 2.5):
        bad[start : start + rng.integers(1, 5)] = True
    return bad


def simulated(
    kind: str, *, brain: Brain, snr: float, rng: np.random.Generator, share: FloatArray
) -> tuple[ComplexArray, FloatArray, FloatArray]:
    """Transients, which of them are spoiled, and their departure."""
    se = standard_errors(brain, snr=snr)
    bad = spoiled_rows(rng, share)
    zero = np.zeros(N)
    change = {name: zero.copy() for name in se}
    if kind == "motion":
        change["amplitude"][bad] = -rng.uniform(0.1, 0.5, bad.sum())
        change["width"][bad] = rng.uniform(2.0, 6.0, bad.sum())
        change["lipid"][bad] = _TCR * rng.uniform(0.0, 1.0, bad.sum())
        change["phase"][bad] = rng.uniform(-np.pi, np.pi, bad.sum())
    else:
        unit = max(se[kind], {"frequency": 0.35, "phase": _PHASE_SD}.get(kind, 0.0))
        sign = rng.choice([-1.0, 1.0], N) if kind in ("frequency", "phase") else {"amplitude": -1.0}.get(kind, 1.0)
        change[kind][bad] = (np.minimum(unit * rng.uniform(3.0, 15.0, N), 0.98 if kind == "amplitude" else np.inf) * sign)[bad]
    scatter = {"frequency": 0.35, "phase": _PHASE_SD}
    departure = np.max([np.abs(change[name]) / max(se[name], scatter.get(name, 0.0)) for name in se], axis=0)
    shift = 0.3 * np.arange(N) * REPETITION_TIME_S / 60 + 0.35 * rng.standard_normal(N) + change["frequency"]
    phase = _PHASE_SD * rng.standard_normal(N) + change["phase"]
    ideal = (1 + change["amplitude"])[:, None] * brain.metabolites() * np.exp(-np.pi * change["width"][:, None] * brain.time_s)
    ideal = ideal + change["lipid"][:, None] * brain.lipid_line() + brain.water(rng, N, height=1.0)
    data = brain.turned(ideal, shift_hz=shift, phase_rad=phase) + brain.noise(rng, (N, brain.sampling.n_points), snr=snr)
    return data, bad, departure


STEPS = ({"step": "alignment"}, {"step": "rejection"})


def detection(n_seeds: int) -> Iterator[dict[str, object]]:
    for kind in KINDS:
        for snr in (3.0, 5.0, 10.0, 20.0):
            brain, seen, found, lost, good, weak = Brain(fwhm_hz=7.0), 0, 0, 0, 0, [0, 0]
            for seed in range(n_seeds):
                data, bad, departure = simulated(kind, brain=brain, snr=snr, rng=np.random.default_rng(seed), share=np.full(N, 0.08))
                rejected = preprocess(brain.session(data), steps=STEPS).transients["rejected"].to_numpy()
                plain = bad & (departure >= 5)
                seen, found = seen + plain.sum(), found + (rejected & plain).sum()
                good, lost = good + (~bad).sum(), lost + (rejected & ~bad).sum()
                small = bad & ~plain
                weak = [weak[0] + small.sum(), weak[1] + (rejected & small).sum()]
            yield {
                "kind": kind, "snr": snr, "detectable": seen, "found_%": 100 * found / max(seen, 1),
                "good": good, "lost_%": 100 * lost / good, "smaller": weak[0], "smaller_found_%": 100 * weak[1] / max(weak[0], 1),
            }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    print(pd.DataFrame(list(detection(parser.parse_args().seeds))).to_string(index=False, float_format="%.2f"))


if __name__ == "__main__":
    main()

"""Coil combination against the best that is possible with the true sensitivities and the true noise covariance.

    python benchmarks/preprocessing/coils.py --seeds 10

`efficiency` is the signal-to-noise ratio of the combination over that optimum (16 and 32 coils, log-normal sensitivities, noise
correlated between neighbours), mean and worst over seeds. Single-transient SNR is that of the optimum.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from signals import Brain

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.steps import preprocess

N = 240

CASES = ("clean", "dead coil", "noisy coil", "dead and noisy coil", "drift and 5 x water", "lipid in other coils")


def array(rng: np.random.Generator, n_coils: int, correlation: float) -> tuple[ComplexArray, ComplexArray]:
    """Sensitivities (one SD of their logarithm is a factor of sqrt 3) and noise covariance of unit mean variance of the real part."""
    sensitivity = np.exp(0.5 * np.log(3.0) * rng.standard_normal(n_coils) + 2j * np.pi * rng.random(n_coils))
    distance = np.abs(np.subtract.outer(np.arange(n_coils), np.arange(n_coils)))
    turn = np.exp(0.7j * np.subtract.outer(np.arange(n_coils), np.arange(n_coils)))
    level = np.exp(0.3 * rng.standard_normal(n_coils))
    return sensitivity, np.outer(level, level) * correlation**distance * turn


def optimum(sensitivity: ComplexArray, covariance: ComplexArray) -> float:
    return float(np.sqrt(np.vdot(sensitivity, np.linalg.solve(covariance, sensitivity)).real))


def simulated(case: str, *, n_coils: int, correlation: float, snr: float, seed: int) -> tuple[Session, ComplexArray, ComplexArray]:
    """A session of raw coils with water reference, the true sensitivities and the true covariance."""
    rng = np.random.default_rng(seed)
    brain = Brain()
    sensitivity, covariance = array(rng, n_coils, correlation)
    if "noisy" in case:
        covariance[3] *= 8.0
        covariance[:, 3] *= 8.0
    sensitivity = sensitivity * snr / (brain.naa_height() / np.sqrt(brain.sampling.n_points)) / optimum(sensitivity, covariance)
    if "dead" in case:
        sensitivity[5] = 0.0
    hard = case == "drift and 5 x water"
    shift = np.linspace(-8.0, 8.0, N) if hard else np.zeros(N)
    ideal = np.tile(brain.metabolites(), (N, 1)) + brain.water(rng, N, height=5.0 if hard else 1.0)
    ideal = brain.turned(ideal, shift_hz=shift, phase_rad=np.radians(8.0) * rng.standard_normal(N))
    lipid = np.zeros_like(sensitivity)
    if case == "lipid in other coils":
        lipid = np.abs(sensitivity).mean() * (rng.standard_normal(n_coils) + 1j * rng.standard_normal(n_coils))
    factor = np.linalg.cholesky(covariance)
    raw = np.empty((n_coils, N, brain.sampling.n_points), dtype=np.complex64)
    shape = (n_coils, brain.sampling.n_points)
    for k in range(N):
        noise = factor @ (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
        raw[:, k] = np.outer(sensitivity, ideal[k]) + np.outer(lipid, brain.lipid_line()) + noise
    water = np.stack([np.outer(sensitivity, brain.line(4.65, width_hz=8.0, height=2000.0)) for _ in range(4)], axis=1)
    water = water + np.einsum("ij,jkt->ikt", factor, rng.standard_normal(water.shape) + 1j * rng.standard_normal(water.shape))
    if "dead" in case:
        raw[5], water[5] = 0.0, 0.0
    return brain.session(raw, reference=water), sensitivity, covariance


def efficiency(weights: ComplexArray, *, sensitivity: ComplexArray, covariance: ComplexArray) -> float:
    """Signal-to-noise ratio over the best possible one; a coil that holds nothing counts for neither."""
    live = sensitivity != 0
    noise = np.sqrt(np.vdot(weights[live], covariance[np.ix_(live, live)] @ weights[live]).real)
    return float(np.abs(np.vdot(weights, sensitivity)) / noise / optimum(sensitivity[live], covariance[np.ix_(live, live)]))


def rows(n_seeds: int) -> Iterator[dict[str, object]]:
    for n_coils in (16, 32):
        for case in CASES:
            for snr in (3.0, 10.0):
                for source in ("reference", "data"):
                    yield _row(case, n_coils=n_coils, snr=snr, source=source, n_seeds=n_seeds)


def _row(case: str, *, n_coils: int, snr: float, source: str, n_seeds: int) -> dict[str, object]:
    found: list[float] = []
    flags = []
    for seed in range(n_seeds):
        session, sensitivity, covariance = simulated(case, n_coils=n_coils, correlation=0.3, snr=snr, seed=seed)
        values = preprocess(session, steps=[{"step": "coil_combination", "sensitivities": source}]).records[0].values
        found.append(efficiency(np.asarray(values["weights"]), sensitivity=sensitivity, covariance=covariance))
        flags.append((values["dead_coils"], values["noisy_coils"]))
    each: FloatArray = np.array(found)
    said = "; ".join(sorted({f"dead {dead}, noisy {noisy}" for dead, noisy in flags}))
    return {"coils": n_coils, "case": case, "snr": snr, "from": source, "mean": each.mean(), "worst": each.min(), "reported": said}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    print(pd.DataFrame(list(rows(parser.parse_args().seeds))).to_string(index=False, float_format="%.4f"))


if __name__ == "__main__":
    main()

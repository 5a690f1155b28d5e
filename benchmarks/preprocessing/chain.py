"""The whole chain: Glx/tNAA of the averages, phase and reference left, against the same noise without faults.

    python benchmarks/preprocessing/chain.py --seeds 20

Eight coils, drift, respiration, phase jitter, eddy currents, spoiled transients, residual water that changes. Noise turns with the
transient, so that a perfect correction gives back the transients without faults exactly; these are combined with the same weights and
averaged over the same transients. `ratio_%`: mean difference of 100 ln(Glx/tNAA) of four windows, with its standard error;
`sd_%`: SD of the difference of one window; `noise_%`: standard error of one window from the fit. `hz`, `deg`: what the last step leaves
(mean and SD over seeds).
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy.optimize
from coils import array, optimum
from rejection import spoiled_rows
from signals import LEVELS, REPETITION_TIME_S, Brain, acquisition

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import measured_type_macromolecules, soft_ratio_priors
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.preprocessing.coil_combination import apply_weights
from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, preprocess
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, evaluate_measure, measure_definitions

N = 300
N_COILS = 8
FAULTS = ("drift", "steps", "eddy", "motion", "water", "all")


def simulated(fault: str, *, brain: Brain, snr: float, seed: int) -> tuple[Session, ComplexArray]:
    """A raw session, and the same coils and noise without any fault (n_coils, n_transients, n_points)."""
    rng = np.random.default_rng(seed)
    has = {name: fault in (name, "all") for name in FAULTS}
    sensitivity, covariance = array(rng, N_COILS, 0.2)
    sensitivity = sensitivity * snr / (brain.naa_height() / np.sqrt(brain.sampling.n_points)) / optimum(sensitivity, covariance)
    minutes = np.arange(N) * REPETITION_TIME_S / 60
    shift = rng.normal(0.0, 3.0) + 0.3 * minutes * has["drift"] + 0.35 * rng.standard_normal(N) * has["drift"]
    shift = shift + has["steps"] * 5.0 * (minutes > 4.0)
    phase = rng.uniform(-np.pi, np.pi) + np.radians(8.0) * rng.standard_normal(N)
    bad = spoiled_rows(rng, np.full(N, 0.08 * has["motion"]))
    width, size = np.where(bad, rng.uniform(2.0, 6.0, N), 0.0), np.where(bad, rng.uniform(0.5, 0.9, N), 1.0)
    phase = np.where(bad, rng.uniform(-np.pi, np.pi, N), phase)
    clean = np.tile(brain.metabolites(), (N, 1))
    ideal = size[:, None] * clean * np.exp(-np.pi * width[:, None] * brain.time_s)
    ideal = ideal + np.where(bad, rng.uniform(0, 1, N), 0.0)[:, None] * brain.lipid_line()
    ideal = ideal + brain.water(rng, N, height=5.0 if has["water"] else 0.2)
    eddy = np.exp(1j * has["eddy"] * (0.5 * np.exp(-brain.time_s / 0.015) - 0.4 * np.exp(-brain.time_s / 0.05)))
    error = eddy * np.exp(1j * phase[:, None] + 2j * np.pi * shift[:, None] * brain.time_s)
    shape = (N_COILS, N, brain.sampling.n_points)
    noise = rng.standard_normal(shape, dtype=np.float32) + 1j * rng.standard_normal(shape, dtype=np.float32)
    noise = np.tensordot(np.linalg.cholesky(covariance), noise, axes=1)
    raw = (sensitivity[:, None, None] * ideal + noise) * error
    water = np.stack([np.outer(sensitivity, brain.line(4.65, width_hz=8.0, height=2000.0) * error[0]) for _ in range(4)], axis=1)
    water = water + rng.standard_normal(water.shape) + 1j * rng.standard_normal(water.shape)
    return brain.session(raw, reference=water), sensitivity[:, None, None] * clean + noise


def fitter(brain: Brain) -> Fitter:
    """The fit with the true macromolecules: what is left is the fault of preprocessing."""
    metabolites = simulate_basis(
        sequence="press", metabolites=tuple(LEVELS), acquisition=brain.sampling, echo_time_1_s=0.012, mixing_time_s=None
    )
    profile = measured_type_macromolecules(acquisition=brain.sampling).fids.sum(axis=0)
    basis = BasisSet(
        metabolites=(*metabolites.metabolites, "MM"),
        fids=np.concatenate([metabolites.fids, profile[None]]),
        acquisition=brain.sampling,
        sequence=metabolites.sequence,
    )
    return prepare_fitter(basis, options=FitOptions(), ratio_priors=soft_ratio_priors())


def log_ratio(averages: ComplexArray, *, brain: Brain, fit: Fitter) -> tuple[np.ndarray, np.ndarray]:
    """100 ln(Glx/tNAA) of every average, and its standard error in percent."""
    definition = next(item for item in measure_definitions(DEFAULT_MEASURES) if item.name == "Glx/tNAA")
    fits = fit_spectra(Fids(data=averages, dims=("window", "time"), acquisition=brain.sampling), fitter=fit)
    found = [evaluate_measure(each, definition=definition) for each in fits]
    values = np.array([each.value for each in found])
    return 100 * np.log(values), 100 * np.array([each.sd for each in found]) / values


def windows(data: ComplexArray, kept: np.ndarray) -> ComplexArray:
    return np.stack([data[part][kept[part]].mean(axis=0) for part in np.array_split(np.arange(N), 4)])


def rest(fid: ComplexArray, brain: Brain) -> tuple[float, float]:
    """Shift (Hz) and phase (degrees) of an average against the true signal, by least squares in 0.5 to 4.1 ppm."""
    inside, truth = (brain.sampling.ppm > 0.5) & (brain.sampling.ppm < 4.1), brain.metabolites()

    def left(p: np.ndarray) -> np.ndarray:
        model = p[2] * truth * np.exp(1j * p[1] + 2j * np.pi * p[0] * brain.time_s)
        difference = np.fft.fftshift(np.fft.fft(fid - model))[inside]
        return np.concatenate([difference.real, difference.imag])

    start = float(np.abs(np.vdot(truth, fid)) / np.vdot(truth, truth).real)
    best = scipy.optimize.least_squares(left, [0.0, 0.0, start], x_scale=[1.0, 0.1, 0.1 * start]).x
    return float(best[0]), float(np.degrees(best[1]))


def row(fault: str, *, snr: float, n_seeds: int, fwhm_hz: float) -> dict[str, object]:
    brain = Brain(fwhm_hz=fwhm_hz, sampling=acquisition(1024))
    fit = fitter(brain)
    differences, noises, lefts, n_kept = [], [], [], 0
    for seed in range(n_seeds):
        session, clean = simulated(fault, brain=brain, snr=snr, seed=seed)
        done = preprocess(session, steps=DEFAULT_STEPS)
        ideal = apply_weights(clean, weights=np.asarray(done.records[0].values["weights"]))
        mine, noise = log_ratio(windows(done.fids.data, done.kept), brain=brain, fit=fit)
        best, _ = log_ratio(windows(ideal, done.kept), brain=brain, fit=fit)
        differences.append(mine - best)
        noises.append(noise)
        lefts.append(rest(done.fids.data[done.kept].mean(axis=0), brain))
        n_kept += int(done.kept.sum())
    each = np.array(differences)
    left = np.array(lefts)
    return {
        "fault": fault, "snr": snr, "fwhm_hz": fwhm_hz, "ratio_%": each.mean(), "se_%": each.mean(axis=1).std(ddof=1) / np.sqrt(n_seeds),
        "sd_%": each.std(), "noise_%": np.mean(noises), "kept_%": 100 * n_kept / N / n_seeds,
        "hz": left[:, 0].mean(), "hz_sd": left[:, 0].std(), "deg": left[:, 1].mean(), "deg_sd": left[:, 1].std(),
    }  # fmt: skip


def rows(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    for fault in args.faults:
        for snr in args.snr:
            yield row(fault, snr=snr, n_seeds=args.seeds, fwhm_hz=args.fwhm)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--snr", type=float, nargs="+", default=[5.0, 10.0, 20.0])
    parser.add_argument("--fwhm", type=float, default=7.0)
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    print(pd.DataFrame(list(rows(parser.parse_args()))).to_string(index=False, float_format="%.2f"))


if __name__ == "__main__":
    main()

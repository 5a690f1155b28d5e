"""Linewidth matching of windows: the false change of Glx/tNAA that narrower lines make, and what matching costs in precision.

    PYTHONPATH=. python benchmarks/linewidth_matching.py --n-sessions 40

Sessions of the arms of `benchmarks/fitting` (brain-like spectra; `misfit`: macromolecules and couplings that are not those of the fit) have
one baseline window and six whose lines are narrower. Each is fitted as the workflow fits it, then matched by its fitted widths, whose
standard error is their scatter in sessions without narrowing, and fitted again. With C the mean over the six of 100 ln(Glx/tNAA) less
that of the baseline: `false change` is C less that of the same session, same noise, without narrowing, with its Monte Carlo error;
`SD of change` is the standard deviation of C over sessions, without narrowing and with it. What matching adds to it is its price.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "fitting"))

from arms import Arm, arms
from brain_spectra import Source

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.timecourse.linewidths import SHRINKAGES, WindowWidths
from mrs_pipeline.timecourse.matching import MatchingOptions, match_linewidths

N_WINDOWS = 7
INFUSION = np.arange(N_WINDOWS) > 0


def session(source: Source, *, narrowing_hz: float, snr: float, seed: int) -> tuple[Fids, float, float]:
    """Windows of one visit, the SD of each sample of their noise, and the Gaussian width of their lines."""
    rng = np.random.default_rng([seed, 1])
    truth, height = source.truth(rng, fwhm_hz=6.5)
    sampling = source.acquisition
    sd = height / snr / np.sqrt(sampling.n_points)
    narrower = truth.signal + truth.lines * np.expm1(np.pi * narrowing_hz * sampling.time_s)
    noise = sd * rng.standard_normal((N_WINDOWS, sampling.n_points, 2)).view(complex)[..., 0]
    data = np.where(INFUSION[:, None], narrower, truth.signal) + noise
    return Fids(data=data, dims=("window", "time"), acquisition=sampling), float(sd), truth.gaussian_hz


def measured(fids: Fids, *, fitter: Fitter) -> tuple[FloatArray, FloatArray]:
    """100 ln(Glx/tNAA) and the fitted width of each window."""
    fits = fit_windows(fids, counts=np.full(N_WINDOWS, 50.0), fitter=fitter)
    names, amplitudes = fits[0].metabolites, np.array([fit.amplitudes for fit in fits])
    glx, tnaa = (amplitudes[:, [names.index(name) for name in part]].sum(axis=1) for part in (("Glu", "Gln"), ("NAA", "NAAG")))
    return 100.0 * np.log(glx / tnaa), np.array([fit.quality["fwhm_hz"] for fit in fits])


def changes_of(values: FloatArray) -> FloatArray:
    """Mean of the narrower windows less the baseline, shape (n_sessions,)."""
    return np.asarray(values[:, INFUSION].mean(axis=1) - values[:, 0])


def scatter_of(values: FloatArray) -> float:
    """Standard deviation between the narrower windows of a session, pooled."""
    return float(np.sqrt(np.mean(np.var(values[:, INFUSION], axis=1, ddof=1))))


def ratios_by_method(
    visits: list[tuple[Fids, float, float]], *, fitter: Fitter, width_sd: float | None
) -> tuple[dict[str, FloatArray], float]:
    """Ratios (n_sessions, n_windows) without matching and with each shrinkage, and the standard error of widths (found where not given)."""
    found = [measured(fids, fitter=fitter) for fids, _, _ in visits]
    widths = np.array([fwhm for _, fwhm in found])
    error = scatter_of(widths) if width_sd is None else width_sd
    print(f"  fitted widths: change {changes_of(widths).mean():+.3f} Hz, standard error {error:.3f} Hz", flush=True)
    ratios = {"not matched": np.array([ratio for ratio, _ in found])}
    for shrinkage in SHRINKAGES:
        rows = []
        for seed, ((fids, sd, gaussian_hz), fwhm) in enumerate(zip(visits, widths, strict=True)):
            given = WindowWidths(fwhm_hz=fwhm, sd_hz=np.full(N_WINDOWS, error), infusion=INFUSION, gaussian_hz=gaussian_hz)
            rng, noise_sd = np.random.default_rng([seed, 2]), np.full(N_WINDOWS, sd)
            matched = match_linewidths(fids, widths=given, noise_sd=noise_sd, rng=rng, options=MatchingOptions(shrinkage=shrinkage))
            rows.append(measured(matched.fids, fitter=fitter)[0])
        ratios[shrinkage] = np.array(rows)
    return ratios, error


def cell(arm: Arm, *, narrowing_hz: float, snr: float, n_sessions: int) -> None:
    fitter, width_sd, changes = arm.fitter(FitOptions()), None, {}
    for narrowing in (0.0, narrowing_hz):
        visits = [session(arm.source, narrowing_hz=narrowing, snr=snr, seed=seed) for seed in range(n_sessions)]
        ratios, width_sd = ratios_by_method(visits, fitter=fitter, width_sd=width_sd)
        changes[narrowing] = {method: changes_of(values) for method, values in ratios.items()}
    for method, narrow in changes[narrowing_hz].items():
        wide = changes[0.0][method]
        false = narrow - wide
        print(
            f"  {method:16s} false change {false.mean():+6.3f} +- {false.std(ddof=1) / np.sqrt(n_sessions):5.3f}   "
            f"SD of change {wide.std(ddof=1):5.3f} {narrow.std(ddof=1):5.3f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arms", nargs="+", default=["right", "misfit"])
    parser.add_argument("--snr", nargs="+", type=float, default=[40.0, 80.0])
    parser.add_argument("--narrowing-hz", type=float, default=0.2)
    parser.add_argument("--n-sessions", type=int, default=40)
    chosen = parser.parse_args()
    for name in chosen.arms:
        for snr in chosen.snr:
            print(f"{name}, signal-to-noise ratio {snr:g}, lines {chosen.narrowing_hz:g} Hz narrower", flush=True)
            cell(arms(name)[1], narrowing_hz=chosen.narrowing_hz, snr=snr, n_sessions=chosen.n_sessions)


if __name__ == "__main__":
    main()

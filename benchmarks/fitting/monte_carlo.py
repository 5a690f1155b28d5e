"""Many fits of spectra of known truth: bias, scatter against the Cramer-Rao bound, honesty of the printed errors, failures, time.

    python benchmarks/fitting/monte_carlo.py --arm right misfit --snr 20 40 80 160 --fwhm 4 6 8 10 --fits 2000

One cell is an arm (`arms`: what is true and what is fitted), a signal-to-noise ratio and a line width; every fit is of a new truth
(`brain_spectra`) at one of three samplings (123.2 and 127.7 MHz, 2048 points at 2 or 4 kHz). Columns, percent of the truth: bias with its
Monte Carlo error, standard deviation and root mean square error; this over the bound (`reference_model`: the arm's true signals, all free,
no priors, free causal spline baseline; `rmse/b1`: macromolecules and lipids of known ratios); own standard error over
standard deviation; coverage of the fit's own 95 % intervals with exact 95 % limits; fits that failed (a status other than `ok` or
a value that is not a number); median processor time of a fit, ms. `--out` writes all cells as a table; `--without` takes ingredients out.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from arms import ARMS, WIDTHS, Arm, arms
from brain_spectra import Draw
from measures import MEASURES, Summary, estimate, options_from, summary, true_value
from reference_model import amplitude_bound, ratio_bound

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.fit import Fitter, fit_spectrum
from mrs_pipeline.fitting.options import FitOptions

#: Name -> ranges of `Ingredients` that take it out.
WITHOUT = {
    "baseline": {"baseline": (0.0, 0.0)},
    "water": {"water": (0.0, 0.0)},
    "own": {"own_shift_ppm": (0.0, 0.0), "own_width_hz": (0.0, 0.0)},
    "phase1": {"delay_s": (0.0, 0.0)},
    "faults": {"delay_s": (0.0, 0.0), "shift_hz": (0.0, 0.0), "phase_rad": (0.0, 0.0)},
    "spread": {"spread": 0.0},
    "mix": {"lorentzian_share": (0.5, 0.5)},
    "narrow_baseline": {"baseline_width_ppm": (1.6, 2.0)},
}


def bounds(draw: Draw, measures: Sequence[str]) -> FloatArray:
    """Bounds as fractions of the truth, shape (n_measures, 2): broad components free, and of known ratios."""
    found = []
    for truth in (draw.truth, draw.truth.profile_known):
        covariance = amplitude_bound(truth, noise_sd=draw.noise_sd)
        found.append([ratio_bound(truth, covariance, above=MEASURES[name][0], below=MEASURES[name][1]) for name in measures])
    return np.array(found).T


def fitted(draw: Draw, fitter: Fitter, measures: Sequence[str]) -> tuple[FloatArray, float]:
    """Estimate (four numbers), truth and both bounds of each measure, shape (n_measures, 7), and the time of the fit in ms."""
    begin = time.process_time()
    fit = fit_spectrum(draw.fid, fitter=fitter)
    elapsed = 1e3 * (time.process_time() - begin)
    true = dict(zip(draw.truth.names, draw.truth.amplitudes, strict=True))
    rows = [(*estimate(fit, measure=name), true_value(true, measure=name)) for name in measures]
    return np.hstack([np.array(rows), bounds(draw, measures)]), elapsed


def cell(
    members: Sequence[Arm], *, options: FitOptions, snr: float, fwhm_hz: float, n_fits: int, measures: Sequence[str], seed: int
) -> Iterator[tuple[str, Summary, float, float]]:
    """Measure, summary, root mean square error over the second bound, and median time of a cell."""
    rng, fitters = np.random.default_rng([seed, int(snr), int(fwhm_hz)]), [member.fitter(options) for member in members]
    results, times = [], []
    for number in range(n_fits):
        which = number % len(members)
        result, elapsed = fitted(members[which].source.draw(rng, snr=snr, fwhm_hz=fwhm_hz), fitters[which], measures)
        results.append(result)
        times.append(elapsed)
    for name, rows in zip(measures, np.transpose(results, (1, 0, 2)), strict=True):
        free, known = (summary(rows[:, :4], rows[:, 4], rows[:, column]) for column in (5, 6))
        yield name, free, known.rmse_over_bound, float(np.median(times))


def simplified(member: Arm, without: Sequence[str]) -> Arm:
    """An arm with ingredients taken out."""
    changes = {key: value for name in without for key, value in WITHOUT[name].items()}
    return replace(member, source=replace(member.source, ingredients=replace(member.source.ingredients, **changes)))


HEADER = (
    f"{'arm':11}{'SNR':>4}{'Hz':>4} {'measure':10}{'bias %':>14}{'SD %':>7}{'RMSE %':>7}{'rmse/b':>7}{'rmse/b1':>8}{'own/SD':>7}"
    f"{'rms z':>6}{'coverage %':>22}{'failed':>8}{'ms':>7}"
)


def line(arm: str, snr: float, fwhm_hz: float, result: tuple[str, Summary, float, float]) -> str:
    name, found, known, median_ms = result
    return (
        f"{arm:11}{snr:4g}{fwhm_hz:4g} {name:10}{found.bias:7.2f} +-{found.bias_error:4.2f}{found.sd:7.2f}{found.rmse:7.2f}"
        f"{found.rmse_over_bound:7.2f}{known:8.2f}{found.own_sd_over_sd:7.2f}{found.rms_z:6.2f}{found.coverage:7.1f} "
        f"({found.coverage_low:5.1f} to {found.coverage_high:5.1f}){found.n_failed:4d}/{found.n:<4d}{median_ms:6.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", nargs="+", default=["right"], choices=ARMS)
    parser.add_argument("--snr", nargs="+", type=float, default=[20.0, 40.0, 80.0, 160.0])
    parser.add_argument("--fwhm", nargs="+", type=float, default=[4.0, 6.0, 8.0, 10.0], help="Hz; the hard arms have 12")
    parser.add_argument("--fits", type=int, default=2000)
    parser.add_argument("--measures", nargs="+", default=["Glx/tNAA"], choices=MEASURES)
    parser.add_argument("--options", nargs="*", default=[], metavar="KEY=VALUE", help="options of the fit that differ from the defaults")
    parser.add_argument("--without", nargs="*", default=[], choices=WITHOUT, help="ingredients taken out")
    parser.add_argument("--data", type=Path, help="folder of real and independent data, for the foreign arms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="tab-separated file of all cells")
    given = parser.parse_args()
    options, rows = options_from(given.options), []
    print(HEADER)
    for arm in given.arm:
        members = [simplified(member, given.without) for member in arms(arm, data=given.data)]
        for fwhm_hz in WIDTHS.get(arm, given.fwhm):
            for snr in given.snr:
                settings = {"snr": snr, "fwhm_hz": fwhm_hz, "n_fits": given.fits, "measures": given.measures, "seed": given.seed}
                for result in cell(members, options=options, **settings):
                    print(line(arm, snr, fwhm_hz, result), flush=True)
                    known = {"rmse_over_bound_of_known_ratios": result[2], "median_ms": result[3]}
                    rows.append({"arm": arm, "snr": snr, "fwhm_hz": fwhm_hz, "measure": result[0], **asdict(result[1]), **known})
    if given.out:
        pd.DataFrame(rows).to_csv(given.out, sep="\t", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()

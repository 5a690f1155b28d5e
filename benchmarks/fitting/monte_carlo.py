"""Many fits of spectra of known truth: bias, scatter against the Cramer-Rao bound, honesty of the printed errors, failures, time.

    python benchmarks/fitting/monte_carlo.py --arm right misfit --snr 20 40 80 160 --fwhm 4 6 8 10 --fits 2000

One cell is an arm (`arms`: what is true and what is fitted), a signal-to-noise ratio and a line width; every fit is of a new truth
(`brain_spectra`) at one of three samplings (123.2 and 127.7 MHz, 2048 points at 2 or 4 kHz). Columns, percent of the truth: bias with its
Monte Carlo error, standard deviation and root mean square error; this over the bound (`reference_model`: the arm's true signals, all
amplitudes free, no priors, free causal spline baseline), over that with the drawn shifts and widths of single components unknown
(`rmse/h`) and over that with macromolecules and lipids of known ratios (`rmse/b1`); own standard error over
standard deviation; coverage of the fit's own 95 % intervals with exact 95 % limits; fits that failed (a status other than `ok` or
a value that is not a number); median processor time of a fit, ms. `--out` writes all cells as a table; `--without` takes ingredients out.
`--pairs` fits each spectrum a second time with the negative of its noise: what noise does in proportion cancels in the mean of both, and
the bias is known better from as many fits (antithetic variates: Hammersley & Morton 1956).
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from arms import ARMS, WIDTHS, Arm, arms
from brain_spectra import Draw
from measures import MEASURES, Summary, estimate, options_from, summary, true_value
from reference_model import Spread, amplitude_bound, ratio_bound

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.fit import Fitter, fit_spectrum
from mrs_pipeline.fitting.options import FitOptions

#: Name -> ranges of `Ingredients` that take it out.
WITHOUT = {
    "baseline": {"baseline": (0.0, 0.0)},
    "half_baseline": {"baseline": (0.0, 0.1)},
    "water": {"water": (0.0, 0.0)},
    "own": {"own_shift_ppm": (0.0, 0.0), "own_width_hz": (0.0, 0.0)},
    "phase1": {"delay_s": (0.0, 0.0)},
    "faults": {"delay_s": (0.0, 0.0), "shift_hz": (0.0, 0.0), "phase_rad": (0.0, 0.0)},
    "spread": {"spread": 0.0},
    "mix": {"lorentzian_share": (0.5, 0.5)},
    "narrow_baseline": {"baseline_width_ppm": (1.6, 2.0)},
}


BOUNDS = ("rmse_over_bound", "rmse_over_bound_of_unknown_shifts", "rmse_over_bound_of_known_ratios")


def bounds(draw: Draw, spread: Spread, measures: Sequence[str]) -> FloatArray:
    """Bounds as fractions of the truth in the order of `BOUNDS`, shape (n_measures, 3)."""
    found = []
    for truth, unknown in ((draw.truth, None), (draw.truth, spread), (draw.truth.profile_known, None)):
        covariance = amplitude_bound(truth, noise_sd=draw.noise_sd, spread=unknown)
        found.append([ratio_bound(truth, covariance, above=MEASURES[name][0], below=MEASURES[name][1]) for name in measures])
    return np.array(found).T


def fitted(draw: Draw, fitter: Fitter, spread: Spread, measures: Sequence[str], *, pairs: bool) -> Iterator[tuple[FloatArray, float]]:
    """Of each fit: estimate (four numbers), truth and bounds of each measure, shape (n_measures, 8), and its time in ms."""
    true = dict(zip(draw.truth.names, draw.truth.amplitudes, strict=True))
    known = bounds(draw, spread, measures)
    for fid in (draw.fid, draw.mirrored) if pairs else (draw.fid,):
        begin = time.process_time()
        fit = fit_spectrum(fid, fitter=fitter)
        elapsed = 1e3 * (time.process_time() - begin)
        rows = [(*estimate(fit, measure=name), true_value(true, measure=name)) for name in measures]
        yield np.hstack([np.array(rows), known]), elapsed


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measure in one cell; `over_bounds` are root mean square errors over `BOUNDS`."""

    measure: str
    summary: Summary
    over_bounds: dict[str, float]
    median_ms: float

    @property
    def row(self) -> dict[str, object]:
        """Columns of the table of all cells."""
        return {"measure": self.measure, **asdict(self.summary), **self.over_bounds, "median_ms": self.median_ms}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What the spectra of a cell share, and how many fits there are; `pairs`: two of each spectrum."""

    snr: float
    fwhm_hz: float
    n_fits: int
    pairs: bool
    seed: int


def results(members: Sequence[Arm], *, cell: Cell, options: FitOptions, measures: Sequence[str]) -> Iterator[Result]:
    """Results of a cell, one a measure."""
    rng = np.random.default_rng([cell.seed, int(cell.snr), int(cell.fwhm_hz)])
    fitters, fits, times = [member.fitter(options) for member in members], [], []
    for number in range(cell.n_fits // (1 + cell.pairs)):
        which = number % len(members)
        source = members[which].source
        draw = source.draw(rng, snr=cell.snr, fwhm_hz=cell.fwhm_hz)
        for fit, elapsed in fitted(draw, fitters[which], source.spread, measures, pairs=cell.pairs):
            fits.append(fit)
            times.append(elapsed)
    for name, rows in zip(measures, np.transpose(fits, (1, 0, 2)), strict=True):
        found = [summary(rows[:, :4], rows[:, 4], bound, n_together=1 + cell.pairs) for bound in rows[:, 5:].T]
        over = dict(zip(BOUNDS, (item.rmse_over_bound for item in found), strict=True))
        yield Result(measure=name, summary=found[0], over_bounds=over, median_ms=float(np.median(times)))


def simplified(member: Arm, without: Sequence[str]) -> Arm:
    """An arm with ingredients taken out."""
    changes = {key: value for name in without for key, value in WITHOUT[name].items()}
    return replace(member, source=replace(member.source, ingredients=replace(member.source.ingredients, **changes)))


HEADER = (
    f"{'arm':13}{'SNR':>4}{'Hz':>4} {'measure':10}{'bias %':>14}{'SD %':>7}{'RMSE %':>7}{'rmse/b':>7}{'rmse/h':>7}{'rmse/b1':>8}"
    f"{'own/SD':>7}{'rms z':>6}{'coverage %':>22}{'failed':>8}{'ms':>7}"
)


def line(arm: str, snr: float, fwhm_hz: float, result: Result) -> str:
    found, (free, unknown, known) = result.summary, result.over_bounds.values()
    return (
        f"{arm:13}{snr:4g}{fwhm_hz:4g} {result.measure:10}{found.bias:7.2f} +-{found.bias_error:4.2f}{found.sd:7.2f}{found.rmse:7.2f}"
        f"{free:7.2f}{unknown:7.2f}{known:8.2f}{found.own_sd_over_sd:7.2f}{found.rms_z:6.2f}{found.coverage:7.1f} "
        f"({found.coverage_low:5.1f} to {found.coverage_high:5.1f}){found.n_failed:4d}/{found.n:<4d}{result.median_ms:6.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", nargs="+", default=["right"], choices=ARMS)
    parser.add_argument("--snr", nargs="+", type=float, default=[20.0, 40.0, 80.0, 160.0])
    parser.add_argument("--fwhm", nargs="+", type=float, default=[4.0, 6.0, 8.0, 10.0], help="Hz; the hard arms have 12")
    parser.add_argument("--fits", type=int, default=2000)
    parser.add_argument("--pairs", action="store_true", help="two fits of each spectrum, with noise of either sign")
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
                cell = Cell(snr=snr, fwhm_hz=fwhm_hz, n_fits=given.fits, pairs=given.pairs, seed=given.seed)
                for result in results(members, cell=cell, options=options, measures=given.measures):
                    print(line(arm, snr, fwhm_hz, result), flush=True)
                    rows.append({"arm": arm, "snr": snr, "fwhm_hz": fwhm_hz, **result.row})
    if given.out:
        pd.DataFrame(rows).to_csv(given.out, sep="\t", index=False, float_format="%.6g")


if __name__ == "__main__":
    main()

"""The 2016 fitting challenge: error, own standard error and bound of every set, and many realisations of the noise of each.

    python benchmarks/fitting/challenge.py --data ../shared/data/fitting_challenge --realisations 200

Every ``datasetNN.nii.gz`` of the folder is fitted with the challenge's metabolites (without ``Ace``) and macromolecules and the package's
default options (`--options` changes some). The first table has one row for each set and measure: estimate, truth, error, own standard
error and the Cramer-Rao bound (`reference_model`: no priors, metabolites and macromolecules as they are in the set, with a free causal
spline baseline and, `bound0`, with none), all in percent of the truth, and z, the error over the own standard error. Sets without truth
have an estimate only. The second table summarises: mean absolute error and the root mean square of z over the sets with truth.

`--realisations N` draws every set N times: its truth as a fit that knows it describes the set (`challenge_sets.oracle`; nothing of it
reaches the fit that is tested), plus white noise as strong as the set's. Bias, standard deviation, root mean square error, that over the
bound with and without baseline, mean own standard error over standard deviation, root mean square of z, coverage of the fit's own
95 % intervals, failed fits.

`--others` reads what other programs wrote for the same files (`other_programs`) into the first two tables.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
from challenge_sets import Challenge, Oracle, oracle, read_challenge
from measures import MEASURES, estimate, options_from, summary, true_value
from other_programs import OtherResult, read_other
from reference_model import KNOT_PPM, amplitude_bound, ratio_bound

from mrs_pipeline.basis.macromolecules import soft_ratio_priors
from mrs_pipeline.fitting.fit import Fitter, fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions

SHOWN = ("Glx/tNAA", "Glu/tNAA", "tNAA/tCr", "tCho/tNAA", "Ins/tNAA", "Glx/tCr")
OURS = "mrs_pipeline"


def fitter_of(challenge: Challenge, options: FitOptions) -> Fitter:
    """The product's own fit of the challenge's signals."""
    return prepare_fitter(challenge.basis, options=options, ratio_priors=soft_ratio_priors())


def percent_bound(found: Oracle, measure: str, *, knot_ppm: float | None) -> float:
    """Bound of a measure in a set, percent of the truth."""
    covariance = amplitude_bound(found.truth, noise_sd=found.noise_sd, knot_ppm=knot_ppm)
    above, below = MEASURES[measure]
    return 100 * ratio_bound(found.truth, covariance, above=above, below=below)


def set_rows(challenge: Challenge, number: int, *, fitter: Fitter, measures: Sequence[str]) -> Iterator[dict[str, object]]:
    """Rows of one set."""
    fid, begin = challenge.data(number), time.process_time()
    fit = fit_spectrum(fid, fitter=fitter)
    shared = {"program": OURS, "set": number, "status": fit.status, "ms": 1e3 * (time.process_time() - begin)}
    shared |= {"ed_per_ppm": fit.quality["baseline_ed_per_ppm"], "fqn": fit.quality["fqn"]}
    found = oracle(challenge, number) if number in challenge.truths else None
    for measure in measures:
        value, sd = estimate(fit, measure=measure)[:2]
        row = {**shared, "measure": measure, **errors(challenge, number, measure=measure, value=value, sd=sd)}
        if found is not None:
            row |= {"bound_%": percent_bound(found, measure, knot_ppm=KNOT_PPM), "bound0_%": percent_bound(found, measure, knot_ppm=None)}
        yield row


def errors(challenge: Challenge, number: int, *, measure: str, value: float, sd: float) -> dict[str, float]:
    """Estimate against truth in percent of the truth."""
    if number not in challenge.truths:
        return {"value": value, "truth": np.nan, "error_%": np.nan, "sd_%": 100 * sd / value, "z": np.nan}
    truth = true_value(challenge.truths[number], measure=measure)
    return {"value": value, "truth": truth, "error_%": 100 * (value / truth - 1), "sd_%": 100 * sd / truth, "z": (value - truth) / sd}


def other_rows(challenge: Challenge, result: OtherResult, *, measures: Sequence[str]) -> Iterator[dict[str, object]]:
    """Rows of another program's result."""
    for measure in measures:
        value, sd = result.estimate(measure)
        shared = {"program": result.program, "set": result.number, "status": "read", "measure": measure}
        yield {**shared, **errors(challenge, result.number, measure=measure, value=value, sd=sd)}


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute error and root mean square of z of every program and measure."""
    grouped = table.assign(square=table["z"] ** 2, absolute=table["error_%"].abs()).groupby(["program", "measure"], sort=False)
    means = {"mean_error": ("error_%", "mean"), "mean_absolute_error": ("absolute", "mean"), "square": ("square", "mean")}
    found = grouped.agg(sets=("error_%", "count"), **means)
    found["rms_z"] = np.sqrt(found.pop("square"))
    return found.reset_index()


def realisation_rows(
    challenge: Challenge, number: int, *, fitter: Fitter, n: int, measures: Sequence[str], seed: int = 1
) -> Iterator[dict[str, object]]:
    """Rows of many realisations of one set."""
    found, rng = oracle(challenge, number), np.random.default_rng([seed, number])
    fits = [fit_spectrum(found.draw(rng), fitter=fitter) for _ in range(n)]
    for measure in measures:
        estimates = np.array([estimate(fit, measure=measure) for fit in fits])
        truth = true_value(challenge.truths[number], measure=measure)
        bound, bound0 = (percent_bound(found, measure, knot_ppm=knot_ppm) for knot_ppm in (KNOT_PPM, None))
        result = asdict(summary(estimates, np.full(n, truth), np.full(n, bound / 100)))
        yield {"set": number, "measure": measure, "bound_%": bound, **result, "rmse_over_bound0": result["rmse"] / bound0}


def printed(table: pd.DataFrame) -> None:
    print(table.to_string(index=False, float_format="%.2f", na_rep="-"), end="\n\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the challenge")
    parser.add_argument("--realisations", type=int, default=0, help="draws of each set, by default none")
    parser.add_argument("--measures", nargs="+", default=SHOWN, choices=MEASURES)
    parser.add_argument("--options", nargs="*", default=[], metavar="KEY=VALUE", help="options of the fit that differ from the defaults")
    parser.add_argument("--others", nargs="*", default=[], type=Path, help="results of other programs")
    parser.add_argument("--sets", nargs="*", type=int, help="numbers of the sets, by default all")
    given = parser.parse_args()
    challenge = read_challenge(given.data)
    if given.sets:
        challenge = replace(challenge, files={number: challenge.files[number] for number in given.sets})
    fitter = fitter_of(challenge, options_from(given.options))
    rows = [row for number in challenge.files for row in set_rows(challenge, number, fitter=fitter, measures=given.measures)]
    rows += [row for path in given.others for row in other_rows(challenge, read_other(path), measures=given.measures)]
    table = pd.DataFrame(rows)
    printed(table)
    printed(overall(table))
    numbers = [number for number in challenge.files if number in challenge.truths]
    if given.realisations and numbers:
        settings = {"fitter": fitter, "n": given.realisations, "measures": given.measures}
        printed(pd.DataFrame([row for number in numbers for row in realisation_rows(challenge, number, **settings)]))


if __name__ == "__main__":
    main()

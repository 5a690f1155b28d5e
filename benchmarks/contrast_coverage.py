"""Coverage of the contrast's interval over whole studies: simulated window spectra, fit, measures, mixed model.

    python benchmarks/contrast_coverage.py --studies 200

Every study is drawn anew (people, visits, noise) from config/simulation/infusion.yaml, with fewer people and wider windows so that
200 studies take minutes. Macromolecules, shifts, couplings, pulses and widths of the simulated spectra differ from what is fitted; the true
basis is drawn once and is that of all studies. Columns: share of 95 %
intervals that hold the true difference (with its exact binomial limits), mean error and its Monte Carlo standard error, mean standard
error, SD of the estimates, degrees of freedom.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import soft_ratio_priors
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.commands.basis import with_macromolecules
from mrs_pipeline.commands.fit_tables import measure_table
from mrs_pipeline.commands.simulation_description import read_description
from mrs_pipeline.fitting.adequacy import UNKNOWN
from mrs_pipeline.fitting.fit import Fitter, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_windows
from mrs_pipeline.io.config import complete_section
from mrs_pipeline.quantification.intervals import DEFAULT_INTERVALS
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, measure_definitions
from mrs_pipeline.statistics.contrasts import contrast_table
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.plan import StudyPlan, study_plan
from mrs_pipeline.synthetic.true_basis import true_basis
from mrs_pipeline.synthetic.window_spectra import window_spectra

DESCRIPTION = Path(__file__).parents[1] / "config" / "simulation" / "infusion.yaml"
EDGES_S = ((-360.0, 0.0), (0.0, 600.0), (600.0, 1200.0), (1200.0, 1800.0))
MEASURE = "Glx/tNAA"
STATISTICS = {
    "conditions": ["placebo", "naltrexone"],
    "measures": [MEASURE],
    "analyses": ["session_aware", "paired_summary", "as_published"],
}
CONTRASTS = ("naltrexone - placebo: infusion change", "naltrexone - placebo: infusion mean")


def fitter_of(description: StudyDescription) -> Fitter:
    """The default fit: published shifts and couplings, ideal pulses and the built-in macromolecules."""
    simulated = simulate_basis(
        sequence=description.acquisition.sequence,
        metabolites=description.metabolites,
        acquisition=description.sampling,
        echo_time_1_s=description.acquisition.echo_time_1_s,
    )
    basis = with_macromolecules(simulated, names=complete_section("basis")["macromolecules"])
    return prepare_fitter(basis, options=FitOptions(), ratio_priors=soft_ratio_priors())


def study_measures(plan: StudyPlan, *, fitter: Fitter, basis: BasisSet) -> pd.DataFrame:
    """The measures table of one study with a true basis, windows fitted as those of a session."""
    definitions = [item for item in measure_definitions(DEFAULT_MEASURES) if item.name == MEASURE]
    tables = []
    for visit in plan.visits:
        who = visit.participant
        spectra = window_spectra(plan, participant=who.participant, session=visit.session, edges_s=EDGES_S, basis=basis)
        fits = fit_windows(spectra, counts=np.diff(np.array(EDGES_S), axis=1)[:, 0], fitter=fitter)
        unchecked = [UNKNOWN] * len(fits)
        table = pd.DataFrame(
            measure_table(fits, checks=unchecked, definitions=definitions, estimator="independent", intervals=DEFAULT_INTERVALS)
        )
        marks = {"participant": who.participant, "session": visit.session, "condition": visit.condition, "period": visit.period}
        starts, stops = zip(*EDGES_S, strict=True)
        windows = {"sequence": who.sequence, "window": table["spectrum"], "window_start_s": starts, "window_stop_s": stops}
        tables.append(table.assign(**marks, **windows))
    return pd.concat(tables, ignore_index=True)


def study_results(description: StudyDescription, *, n_studies: int, first_seed: int) -> Iterator[pd.DataFrame]:
    """Main contrasts of every analysis in each study, with the true value beside."""
    fitter, basis = fitter_of(description), true_basis(study_plan(description, seed=first_seed))
    for seed in range(first_seed, first_seed + n_studies):
        plan = study_plan(description, seed=seed)
        contrasts = contrast_table(study_measures(plan, fitter=fitter, basis=basis), statistics=STATISTICS)
        main = contrasts[contrasts["contrast"].isin(CONTRASTS)]
        truth = description.response.contrast_percent
        yield main.assign(seed=seed, truth=truth)


def summary(results: pd.DataFrame) -> pd.DataFrame:
    """One line per analysis."""
    rows = []
    for name, part in results.groupby("analysis", sort=False):
        covered = (part["ci_low"] <= part["truth"]) & (part["truth"] <= part["ci_high"])
        error = part["estimate"] - part["truth"]
        limits = scipy.stats.binomtest(int(covered.sum()), len(part)).proportion_ci(method="exact")
        rows.append(
            {
                "analysis": name,
                "studies": len(part),
                "coverage": covered.mean(),
                "coverage_low": limits.low,
                "coverage_high": limits.high,
                "mean_error": error.mean(),
                "mc_error": error.std(ddof=1) / np.sqrt(len(part)),
                "mean_se": part["se"].mean(),
                "sd_of_estimates": part["estimate"].std(ddof=1),
                "mean_df": part["df"].mean(),
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--participants", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    description = read_description(DESCRIPTION)
    description = replace(description, design=replace(description.design, n_participants=options.participants))
    start = time.process_time()
    results = pd.concat(study_results(description, n_studies=options.studies, first_seed=options.seed), ignore_index=True)
    print(summary(results).to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    print(f"{time.process_time() - start:.0f} s of processor time")


if __name__ == "__main__":
    main()

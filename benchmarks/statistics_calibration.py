"""False-positive rate, coverage and power of every analysis on simulated crossovers, as a table.

    python benchmarks/statistics_calibration.py --studies 1000

Each line is one setting; columns are the share of studies with p < 0.05 (type-I error where the effect is 0, else power), the share of
95 % intervals that hold the true effect, the mean degrees of freedom, the studies without a number and the time of one analysis.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np

from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.options import Options
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures

WINDOW_SD_PERCENT = 5.0
OPTIONS = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=tuple(ANALYSES))
BASE = CrossoverTruth(
    n_participants=26,
    n_baseline_windows=1,
    n_infusion_windows=6,
    participant_sd_percent=8.0,
    session_sd_percent=0.0,
    response_sd_percent=0.0,
    window_sd_percent=WINDOW_SD_PERCENT,
    participant_response_sd_percent=2.0,
    period_effect_percent=1.0,
    period_response_percent=1.0,
)


def settings() -> Iterator[CrossoverTruth]:
    """The grid: participants, windows, spread between sessions in units of the window SD, missing windows, effect."""
    for n, n_baseline, spread, missing in product((12, 26), (1, 2), (0.0, 0.67, 1.0), (0.0, 0.1)):
        sd = spread * WINDOW_SD_PERCENT
        yield replace(
            BASE,
            n_participants=n,
            n_baseline_windows=n_baseline,
            session_sd_percent=sd,
            response_sd_percent=sd,
            missing_fraction=missing,
        )
    yield replace(BASE, n_participants=6, missing_fraction=0.1)
    yield replace(BASE, n_baseline_windows=0, session_sd_percent=WINDOW_SD_PERCENT)
    yield replace(BASE, response_sd_percent=0.67 * WINDOW_SD_PERCENT, effect_percent=4.0, missing_fraction=0.1)


@dataclass
class Tally:
    """What one analysis did over the studies of one setting."""

    p: list[float] = field(default_factory=list)
    df: list[float] = field(default_factory=list)
    covered: list[bool] = field(default_factory=list)
    n_failed: int = 0
    seconds: float = 0.0

    def add(self, data: MeasureData, *, name: str, effect_percent: float) -> None:
        """Run one analysis on one study."""
        start = time.perf_counter()
        try:
            test = ANALYSES[name].function(data, confidence=0.95)[0].test
        except UnanswerableError:
            self.n_failed += 1
            return
        self.seconds += time.perf_counter() - start
        self.p.append(test.p)
        self.df.append(test.df)
        self.covered.append(test.ci_low <= effect_percent <= test.ci_high)

    def line(self) -> str:
        """Share rejected, share covered, mean degrees of freedom, failures, milliseconds."""
        rejected = np.mean(np.array(self.p) < 0.05)
        milliseconds = 1000 * self.seconds / max(1, len(self.p))
        return f"{rejected:8.3f}  {np.mean(self.covered):7.3f}  {np.mean(self.df):5.1f}  {self.n_failed:6d}  {milliseconds:3.0f}"


def tallies(truth: CrossoverTruth, *, names: list[str], n_studies: int, seed: int) -> dict[str, Tally]:
    """Every analysis on the same simulated studies."""
    found = {name: Tally() for name in names}
    for study in range(n_studies):
        table = simulated_measures(truth, rng=np.random.default_rng([seed, study]))
        data = measure_data(checked_measures(table, options=OPTIONS), measure="Glx/tNAA", options=OPTIONS)
        for name, tally in found.items():
            tally.add(data, name=name, effect_percent=truth.effect_percent)
    return found


def described(truth: CrossoverTruth) -> str:
    """The setting as the first columns of its lines."""
    spread = f"{truth.session_sd_percent / WINDOW_SD_PERCENT:.2f}, {truth.response_sd_percent / WINDOW_SD_PERCENT:.2f}"
    windows = f"{truth.n_baseline_windows} + {truth.n_infusion_windows}"
    return f"{truth.n_participants:4d}  {windows:>7}  {spread:>23}  {truth.missing_fraction:7.2f}  {truth.effect_percent:8.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies per setting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--analyses", nargs="+", choices=sorted(ANALYSES), default=["session_aware", "as_published", "paired_summary"])
    arguments = parser.parse_args()
    error = 1.96 * np.sqrt(0.05 * 0.95 / arguments.studies)
    print(f"{arguments.studies} studies a setting; 95 % binomial limits of a 5 % rate: {0.05 - error:.3f} to {0.05 + error:.3f}")
    print("   n  windows  session, response SD (x)  missing  effect %  analysis                rejected  covered     df  failed   ms")
    for truth in settings():
        for name, tally in tallies(truth, names=arguments.analyses, n_studies=arguments.studies, seed=arguments.seed).items():
            print(f"{described(truth)}  {name:22}  {tally.line()}", flush=True)


if __name__ == "__main__":
    main()

"""False-positive rate, coverage and power of the models on simulated crossovers, as a table.

    python benchmarks/statistics_calibration.py --studies 5000

Each line is one setting and one model; columns are the share of studies with p < 0.05 (type-I error where the effect is 0, else power),
the share of 95 % intervals that hold the true effect, the mean degrees of freedom, the spread of the estimates over the mean standard
error, the studies without a number and the milliseconds of one analysis. ``--only`` runs the named groups of settings.

    python benchmarks/statistics_calibration.py --complete --studies 20000

does the same without missing windows by the closed forms that the models then have (tests/statistics/test_crossover_model.py shows that
they agree), for two models and many studies in little time.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.crossover_model import CellMeans, fit_participant_model, fit_session_model, window_weights
from mrs_pipeline.statistics.design import MeasureData, checked_measures, measure_data
from mrs_pipeline.statistics.inference import TestResult, contrast_test
from mrs_pipeline.statistics.options import ModelOptions, Options
from mrs_pipeline.statistics.paired_summary import paired_test
from mrs_pipeline.statistics.simulation import CrossoverTruth, simulated_measures, simulated_percent

WINDOW_SD_PERCENT = 5.0
PAIR = ("naltrexone", "placebo")
OPTIONS = Options(conditions=("placebo", "naltrexone"), measures=("Glx/tNAA",), analyses=())
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
    missing_fraction=0.1,
)
USUAL = ("session_aware", "as_published")


def _main(model: CellMeans, *, method: str = "kenward_roger") -> TestResult:
    """The contrast of the change from baseline, or of the infusion means without one."""
    windows = window_weights(model.data, phase="infusion") - window_weights(model.data, phase="baseline")
    (comparison,) = model.data.comparisons
    return contrast_test(model.fit, weights=model.contrast(comparison, windows=windows), method=method)


def _session_aware(residuals: str, method: str) -> Callable[[MeasureData], TestResult]:
    options = ModelOptions(residuals=residuals, degrees_of_freedom=method)
    return lambda data: _main(fit_session_model(replace(data, model=options)), method=method)


#: Name -> test of one study.
MODELS: dict[str, Callable[[MeasureData], TestResult]] = {
    "session_aware": _session_aware("independent", "kenward_roger"),
    "session_aware, satterthwaite": _session_aware("independent", "satterthwaite"),
    "session_aware, by_window": _session_aware("by_window", "kenward_roger"),
    "session_aware, ar1": _session_aware("ar1", "kenward_roger"),
    "session_aware, ar1, satterthwaite": _session_aware("ar1", "satterthwaite"),
    "as_published": lambda data: _main(fit_participant_model(data.infusion_only())),
    "paired_summary": lambda data: paired_test(data, pair=PAIR, confidence=0.95).test,
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One line of the table for each of ``models``."""

    group: str
    truth: CrossoverTruth
    models: tuple[str, ...] = USUAL


def settings() -> Iterator[Setting]:
    """Spread between sessions in units of the window SD, windows of unequal noise, correlated windows, small and odd studies, power."""
    for n in (26, 12):
        for spread in (0.0, 0.67, 1.0):
            sd = spread * WINDOW_SD_PERCENT
            truth = replace(BASE, n_participants=n, session_sd_percent=sd, response_sd_percent=sd)
            yield Setting(group="spread", truth=truth)
        sd = 0.67 * WINDOW_SD_PERCENT
        usual = replace(BASE, n_participants=n, session_sd_percent=sd, response_sd_percent=sd)
        yield Setting(group="by_window", truth=replace(usual, window_sd_ratio=2.0), models=("session_aware", "session_aware, by_window"))
        yield Setting(group="ar1", truth=replace(usual, autocorrelation=0.5), models=("session_aware", "session_aware, ar1"))
        correlated = replace(BASE, n_participants=n, autocorrelation=0.5)
        yield Setting(group="ar1", truth=correlated, models=("session_aware", "session_aware, ar1", "session_aware, ar1, satterthwaite"))
    yield Setting(group="satterthwaite", truth=usual, models=("session_aware, satterthwaite",))
    yield Setting(group="small", truth=replace(BASE, n_participants=6))
    yield Setting(group="small", truth=replace(BASE, n_baseline_windows=0, session_sd_percent=WINDOW_SD_PERCENT))
    effect = replace(usual, n_participants=26, effect_percent=4.0)
    for missing in (0.0, 0.1):
        yield Setting(group="power", truth=replace(effect, missing_fraction=missing), models=("session_aware", "paired_summary"))


@dataclass
class Tally:
    """What one model did over the studies of one setting."""

    tests: list[TestResult] = field(default_factory=list)
    n_failed: int = 0
    seconds: float = 0.0

    def add(self, data: MeasureData, *, name: str) -> None:
        """Run one model on one study."""
        start = time.perf_counter()
        try:
            self.tests.append(MODELS[name](data))
        except DataError:
            self.n_failed += 1
        self.seconds += time.perf_counter() - start

    def line(self, *, effect_percent: float) -> str:
        """Shares rejected and covered, mean degrees of freedom, spread over standard error, failures, milliseconds."""
        rejected = np.mean([test.p < 0.05 for test in self.tests])
        covered = np.mean([test.ci_low <= effect_percent <= test.ci_high for test in self.tests])
        df = np.mean([test.df for test in self.tests])
        spread = np.std([test.estimate for test in self.tests]) / np.sqrt(np.mean([test.se**2 for test in self.tests]))
        milliseconds = 1000 * self.seconds / (len(self.tests) + self.n_failed)
        return f"{rejected:8.4f}  {covered:7.4f}  {df:5.1f}  {spread:6.3f}  {self.n_failed:6d}  {milliseconds:4.0f}"


def tallies(setting: Setting, *, n_studies: int, seed: int) -> dict[str, Tally]:
    """Every model on the same simulated studies."""
    found = {name: Tally() for name in setting.models}
    complete = simulated_measures(replace(setting.truth, missing_fraction=0.0), rng=np.random.default_rng(seed))
    template = measure_data(checked_measures(complete, options=OPTIONS), measure="Glx/tNAA", options=OPTIONS)
    for study in range(n_studies):
        percent = simulated_percent(setting.truth, rng=np.random.default_rng([seed, study])).ravel()
        rows = template.rows.assign(y=percent)[np.isfinite(percent)].reset_index(drop=True)
        for name, tally in found.items():
            tally.add(replace(template, rows=rows), name=name)
    return found


def complete_tests(truth: CrossoverTruth, *, n_studies: int, seed: int) -> dict[str, tuple[FloatArray, FloatArray, int]]:
    """Estimates (n_studies,), standard errors (n_studies,) and degrees of freedom of complete data, by model.

    session_aware is the two-sample t test between the sequences of half the difference in change (Hills & Armitage 1979, Br J Clin
    Pharmacol 8:7), as_published least squares with participants as fixed effects, whose error is that of windows.
    """
    truth = replace(truth, missing_fraction=0.0)
    y = np.array([simulated_percent(truth, rng=np.random.default_rng([seed, study])) for study in range(n_studies)])
    during = np.arange(y.shape[-1]) >= truth.n_baseline_windows
    change = y[..., during].mean(-1) - (y[..., ~during].mean(-1) if truth.n_baseline_windows else 0.0)
    later = change[..., 1] - change[..., 0]
    samples = (later[:, ::2], later[:, 1::2])  # even participants have the second condition last
    df = later.shape[1] - 2
    pooled = sum((sample.shape[1] - 1) * sample.var(axis=1, ddof=1) for sample in samples) / df
    se = np.sqrt(pooled * sum(1 / sample.shape[1] for sample in samples)) / 2
    aware = ((samples[0].mean(1) - samples[1].mean(1)) / 2, se, df)
    return {"session_aware": aware, "as_published": _window_test(y[..., during])}


def _window_test(y: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Condition against the residual of windows, with means of condition and window, period and participants as fixed effects."""
    _, n, _, n_windows = y.shape
    participant, period, window = (axis.ravel() for axis in np.indices(y.shape[1:]))
    treated = (participant + period) % 2
    cells = np.eye(2 * n_windows)[treated * n_windows + window]
    x = np.column_stack([cells, np.where(period == 1, 1.0, -1.0), np.eye(n)[participant][:, 1:]])
    weights = np.concatenate([np.repeat([-1.0, 1.0], n_windows) / n_windows, np.zeros(n)])
    inverse = np.linalg.inv(x.T @ x)
    flat = y.reshape(len(y), -1)
    beta = flat @ x @ inverse
    df = x.shape[0] - x.shape[1]
    variance = ((flat - beta @ x.T) ** 2).sum(axis=1) / df
    return beta @ weights, np.sqrt(variance * float(weights @ inverse @ weights)), df


def print_complete(setting: Setting, *, n_studies: int, seed: int) -> None:
    """The lines of one setting without missing windows."""
    truth = replace(setting.truth, missing_fraction=0.0)
    for name, (estimate, se, df) in complete_tests(truth, n_studies=n_studies, seed=seed).items():
        rejected = np.mean(np.abs(estimate / se) > stats.t.ppf(0.975, df))
        covered = np.mean(np.abs(estimate - truth.effect_percent) / se <= stats.t.ppf(0.975, df))
        spread = np.std(estimate) / np.sqrt(np.mean(se**2))
        print(f"{described(truth)}  {name:34}  {rejected:8.4f}  {covered:7.4f}  {df:5.1f}  {spread:6.3f}  {0:6d}", flush=True)


def described(truth: CrossoverTruth) -> str:
    """The setting as the first columns of its lines."""
    spread = f"{truth.session_sd_percent / WINDOW_SD_PERCENT:.2f}, {truth.response_sd_percent / WINDOW_SD_PERCENT:.2f}"
    windows = f"{truth.n_baseline_windows} + {truth.n_infusion_windows}"
    noise = f"{truth.autocorrelation:4.1f}  {truth.window_sd_ratio:8.1f}"
    return f"{truth.n_participants:3d}  {windows:>7}  {spread:>23}  {noise}  {truth.missing_fraction:7.2f}  {truth.effect_percent:6.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000, help="simulated studies per setting")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--complete", action="store_true", help="no missing windows, by closed forms")
    groups = list(dict.fromkeys(setting.group for setting in settings()))
    parser.add_argument("--only", nargs="+", choices=groups, default=groups)
    arguments = parser.parse_args()
    error = 1.96 * np.sqrt(0.05 * 0.95 / arguments.studies)
    print(f"{arguments.studies} studies a setting; 95 % binomial limits of a 5 % rate: {0.05 - error:.4f} to {0.05 + error:.4f}")
    print(
        "  n  windows  session, response SD (x)   rho  SD ratio  missing  effect  model",
        " " * 28,
        "rejected  covered     df  spread  failed    ms",
    )
    for setting in settings():
        if setting.group not in arguments.only:
            continue
        if arguments.complete:
            print_complete(setting, n_studies=arguments.studies, seed=arguments.seed)
            continue
        for name, tally in tallies(setting, n_studies=arguments.studies, seed=arguments.seed).items():
            print(f"{described(setting.truth)}  {name:34}  {tally.line(effect_percent=setting.truth.effect_percent)}", flush=True)


if __name__ == "__main__":
    main()

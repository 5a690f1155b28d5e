"""False positives of the permutation tests on simulated crossovers without an effect, as a table.

    python benchmarks/permutation_calibration.py --studies 5000

Each line is one setting: share of studies in which sign_flip has p < 0.05, in which any window has p < 0.05 unadjusted, in which any
has it adjusted by max-T (the family-wise error), and in which any has it adjusted by Holm. Errors of windows and responses are normal,
heavy-tailed (t with 3 degrees of freedom) or skewed (exponential); windows have the SD 5 %, responses a multiple of it, the second
session a period effect of 4 %. Where orders are too many to list, random ones are drawn. Coverage of the intervals is the
complement of the first share: the test at a true effect is the test at zero of data from which it is subtracted.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.statistics.multiplicity import holm
from mrs_pipeline.statistics.permutation import FlipResult, Outcome, PermutationOptions, flip_tests, rearrangements

WINDOW_SD_PERCENT, PERIOD_PERCENT, N_WINDOWS = 5.0, 4.0, 6
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Participants in the two orders, response SD in units of the window SD, law of the errors, share of missing windows."""

    orders: tuple[int, int]
    spread: float
    law: str = "normal"
    missing: float = 0.0


def settings() -> Iterator[Setting]:
    """Two sizes and three spreads; other laws, unequal orders and missing windows."""
    for orders, spread in product(((6, 6), (13, 13)), (0.0, 0.67, 1.0)):
        yield Setting(orders=orders, spread=spread)
    for law in ("heavy", "skewed"):
        yield Setting(orders=(6, 6), spread=0.67, law=law)
        yield Setting(orders=(13, 13), spread=0.67, law=law)
    yield Setting(orders=(8, 4), spread=0.67, law="skewed")
    yield Setting(orders=(13, 13), spread=0.67, missing=0.1)
    yield Setting(orders=(6, 6), spread=0.67, missing=0.1)


LAWS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy": lambda rng, size: rng.standard_t(3, size=size) / np.sqrt(3),
    "skewed": lambda rng, size: rng.exponential(size=size) - 1.0,
}


def study(setting: Setting, *, rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Signs (n,), later less earlier session of the mean change (n,) and of the change of each window (n, windows), without an effect."""
    signs = np.repeat([1.0, -1.0], setting.orders)
    draw = LAWS[setting.law]
    noise = WINDOW_SD_PERCENT * draw(rng, (len(signs), 2, 1 + N_WINDOWS))
    response = setting.spread * WINDOW_SD_PERCENT * draw(rng, (len(signs), 2, 1))
    change = noise[:, :, 1:] - noise[:, :, :1] + response + PERIOD_PERCENT * np.arange(2)[:, None]
    change[rng.uniform(size=change.shape) < setting.missing] = np.nan
    mean = np.nanmean(change, axis=2)
    return signs, mean[:, 1] - mean[:, 0], change[:, 1] - change[:, 0]


def outcome(differences: FloatArray) -> Outcome:
    return Outcome(differences=differences, nuisance=np.ones((len(differences), 1)))


def tested(setting: Setting, *, rng: np.random.Generator, n_draws: int) -> tuple[list[FlipResult], FlipResult]:
    """Results of the windows and of the mean change of one study."""
    signs, mean, windows = study(setting, rng=rng)
    options = PermutationOptions(n_draws=n_draws, seed=int(rng.integers(2**31)))
    drawn = rearrangements(signs, strata=[0] * len(signs), options=options)
    both = [column for column in windows.T if len(set(signs[np.isfinite(column)])) == 2]  # as the analysis does with missing windows
    found = flip_tests([outcome(column) for column in both], signs=signs, drawn=drawn, confidence=0.95)
    return found, flip_tests([outcome(mean)], signs=signs, drawn=drawn, confidence=0.95)[0]


def rates(setting: Setting, *, n_studies: int, n_draws: int, seed: int) -> FloatArray:
    """Shares (4,) of studies with a false positive: sign_flip, any window plain, max-T, Holm."""
    counts = np.zeros(4)
    for number in range(n_studies):
        windows, whole = tested(setting, rng=np.random.default_rng([seed, number]), n_draws=n_draws)
        p = np.array([item.p for item in windows])
        counts += np.array([whole.p, p.min(), min(item.p_adjusted for item in windows), holm(p).min()]) <= ALPHA
    return counts / n_studies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=5000)
    parser.add_argument(
        "--draws", type=int, default=1999, help="random orders where there are too many to list; the test is valid at any number"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    error = 1.96 * np.sqrt(0.05 * 0.95 / arguments.studies)
    print(f"{arguments.studies} studies a setting; 95 % binomial limits of a 5 % rate: {0.05 - error:.4f} to {0.05 + error:.4f}")
    print("orders    spread  law      missing   sign_flip  any window  max_t   Holm")
    for setting in settings():
        found = rates(setting, n_studies=arguments.studies, n_draws=arguments.draws, seed=arguments.seed)
        orders = f"{setting.orders[0]} + {setting.orders[1]}"
        shares = "  ".join(f"{value:6.4f}" for value in found)
        print(f"{orders:8}  {setting.spread:6.2f}  {setting.law:7}  {setting.missing:7.2f}   {shares}", flush=True)


if __name__ == "__main__":
    main()

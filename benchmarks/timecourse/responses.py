"""Estimators of a response against the truth: false changes, real changes, precision, honesty of the printed errors.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/timecourse/responses.py --sessions 100 --scenarios narrowing change_5

Every session is a new truth (`sessions`), at one of two samplings in turn (123.2 MHz and 4 kHz, 127.7 MHz and 2 kHz), with 12 windows, four
of them before an infusion. Every scenario of a session has the same truth and noise. Columns, in percent (100 times the difference of
logarithms), for every estimator (`estimators`) and measure:

bias         : mean, over sessions, of the response less that of the scenario beside it (`SCENARIOS`) less the true difference of the two,
               with its Monte Carlo error; `limit` is the upper 95 % limit of its absolute value.
mean error   : mean of response less truth, without the pairing; with its Monte Carlo error.
SD           : standard deviation of response less truth, and over that of the same sessions fitted window by window (`alone`), with its
               standard error by a bootstrap of the sessions; `printed`: root mean square of the printed errors.
rms z        : root mean square of response less truth over its printed error.
coverage     : of the printed 95 % intervals, with exact 95 % limits.
missing      : sessions without a response: the estimator failed, or a sum is zero.

Results of single sessions are appended to the file `--out`; what it holds already is not computed again.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

sys.path.insert(0, str(Path(__file__).parents[1] / "fitting"))

from arms import ARMS, sampling
from brain_spectra import Source
from estimators import ESTIMATORS, MEASURES, changes_by, true_changes
from measures import options_from
from sessions import BLOCKS, INFUSION, UNEQUAL, Scenario, Schedule, draw

from mrs_pipeline.fitting.fit import Fitter

BOTH = {"Glu": 0.05, "Gln": 0.05}
LOSSES = {"lost": (0.05, 0.15), "burst": 0.5}
DRIFTS = {"drift_hz": 0.6, "drift_width_hz": 0.5}
SCENARIOS: Mapping[str, Scenario] = {
    "nothing": Scenario(),
    "narrowing": Scenario(lorentzian_hz=0.2),
    "narrowing_gaussian": Scenario(lorentzian_hz=0.2, gaussian=True),
    "change_1": Scenario(changes={"Glu": 0.01, "Gln": 0.01}),
    "change_2": Scenario(changes={"Glu": 0.02, "Gln": 0.02}),
    "change_5": Scenario(changes=BOTH),
    "glutamate_5": Scenario(changes={"Glu": 0.05}),
    "change_narrowing": Scenario(changes=BOTH, lorentzian_hz=0.2),
    "drift": Scenario(drift_hz=0.6),
    "width_drift": Scenario(drift_width_hz=0.5),
    "change_drifts": Scenario(changes=BOTH, **DRIFTS),
    "losses": Scenario(**LOSSES, beside="losses"),
    "change_losses": Scenario(changes=BOTH, **LOSSES, beside="losses"),
    "unequal": Scenario(lengths=UNEQUAL, beside="unequal"),
    "change_unequal": Scenario(changes=BOTH, lengths=UNEQUAL, beside="unequal"),
    "change_all": Scenario(changes=BOTH, lorentzian_hz=0.2, lengths=UNEQUAL, **DRIFTS, **LOSSES, beside="losses_unequal"),
    "losses_unequal": Scenario(lengths=UNEQUAL, **LOSSES, beside="losses_unequal"),
    "macromolecules_5": Scenario(macromolecules=0.05),
    "lipid": Scenario(lipids=0.1),
    "baseline": Scenario(baseline=0.05),
    "water": Scenario(water=0.2),
}  # fmt: skip
STIMULUS: Mapping[str, Scenario] = {
    "nothing": Scenario(),
    "bold": Scenario(lorentzian_hz=0.46),
    "glutamate_3": Scenario(changes={"Glu": 0.03}, lorentzian_hz=0.46),
}
SCANNERS = ((123.2, 4000.0), (127.7, 2000.0))
KEYS = ["arm", "snr", "scenario", "estimator", "measure"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What sessions of a cell have in common."""

    source: Source
    fitter: Fitter
    schedule: Schedule
    snr: float
    fwhm_hz: float


def session_rows(setting: Setting, scenario: Scenario, *, estimators: Sequence[str], number: int) -> list[dict[str, object]]:
    """Estimates of one session by every estimator, one row a measure; truth and noise are those of its number, SNR and kind of source."""
    seed = (number, int(setting.snr), len(setting.source.metabolites))
    session = draw(setting.source, scenario, schedule=setting.schedule, snr=setting.snr, fwhm_hz=setting.fwhm_hz, seed=seed)
    found = changes_by(session, schedule=setting.schedule, fitter=setting.fitter, estimators=estimators)
    return [
        {"estimator": name, "measure": change.name, "session": number, "estimate": change.log_percent, "sd": change.sd, "truth": true}
        for name, changes in found.items()
        for change, true in zip(changes, true_changes(session), strict=True)
    ]


def paired(table: pd.DataFrame, scenarios: Mapping[str, Scenario]) -> pd.DataFrame:
    """The table with `error`, estimate less truth, and `moved`, its difference to the same session in the scenario beside it."""
    table = table.assign(error=table.estimate - table.truth)
    index = ["arm", "snr", "estimator", "measure", "session"]
    beside = table.assign(beside=table.scenario)[[*index, "beside", "error"]].rename(columns={"error": "error_beside"})
    table = table.assign(beside=[scenarios[name].beside for name in table.scenario]).merge(beside, on=[*index, "beside"], how="left")
    return table.assign(moved=table.error - table.error_beside)


def bias_limit(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, its standard error, and the upper 95 % limit of its absolute value (one-sided for either sign)."""
    good = values[np.isfinite(values)]
    if good.size < 2:
        return (np.nan,) * 3
    mean, error = float(good.mean()), float(good.std(ddof=1) / np.sqrt(good.size))
    return mean, error, abs(mean) + 1.96 * error


def summarised(table: pd.DataFrame, scenarios: Mapping[str, Scenario]) -> pd.DataFrame:
    """One row for every arm, SNR, scenario, estimator and measure."""
    rows = []
    for keys, part in paired(table, scenarios).groupby(KEYS, sort=False):
        good = part[np.isfinite(part.error) & np.isfinite(part.sd)]
        alone = scenarios[keys[KEYS.index("scenario")]].beside == keys[KEYS.index("scenario")]
        bias, bias_error, limit = (np.nan,) * 3 if alone else bias_limit(part.moved.to_numpy())
        mean, mean_error, _ = bias_limit(good.error.to_numpy())
        covered = int(np.sum(np.abs(good.error) < 1.96 * good.sd))
        exact = scipy.stats.binomtest(covered, max(len(good), 1)).proportion_ci()
        rows.append(
            dict(zip(KEYS, keys, strict=True))
            | {"n": len(part), "missing": len(part) - len(good), "bias": bias, "bias_error": bias_error, "limit": limit}
            | {"mean": mean, "mean_error": mean_error, "spread": good.error.std(ddof=1), "printed": np.sqrt(np.mean(good.sd**2))}
            | {"rms_z": np.sqrt(np.mean((good.error / good.sd) ** 2))}
            | {"coverage": 100 * covered / max(len(good), 1), "low": 100 * exact.low, "high": 100 * exact.high}
        )
    return with_ratios(pd.DataFrame(rows), table)


def with_ratios(summary: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The summary with the SD of each estimator over that of `alone`, and its standard error; NaN where that was not computed."""
    errors = table.assign(error=table.estimate - table.truth)
    wide = errors.pivot_table(index=["arm", "snr", "scenario", "measure", "session"], columns="estimator", values="error", aggfunc="first")
    found = []
    for row in summary.itertuples():
        both = wide.loc[(row.arm, row.snr, row.scenario, row.measure)].get(["alone", row.estimator]) if "alone" in wide else None
        found.append((np.nan, np.nan) if both is None else ratio_of_sds(both.dropna().to_numpy().T))
    return summary.assign(ratio=[ratio for ratio, _ in found], ratio_error=[error for _, error in found])


def ratio_of_sds(errors: np.ndarray, *, n_bootstrap: int = 1000) -> tuple[float, float]:
    """SD of the second row over that of the first, paired, and its standard error."""
    if errors.shape[1] < 3:
        return np.nan, np.nan
    chosen = np.random.default_rng(0).integers(errors.shape[1], size=(n_bootstrap, errors.shape[1]))
    spread = errors[:, chosen].std(axis=2, ddof=1)
    return float(np.divide(*errors.std(axis=1, ddof=1)[::-1])), float(np.std(spread[1] / spread[0]))


def line(row: "pd.Series") -> str:
    """One row as text."""
    return (
        f"{row.arm:7}{row.snr:4g} {row.scenario:19}{row.estimator:14}{row.measure:9}{row.bias:7.3f} +-{row.bias_error:5.3f}{row.limit:7.3f}"
        f"{row['mean']:8.2f} +-{row.mean_error:4.2f}{row.spread:7.2f}{row.ratio:6.2f} +-{row.ratio_error:4.2f}{row.printed:8.2f}"
        f"{row.rms_z:6.2f}{row.coverage:7.1f} ({row.low:5.1f} to {row.high:5.1f}){row.missing:4d}/{row.n:<4d}"
    )


HEADER = (
    f"{'arm':7}{'SNR':>4} {'scenario':19}{'estimator':14}{'measure':9}{'bias %':>15}{'limit':>7}{'mean error %':>15}{'SD':>7}"
    f"{'over alone':>13}{'printed':>8}{'rms z':>6}{'coverage %':>23}{'missing':>8}"
)


def cells(given: argparse.Namespace) -> Iterator[tuple[str, int, Setting]]:
    """Arm, number of the session and setting, SNR by SNR."""
    samplings, options = [(297.2, 4000.0)] if given.stimulus else SCANNERS, options_from(given.options)
    for name in given.arm:
        arms = [ARMS[name](sampling(*scanner), None) for scanner in samplings]
        fitters = [arm.fitter(options) for arm in arms]
        for number in range(given.first, given.first + given.sessions):
            which = number % len(arms)
            for snr in given.snr:
                schedule = BLOCKS if given.stimulus else INFUSION
                common = {"source": arms[which].source, "fitter": fitters[which], "schedule": schedule, "fwhm_hz": given.fwhm}
                yield name, number, Setting(snr=snr, **common)


def measured(given: argparse.Namespace, scenarios: Mapping[str, Scenario]) -> pd.DataFrame:
    """Estimates of all sessions, those of the file included."""
    done = pd.read_csv(given.out, sep="\t") if given.out and given.out.exists() else pd.DataFrame(columns=[*KEYS, "session"])
    known, tables = set(zip(done.arm, done.snr, done.scenario, done.estimator, done.session, strict=True)), [done] if len(done) else []
    for arm, number, setting in cells(given):
        for scenario in needed(given.scenarios, scenarios):
            todo = [name for name in given.estimators if (arm, setting.snr, scenario, name, number) not in known]
            rows = session_rows(setting, scenarios[scenario], estimators=todo, number=number) if todo else []
            if rows:
                tables.append(pd.DataFrame(rows).assign(arm=arm, snr=setting.snr, scenario=scenario))
                if given.out:
                    tables[-1].to_csv(given.out, sep="\t", index=False, mode="a", header=not given.out.exists(), float_format="%.7g")
    return pd.concat(tables, ignore_index=True)


def needed(chosen: Sequence[str], scenarios: Mapping[str, Scenario]) -> list[str]:
    """The chosen scenarios and those beside which they are seen."""
    return list(dict.fromkeys(name for item in chosen for name in (scenarios[item].beside, item)))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arm", nargs="+", default=["right", "misfit"], choices=ARMS)
    parser.add_argument("--snr", nargs="+", type=float, default=[40.0, 80.0], help="of a window")
    parser.add_argument("--fwhm", type=float, default=None, help="of NAA, Hz; 6, or 12 with --stimulus")
    parser.add_argument("--scenarios", nargs="+", default=None, choices=SCENARIOS | STIMULUS)
    parser.add_argument("--estimators", nargs="+", default=list(ESTIMATORS), choices=ESTIMATORS)
    parser.add_argument("--measures", nargs="+", default=list(MEASURES), choices=MEASURES, help="of the printed table")
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="number of the first session")
    parser.add_argument("--stimulus", action="store_true", help="64 dynamics at 7 T, a stimulus on and off in blocks of 8")
    parser.add_argument("--options", nargs="*", default=[], metavar="KEY=VALUE", help="options of the fit that differ from the defaults")
    parser.add_argument("--out", type=Path, help="tab-separated file of all sessions")
    given = parser.parse_args()
    given.fwhm = given.fwhm or (12.0 if given.stimulus else 6.0)
    given.scenarios = given.scenarios or list(STIMULUS if given.stimulus else SCENARIOS)
    return given


def main() -> None:
    given = parsed()
    scenarios = STIMULUS if given.stimulus else SCENARIOS
    begin = time.process_time()
    with np.errstate(all="ignore"):
        table = measured(given, scenarios)
    chosen = summarised(table, scenarios)
    print(HEADER)
    for _, row in chosen[chosen.measure.isin(given.measures) & chosen.estimator.isin(given.estimators)].iterrows():
        print(line(row))
    print(f"{time.process_time() - begin:.0f} s of the processor")


if __name__ == "__main__":
    main()

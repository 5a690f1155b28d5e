"""Command ``power``: power, detectable effect and needed participants of a crossover, from stated variances or those of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mrs_pipeline.commands.contrast import REQUIRED
from mrs_pipeline.commands.one_estimator import INDEPENDENT, of_estimator
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.tables import read_table, write_table
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.crossover_model import fit_session_model
from mrs_pipeline.statistics.design import checked_measures, measure_data
from mrs_pipeline.statistics.options import Options, options_from
from mrs_pipeline.statistics.power import PowerResult, difference_sd, power_of, required, scaled, truth_from_fit, upper_sd
from mrs_pipeline.statistics.simulation import CrossoverTruth

POWER_COLUMNS = (
    *("question", "analysis", "effect_percent", "difference_sd_percent", "n_participants", "power", "power_error", "power_exact"),
    *("detectable_percent", "detectable_exact_percent", "n_failed"),
)


@dataclass(frozen=True, kw_only=True)
class PowerQuestion:
    """What is asked of a design: effect in %, numbers of participants to look at, the power aimed at, and how it is simulated."""

    effect_percent: float
    participants: Sequence[int]
    power: float = 0.8
    n_studies: int = 1000
    seed: int = 1
    missing_fraction: float = 0.0


def stated_truth(*, window_sd: float, response_sd: float, session_sd: float, windows: tuple[int, int]) -> CrossoverTruth:
    """A design from stated standard deviations (%) and numbers of baseline and infusion windows."""
    return CrossoverTruth(
        n_participants=2,
        n_baseline_windows=windows[0],
        n_infusion_windows=windows[1],
        participant_sd_percent=10.0,
        session_sd_percent=session_sd,
        response_sd_percent=response_sd,
        window_sd_percent=window_sd,
    )


def fitted_truth(measures: Path, *, statistics: Mapping[str, Any]) -> CrossoverTruth:
    """The same from the variances that restricted likelihood finds in a table of measures, for the primary measure."""
    if not statistics["conditions"] or len(statistics["conditions"]) < 2:
        raise ConfigError("the conditions of a measured study are not known: give its configuration, with statistics.conditions")
    options = _options(statistics, analysis=statistics["primary"]["analysis"])
    table = of_estimator(read_table(measures, required=REQUIRED), statistics.get("estimator", INDEPENDENT), name=str(measures))
    if options.scale_of(options.measures[0]) != "log_percent":
        raise ConfigError(f"power is computed in per cent: set the scale of {options.measures[0]} to log_percent")
    data = measure_data(checked_measures(table, options=options), measure=options.measures[0], options=options)
    return truth_from_fit(fit_session_model(data))


def power_table(
    truth: CrossoverTruth, *, statistics: Mapping[str, Any], question: PowerQuestion, analysis: str | None = None, is_fitted: bool = False
) -> pd.DataFrame:
    """Power of the (primary) analysis at each number of participants, and the number needed; columns `POWER_COLUMNS`.

    Of a fitted study the number needed is also given with the SD at its upper 80 % limit: a small study tells its SD roughly.
    """
    options = _options(statistics, analysis=analysis or statistics["primary"]["analysis"])
    design = replace(truth, effect_percent=question.effect_percent, missing_fraction=question.missing_fraction)
    how: dict[str, Any] = {"options": options, "power": question.power, "n_studies": question.n_studies, "seed": question.seed}
    needed = [_row("required", required(design, **how), design, options)]
    if is_fitted:
        noisier = scaled(design, factor=upper_sd(1.0, df=truth.n_participants - 2))
        needed.append(_row("required_if_noisier", required(noisier, **how), noisier, options))
    given = [_row("given", power_of(replace(design, n_participants=n), **how), design, options) for n in question.participants]
    rows = [*given, *needed]
    return pd.DataFrame(rows, columns=list(POWER_COLUMNS))


def write_power(table: pd.DataFrame, *, out_dir: Path) -> None:
    """Write ``power.tsv``."""
    with staged_folder(out_dir) as folder:
        write_table(table, folder / "power.tsv")


def _options(statistics: Mapping[str, Any], *, analysis: str) -> Options:
    """The section for one measure and one analysis, with the conditions that simulated studies have where none are stated."""
    measure = statistics["primary"]["measure"]
    scale = {name: value for name, value in (statistics.get("scale") or {}).items() if name in {"default", measure}}
    only: dict[str, Any] = {"residuals": "independent", "factors": {}, "design": "crossover"}
    only |= {"analyses": [analysis], "measures": [measure], "primary": None, "covariates": [], "scale": scale}
    conditions = list(statistics["conditions"] or ())[:2]
    section = {**statistics, **only, "conditions": conditions if len(conditions) == 2 else ["placebo", "drug"]}
    return options_from(section, analyses=ANALYSES)


def _row(question: str, found: PowerResult, truth: CrossoverTruth, options: Options) -> dict[str, object]:
    own = {"question": question, "analysis": options.analyses[0], "effect_percent": truth.effect_percent}
    return {**own, "difference_sd_percent": difference_sd(truth), **vars(found)}

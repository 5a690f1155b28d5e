"""Command ``contrast``: measures of all sessions to the contrast of conditions, with exclusions, negative controls and sensitivity."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mrs_pipeline.commands.contrast_checks import controls_of, sensitivity_of, with_exclusions
from mrs_pipeline.commands.one_estimator import INDEPENDENT, of_estimator
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.tables import read_table, write_table
from mrs_pipeline.statistics.contrasts import COLUMNS, contrast_table, marginal_means
from mrs_pipeline.statistics.design import active_name
from mrs_pipeline.statistics.diagnostics import DIAGNOSTIC_COLUMNS, diagnostics_table
from mrs_pipeline.statistics.model_tests import main_contrast, main_name
from mrs_pipeline.statistics.table_checks import refuse_overlapping

REQUIRED = ("participant", "session", "condition", "window", "window_start_s", "window_stop_s", "measure", "value", "sd")


def contrast_file(
    measures: Path,
    *,
    config: Mapping[str, Any],
    out_dir: Path,
    fitquality: Path | None = None,
    windows: Path | None = None,
    sessions: Path | None = None,
) -> None:
    """Write the tables of contrasts, marginal means, diagnostics, controls, exclusions and sensitivity for a table of measures.

    ``fitquality`` and ``windows`` hold what exclusions and controls judge by, ``sessions`` what was planned; all may be absent. A study
    without conditions has nothing to contrast: its table says so in one row.
    """
    refuse_overlapping(read_table(measures))
    table = read_table(measures, required=REQUIRED)
    if table.empty:
        raise InputError(f"{measures} has a header and no rows: give a table with the measures of all sessions")
    quality, recorded, listed = (None if path is None else read_table(path) for path in (fitquality, windows, sessions))
    statistics = config["statistics"]
    chosen = of_estimator(table, statistics.get("estimator", INDEPENDENT), name=str(measures))
    included, exclusions = with_exclusions(chosen, statistics=statistics, fitquality=quality, windows=recorded, sessions=listed)
    contrasts, means = contrasts_of(included, statistics=statistics)
    stated = stated_primary(statistics, measures=chosen)
    diagnostics = diagnostics_of(included, statistics=statistics)
    with staged_folder(out_dir) as folder:
        write_table(diagnostics, folder / "diagnostics.tsv")
        write_table(contrasts, folder / "contrasts.tsv")
        write_table(means, folder / "marginal_means.tsv")
        write_table(exclusions, folder / "exclusions.tsv")
        write_table(controls_of(included, statistics=stated, fitquality=quality), folder / "controls.tsv")
        write_table(sensitivity_of(included, everything=chosen, statistics=stated), folder / "sensitivity.tsv")


def contrasts_of(measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contrasts and marginal means of the primary measure."""
    stated = stated_primary(statistics, measures=measures)
    if stated is None:
        return nothing_to_contrast(statistics, measures=measures), pd.DataFrame(columns=["measure", "condition"])
    primary = stated["primary"]["measure"]
    means = marginal_means(measures, statistics=stated, measure=primary)
    means.insert(0, "measure", primary)
    return contrast_table(measures, statistics=stated), means


def stated_primary(statistics: Mapping[str, Any], *, measures: pd.DataFrame) -> dict[str, Any] | None:
    """The section with the primary contrast named as the windows of the table allow; None where there is nothing to contrast."""
    has_baseline = has_baseline_windows(measures)
    if n_comparable(statistics, has_baseline=has_baseline) == 0:
        return None
    return with_primary_contrast(statistics, has_baseline=has_baseline, active=active_name(measures))


def diagnostics_of(measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> pd.DataFrame:
    """Diagnostics of the session-aware model of every measure; empty where there is nothing to contrast."""
    stated = stated_primary(statistics, measures=measures)
    return pd.DataFrame(columns=list(DIAGNOSTIC_COLUMNS)) if stated is None else diagnostics_table(measures, statistics=stated)


def n_comparable(statistics: Mapping[str, Any], *, has_baseline: bool) -> int:
    """Conditions that can be compared with another, or with their baseline."""
    n_conditions = len(statistics["conditions"] or ())
    return n_conditions if n_conditions > 1 or has_baseline else 0


def has_baseline_windows(measures: pd.DataFrame) -> bool:
    """Whether a table of measures has windows that others are compared with."""
    before = pd.to_numeric(measures["window_stop_s"], errors="coerce") <= 0
    named = measures["phase"].isin(["baseline", "rest"]) if "phase" in measures else False
    return bool((before | named).any())


def nothing_to_contrast(statistics: Mapping[str, Any], *, measures: pd.DataFrame) -> pd.DataFrame:
    """The one row of a table of contrasts of a study that has nothing to contrast."""
    reason = "the study has fewer than two conditions" + (" and no baseline" if statistics["conditions"] else "")
    if active_name(measures) == "task":
        reason += "; task and rest within one condition are contrasted when statistics.conditions names it"
    row = {
        "analysis": statistics["primary"]["analysis"],
        "measure": statistics["primary"]["measure"],
        "contrast": "none",
        "status": "nothing_to_contrast",
        "reason": reason,
    }
    return pd.DataFrame([row]).reindex(columns=list(COLUMNS))


def with_primary_contrast(statistics: Mapping[str, Any], *, has_baseline: bool, active: str = "infusion") -> dict[str, Any]:
    """The section with the primary contrast named: the change from baseline, or the mean where no baseline was measured.

    With one condition it is its change from baseline.
    """
    if statistics["primary"].get("contrast"):
        return dict(statistics)
    if len(statistics["conditions"]) == 1:
        contrast = main_name(statistics["conditions"][0], change=True, active=active)
        return {**statistics, "primary": {**statistics["primary"], "contrast": contrast}}
    reference, condition = statistics["conditions"][:2]
    contrast = main_contrast((condition, reference), change=has_baseline, active=active)
    return {**statistics, "primary": {**statistics["primary"], "contrast": contrast}}

"""Command ``contrast``: measures of all sessions to the contrast of conditions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.tables import read_table, write_table
from mrs_pipeline.statistics.analyses import main_contrast
from mrs_pipeline.statistics.contrasts import COLUMNS, contrast_table, marginal_means

REQUIRED = ("participant", "session", "condition", "window", "window_start_s", "window_stop_s", "measure", "value", "sd")


def contrast_file(measures: Path, *, config: Mapping[str, Any], out_dir: Path) -> None:
    """Write ``contrasts.tsv`` and ``marginal_means.tsv`` for a measures table and the `statistics` section of a study.

    A study without conditions has nothing to contrast: its table says so in one row.
    """
    table = read_table(measures, required=REQUIRED)
    if table.empty:
        raise InputError(f"{measures} has a header and no rows: give a table with the measures of all sessions")
    contrasts, means = contrasts_of(table, statistics=config["statistics"])
    with staged_folder(out_dir) as folder:
        write_table(contrasts, folder / "contrasts.tsv")
        write_table(means, folder / "marginal_means.tsv")


def contrasts_of(measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contrasts and marginal means of the primary measure."""
    if not statistics["conditions"] or len(statistics["conditions"]) < 2:
        return _nothing_to_contrast(statistics), pd.DataFrame(columns=["measure", "condition"])
    has_baseline = bool((pd.to_numeric(measures["window_stop_s"], errors="coerce") <= 0).any())
    statistics = with_primary_contrast(statistics, has_baseline=has_baseline)
    primary = statistics["primary"]["measure"]
    means = marginal_means(measures, statistics=statistics, measure=primary)
    means.insert(0, "measure", primary)
    return contrast_table(measures, statistics=statistics), means


def _nothing_to_contrast(statistics: Mapping[str, Any]) -> pd.DataFrame:
    row = {
        "analysis": statistics["primary"]["analysis"],
        "measure": statistics["primary"]["measure"],
        "contrast": "none",
        "status": "nothing_to_contrast",
        "reason": "the study has fewer than two conditions",
    }
    return pd.DataFrame([row]).reindex(columns=list(COLUMNS))


def with_primary_contrast(statistics: Mapping[str, Any], *, has_baseline: bool) -> dict[str, Any]:
    """The section with the primary contrast named: the change from baseline, or the mean where no baseline was measured."""
    if statistics["primary"].get("contrast"):
        return dict(statistics)
    reference, condition = statistics["conditions"][:2]
    contrast = main_contrast((condition, reference), change=has_baseline)
    return {**statistics, "primary": {**statistics["primary"], "contrast": contrast}}

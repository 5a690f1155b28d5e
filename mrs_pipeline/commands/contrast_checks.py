"""What stands beside the contrasts of a study: exclusions with their account, negative controls, sensitivity of the primary contrast."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.errors import MrsPipelineError
from mrs_pipeline.statistics.contrasts import COLUMNS, contrast_table
from mrs_pipeline.statistics.controls import CONTROL_COLUMNS, control_table
from mrs_pipeline.statistics.exclusions import account, active_limits, complete_participants, excluded_windows, window_quality, without


def with_exclusions(
    measures: pd.DataFrame,
    *,
    statistics: Mapping[str, Any],
    fitquality: pd.DataFrame | None,
    windows: pd.DataFrame | None,
    sessions: pd.DataFrame | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The measures of the windows that meet the criteria of the section, and the account of who is left at each stage."""
    limits = active_limits(statistics.get("exclusions"))
    excluded = excluded_windows(window_quality(fitquality=fitquality, windows=windows), limits=limits)
    conditions = tuple(statistics["conditions"] or ())
    table = account(
        measures, measure=statistics["primary"]["measure"], excluded=excluded, limits=limits, conditions=conditions, sessions=sessions
    )
    return without(measures, excluded=excluded), table


def controls_of(measures: pd.DataFrame, *, statistics: Mapping[str, Any] | None, fitquality: pd.DataFrame | None) -> pd.DataFrame:
    """The table of negative controls; empty where there is nothing to contrast."""
    if statistics is None or measures.empty:
        return pd.DataFrame(columns=list(CONTROL_COLUMNS))
    return control_table(measures, statistics=statistics, controls=statistics.get("controls") or [], fitquality=fitquality)


def sensitivity_of(measures: pd.DataFrame, *, everything: pd.DataFrame, statistics: Mapping[str, Any] | None) -> pd.DataFrame:
    """The primary contrast as declared, without exclusions (of ``everything``), and of participants with every condition alone."""
    columns = ["variant", *(name for name in COLUMNS if name != "p_adjusted")]
    if statistics is None:
        return pd.DataFrame(columns=columns)
    primary = statistics["primary"]
    only = {**statistics, "analyses": [primary["analysis"]], "measures": [primary["measure"]]}
    scale = {name: value for name, value in (statistics.get("scale") or {}).items() if name in {"default", primary["measure"]}}
    known = measures[(measures["measure"] == primary["measure"]) & np.isfinite(measures["value"])]
    complete = complete_participants(known, conditions=tuple(statistics["conditions"]))
    variants = {
        "as_declared": measures,
        "without_exclusions": everything,
    }
    if len(complete) or known.empty:  # groups of participants with one condition each have no pairs
        variants["complete_pairs"] = measures[measures["participant"].isin(complete["participant"].unique())]
    rows = [_variant(name, table, statistics={**only, "scale": scale}) for name, table in variants.items()]
    return pd.concat(rows, ignore_index=True).reindex(columns=columns)


def _variant(name: str, measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> pd.DataFrame:
    """The primary contrast of one table, or why there is none."""
    primary = statistics["primary"]
    try:
        found = contrast_table(measures, statistics=statistics)
    except MrsPipelineError as error:
        row = {key: primary[key] for key in ("analysis", "measure", "contrast")}
        return pd.DataFrame([{"variant": name, **row, "status": "not_estimable", "reason": str(error)}])
    named = found[found["contrast"] == primary["contrast"]]  # where all windows are gone, the table does not know of a baseline
    rows: pd.DataFrame = (named if len(named) else found).head(1)
    return rows.assign(variant=name)

"""Command ``linewidth``: what a change of the linewidth does to the contrasts of a study, by estimator.

The same contrasts are computed from fits that hold the widths of the session's mean (`none`: a change of the linewidth shows as one of
amplitudes), from windows brought to one linewidth before that (`matching`), and from fits whose widths are free (`modelling`, `joint`).
Estimators see the same noise, so the difference of two of them is known far better than either: it has rows of its own, computed
from the difference of each window.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.commands.contrast import REQUIRED, has_baseline_windows, n_comparable, nothing_to_contrast, with_primary_contrast
from mrs_pipeline.commands.one_estimator import INDEPENDENT
from mrs_pipeline.commands.outputs import staged_folder
from mrs_pipeline.io.tables import read_table, write_table
from mrs_pipeline.statistics.contrasts import contrast_table
from mrs_pipeline.statistics.design import active_name
from mrs_pipeline.statistics.exclusions import active_limits, excluded_windows, window_quality, without
from mrs_pipeline.statistics.model_tests import main_contrast
from mrs_pipeline.statistics.table_checks import refuse_overlapping

#: Estimator in the measures table -> what it does about the linewidth, in the order of the table.
TREATMENTS: Mapping[str, str] = {
    "lineshape_held": "none",
    "linewidth_matched": "matching",
    INDEPENDENT: "modelling",
    "joint": "joint",
}

#: Analysis that the changes within conditions are from where the primary one does not estimate them.
WITHIN = "session_aware"
FWHM = "fwhm_hz"
WINDOW = ("participant", "session", "window")
COLUMNS = (
    *("measure", "contrast", "estimator", "linewidth", "compared_with", "analysis", "estimate", "unit", "se", "df", "ci_low", "ci_high"),
    *("p", "n_participants", "n_sessions", "n_windows", "status", "reason"),
)


def linewidth_file(measures: Path, *, fitquality: Path, config: Mapping[str, Any], out_dir: Path, windows: Path | None = None) -> None:
    """Write ``linewidth.tsv`` from the group tables of measures and fit quality and the `statistics` section of a study.

    Windows that the section excludes, by fit quality and ``windows``, are left out as they are of the contrasts.
    """
    table, statistics = read_table(measures, required=REQUIRED), config["statistics"]
    refuse_overlapping(table)
    quality, recorded = read_table(fitquality), None if windows is None else read_table(windows)
    limits = active_limits(statistics.get("exclusions"))
    included = without(table, excluded=excluded_windows(window_quality(fitquality=quality, windows=recorded), limits=limits))
    found = linewidth_table(included, fitquality=quality, statistics=statistics)
    with staged_folder(out_dir) as folder:
        write_table(found, folder / "linewidth.tsv")


def linewidth_table(measures: pd.DataFrame, *, fitquality: pd.DataFrame, statistics: Mapping[str, Any]) -> pd.DataFrame:
    """Main contrast and changes within conditions of every measure by every estimator, and of the linewidth itself; `COLUMNS`.

    Rows with ``compared_with`` are differences from that estimator: on the scale log_percent of the logarithms, else of the values. The
    linewidth (measure ``fwhm_hz``) is in Hz. P values are not adjusted: the table is a check of contrasts, not a list of findings.
    """
    if n_comparable(statistics, has_baseline=has_baseline_windows(measures)) == 0:
        return nothing_to_contrast(statistics, measures=measures).reindex(columns=list(COLUMNS))
    if "estimator" not in measures:
        measures = measures.assign(estimator=INDEPENDENT)
    names = [name for name in TREATMENTS if (measures["estimator"] == name).any()]
    parts = [_contrasts(widths(measures, fitquality=fitquality), statistics=_widths_section(statistics)).assign(estimator=INDEPENDENT)]
    for name in names:
        rows = measures[measures["estimator"] == name]
        parts.append(_contrasts(rows, statistics=statistics).assign(estimator=name))
        if name != INDEPENDENT and INDEPENDENT in names:
            apart = differences(rows, reference=measures[measures["estimator"] == INDEPENDENT], scale=statistics.get("scale") or {})
            parts.append(_contrasts(apart, statistics=statistics).assign(estimator=name, compared_with=INDEPENDENT))
    whole: pd.DataFrame = pd.concat(parts, ignore_index=True)
    whole["linewidth"] = whole["estimator"].map(TREATMENTS)
    order = {name: place for place, name in enumerate((FWHM, *statistics["measures"]))}
    return whole.sort_values("measure", key=lambda column: column.map(order), kind="stable").reindex(columns=list(COLUMNS))


def widths(measures: pd.DataFrame, *, fitquality: pd.DataFrame) -> pd.DataFrame:
    """The linewidth of every window as a measure, with the design of the table of measures; NaN where the fit failed."""
    keys = list(WINDOW)
    windows = measures.drop_duplicates(keys).drop(columns=["value", "sd", "sd_within", FWHM], errors="ignore")
    usable = fitquality["status"] == "ok"
    found = fitquality[keys].assign(value=fitquality[FWHM].where(usable), sd=fitquality.get("fwhm_sd_hz", np.nan))
    return windows.merge(found, on=keys, how="left").assign(measure=FWHM)


def differences(rows: pd.DataFrame, *, reference: pd.DataFrame, scale: Mapping[str, str]) -> pd.DataFrame:
    """Rows of one estimator with `value` taken relative to that of `reference` for the same window and measure.

    A quotient for measures on the logarithmic scale (0, which has no logarithm, where either value is not positive), else a difference.
    """
    keys = [*WINDOW, "measure"]
    joined = rows.merge(reference[[*keys, "value"]].rename(columns={"value": "other"}), on=keys, how="left")
    value, other = joined["value"].to_numpy(dtype=float), joined["other"].to_numpy(dtype=float)
    raw = joined["measure"].map(lambda name: scale.get(name, scale.get("default", "log_percent")) == "raw").to_numpy(dtype=bool)
    known = np.isfinite(value) & np.isfinite(other)
    quotient = np.divide(value, other, out=np.zeros_like(value), where=(value > 0.0) & (other > 0.0))
    return joined.assign(value=np.where(known, np.where(raw, value - other, quotient), np.nan), sd=np.nan).drop(columns="other")


def _widths_section(statistics: Mapping[str, Any]) -> dict[str, Any]:
    primary = {**statistics["primary"], "measure": FWHM}
    return {**statistics, "measures": [FWHM], "scale": {FWHM: "raw"}, "primary": primary}


def _contrasts(measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> pd.DataFrame:
    """The main contrasts by the primary analysis and the changes within conditions, with `measures` of one estimator."""
    active = active_name(measures)
    section = with_primary_contrast(statistics, has_baseline=has_baseline_windows(measures), active=active)
    primary = section["primary"]["analysis"]
    found = contrast_table(measures, statistics={**section, "analyses": list(dict.fromkeys([primary, WITHIN]))})
    reference, *others = section["conditions"]
    pairs = {main_contrast((name, reference), change=change, active=active) for name in others for change in (True, False)}
    main = {*pairs, section["primary"]["contrast"]}
    within = {f"{name}: {active} change" for name in section["conditions"]} - main
    kept = (found["contrast"].isin(main) & (found["analysis"] == primary)) | found["contrast"].isin(within)
    chosen = found[kept].drop_duplicates(["measure", "contrast"])
    unit = chosen["unit"].where(chosen["measure"] != FWHM, "Hz")
    rows: pd.DataFrame = chosen.assign(unit=unit, compared_with=None)
    return rows

"""Tables of what stands beside the contrasts: negative controls, sensitivity of the primary contrast, exclusions."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mrs_pipeline.report.contents import as_text, records
from mrs_pipeline.report.tables import Cell, PageTable, number_cell, status_cell, text_cell
from mrs_pipeline.report.wording import decimals_for, p_value, percent

#: Variant of the data -> what it is called.
VARIANTS = {
    "as_declared": "as declared",
    "without_exclusions": "without exclusions",
    "complete_pairs": "participants with every condition",
}


def controls_table(controls: pd.DataFrame, *, confidence: float) -> PageTable:
    """One row a control, with its sentence."""
    headers = (
        "Control",
        "Measure",
        "Estimate",
        f"{percent(confidence)} low",
        f"{percent(confidence)} high",
        "Unit",
        "P",
        "Status",
        "Reading",
    )
    rows = [
        [
            text_cell(row["control"]),
            text_cell(row["measure"]),
            *_result_cells(row),
            status_cell(as_text(row["status"])),
            text_cell(row["sentence"]),
        ]
        for row in records(controls)
    ]
    return PageTable(name="Negative controls", headers=headers, rows=rows)


def sensitivity_table(sensitivity: pd.DataFrame, *, confidence: float) -> PageTable:
    """The primary contrast of each set of data."""
    headers = (
        "Data",
        "Estimate",
        f"{percent(confidence)} low",
        f"{percent(confidence)} high",
        "Unit",
        "P",
        "Participants",
        "Sessions",
        "Windows",
    )
    rows = [
        [text_cell(VARIANTS.get(row["variant"], row["variant"])), *_result_cells(row), *_size_cells(row), text_cell(row["reason"])]
        for row in records(sensitivity)
    ]
    return PageTable(name="Sensitivity", headers=(*headers, "Reason"), rows=rows)


def exclusions_table(exclusions: pd.DataFrame) -> PageTable:
    """Counts at each stage, of all conditions and of each."""
    rows = [
        [text_cell(row["stage"].replace("_", " ")), text_cell(row["criterion"]), text_cell(row["condition"]), *_size_cells(row)]
        for row in records(exclusions)
    ]
    headers = ("Stage", "Criterion", "Condition", "Participants", "Sessions", "Windows")
    return PageTable(name="Participants, sessions and windows at each stage", headers=headers, rows=rows)


def _result_cells(row: Mapping[str, Any]) -> list[Cell]:
    decimals = decimals_for(float(row["se"]))
    limits = [number_cell(row[key], decimals=decimals) for key in ("estimate", "ci_low", "ci_high")]
    return [*limits, text_cell(row["unit"]), number_cell(row["p"], text=p_value(float(row["p"])))]


def _size_cells(row: Mapping[str, Any]) -> list[Cell]:
    return [number_cell(row[key], decimals=0) for key in ("n_participants", "n_sessions", "n_windows")]

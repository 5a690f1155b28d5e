"""Rows of one estimator in a table of measures that has several."""

from typing import TYPE_CHECKING

from mrs_pipeline.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Name of the estimator in the measures table: every spectrum by itself.
INDEPENDENT = "independent"


def of_estimator(measures: "pd.DataFrame", estimator: str, *, name: str) -> "pd.DataFrame":
    """The rows of one estimator; all where the table `name` does not tell. `InputError` if it has none of this."""
    if "estimator" not in measures or measures.empty:
        return measures
    rows = measures[measures["estimator"] == estimator]
    if rows.empty:
        found = ", ".join(sorted(set(measures["estimator"].astype(str))))
        raise InputError(f"{name} has no rows of the estimator '{estimator}' (found: {found}): correct statistics.estimator")
    return rows.reset_index(drop=True)

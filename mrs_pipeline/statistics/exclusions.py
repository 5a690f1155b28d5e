"""Which windows are left out by criteria of quality, blind to condition, and how many participants and sessions are left at each step."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mrs_pipeline.errors import DataError, unknown_name

WINDOW = ["participant", "session", "window"]

COLUMNS = ("stage", "criterion", "condition", "n_participants", "n_sessions", "n_windows")

#: The criterion that judges what is left of a session after those of windows.
MIN_WINDOWS = "min_windows"


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A limit on a column of `window_quality`: windows beyond it are left out."""

    column: str
    is_upper: bool
    table: str


#: Name in the configuration -> what is compared with the limit, in the order in which a window is counted.
CRITERIA: dict[str, Criterion] = {
    "max_fwhm_hz": Criterion(column="fwhm_hz", is_upper=True, table="fitquality"),
    "min_snr": Criterion(column="snr", is_upper=False, table="fitquality"),
    "max_fqn": Criterion(column="fqn", is_upper=True, table="fitquality"),
    "max_rejected_fraction": Criterion(column="rejected_fraction", is_upper=True, table="windows"),
}


def active_limits(section: Mapping[str, float | None] | None) -> dict[str, float]:
    """The criteria of the section that are set; `ConfigError` for a name that is not known."""
    known = (*CRITERIA, MIN_WINDOWS)
    for name in section or {}:
        if name not in known:
            raise unknown_name("criterion in 'statistics: exclusions'", name, known)
    given = {name: (section or {}).get(name) for name in known}
    return {name: float(limit) for name, limit in given.items() if limit is not None}


def window_quality(*, fitquality: pd.DataFrame | None = None, windows: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per participant, session and window: the columns of `CRITERIA` that the tables know, and whether there is a ``fit``.

    The rejected fraction is that of the transients.
    """
    tables = []
    if fitquality is not None:
        known = [*WINDOW, *(name for name in ("fwhm_hz", "snr", "fqn") if name in fitquality)]
        tables.append(fitquality[known].assign(fit=fitquality["status"] == "ok" if "status" in fitquality else True))
    if windows is not None:
        acquired = windows["n_acquired"].where(windows["n_acquired"] > 0)
        tables.append(windows[WINDOW].assign(rejected_fraction=1 - windows["n_retained"] / acquired))
    if not tables:
        return pd.DataFrame(columns=[*WINDOW, "fit"])
    first, *others = tables
    for other in others:
        first = first.merge(other, on=WINDOW, how="outer")
    return first.assign(fit=first["fit"].eq(True) if "fit" in first else True)


def excluded_windows(quality: pd.DataFrame, *, limits: Mapping[str, float]) -> pd.DataFrame:
    """Participant, session, window and criterion of every window that is left out; a window counts for the first criterion it fails.

    Nothing but quality goes in, so that no criterion can know the condition. A window without the number is kept: a fit that failed
    has no value either. After that, all windows go of a session that has fewer than ``min_windows`` fitted ones left.
    `DataError` if a criterion needs a column that the tables do not have.
    """
    failed = pd.Series([None] * len(quality), index=quality.index, dtype=object)
    for name in (name for name in CRITERIA if name in limits):
        criterion = CRITERIA[name]
        if criterion.column not in quality:
            raise DataError(
                f"the exclusion criterion '{name}' needs {criterion.column}, which comes from the table of {criterion.table}: "
                "give that table or set the criterion to null"
            )
        value = quality[criterion.column].astype(float)
        beyond = value > limits[name] if criterion.is_upper else value < limits[name]
        failed = failed.where(failed.notna() | ~beyond, name)
    if MIN_WINDOWS in limits:
        left = (failed.isna() & quality["fit"]).groupby([quality["participant"], quality["session"]], dropna=False).transform("sum")
        failed = failed.where(failed.notna() | (left >= limits[MIN_WINDOWS]), MIN_WINDOWS)
    return quality.assign(criterion=failed).loc[failed.notna(), [*WINDOW, "criterion"]].reset_index(drop=True)


def without(table: pd.DataFrame, *, excluded: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table whose window is not excluded."""
    return table[~_keys(table).isin(_keys(excluded))].reset_index(drop=True)


def account(
    measures: pd.DataFrame,
    *,
    measure: str,
    excluded: pd.DataFrame,
    limits: Mapping[str, float],
    conditions: tuple[str, ...],
    sessions: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Participants, sessions and windows at each stage, of all conditions and of each; columns `COLUMNS`.

    Stages: listed and with_data (if the table of ``sessions`` is there), fitted (windows with a value of the measure), excluded by each
    criterion (windows that would have had a value, and the sessions they are of), analysed (what is left), complete (of that, the
    participants with every condition).
    """
    fitted = measures[(measures["measure"] == measure) & measures["value"].notna()]
    reasons = dict(zip(_keys(excluded), excluded["criterion"], strict=True))
    criterion = pd.Series([reasons.get(key) for key in _keys(fitted)], index=fitted.index, dtype=object)
    analysed = fitted[criterion.isna()]
    stages: list[tuple[str, str | None, pd.DataFrame]] = []
    if sessions is not None:
        listed = sessions if "condition" in sessions else sessions.assign(condition=None)
        stages += [("listed", None, listed), ("with_data", None, listed[listed["status"] != "no_data"])]
    stages.append(("fitted", None, fitted))
    stages += [("excluded", name, fitted[criterion == name]) for name in limits]
    stages.append(("analysed", None, analysed))
    is_within = fitted.groupby("participant")["condition"].nunique().max() > 1
    if len(conditions) == 1 or (conditions and is_within):
        stages.append(("complete", None, complete_participants(analysed, conditions=conditions)))
    rows = [
        _counted(rows, stage=stage, criterion=name, condition=condition)
        for stage, name, rows in stages
        for condition in ("all", *conditions)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"n_windows": "Int64"})


def complete_participants(measures: pd.DataFrame, *, conditions: tuple[str, ...]) -> pd.DataFrame:
    """The rows of the participants that have every condition."""
    inside = measures[measures["condition"].isin(conditions)]
    n = inside.groupby("participant")["condition"].nunique()
    return measures[measures["participant"].isin(n.index[n == len(conditions)])]


def _counted(rows: pd.DataFrame, *, stage: str, criterion: str | None, condition: str) -> dict[str, object]:
    chosen = rows if condition == "all" else rows[rows["condition"] == condition]
    sessions = chosen[["participant", "session"]].drop_duplicates()
    return {
        "stage": stage,
        "criterion": criterion,
        "condition": condition,
        "n_participants": int(sessions["participant"].nunique()),
        "n_sessions": len(sessions),
        "n_windows": len(chosen) if "window" in chosen else None,
    }


def _keys(table: pd.DataFrame) -> pd.Index:
    """Participant, session (empty in a dataset without sessions) and window of each row as one text."""
    texts = table[WINDOW].astype(object).where(table[WINDOW].notna(), "").astype(str)
    return pd.Index(texts.agg("\n".join, axis=1)) if len(table) else pd.Index([], dtype=object)

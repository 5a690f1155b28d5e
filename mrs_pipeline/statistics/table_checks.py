"""Does a table of measures describe a crossover? Each check raises one sentence naming the row and what to do."""

import numpy as np
import pandas as pd

from mrs_pipeline.errors import DataError

REQUIRED = ("participant", "session", "condition", "window", "window_start_s", "window_stop_s", "measure", "value")

#: Windows of one name may start this far apart in different sessions, in units of their length.
MAX_START_DIFFERENCE = 0.5

#: Name of a window's phase in the table of measures -> what it is in a contrast: what others are compared with, or what is compared.
PHASES = {"baseline": "baseline", "infusion": "infusion", "rest": "baseline", "task": "infusion", "recording": "infusion"}

#: Levels of a block design: their windows take turns, so that the times of two levels may interleave.
BLOCK_LEVELS = ("rest", "task")

_OVERLAP = "overlapping windows share transients, so their errors are correlated: contrast the measures of disjoint windows"

#: Windows of one session may share this much time (rounding), s.
MAX_OVERLAP_S = 1e-6


def checked_layout(measures: pd.DataFrame, *, conditions: tuple[str, ...], covariates: tuple[str, ...]) -> pd.DataFrame:
    """The rows of ``conditions`` with a ``phase`` (baseline or infusion) and the ``level`` it is called by, sorted.

    The column ``phase`` of the table says it, with rest and task of block designs as baseline and infusion; a window without one is
    baseline if it stops at or before 0 s. ``period`` is dropped if it holds no value. `DataError` for anything that contradicts a
    crossover of disjoint windows.
    """
    refuse_overlapping(measures)
    _require_columns(measures, covariates=covariates)
    table = measures.astype({"participant": str, "session": str, "condition": str, "measure": str})
    table = _known_conditions(table, conditions=conditions)
    _refuse_duplicates(table)
    sessions = _sessions(table)
    _check_conditions(sessions)
    _check_sequences(table)
    table = _check_periods(table)
    table = _with_phases(table)
    _check_windows(table)
    return table.sort_values(["measure", "participant", "session", "window_start_s"]).reset_index(drop=True)


def refuse_overlapping(table: pd.DataFrame) -> None:
    """`DataError` for a table whose column ``overlapping`` marks windows that share transients, such as moving ones."""
    if "overlapping" in table.columns and table["overlapping"].astype(str).str.lower().isin(("true", "1", "1.0")).any():
        raise DataError(f"the table of measures holds moving windows, marked as overlapping: {_OVERLAP}")


def _with_phases(table: pd.DataFrame) -> pd.DataFrame:
    by_time = pd.Series(np.where(table["window_stop_s"] <= 0, "baseline", "infusion"), index=table.index)
    level = table["phase"].fillna(by_time).astype(str) if "phase" in table.columns else by_time
    unknown = sorted(str(name) for name in set(level) - set(PHASES))
    if unknown:
        raise DataError(f"the column 'phase' of the table of measures holds '{unknown[0]}': use one of {', '.join(PHASES)}")
    return table.assign(level=level, phase=level.map(PHASES))


def _require_columns(measures: pd.DataFrame, *, covariates: tuple[str, ...]) -> None:
    """All required columns and numeric covariates are there."""
    missing = [column for column in REQUIRED if column not in measures.columns]
    if missing:
        raise DataError(f"the table of measures has no column '{missing[0]}': it needs {', '.join(REQUIRED)}")
    for column in covariates:
        if column not in measures.columns:
            raise DataError(f"the covariate '{column}' is not a column of the table of measures: it has {', '.join(measures.columns)}")
    numbers = ("value", "window_start_s", "window_stop_s", *(["sd"] if "sd" in measures.columns else []), *covariates)
    for column in numbers:
        if not measures[column].isna().all() and not pd.api.types.is_numeric_dtype(measures[column]):
            raise DataError(f"the column '{column}' of the table of measures holds text: it must be numbers")
    for column in ("participant", "session", "condition", "window", "window_start_s", "window_stop_s"):
        if measures[column].isna().any():
            raise DataError(f"the column '{column}' of the table of measures has missing entries: fill them in or remove those rows")


def _known_conditions(table: pd.DataFrame, *, conditions: tuple[str, ...]) -> pd.DataFrame:
    """The rows of the configured conditions; a configured name that is absent while others are present is a misspelling."""
    present = sorted(set(table["condition"]))
    others = [name for name in present if name not in conditions]
    for name in conditions:
        if name not in present and others:
            raise DataError(f"the condition '{name}' is not in the table of measures, which has {', '.join(present)}")
    kept = table[table["condition"].isin(conditions)].copy()
    kept.attrs["other_conditions"] = tuple(others)
    return kept


def _refuse_duplicates(table: pd.DataFrame) -> None:
    """One row per participant, session, window and measure."""
    key = ["participant", "session", "window", "measure"]
    twice = table[table.duplicated(key)]
    if len(twice):
        row = twice.iloc[0]
        raise DataError(
            f"the table of measures has {row['measure']} of participant {row['participant']}, session {row['session']}, "
            f"window {row['window']} more than once: remove the duplicate rows"
        )


def _sessions(table: pd.DataFrame) -> pd.DataFrame:
    """Participant, session, condition of every session; a session has one condition."""
    sessions = table[["participant", "session", "condition"]].drop_duplicates()
    mixed = sessions[sessions.duplicated(["participant", "session"])]
    if len(mixed):
        row = mixed.iloc[0]
        raise DataError(f"session {row['session']} of participant {row['participant']} is listed under two conditions: correct the table")
    return sessions


def _check_conditions(sessions: pd.DataFrame) -> None:
    """A participant has one session of each condition."""
    twice = sessions[sessions.duplicated(["participant", "condition"])]
    if len(twice):
        row = twice.iloc[0]
        raise DataError(
            f"participant {row['participant']} has two sessions under '{row['condition']}': a crossover has one session per condition, "
            "so correct the condition or leave one session out"
        )


def _check_sequences(table: pd.DataFrame) -> None:
    """A participant follows one sequence."""
    if "sequence" not in table.columns:
        return
    n_sequences = table.groupby("participant")["sequence"].nunique()
    if (n_sequences > 1).any():
        raise DataError(f"participant {n_sequences.idxmax()} is listed in two sequences: a participant follows one, correct the table")


def _check_periods(table: pd.DataFrame) -> pd.DataFrame:
    """The table without an empty period column; periods, if any, differ between the sessions of a participant."""
    if "period" not in table.columns or table["period"].isna().all():
        return table.drop(columns="period", errors="ignore")
    if table["period"].isna().any():
        row = table[table["period"].isna()].iloc[0]
        raise DataError(
            f"session {row['session']} of participant {row['participant']} has no period: fill it in for all sessions or for none"
        )
    sessions = table[["participant", "session", "period"]].drop_duplicates()
    for key, what in (
        (["participant", "session"], "has two periods"),
        (["participant", "period"], "shares its period with another session"),
    ):
        wrong = sessions[sessions.duplicated(key)]
        if len(wrong):
            row = wrong.iloc[0]
            raise DataError(
                f"session {row['session']} of participant {row['participant']} {what}: number the periods in the order of the visits"
            )
    return table


def _check_windows(table: pd.DataFrame) -> None:
    """Windows last longer than nothing, do not overlap in a session or level of a block design, and mean the same time in every session."""
    columns = ["participant", "session", "window", "window_start_s", "window_stop_s"]
    turn = table["level"].where(table["level"].isin(BLOCK_LEVELS), "")
    windows = table[columns].assign(turn=turn).drop_duplicates().sort_values(["participant", "session", "window_start_s", "window_stop_s"])
    length_s = windows["window_stop_s"] - windows["window_start_s"]
    if (length_s <= 0).any():
        row = windows[length_s <= 0].iloc[0]
        raise DataError(f"window {row['window']} of participant {row['participant']}, session {row['session']} stops before it starts")
    previous_stop_s = windows.groupby(["participant", "session", "turn"])["window_stop_s"].shift()
    overlapping = windows[windows["window_start_s"] < previous_stop_s - MAX_OVERLAP_S]
    if len(overlapping):
        row = overlapping.iloc[0]
        raise DataError(
            f"window {row['window']} of participant {row['participant']}, session {row['session']} overlaps the one before it: {_OVERLAP}"
        )
    apart = (windows["window_start_s"] - windows.groupby("window")["window_start_s"].transform("median")).abs()
    if (apart > MAX_START_DIFFERENCE * length_s).any():
        row = windows[apart > MAX_START_DIFFERENCE * length_s].iloc[0]
        raise DataError(
            f"window {row['window']} of participant {row['participant']}, session {row['session']} starts at {row['window_start_s']:g} s, "
            "far from where the window of that name starts in other sessions: give the windows of all sessions the same names"
        )

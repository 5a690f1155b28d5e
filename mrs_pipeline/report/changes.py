"""Numbers behind the figures: change from baseline, means over participants with intervals, order of conditions."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from mrs_pipeline.report.contents import normalised

SESSION = ["participant", "session"]


def condition_order(found: Iterable[str], *, conditions: Sequence[str] = ()) -> list[str]:
    """The conditions that occur: in the order asked for, then the others by name."""
    present = set(found)
    return [name for name in conditions if name in present] + sorted(present - set(conditions))


def session_changes(measures: pd.DataFrame, *, measure: str) -> pd.DataFrame:
    """Rows of one measure with ``minutes`` (middle of the window), ``is_baseline`` and ``change_percent``.

    The change is relative to the plain mean of the session's baseline windows (`with_minutes`); it is NaN where a session has no
    usable baseline. Raises `DataError` if the table lacks a column.
    """
    rows = normalised(measures, name="measures")
    rows = with_minutes(rows[rows["measure"] == measure])
    rows = rows.drop(columns=["baseline", "change_percent"], errors="ignore")
    baseline = rows[rows["is_baseline"]].groupby(SESSION)["value"].mean().rename("baseline").reset_index()
    rows = rows.merge(baseline, on=SESSION, how="left")
    rows["change_percent"] = 100.0 * (rows["value"] / rows["baseline"].where(rows["baseline"] != 0.0) - 1.0)
    return rows.sort_values([*SESSION, "window_start_s"], kind="stable").reset_index(drop=True)


def rejected(transients: pd.DataFrame) -> pd.Series:
    """Which rows of a table of transients were rejected, as booleans; a missing flag counts as kept."""
    return pd.Series([flag is True for flag in transients["rejected"]], index=transients.index, dtype=bool)


def with_minutes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the time of their window in minutes and whether they are what others are compared with.

    The time is the mean of the averaged transients where it is known, else the middle of the window. Windows of the phases baseline and
    rest are compared with; without a phase those that end at or before 0 s.
    """
    middle = (rows["window_start_s"] + rows["window_stop_s"]) / 2.0
    time_s = rows["mean_time_s"].fillna(middle) if "mean_time_s" in rows else middle
    return rows.assign(minutes=time_s / 60.0, is_baseline=is_reference(rows))


def is_reference(rows: pd.DataFrame) -> pd.Series:
    """Whether the windows of rows are what others are compared with, as booleans."""
    early = rows["window_stop_s"] <= 0.0
    return early if "phase" not in rows else rows["phase"].isin(["baseline", "rest"]).where(rows["phase"] != "", early).astype(bool)


def phase_names(rows: pd.DataFrame) -> tuple[str, str]:
    """What the windows that others are compared with, and the others, are called: baseline and infusion, or rest and task."""
    return ("rest", "task") if "phase" in rows and bool((rows["phase"] == "task").any()) else ("baseline", "infusion")


def infusion_means(changes: pd.DataFrame, *, value: str = "change_percent") -> pd.DataFrame:
    """Mean over the windows after the start of infusion: one row per session with participant, session, condition, value."""
    infusion = changes[~changes["is_baseline"].astype(bool)].dropna(subset=[value])
    return infusion.groupby([*SESSION, "condition"])[value].mean().reset_index()


def mean_interval(values: Iterable[float]) -> tuple[int, float, float, float]:
    """Number of finite values, their mean and its 95 % interval (Student's t); NaN limits below two values."""
    finite = np.asarray([v for v in values if np.isfinite(v)], dtype=float)
    n = finite.size
    mean = float(finite.mean()) if n else float("nan")
    if n < 2:
        return n, mean, float("nan"), float("nan")
    half = float(stdtrit(n - 1, 0.975)) * float(finite.std(ddof=1)) / float(np.sqrt(n))
    return n, mean, mean - half, mean + half


def condition_means(rows: pd.DataFrame, *, value: str) -> pd.DataFrame:
    """Mean and 95 % interval over participants for each condition and window, ordered in time.

    Columns condition, window, minutes, is_baseline, n, estimate, ci_low, ci_high. Sessions of one participant in one
    condition are averaged first, so that n counts participants.
    """
    finite = rows.dropna(subset=[value, "minutes"])
    keys = ["condition", "window", "participant"]
    people = finite.groupby(keys, as_index=False).agg({value: "mean", "minutes": "mean", "is_baseline": "first"})
    summary = []
    for (condition, window), group in people.groupby(["condition", "window"], sort=True):
        n, mean, low, high = mean_interval(group[value])
        middle, baseline = float(group["minutes"].mean()), bool(group["is_baseline"].iloc[0])
        summary.append((condition, window, middle, baseline, n, mean, low, high))
    columns = ["condition", "window", "minutes", "is_baseline", "n", "estimate", "ci_low", "ci_high"]
    return pd.DataFrame(summary, columns=columns).sort_values(["condition", "minutes"], kind="stable").reset_index(drop=True)


def session_intervals(measures: pd.DataFrame, *, measure: str) -> pd.DataFrame:
    """Change from baseline (%) of one session with the interval of +-1.96 SD of each window's own value (`error_within`).

    Columns condition, window_start_s, window_stop_s, estimate, ci_low, ci_high; the uncertainty of the baseline is not in it.
    """
    rows = session_changes(measures, measure=measure)
    half = 1.96 * 100.0 * (error_within(rows) / rows["baseline"]).abs()
    change = rows["change_percent"]
    return rows[["condition", "window_start_s", "window_stop_s"]].assign(estimate=change, ci_low=change - half, ci_high=change + half)


def error_within(rows: pd.DataFrame) -> pd.Series:
    """Standard error of differences within a session (``sd_within``); that of the level where the table does not have it."""
    level = rows["sd"].astype(float)
    return rows["sd_within"].astype(float).fillna(level) if "sd_within" in rows else level


def moving_changes(moving: pd.DataFrame, *, changes: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Minutes and change (%) of the moving windows of a session, relative to the baseline in its `session_changes`; no failed fits."""
    baseline = changes["baseline"].dropna()
    rows = with_minutes(moving[(moving["measure"] == measure) & (moving["status"] == "ok")])
    level = float(baseline.iloc[0]) if len(baseline) else float("nan")
    return rows.assign(change_percent=100.0 * (rows["value"] / level - 1.0)).dropna(subset=["change_percent"])[
        ["minutes", "change_percent"]
    ]


def window_times(measures: pd.DataFrame) -> pd.DataFrame:
    """Start, stop and condition of every window: one row per participant, session and window."""
    columns = [*SESSION, "window", "condition", "window_start_s", "window_stop_s", "mean_time_s", "phase"]
    return normalised(measures, name="measures")[columns].drop_duplicates(subset=[*SESSION, "window"]).reset_index(drop=True)

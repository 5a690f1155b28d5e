"""From the table of measures to the crossover data of one measure: what is checked, what is dropped and how that is said."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.comparisons import Comparison, Factors, comparisons
from mrs_pipeline.statistics.options import ModelOptions, Options
from mrs_pipeline.statistics.table_checks import checked_layout

#: Participants that a contrast needs: with all its conditions, or with one of them in a comparison of groups, in which each has some.
MIN_PARTICIPANTS, MIN_GROUP = 4, 2


class UnanswerableError(DataError):
    """Data that are sound but cannot answer the question; becomes a row with this status and reason instead of a number."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much data stand behind a number."""

    n_participants: int
    n_sessions: int
    n_windows: int


def size_of(rows: pd.DataFrame) -> Size:
    """Participants, sessions and windows in rows of a table of measures."""
    sessions = rows[["participant", "session"]].drop_duplicates()
    return Size(n_participants=int(sessions["participant"].nunique()), n_sessions=len(sessions), n_windows=len(rows))


def active_name(rows: pd.DataFrame) -> str:
    """What the windows that are compared are called in a table of measures: infusion, or task in a block design."""
    column = "level" if "level" in rows.columns else "phase"
    return "task" if column in rows.columns and bool((rows[column] == "task").any()) else "infusion"


@dataclass(frozen=True, kw_only=True)
class MeasureData:
    """One measure of all sessions, ready to be modelled.

    ``rows``: participant session condition window phase y known_variance (+ period, covariates), one row per window with a value.
    ``windows``: window start_s stop_s phase, in order of time, each seen under every condition. ``y`` is on the scale of ``unit``.
    ``design`` is crossover, parallel (a participant has one condition), mixed (some of the conditions) or pre_post (there is one);
    ``model`` is how mixed models describe the residuals. ``notes`` say in words what was dropped or left out.
    """

    measure: str
    unit: str
    rows: pd.DataFrame
    windows: pd.DataFrame
    conditions: tuple[str, ...]
    covariates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    factors: Factors = field(default_factory=dict)
    design: str = "crossover"
    model: ModelOptions = field(default_factory=ModelOptions)

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """What is compared."""
        return comparisons(self.conditions, factors=self.factors)

    @property
    def has_baseline(self) -> bool:
        """Whether there are windows before the infusion."""
        return bool((self.windows["phase"] == "baseline").any())

    @property
    def active(self) -> str:
        """What the windows that are compared are called: infusion, or task in a block design."""
        return active_name(self.rows)

    @property
    def has_period(self) -> bool:
        """Whether the order of the sessions is known and can be adjusted for."""
        return "period" in self.rows.columns

    def constant_in_sessions(self, column: str) -> bool:
        """Whether a column has one value in all windows of a session, as age has and linewidth has not."""
        return bool((self.rows.groupby(["participant", "session"])[column].nunique() <= 1).all())

    def infusion_only(self) -> "MeasureData":
        """The same data without the baseline windows."""
        keep = self.windows["phase"] == "infusion"
        rows = self.rows[self.rows["phase"] == "infusion"].reset_index(drop=True)
        return replace(self, rows=rows, windows=self.windows[keep].reset_index(drop=True))

    @cached_property
    def size(self) -> Size:
        """Participants, sessions and windows in the data."""
        return size_of(self.rows)

    @cached_property
    def participants(self) -> dict[str, frozenset[str]]:
        """Participants with a value, by condition."""
        seen = self.rows[["participant", "condition"]].drop_duplicates().groupby("condition")["participant"].agg(frozenset)
        return {str(condition): names for condition, names in seen.items()}

    def n_complete(self, *, pair: tuple[str, str]) -> int:
        """Participants with values under both conditions of a pair."""
        return len(self.participants[pair[0]] & self.participants[pair[1]])

    def group_sizes(self, comparison: Comparison) -> tuple[int, ...]:
        """Participants behind a comparison: those with all its conditions, or, between groups, those with each condition."""
        groups = [self.participants[condition] for condition in comparison.conditions]
        if self.design in ("crossover", "pre_post"):
            return (len(frozenset.intersection(*groups)),)
        return tuple(len(group) for group in groups)

    def shortage(self, comparison: Comparison) -> str:
        """Why a comparison has too few participants; empty where it has enough."""
        sizes = self.group_sizes(comparison)
        if len(sizes) > 1:
            if min(sizes) >= MIN_GROUP and sum(sizes) >= MIN_PARTICIPANTS:
                return ""
            found = ", ".join(f"{size} under '{name}'" for size, name in zip(sizes, comparison.conditions, strict=True))
            needs = f"a comparison of groups needs at least {MIN_PARTICIPANTS}, {MIN_GROUP} in each"
            return f"{self.measure} was measured in {found}; {needs}"
        conditions = {1: "", 2: " under both conditions"}.get(len(comparison.conditions), " under all conditions")
        if sizes[0] >= MIN_PARTICIPANTS:
            return ""
        return f"{sizes[0]} participants have {self.measure}{conditions}; a contrast needs at least {MIN_PARTICIPANTS}"


def checked_measures(measures: pd.DataFrame, *, options: Options) -> pd.DataFrame:
    """The rows of the configured conditions with a ``phase`` column, sorted; every check of `table_checks` passed.

    Other conditions are left out. `DataError` says which row contradicts the design and what to do.
    """
    checked = checked_layout(measures, conditions=options.conditions, covariates=options.covariates)
    _require_design(checked, options=options)
    return checked


def _require_design(checked: pd.DataFrame, *, options: Options) -> None:
    """`DataError` unless the table has the declared design, if one is declared."""
    if options.design is None:
        return
    n_conditions = checked.groupby("participant")["condition"].nunique()
    if options.design == "pre_post" and len(options.conditions) > 1:
        raise DataError("statistics.design is pre_post, the change within one condition: name one condition in statistics.conditions")
    if options.design == "parallel" and (n_conditions > 1).any():
        raise DataError(
            f"statistics.design is parallel, but participant {n_conditions.idxmax()} has sessions under {n_conditions.max()} conditions: "
            "correct the table, or declare a crossover"
        )
    if options.design == "crossover" and not (n_conditions > 1).any():
        raise DataError(
            "statistics.design is crossover, but every participant has sessions under one condition only: give the sessions of a person "
            "the same participant, or declare parallel groups"
        )


def _design_of(rows: pd.DataFrame, *, conditions: tuple[str, ...]) -> str:
    """The design that rows of these conditions have."""
    if len(conditions) == 1:
        return "pre_post"
    seen = rows.groupby("participant")["condition"].agg(frozenset)
    if max(len(names) for names in seen) == 1:
        return "parallel"
    together = [any({condition, conditions[0]} <= names for names in seen) for condition in conditions[1:]]
    return "crossover" if all(together) else "mixed"


def measure_data(checked: pd.DataFrame, *, measure: str, options: Options) -> MeasureData:
    """Data of one measure from a table that passed `checked_measures`.

    Values that are not a number (failed fits) are dropped and counted: likelihood methods take them as missing at random.
    `UnanswerableError` if the data cannot answer: nothing there, one condition only, too few participants, values not positive.
    """
    rows = checked[checked["measure"] == measure]
    notes: list[str] = []
    rows = _complete_rows(rows, measure=measure, options=options, notes=notes)
    rows, unit = _on_scale(rows, measure=measure, scale=options.scale_of(measure))
    present = tuple(condition for condition in options.conditions if condition in set(rows["condition"]))
    if len(present) < min(2, len(options.conditions)):
        raise UnanswerableError("one_condition", f"{measure} was measured under '{present[0]}' only: there is nothing to contrast it with")
    windows, rows = _common_windows(rows, n_conditions=len(present), notes=notes)
    design = _design_of(rows, conditions=present)
    if design in ("parallel", "mixed"):
        notes.append("conditions are compared between participants" + (" and within them" if design == "mixed" else ""))
    if "period" not in rows.columns and design in ("crossover", "mixed"):
        notes.append("the order of the sessions is not in the table (period), so the estimate is not adjusted for it")
    others = checked.attrs.get("other_conditions", ())
    if others:
        notes.append(f"sessions under {', '.join(others)} are not among statistics.conditions and were left out")
    data = MeasureData(
        measure=measure,
        unit=unit,
        rows=rows.reset_index(drop=True),
        windows=windows,
        conditions=present,
        covariates=options.covariates,
        notes=tuple(notes),
        factors=options.factors,
        design=design,
        model=options.model,
    )
    _require_participants(data)
    return data


def _complete_rows(rows: pd.DataFrame, *, measure: str, options: Options, notes: list[str]) -> pd.DataFrame:
    """Rows with a value and every covariate; notes say how many were dropped."""
    if rows["value"].notna().sum() == 0:
        raise UnanswerableError("no_data", f"there is no value of {measure} in the table of measures")
    for column in ("value", *options.covariates):
        missing = int((~np.isfinite(rows[column].astype(float))).sum())
        if missing:
            notes.append(f"{missing} of {len(rows)} windows without {column} dropped as missing at random")
        rows = rows[np.isfinite(rows[column].astype(float))]
    if rows.empty:
        raise UnanswerableError("no_data", f"no window has both a value of {measure} and every covariate")
    return rows


def _on_scale(rows: pd.DataFrame, *, measure: str, scale: str) -> tuple[pd.DataFrame, str]:
    """Rows with the outcome ``y`` and the variance of its measurement error, and the unit of both."""
    value = rows["value"].to_numpy(dtype=float)
    sd = rows["sd"].to_numpy(dtype=float) if "sd" in rows.columns else np.full(len(rows), np.nan)
    if scale == "raw":
        return rows.assign(y=value, known_variance=sd**2), "measure unit"
    if np.any(value <= 0):
        first = rows[value <= 0].iloc[0]
        raise UnanswerableError(
            "invalid_values",
            f"{measure} is not positive in {int(np.sum(value <= 0))} windows, the first in participant {first['participant']}, session "
            f"{first['session']}, window {first['window']}, and has no logarithm: set 'statistics: scale: {measure}: raw' or leave it out",
        )
    return rows.assign(y=100 * np.log(value), known_variance=(100 * sd / value) ** 2), "%"


def _common_windows(rows: pd.DataFrame, *, n_conditions: int, notes: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The windows seen under every condition, and their rows."""
    seen = rows.groupby("window")["condition"].transform("nunique")
    for window in rows.loc[seen < n_conditions, "window"].unique():
        notes.append(f"window {window} left out because it was not seen under every condition")
    kept = rows[seen == n_conditions]
    grouped = kept.groupby("window", sort=False)
    windows = pd.DataFrame(
        {"start_s": grouped["window_start_s"].median(), "stop_s": grouped["window_stop_s"].median(), "phase": grouped["phase"].first()}
    )
    windows = windows.sort_values("start_s").rename_axis("window").reset_index()
    if not (windows["phase"] == "infusion").any():
        raise UnanswerableError(
            "no_infusion_windows", "no window after the start of the infusion or of the task was measured in every condition"
        )
    return windows, kept


def _require_participants(data: MeasureData) -> None:
    """`UnanswerableError` unless one comparison has enough participants, and a change from baseline a baseline."""
    if data.design == "pre_post" and not data.has_baseline:
        where = f"under '{data.conditions[0]}' only and not before the infusion"
        raise UnanswerableError("no_baseline", f"{data.measure} was measured {where}: there is nothing to compare it with")
    shortages = [data.shortage(comparison) for comparison in data.comparisons]
    if all(shortages):
        raise UnanswerableError("too_few_participants", shortages[0])

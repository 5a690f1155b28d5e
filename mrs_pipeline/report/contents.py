"""What a page is made from: result tables, brought to one form so that a missing column or an empty table breaks nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError
from mrs_pipeline.report.window_spectra import WindowSpectra


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns a table is read for: those it cannot do without, and those filled with nothing where absent."""

    required: tuple[str, ...]
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """All columns, texts first."""
        return self.texts + self.numbers + self.flags


TABLES: dict[str, Columns] = {
    "measures": Columns(
        required=("participant", "session", "window", "window_start_s", "window_stop_s", "measure", "value"),
        texts=("participant", "session", "condition", "period", "sequence", "window", "measure", "phase"),
        numbers=("window_start_s", "window_stop_s", "mean_time_s", "value", "sd", "sd_within"),
    ),
    "contrasts": Columns(
        required=("analysis", "measure", "contrast", "estimate"),
        texts=("analysis", "measure", "contrast", "unit", "status", "reason"),
        numbers=("estimate", "se", "df", "ci_low", "ci_high", "p", "p_adjusted", "n_participants", "n_sessions", "n_windows"),
    ),
    "controls": Columns(
        required=("control", "estimate"),
        texts=("control", "measure", "unit", "status", "sentence"),
        numbers=("estimate", "se", "ci_low", "ci_high", "p"),
    ),
    "sensitivity": Columns(
        required=("variant", "estimate"),
        texts=("variant", "unit", "status", "reason"),
        numbers=("estimate", "se", "ci_low", "ci_high", "p", "n_participants", "n_sessions", "n_windows"),
    ),
    "exclusions": Columns(
        required=("stage", "condition"),
        texts=("stage", "criterion", "condition"),
        numbers=("n_participants", "n_sessions", "n_windows"),
    ),
    "linewidth": Columns(
        required=("measure", "contrast", "linewidth", "estimate"),
        texts=("measure", "contrast", "estimator", "linewidth", "compared_with", "analysis", "unit", "status", "reason"),
        numbers=("estimate", "se", "df", "ci_low", "ci_high", "p"),
    ),
    "fitquality": Columns(
        required=("participant", "session", "window"),
        texts=("participant", "session", "window", "status", "reason", "warnings"),
        numbers=("snr", "fwhm_hz", "shift_hz", "phase_deg", "fqn"),
    ),
    "transients": Columns(
        required=("participant", "session", "transient"),
        texts=("participant", "session", "reason"),
        numbers=("transient", "run", "time_s", "frequency_shift_hz", "phase_rad", "amplitude"),
        flags=("rejected",),
    ),
    "sessions": Columns(
        required=("participant", "session"),
        texts=("participant", "session", "condition", "period", "status", "reason"),
        numbers=("n_transients", "n_rejected", "infusion_start_s"),
        flags=("has_reference",),
    ),
    "marginal_means": Columns(
        required=("condition", "window_start_s", "window_stop_s", "estimate"),
        texts=("measure", "condition"),
        numbers=("window_start_s", "window_stop_s", "estimate", "ci_low", "ci_high"),
    ),
    "moving": Columns(
        required=("window", "window_start_s", "window_stop_s", "measure", "value"),
        texts=("window", "measure", "status"),
        numbers=("window_start_s", "window_stop_s", "mean_time_s", "value", "sd"),
    ),
    "amplitudes": Columns(
        required=("window", "metabolite", "amplitude"),
        texts=("participant", "session", "window", "metabolite"),
        numbers=("amplitude", "sd", "sd_within"),
    ),
    "correlations": Columns(
        required=("window", "metabolite", "metabolite_2", "correlation"),
        texts=("participant", "session", "window", "metabolite", "metabolite_2"),
        numbers=("window_start_s", "window_stop_s", "correlation", "correlation_within"),
    ),
    "history": Columns(required=("step",), texts=("step", "method", "details")),
}

_TRUE = ("true", "1", "1.0", "yes")
_FALSE = ("false", "0", "0.0", "no")


def as_text(value: object) -> str:
    """A cell as text: nothing for a missing value, no ``.0`` behind a whole number."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        if value.is_integer():
            return str(int(value))
    return str(value)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries by column name."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _as_flag(value: object) -> bool | None:
    text = as_text(value).strip().lower()
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def normalised(table: pd.DataFrame, *, name: str) -> pd.DataFrame:
    """A copy of a table with every column of ``TABLES[name]``: texts as str, numbers as float, flags True/False/None.

    Unknown columns stay. Absent columns are filled with "", NaN and None. Raises `DataError` if the table has rows but
    lacks a column it cannot do without.
    """
    columns = TABLES[name]
    missing = [column for column in columns.required if column not in table.columns]
    if missing and len(table):
        raise DataError(f"table '{name}' has no column '{missing[0]}': a report needs {', '.join(columns.required)}")
    whole = table.reindex(columns=[*columns.every, *(c for c in table.columns if c not in columns.every)]).reset_index(drop=True)
    for column in columns.texts:
        whole[column] = pd.Series([as_text(value) for value in whole[column]], dtype=object)
    for column in columns.numbers:
        whole[column] = pd.to_numeric(whole[column], errors="coerce").astype(float)
    for column in columns.flags:
        whole[column] = pd.Series([_as_flag(value) for value in whole[column]], dtype=object)
    return whole


@dataclass(frozen=True, kw_only=True, eq=False)
class ExampleFit:
    """One fitted spectrum to show: columns ``ppm data fit baseline residual`` (real parts) and one for each component."""

    title: str
    curves: pd.DataFrame
    description: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupReport:
    """Everything the group page says. Any table may be empty; `DataError` if one lacks a column it cannot do without.

    ``primary`` names the one primary result by ``analysis``, ``measure`` and ``contrast`` (without a contrast: the first of that
    analysis and measure). ``conditions`` gives the order (and so the colours) of conditions; those left out follow by name.
    ``marginal_means`` (optional: condition, window_start_s, window_stop_s, estimate, ci_low, ci_high in per cent of baseline, and
    measure; those without a measure belong to the primary one) replaces the plain means in the time course.
    ``infusion_stop_s`` (from the start of infusion) ends the shaded infusion; without it the shade reaches the end of the last
    window. ``sessions`` may have ``infusion_start_s``, the start of infusion on the session clock of ``transients`` (0 where
    absent). ``confidence`` is that of the contrasts' intervals. ``amplitudes`` and ``correlations`` are those of all sessions,
    or of what is shown of them; ``spectra`` are the windows of each session by participant and session.
    """

    title: str
    measures: pd.DataFrame = field(default_factory=pd.DataFrame)
    contrasts: pd.DataFrame = field(default_factory=pd.DataFrame)
    fitquality: pd.DataFrame = field(default_factory=pd.DataFrame)
    transients: pd.DataFrame = field(default_factory=pd.DataFrame)
    sessions: pd.DataFrame = field(default_factory=pd.DataFrame)
    marginal_means: pd.DataFrame = field(default_factory=pd.DataFrame)
    controls: pd.DataFrame = field(default_factory=pd.DataFrame)
    sensitivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    exclusions: pd.DataFrame = field(default_factory=pd.DataFrame)
    linewidth: pd.DataFrame = field(default_factory=pd.DataFrame)
    amplitudes: pd.DataFrame = field(default_factory=pd.DataFrame)
    correlations: pd.DataFrame = field(default_factory=pd.DataFrame)
    spectra: Mapping[tuple[str, str], WindowSpectra] = field(default_factory=dict)
    primary: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    confidence: float = 0.95
    infusion_stop_s: float | None = None
    examples: tuple[ExampleFit, ...] = ()
    session_pages: Mapping[tuple[str, str], str] = field(default_factory=dict)
    basis_page: str = ""
    basis_remarks: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bring every table to its form."""
        names = (
            "measures", "contrasts", "fitquality", "transients", "sessions", "marginal_means", "controls", "sensitivity", "exclusions",
            "linewidth", "amplitudes", "correlations",
        )  # fmt: skip
        for name in names:
            object.__setattr__(self, name, normalised(getattr(self, name), name=name))


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionReport:
    """Everything the page of one session says. Tables need no participant and session columns; any may be empty.

    ``fits`` are the windows in order, ``spectra`` all of them on one axis, ``moving`` the measures of overlapping ones that
    are drawn and no more; ``history`` has a row per processing step (step, method, details), ``steps`` are their records
    (step, values); ``has_reference`` is whether there was a water reference, None if that is not known. ``infusion_start_s`` is on
    the session clock of ``transients``, ``infusion_stop_s`` counts from the start of infusion; 0: there was none.
    """

    title: str
    participant: str
    session: str
    condition: str = ""
    status: str = ""
    reason: str = ""
    has_reference: bool | None = None
    measures: pd.DataFrame = field(default_factory=pd.DataFrame)
    amplitudes: pd.DataFrame = field(default_factory=pd.DataFrame)
    correlations: pd.DataFrame = field(default_factory=pd.DataFrame)
    fitquality: pd.DataFrame = field(default_factory=pd.DataFrame)
    transients: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    steps: tuple[Mapping[str, object], ...] = ()
    fits: tuple[ExampleFit, ...] = ()
    spectra: WindowSpectra | None = None
    moving: pd.DataFrame = field(default_factory=pd.DataFrame)
    infusion_start_s: float | None = None
    infusion_stop_s: float | None = None
    group_page: str = ""
    basis_page: str = ""
    basis_remarks: tuple[str, ...] = ()
    fit_remarks: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bring every table to its form and name the session in those that will be joined."""
        who = {"participant": self.participant, "session": self.session}
        for name in ("measures", "fitquality", "transients", "amplitudes", "correlations"):
            object.__setattr__(self, name, normalised(getattr(self, name).assign(**who), name=name))
        measures = self.measures.assign(condition=self.condition) if self.condition else self.measures
        object.__setattr__(self, "measures", measures)
        for name in ("moving", "history"):
            object.__setattr__(self, name, normalised(getattr(self, name), name=name))


@dataclass(frozen=True, kw_only=True, eq=False)
class BasisReport:
    """Everything the page of the basis set says.

    ``basis`` holds all that is fitted; ``built_in`` names those of its components that the program added to the set, ``source``
    says where the set comes from, ``fit_range`` which chemical shifts are fitted (ppm).
    """

    title: str
    basis: BasisSet
    source: str
    fit_range: tuple[float, float]
    built_in: tuple[str, ...] = ()
    group_page: str = ""
    provenance: Mapping[str, object] = field(default_factory=dict)

"""Session: the transients of one participant and visit on their way from raw FIDs to spectra that can be averaged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import BoolArray, ComplexArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids, ProcessingStep

#: Columns every transients table has before any step has run.
TRANSIENT_COLUMNS = ("transient", "run", "time_s")


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """What one step did: its name, the NIfTI-MRS ``ProcessingApplied`` method, a sentence, and small numbers or arrays for figures.

    ``flag`` is a sentence that says why the session should not be analysed, ``remark`` one of what its user should know; empty where
    there is nothing of the kind.
    """

    step: str
    method: str
    details: str
    values: Mapping[str, object] = field(default_factory=dict)
    flag: str = ""
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class Session:
    """All transients of one session, its water reference and one table row per transient that is never dropped.

    ``fids`` has dims ("coil", "transient", "time"), after coil combination ("transient", "time"); ``reference`` the same,
    ("coil", "time") or ("time",), or is None where no water reference was acquired. ``transients`` has at least `TRANSIENT_COLUMNS`:
    transient (0-based), run (0-based) and time_s (seconds on the session clock, NaN where unknown); steps add columns.
    """

    fids: Fids
    reference: Fids | None
    transients: pd.DataFrame
    records: tuple[StepRecord, ...] = ()

    def __post_init__(self) -> None:
        """Check that table and data agree; `DataError` says where they do not."""
        if self.fids.dims not in (("coil", "transient", "time"), ("transient", "time")):
            raise DataError(f"a session has dimensions (coil, transient, time) or (transient, time), not {self.fids.dims}")
        missing = [name for name in TRANSIENT_COLUMNS if name not in self.transients.columns]
        if missing:
            raise DataError(f"the transients table has no column '{missing[0]}': give {', '.join(TRANSIENT_COLUMNS)}")
        if len(self.transients) != self.n_transients:
            raise DataError(f"the transients table has {len(self.transients)} rows for {self.n_transients} transients: give one row each")

    @property
    def n_transients(self) -> int:
        """Number of transients, rejected ones included."""
        return self.fids.sizes["transient"]

    def require_combined(self, step: str) -> None:
        """Refuse a session whose coils are still apart; `DataError` names the step that needs them combined."""
        if "coil" in self.fids.dims:
            raise DataError(f"step '{step}' needs combined coils: put coil_combination before it")

    @property
    def kept(self) -> BoolArray:
        """Which transients are not rejected, shape (n_transients,); all of them before rejection has run."""
        if "rejected" not in self.transients.columns:
            return np.ones(self.n_transients, dtype=bool)
        return np.asarray(~self.transients["rejected"].to_numpy(dtype=bool))

    @property
    def sound(self) -> BoolArray:
        """Which transients hold finite numbers that are not all zero, shape (n_transients,); coils must be combined."""
        return np.asarray(np.isfinite(self.fids.data).all(axis=-1) & np.any(self.fids.data != 0, axis=-1))

    def sound_data(self) -> ComplexArray:
        """FIDs (n_transients, n_points) with zeros in place of transients that are not sound."""
        return np.asarray(np.where(self.sound[:, None], self.fids.data, 0.0), dtype=np.complex128)

    def modulated(self, factor: ComplexArray) -> Fids:
        """FIDs times a factor that broadcasts to them; transients that are not finite stay so."""
        with np.errstate(invalid="ignore", over="ignore"):
            return self.fids.with_data(self.fids.data * factor)

    def after(
        self, record: StepRecord, *, fids: Fids | None = None, reference: Fids | None = None, columns: Mapping[str, Any] | None = None
    ) -> "Session":
        """The session after a step: new FIDs and reference (None keeps them), table columns, one record, one history entry."""
        done = ProcessingStep(method=record.method, details=record.details)
        fids = self.fids if fids is None else fids
        return replace(
            self,
            fids=replace(fids, history=(*self.fids.history, done)),
            reference=self.reference if reference is None else reference,
            transients=self.transients.assign(**(columns or {})),
            records=(*self.records, record),
        )

"""The mixed model of sessions measured before and during an infusion: crossovers, groups, or one group.

Fixed effects: one mean per condition and window; period, separately before and during the infusion, so that the change is adjusted for
it; covariates. The means before the infusion are free in each condition: a drug given before the session may act before the infusion.

Random effects: participant, participant response, session, session response. A response multiplies a loading that is
-n_infusion/n_windows before and n_baseline/n_windows during the infusion: centred over the windows, a response is uncorrelated with
the level, and the change of a session from baseline is an error stratum of its own. With complete data of two periods the contrast of
changes is then exactly the period-adjusted paired t test on session changes, with n_participants - 2 degrees of freedom, for any number
of windows. The response parameters (without baseline windows: the level parameters) may be negative (`RandomTerm.signed`), so that this
holds as well when sessions vary less than their noise predicts; if incomplete data leave that model without a proper maximum, all
parameters are held non-negative and the result says so. Where each participant has one session, the terms of the session are those of
the participant, and the contrast of changes between two groups is the two-sample t test.

Residuals are independent with one variance, have a variance for each window, or are autocorrelated over the times of the windows
(`ModelOptions.residuals`); the unit of the autocorrelation is the median time from one window to the next.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.comparisons import Comparison
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError
from mrs_pipeline.statistics.linear_mixed_model import Autocorrelation, MixedModelDesign, MixedModelFit, RandomTerm, fit_reml

#: Fewer windows cannot tell an autocorrelation from the level of a session.
MIN_WINDOWS_AR1 = 3


class NotConvergedError(UnanswerableError):
    """The likelihood has no maximum that the search could reach."""


@dataclass(frozen=True, kw_only=True)
class CellMeans:
    """A fitted model whose first fixed effects are the means of condition and window (condition-major); ``note`` goes to the reader."""

    data: MeasureData
    fit: MixedModelFit
    design: MixedModelDesign
    note: str = ""

    def weights(self, *, condition: str, windows: FloatArray) -> FloatArray:
        """Contrast weights (n_fixed,) that put ``windows`` (n_windows,) on the means of one condition."""
        return self.contrast(Comparison(name=condition, weights={condition: 1.0}), windows=windows)

    def contrast(self, comparison: Comparison, *, windows: FloatArray) -> FloatArray:
        """Contrast weights (n_fixed,) of a comparison in weighted ``windows`` (n_windows,)."""
        cells = np.outer(comparison.over(self.data.conditions), windows).ravel()
        return np.concatenate([cells, np.zeros(len(self.fit.beta) - len(cells))])


def window_weights(data: MeasureData, *, phase: str) -> FloatArray:
    """Equal weights over the windows of a phase, zero elsewhere; shape (n_windows,)."""
    inside = (data.windows["phase"] == phase).to_numpy(dtype=float)
    return np.asarray(inside / max(1.0, inside.sum()))


def fit_session_model(data: MeasureData, *, weighted: bool = False) -> CellMeans:
    """The model of the module text; ``weighted`` adds the known variance of each measurement to the residual variance."""
    signed = _session_terms(data)
    try:
        return _fit(data, random=signed, weighted=weighted)
    except NotConvergedError:
        model = _fit(data, random=tuple(replace(term, signed=False) for term in signed), weighted=weighted)
        restricted = "variance parameters held non-negative because the model without that restriction has no proper maximum"
        return replace(model, note="; ".join(part for part in (restricted, model.note) if part))


def fit_participant_model(data: MeasureData) -> CellMeans:
    """The same fixed effects with a random intercept of the participant alone: windows count as independent given the participant."""
    alone = replace(data, model=replace(data.model, residuals="independent"))
    return _fit(alone, random=(RandomTerm(name="participant", groups=data.rows["participant"].to_numpy()),), weighted=False)


def _session_terms(data: MeasureData) -> tuple[RandomTerm, ...]:
    """Random terms that the numbers of windows and sessions allow: what one window measures cannot be told from the residual."""
    participant = data.rows["participant"].to_numpy()
    session = (data.rows["participant"] + "\n" + data.rows["session"]).to_numpy()
    n_windows, n_levels = len(data.windows), 2 if data.has_baseline else 1
    several = data.design in ("crossover", "mixed")
    terms = []
    if several or n_windows > 1:
        terms.append(RandomTerm(name="participant", groups=participant, signed=not data.has_baseline))
    if several and n_windows > 1:
        terms.append(RandomTerm(name="session", groups=session, signed=not data.has_baseline))
    if data.has_baseline:
        loading = _centred_loading(data)
        if several or n_windows > n_levels:
            terms.append(RandomTerm(name="participant response", groups=participant, loading=loading, signed=True))
        if several and n_windows > n_levels:
            terms.append(RandomTerm(name="session response", groups=session, loading=loading, signed=True))
    return tuple(terms)


def _centred_loading(data: MeasureData) -> FloatArray:
    """Loading of a response on each row: a step of 1 between the phases, of mean zero over the windows of the design."""
    share_baseline = float((data.windows["phase"] == "baseline").mean())
    during = (data.rows["phase"] == "infusion").to_numpy(dtype=float)
    return np.asarray(during - (1 - share_baseline))


def _fit(data: MeasureData, *, random: tuple[RandomTerm, ...], weighted: bool) -> CellMeans:
    """Fit with cell means, period and covariates; `UnanswerableError` where no number may be given."""
    fixed, names = _fixed_effects(data)
    outcome = data.rows["y"].to_numpy(dtype=float)
    known = _known_variances(data) if weighted else None
    if len(outcome) <= len(names):
        raise UnanswerableError("not_estimable", f"{len(outcome)} windows of {data.measure} are too few for the {len(names)} fixed effects")
    structure, note = _residual_structure(data)
    try:
        design = MixedModelDesign(outcome=outcome, fixed=fixed, fixed_names=names, random=random, known_variances=known, **structure)
        fit = fit_reml(design)
    except DataError as error:
        raise UnanswerableError("not_estimable", f"{data.measure}: {error}") from error
    if not fit.converged:
        raise NotConvergedError("not_converged", f"the mixed model of {data.measure} did not converge: look for extreme values")
    return CellMeans(data=data, fit=fit, design=design, note=note)


def _residual_structure(data: MeasureData) -> tuple[dict[str, Any], str]:
    """Arguments of `MixedModelDesign` for the configured residuals, and a note where the windows are too few for them."""
    n_windows = len(data.windows)
    if data.model.residuals == "by_window" and n_windows > 1:
        return {"residual_groups": _window_order(data)}, ""
    if data.model.residuals == "ar1" and n_windows >= MIN_WINDOWS_AR1:
        session = (data.rows["participant"] + "\n" + data.rows["session"]).to_numpy()
        return {"autocorrelation": Autocorrelation(sessions=session, times=_times_s(data) / time_unit_s(data))}, ""
    if data.model.residuals == "ar1":
        return {}, f"{n_windows} windows cannot tell an autocorrelation from the level of a session: residuals taken as independent"
    return {}, ""


def _times_s(data: MeasureData) -> FloatArray:
    """Mean time of the transients of each row's window where the table has it, else its middle; shape (n_rows,)."""
    middle = (data.rows["window_start_s"] + data.rows["window_stop_s"]) / 2
    known = data.rows["mean_time_s"].fillna(middle) if "mean_time_s" in data.rows.columns else middle
    return known.to_numpy(dtype=float)


def _window_order(data: MeasureData) -> NDArray[np.int_]:
    """Position of the window of each row."""
    order = {window: position for position, window in enumerate(data.windows["window"])}
    return np.array([order[window] for window in data.rows["window"]])


def time_unit_s(data: MeasureData) -> float:
    """Median time from the middle of one window to that of the next, the unit of the autocorrelation."""
    return float(np.median(np.diff(np.sort((data.windows["start_s"] + data.windows["stop_s"]) / 2))))


def _known_variances(data: MeasureData) -> FloatArray:
    """Measurement variance of every row."""
    known = data.rows["known_variance"].to_numpy(dtype=float)
    if not np.all(np.isfinite(known)):
        raise UnanswerableError("no_sd", f"{data.measure} has windows without sd, which the weighted analysis needs")
    return known


def _fixed_effects(data: MeasureData) -> tuple[FloatArray, tuple[str, ...]]:
    """Matrix (n_rows, n_fixed) and names: cell means, period in each phase, covariates centred and scaled."""
    columns = {**_cells(data), **_periods(data)}
    fixed = np.column_stack(list(columns.values()))
    if np.linalg.matrix_rank(fixed) < fixed.shape[1]:
        raise UnanswerableError(
            "not_estimable", f"period and condition of {data.measure} cannot be told apart: both orders of the conditions are needed"
        )
    names = list(columns)
    for name in data.covariates:
        for label, rows in _covariate_parts(data, name=name).items():
            fixed = np.column_stack([fixed, _covariate(data, name=name, rows=rows, others=fixed)])
            names.append(label)
    return fixed, tuple(names)


def _covariate_parts(data: MeasureData, *, name: str) -> dict[str, FloatArray]:
    """Rows on which a covariate has one coefficient, by the name of its column.

    One for all windows; but where sessions are not their own control (groups, one group) a covariate that sessions have one value of
    could not touch the change so, and has a coefficient in each phase.
    """
    whole = {name: np.ones(len(data.rows))}
    if data.design == "crossover" or not data.constant_in_sessions(name):
        return whole
    phases: list[str] = list(pd.unique(data.windows["phase"]))
    return {f"{name}, {phase}": _indicator(data.rows["phase"] == phase) for phase in phases}


def _cells(data: MeasureData) -> dict[str, FloatArray]:
    """Indicator of every condition and window, condition-major."""
    order = {condition: position for position, condition in enumerate(data.conditions)}
    condition = np.array([order[name] for name in data.rows["condition"]])
    labels = [f"{condition}, window {window}" for condition in data.conditions for window in data.windows["window"]]
    place = condition * len(data.windows) + _window_order(data)
    return dict(zip(labels, np.eye(len(labels))[place].T, strict=True))


def _periods(data: MeasureData) -> dict[str, FloatArray]:
    """Period in codes that sum to zero, so that means are those of an average period, in each phase that was measured."""
    if not data.has_period:
        return {}
    first, *later = sorted(data.rows["period"].unique())
    is_first = _indicator(data.rows["period"] == first)
    codes: dict[object, FloatArray] = {period: _indicator(data.rows["period"] == period) - is_first for period in later}
    phases: dict[str, FloatArray] = {phase: _indicator(data.rows["phase"] == phase) for phase in pd.unique(data.windows["phase"])}
    return {f"period {period}, {phase}": codes[period] * phases[phase] for period in codes for phase in phases}


def _indicator(true: pd.Series) -> FloatArray:
    """1 where true, else 0; shape (n_rows,)."""
    return true.to_numpy(dtype=float)


def _covariate(data: MeasureData, *, name: str, rows: FloatArray, others: FloatArray) -> FloatArray:
    """Covariate in units of its SD about its mean on some rows, 0 on others; `DataError` if the columns before determine it."""
    values = data.rows[name].to_numpy(dtype=float)
    centred = (values - values.mean()) * rows
    explained = others @ np.linalg.lstsq(others, centred, rcond=None)[0]
    if np.linalg.norm(centred - explained) <= 1e-8 * float(np.linalg.norm(values)):
        raise DataError(f"the covariate '{name}' is collinear with condition, window, period or another covariate: leave it out")
    return np.asarray(centred / np.std(centred))

"""The mixed model of a crossover measured before and during an infusion.

Fixed effects: one mean per condition and window; period, separately before and during the infusion, so that the change is adjusted for
it; covariates. The means before the infusion are free in each condition: a drug given before the session may act before the infusion.

Random effects: participant, participant response, session, session response. A response multiplies a loading that is
-n_infusion/n_windows before and n_baseline/n_windows during the infusion: centred over the windows, a response is uncorrelated with
the level, and the change of a session from baseline is an error stratum of its own. With complete data of two periods the contrast of
changes is then exactly the period-adjusted paired t test on session changes, with n_participants - 2 degrees of freedom, for any number
of windows. The response parameters (without baseline windows: the level parameters) may be negative (`RandomTerm.signed`), so that this
holds as well when sessions vary less than their noise predicts; if incomplete data leave that model without a proper maximum, all
parameters are held non-negative and the result says so.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.statistics.design import MeasureData, UnanswerableError
from mrs_pipeline.statistics.linear_mixed_model import MixedModelDesign, MixedModelFit, RandomTerm, fit_reml


class NotConvergedError(UnanswerableError):
    """The likelihood has no maximum that the search could reach."""


@dataclass(frozen=True, kw_only=True)
class CellMeans:
    """A fitted model whose first fixed effects are the means of condition and window (condition-major); ``note`` goes to the reader."""

    data: MeasureData
    fit: MixedModelFit
    note: str = ""

    def weights(self, *, condition: str, windows: FloatArray) -> FloatArray:
        """Contrast weights (n_fixed,) that put ``windows`` (n_windows,) on the means of one condition."""
        weights = np.zeros(len(self.fit.beta))
        first = self.data.conditions.index(condition) * len(windows)
        weights[first : first + len(windows)] = windows
        return weights


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
        return replace(model, note="variance parameters held non-negative because the model without that restriction has no proper maximum")


def fit_participant_model(data: MeasureData) -> CellMeans:
    """The same fixed effects with a random intercept of the participant alone: windows count as independent given the participant."""
    return _fit(data, random=(RandomTerm(name="participant", groups=data.rows["participant"].to_numpy()),), weighted=False)


def _session_terms(data: MeasureData) -> tuple[RandomTerm, ...]:
    """Random terms that the number of windows allows: what a single window measures cannot be told from the residual."""
    participant = data.rows["participant"].to_numpy()
    session = (data.rows["participant"] + "\n" + data.rows["session"]).to_numpy()
    n_windows, n_levels = len(data.windows), 2 if data.has_baseline else 1
    terms = [RandomTerm(name="participant", groups=participant, signed=not data.has_baseline)]
    if n_windows > 1:
        terms.append(RandomTerm(name="session", groups=session, signed=not data.has_baseline))
    if data.has_baseline:
        loading = _centred_loading(data)
        terms.append(RandomTerm(name="participant response", groups=participant, loading=loading, signed=True))
        if n_windows > n_levels:
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
    try:
        fit = fit_reml(MixedModelDesign(outcome=outcome, fixed=fixed, fixed_names=names, random=random, known_variances=known))
    except DataError as error:
        raise UnanswerableError("not_estimable", f"{data.measure}: {error}") from error
    if not fit.converged:
        raise NotConvergedError("not_converged", f"the mixed model of {data.measure} did not converge: look for extreme values")
    return CellMeans(data=data, fit=fit)


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
    for name in data.covariates:
        fixed = np.column_stack([fixed, _covariate(data, name=name, others=fixed)])
    return fixed, (*columns, *data.covariates)


def _cells(data: MeasureData) -> dict[str, FloatArray]:
    """Indicator of every condition and window, condition-major."""
    rows = data.rows
    return {
        f"{condition}, window {window}": ((rows["condition"] == condition) & (rows["window"] == window)).to_numpy(dtype=float)
        for condition in data.conditions
        for window in data.windows["window"]
    }


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


def _covariate(data: MeasureData, *, name: str, others: FloatArray) -> FloatArray:
    """Covariate in units of its SD about its mean; `DataError` if the columns before it already determine it."""
    values = data.rows[name].to_numpy(dtype=float)
    centred = values - values.mean()
    explained = others @ np.linalg.lstsq(others, centred, rcond=None)[0]
    if np.linalg.norm(centred - explained) <= 1e-8 * float(np.linalg.norm(values)):
        raise DataError(f"the covariate '{name}' is collinear with condition, window, period or another covariate: leave it out")
    return np.asarray(centred / np.std(centred))

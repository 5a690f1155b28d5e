"""Does a fitted mixed model describe the data? Normality, outliers, unequal windows and the alternatives for the residuals, as a table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.statistics.analyses import ANALYSES
from mrs_pipeline.statistics.blocks import Blocks, covariance_of
from mrs_pipeline.statistics.crossover_model import CellMeans, fit_session_model, time_unit_s
from mrs_pipeline.statistics.design import UnanswerableError, checked_measures, measure_data
from mrs_pipeline.statistics.likelihood import Solved, solve_fixed
from mrs_pipeline.statistics.linear_mixed_model import RandomTerm, scaled_blocks
from mrs_pipeline.statistics.options import RESIDUALS, options_from

DIAGNOSTIC_COLUMNS = ("analysis", "measure", "quantity", "value", "unit", "participant", "session", "window", "status", "reason")

#: Fewer values say nothing about a distribution.
MIN_VALUES = 4


@dataclass(frozen=True, kw_only=True)
class ModelResiduals:
    """Residuals of the rows of a model.

    ``scaled`` (n_rows,) are uncorrelated with variance 1 if the model holds (Cholesky factor of V; Fitzmaurice, Laird & Ware,
    *Applied Longitudinal Analysis*, section 10.2). ``studentised`` (n_rows,) are what the random effects leave of each row over its
    standard error; NaN where nothing can be left. ``effects`` are the predicted random effects (n_levels,) of terms with a variance.
    """

    scaled: FloatArray
    studentised: FloatArray
    effects: Mapping[str, FloatArray]


def diagnostics_table(measures: pd.DataFrame, *, statistics: Mapping[str, Any]) -> pd.DataFrame:
    """Diagnostics of the session-aware model of every measure, columns `DIAGNOSTIC_COLUMNS`; of the primary one alternatives as well.

    A measure without a model is a row whose status and reason say why.
    """
    options = options_from(statistics, analyses=ANALYSES)
    checked = checked_measures(measures, options=options)
    rows: list[dict[str, object]] = []
    for measure in options.measures:
        common = {"analysis": "session_aware", "measure": measure, "status": "ok", "reason": ""}
        try:
            model = fit_session_model(measure_data(checked, measure=measure, options=options))
        except UnanswerableError as error:
            rows.append({**common, "quantity": "none", "status": error.status, "reason": str(error)})
            continue
        found = list(model_diagnostics(model))
        if options.primary is not None and measure == options.primary["measure"]:
            found += list(_alternatives(model))
        rows += [{**common, **row} for row in found]
    return pd.DataFrame(rows).reindex(columns=list(DIAGNOSTIC_COLUMNS))


def model_diagnostics(model: CellMeans) -> Iterator[dict[str, object]]:
    """Rows (quantity, value, unit, where) of one model: its components, then what its residuals say."""
    fit = model.fit
    for name, component in zip(fit.component_names, fit.components, strict=True):
        if name == "autocorrelation":
            yield {"quantity": name, "value": float(component), "unit": f"per {time_unit_s(model.data):g} s"}
        else:
            yield {"quantity": f"variance of {_spelled(name, model=model)}", "value": float(component), "unit": f"({model.data.unit})^2"}
    residuals = model_residuals(model)
    yield from _normality("residuals", residuals.scaled)
    for name, effects in residuals.effects.items():
        yield from _normality(f"effects of {name}", effects)
    yield from _largest(model, residuals.studentised)
    yield from _unequal_windows(model, residuals.studentised)


def _spelled(name: str, *, model: CellMeans) -> str:
    """Residual 2 -> residual of window 2, by its name in the data."""
    _, _, place = name.partition("residual ")
    return f"residual of window {model.data.windows['window'].iloc[int(place)]}" if place else name


def model_residuals(model: CellMeans) -> ModelResiduals:
    """Residuals and predicted random effects at the estimated components."""
    design = model.design
    blocks = scaled_blocks(design)
    v = covariance_of(blocks, components=model.fit.components).value
    solved = solve_fixed(blocks, v=v)
    real = blocks.rows >= 0
    scaled = np.linalg.solve(np.linalg.cholesky(v), (blocks.outcome - blocks.fixed @ solved.beta)[..., None])[..., 0]
    studentised = _studentised(blocks, v=v, solved=solved, random=model.fit.components[: len(design.random)])
    order = np.argsort(blocks.rows[real])
    weighted = solved.weighted[real][order]
    effects = {
        term.name: effect
        for term, variance in zip(design.random, model.fit.components, strict=False)
        if (effect := _effects(term, variance=float(variance), weighted=weighted)) is not None
    }
    return ModelResiduals(scaled=scaled[real][order], studentised=studentised[real][order], effects=effects)


def _studentised(blocks: Blocks, *, v: FloatArray, solved: Solved, random: FloatArray) -> FloatArray:
    """R P y over the root of the diagonal of R P R, with R what is in V besides the random terms; in blocks."""
    r = v - np.tensordot(random, blocks.kernels[: len(random)], axes=1)
    p = solved.v_inv - solved.v_inv_x @ solved.covariance @ np.swapaxes(solved.v_inv_x, 1, 2)
    variance = np.diagonal(r @ p @ r, axis1=1, axis2=2)
    left = (r @ solved.weighted[..., None])[..., 0]
    known = variance > 1e-10 * np.diagonal(v, axis1=1, axis2=2)
    return np.where(known, left / np.sqrt(np.where(known, variance, 1.0)), np.nan)


def _effects(term: RandomTerm, *, variance: float, weighted: FloatArray) -> FloatArray | None:
    """Best linear unbiased predictions theta Z'P y of a term; none without a variance."""
    if variance <= 0:
        return None
    codes: NDArray[np.intp] = np.unique(term.groups, return_inverse=True)[1]
    loading = np.ones(len(weighted)) if term.loading is None else term.loading
    return np.asarray(variance * np.bincount(codes, weights=loading * weighted))


def _normality(what: str, values: FloatArray) -> Iterator[dict[str, object]]:
    """W of Shapiro & Wilk 1965, Biometrika 52:591, and its p."""
    finite = values[np.isfinite(values)]
    if len(finite) < MIN_VALUES or np.ptp(finite) == 0:
        return
    found = stats.shapiro(finite)
    yield {"quantity": f"normality of {what}, W", "value": float(found.statistic), "unit": "1"}
    yield {"quantity": f"normality of {what}, p", "value": float(found.pvalue), "unit": "1"}


def _largest(model: CellMeans, studentised: FloatArray) -> Iterator[dict[str, object]]:
    """The largest residual of a window, with where it is and the probability of one as large among so many normal ones."""
    if not np.any(np.isfinite(studentised)):
        return
    place = int(np.nanargmax(np.abs(studentised)))
    row = model.data.rows.iloc[place]
    where = {"participant": row["participant"], "session": row["session"], "window": str(row["window"])}
    value = float(studentised[place])
    yield {"quantity": "largest standardised residual", "value": value, "unit": "1", **where}
    p = min(1.0, 2 * float(stats.norm.sf(abs(value))) * int(np.sum(np.isfinite(studentised))))
    yield {"quantity": "largest standardised residual, p", "value": p, "unit": "1", **where}


def _unequal_windows(model: CellMeans, studentised: FloatArray) -> Iterator[dict[str, object]]:
    """Ratio of the largest to the smallest variance of a window, and p by Brown & Forsythe 1974, J Am Stat Assoc 69:364."""
    frame = pd.DataFrame({"window": model.data.rows["window"].to_numpy(), "value": studentised}).dropna()
    groups = [group.to_numpy() for _, group in frame.groupby("window")["value"] if len(group) >= MIN_VALUES]
    variances = [float(np.var(group, ddof=1)) for group in groups]
    if len(groups) < 2 or min(variances) <= 0:
        return
    yield {"quantity": "variance ratio of windows", "value": max(variances) / min(variances), "unit": "1"}
    yield {"quantity": "variance ratio of windows, p", "value": float(stats.levene(*groups, center="median").pvalue), "unit": "1"}


def _alternatives(model: CellMeans) -> Iterator[dict[str, object]]:
    """Restricted log-likelihood of each structure of the residuals with the same fixed effects; comparable with one another."""
    for residuals in RESIDUALS:
        row = {"quantity": f"log-likelihood, {residuals} residuals", "unit": "1"}
        if residuals == model.data.model.residuals:
            yield {**row, "value": model.fit.log_likelihood, "reason": f"{len(model.fit.components)} variance parameters"}
            continue
        try:
            other = fit_session_model(replace(model.data, model=replace(model.data.model, residuals=residuals)))
        except UnanswerableError as error:
            yield {**row, "status": error.status, "reason": str(error)}
            continue
        yield {**row, "value": other.fit.log_likelihood, "reason": f"{len(other.fit.components)} variance parameters"}

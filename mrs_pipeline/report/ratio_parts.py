"""What a ratio is made of: numerator and denominator over time beside it, and the pair of signals that is hardest to tell apart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mrs_pipeline.report import changes, drawing
from mrs_pipeline.report.courses import draw_course, mark_infusion

#: The pair shown apart.
PAIR = ("Glu", "Gln")


@dataclass(frozen=True, kw_only=True)
class RatioParts:
    """Names of a ratio and of its two parts as the tables have them."""

    ratio: str
    numerator: str
    denominator: str

    @property
    def names(self) -> tuple[str, str, str]:
        """In the order in which they are drawn."""
        return self.numerator, self.denominator, self.ratio


def parts_of(measures: pd.DataFrame, *, measure: str, amplitudes: pd.DataFrame | None = None) -> RatioParts | None:
    """The parts of a ratio among the measures with the same terms, else among single metabolites; None where it is no ratio of these."""
    if "terms" not in measures:
        return None
    named = measures[measures["terms"].fillna("") != ""].drop_duplicates("measure").set_index("measure")
    terms = named["terms"].astype(str)
    found = re.fullmatch(r"\((.+)\)/\((.+)\)", terms.get(measure, ""))
    if found is None:
        return None
    metabolites = set(amplitudes["metabolite"]) if amplitudes is not None and "metabolite" in amplitudes else set()
    plain = terms[named["unit"].isin(["arbitrary", "1"])] if "unit" in named else terms
    names = []
    for side in found.groups():
        same = list(plain.index[plain == side])
        names.append(same[0] if same else side)
        if not same and side not in metabolites:
            return None
    return RatioParts(ratio=measure, numerator=names[0], denominator=names[1])


def course_of(name: str, *, measures: pd.DataFrame, amplitudes: pd.DataFrame) -> pd.DataFrame:
    """A measure or metabolite by window: columns of a course, ``percent`` of the mean of its session and ``error`` (SD, in percent).

    The mean is over all windows with a value; the error is that of differences within a session where the table has it.
    """
    rows = measures[measures["measure"] == name]
    if rows.empty:
        keys = [*changes.SESSION, "window"]
        found = amplitudes[amplitudes["metabolite"] == name].rename(columns={"amplitude": "value"})
        known = [column for column in found if column in (*keys, "value", "sd", "sd_within")]
        rows = changes.window_times(measures).merge(found[known], on=keys)
    rows = changes.with_minutes(rows)
    mean = rows.groupby(changes.SESSION)["value"].transform("mean")
    error = changes.error_within(rows)
    scale = 100.0 / mean.where(mean > 0.0)
    return rows.assign(percent=(rows["value"] - mean) * scale, error=error * scale)


@dataclass(frozen=True, kw_only=True)
class PartChange:
    """Change of a course from the reference windows to the others: 100 times the difference of mean logarithms, and its standard error."""

    name: str
    percent: float
    sd: float


def change_within(name: str, *, measures: pd.DataFrame, amplitudes: pd.DataFrame) -> PartChange:
    """The change of one session; NaN where a value is not positive or a side has no window."""
    rows = course_of(name, measures=measures, amplitudes=amplitudes)
    rows = rows[np.isfinite(rows["value"])]
    reference = rows["is_baseline"].to_numpy(bool)
    values, errors = rows["value"].to_numpy(float), changes.error_within(rows).to_numpy(float)
    if not reference.any() or reference.all() or np.any(values <= 0.0):
        return PartChange(name=name, percent=float("nan"), sd=float("nan"))
    logs, variances = 100.0 * np.log(values), (100.0 * errors / values) ** 2
    sides = [(logs[side].mean(), variances[side].sum() / side.sum() ** 2) for side in (~reference, reference)]
    return PartChange(name=name, percent=float(sides[0][0] - sides[1][0]), sd=float(np.sqrt(sides[0][1] + sides[1][1])))


def parts_figure(
    *,
    measures: pd.DataFrame,
    amplitudes: pd.DataFrame,
    correlations: pd.DataFrame,
    measure: str,
    conditions: Sequence[str] = (),
    infusion_stop_s: float | None = None,
) -> str:
    """SVG: numerator, denominator and ratio in percent of the session mean on one scale; below, Glu and Gln, and their correlation.

    One session has bars of 1.96 SD; several have the mean of each condition with its 95 % interval.
    """
    parts = parts_of(measures, measure=measure, amplitudes=amplitudes)
    above = list(parts.names) if parts else []
    below = [name for name in PAIR if (amplitudes["metabolite"] == name).any()]
    if not above and not below:
        return drawing.notice(f"{measure or 'The measure'} is no ratio of quantities in the tables.")
    courses = {name: course_of(name, measures=measures, amplitudes=amplitudes) for name in (*above, *below)}
    pair = pair_course(correlations, measures=measures)
    order = changes.condition_order(next(iter(courses.values()))["condition"], conditions=conditions)
    rows = [names for names in (above, [*below, *(["correlation"] if len(pair) else [])]) if names]
    with drawing.style():
        figure = drawing.new_figure(height_in=0.5 + 2.0 * len(rows), width_in=1.25 * drawing.WIDTH_IN)
        grid = figure.subplots(len(rows), 3, squeeze=False, sharex=True)
        for line, names in zip(grid, rows, strict=True):
            for axes, name in zip(line, names, strict=False):
                column, course = ("correlation", pair) if name == "correlation" else ("percent", courses[name])
                _draw(axes, course, value=column, conditions=order, infusion_stop_s=infusion_stop_s)
                axes.set_title("errors of Glu and Gln" if name == "correlation" else drawing.short(name, n_letters=20))
                axes.set_ylabel("correlation" if name == "correlation" else "% of session mean" if axes is line[0] else "")
            for axes in line[len(names) :]:
                axes.set_axis_off()
            _share(line[: len(names)], names=names, apart=names is not above)
        for axes in grid[-1][: len(rows[-1])]:
            axes.set_xlabel("time (min)")
        if len(order) > 1:
            figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=len(order))
        return drawing.svg(figure, label=f"Courses of {', '.join(courses)} in percent of the session mean")


def pair_course(correlations: pd.DataFrame, *, measures: pd.DataFrame) -> pd.DataFrame:
    """Correlation of the errors of `PAIR` in each window (of differences within a session where it is known), with times of windows."""
    members = [set(pair) == set(PAIR) for pair in correlations[["metabolite", "metabolite_2"]].itertuples(index=False, name=None)]
    rows = correlations[members][[*changes.SESSION, "window", "correlation", "correlation_within"]]
    rows = rows.assign(correlation=rows["correlation_within"].fillna(rows["correlation"])).drop(columns="correlation_within")
    return changes.with_minutes(changes.window_times(measures).merge(rows, on=[*changes.SESSION, "window"]))


def _draw(axes: Axes, course: pd.DataFrame, *, value: str, conditions: Sequence[str], infusion_stop_s: float | None) -> None:
    rows = course.dropna(subset=[value, "minutes"])
    if rows.empty:
        return
    axes.axhline(0.0, color=drawing.GREY, linewidth=0.8, zorder=1)
    if rows.groupby(changes.SESSION).ngroups > 1:
        means = changes.condition_means(rows, value=value)
    else:
        half = 1.96 * rows["error"] if "error" in rows else 0.0
        means = rows.sort_values("minutes").assign(estimate=rows[value], ci_low=rows[value] - half, ci_high=rows[value] + half)
    draw_course(axes, rows, value=value, means=means, conditions=conditions)
    mark_infusion(axes, rows, infusion_stop_s=infusion_stop_s, named=False)


def _share(line: Sequence[Axes], *, names: Sequence[str], apart: bool) -> None:
    """One scale for numerator, denominator and ratio; -1 to 1 for a correlation."""
    if not apart:
        low, high = min(axes.get_ylim()[0] for axes in line), max(axes.get_ylim()[1] for axes in line)
        for axes in line:
            axes.set_ylim(low, high)
    for axes, name in zip(line, names, strict=True):
        if name == "correlation":
            axes.set_ylim(-1.0, 1.0)

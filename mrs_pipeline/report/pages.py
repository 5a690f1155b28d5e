"""The two pages: a study and a session. Each is one self-contained HTML string, without scripts and without the network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.report import (
    changes,
    check_tables,
    confounds,
    figures,
    linewidth,
    linewidth_panel,
    processing,
    ratio_parts,
    stacks,
    tables,
)
from mrs_pipeline.report.contents import ExampleFit, GroupReport, SessionReport, records
from mrs_pipeline.report.drawing import Notice
from mrs_pipeline.report.remarks import group_remarks, session_remarks, session_table
from mrs_pipeline.report.wording import headline, is_primary, number, percent


@dataclass(frozen=True, kw_only=True)
class PageFigure:
    """A drawing with its title, or the reason why there is none."""

    drawing: Markup
    title: str = ""
    description: str = ""
    missing: str = ""


def _figure(drawing: str, *, title: str = "", description: str = "") -> PageFigure:
    missing = drawing.reason if isinstance(drawing, Notice) else ""
    safe = Markup(drawing)  # noqa: S704 -- drawings escape their own text
    return PageFigure(drawing=safe, title=title, description=description, missing=missing)


@cache
def _environment() -> Environment:
    loader = PackageLoader("mrs_pipeline.report", "templates")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def rendered(template: str, content: Mapping[str, object]) -> str:
    """A template of a page filled with its content."""
    return _environment().get_template(template).render(content)


def group_page(report: GroupReport) -> str:
    """The page of a study, as one HTML document. The same report gives the same bytes."""
    report = replace(report, primary=_whole_primary(report))
    measure = _main_measure(report)
    rows = confounds.session_confounds(report)
    order = changes.condition_order(session_table(report)["condition"], conditions=report.conditions)
    content = {
        "title": report.title,
        "basis_page": report.basis_page,
        "headline": headline(report.contrasts, primary=report.primary, confidence=report.confidence),
        "remarks": group_remarks(report),
        "facts": _facts(report),
        "measure": measure,
        "figures": _group_figures(report, measure=measure, rows=rows),
        "other_courses": _other_courses(report, measure=measure),
        **_contrasts(report),
        "confidence": percent(report.confidence),
        "confounds": tables.confounds_table(rows, conditions=order),
        "controls": check_tables.controls_table(report.controls, confidence=report.confidence),
        "sensitivity": check_tables.sensitivity_table(report.sensitivity, confidence=report.confidence),
        "exclusions": check_tables.exclusions_table(report.exclusions),
        "verdict": linewidth.verdict(report),
        "linewidth": linewidth_panel.linewidth_table(report, main=True),
        "other_linewidth": linewidth_panel.linewidth_table(report, main=False),
        "sessions": tables.sessions_table(report, rows=rows),
        "means": tables.means_table(report, measure=measure),
        "windows": tables.every_window_table(report, measure=measure),
        "examples": [_fit(fit) for fit in report.examples],
        "settings": tables.flat(report.settings),
        "provenance": tables.flat(report.provenance),
        "phases": changes.phase_names(report.measures),
        "model_means": not report.marginal_means.empty,
    }
    return rendered("group.html", content)


def _whole_primary(report: GroupReport) -> dict[str, str]:
    """What names the primary result; a study that leaves out the contrast means the first of its analysis and measure."""
    primary = {key: value for key, value in report.primary.items() if value}
    if "contrast" not in primary:
        first = next((row["contrast"] for row in records(report.contrasts) if is_primary(row, primary)), "")
        return {**primary, "contrast": first} if first else primary
    return primary


def _main_measure(report: GroupReport) -> str:
    """The primary measure, else the first in the table; none in an empty study."""
    there = list(dict.fromkeys(report.measures["measure"]))
    wanted = report.primary.get("measure", "")
    return wanted if wanted in there or not there else there[0]


def _group_figures(report: GroupReport, *, measure: str, rows: pd.DataFrame) -> dict[str, PageFigure]:
    order, stop = report.conditions, report.infusion_stop_s
    panels = figures.strip_panels(
        rows, panels=confounds.CONFOUNDS, conditions=order, label="Linewidth, SNR, drift and rejection by condition"
    )
    quality = figures.quality_course(
        confounds.quality_by_window(report.fitquality, measures=report.measures), conditions=order, infusion_stop_s=stop
    )
    drawn = {
        "course": _course(report, measure=measure),
        "forest": figures.contrast_forest(report.contrasts[_main_rows(report)], primary=report.primary, contrast=_main_contrast(report)),
        "pairs": figures.participant_pairs(report.measures, measure=measure, conditions=order),
        "quality": quality,
        "confounds": panels,
        "parts": _parts(report, measure=measure, conditions=order),
        "linewidth": linewidth_panel.linewidth_figure(report),
        "differences": _mean_differences(report),
    }
    return {name: _figure(drawing) for name, drawing in drawn.items()}


def _parts(report: GroupReport | SessionReport, *, measure: str, conditions: Sequence[str] = ()) -> str:
    return ratio_parts.parts_figure(
        measures=report.measures,
        amplitudes=report.amplitudes,
        correlations=report.correlations,
        measure=measure,
        conditions=conditions,
        infusion_stop_s=report.infusion_stop_s,
    )


def _mean_differences(report: GroupReport) -> str:
    found: dict[str, list[tuple[FloatArray, FloatArray]]] = {}
    for row in records(session_table(report)):
        spectra = report.spectra.get((row["participant"], row["session"]))
        if spectra is not None and spectra.reference.any() and not spectra.reference.all():
            found.setdefault(row["condition"], []).append((spectra.ppm, spectra.mean_difference))
    return stacks.mean_differences(found, conditions=changes.condition_order(found, conditions=report.conditions))


def _course(report: GroupReport, *, measure: str) -> str:
    stop = report.infusion_stop_s
    means = report.marginal_means
    if measure != _main_measure(report):
        means = means[means["measure"] == measure]
    return figures.time_course(report.measures, measure=measure, marginal_means=means, conditions=report.conditions, infusion_stop_s=stop)


def _other_courses(report: GroupReport, *, measure: str) -> list[PageFigure]:
    others = [name for name in dict.fromkeys(report.measures["measure"]) if name != measure]
    return [_figure(_course(report, measure=name), title=name) for name in others]


def _main_contrast(report: GroupReport) -> str | None:
    """The primary contrast, else the first in the table."""
    there = list(dict.fromkeys(report.contrasts["contrast"]))
    wanted = report.primary.get("contrast", "")
    return wanted if wanted in there else next(iter(there), None)


def _main_rows(report: GroupReport) -> pd.Series:
    """Which contrasts are the main one, or the first of a measure in an analysis that does not have the main one."""
    table = report.contrasts
    main = table["contrast"] == _main_contrast(report)
    without = ~table["analysis"].isin(table.loc[main, "analysis"]) & ~table["contrast"].str.contains(": window ", regex=False)
    return main | (without & ~table.duplicated(subset=["analysis", "measure"]))


def _contrasts(report: GroupReport) -> dict[str, object]:
    """The table of the main contrast; of the other contrasts a table and a forest of the main measure."""
    main = _main_rows(report)
    others = report.contrasts[~main]
    forest = figures.contrast_forest(others[others["measure"] == _main_measure(report)], primary=report.primary)
    primary, confidence = report.primary, report.confidence
    return {
        "contrasts": tables.contrasts_table(report.contrasts[main], primary=primary, confidence=confidence),
        "other_contrasts": tables.contrasts_table(others, primary=primary, name="Other contrasts", confidence=confidence),
        "other_forest": _figure(forest),
        "main_contrast": _main_contrast(report) or "",
        "has_other_analyses": bool((report.contrasts.loc[main, "contrast"] != _main_contrast(report)).any()),
    }


def _facts(report: GroupReport) -> list[tuple[str, str]]:
    sessions = session_table(report)
    order = changes.condition_order(set(sessions["condition"]) - {""}, conditions=report.conditions)
    windows = report.measures.drop_duplicates(subset=[*changes.SESSION, "window"])
    counts = confounds.session_counts(report)
    rejected = 100.0 * counts["n_rejected"].sum() / counts["n_transients"].sum() if counts["n_transients"].sum() > 0 else float("nan")
    return [
        ("Participants", number(sessions["participant"].nunique(), decimals=0)),
        ("Sessions", number(len(sessions), decimals=0)),
        ("Conditions", ", ".join(order) or "none named"),
        ("Windows", number(len(windows), decimals=0)),
        ("Transients rejected", number(rejected, decimals=1) + (" %" if counts["n_transients"].sum() > 0 else "")),
    ]


def _fit(fit: ExampleFit) -> PageFigure:
    drawing = figures.spectrum_fit(fit.curves, label=f"Fit of {fit.title}")
    return _figure(drawing, title=fit.title, description=fit.description)


def session_page(report: SessionReport) -> str:
    """The page of one session, as one HTML document. The same report gives the same bytes."""
    quality = confounds.quality_by_window(report.fitquality, measures=report.measures)
    n_rejected = int(changes.rejected(report.transients).sum())
    content = {
        "title": report.title,
        "report": report,
        "remarks": session_remarks(report),
        "n_transients": len(report.transients),
        "n_rejected": n_rejected,
        "transients": _figure(figures.transients_overview(report.transients, infusion_start_s=report.infusion_start_s)),
        "rejections": tables.rejections_table(report),
        "processing": _figure(processing.processing_overview(report.steps)),
        "fits": [_fit(fit) for fit in report.fits],
        "stacks": _stacks(report),
        "filters": _filters(report),
        "parts_figure": _figure(_parts(report, measure=next(iter(report.measures["measure"]), ""))),
        "courses": _session_courses(report),
        "phases": changes.phase_names(report.measures),
        "has_moving": not report.moving.empty,
        "quality_figure": _figure(figures.quality_course(quality, infusion_stop_s=report.infusion_stop_s)),
        **_session_tables(report),
        "settings": tables.flat(report.settings),
        "provenance": tables.flat(report.provenance),
    }
    return rendered("session.html", content)


def _stacks(report: SessionReport) -> dict[str, PageFigure]:
    drawn = {
        "spectra": stacks.stacked_spectra(report.spectra),
        "differences": stacks.stacked_differences(report.spectra),
        "residuals": stacks.stacked_residuals(report.spectra),
    }
    return {name: _figure(drawing) for name, drawing in drawn.items()}


def _filters(report: SessionReport) -> str:
    """What was done about the linewidth before differences were taken."""
    if report.spectra is None:
        return ""
    widest = float(report.spectra.filter_hz.max(initial=0.0))
    if widest < 0.005:
        return "Baseline and later windows have the same mean linewidth, so none was broadened."
    return (
        "Before that the windows of the phase with narrower lines were broadened to the mean linewidth of the other, by Lorentzian "
        "filters of up to "
        f"{number(widest, decimals=2)} Hz from the fitted widths, without noise added anew."
    )


def _session_tables(report: SessionReport) -> dict[str, tables.PageTable]:
    who = (*changes.SESSION, "condition", "period", "sequence")
    return {
        "measures": tables.plain_table(report.measures, name="Measures", leave_out=who, empty="There is no table of measures."),
        "quality": tables.plain_table(report.fitquality, name="Quality of fits", leave_out=who, empty="There is no table of fit quality."),
        "amplitudes": tables.plain_table(report.amplitudes, name="Amplitudes", leave_out=who),
        "correlations": tables.correlations_table(report),
        "history": tables.plain_table(report.history, name="Processing", empty="No processing is on record."),
    }


def _session_courses(report: SessionReport) -> list[PageFigure]:
    drawn = []
    for name in dict.fromkeys(report.measures["measure"]):
        bars = changes.session_intervals(report.measures, measure=name)
        drawing = figures.time_course(
            report.measures, measure=name, marginal_means=bars, infusion_stop_s=report.infusion_stop_s, moving=report.moving
        )
        drawn.append(_figure(drawing, title=name))
    return drawn

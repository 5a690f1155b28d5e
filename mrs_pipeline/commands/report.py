"""Pages of a study: one for the group, one for each session, made from the tables on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mrs_pipeline.basis.basis_set import is_macromolecule
from mrs_pipeline.commands.layout import MOVING, PreprocessedNames, StudySession, TimecourseNames
from mrs_pipeline.commands.one_estimator import of_estimator
from mrs_pipeline.commands.provenance import provenance
from mrs_pipeline.commands.spectra import read_window_spectra
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.curves import read_curves
from mrs_pipeline.io.tables import read_json, read_table
from mrs_pipeline.report.contents import ExampleFit, GroupReport, SessionReport
from mrs_pipeline.report.pages import group_page, session_page
from mrs_pipeline.report.ratio_parts import PAIR
from mrs_pipeline.report.window_spectra import WindowSpectra

#: Component groups drawn in figures of fits.
GROUPS = {"tNAA": ("NAA", "NAAG"), "tCr": ("Cr", "PCr"), "tCho": ("GPC", "PCh"), "Glx": ("Glu", "Gln"), "Ins": ("Ins",)}

#: The page of the basis set, beside that of the group.
BASIS_PAGE = "basis.html"


def write_group_page(sessions: Sequence[StudySession], *, config: Mapping[str, Any], results: Path, out: Path) -> None:
    """Write ``index.html`` from the group tables, with links to the pages of the sessions."""
    group = results / "group"
    overview = read_table(group / "sessions.tsv").rename(columns={"event_onset_s": "infusion_start_s"})
    statistics = config["statistics"]
    primary = {key: value for key, value in statistics["primary"].items() if value}
    page = group_page(
        GroupReport(
            title=_title(config),
            sessions=overview,
            marginal_means=read_table(group / "marginal_means.tsv"),
            controls=read_table(group / "controls.tsv"),
            sensitivity=read_table(group / "sensitivity.tsv"),
            exclusions=read_table(group / "exclusions.tsv"),
            linewidth=read_table(group / "linewidth.tsv"),
            amplitudes=_named(read_table(group / "amplitudes.tsv"), PAIR),
            correlations=_correlations(sessions, results=results),
            spectra=_spectra_of(sessions, results=results),
            primary=primary,
            conditions=tuple(statistics["conditions"] or ()),
            infusion_stop_s=_infusion_stop_s(config),
            confidence=float(statistics["confidence"]),
            examples=_examples(sessions, results=results),
            settings=config,
            provenance=provenance(config),
            basis_page=BASIS_PAGE,
            basis_remarks=tuple(remark for item in sessions for remark in _basis_remarks(item, results=results)),
            session_pages={(item.participant, item.session): f"sessions/{item.folder}/{item.label}.html" for item in sessions},
            measures=of_estimator(read_table(group / "measures.tsv"), config["statistics"]["estimator"], name="group/measures.tsv"),
            contrasts=read_table(group / "contrasts.tsv"),
            fitquality=read_table(group / "fitquality.tsv"),
            transients=read_table(group / "transients.tsv"),
        )
    )
    _write(page, out)


def write_session_page(item: StudySession, *, config: Mapping[str, Any], results: Path, out: Path) -> None:
    """Write the page of one session; a session that failed has a page with its reason."""
    folder, names = results / item.folder, TimecourseNames.bids(item.label)
    record = read_json(folder / PreprocessedNames.bids(item.label).record)
    status = read_json(folder / names.file("status.json"))
    page = session_page(
        SessionReport(
            title=_title(config),
            participant=item.participant,
            session=item.session,
            status=str(status["status"]),
            reason=str(status["reason"]),
            has_reference=_flag(record.get("has_reference")),
            transients=_table(folder / PreprocessedNames.bids(item.label).transients),
            history=_history(record.get("steps")),
            steps=_steps(record.get("steps")),
            fits=_fits(folder, names),
            spectra=read_window_spectra(folder, names),
            moving=_table(folder / names.file(MOVING)),
            infusion_start_s=_number(status.get("event_onset_s")) if _infusion_stop_s(config) is None else None,
            infusion_stop_s=_infusion_stop_s(config),
            group_page=_up(item) + "index.html",
            basis_page=_up(item) + BASIS_PAGE,
            basis_remarks=_basis_remarks(item, results=results),
            fit_remarks=_texts(record.get("remarks")) + _texts(status.get("window_remarks")) + _texts(status.get("fit_remarks")),
            settings=config,
            provenance={**provenance(config), "inputs": record.get("inputs")},
            measures=_primary_first(
                of_estimator(
                    _table(folder / names.file("measures.tsv")), config["statistics"]["estimator"], name=names.file("measures.tsv")
                ),
                measure=config["statistics"]["primary"]["measure"],
            ),
            amplitudes=_table(folder / names.file("amplitudes.tsv")),
            correlations=_table(folder / names.file("correlations.tsv")),
            fitquality=_table(folder / names.file("fitquality.tsv")),
        )
    )
    _write(page, out)


def _named(amplitudes: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Rows of the metabolites that are drawn of the group: a study has too many others to carry along."""
    return amplitudes[amplitudes["metabolite"].isin(names)] if "metabolite" in amplitudes else amplitudes


def _correlations(sessions: Sequence[StudySession], *, results: Path) -> pd.DataFrame:
    """Correlations of the pair that is drawn, of all sessions."""
    found = []
    for item in sessions:
        table = _table(results / item.folder / TimecourseNames.bids(item.label).file("correlations.tsv"))
        if len(table):
            rows = table[table["metabolite"].isin(PAIR) & table["metabolite_2"].isin(PAIR)]
            found.append(rows.assign(participant=item.participant, session=item.session))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _spectra_of(sessions: Sequence[StudySession], *, results: Path) -> dict[tuple[str, str], WindowSpectra]:
    found = {
        (item.participant, item.session): read_window_spectra(results / item.folder, TimecourseNames.bids(item.label)) for item in sessions
    }
    return {key: spectra for key, spectra in found.items() if spectra is not None}


def _basis_remarks(item: StudySession, *, results: Path) -> tuple[str, ...]:
    """What the fits of a session had to say about the basis set and about concentrations."""
    status = read_json(results / item.folder / TimecourseNames.bids(item.label).file("status.json"))
    quantification = status.get("quantification")
    told = [status.get("basis_remarks"), quantification.get("remarks") if isinstance(quantification, dict) else None]
    return tuple(remark for remarks in told for remark in _texts(remarks))


def _texts(values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in values) if isinstance(values, list) else ()


def _up(item: StudySession) -> str:
    """From the page of a session to the folder of the report."""
    return "../" * (item.folder.count("/") + 2)


def _infusion_stop_s(config: Mapping[str, Any]) -> float | None:
    """0, no infusion, for a study without event or with blocks; else it lasts to the end of the last window."""
    return None if config["windows"]["event"] and not config["windows"].get("blocks") else 0.0


def _title(config: Mapping[str, Any]) -> str:
    return str(config["study"]["title"] or config["study"]["name"])


def _write(page: str, out: Path) -> None:
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _table(path: Path) -> pd.DataFrame:
    return read_table(path) if path.exists() and path.stat().st_size else pd.DataFrame()


def _steps(steps: object) -> tuple[Mapping[str, object], ...]:
    return tuple(row for row in steps if isinstance(row, Mapping)) if isinstance(steps, list) else ()


def _history(steps: object) -> pd.DataFrame:
    rows = steps if isinstance(steps, list) else []
    return pd.DataFrame([{key: row[key] for key in ("step", "method", "details")} for row in rows], columns=["step", "method", "details"])


def _primary_first(measures: pd.DataFrame, *, measure: str) -> pd.DataFrame:
    """The table with the primary measure on top: it is the one drawn first."""
    return measures.sort_values("measure", key=lambda names: names != measure, kind="stable") if len(measures) else measures


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _fits(folder: Path, names: TimecourseNames) -> tuple[ExampleFit, ...]:
    path = folder / names.file("curves.npz")
    if not path.exists() or not path.stat().st_size:
        return ()
    windows = read_table(folder / names.file("windows.tsv")).set_index("window")
    rows = {number: dict(row) for number, row in windows.iterrows()}
    return tuple(_example(curves, window=rows[number], number=number) for number, curves in read_curves(path).items())


def _example(curves: pd.DataFrame, *, window: Mapping[Any, Any], number: int) -> ExampleFit:
    title = f"Window {number}: {window['window_start_s']:g} to {window['window_stop_s']:g} s"
    return ExampleFit(title=title, curves=grouped_components(curves), description=f"{int(window['n_retained'])} transients averaged.")


def grouped_components(curves: pd.DataFrame) -> pd.DataFrame:
    """Data, fit, baseline and residual with the sums of related components (tNAA, tCr, tCho, Glx, Ins, MM)."""
    shown = curves[["ppm", "data", "fit", "baseline", "residual"]].copy()
    for name, members in GROUPS.items():
        shown[name] = curves[[member for member in members if member in curves]].sum(axis=1)
    shown["MM"] = curves[[name for name in curves if is_macromolecule(str(name))]].sum(axis=1)
    return shown


def _examples(sessions: Sequence[StudySession], *, results: Path) -> tuple[ExampleFit, ...]:
    """The first fitted window of the first session that has one."""
    for item in sessions:
        fits = _fits(results / item.folder, TimecourseNames.bids(item.label))
        if fits:
            first = fits[0]
            return (ExampleFit(title=f"{item.label}, {first.title}", curves=first.curves, description=first.description),)
    return ()

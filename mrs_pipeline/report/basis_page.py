"""The page of the basis set: what every fitted signal looks like, where it comes from and what was taken for granted."""

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from mrs_pipeline.acquisition import Acquisition, FloatArray
from mrs_pipeline.basis.basis_set import is_macromolecule
from mrs_pipeline.report import basis_figures, basis_spectra
from mrs_pipeline.report.basis_spectra import BasisSpectra, Peaks
from mrs_pipeline.report.component_names import full_name
from mrs_pipeline.report.contents import BasisReport
from mrs_pipeline.report.pages import PageFigure, rendered
from mrs_pipeline.report.remarks import Remark
from mrs_pipeline.report.tables import Cell, PageTable, flat, number_cell, text_cell
from mrs_pipeline.report.wording import decimals_for, number, percent

#: What is drawn of every component at least, ppm.
SHOWN_PPM = (0.2, 4.4)
#: A signal outside of it widens the drawing from this part of the strongest peak on.
SEEN_FRACTION = 0.03
#: Pairs in the table of similar components.
SIMILAR = 0.7
#: Proton resonance frequency of 1 tesla, MHz (CODATA 2018, shielded proton in water).
MHZ_PER_TESLA = 42.576

#: Chemical shift of the methyl line of NAA (Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V), ppm.
NAA_PPM = 2.008
#: Farther from it than this, a set counts its chemical shifts in another way, ppm.
MISPLACED_PPM = 0.015
#: Macromolecules have decayed at longer echo times, s.
LONG_ECHO_TIME_S = 0.1

_NOT_STATED = "not stated"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The drawing of one component with what stands above it."""

    number: int
    name: str
    full_name: str
    factor: str
    drawing: Markup


def basis_page(report: BasisReport) -> str:
    """The page of a basis set, as one HTML document. The same report gives the same bytes."""
    spectra = basis_spectra.broadened_spectra(report.basis)
    peaks = [basis_spectra.peaks_of(spectra.ppm, values) for values in spectra.values]
    alike = basis_spectra.similarity(spectra, ppm_range=report.fit_range)
    sources = _sources(report)
    content = {
        "title": report.title,
        "group_page": report.group_page,
        "facts": _facts(report),
        "made": _made(report),
        "remarks": _remarks(report, peaks=peaks),
        "assumptions": _common_assumptions(report),
        "own_assumptions": _own_assumptions(report),
        "components": _components_table(report, peaks=peaks, sources=sources),
        "sources": sources,
        "groups": _groups(report, spectra=spectra, peaks=peaks),
        "broadening": number(basis_spectra.BROADENING_HZ),
        "peak_fraction": percent(basis_spectra.PEAK_FRACTION),
        "fit_range": _range(report.fit_range),
        "shown_range": _range(SHOWN_PPM),
        "similarity_map": _similarity_map(spectra, alike=alike),
        "similar": f"{SIMILAR:g}",
        "pairs": _pairs_table(spectra.names, alike=alike),
        "provenance": flat(report.provenance),
    }
    return rendered("basis.html", content)


def _range(ppm_range: tuple[float, float]) -> str:
    return f"{ppm_range[0]:g} to {ppm_range[1]:g} ppm"


def _facts(report: BasisReport) -> list[tuple[str, str]]:
    acquisition = report.basis.acquisition
    return [
        ("Components", str(len(report.basis.metabolites))),
        ("Echo time", _milliseconds(acquisition.echo_time_s)),
        ("Frequency", _frequency(acquisition)),
        ("Spectral width", f"{acquisition.spectral_width_hz:g} Hz"),
        ("Points", f"{acquisition.n_points} ({number(acquisition.n_points * acquisition.dwell_time_s)} s)"),
        ("Own line width", f"{number(report.basis.linewidth_hz)} Hz" if report.basis.linewidth_hz else "none"),
    ]


def _milliseconds(time_s: float | None) -> str:
    return _NOT_STATED if time_s is None else f"{1e3 * time_s:g} ms"


def _frequency(acquisition: Acquisition) -> str:
    frequency_mhz = acquisition.spectrometer_frequency_mhz
    tesla = f" ({frequency_mhz / MHZ_PER_TESLA:.2f} T)" if acquisition.nucleus == "1H" else f" ({acquisition.nucleus})"
    return f"{frequency_mhz:g} MHz{tesla}"


def _made(report: BasisReport) -> list[tuple[str, str]]:
    return [
        ("Comes from", report.source),
        ("Sequence", report.basis.sequence or _NOT_STATED),
        ("Pulses", _pulses(report) or f"{_NOT_STATED}: ideal or shaped"),
        ("Macromolecules and lipids", _macromolecules(report)),
        ("Fitted range", _range(report.fit_range)),
    ]


def _pulses(report: BasisReport) -> str:
    """What the set says of its pulses: the assumptions that speak of them, else that part of its sequence."""
    parts = [part.strip() for part in report.basis.sequence.replace(";", ",").split(",")]
    for sentences in (_common_assumptions(report), parts):
        found = [sentence for sentence in sentences if "pulse" in sentence.lower() or "ideal" in sentence.lower()]
        if found:
            return "; ".join(found)
    return ""


def _macromolecules(report: BasisReport) -> str:
    if report.built_in:
        return f"built-in components: {', '.join(report.built_in)}"
    own = [name for name in report.basis.metabolites if is_macromolecule(name)]
    return f"those of the set: {', '.join(own)}" if own else "none"


def _remarks(report: BasisReport, *, peaks: list[Peaks]) -> list[Remark]:
    """What the set leaves open, and whether its chemical shifts are those that are fitted."""
    basis = report.basis
    said = {
        "The set does not say whether its pulses were ideal or shaped: ideal pulses misjudge coupled spins by several per cent where the "
        "scanner's pulses are long.": _pulses(report),
        "The set does not say where its components come from: ask its maker for the chemical shifts and couplings.": any(basis.origins),
        "The set does not state its echo time: nothing checks that it is that of the data.": basis.acquisition.echo_time_s,
        "The fit has no macromolecules: where the echo time is short, the baseline takes their place.": _macromolecules(report) != "none"
        or (basis.acquisition.echo_time_s or 0.0) > LONG_ECHO_TIME_S,
    }
    open_questions = [Remark(text=text, weight="note") for text, settled in said.items() if not settled]
    shift_ppm = dict(zip(basis.metabolites, peaks, strict=True))["NAA"].strongest_ppm if "NAA" in basis.metabolites else NAA_PPM
    if abs(shift_ppm - NAA_PPM) <= MISPLACED_PPM:
        return open_questions
    where = f"The methyl line of NAA is at {number(shift_ppm, decimals=2)} ppm in this set, not at {number(NAA_PPM, decimals=2)} ppm"
    return [Remark(text=f"{where}: all its chemical shifts may be counted from another carrier."), *open_questions]


def _common_assumptions(report: BasisReport) -> list[str]:
    """The assumptions on the whole set; one that starts with the name of a component stands apart."""
    return [text for text in report.basis.assumptions if text.split(":")[0] not in report.basis.metabolites]


def _own_assumptions(report: BasisReport) -> list[tuple[str, str]]:
    """What was assumed of single components, each statement once with the names it holds for."""
    names: dict[str, list[str]] = {}
    for text in report.basis.assumptions:
        name, _, statement = text.partition(":")
        if name in report.basis.metabolites:
            names.setdefault(statement.strip(), []).append(name)
    return [(", ".join(of), statement) for statement, of in names.items()]


def _origins(report: BasisReport) -> list[str]:
    """Where each component comes from; nothing where the set does not say."""
    basis = report.basis
    origins = basis.origins or ("",) * len(basis.metabolites)
    pairs = zip(basis.metabolites, origins, strict=True)
    return [origin or ("built into the program" if name in report.built_in else "") for name, origin in pairs]


def _sources(report: BasisReport) -> list[str]:
    """The different origins in the order in which they come; the table numbers them."""
    return list(dict.fromkeys(origin for origin in _origins(report) if origin))


def _components_table(report: BasisReport, *, peaks: list[Peaks], sources: list[str]) -> PageTable:
    rows = []
    for n, (name, origin) in enumerate(zip(report.basis.metabolites, _origins(report), strict=True)):
        numbers = [
            number_cell(float(report.basis.fids[n, 0].real), decimals=_area_decimals(report, built_in=name in report.built_in)),
            number_cell(peaks[n].strongest_ppm, decimals=2),
            number_cell(peaks[n].n_peaks, decimals=0),
        ]
        named = [Cell(text=name, link=f"#component-{n + 1}"), text_cell(full_name(name))]
        rows.append([*named, *numbers, _source_cell(origin, sources=sources)])
    headers = ("Component", "Name in full", "Area", "Strongest peak (ppm)", "Peaks", "Source")
    return PageTable(name="Components", headers=headers, rows=rows)


def _area_decimals(report: BasisReport, *, built_in: bool) -> int:
    """Decimals for the areas of the set, or of what was added to it, whose unit may be another."""
    areas = np.abs(report.basis.fids[:, 0].real)
    alike = [area for area, name in zip(areas, report.basis.metabolites, strict=True) if (name in report.built_in) is built_in]
    return decimals_for(float(max(alike)) / 10)


def _source_cell(origin: str, *, sources: list[str]) -> Cell:
    place = sources.index(origin) + 1 if origin else 0
    return Cell(text=str(place), link=f"#source-{place}") if place else Cell(text=_NOT_STATED)


def _groups(report: BasisReport, *, spectra: BasisSpectra, peaks: list[Peaks]) -> list[tuple[str, list[Panel]]]:
    """Metabolites, and apart from them what is broad: built-in components and an imported set need not have the same unit."""
    broad = [is_macromolecule(name) or name in report.built_in for name in spectra.names]
    groups = []
    for heading, chosen in (("Metabolites", False), ("Macromolecules and lipids", True)):
        members = [n for n, this in enumerate(broad) if this is chosen]
        highest = max((abs(peaks[n].height) for n in members), default=0.0)
        panels = [_panel(n, spectra=spectra, peaks=peaks[n], highest=highest, fit_range=report.fit_range) for n in members]
        groups.append((heading, panels))
    return [group for group in groups if group[1]]


def _panel(n: int, *, spectra: BasisSpectra, peaks: Peaks, highest: float, fit_range: tuple[float, float]) -> Panel:
    ppm, values, name = spectra.ppm, spectra.values[n], spectra.names[n]
    low, high = basis_spectra.shown_range(ppm, values, least=SHOWN_PPM, fraction=SEEN_FRACTION)
    shown = (ppm >= low) & (ppm <= high)
    label = f"Spectrum of {name}, strongest peak at {number(peaks.strongest_ppm, decimals=2)} ppm"
    svg = basis_figures.component_panel(ppm[shown], values[shown], fit_range=fit_range, label=label)
    return Panel(
        number=n + 1,
        name=name,
        full_name=full_name(name),
        factor=f"× {number(highest / abs(peaks.height), decimals=1)}" if peaks.height else "no signal",
        drawing=Markup(svg),  # noqa: S704 -- drawings escape their own text
    )


def _similarity_map(spectra: BasisSpectra, *, alike: FloatArray) -> PageFigure:
    if len(spectra.names) < 2:
        return PageFigure(drawing=Markup(), missing="A single component resembles no other.")
    label = f"Similarity of every pair of {len(spectra.names)} components; the most similar ones are in the table below"
    svg = basis_figures.similarity_map(alike, names=spectra.names, label=label)
    return PageFigure(drawing=Markup(svg))  # noqa: S704 -- drawings escape their own text


def _pairs_table(names: tuple[str, ...], *, alike: FloatArray) -> PageTable:
    rows = [
        [text_cell(names[i]), text_cell(names[j]), number_cell(value, decimals=2)]
        for i, j, value in basis_spectra.similar_pairs(alike, least=SIMILAR)
    ]
    empty = f"No two components have a similarity of {SIMILAR:g} or more."
    return PageTable(name="Most similar components", headers=("Component", "Component", "Similarity"), rows=rows, empty=empty)

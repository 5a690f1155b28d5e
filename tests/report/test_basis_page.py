import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.report import drawing
from mrs_pipeline.report.basis_page import basis_page
from mrs_pipeline.report.basis_spectra import BROADENING_HZ
from mrs_pipeline.report.component_names import full_name
from mrs_pipeline.report.contents import BasisReport, GroupReport, SessionReport
from mrs_pipeline.report.pages import group_page, session_page

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "<script>alert('x')</script>\"&"
VOID = {"meta", "br", "img", "link", "input", "hr"}
ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=None
)
#: Lines (ppm, protons); the singlets stand where Govindaraju et al. 2000 (doi in the package's table of spin systems) have them.
LINES = {
    "NAA": [(2.008, 3.0), (2.60, 0.5)],
    "NAAG": [(2.042, 3.0)],
    "Cr": [(3.027, 3.0), (3.913, 2.0)],
    "PCr": [(3.029, 3.0), (3.930, 2.0)],
    "sIns": [(3.340, 6.0)],
    "Glc": [(3.42, 1.0), (5.216, 0.4)],
    "Lac": [(1.31, -3.0)],
}


def make_basis(lines: dict[str, list[tuple[float, float]]], *, acquisition: Acquisition = ACQUISITION, **more: object) -> BasisSet:
    """Undamped lines under a plain FFT at (4.65 - ppm) times the spectrometer frequency."""
    hz_per_ppm, time_s = acquisition.spectrometer_frequency_mhz, acquisition.time_s
    fids = [sum(area * np.exp(2j * np.pi * (4.65 - ppm) * hz_per_ppm * time_s) for ppm, area in each) for each in lines.values()]
    whole = {"sequence": "press, ideal pulses", "origins": tuple(f"source of {name}" for name in lines), "assumptions": ("no relaxation",)}
    return BasisSet(metabolites=tuple(lines), fids=np.array(fids), acquisition=acquisition, **{**whole, **more})  # type: ignore[arg-type]


@pytest.fixture
def report() -> BasisReport:
    return BasisReport(
        title="Basis set", basis=make_basis(LINES), source="simulated", fit_range=(0.2, 4.0), provenance={"sha256": {"basis.npz": "0123"}}
    )


class Page(HTMLParser):
    """Tags (checked to be nested rightly), words, attributes and the rows of named tables."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self.name = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)
        if tag == "div" and dict(attrs).get("role") == "region":
            self.name = dict(attrs).get("aria-label") or ""
        if tag == "tr":
            self.tables.setdefault(self.name, []).append([])
        if tag in ("td", "th"):
            self.tables[self.name][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data.strip())
        if "td" in self.open or "th" in self.open:
            self.tables[self.name][-1][-1] += data.strip()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def row(self, name: str) -> dict[str, str]:
        head, *rows = self.tables["Components"]
        return dict(zip(head, next(row for row in rows if row[0] == name), strict=True))


def panels(html: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Chemical shift and height above the lower edge of every drawn spectrum, read from its path and the numbers on its axis."""
    found = {}
    for drawn in re.findall(r"<svg role=\"img\".*?</svg>", html, flags=re.DOTALL):
        root = ET.fromstring(drawn)  # noqa: S314 -- our own drawing
        name = re.match(r"Spectrum of (.*), strongest", root.get("aria-label", ""))
        if name:
            found[name[1]] = _curve(root)
    return found


def _curve(root: ET.Element) -> tuple[np.ndarray, np.ndarray]:
    ticks = []
    for element in root.iter(f"{SVG}text"):
        ticks.append((float(element.get("x", "nan")), float((element.text or "").replace("−", "-"))))
    slope, offset = np.polyfit(*np.array(ticks).T, 1)
    assert slope < 0  # chemical shift falls from left to right
    curves = [e for e in root.iter(f"{SVG}path") if f"stroke: {drawing.BLUE.lower()}" in e.get("style", "").lower()]
    assert len(curves) == 1
    points = np.array([float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", curves[0].get("d", ""))]).reshape(-1, 2)
    return slope * points[:, 0] + offset, -points[:, 1]


def test_every_component_is_named_and_drawn(report: BasisReport) -> None:
    html = basis_page(report)
    page = Page(html)
    assert set(panels(html)) == set(LINES)
    assert [row[0] for row in page.tables["Components"][1:]] == list(LINES)
    for name in LINES:
        assert page.row(name)["Name in full"] == full_name(name) != ""
        assert f"source of {name}" in page.text
    assert page.row("Glc")["Name in full"] == "glucose"


@pytest.mark.parametrize(("name", "peak_ppm"), [("NAA", 2.008), ("Cr", 3.027), ("sIns", 3.340), ("NAAG", 2.042)])
def test_peaks_stand_at_their_chemical_shift(report: BasisReport, name: str, peak_ppm: float) -> None:
    html = basis_page(report)
    ppm, height = panels(html)[name]
    assert ppm[height.argmax()] == pytest.approx(peak_ppm, abs=0.01)
    assert float(Page(html).row(name)["Strongest peak (ppm)"]) == pytest.approx(peak_ppm, abs=0.006)
    assert np.all(np.diff(ppm) <= 0)


def test_a_line_that_points_down_is_drawn_so(report: BasisReport) -> None:
    html = basis_page(report)
    ppm, height = panels(html)["Lac"]
    assert ppm[height.argmin()] == pytest.approx(1.31, abs=0.01)
    assert np.median(height) > height.min() + 0.9 * (height.max() - height.min())
    assert Page(html).row("Lac") == {**Page(html).row("Lac"), "Area": "−3.00", "Strongest peak (ppm)": "1.31", "Peaks": "1"}


def test_drawings_are_wider_where_there_is_signal(report: BasisReport) -> None:
    drawn = panels(basis_page(report))
    assert drawn["NAA"][0].max() == pytest.approx(4.4, abs=0.02)
    assert drawn["NAA"][0].min() == pytest.approx(0.2, abs=0.02)
    assert 5.25 < drawn["Glc"][0].max() < 5.7


def test_table_of_pairs_holds_those_that_look_alike(report: BasisReport) -> None:
    page = Page(basis_page(report))
    head, *rows = page.tables["Most similar components"]
    assert head == ["Component", "Component", "Similarity"]
    assert [row[:2] for row in rows] == [["Cr", "PCr"]]
    # The methyls coincide but for 0.26 Hz, the methylenes are 2.17 Hz apart: the mean of both, weighted with their squared areas.
    overlap = {area: np.exp(-2 * np.log(2) * (127.7 * d) ** 2 / BROADENING_HZ**2) for area, d in ((3, 0.002), (2, 0.017))}
    assert float(rows[0][2]) == pytest.approx((9 * overlap[3] + 4 * overlap[2]) / 13, abs=0.006)


def test_what_is_known_of_a_set_is_said(report: BasisReport) -> None:
    basis = replace(report.basis, assumptions=("ideal pulses", "no relaxation", "Cr: NH exchanges", "PCr: NH exchanges"), linewidth_hz=1.5)
    page = Page(basis_page(replace(report, basis=basis, group_page="index.html")))
    for said in (
        "Echo time 30 ms",
        "127.7 MHz (3.00 T)",
        "2000 Hz",
        "1024 (0.512 s)",
        "Own line width 1.50 Hz",
        "Comes from simulated",
        "Sequence press, ideal pulses",
        "Pulses ideal pulses",
        "Macromolecules and lipids none",
        "Fitted range 0.2 to 4 ppm",
        "Cr, PCr NH exchanges",
        "sha256.basis.npz 0123",
    ):
        assert said in page.text
    assert "does not s" not in page.text
    assert ("href", "index.html") in page.attributes


def test_what_a_set_leaves_open_is_said(report: BasisReport) -> None:
    acquisition = replace(ACQUISITION, echo_time_s=None)
    bare = make_basis(LINES, acquisition=acquisition, sequence="", origins=(), assumptions=())
    page = Page(basis_page(replace(report, basis=bare)))
    for said in (
        "does not say whether its pulses were ideal or shaped",
        "does not say where its components come from",
        "does not state its echo time",
        "The fit has no macromolecules",
        "Echo time not stated",
        "Sequence not stated",
        "does not state what was assumed",
    ):
        assert said in page.text
    assert {row[-1] for row in page.tables["Components"][1:]} == {"not stated"}


def test_shaped_pulses_are_named(report: BasisReport) -> None:
    shaped = replace(report.basis, sequence="press", assumptions=("shaped pulses of 5 ms over 32 x 32 positions", "no relaxation"))
    text = Page(basis_page(replace(report, basis=shaped))).text
    assert "Pulses shaped pulses of 5 ms over 32 x 32 positions" in text
    assert "does not say whether" not in text


def test_macromolecules_stand_apart_and_say_whose_they_are(report: BasisReport) -> None:
    lines = {**LINES, "MM09": [(0.91, 1e-3)], "Lip13a": [(1.28, 1e-3)]}
    basis = make_basis(lines, origins=(*(f"source of {name}" for name in LINES), "", ""))
    page = Page(basis_page(replace(report, basis=basis, built_in=("MM09", "Lip13a"))))
    assert "built-in components: MM09, Lip13a" in page.text
    assert "built into the program" in page.text
    assert page.row("MM09") == {**page.row("MM09"), "Name in full": "macromolecules near 0.9 ppm", "Area": "0.00100"}
    html = basis_page(replace(report, basis=make_basis({**LINES, "Mac": [(0.9, 3.0)]})))
    assert "those of the set: Mac" in Page(html).text
    assert html.index("Macromolecules and lipids</h3>") < html.index("Spectrum of Mac,")
    assert html.index("Macromolecules and lipids</h3>") > html.index("Spectrum of Lac,")


@pytest.mark.parametrize(("shift_ppm", "warned"), [(0.0, False), (0.008, False), (-0.03, True), (0.3, True)])
def test_a_set_counted_from_another_carrier_is_found(report: BasisReport, shift_ppm: float, warned: bool) -> None:
    basis = make_basis({"NAA": [(2.008 + shift_ppm, 3.0)]})
    text = Page(basis_page(replace(report, basis=basis))).text
    assert ("another carrier" in text) is warned
    assert (f"NAA is at {2.008 + shift_ppm:.2f} ppm" in text) is warned


def test_everything_is_escaped(report: BasisReport) -> None:
    lines = {EVIL + name: line for name, line in LINES.items()}
    origins = tuple(f"{EVIL} {n}" for n in range(len(lines)))
    basis = make_basis(lines, sequence=EVIL, origins=origins, assumptions=(EVIL, f"{EVIL}NAA: {EVIL}"))
    evil = replace(report, title=EVIL, basis=basis, source=EVIL, group_page=EVIL, provenance={EVIL: EVIL})
    html = basis_page(evil)
    assert "<script" not in html
    page = Page(html)
    assert "script" not in page.tags
    assert EVIL in page.text
    assert [row[0] for row in page.tables["Components"][1:]] == list(lines)


def test_the_page_is_the_same_every_time_and_needs_nothing_else(report: BasisReport) -> None:
    html = basis_page(report)
    assert html == basis_page(report)
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    links = {value for name, value in page.attributes if name in ("href", "src", "xlink:href") and value}
    ids = [value for name, value in page.attributes if name == "id"]
    assert links <= {f"#{value}" for value in ids}
    assert len(ids) == len(set(ids))
    assert page.tags.count("svg") == len(LINES) + 1
    assert all(value for name, value in page.attributes if name == "aria-label")


def test_a_large_set_of_crowded_spectra_stays_light(report: BasisReport) -> None:
    rng = np.random.default_rng(1)
    lines = {f"M{n}": [(float(ppm), 1.0) for ppm in rng.uniform(0.2, 9.0, 40)] for n in range(30)}
    acquisition = replace(ACQUISITION, spectrometer_frequency_mhz=297.2, spectral_width_hz=6000.0, n_points=8192)
    html = basis_page(replace(report, basis=make_basis(lines, acquisition=acquisition)))
    assert len(html.encode()) < 1_500_000


def test_sets_of_one_component_and_of_none_that_is_heard(report: BasisReport) -> None:
    one = Page(basis_page(replace(report, basis=make_basis({"NAA": LINES["NAA"]}))))
    assert "A single component resembles no other." in one.text
    silent = Page(basis_page(replace(report, basis=make_basis({"A": [(2.0, 0.0)], "B": [(3.0, 0.0)]}))))
    assert silent.text.count("no signal") >= 2
    assert "nan" not in silent.text.lower().split()


def test_other_pages_lead_to_it() -> None:
    group = Page(group_page(GroupReport(title="A study", basis_page="basis.html")))
    session = Page(session_page(SessionReport(title="A study", participant="01", session="1", basis_page="../basis.html")))
    assert ("href", "basis.html") in group.attributes
    assert ("href", "../basis.html") in session.attributes
    without = Page(group_page(GroupReport(title="A study", measures=pd.DataFrame())))
    assert not [value for name, value in without.attributes if name == "href" and "basis" in (value or "")]


@pytest.mark.external_data
def test_page_of_another_programs_set(external_data, report: BasisReport) -> None:
    basis = read_basis(external_data / "lcmodel_test" / "3t.basis")
    html = basis_page(replace(report, basis=basis))
    drawn = panels(html)
    assert set(drawn) == set(basis.metabolites)
    for name, peak_ppm in (("NAA", 2.008), ("Cr", 3.027), ("sIns", 3.34)):
        ppm, height = drawn[name]
        assert ppm[height.argmax()] == pytest.approx(peak_ppm, abs=0.012)

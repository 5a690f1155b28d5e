"""Numerator and denominator beside the ratio: scaled courses, changes, and what is said when the denominator moved."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.report import ratio_parts, ratio_remarks
from mrs_pipeline.report.contents import GroupReport, SessionReport
from mrs_pipeline.report.pages import group_page, session_page

STARTS = (-120.0, -60.0, 0.0, 60.0)
TERMS = {"Glx": "Glu+Gln", "tNAA": "NAA+NAAG", "Glx/tNAA": "(Glu+Gln)/(NAA+NAAG)", "Glu/tNAA": "(Glu)/(NAA+NAAG)"}


def session_tables(*, above: float, below: float, sd: float = 0.004) -> dict[str, pd.DataFrame]:
    """Windows of a session in which Glx and tNAA are `above` and `below` times as large after 0 s."""
    rows, amplitudes, correlations = [], [], []
    for window, start in enumerate(STARTS):
        on = start >= 0
        glx, tnaa = 12.0 * (above if on else 1.0), 9.0 * (below if on else 1.0)
        values = {"Glx/tNAA": glx / tnaa, "Glx": glx, "tNAA": tnaa, "Glu/tNAA": 0.8 * glx / tnaa}
        for name, value in values.items():
            errors = {"sd": 5 * sd * value, "sd_within": sd * value}
            row = {"window": window, "window_start_s": start, "window_stop_s": start + 60.0, "measure": name, "value": value}
            rows.append({**row, **errors, "terms": TERMS[name]})
        amplitudes += [{"window": window, "metabolite": "Glu", "amplitude": 0.8 * glx, "sd": 0.1, "sd_within": 0.05}]
        amplitudes += [{"window": window, "metabolite": "Gln", "amplitude": 0.2 * glx, "sd": 0.1}]
        correlations.append({"window": window, "metabolite": "Gln", "metabolite_2": "Glu", "correlation": -0.1 * window})
    tables = {"measures": rows, "amplitudes": amplitudes, "correlations": correlations}
    return {name: pd.DataFrame(content) for name, content in tables.items()}


def session(**numbers: float) -> SessionReport:
    return SessionReport(title="One", participant="01", session="1", status="ok", **session_tables(**numbers))


def test_parts_are_found_by_their_terms() -> None:
    report = session(above=1.0, below=1.0)
    of_sums = ratio_parts.parts_of(report.measures, measure="Glx/tNAA", amplitudes=report.amplitudes)
    of_one = ratio_parts.parts_of(report.measures, measure="Glu/tNAA", amplitudes=report.amplitudes)
    assert of_sums is not None
    assert of_sums.names == ("Glx", "tNAA", "Glx/tNAA")
    assert of_one is not None
    assert of_one.names == ("Glu", "tNAA", "Glu/tNAA")
    assert ratio_parts.parts_of(report.measures, measure="Glx") is None
    assert ratio_parts.parts_of(report.measures, measure="Glu/tNAA") is None


def test_courses_are_in_percent_of_the_session_mean() -> None:
    report = session(above=1.10, below=1.0)
    found = {
        name: ratio_parts.course_of(name, measures=report.measures, amplitudes=report.amplitudes) for name in ("Glx", "tNAA", "Glu", "Gln")
    }
    expected = [100 * (value / 1.05 - 1) for value in (1.0, 1.0, 1.1, 1.1)]
    assert list(found["Glx"]["percent"]) == pytest.approx(expected)
    assert list(found["Glu"]["percent"]) == pytest.approx(expected)
    assert list(found["tNAA"]["percent"]) == pytest.approx([0.0] * 4, abs=1e-12)
    assert list(found["Glx"]["error"]) == pytest.approx([0.4 * value / 1.05 for value in (1.0, 1.0, 1.1, 1.1)])
    assert found["Glu"]["error"].iloc[0] == pytest.approx(100 * 0.05 / (0.8 * 12 * 1.05))
    assert found["Gln"]["error"].iloc[0] == pytest.approx(100 * 0.1 / (0.2 * 12 * 1.05))


def test_changes_are_those_of_logarithms() -> None:
    report = session(above=1.10, below=0.98)
    change = ratio_parts.change_within("Glx/tNAA", measures=report.measures, amplitudes=report.amplitudes)
    assert change.percent == pytest.approx(100 * np.log(1.10 / 0.98))
    assert change.sd == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("above", "below", "said"), [(1.0, 0.97, True), (1.03, 1.0, False), (0.98, 0.99, False), (1.001, 0.9965, False), (1.03, 1.031, False)]
)
def test_a_session_whose_denominator_moved_says_so(above: float, below: float, said: bool) -> None:
    found = ratio_remarks.of_session(session(above=above, below=below))
    assert bool(found) is said
    if said:
        assert "tNAA −3.05 % (0.40)" in found[0]
        assert found[0] in session_page(session(above=above, below=below))


def contrasts(*, ratio: float, above: float, below: float) -> pd.DataFrame:
    numbers = {"Glx/tNAA": ratio, "Glx": above, "tNAA": below}
    rows = [
        {"analysis": "mixed_model", "measure": name, "contrast": "drug - placebo", "estimate": size, "unit": "%", "se": 0.5, "status": "ok"}
        for name, size in numbers.items()
    ]
    return pd.DataFrame(rows).assign(ci_low=lambda t: t["estimate"] - 1.0, ci_high=lambda t: t["estimate"] + 1.0)


@pytest.mark.parametrize(
    ("ratio", "above", "below", "weight"),
    [(3.0, 1.0, -2.0, "warning"), (0.6, -0.1, -0.7, "note"), (3.0, 2.0, -1.0, None), (0.3, 0.0, -0.3, None)],
)
def test_a_study_whose_denominator_moved_says_so(study: GroupReport, ratio: float, above: float, below: float, weight: str | None) -> None:
    measures = pd.concat(
        [study.measures.assign(terms=""), session_tables(above=1.0, below=1.0)["measures"].assign(participant="01", session="1")]
    )
    report = replace(study, measures=measures, contrasts=contrasts(ratio=ratio, above=above, below=below))
    found = [("warning" if weighty else "note") for _, weighty in ratio_remarks.of_study(report)]
    assert found == ([weight] if weight else [])


def test_the_figures_are_on_both_pages(study: GroupReport) -> None:
    one = session(above=1.1, below=1.0)
    assert "Courses of Glx, tNAA, Glx/tNAA, Glu, Gln in percent of the session mean" in session_page(one)
    two = []
    for participant in ("01", "02"):
        tables = session_tables(above=1.1, below=1.0)
        two.append({name: content.assign(participant=participant, session="1", condition="drug") for name, content in tables.items()})
    whole = {name: pd.concat([part[name] for part in two]) for name in ("measures", "amplitudes", "correlations")}
    assert "Courses of Glx, tNAA, Glx/tNAA, Glu, Gln in percent of the session mean" in group_page(replace(study, **whole))

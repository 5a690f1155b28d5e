"""The verdict on linewidth: sentences and warnings that follow from the numbers of the table, and the table as it is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.report.contents import GroupReport
from mrs_pipeline.report.linewidth import linewidth_warnings, shift_of, verdict
from mrs_pipeline.report.pages import group_page
from mrs_pipeline.report.remarks import group_remarks
from tests.report.conftest import PRIMARY
from tests.report.html_page import Page

MAIN = PRIMARY["contrast"]
ESTIMATORS = {"none": "lineshape_held", "matching": "linewidth_matched", "modelling": "independent", "joint": "joint"}


def row(measure: str, contrast: str, linewidth: str, numbers: tuple[float, float], **other: object) -> dict[str, object]:
    """A row whose interval is +-2 standard errors."""
    estimate, se = numbers
    limits = {"ci_low": estimate - 2 * se, "ci_high": estimate + 2 * se, "p": 0.04}
    names = {"measure": measure, "contrast": contrast, "linewidth": linewidth, "estimator": ESTIMATORS[linewidth]}
    return {**names, "estimate": estimate, "se": se, **limits, "unit": "%", "compared_with": None, "status": "ok", "reason": None, **other}


def table(*, held: float, matched: float) -> pd.DataFrame:
    """Contrast 2.0 (0.5) % by the modelled linewidth; others apart from it by what is given."""
    apart = {"compared_with": "independent"}
    rows = [
        row("fwhm_hz", MAIN, "modelling", (-0.02, 0.03), unit="Hz"),
        row("fwhm_hz", "placebo: infusion change", "modelling", (-0.18, 0.06), unit="Hz"),
        row("fwhm_hz", "drug: infusion change", "modelling", (0.01, 0.06), unit="Hz"),
        row("Glx/tNAA", MAIN, "none", (2.0 + held, 0.52)),
        row("Glx/tNAA", MAIN, "none", (held, 0.04), **apart),
        row("Glx/tNAA", MAIN, "matching", (2.0 + matched, 0.51)),
        row("Glx/tNAA", MAIN, "matching", (matched, 0.05), **apart),
        row("Glx/tNAA", MAIN, "modelling", (2.0, 0.5)),
        row("tCho/tCr", MAIN, "none", (3.0, 0.5)),
        row("tCho/tCr", MAIN, "none", (0.75, 0.05), **apart),
        row("tCho/tCr", MAIN, "modelling", (2.25, 0.5)),
        row("tCho/tCr", MAIN, "joint", (np.nan, np.nan), status="not_estimable", reason="too few"),
    ]
    return pd.DataFrame(rows)


def with_table(study: GroupReport, **numbers: float) -> GroupReport:
    return replace(study, linewidth=table(**numbers))


def test_the_verdict_says_the_numbers(study: GroupReport) -> None:
    said = verdict(with_table(study, held=1.1, matched=-0.1))
    assert said == [
        "During the infusion lines became 0.180 Hz narrower (0.060 to 0.300) under placebo and the linewidth under drug changed by "
        "0.010 Hz (−0.110 to 0.130); the difference drug - placebo is −0.020 Hz (−0.080 to 0.040) (95 % intervals in brackets).",
        "A fit that holds the linewidth moves the contrast of Glx/tNAA by 1.100 % (1.020 to 1.180), 2.2 standard errors of the contrast.",
        "The contrast of Glx/tNAA is 2.00 % (1.00 to 3.00) with the linewidth modelled, 1.90 % (0.88 to 2.92) with windows matched: "
        "matching and modelling agree within 0.100 %, 0.2 standard errors of the contrast.",
    ]
    assert "differ by 0.600 %, 1.2 standard errors" in verdict(with_table(study, held=0.0, matched=-0.6))[-1]


@pytest.mark.parametrize(
    ("held", "matched", "warned"),
    [(0.4, -0.4, []), (0.6, 0.0, ["treated"]), (0.0, 0.6, ["disagree"]), (-1.0, 0.6, ["treated", "disagree"])],
)
def test_beyond_one_standard_error_of_the_contrast_is_a_warning(study: GroupReport, held: float, matched: float, warned: list[str]) -> None:
    report = with_table(study, held=held, matched=matched)
    primary = [text for text, is_primary in linewidth_warnings(report) if is_primary]
    assert len(primary) == len(warned)
    assert all(word in text for word, text in zip(warned, primary, strict=True))
    cautions = [remark.text for remark in group_remarks(report) if remark.weight == "warning"]
    assert [text for text in cautions if "linewidth" in text] == primary
    notes = [remark.text for remark in group_remarks(report) if remark.weight == "note" and "linewidth" in remark.text]
    assert len(notes) == 1
    assert "tCho/tCr" in notes[0]


def test_a_shift_is_counted_in_standard_errors_of_the_modelled_contrast(study: GroupReport) -> None:
    report = with_table(study, held=0.6, matched=0.0)
    shift = shift_of(report.linewidth, measure="Glx/tNAA", contrast=MAIN, linewidth="none")
    assert shift is not None
    assert shift.in_se == pytest.approx(0.6 / 0.5)
    assert shift_of(report.linewidth, measure="tCho/tCr", contrast=MAIN, linewidth="joint") is None


def test_numbers_on_the_page_are_those_of_the_table(study: GroupReport) -> None:
    whole = table(held=1.1, matched=-0.1)
    page = Page(group_page(replace(study, linewidth=whole)))
    assert all(sentence in page.text for sentence in verdict(replace(study, linewidth=whole)))
    name = "Contrasts by treatment of the linewidth"
    main = whole[(whole["contrast"] == MAIN) & whole["compared_with"].isna()]
    for header, column in (("Estimate", "estimate"), ("P", "p")):
        shown = [float(value) if value else np.nan for _, value in page.column(name, header)]
        assert shown == pytest.approx(list(main[column]), nan_ok=True)
    assert [value for _, value in page.column(name, "Less modelled") if value] == ["1.1", "-0.1", "0.75"]
    others = page.column("Other contrasts by treatment of the linewidth", "Contrast")
    assert [text for text, _ in others] == ["placebo: infusion change", "drug: infusion change"]


def test_without_a_table_there_is_no_panel(study: GroupReport) -> None:
    nothing = pd.DataFrame(
        [{"measure": "Glx/tNAA", "contrast": "none", "linewidth": None, "estimate": np.nan, "status": "nothing_to_contrast"}]
    )
    for report in (study, replace(study, linewidth=nothing)):
        page = group_page(report)
        assert 'id="linewidth"' not in page
        assert verdict(report) == []
        assert linewidth_warnings(report) == []

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.report.contents import ExampleFit, GroupReport, SessionReport
from mrs_pipeline.report.pages import group_page, session_page

from .html_page import Page

EVIL = "<script>alert('x')</script>\"&"


def test_contrasts_on_the_page_are_those_of_the_table(study: GroupReport) -> None:
    page = Page(group_page(study))
    names = {
        "Estimate": "estimate",
        "95 % low": "ci_low",
        "95 % high": "ci_high",
        "SE": "se",
        "df": "df",
        "P": "p",
        "P adjusted": "p_adjusted",
    }
    for header, column in names.items():
        exact = [float(value) if value else np.nan for _, value in page.column("Contrasts", header)]
        np.testing.assert_array_equal(exact, study.contrasts[column])
    shown = [text for text, _ in page.column("Contrasts", "Estimate")]
    assert shown == ["−2.5", "−2.13", "0.31", "–"]
    assert [text for text, _ in page.column("Contrasts", "P")] == ["0.033", "0.034", "0.70", "–"]
    assert [text for text, _ in page.column("Contrasts", "Windows")] == ["144", "156", "156", "12"]
    assert page.column("Contrasts", "Reason")[3][0] == "too few pairs"


def test_headline_states_the_primary_result(study: GroupReport) -> None:
    text = Page(group_page(study)).text
    assert "The contrast drug - placebo in Glx/tNAA is estimated at −2.13 % (95 % interval −4.10 to −0.17, P = 0.034, 24.3 degrees" in text
    assert "from 26 participants, 52 sessions, 156 windows" in text
    assert "compatible with differences from −4.10 to −0.17 %; zero lies outside" in text
    assert "significant" not in text


@pytest.mark.parametrize(
    ("primary", "said"),
    [
        ({"analysis": "mixed_model", "measure": "tCho/tCr", "contrast": "drug - placebo"}, "compatible with no difference"),
        ({"analysis": "permutation", "measure": "tCho/tCr", "contrast": "drug - placebo"}, "could not be estimated: too few pairs"),
        ({"analysis": "none such", "measure": "tCho/tCr", "contrast": "drug - placebo"}, "not among the contrasts"),
        ({}, "names no primary analysis"),
    ],
)
def test_headline_in_other_cases(study: GroupReport, primary: dict[str, str], said: str) -> None:
    assert said in Page(group_page(replace(study, primary=primary))).text


def test_numbers_of_sessions_and_windows(study: GroupReport) -> None:
    page = Page(group_page(study))
    assert len(page.column("Quality of sessions", "Status")) == 12
    medians = study.fitquality.groupby(["participant", "session"])["fwhm_hz"].median()
    assert [float(value or "nan") for _, value in page.column("Quality of sessions", "Linewidth (Hz)")] == pytest.approx(medians.to_list())
    assert {text for text, _ in page.column("Quality of sessions", "Rejected (%)")} == {"5.0"}
    assert {text for text, _ in page.column("Quality of sessions", "Windows fitted")} == {"3 of 3"}
    rows = study.measures[study.measures["measure"] == "Glx/tNAA"]
    means = rows.groupby(["window", "condition"])["value"].mean()
    order = [means[w, c] for w in ("0", "1", "2") for c in ("placebo", "drug")]
    assert [float(value or "nan") for _, value in page.column("Windows of Glx/tNAA", "Mean")] == pytest.approx(order)
    exact = [float(value or "nan") for _, value in page.column("Every window", "Glx/tNAA")]
    assert exact == pytest.approx(rows.sort_values(["participant", "session", "window"])["value"].to_list())


def test_confounds_are_paired_differences(study: GroupReport) -> None:
    page = Page(group_page(study))
    head, *rows = page.tables["Possible confounds"]
    assert [text for text, _ in head] == ["Quantity", "Condition", "n", "Mean", "95 % low", "95 % high"]
    found = {(row[0][0], row[1][0]): float(row[3][1] or "nan") for row in rows}
    quality = study.fitquality.assign(baseline=study.fitquality["window"] == "0").merge(
        study.sessions[["participant", "session", "condition"]]
    )
    means = quality.groupby(["participant", "condition", "baseline"])["fwhm_hz"].mean().unstack()
    change = (means[False] - means[True]).unstack()
    assert found["linewidth change (Hz)", "placebo"] == pytest.approx(change["placebo"].mean())
    assert found["linewidth change (Hz)", "drug minus placebo"] == pytest.approx((change["drug"] - change["placebo"]).mean())
    assert found["rejected transients (%)", "drug"] == 5.0


def test_settings_and_provenance_are_listed(study: GroupReport) -> None:
    text = Page(group_page(study)).text
    for pair in ("windows.length_s 300", "windows.names a, b", "steps[1].step alignment", "versions.numpy 2.0", "seed 7"):
        assert pair in text


def test_group_page_escapes_all_data(tables: dict[str, pd.DataFrame], curves: pd.DataFrame) -> None:
    for table in tables.values():
        for column in ("participant", "session", "condition", "measure", "window", "reason", "unit", "analysis", "contrast", "period"):
            if column in table:
                table[column] = EVIL + table[column].astype(str)
    tables["transients"]["rejected"] = True
    tables["fitquality"]["status"] = "failed" + EVIL
    tables["sessions"]["status"] = EVIL
    fit = ExampleFit(title=EVIL, description=EVIL, curves=curves.rename(columns={"tNAA": EVIL}))
    evil = GroupReport(
        title=EVIL,
        **tables,
        primary={"measure": EVIL + "Glx/tNAA", "analysis": EVIL + "mixed_model", "contrast": EVIL + "drug - placebo"},
        examples=(fit,),
        settings={EVIL: {EVIL: [EVIL]}},
        provenance={EVIL: EVIL},
    )
    html = group_page(evil)
    page = Page(html)
    assert "<script" not in html
    assert "script" not in page.tags
    assert EVIL in page.text
    assert page.column("Contrasts", "Measure")[0][0] == EVIL + "Glx/tNAA"


def test_session_page_escapes_all_data(one_session: SessionReport) -> None:
    tables = {
        name: getattr(one_session, name).assign(reason=EVIL, extra=EVIL) for name in ("fitquality", "transients", "measures", "history")
    }
    evil = replace(one_session, title=EVIL, participant=EVIL, session=EVIL, condition=EVIL, status=EVIL, reason=EVIL, **tables)
    html = session_page(evil)
    assert "<script" not in html
    assert EVIL in Page(html).text


def test_pages_are_the_same_every_time_and_need_nothing_else(study: GroupReport, one_session: SessionReport) -> None:
    for html, again in ((group_page(study), group_page(study)), (session_page(one_session), session_page(one_session))):
        assert html == again
        page = Page(html)
        assert "script" not in page.tags
        assert not {"link", "img", "iframe", "object"} & set(page.tags)
        links = [value for name, value in page.attributes if name in ("href", "src", "xlink:href") and value]
        assert all(value.startswith("#") for value in links)
        assert set(links) <= {f"#{value}" for name, value in page.attributes if name == "id"}
        assert "@import" not in html
        labels = [value for name, value in page.attributes if name == "aria-label"]
        assert page.tags.count("svg") <= len(labels)
        assert all(labels)


def test_empty_tables_are_explained() -> None:
    page = Page(group_page(GroupReport(title="Nothing")))
    for said in (
        "There is nothing to contrast: the table of contrasts is empty.",
        "the study has no session",
        "No session has both a baseline and a later window of any measure.",
        "No table names a session.",
        "The settings of the study were not handed to this page.",
    ):
        assert said in page.text
    assert "svg" not in page.tags
    assert "nan" not in page.text.lower().split()
    session = Page(session_page(SessionReport(title="Nothing", participant="01", session="1")))
    assert "There is no measure of any window." in session.text
    assert "There is no fitted spectrum of this session." in session.text


@pytest.mark.parametrize("name", ["measures", "contrasts", "fitquality", "transients", "sessions"])
def test_each_table_may_be_missing(study: GroupReport, name: str) -> None:
    page = Page(group_page(replace(study, **{name: pd.DataFrame()})))
    assert "nan" not in page.text.lower().split()
    assert "None" not in page.text.split()


def test_single_condition_and_single_session_are_said(study: GroupReport) -> None:
    first = study.measures[(study.measures["participant"] == "01") & (study.measures["session"] == "1")]
    one = GroupReport(title="One", measures=first)
    assert "There is nothing to contrast: the study has one session." in Page(group_page(one)).text
    same = GroupReport(title="Same", measures=study.measures.assign(condition="placebo"))
    assert "the sessions have one condition, placebo" in Page(group_page(same)).text
    nameless = GroupReport(title="No names", measures=study.measures.drop(columns="condition"))
    assert "no named condition" in Page(group_page(nameless)).text


def test_separate_runs_missing_reference_and_failures_are_said(study: GroupReport) -> None:
    assert "different runs" not in Page(group_page(study)).text
    transients = study.transients.assign(run=(study.transients["time_s"] >= 0).astype(int))
    sessions = study.sessions.assign(has_reference=False)
    sessions.loc[0, ["status", "reason"]] = ["failed", "linewidth above 0.1 ppm"]
    fitquality = study.fitquality.copy()
    fitquality.loc[:4, "status"] = "no_signal"
    text = Page(group_page(replace(study, transients=transients, sessions=sessions, fitquality=fitquality))).text
    assert "In 12 of 12 sessions baseline and infusion are different runs" in text
    assert "confounded with the change from baseline" in text
    assert "No session has a water reference" in text
    assert "1 of 12 sessions are not ok: participant 01 session 1 (linewidth above 0.1 ppm)" in text
    assert "5 of 36 windows have no usable fit (5 no_signal)" in text


def test_separate_runs_on_a_clock_that_starts_with_the_first_run(study: GroupReport) -> None:
    transients = study.transients.assign(time_s=study.transients["time_s"] + 300.0, run=(study.transients["time_s"] >= 0).astype(int))
    sessions = study.sessions.assign(infusion_start_s=300.0)
    assert "In 12 of 12 sessions baseline" in Page(group_page(replace(study, transients=transients, sessions=sessions))).text
    late = sessions.assign(infusion_start_s=400.0)
    assert "different runs" not in Page(group_page(replace(study, transients=transients, sessions=late))).text


def test_other_contrasts_and_another_confidence(study: GroupReport) -> None:
    more = pd.concat([study.contrasts, study.contrasts.assign(contrast="window 1", estimate=7.125)])
    page = Page(group_page(replace(study, contrasts=more, confidence=0.9)))
    assert len(page.column("Contrasts", "90 % low")) == 4
    assert {value for _, value in page.column("Other contrasts", "Estimate")} == {"7.125"}
    assert "(90 % interval" in page.text


def test_a_primary_without_a_contrast_is_one_row(study: GroupReport) -> None:
    more = pd.concat([study.contrasts, study.contrasts.assign(contrast="window 1")])
    html = group_page(replace(study, contrasts=more, primary={"analysis": "mixed_model", "measure": "Glx/tNAA"}))
    assert html.count('<tr class="primary">') == 1
    assert "The contrast drug - placebo in Glx/tNAA is estimated" in Page(html).text


def test_an_analysis_without_the_main_contrast_stands_beside_it(study: GroupReport) -> None:
    own = study.contrasts[:1].assign(analysis="as_published", contrast="drug - placebo: mean", estimate=-9.5)
    page = Page(group_page(replace(study, contrasts=pd.concat([study.contrasts, own]))))
    assert [text for text, _ in page.column("Contrasts", "Contrast")] == ["drug - placebo"] * 4 + ["drug - placebo: mean"]
    assert "Glx/tNAA · as_published *" in page.text
    assert "An asterisk marks" in page.text


def test_model_means_of_the_primary_measure_stay_with_it(study: GroupReport) -> None:
    means = pd.DataFrame(
        [("drug", 0.0, 300.0, 40.0, 39.0, 41.0)], columns=["condition", "window_start_s", "window_stop_s", "estimate", "ci_low", "ci_high"]
    )
    plain, model = group_page(study), group_page(replace(study, marginal_means=means))

    def other(html: str) -> str:
        return html.split("<summary>Time courses")[1].split("</details>", maxsplit=1)[0]

    assert plain.split("<summary>")[0] != model.split("<summary>")[0]
    assert other(plain) == other(model)


def test_session_page_shows_what_it_was_given(one_session: SessionReport) -> None:
    page = Page(session_page(one_session))
    assert "3 of 60" in page.text
    assert "This session has no water reference" in page.text
    assert [text for text, _ in page.column("Rejected transients", "Transients")] == ["3"]
    exact = [float(value or "nan") for _, value in page.column("Measures", "value")]
    assert exact == one_session.measures["value"].to_list()
    assert [text for text, _ in page.column("Quality of fits", "unheard of")] == ["kept"] * 3
    assert page.column("Processing", "details") == [("a & b", None)]


def test_what_is_to_remark_about_the_basis_set(study: GroupReport, one_session: SessionReport) -> None:
    remark, n_sessions = "the basis has an echo time of 30 ms but the data 35 ms: shapes differ", len(study.sessions)
    of_all = Page(group_page(replace(study, basis_remarks=(remark,) * n_sessions)))
    assert "The basis has an echo time of 30 ms but the data 35 ms: shapes differ." in of_all.text
    of_one = Page(group_page(replace(study, basis_remarks=(remark,))))
    assert f"In 1 of {n_sessions} sessions the basis has an echo time of 30 ms" in of_one.text
    assert "The basis has an echo time of 30 ms" in Page(session_page(replace(one_session, basis_remarks=(remark,)))).text


def test_session_page_warns_of_fits_and_shows_what_is_hard_to_tell_apart(one_session: SessionReport) -> None:
    named = [("0", "Gln", "Glu", -0.62), ("0", "NAA", "NAAG", -0.41), ("1", "Gln", "Glu", -0.58), ("1", "NAA", "NAAG", -0.4)]
    columns = ["window", "metabolite", "metabolite_2", "correlation"]
    correlations = pd.DataFrame([*named, ("0", "Asp", "GABA", 0.35)], columns=columns)
    remark = "a line near 1.31 ppm is not in the basis: the residual of 2 of 8 fits holds one"
    page = Page(session_page(replace(one_session, correlations=correlations, fit_remarks=(remark,))))
    assert "A line near 1.31 ppm is not in the basis: the residual of 2 of 8 fits holds one." in page.text
    assert [text for text, _ in page.column("Correlations of fitted amplitudes", "Glu and Gln")] == [
        "\N{MINUS SIGN}0.62",
        "\N{MINUS SIGN}0.58",
    ]
    assert "Asp" not in page.text


def test_group_page_counts_fits_with_warnings(study: GroupReport) -> None:
    n = len(study.fitquality)
    warned = study.fitquality.assign(warnings=["the residual is not noise", *[""] * (n - 1)])
    assert f"1 of {n} fits have a warning" in Page(group_page(replace(study, fitquality=warned))).text
    assert "have a warning" not in Page(group_page(study)).text


def test_a_study_whose_range_leaves_naa_out_has_a_report(study: GroupReport) -> None:
    fitquality = study.fitquality.assign(snr=np.nan, fwhm_hz=np.nan, fwhm_ppm=np.nan)
    page = Page(group_page(replace(study, fitquality=fitquality)))
    assert "no linewidth or SNR" in page.text
    assert "nan" not in page.text.lower().split()

import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.report import drawing, figures

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '<script>alert("x")</script> $a_b$ $\\oops{$ & id="y" \x07'


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 -- our own drawing


def texts(svg: str) -> list[tuple[str, float, float]]:
    found = []
    for element in parsed(svg).iter(f"{SVG}text"):
        numbers = re.search(r"(?:translate|rotate)\(([^)]*)\)", element.get("transform", ""))
        assert numbers is not None
        *_, x, y = (float(v) for v in numbers[1].split())
        found.append((element.text or "", x, y))
    return found


def words(svg: str) -> list[str]:
    return [text for text, _, _ in texts(svg)]


def tick(svg: str, *, axis: int) -> dict[float, float]:
    """Numbers written along the longest row (axis 1) or column (axis 0) of numeric texts and where they stand."""
    numeric = [(float(t.replace("−", "-")), x, y) for t, x, y in texts(svg) if re.fullmatch(r"[−-]?\d+(\.\d+)?", t)]
    lines: dict[float, dict[float, float]] = {}
    for value, x, y in numeric:
        lines.setdefault(round((x, y)[axis], 1), {})[value] = (x, y)[1 - axis]
    return max(lines.values(), key=len)


def paths(svg: str, *, colour: str) -> list[np.ndarray]:
    """Points of the drawn paths of one colour."""
    found = []
    for element in parsed(svg).iter(f"{SVG}path"):
        if f"stroke: {colour.lower()}" in element.get("style", "").lower() and element.get("id") is None:
            numbers = [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", element.get("d", ""))]
            found.append(np.array(numbers).reshape(-1, 2))
    return found


def test_ppm_falls_from_left_to_right(curves: pd.DataFrame) -> None:
    svg = figures.spectrum_fit(curves)
    ticks = tick(svg, axis=1)
    by_place = [ppm for ppm, _ in sorted(ticks.items(), key=lambda item: item[1])]
    assert by_place == sorted(by_place, reverse=True)
    assert {"residual", "tNAA", "tCr", "Glx", "data", "fit", "baseline", "chemical shift (ppm)"} <= set(words(svg))


def test_tallest_peak_stands_at_the_ppm_of_naa_and_residual_above_data(curves: pd.DataFrame) -> None:
    svg = figures.spectrum_fit(curves)
    ticks = tick(svg, axis=1)
    fit = max(paths(svg, colour=drawing.VERMILION), key=len)
    slope, offset = np.polyfit(list(ticks.values()), list(ticks), 1)
    assert slope * fit[fit[:, 1].argmin(), 0] + offset == pytest.approx(2.01, abs=0.02)
    residual = max(paths(svg, colour=drawing.GREY), key=len)
    assert residual[:, 1].max() < fit[:, 1].min()


def test_spectrum_without_fit_says_so(curves: pd.DataFrame) -> None:
    assert "no fit" in words(figures.spectrum_fit(curves[["ppm", "data"]]))
    failed = curves.assign(fit=np.nan, baseline=np.nan, residual=np.nan, tNAA=np.nan, tCr=np.nan, Glx=np.nan)
    assert "no fit" in words(figures.spectrum_fit(failed))
    assert isinstance(figures.spectrum_fit(curves.assign(data=np.nan)), drawing.Notice)
    assert isinstance(figures.spectrum_fit(pd.DataFrame()), drawing.Notice)
    with pytest.raises(DataError, match="no column 'data'"):
        figures.spectrum_fit(curves.drop(columns="data"))


def test_time_course_draws_the_model_where_given(measures: pd.DataFrame) -> None:
    means = pd.DataFrame(
        [("placebo", 300.0 * w - 300, 300.0 * w, 5.0 * w, 5.0 * w - 1, 5.0 * w + 1) for w in range(3)],
        columns=["condition", "window_start_s", "window_stop_s", "estimate", "ci_low", "ci_high"],
    )
    svg = figures.time_course(measures, measure="Glx/tNAA", marginal_means=means, conditions=("placebo", "drug"))
    ticks = tick(svg, axis=0)
    slope, _ = np.polyfit(list(ticks.values()), list(ticks), 1)
    thick = [p for p in paths(svg, colour=drawing.BLUE) if len(p) == 3 and p[0, 0] > 60]  # not the legend
    steps = [(slope * np.diff(p[:, 1])).tolist() for p in thick]
    assert steps[-1] == pytest.approx([5.0, 5.0], abs=0.02)  # means are drawn after the sessions
    assert {"baseline", "infusion", "placebo"} <= set(words(svg))


def test_time_course_has_a_line_per_session(measures: pd.DataFrame) -> None:
    svg = figures.time_course(measures, measure="Glx/tNAA", conditions=("placebo", "drug"))
    assert "stroke-opacity" in svg
    assert len(paths(svg, colour=drawing.BLUE)) >= 6
    assert svg.count("stroke-opacity: 0.3") == 12


def test_forest_has_the_primary_on_top(contrasts: pd.DataFrame) -> None:
    primary = {"analysis": "mixed_model", "measure": "Glx/tNAA", "contrast": "drug - placebo"}
    svg = figures.contrast_forest(contrasts, primary=primary)
    rows = sorted((y, text) for text, _, y in texts(svg) if "·" in text)
    assert [text for _, text in rows] == [
        "primary: Glx/tNAA · mixed_model",
        "Glx/tNAA · session_means",
        "tCho/tCr · mixed_model",
        "tCho/tCr · permutation",
    ]
    assert words(svg).count("not estimated") == 1
    ticks = tick(svg, axis=1)
    slope, offset = np.polyfit(list(ticks.values()), list(ticks), 1)
    interval = next(p for p in paths(svg, colour=drawing.VERMILION) if len(p) == 2)
    assert (slope * interval[:, 0] + offset).tolist() == pytest.approx([-4.0966, -0.1728], abs=0.02)


def test_forest_without_a_primary_marks_none_and_splits_units(contrasts: pd.DataFrame) -> None:
    svg = figures.contrast_forest(contrasts.assign(unit=["%", "%", "Hz", "Hz"]))
    assert not any(text.startswith("primary") for text in words(svg))
    assert {"estimate (%)", "estimate (Hz)"} <= set(words(svg))


def test_transients_show_reasons_and_every_kept_one(transients: pd.DataFrame) -> None:
    svg = figures.transients_overview(transients)
    assert {"kept (57)", "rejected: residual (3)", "time on the session clock (min)"} <= set(words(svg))
    dots = [p for p in paths(svg, colour=drawing.BLUE) if len(p) == 2 * 57]
    assert len(dots) == 2  # frequency and phase; there is no amplitude
    assert "transient" in words(figures.transients_overview(transients.assign(time_s=np.nan)))


def test_pairs_join_each_participant(measures: pd.DataFrame) -> None:
    svg = figures.participant_pairs(measures, measure="Glx/tNAA", conditions=("placebo", "drug"))
    assert svg.count("stroke-opacity: 0.45") == 6
    assert words(svg).index("placebo") < words(svg).index("drug")


def all_figures(name: str, curves: pd.DataFrame, measures: pd.DataFrame, contrasts: pd.DataFrame, transients: pd.DataFrame) -> list[str]:
    named = measures.assign(measure=name, condition=name, participant=name + measures["participant"])
    quality = named.assign(fwhm_hz=6.0, snr=40.0)
    return [
        figures.time_course(named, measure=name),
        figures.participant_pairs(named, measure=name),
        figures.contrast_forest(contrasts.assign(measure=name, analysis=name, unit=name)),
        figures.spectrum_fit(curves.rename(columns={"tNAA": name}), components=[name], label=name),
        figures.transients_overview(transients.assign(reason=name), label=name),
        figures.quality_course(quality),
        figures.strip_panels(quality, panels={"fwhm_hz": name}, label=name),
        drawing.notice(name),
    ]


@pytest.mark.parametrize("name", [EVIL, "統計", "x" * 400, "_hidden", "a\nb"])
def test_figures_survive_any_name(
    name: str, curves: pd.DataFrame, measures: pd.DataFrame, contrasts: pd.DataFrame, transients: pd.DataFrame
) -> None:
    for svg in all_figures(name, curves, measures, contrasts, transients):
        root = parsed(svg)
        assert not list(root.iter("script"))
        assert not list(root.iter(f"{SVG}script"))
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert "<script" not in svg


def test_figures_are_the_same_every_time(
    curves: pd.DataFrame, measures: pd.DataFrame, contrasts: pd.DataFrame, transients: pd.DataFrame
) -> None:
    first, second = (all_figures("Ins", curves, measures, contrasts, transients) for _ in range(2))
    assert first == second
    assert not any("<dc:date" in svg or "metadata" in svg or "<?xml" in svg for svg in first)


def test_ids_of_different_figures_do_not_meet(
    curves: pd.DataFrame, measures: pd.DataFrame, contrasts: pd.DataFrame, transients: pd.DataFrame
) -> None:
    ids = [{e.get("id") for e in parsed(svg).iter() if e.get("id")} for svg in all_figures("m", curves, measures, contrasts, transients)]
    assert sum(map(len, ids)) == len(set.union(*ids))
    for svg, own in zip(all_figures("m", curves, measures, contrasts, transients), ids, strict=True):
        assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg)) <= own


def test_nothing_to_draw_is_said(measures: pd.DataFrame, transients: pd.DataFrame) -> None:
    empty = pd.DataFrame()
    later = measures[measures["window_start_s"] >= 0]
    blank = transients.drop(columns=["frequency_shift_hz", "phase_rad"])
    notices = [
        figures.time_course(empty, measure="m"),
        figures.time_course(later, measure="Glx/tNAA"),
        figures.participant_pairs(empty, measure="m"),
        figures.contrast_forest(empty),
        figures.transients_overview(empty),
        figures.transients_overview(blank),
        figures.strip_panels(empty.assign(condition=[]), panels={"a": "b"}, label="c"),
    ]
    assert all(isinstance(svg, drawing.Notice) and svg.reason in " ".join(words(svg)) for svg in notices)


def test_the_readers_settings_do_not_matter(measures: pd.DataFrame) -> None:
    usual = figures.time_course(measures, measure="Glx/tNAA")
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        assert figures.time_course(measures, measure="Glx/tNAA") == usual
        assert mpl.rcParams["font.size"] == 30


def test_forest_leaves_joint_tests_out_but_not_failures(contrasts: pd.DataFrame) -> None:
    joint = contrasts.iloc[:1].assign(contrast="drug - placebo: infusion by window", estimate=np.nan, ci_low=np.nan, ci_high=np.nan)
    svg = figures.contrast_forest(pd.concat([contrasts, joint], ignore_index=True))
    assert not any("by window" in text for text in words(svg))
    assert words(svg).count("not estimated") == 1

"""The table of contrasts by treatment of the linewidth, against a simulated study whose estimators differ by what is known."""

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.commands.contrast import contrasts_of
from mrs_pipeline.commands.linewidth import differences, linewidth_file, linewidth_table, widths
from mrs_pipeline.io.tables import read_known_table, write_table

CONDITIONS = ("placebo", "drug")
CONTRAST = "drug - placebo: infusion change"
STARTS = (-120.0, -60.0, 0.0, 60.0, 120.0)
STATISTICS = {
    "conditions": list(CONDITIONS),
    "primary": {"analysis": "session_aware", "measure": "Glx/tNAA", "contrast": None},
    "analyses": ["paired_summary", "as_published"],
    "estimator": "independent",
    "measures": ["Glx/tNAA", "GABA"],
    "scale": {"GABA": "raw"},
    "covariates": [],
    "adjustment": "holm",
    "confidence": 0.9,
}
#: What the estimators add during the infusion to the modelled logarithm (%) or value, and how noisy that is.
ADDED = {"independent": (0.0, 0.0), "lineshape_held": (1.1, 0.1), "linewidth_matched": (-0.2, 0.3), "joint": (0.0, 0.05)}
DRUG_EFFECT, WIDTH_CHANGE, WIDTH_DRUG = 2.0, -0.10, -0.08


def visits(n_participants: int):
    for number in range(n_participants):
        for session in (0, 1):
            yield f"{number:02d}", str(session + 1), CONDITIONS[(session + number) % 2], number


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures by estimator and fit quality of 12 participants; estimators share the noise of a window."""
    rng = np.random.default_rng(7)
    measures, quality = [], []
    for participant, session, condition, number in visits(12):
        level, response = rng.normal(0.0, 4.0), rng.normal(0.0, 1.5)
        width = rng.normal(6.0, 0.5)
        for window, start in enumerate(STARTS):
            on, drug = float(start >= 0), float(condition == "drug")
            where = {"participant": participant, "session": session, "window": window}
            noise = rng.normal(0.0, 2.0, 2)
            fwhm = width + on * (WIDTH_CHANGE + drug * WIDTH_DRUG) + rng.normal(0.0, 0.04)
            quality.append({**where, "status": "ok", "fwhm_hz": fwhm, "fwhm_sd_hz": 0.04})
            design = {"condition": condition, "period": int(session), "sequence": "AB" if number % 2 else "BA"}
            times = {"window_start_s": start, "window_stop_s": start + 60.0}
            for estimator, (size, scatter) in ADDED.items():
                added = on * drug * size + rng.normal(0.0, scatter)
                log_percent = level + on * (response + drug * DRUG_EFFECT) + noise[0] + added
                values = {"Glx/tNAA": 1.3 * np.exp(log_percent / 100.0), "GABA": 0.1 * (noise[1] + added)}
                measures += [
                    {**where, **design, **times, "measure": name, "value": value, "sd": 0.02, "estimator": estimator}
                    for name, value in values.items()
                ]
    return pd.DataFrame(measures), pd.DataFrame(quality)


@pytest.fixture(scope="module")
def table(tables) -> pd.DataFrame:
    found = linewidth_table(tables[0], fitquality=tables[1], statistics=STATISTICS)
    assert set(found["status"]) == {"ok"}
    return found.assign(compared_with=found["compared_with"].fillna("")).set_index(["measure", "contrast", "estimator", "compared_with"])


def summary(values: pd.DataFrame, *, measure: str, condition: str | None) -> float:
    """Infusion less baseline, mean over participants: of one condition, or the drug's less that of placebo."""
    rows = values[values["measure"] == measure]
    means = rows.assign(on=rows["window_start_s"] >= 0).pivot_table(index=["participant", "condition"], columns="on", values="y")
    change = (means[True] - means[False]).unstack("condition")
    return float((change[condition] if condition else change["drug"] - change["placebo"]).mean())


def as_outcome(measures: pd.DataFrame, estimator: str) -> pd.DataFrame:
    rows = measures[measures["estimator"] == estimator].reset_index(drop=True)
    return rows.assign(y=np.where(rows["measure"] == "GABA", rows["value"], 100.0 * np.log(rows["value"].abs())))


@pytest.mark.parametrize("estimator", ADDED)
@pytest.mark.parametrize("measure", ["Glx/tNAA", "GABA"])
def test_contrasts_are_differences_of_means(tables, table, measure, estimator) -> None:
    """With complete data and both orders equally often the model's estimates are those of plain means."""
    values, modelled = as_outcome(tables[0], estimator), as_outcome(tables[0], "independent")
    for contrast, condition in ((CONTRAST, None), ("drug: infusion change", "drug"), ("placebo: infusion change", "placebo")):
        plain = summary(values, measure=measure, condition=condition)
        assert table.loc[(measure, contrast, estimator, ""), "estimate"] == pytest.approx(plain, abs=1e-6)
        if estimator != "independent":
            apart = plain - summary(modelled, measure=measure, condition=condition)
            assert table.loc[(measure, contrast, estimator, "independent"), "estimate"] == pytest.approx(apart, abs=1e-6)


def test_what_was_put_in_is_found(table) -> None:
    """The truth of each difference lies within 3.5 standard errors, and these are far smaller than those of the contrasts."""
    for estimator, (size, _) in ADDED.items():
        own = table.loc[("Glx/tNAA", CONTRAST, estimator, "")]
        assert abs(own["estimate"] - DRUG_EFFECT - size) < 3.5 * own["se"]
        if estimator != "independent":
            apart = table.loc[("Glx/tNAA", CONTRAST, estimator, "independent")]
            assert abs(apart["estimate"] - size) < 3.5 * apart["se"]
            assert apart["se"] < 0.25 * own["se"]
    width = table.loc["fwhm_hz"].reset_index().set_index("contrast")
    assert set(width["unit"]) == {"Hz"}
    truth = {CONTRAST: WIDTH_DRUG, "placebo: infusion change": WIDTH_CHANGE, "drug: infusion change": WIDTH_CHANGE + WIDTH_DRUG}
    for contrast, size in truth.items():
        assert abs(width.loc[contrast, "estimate"] - size) < 3.5 * width.loc[contrast, "se"]


def test_the_modelled_contrast_is_that_of_the_study(tables, table) -> None:
    statistics = {**STATISTICS, "analyses": ["session_aware"]}
    contrasts, _ = contrasts_of(tables[0][tables[0]["estimator"] == "independent"], statistics=statistics)
    for row in contrasts[contrasts["contrast"].isin(table.index.get_level_values("contrast"))].to_dict("records"):
        found = table.loc[(row["measure"], row["contrast"], "independent", "")]
        assert [found[key] for key in ("estimate", "se", "ci_low", "ci_high", "p")] == pytest.approx(
            [row[key] for key in ("estimate", "se", "ci_low", "ci_high", "p")], rel=1e-9
        )


def test_another_primary_analysis_keeps_the_changes_within_conditions(tables) -> None:
    section = {**STATISTICS, "measures": ["Glx/tNAA"], "scale": {}, "primary": {**STATISTICS["primary"], "analysis": "paired_summary"}}
    only = tables[0][tables[0]["estimator"] == "joint"]
    found = linewidth_table(only, fitquality=tables[1], statistics=section)
    main = found["contrast"] == CONTRAST
    assert set(found.loc[main, "analysis"]) == {"paired_summary"}
    assert set(found.loc[~main, "analysis"]) == {"session_aware"}


def test_values_without_a_logarithm_are_said(tables) -> None:
    primary = {**STATISTICS["primary"], "measure": "GABA"}
    section = {**STATISTICS, "measures": ["GABA"], "scale": {}, "primary": primary}
    found = linewidth_table(tables[0], fitquality=tables[1], statistics=section)
    rows = found[found["measure"] == "GABA"]
    assert set(rows["status"]) == {"invalid_values"}
    assert rows["estimate"].isna().all()
    assert len(rows) == 2 * len(ADDED) - 1


def test_differences_are_quotients_or_differences() -> None:
    keys = {"participant": "01", "session": "1", "window": 0}
    rows = pd.DataFrame([{**keys, "measure": name, "value": value} for name, value in (("a", 3.0), ("b", 3.0), ("c", -1.0))])
    other = rows.assign(value=[2.0, 2.0, 2.0])
    assert list(differences(rows, reference=other, scale={"b": "raw"})["value"]) == [1.5, 1.0, 0.0]
    missing = differences(rows, reference=other.assign(value=np.nan), scale={})
    assert missing["value"].isna().all()


def test_failed_windows_have_no_linewidth(tables) -> None:
    measures, quality = tables
    wild = quality.assign(fwhm_hz=quality["fwhm_hz"].where(quality["window"] != 4, 50.0))
    wild["status"] = np.where(wild["window"] == 4, "not_converged", "ok")
    found = widths(measures, fitquality=wild)
    assert found.groupby("window")["value"].count().to_dict() == {0: 24, 1: 24, 2: 24, 3: 24, 4: 0}
    kept = quality[quality["window"] != 4].set_index(["participant", "session", "window"])["fwhm_hz"]
    assert (
        found.dropna(subset=["value"])
        .set_index(["participant", "session", "window"])["value"]
        .sort_index()
        .equals(kept.rename("value").sort_index())
    )


def test_the_file_is_described_and_studies_without_a_pair_of_conditions_have_one(tables, tmp_path) -> None:
    only = tables[0][(tables[0]["estimator"] == "independent") & (tables[0]["measure"] == "Glx/tNAA")]
    write_table(only.drop(columns="estimator"), tmp_path / "measures.tsv")
    write_table(tables[1].drop(columns="fwhm_sd_hz"), tmp_path / "fitquality.tsv")
    section = {**STATISTICS, "measures": ["Glx/tNAA"], "scale": {}}
    one = "placebo: infusion change"
    for conditions, status, contrasts in (
        (list(CONDITIONS), "ok", {CONTRAST, one, "drug: infusion change"}),
        (["placebo"], "ok", {one}),
        (None, "nothing_to_contrast", {"none"}),
    ):
        config = {"statistics": {**section, "conditions": conditions}}
        linewidth_file(tmp_path / "measures.tsv", fitquality=tmp_path / "fitquality.tsv", config=config, out_dir=tmp_path)
        found = read_known_table(tmp_path / "linewidth.tsv", kind="linewidth")
        assert set(found["status"]) == {status}
        assert set(found["contrast"]) == contrasts


def test_windows_that_the_study_excludes_are_left_out(tables, tmp_path) -> None:
    """One wide window of one visit: as many rows fewer in the contrasts of measures and of the linewidth."""
    only = tables[0][(tables[0]["estimator"] == "independent") & (tables[0]["measure"] == "Glx/tNAA")]
    write_table(only, tmp_path / "measures.tsv")
    wide = tables[1].drop(columns="fwhm_sd_hz").reset_index(drop=True)
    wide.loc[7, "fwhm_hz"] = 30.0
    write_table(wide, tmp_path / "fitquality.tsv")
    section = {**STATISTICS, "measures": ["Glx/tNAA"], "scale": {}, "exclusions": {"max_fwhm_hz": 20.0}}
    linewidth_file(tmp_path / "measures.tsv", fitquality=tmp_path / "fitquality.tsv", config={"statistics": section}, out_dir=tmp_path)
    found = read_known_table(tmp_path / "linewidth.tsv", kind="linewidth")
    assert list(found.loc[found["contrast"] == CONTRAST, "n_windows"]) == [len(only) - 1] * 2

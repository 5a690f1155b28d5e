"""Designs other than the two-period crossover, data of other people and residual structures, against lmerTest, pbkrtest and nlme."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix

from mrs_pipeline.statistics.contrasts import contrast_table
from mrs_pipeline.statistics.inference import contrast_test, f_test
from mrs_pipeline.statistics.linear_mixed_model import Autocorrelation, MixedModelDesign, MixedModelFit, RandomTerm, fit_reml

R_FOLDER = Path(__file__).with_name("r")
GOLDEN = json.loads((R_FOLDER / "designs.json").read_text())
FACTORS = {
    "drug": {"saline": ["pla_sal", "nal_sal"], "ketamine": ["pla_ket", "nal_ket"]},
    "antagonist": {"placebo": ["pla_sal", "pla_ket"], "naltrexone": ["nal_sal", "nal_ket"]},
}
FOUR = ["pla_sal", "nal_sal", "pla_ket", "nal_ket"]
SECTIONS: dict[str, dict[str, Any]] = {
    "three": {"conditions": ["a", "b", "c"]},
    "parallel": {"conditions": ["a", "b"], "covariates": ["age"], "design": "parallel"},
    "between": {"conditions": FOUR, "factors": FACTORS},
    "within": {"conditions": FOUR, "factors": FACTORS},
    "one": {"conditions": ["a"], "design": "pre_post"},
}
#: Ours -> what lmerTest calls it.
T_NAMES = {"estimate": "Estimate", "se": "Std. Error", "df": "df", "ci_low": "lower", "ci_high": "upper", "p": "Pr(>|t|)"}
F_NAMES = {"statistic": "F value", "df_numerator": "NumDF", "df": "DenDF", "p": "Pr(>F)"}
TOLERANCE = 1e-4


def table_of(dataset: str) -> pd.DataFrame:
    table = pd.read_csv(R_FOLDER / "designs.csv")
    return table[table["dataset"] == dataset].reset_index(drop=True)


@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
@pytest.mark.parametrize("golden", GOLDEN["designs"], ids=lambda golden: golden["dataset"])
def test_contrasts_of_designs_agree_with_r(golden: dict[str, Any], method: str) -> None:
    measures = table_of(golden["dataset"]).rename(columns={"y": "value"}).assign(measure="Glx")
    usual = {"analyses": ["session_aware"], "measures": ["Glx"], "scale": {"Glx": "raw"}, "degrees_of_freedom": method}
    found = contrast_table(measures, statistics={**usual, **SECTIONS[golden["dataset"]]}).set_index("contrast")
    assert not golden["singular"]
    for comparison, contrasts in golden["comparisons"].items():
        for ours, theirs, names in (("change", "change", T_NAMES), ("trend", "trend", T_NAMES), ("by window", "by_window", F_NAMES)):
            row = found.loc[f"{comparison}: infusion {ours}"]
            expected = [contrasts[theirs][method][name] for name in names.values()]
            np.testing.assert_allclose(row[list(names)].astype(float), expected, rtol=TOLERANCE, err_msg=f"{comparison} {ours}")


def column_in_r(name: str) -> str:
    """Sex[T.Male]:age -> SexMale:age."""
    return "(Intercept)" if name == "Intercept" else name.replace("[T.", "").replace("]", "")


def row_of(fit: MixedModelFit, name_in_r: str) -> np.ndarray:
    names = [sorted(column_in_r(name).split(":")) for name in fit.fixed_names]
    return np.eye(len(names))[names.index(sorted(name_in_r.split(":")))]


def design_of(table: pd.DataFrame, *, formula: str, outcome: str, **rest: Any) -> MixedModelDesign:
    fixed = model_matrix(formula, table)
    return MixedModelDesign(
        outcome=table[outcome].to_numpy(dtype=float), fixed=np.asarray(fixed, dtype=float), fixed_names=tuple(fixed.columns), **rest
    )


@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
@pytest.mark.parametrize("golden", GOLDEN["known"], ids=lambda golden: golden["name"])
def test_known_data_agree_with_r(golden: dict[str, Any], method: str) -> None:
    table = pd.read_csv(R_FOLDER / f"{golden['name']}.csv")
    outcome, formula = golden["formula"].split(" ~ ")
    subject = table["Subject"].to_numpy()
    random = [RandomTerm(name="subject", groups=subject)]
    if golden["name"] == "sleepstudy":
        random.append(RandomTerm(name="slope", groups=subject, loading=table["Days"].to_numpy(dtype=float)))
    fit = fit_reml(design_of(table, formula=formula, outcome=outcome, random=tuple(random)))
    assert fit.log_likelihood == pytest.approx(golden["log_likelihood"], abs=1e-6)
    for name, expected in golden[method].items():
        ours = contrast_test(fit, weights=row_of(fit, name), method=method)
        found = [ours.estimate, ours.se, ours.df, ours.t, ours.p]
        np.testing.assert_allclose(found, list(expected.values()), rtol=TOLERANCE, atol=1e-12, err_msg=name)
    joint = golden["joint"][method]
    if "F value" in joint:
        ours = f_test(fit, weights=np.array([row_of(fit, name) for name in golden["coefficients"][1:]]), method=method)
        expected = [joint[name] for name in F_NAMES.values()]
        np.testing.assert_allclose([ours.f, ours.df_numerator, ours.df_denominator, ours.p], expected, rtol=TOLERANCE)


def structured_fit(name: str) -> MixedModelFit:
    table = table_of("unequal" if name == "unequal" else "correlated")
    session, participant = table["session"].to_numpy(), table["participant"].to_numpy()
    table["time"] = (table["window_start_s"] + table["window_stop_s"]) / 2 / 300
    terms = (RandomTerm(name="participant", groups=participant),)
    if name == "unequal":
        terms = (*terms, RandomTerm(name="session", groups=session))
        return fit_reml(
            design_of(table, formula="condition * window", outcome="y", random=terms, residual_groups=table["window"].to_numpy())
        )
    serial = Autocorrelation(sessions=session, times=table["time"].to_numpy(dtype=float))
    if name == "alone":
        return fit_reml(design_of(table, formula="condition + window", outcome="y", random=(), autocorrelation=serial))
    return fit_reml(design_of(table, formula="condition * time", outcome="y", random=terms, autocorrelation=serial))


@pytest.mark.parametrize("name", GOLDEN["structures"])
def test_residual_structures_agree_with_nlme(name: str) -> None:
    """Estimates and standard errors without small-sample adjustment, which nlme does not have."""
    fit, golden = structured_fit(name), GOLDEN["structures"][name]
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(golden["log_likelihood"], abs=1e-5)
    rows = np.array([row_of(fit, coefficient) for coefficient in golden["coefficients"]])
    np.testing.assert_allclose(rows @ fit.beta, golden["estimate"], rtol=TOLERANCE, atol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(rows @ fit.covariance @ rows.T)), golden["se"], rtol=TOLERANCE)
    if name != "unequal":
        assert fit.component("residual") == pytest.approx(golden["sigma"] ** 2, rel=5 * TOLERANCE)
        assert fit.component("autocorrelation") == pytest.approx(golden["rho"], rel=TOLERANCE)
        return
    for window, sd in golden["sd_by_window"].items():
        assert np.sqrt(fit.component(f"residual {window}")) == pytest.approx(sd, rel=5 * TOLERANCE)
    assert np.sqrt([fit.component("participant"), fit.component("session")]) == pytest.approx(golden["random_sd"][:2], rel=5 * TOLERANCE)


@pytest.mark.r
def test_r_still_gives_the_committed_numbers_of_designs(tmp_path: Path) -> None:
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    for name in ("designs.R", "designs.csv", "sleepstudy.csv", "orthodont.csv"):
        shutil.copy(R_FOLDER / name, tmp_path)
    run = subprocess.run(["Rscript", "designs.R"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if "there is no package" in run.stderr:
        pytest.skip("R lacks lme4, lmerTest, pbkrtest, nlme or jsonlite")
    assert run.returncode == 0, run.stderr
    again = json.loads((tmp_path / "designs.json").read_text())
    for ours, theirs in zip(GOLDEN["designs"], again["designs"], strict=True):
        for comparison, contrasts in ours["comparisons"].items():
            expected = contrasts["change"]["kenward_roger"]
            assert theirs["comparisons"][comparison]["change"]["kenward_roger"] == pytest.approx(expected, rel=1e-5)
    for name, ours in GOLDEN["structures"].items():
        assert again["structures"][name]["se"] == pytest.approx(ours["se"], rel=1e-5)

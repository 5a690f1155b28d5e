"""Concentrations through the commands: tables, status, what is said where something is missing, and the truth of the phantom study."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.commands.contrast import contrasts_of
from mrs_pipeline.io.config import complete_section
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.tables import read_json, read_table
from tests.commands.conftest import ROOT, Bench, Inputs, Result

TISSUE = "tissue: {grey_matter: 0.6, white_matter: 0.28, csf: 0.12}"
ALL = "units: [mmol/kg, mmol/L, i.u.]"
PLAIN = [
    "spectrum", "measure", "value", "sd", "sd_within", "ci_low", "ci_high", "interval", "baseline_inflation", "terms", "estimator",
    "window", "window_start_s", "window_stop_s", "phase", "mean_time_s",
]  # fmt: skip


def quantified(bench: Bench, run: Callable[..., Result], *keys: str) -> tuple[Result, pd.DataFrame, dict[str, Any]]:
    """A time course with a quantification section; what was printed, its measures and its status."""
    text = bench.study.read_text(encoding="utf-8")
    section = "" if "quantification:" in text else "quantification:\n"
    bench.study.write_text(text + section + "".join(f"  {key}\n" for key in keys), encoding="utf-8")
    result = run(*bench.timecourse())
    assert result.code == 0, result.err
    return result, read_table(bench.out / "measures.tsv"), read_json(bench.out / "status.json")


def changed_record(bench: Bench, entry: dict[str, object]) -> None:
    path = bench.preprocessed.with_name("preprocessing.json")
    record = read_json(path)
    record["water_reference"] = entry
    path.write_text(json.dumps(record), encoding="utf-8")


def test_preprocessing_keeps_the_signal_of_water(inputs: Inputs) -> None:
    record = read_json(inputs.preprocessed.with_name("preprocessing.json"))
    water = record["water_reference"]
    assert isinstance(water, dict)
    assert (water["n_transients"], water["echo_time_s"], water["repetition_time_s"]) == (2, 0.03, 3.0)
    raw = np.abs(read_fids(inputs.reference).data[..., 0])  # coils apart: combined, the root of the sum of squares
    expected = np.sqrt(np.sum(np.mean(raw.reshape(raw.shape[0], -1), axis=-1) ** 2))
    assert water["amplitude"] == pytest.approx(expected, rel=0.02)
    assert 0.001 <= float(water["sd"]) / float(water["amplitude"]) < 0.01


def test_tables_are_as_ever_without_units(windows: Path) -> None:
    assert list(read_table(windows / "measures.tsv").columns) == PLAIN
    assert "quantification" not in read_json(windows / "status.json")


def test_units_add_rows_and_leave_the_others_alone(bench: Bench, run: Callable[..., Result], windows: Path) -> None:
    result, measures, status = quantified(bench, run, ALL, TISSUE)
    assert "concentration" not in result.err
    plain = read_table(windows / "measures.tsv")
    added = measures["measure"].str.contains("mmol|i.u.")
    pd.testing.assert_frame_equal(measures.loc[~added, PLAIN].reset_index(drop=True), plain)
    names = {f"{name} {unit}" for name in ("Glx", "tNAA", "tCr", "tCho") for unit in ("mmol/kg", "mmol/L", "i.u.")}
    assert set(measures.loc[added, "measure"]) == names
    assert measures.groupby("estimator")["spectrum"].apply(lambda numbers: numbers.is_monotonic_increasing).all()
    units = measures.drop_duplicates("measure").set_index("measure")["unit"]
    assert [units["Glx"], units["Glx/tNAA"], units["Glx mmol/L"]] == ["arbitrary", "1", "mmol/L"]
    shared = measures.query("measure == 'Glx mmol/kg' and estimator == 'independent'")["scale_sd_percent"]
    assert shared.nunique() == 1
    assert 3 < shared.iloc[0] < 8
    assert measures.loc[~added | measures["measure"].str.endswith("i.u."), "scale_sd_percent"].isna().all()
    entry = status["quantification"]
    assert entry["tissue"] == {"grey_matter": 0.6, "white_matter": 0.28, "csf": 0.12}
    assert entry["remarks"] == []
    assert "Voxel of 60 % grey matter, 28 % white matter, 12 % CSF" in entry["quantification_reference"]
    assert "molal" in entry["output_measure"]


def test_changes_are_those_of_the_amplitude(bench: Bench, run: Callable[..., Result]) -> None:
    """tCr: creatine and phosphocreatine have the same constants, so that a unit is one factor and relative errors add up."""
    measures = quantified(bench, run, ALL, TISSUE)[1]
    of = {name: measures[measures["measure"] == name].reset_index(drop=True) for name in ("tCr", "tCr mmol/kg", "tCr i.u.")}
    water = read_json(bench.out / "status.json")["quantification"]["water"]
    for name in ("tCr mmol/kg", "tCr i.u."):
        ratio = of[name]["value"] / of["tCr"]["value"]
        assert ratio.max() == pytest.approx(ratio.min(), rel=1e-12)
        relative = np.hypot(of["tCr"]["sd"] / of["tCr"]["value"], water["sd"] / water["amplitude"])
        assert (of[name]["sd"] / of[name]["value"]).to_numpy() == pytest.approx(relative.to_numpy(), rel=1e-9)


def test_truth_of_the_phantom_study_comes_back(bench: Bench, run: Callable[..., Result]) -> None:
    """tCr of the visit before the infusion in mmol/L of tissue; the generator counts molecules in a litre of voxel, CSF included."""
    truth = ROOT / "test_data" / "derivatives" / "truth"
    visit = read_table(truth / "truth_sessions.tsv").query("participant == '01' and session == '1'").iloc[0]
    content = read_table(truth / "truth_amplitudes.tsv").query("participant == '01' and session == '1' and phase == 'baseline'")
    creatine = content[content["metabolite"].isin(["Cr", "PCr"])]["content"].sum() / (1 - visit["csf"])
    tissue = f"tissue: {{grey_matter: {visit['grey_matter']}, white_matter: {visit['white_matter']}, csf: {visit['csf']}}}"
    measures = quantified(bench, run, "units: [mmol/L]", tissue, "metabolite_constants: mlynarik2001_wyss2018_acc")[1]
    found = measures[(measures["measure"] == "tCr mmol/L") & (measures["window"] == 0)].iloc[0]
    assert abs(found["value"] - creatine) < 3 * found["sd"]
    assert found["value"] == pytest.approx(creatine, rel=0.06)


MISSING = {
    "no reference": ({"reason": "there is no water reference"}, r"no concentrations \(mmol/kg, i\.u\.\): there is no water reference"),
    "weak": (
        {"amplitude": 500.0, "sd": 1.0, "n_transients": 1, "echo_time_s": 0.03, "repetition_time_s": 3.0},
        "not of unsuppressed water",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_a_session_without_usable_reference_keeps_its_ratios_and_says_why(bench: Bench, run: Callable[..., Result], name: str) -> None:
    entry, message = MISSING[name]
    changed_record(bench, entry)
    result, measures, status = quantified(bench, run, "units: [mmol/kg, i.u.]", TISSUE)
    assert re.search(message, result.err)
    added = measures["measure"].str.contains("mmol|i.u.")
    assert measures.loc[added, "value"].isna().all()
    assert measures.loc[~added, "value"].notna().all()
    assert status["status"] == "ok"
    assert re.search(message, status["quantification"]["remarks"][0])


def test_without_repetition_time_only_institutional_units_are_stated(bench: Bench, run: Callable[..., Result]) -> None:
    water = read_json(bench.preprocessed.with_name("preprocessing.json"))["water_reference"]
    changed_record(bench, {**water, "repetition_time_s": None})
    result, measures, _ = quantified(bench, run, "units: [mmol/kg, i.u.]", TISSUE)
    assert "no concentrations in mmol/kg: there is no RepetitionTime in the header or sidecar of the water reference" in result.err
    assert measures[measures["measure"] == "Glx mmol/kg"]["value"].isna().all()
    assert measures[measures["measure"] == "Glx i.u."]["value"].notna().all()


def test_given_times_take_the_place_of_missing_ones(bench: Bench, run: Callable[..., Result]) -> None:
    water = read_json(bench.preprocessed.with_name("preprocessing.json"))["water_reference"]
    changed_record(bench, {**water, "repetition_time_s": None})
    result, measures, _ = quantified(bench, run, "units: [mmol/kg]", TISSUE, "reference_repetition_time_s: 3.0")
    assert "concentrations" not in result.err
    assert measures[measures["measure"] == "Glx mmol/kg"]["value"].notna().all()


def test_given_times_take_the_place_of_stated_ones(bench: Bench, run: Callable[..., Result]) -> None:
    """Institutional units at 60 for 30 ms: exp(-30 / 80) of the level."""
    stated = quantified(bench, run, "units: [i.u.]")[1]
    given = quantified(bench, run, "reference_echo_time_s: 0.060")[1]
    ratio = [table[table["measure"] == "Glx i.u."]["value"].iloc[0] for table in (given, stated)]
    assert ratio[0] / ratio[1] == pytest.approx(np.exp(-30 / 80), rel=1e-9)


def test_a_reference_of_other_times_is_corrected_and_remarked(bench: Bench, run: Callable[..., Result]) -> None:
    water = read_json(bench.preprocessed.with_name("preprocessing.json"))["water_reference"]
    changed_record(bench, {**water, "repetition_time_s": 10.0})
    result = quantified(bench, run, "units: [mmol/kg]", TISSUE)[0]
    assert "the water reference was measured with TE 30 ms, TR 10 s and the data with TE 30 ms, TR 3 s" in result.err


def test_columns_of_tables_mean_nothing_to_a_single_session(bench: Bench, run: Callable[..., Result]) -> None:
    result, measures, _ = quantified(bench, run, "units: [mmol/L]", "tissue: {grey_matter: gm_fraction, white_matter: 0.3, csf: 0.1}")
    assert "quantification.tissue names the column 'gm_fraction', but a session outside of a study has no tables" in result.err
    assert measures[measures["measure"] == "Glx mmol/L"]["value"].isna().all()


def test_a_file_without_session_has_no_concentrations_and_says_so(bench: Bench, run: Callable[..., Result]) -> None:
    with bench.study.open("a", encoding="utf-8") as content:
        content.write("quantification: {units: [i.u.]}\n")
    result = run(*bench.fit())
    assert result.code == 0
    assert "no concentrations: they need the water reference of a session" in result.err
    assert list(read_table(bench.out / "measures.tsv").columns) == PLAIN[:11]


def test_a_contrast_of_concentrations_works_like_any_other(measures_table: pd.DataFrame) -> None:
    rows = pd.concat([measures_table, measures_table.assign(measure="Glx mmol/kg", unit="mmol/kg", scale_sd_percent=5.0)])
    asked = {"conditions": ["placebo", "naltrexone"], "measures": ["Glx/tNAA", "Glx mmol/kg"]}
    contrasts = contrasts_of(rows, statistics=complete_section("statistics", asked))[0]
    ratio, concentration = (
        contrasts[contrasts["measure"] == name][["analysis", "contrast", "estimate", "se", "df", "p", "status"]].reset_index(drop=True)
        for name in asked["measures"]
    )
    assert set(concentration["status"]) == {"ok"}
    pd.testing.assert_frame_equal(concentration, ratio)

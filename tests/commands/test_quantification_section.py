"""The quantification section of a study: what it refuses, tissue fractions from the tables of a dataset, constants and field."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from mrs_pipeline.commands.quantification import quantify, with_tissue_of
from mrs_pipeline.commands.study import study_config, tissue_files
from mrs_pipeline.commands.water_reference import water_entry
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.fitting.spectrum_fit import failed_fit
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.config import complete_section, read_yaml
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.tables import read_json
from tests.commands.conftest import ROOT, STUDY, Inputs


def study(**quantification: object) -> dict[str, Any]:
    """The small study, its data simulated, with that section."""
    content = yaml.safe_load(STUDY) | {"quantification": quantification, "basis": {"echo_time_1_s": 0.012}}
    return {**content, "simulation": {"description": str(ROOT / "config" / "simulation" / "phantom.yaml")}}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"units": ["mmol/kg"]}, r"asks for mmol/kg, which needs quantification\.tissue\.grey_matter: name the column"),
        ({"units": ["mM"]}, r"'quantification\.units\.0' is 'mM': expected one of mmol/kg, mmol/L, i\.u\."),
        ({"units": ["mmol/L"], "tissue": {"grey_matter": 60, "white_matter": 28, "csf": 12}}, "give fractions, not percent"),
        ({"units": ["i.u."], "water_constants": "survey_3t"}, "unknown set of water constants 'survey_3t'"),
        ({"constants": {"water": {"csf": {"t1": 4.3}}}}, r"unknown key 'quantification\.constants\.water\.csf\.t1'"),
        ({"uncertainty": {"water_t1": -0.1}}, r"'quantification\.uncertainty\.water_t1' is -0\.1: expected at least 0"),
        ({"reference_factor": 0}, r"'quantification\.reference_factor' is 0: expected more than 0"),
    ],
)
def test_a_section_that_cannot_work_stops_before_the_first_job(section: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        study_config(study(**section), source="study.yaml")


def test_statistics_may_name_concentrations_that_the_study_makes() -> None:
    asked = {"statistics": {"conditions": ["placebo", "naltrexone"], "measures": ["Glx/tNAA", "Glx i.u."]}}
    assert study_config(study(units=["i.u."]) | asked, source="x")["quantification"]["units"] == ["i.u."]
    with pytest.raises(ConfigError, match=r"unknown measure in the statistics section 'Glx i\.u\.'"):
        study_config(study() | asked, source="x")


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two visits with fractions, one without, of one participant."""
    for visit in ("1", "2", "3"):
        (tmp_path / "sub-01" / f"ses-{visit}").mkdir(parents=True)
    rows = ["session_id\tgm\twm\tnote", "ses-1\t0.6\t0.3\ta", "ses-2\t0.5\t0.35\tb", "ses-3\tn/a\t0.3\tc"]
    (tmp_path / "sub-01" / "sub-01_sessions.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "participants.tsv").write_text("participant_id\tcsf_mean\nsub-01\t0.1\n", encoding="utf-8")
    return tmp_path


def section(**changed: object) -> dict[str, Any]:
    tissue = {"grey_matter": "gm", "white_matter": "wm", "csf": "csf_mean"}
    return complete_section("quantification", {"units": ["mmol/kg"], "tissue": tissue, **changed})


def test_fractions_come_from_sessions_and_participants_tables(dataset: Path) -> None:
    found = [with_tissue_of(section(), bids_dir=dataset, visit=("01", visit))["tissue"] for visit in ("1", "2", "3", "4")]
    assert found[0] == {"grey_matter": 0.6, "white_matter": 0.3, "csf": 0.1}
    assert found[1] == {"grey_matter": 0.5, "white_matter": 0.35, "csf": 0.1}
    assert np.isnan(found[2]["grey_matter"])
    assert np.isnan(list(found[3].values())).all()
    untouched = section(units=[])
    assert with_tissue_of(untouched, bids_dir=Path("does-not-exist"), visit=("01", "1")) == untouched


def test_columns_that_are_not_there_or_hold_text_are_named(dataset: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"quantification\.tissue names 'grey', which neither participants\.tsv nor the sessions files have"
    ):
        with_tissue_of(section(tissue={"grey_matter": "grey", "white_matter": 0.3, "csf": 0.1}), bids_dir=dataset, visit=("01", "1"))
    with pytest.raises(ConfigError, match=r"names 'note', which holds text"):
        with_tissue_of(section(tissue={"grey_matter": "note", "white_matter": 0.3, "csf": 0.1}), bids_dir=dataset, visit=("01", "1"))


def test_the_workflow_depends_on_the_tables_it_reads_fractions_from(dataset: Path) -> None:
    config = {"study": {"bids_dir": str(dataset)}, "simulation": None, "import": None, "quantification": section()}
    names = [path.name for path in tissue_files(config, participant="01")]
    assert names == ["participants.tsv", "sub-01_sessions.tsv"]
    assert [path.name for path in tissue_files(config, participant="02")] == ["participants.tsv"]
    assert tissue_files({**config, "quantification": section(units=[])}, participant="01") == []


def test_a_visit_without_fractions_gets_no_other_unit(dataset: Path, inputs: Inputs) -> None:
    found = with_tissue_of(section(units=["mmol/kg", "i.u."]), bids_dir=dataset, visit=("01", "3"))
    basis = read_basis(inputs.basis)
    result = quantify(
        [failed_fit(basis.metabolites, status="no_signal")],
        section=found,
        record=read_json(inputs.preprocessed.with_name("preprocessing.json")),
        basis=basis,
        acquisition=read_fids(inputs.preprocessed).acquisition,
    )
    assert result is not None
    assert result.scales["mmol/kg"] is None
    assert result.scales["i.u."] is not None
    reason = "the fraction of grey matter in the voxel is not known: state it in the sessions or participants table"
    assert result.remarks == (f"no concentrations in mmol/kg: {reason}",)


def test_constants_of_another_field_stop_the_study(inputs: Inputs) -> None:
    fids, basis = read_fids(inputs.preprocessed), read_basis(inputs.basis)
    section_7t = complete_section(
        "quantification",
        {
            "units": ["mmol/kg"],
            "tissue": {"grey_matter": 0.6, "white_matter": 0.3, "csf": 0.1},
            "water_constants": "survey_7t",
            "metabolite_constants": "survey_7t",
        },
    )
    with pytest.raises(ConfigError, match=r"are of 7 T, but the data are of 3\.00 T"):
        quantify([], section=section_7t, record={}, basis=basis, acquisition=fids.acquisition)


def test_a_record_of_old_and_an_unusable_reference_are_reasons(inputs: Inputs) -> None:
    assert water_entry(None) == {"reason": "there is no water reference"}
    noise = read_fids(inputs.preprocessed).with_data(np.zeros(512, dtype=complex), dims=("time",))
    assert "holds no water" in str(water_entry(noise)["reason"])
    found = quantify(
        [],
        section=complete_section("quantification", {"units": ["i.u."]}),
        record={},
        basis=read_basis(inputs.basis),
        acquisition=noise.acquisition,
    )
    assert found is not None
    assert "the preprocessing record says nothing of a water reference" in found.remarks[0]


def test_default_study_asks_for_no_unit() -> None:
    assert read_yaml(ROOT / "config" / "config.yaml")["quantification"]["units"] == []

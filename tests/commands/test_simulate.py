"""The study on disk: valid BIDS, reproducible to the byte, whole or by visit; the committed phantom is what its command makes."""

import gzip
import json
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from mrs_pipeline.commands.simulate import planned_files, simulate_dataset_files, simulate_session, simulate_study, write_true_basis
from mrs_pipeline.commands.simulation_description import read_plan
from mrs_pipeline.errors import ConfigError, InputError
from mrs_pipeline.io.bids import find_sessions
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.sessions import read_session
from mrs_pipeline.io.tables import read_table

ROOT = Path(__file__).parents[2]
PHANTOM = ROOT / "config" / "simulation" / "phantom.yaml"


def described(folder, **changes):
    """A description of two people that extends the phantom."""
    content = {"extends": str(PHANTOM), "design": {"n_participants": 2}, **changes}
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A description of two people with one recording split in two and transients lost in every visit."""
    return described(tmp_path_factory.mktemp("description"), timing={"runs": "split"}, missing={"gap_probability": 1})


@pytest.fixture(scope="module")
def study(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "bids"
    simulate_study(small, folder)
    return folder


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_seed_gives_the_same_bytes(small, study, tmp_path):
    simulate_study(small, tmp_path / "again")
    assert contents(tmp_path / "again") == contents(study)


def test_other_seed_gives_another_study(small, study, tmp_path):
    simulate_study(small, tmp_path / "other", seed=1)
    name = "sub-01/ses-1/mrs/sub-01_ses-1_task-infusion_run-1_svs.nii.gz"
    assert contents(tmp_path / "other")[name] != contents(study)[name]


def test_pieces_make_the_whole(small, study, tmp_path):
    """In any order, with the true basis simulated anew or once in a file."""
    write_true_basis(small, tmp_path / "basis.npz")
    made = tmp_path / "bids"
    simulate_session(small, made, participant="02", session="1", basis=tmp_path / "basis.npz")
    assert {name.split("/")[1] for name in contents(made)} == {"ses-1"}
    for participant, session, basis in (("01", "1", None), ("01", "2", tmp_path / "basis.npz"), ("02", "2", None)):
        simulate_session(small, made, participant=participant, session=session, basis=basis)
    simulate_dataset_files(small, made)
    assert contents(made) == contents(study)


def test_planned_files_are_those_that_are_made(small, study):
    planned = {study / path for paths in planned_files(read_plan(small)).values() for path in paths}
    assert planned == set(study.rglob("*.nii.gz"))


def test_files_of_a_visit(study):
    names = sorted(path.name.removeprefix("sub-01_ses-2_task-infusion_") for path in (study / "sub-01/ses-2/mrs").iterdir())
    data = ["mrsref.json", "mrsref.nii.gz", "svs.json", "svs.nii.gz"]
    first = [f"run-1_{kind}" for kind in data]
    assert names == [*first, *(f"run-2_{kind}" for kind in ["events.json", "events.tsv", *data])]


def test_recordings_have_their_times(study):
    """The second visit lies as many days after the first as its sessions file says."""
    sessions = read_table(study / "sub-01/sub-01_sessions.tsv").set_index("session_id")
    starts = [datetime.fromisoformat(time) for time in sessions["acq_time"]]
    assert (starts[1] - starts[0]).days == sessions.loc["ses-2", "washout_days"] >= 14
    scans = read_table(study / "sub-01/ses-2/sub-01_ses-2_scans.tsv").set_index("filename")["acq_time"]
    assert datetime.fromisoformat(scans["mrs/sub-01_ses-2_task-infusion_run-1_svs.nii.gz"]) == starts[1]


def test_runs_follow_each_other(study):
    scans = read_table(study / "sub-01/ses-1/sub-01_ses-1_scans.tsv").set_index("filename")["acq_time"]
    times = {name.removeprefix("mrs/sub-01_ses-1_task-infusion_"): datetime.fromisoformat(time) for name, time in scans.items()}
    # 24 transients of 3 s, then a break of 300 s; two reference transients before each recording.
    assert (times["run-2_svs.nii.gz"] - times["run-1_svs.nii.gz"]).total_seconds() == 24 * 3 + 300
    assert (times["run-2_svs.nii.gz"] - times["run-2_mrsref.nii.gz"]).total_seconds() == 6


def test_sidecar_agrees_with_the_data(study):
    path = study / "sub-01/ses-1/mrs/sub-01_ses-1_task-infusion_run-2_svs.nii.gz"
    fids = read_fids(path)
    sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text(encoding="utf-8"))
    assert fids.sizes == {"coil": 4, "transient": sidecar["NumberOfTransients"], "time": sidecar["NumberOfSpectralPoints"]}
    assert fids.acquisition.echo_time_s == sidecar["EchoTime"] == 0.03
    assert fids.acquisition.spectral_width_hz == pytest.approx(sidecar["SpectralWidth"])
    assert fids.acquisition.spectrometer_frequency_mhz == sidecar["SpectrometerFrequency"]
    assert (study / sidecar["ReferenceSignal"].removeprefix("bids::")).is_file()


def test_lost_transients_are_told_by_their_times(study):
    """A recording with a gap states the time of every transient, one without its repetition time; the clock of the analysis agrees."""
    seen = set()
    for path in study.rglob("*_svs.json"):
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        n_planned = 24 if "run-1" in path.name else 40
        times = sidecar.get("VolumeTiming")
        seen.add(times is None)
        if times is None:
            assert sidecar["RepetitionTime"] == 3
            continue
        assert "RepetitionTime" not in sidecar
        assert len(times) == sidecar["NumberOfTransients"] < n_planned
        steps = np.diff(times)
        assert np.count_nonzero(steps > 3) == 1
        assert steps.sum() <= 3 * (n_planned - 1)
    assert seen == {True, False}
    for files in find_sessions(study):
        clock = read_session(files, event="infusion").transients["time_s"].to_numpy()
        truth = read_table(study / "derivatives/truth/truth_transients.tsv").query(
            f"participant == '{files.participant}' and session == '{files.session}'"
        )
        assert clock == pytest.approx(truth["time_s"].to_numpy())


def test_ratings_have_a_row_a_person_and_a_dictionary(study):
    for name, later in (("madrs", "day7"), ("hamd17", "day7"), ("qids", "day7"), ("cadss", "minute120")):
        table = read_table(study / f"phenotype/{name}.tsv")
        dictionary = json.loads((study / f"phenotype/{name}.json").read_text(encoding="utf-8"))
        assert table["participant_id"].tolist() == ["sub-01", "sub-02"]
        assert {"ses1_before", "ses2_before", f"ses1_{later}", f"ses2_{later}"} < set(table.columns)
        assert set(table.columns) | {"MeasurementToolMetadata"} == set(dictionary)
        assert pd.api.types.is_numeric_dtype(table["ses1_before"])


def test_a_visit_that_did_not_take_place_is_listed_but_has_no_data(tmp_path):
    path = described(tmp_path, seed=2, design={"n_participants": 4}, attrition={"probability": 0.6})
    simulate_study(path, tmp_path / "bids")
    missed = [folder.name for folder in sorted((tmp_path / "bids").glob("sub-*")) if not (folder / "ses-2").exists()]
    assert 0 < len(missed) < 4
    for label in missed:
        assert len(read_table(tmp_path / "bids" / label / f"{label}_sessions.tsv")) == 2
        ratings = read_table(tmp_path / "bids/phenotype/madrs.tsv").set_index("participant_id").loc[label]
        assert ratings.filter(like="ses1_").notna().any()
        assert ratings.filter(like="ses2_").isna().all()
    assert {(item.participant, item.session) for item in find_sessions(tmp_path / "bids")} == set(planned_files(read_plan(path)))


def test_people_and_visits_agree(study):
    sequences = read_table(study / "participants.tsv").set_index("participant_id")["sequence"]
    for label, sequence in sequences.items():
        sessions = read_table(study / label / f"{label}_sessions.tsv")
        assert "-".join(sessions.sort_values("period")["condition"]) == sequence


def test_truth_lies_apart(study):
    outside = [name for name in contents(study) if "truth" in name and not name.startswith("derivatives/truth/")]
    assert outside == []
    contrasts = read_table(study / "derivatives/truth/truth_contrasts.tsv").set_index("contrast")
    assert contrasts.loc["naltrexone - placebo", "population_value"] == pytest.approx(-8)


def test_the_truth_holds_its_whole_description(study):
    """A description that extends another one is stored with all its values: it makes the same plan."""
    whole = study / "derivatives/truth/simulation.yaml"
    assert "extends" not in whole.read_text(encoding="utf-8")
    assert read_plan(whole).description.timing.runs == "split"


def test_folder_in_use_is_refused(small, tmp_path):
    (tmp_path / "something").touch()
    with pytest.raises(InputError, match="not an empty folder"):
        simulate_study(small, tmp_path)


def test_unknown_visit_is_refused(small, tmp_path):
    with pytest.raises(ConfigError, match="sub-02 ses-2"):
        simulate_session(small, tmp_path, participant="03", session="1")


@pytest.mark.validator
@pytest.mark.parametrize("layout", ["split", "single", "dropout"])
def test_bids_validator_finds_no_error(study, layout, tmp_path):
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    folder = {"split": study, "single": ROOT / "test_data", "dropout": tmp_path / "bids"}[layout]
    if layout == "dropout":
        path = described(tmp_path, seed=2, design={"n_participants": 4}, attrition={"probability": 0.6})
        simulate_study(path, folder)
    done = subprocess.run([validator, "--json", str(folder)], capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []


def test_committed_phantom_is_what_its_command_makes(tmp_path):
    """Recordings of one visit and all tables; compressed files are compared by content, since compressors differ between systems."""
    phantom = ROOT / "test_data"
    simulate_dataset_files(PHANTOM, tmp_path)
    simulate_session(PHANTOM, tmp_path, participant="03", session="2")
    for name, made in contents(tmp_path).items():
        committed = (phantom / name).read_bytes()
        if name.endswith(".nii.gz"):
            assert gzip.decompress(made) == gzip.decompress(committed), name
        elif name.startswith("derivatives/truth/truth_") and name.endswith(".tsv"):
            _assert_same_table(tmp_path / name, phantom / name)
        else:
            assert made == committed, name


def _assert_same_table(made, committed):
    """Equal but for the last digits, which differ between mathematical libraries."""
    first, second = read_table(made), read_table(committed)
    assert list(first.columns) == list(second.columns)
    for column in first.columns:
        if first[column].dtype == float:
            assert np.allclose(first[column], second[column], rtol=1e-9, atol=1e-12, equal_nan=True), column
        else:
            assert first[column].tolist() == second[column].tolist(), column

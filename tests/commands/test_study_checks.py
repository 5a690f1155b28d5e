"""What a dataset lacks for the configured question is said before the first job, and a visit without data keeps its row."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mrs_pipeline.commands import group
from mrs_pipeline.commands.layout import StudySession
from mrs_pipeline.commands.study import study_config, study_sessions
from mrs_pipeline.errors import MrsPipelineError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "test_data", tmp_path / "data")
    return tmp_path / "data"


def config(dataset: Path, **statistics):
    raw = yaml.safe_load((ROOT / "config" / "phantom.yaml").read_text(encoding="utf-8"))
    raw["study"]["bids_dir"] = str(dataset)
    raw["statistics"] |= statistics
    return study_config(raw, source="test")


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_session_without_condition_is_named(dataset: Path) -> None:
    rewrite(dataset / "sub-03" / "sub-03_sessions.tsv", "placebo", "n/a")
    with pytest.raises(MrsPipelineError, match=r"sub-03_ses-\d has data but no condition"):
        study_sessions(config(dataset))


def test_condition_twice_in_one_person_is_named(dataset: Path) -> None:
    rewrite(dataset / "sub-03" / "sub-03_sessions.tsv", "placebo", "naltrexone")
    with pytest.raises(MrsPipelineError, match="sub-03_ses-1 and sub-03_ses-2 both state the condition 'naltrexone'"):
        study_sessions(config(dataset))


def test_participant_left_out_need_not_be_complete(dataset: Path) -> None:
    rewrite(dataset / "sub-03" / "sub-03_sessions.tsv", "placebo", "n/a")
    complete = config(dataset)
    complete["selection"]["participants"] = ["01", "02"]
    assert len(study_sessions(complete)) == 4


@pytest.mark.parametrize(("covariate", "said"), [("weight", "which neither participants.tsv nor"), ("sex", "which holds text")])
def test_covariates_must_be_there_and_numbers(dataset: Path, covariate: str, said: str) -> None:
    with pytest.raises(MrsPipelineError, match=f"statistics.covariates names '{covariate}', {said}"):
        study_sessions(config(dataset, covariates=[covariate]))


def test_visit_without_data_keeps_a_row(dataset: Path) -> None:
    shutil.rmtree(dataset / "sub-05" / "ses-2" / "mrs")
    complete = config(dataset)
    sessions = study_sessions(complete)
    assert "sub-05_ses-2" not in sessions
    overview = pd.DataFrame(
        [{"participant": item.participant, "session": item.session, "status": "ok", "reason": ""} for item in sessions.values()]
    )
    missing = group.without_data(overview, config=complete)
    assert missing[["participant", "session", "status"]].to_numpy().tolist() == [["05", "2", "no_data"]]
    assert StudySession(participant="05", session="2").label == "sub-05_ses-2"

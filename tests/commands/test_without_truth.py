"""An analysis sees recordings and the tables of people and visits, never the truth or the description they were made from."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from mrs_pipeline.cli import main
from mrs_pipeline.commands.simulate import simulate_study
from mrs_pipeline.commands.study import study_config, study_sessions
from mrs_pipeline.io.bids import read_visits

ROOT = Path(__file__).parents[2]
BASIS = ["--sequence", "press", "--echo-time", "0.030", "--echo-time-1", "0.012", "--frequency", "127.7", "--spectral-width", "2000"]
METABOLITES = ["Cr", "PCr", "GPC", "Gln", "Glu", "Ins", "NAA", "NAAG"]
STUDY = {
    "study": {"name": "small"},
    "selection": {"task": "infusion"},
    "basis": {"sequence": "press", "echo_time_s": 0.03, "echo_time_1_s": 0.012, "n_points": 512, "macromolecules": ["MM09", "MM20"]},
    "windows": {
        "event": "infusion",
        "baseline": {"start_s": -72, "stop_s": 0, "width_s": 72},
        "infusion": {"start_s": 0, "stop_s": 120, "width_s": 60},
    },
    "statistics": {"conditions": ["placebo", "naltrexone"]},
}

#: Files opened while an analysis runs; an audit hook cannot be removed, so it looks whether somebody listens.
_LISTENERS: list[list[str]] = []


@contextmanager
def opened_files() -> Iterator[list[str]]:
    """The names of all files that Python opens meanwhile."""
    if not hasattr(opened_files, "installed"):
        sys.addaudithook(lambda event, args: [names.append(str(args[0])) for names in _LISTENERS] if event == "open" else None)
        opened_files.installed = True  # type: ignore[attr-defined]
    names: list[str] = []
    _LISTENERS.append(names)
    try:
        yield names
    finally:
        _LISTENERS.remove(names)


def analysed(bids, *, out):
    """One visit from raw transients to its measures, and what the workflow reads of the dataset."""
    config = study_config({**STUDY, "study": {"name": "small", "bids_dir": str(bids)}}, source="test")
    assert len(study_sessions(config)) == 4
    read_visits(bids)
    out.parent.mkdir()
    stem = bids / "sub-02/ses-1/mrs/sub-02_ses-1_task-infusion_"
    (out.parent / "study.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")
    basis, study = out.parent / "basis.npz", out.parent / "study.yaml"
    assert main(["basis", *BASIS, "--n-points", "512", "--metabolites", *METABOLITES, "--out", str(basis)]) == 0
    preprocess = ["preprocess", f"{stem}svs.nii.gz", "--reference", f"{stem}mrsref.nii.gz", "--config", str(study), "--out", str(out)]
    assert main(preprocess) == 0
    options = ["--events", f"{stem}events.tsv", "--config", str(study), "--basis", str(basis), "--out", str(out / "course")]
    assert main(["timecourse", str(out / "preprocessed.nii.gz"), *options]) == 0
    return {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def bids(tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated")
    content = {"extends": str(ROOT / "config/simulation/phantom.yaml"), "design": {"n_participants": 2}}
    (folder / "simulation.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    simulate_study(folder / "simulation.yaml", folder / "bids")
    return folder / "bids"


def test_same_bytes_without_truth_and_description(bids, tmp_path):
    with opened_files() as opened:
        whole = analysed(bids, out=tmp_path / "with" / "out")
    of_dataset = {Path(name).relative_to(bids).parts[0] for name in opened if name.startswith(str(bids))}
    assert {"participants.tsv", "sub-02"} <= of_dataset
    assert "derivatives" not in of_dataset
    assert str(bids.parent / "simulation.yaml") not in opened
    shutil.copytree(bids, tmp_path / "bids", ignore=shutil.ignore_patterns("derivatives", "README.md"))
    assert analysed(tmp_path / "bids", out=tmp_path / "without" / "out") == whole

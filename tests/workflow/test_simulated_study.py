"""A study whose raw data the workflow makes: same data as the command line makes, removed when used up, not made again."""

import gzip
import shutil

import pytest
import yaml

from mrs_pipeline.commands.simulate import simulate_session

pytestmark = pytest.mark.slow


def simulated(study, root, *, keep_raw):
    content = {"extends": str(root / "config/simulation/phantom.yaml"), "design": {"n_participants": 2}}
    (study.folder / "simulation.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    def change(config):
        config["study"].update(bids_dir=None, keep_raw=keep_raw)
        config["simulation"] = {"description": "simulation.yaml", "seed": 5}

    study.configure(change)


@pytest.mark.parametrize("keep_raw", [True, False])
def test_raw_data_are_made_and_used_up(keep_raw, make_study, tmp_path, table, pytestconfig):
    study = make_study(tmp_path / "study", participants=0, with_package=True)
    simulated(study, pytestconfig.rootpath, keep_raw=keep_raw)
    study.run_whole()
    raw = sorted(path.name for path in (study.results / "bids").rglob("*_svs.nii.gz"))
    assert len(raw) == (4 if keep_raw else 0)
    assert [row["status"] for row in table(study.results / "group/sessions.tsv")] == ["ok"] * 4
    assert {row["condition"] for row in table(study.results / "group/sessions.tsv")} == {"placebo", "naltrexone"}
    assert study.planned() == {}
    if keep_raw:
        simulate_session(study.folder / "simulation.yaml", tmp_path / "bids", participant="02", session="1", seed=5)
        name = "sub-02/ses-1/mrs/sub-02_ses-1_task-infusion_svs.nii.gz"
        made, again = ((folder / name).read_bytes() for folder in (study.results / "bids", tmp_path / "bids"))
        assert gzip.decompress(made) == gzip.decompress(again)
        assert_same_results_without_truth(study, make_study(tmp_path / "other", participants=0))


def assert_same_results_without_truth(study, other):
    """The same raw data, the truth and the description removed first, give the same tables to the byte."""
    shutil.copytree(study.results / "bids", other.data, ignore=shutil.ignore_patterns("derivatives"))
    assert not list(other.folder.rglob("*truth*"))
    assert not list(other.folder.rglob("simulation.yaml"))
    other.configure(lambda config: config["study"].update(bids_dir="data"))
    other.run_whole()
    tables = {name: content for name, content in study.files().items() if name.endswith(".tsv") and not name.startswith("bids/")}
    assert len(tables) > 20
    assert {name: content for name, content in other.files().items() if name.endswith(".tsv")} == tables

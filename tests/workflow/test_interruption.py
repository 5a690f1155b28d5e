"""Runs that are interrupted resume, and equal runs give equal bytes, wherever and with however many cores they run."""

import shutil
import signal

import pytest

pytestmark = pytest.mark.slow


def assert_equal_results(study, finished):
    one, other = study.files(), finished.files()
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []
    assert {".tsv", ".json", ".gz", ".html", ".npz"} <= {"." + name.rsplit(".", 1)[1] for name in one}


def twin(finished, make_study, folder):
    """A study with the package of the finished one, not yet run."""
    study = make_study(folder)
    shutil.copytree(finished.package, study.package)
    return study


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_run_resumes(number, make_study, finished, tmp_path):
    study = twin(finished, make_study, tmp_path / "study")
    study.interrupt(when=lambda: any(study.results.rglob("*desc-preproc_svs.nii.gz")), with_signal=number)
    assert not (study.results / "report" / "index.html").exists()
    if number == signal.SIGKILL:
        study.run_whole("--unlock")  # nobody was left to take the lock away
    study.run_whole()
    assert_equal_results(study, finished)
    assert not list(study.results.rglob(".tmp-*"))


def test_equal_runs_give_equal_bytes(make_study, finished, tmp_path):
    study = twin(finished, make_study, tmp_path / "another place" / "study")
    study.run_whole("--cores", "1")
    assert_equal_results(study, finished)

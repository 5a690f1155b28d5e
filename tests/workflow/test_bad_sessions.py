"""Bad sessions are reported and left out, the rest is contrasted; data of other kinds than the usual go through."""

import gzip
import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mrs_pipeline.commands.study import study_config, study_sessions
from mrs_pipeline.errors import ConfigError
from mrs_pipeline.io.nifti_mrs import read_fids, read_header, write_fids

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def svs(study, participant, session):
    return study.data / f"sub-{participant}/ses-{session}/mrs/sub-{participant}_ses-{session}_task-infusion_svs.nii.gz"


def change_data(path, change):
    """The same file with other values; the header stays."""
    image = nibabel.load(path)
    changed = image.__class__(change(np.asarray(image.dataobj)).astype(np.complex64), image.affine, header=image.header)
    nibabel.save(changed, path)


def truncate(path):
    path.write_bytes(path.read_bytes()[:3000])


def damage(study):
    """The sessions of two people, each by another kind of damage; four people remain, as many as a contrast needs."""
    truncate(svs(study, "01", "1"))
    svs(study, "01", "2").with_name("sub-01_ses-2_task-infusion_events.tsv").unlink()
    change_data(svs(study, "02", "1"), np.conj)
    change_data(svs(study, "02", "2"), np.zeros_like)


REASONS = {
    ("01", "1"): "truncated",
    ("01", "2"): "there is no events file",
    ("02", "1"): "mirrored",
    ("02", "2"): "zero",
}


@pytest.fixture(scope="module")
def damaged(make_study, tmp_path_factory):
    study = make_study(tmp_path_factory.mktemp("damaged") / "study", participants=6)
    damage(study)
    study.run_whole()
    return study


def test_status_and_reason_of_each_session(damaged, table):
    rows = {(row["participant"], row["session"]): row for row in table(damaged.results / "group/sessions.tsv")}
    assert len(rows) == 12
    assert {key for key, row in rows.items() if row["status"] == "failed"} == set(REASONS)
    for key, words in REASONS.items():
        assert words in rows[key]["reason"], rows[key]["reason"]


def test_report_names_bad_sessions(damaged, table):
    page = (damaged.results / "report/index.html").read_text(encoding="utf-8")
    for (participant, session), words in REASONS.items():
        assert words in page.replace("&#39;", "'")
        own = damaged.results / f"report/sessions/sub-{participant}/ses-{session}/mrs/sub-{participant}_ses-{session}.html"
        assert words in own.read_text(encoding="utf-8").replace("&#39;", "'")


def test_the_rest_is_contrasted(damaged, table):
    measures = table(damaged.results / "group/measures.tsv")
    assert not {(row["participant"], row["session"]) for row in measures} & set(REASONS)
    rows = [row for row in table(damaged.results / "group/contrasts.tsv") if row["measure"] == "Glx/tNAA" and row["status"] == "ok"]
    rows = [row for row in rows if row["df_numerator"] == "n/a"]  # F tests have no estimate
    assert any(row["contrast"] == "naltrexone - placebo: infusion change" for row in rows)
    assert all(np.isfinite(float(row["estimate"])) for row in rows)


def test_all_sessions_bad_is_one_sentence(make_study, tmp_path):
    study = make_study(tmp_path / "study", participants=1)
    for path in study.data.rglob("*_svs.nii.gz"):
        truncate(path)
    done = study.run()
    assert done.returncode != 0
    assert done.stdout.count("error: none of the 2 sessions could be analysed; the first: ") == 1
    assert "Traceback" not in done.stdout
    assert not (study.results / "group").exists()


def duplicate_run(study):
    path = svs(study, "01", "1")
    path.with_name(path.name.removesuffix(".gz")).write_bytes(gzip.decompress(path.read_bytes()))


def repeat_second_line(table):
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")


def duplicate_participant(study):
    repeat_second_line(study.data / "participants.tsv")


def duplicate_session(study):
    repeat_second_line(study.data / "sub-01/sub-01_sessions.tsv")


DUPLICATES = {
    "run": (duplicate_run, "are the same run twice"),
    "participant": (duplicate_participant, "lists sub-01 twice"),
    "session": (duplicate_session, "lists ses-1 twice"),
}


@pytest.mark.parametrize("case", DUPLICATES)
def test_duplicates_stop_the_run_at_its_start(case, make_study, tmp_path):
    duplicate, sentence = DUPLICATES[case]
    study = make_study(tmp_path / "study", participants=1)
    duplicate(study)
    done = study.run()
    assert done.returncode != 0
    assert sentence in done.stdout
    assert "Traceback" not in done.stdout
    assert not study.results.exists()


def without_reference(source, target):
    shutil.copy2(source, target)


def with_one_coil(source, target):
    """The first coil alone, without a dimension of coils."""
    fids = read_fids(source)
    first = np.take(fids.data, 0, axis=fids.dims.index("coil"))
    rewritten(fids.with_data(first, dims=tuple(name for name in fids.dims if name != "coil")), source, target)


def averaged(source, target):
    """One spectrum: the mean of the transients of the first coil."""
    fids = read_fids(source)
    mean = np.asarray(fids.data).mean(axis=fids.dims.index("transient"))[0]
    rewritten(fids.with_data(mean, dims=("time",)), source, target)


def rewritten(fids, source, target):
    header = read_header(source)
    write_fids(fids, target, source_header=header.extension, affine=header.affine)


def uncontrasted(config):
    config["statistics"] = {}
    config["basis"] = {"echo_time_1_s": 0.012, "n_points": 512}  # all metabolites: the ratio is compared with the truth
    config["selection"] = {}
    config["windows"] = {"event": None, "infusion": {"start_s": 0, "stop_s": 192, "width_s": 192}, "min_transients": 1}


@pytest.fixture(scope="module")
def unusual(make_study, tmp_path_factory):
    """Three people with one visit each, in a dataset without sessions, events and tables."""
    study = make_study(tmp_path_factory.mktemp("unusual") / "study", participants=0, change=uncontrasted)
    source = make_study(tmp_path_factory.mktemp("unusual") / "source", participants=1)
    for participant, make in (("noref", without_reference), ("onecoil", with_one_coil), ("averaged", averaged)):
        folder = study.data / f"sub-{participant}" / "mrs"
        folder.mkdir(parents=True)
        make(svs(source, "01", "1"), folder / f"sub-{participant}_svs.nii.gz")
    (study.data / "dataset_description.json").write_text(json.dumps({"Name": "unusual", "BIDSVersion": "1.10.0"}), encoding="utf-8")
    study.run_whole()
    return study


@pytest.mark.parametrize("participant", ["noref", "onecoil", "averaged"])
def test_unusual_data_go_through(participant, unusual, table):
    row = next(row for row in table(unusual.results / "group/sessions.tsv") if row["participant"] == participant)
    assert row["status"] == "ok", row["reason"]
    assert row["has_reference"] == "false"
    assert row["n_transients"] == ("1" if participant == "averaged" else "64")
    rows = table(unusual.results / "group/measures.tsv")
    wanted = (participant, "Glx/tNAA", "independent")
    ratio = [row for row in rows if (row["participant"], row["measure"], row["estimator"]) == wanted]
    assert len(ratio) == 1
    truth = [float(row["value"]) for row in table(ROOT / "test_data/derivatives/truth/truth_measures.tsv") if is_of_first_visit(row)]
    assert float(ratio[0]["value"]) == pytest.approx(np.mean(truth), rel=0.15)  # low resolution: 0.26 s of signal


def is_of_first_visit(row):
    return (row["participant"], row["session"], row["measure"]) == ("01", "1", "Glx/tNAA")


def test_study_without_conditions_has_nothing_to_contrast(unusual, table):
    rows = table(unusual.results / "group/contrasts.tsv")
    assert [row["status"] for row in rows] == ["nothing_to_contrast"]
    assert "fewer than two conditions" in rows[0]["reason"]
    assert (unusual.results / "report/index.html").stat().st_size > 1000


def test_time_course_of_one_visit(make_study, tmp_path, table):
    """One person, one visit: windows and fits, nothing to contrast."""
    study = make_study(tmp_path / "study", participants=1, change=lambda config: config.pop("statistics"))
    shutil.rmtree(study.data / "sub-01/ses-2")
    study.run_whole()
    rows = [row for row in table(study.results / "group/measures.tsv") if row["measure"] == "Glx/tNAA"]
    rows = [row for row in rows if row["estimator"] == "independent"]
    assert [row["window_start_s"] for row in rows] == ["-72.0", "0.0", "60.0"]
    assert table(study.results / "group/contrasts.tsv")[0]["status"] == "nothing_to_contrast"


def test_conditions_that_no_table_states_are_refused_at_the_start(make_study, tmp_path):
    study = make_study(tmp_path / "study", participants=1)
    for path in study.data.rglob("*_sessions.*"):
        path.unlink()
    config = {"study": {"name": "x", "bids_dir": str(study.data)}, "basis": {"echo_time_1_s": 0.012}}
    config |= {"windows": {"event": None, "infusion": {"start_s": 0, "stop_s": 9, "width_s": 9}}}
    config |= {"statistics": {"conditions": ["placebo", "naltrexone"]}}
    with pytest.raises(ConfigError, match="state a condition"):
        study_sessions(study_config(config, source="x"))

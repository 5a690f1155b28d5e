"""Importing a table of files: a valid BIDS dataset, without persons, or nothing at all."""

import json
import shutil
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pytest

from mrs_pipeline.commands.import_bids import import_table
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.bids import find_sessions, read_visits
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.sessions import read_session

ROOT = Path(__file__).parents[2]
HEADER = {"SpectrometerFrequency": [127.7], "ResonantNucleus": ["1H"], "EchoTime": 0.03, "RepetitionTime": 2.0, "dim_5": "DIM_DYN"}
TABLE = (
    "file\tparticipant\tsession\tkind\ttask\tvoi\trun\tcondition\tperiod\tsequence\tacq_time\n"
    "a.nii.gz\t01\t1\tsvs\tinf\tacc\t1\tdrug\t1\tAB\t2024-05-17T09:00:00\n"
    "b.nii.gz\t01\t1\tsvs\tinf\tacc\t2\tdrug\t1\tAB\t2024-05-17T09:30:00\n"
    "w.nii.gz\t01\t1\tmrsref\tinf\tacc\tn/a\tdrug\t1\tAB\tn/a\n"
    "e.tsv\t01\t1\tevents\tinf\tacc\t1\tdrug\t1\tAB\tn/a\n"
    "a.nii.gz\t01\t2\tsvs\tinf\tacc\tn/a\tplacebo\t2\tAB\tn/a\n"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two runs, a water reference and events, with a person in the header."""
    folder = tmp_path / "source"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for name in "abw":
        data = rng.standard_normal((1, 1, 1, 64, 3, 2)) @ np.array([1, 1j])
        image = nibabel.Nifti2Image(data.astype(np.complex64), affine=np.diag([20, 25, 30, 1]))
        image.header["pixdim"][4] = 5e-4
        image.header.set_xyzt_units(xyz="mm", t="sec")
        extension = json.dumps(HEADER | {"PatientName": "Jane", "Manufacturer": "GE"}).encode()
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(44, extension))
        nibabel.save(image, folder / f"{name}.nii.gz")
    (folder / "e.tsv").write_text("onset\tduration\ttrial_type\n60\t10\tinfusion\n")
    (folder / "table.tsv").write_text(TABLE)
    return folder


def test_dataset_reads_back(source: Path, tmp_path: Path) -> None:
    import_table(source / "table.tsv", tmp_path / "out", source_dir=source)
    first, second = find_sessions(tmp_path / "out")
    assert [first.label, second.label] == ["sub-01_ses-1", "sub-01_ses-2"]
    session = read_session(first)
    assert session.transients["time_s"].tolist() == [0, 2, 4, 1800, 1802, 1804]
    assert session.reference is not None
    np.testing.assert_array_equal(session.fids.data[:3], read_fids(source / "a.nii.gz").data)
    visits = read_visits(tmp_path / "out")
    assert visits[["session", "condition", "period", "sequence"]].to_numpy().tolist() == [["1", "drug", 1, "AB"], ["2", "placebo", 2, "AB"]]


def test_sidecars_have_what_bids_requires(source: Path, tmp_path: Path) -> None:
    import_table(source / "table.tsv", tmp_path / "out", source_dir=source)
    sidecar = json.loads((tmp_path / "out/sub-01/ses-2/mrs/sub-01_ses-2_task-inf_voi-acc_svs.json").read_text())
    expected = {
        "ResonantNucleus": ["1H"],
        "SpectrometerFrequency": [127.7],
        "SpectralWidth": 2000.0,
        "EchoTime": 0.03,
        "RepetitionTime": 2.0,
    }
    expected |= {
        "NumberOfSpectralPoints": 64,
        "NumberOfTransients": 3,
        "AcquisitionVoxelSize": [20.0, 25.0, 30.0],
        "BodyPartDetails": "acc",
    }
    assert {key: sidecar[key] for key in expected} == expected


def test_nobody_is_named(source: Path, tmp_path: Path) -> None:
    import_table(source / "table.tsv", tmp_path / "out", source_dir=source)
    for path in (tmp_path / "out").rglob("*"):
        if path.name.endswith(".nii.gz"):
            assert b"Jane" not in b"".join(
                entry.content if isinstance(entry.content, bytes) else b"" for entry in nibabel.load(path).header.extensions
            )
            assert "Jane" not in str(nibabel.load(path).header.extensions[0].get_content())
        elif path.is_file():
            assert "Jane" not in path.read_text()


BROKEN = {
    "missing file": (("a.nii.gz\t01\t2", "none.nii.gz\t01\t2"), "does not exist"),
    "twice": (("01\t2\tsvs\tinf\tacc\tn/a\tplacebo\t2", "01\t1\tsvs\tinf\tacc\t1\tdrug\t1"), "would both become"),
    "unknown kind": (("mrsref", "water"), "line 4: file, participant and a kind"),
    "unknown column": (("period", "perjod"), "column 'perjod' that is not understood"),
    "bad label": (("\tacc\t", "\ta_c\t"), "cannot be part of a BIDS file name"),
    "two conditions": (("mrsref\tinf\tacc\tn/a\tdrug", "mrsref\tinf\tacc\tn/a\tplacebo"), "condition of session 1 as drug and as placebo"),
    "no session": (("w.nii.gz\t01\t1", "w.nii.gz\t01\tn/a"), "session for some files only"),
}


@pytest.mark.parametrize("case", [name for name, (_, message) in BROKEN.items() if message])
def test_nothing_is_written_for_a_table_that_cannot_be_used(case: str, source: Path, tmp_path: Path) -> None:
    (old, new), message = BROKEN[case]
    (source / "table.tsv").write_text(TABLE.replace(old, new))
    with pytest.raises(InputError, match=message):
        import_table(source / "table.tsv", tmp_path / "out", source_dir=source)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_echo_time_may_come_from_the_table(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = nibabel.load(source / "a.nii.gz")
    image.header.extensions.clear()
    without = {key: value for key, value in HEADER.items() if key != "EchoTime"}
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(44, json.dumps(without).encode()))
    nibabel.save(image, source / "c.nii.gz")
    monkeypatch.delenv("MRS_EXTERNAL_DATA", raising=False)
    (source / "table.tsv").write_text("file\tparticipant\tkind\nc.nii.gz\t01\tsvs\n")
    with pytest.raises(InputError, match="does not state EchoTime"):
        import_table(source / "table.tsv", tmp_path / "out")
    (source / "table.tsv").write_text("file\tparticipant\tkind\techo_time_s\nc.nii.gz\t01\tsvs\t0.068\n")
    import_table(source / "table.tsv", tmp_path / "out")
    assert read_fids(tmp_path / "out/sub-01/mrs/sub-01_svs.nii.gz").acquisition.echo_time_s == 0.068


def test_existing_folder_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("1")
    with pytest.raises(InputError, match="exists already"):
        import_table(source / "table.tsv", tmp_path / "out", source_dir=source)


def validate(folder: Path) -> None:
    if shutil.which("bids-validator-deno") is None:
        pytest.skip("bids-validator-deno is not installed")
    done = subprocess.run(["bids-validator-deno", str(folder)], capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, done.stdout


@pytest.mark.validator
def test_validator_accepts_the_dataset(source: Path, tmp_path: Path) -> None:
    import_table(source / "table.tsv", tmp_path / "out", source_dir=source)
    validate(tmp_path / "out")


@pytest.mark.validator
@pytest.mark.external_data
def test_example_table_of_real_data(external_data: Path, tmp_path: Path) -> None:
    import_table(ROOT / "config/external_siemens7t.tsv", tmp_path / "out", source_dir=external_data)
    session = read_session(find_sessions(tmp_path / "out")[0])
    assert session.fids.sizes == {"coil": 4, "transient": 16, "time": 4096}
    validate(tmp_path / "out")

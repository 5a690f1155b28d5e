"""Which sessions a BIDS dataset has and which files belong together."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrs_pipeline.errors import InputError
from mrs_pipeline.io.bids import find_sessions, read_participants, read_visits, sessions_without_data
from mrs_pipeline.io.bids_names import ENTITIES, BidsName, parse_name

Dataset = Callable[[Mapping[str, Any]], Path]
MRS = "sub-01/ses-1/mrs/sub-01_ses-1"


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


@given(
    entities=st.dictionaries(st.sampled_from(ENTITIES), st.from_regex(r"[A-Za-z0-9]{1,5}", fullmatch=True)),
    suffix=st.sampled_from(["svs", "mrsref"]),
)
def test_names_are_taken_apart_and_put_together(entities: dict[str, str], suffix: str) -> None:
    name = BidsName(entities=entities, suffix=suffix, ending=".nii.gz")
    again = parse_name(Path("folder") / str(name))
    assert (dict(again.entities), again.suffix, again.ending) == (entities, suffix, ".nii.gz")


@pytest.mark.parametrize("name", ["sub-01_bad_svs.nii", "ses-1_sub-01_svs.nii", "sub-01_sub-02_svs.nii", "sub-0.1_svs.nii", "sub-_svs.nii"])
def test_bad_names(name: str) -> None:
    with pytest.raises(InputError, match="BIDS"):
        parse_name(Path(name + ".gz"))


def test_sessions_in_order_with_what_belongs_to_them(dataset: Dataset) -> None:
    root = dataset(
        {
            "sub-02/mrs/sub-02_svs.nii.gz": None,
            f"{MRS}_run-2_svs.nii.gz": None,
            f"{MRS}_run-1_svs.nii.gz": None,
            f"{MRS}_run-1_events.tsv": "onset\tduration\ttrial_type\n",
            f"{MRS}_mrsref.nii.gz": None,
            "sub-01/ses-2/mrs/sub-01_ses-2_svs.nii.gz": None,
        }
    )
    sessions = find_sessions(root)
    assert [session.label for session in sessions] == ["sub-01_ses-1", "sub-01_ses-2", "sub-02"]
    first, second = sessions[0].runs
    assert [first.svs.name, second.svs.name] == ["sub-01_ses-1_run-1_svs.nii.gz", "sub-01_ses-1_run-2_svs.nii.gz"]
    assert names(first.references) == names(second.references) == ["sub-01_ses-1_mrsref.nii.gz"]
    assert first.events is not None
    assert second.events is None
    assert sessions[1].runs[0].references == ()


def test_tenth_run_comes_after_the_second(dataset: Dataset) -> None:
    root = dataset({f"{MRS}_run-{run}_svs.nii.gz": None for run in ("10", "2", "1")})
    assert [run.svs.name.split("run-")[1] for run in find_sessions(root)[0].runs] == ["1_svs.nii.gz", "2_svs.nii.gz", "10_svs.nii.gz"]


def test_sidecars_are_inherited_and_nearer_ones_win(dataset: Dataset) -> None:
    root = dataset(
        {
            "svs.json": {"a": 0, "b": 0, "c": 0, "d": 0},
            "task-x_svs.json": {"b": 1, "c": 1, "d": 1},
            "task-y_svs.json": {"a": "other task"},
            "mrsref.json": {"a": "other suffix"},
            "sub-01/sub-01_svs.json": {"c": 2, "d": 2},
            f"{MRS}_task-x_svs.json": {"d": 3},
            f"{MRS}_task-x_svs.nii.gz": None,
        }
    )
    assert find_sessions(root)[0].runs[0].sidecar == {"a": 0, "b": 1, "c": 2, "d": 3}


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        (["_task-x_acq-y_mrsref", "_task-x_mrsref", "_mrsref"], "_task-x_acq-y_mrsref"),
        (["_task-x_mrsref", "_mrsref"], "_task-x_mrsref"),
        (["_acq-z_mrsref", "_mrsref"], "_mrsref"),
        (["_acq-z_mrsref"], None),
        (["_voi-acc_mrsref"], None),
        (["_task-w_acq-y_run-2_mrsref"], "_task-w_acq-y_run-2_mrsref"),
    ],
)
def test_reference_of_the_nearest_name(candidates: list[str], expected: str | None, dataset: Dataset) -> None:
    root = dataset({f"{MRS}{name}.nii.gz": None for name in ["_task-x_acq-y_run-1_svs", *candidates]})
    found = names(find_sessions(root)[0].runs[0].references)
    assert found == ([f"sub-01_ses-1{expected}.nii.gz"] if expected else [])


def test_reference_that_the_sidecar_names(dataset: Dataset) -> None:
    reference = "sub-01/ses-1/mrs/sub-01_ses-1_acq-water_mrsref.nii.gz"
    root = dataset({f"{MRS}_svs.nii.gz": None, reference: None, f"{MRS}_svs.json": {"ReferenceSignal": f"bids::{reference}"}})
    assert find_sessions(root)[0].runs[0].references == (root / reference,)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("bids::sub-01/mrs/none.nii.gz", "does not exist"),
        ("bids::../secret.nii.gz", "outside the dataset"),
        ("../../../secret.nii.gz", "outside the dataset"),
        ("bids:other:sub-01/mrs/a.nii.gz", "outside the dataset"),
    ],
)
def test_reference_that_cannot_be_used(uri: str, message: str, dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "secret.nii.gz").write_text("x")
    root = dataset({f"{MRS}_svs.nii.gz": None, f"{MRS}_svs.json": {"ReferenceSignal": [uri]}})
    with pytest.raises(InputError, match=message):
        find_sessions(root)


DUPLICATES: dict[str, tuple[dict[str, Any], str]] = {
    "two formats": ({f"{MRS}_svs.nii.gz": None, f"{MRS}_svs.nii": None}, "same run twice"),
    "run 1 and 01": ({f"{MRS}_run-1_svs.nii.gz": None, f"{MRS}_run-01_svs.nii.gz": None}, "same run twice"),
    "wrong folder": ({"sub-01/ses-2/mrs/sub-01_ses-1_svs.nii.gz": None}, "folder of another participant or session"),
    "no session in name": ({"sub-01/ses-2/mrs/sub-01_svs.nii.gz": None}, "folder of another participant or session"),
    "with and without sessions": ({f"{MRS}_svs.nii.gz": None, "sub-01/mrs/sub-01_svs.nii.gz": None}, "mrs folder outside"),
    "two acquisitions": ({f"{MRS}_acq-a_svs.nii.gz": None, f"{MRS}_acq-b_svs.nii.gz": None}, r"differ in 'acq' \(a, b\)"),
    "two tasks": ({f"{MRS}_task-a_svs.nii.gz": None, f"{MRS}_svs.nii.gz": None}, r"differ in 'task' \(a, none\)"),
    "participant twice": ({f"{MRS}_svs.nii.gz": None, "participants.tsv": "participant_id\nsub-01\nsub-01\n"}, "lists sub-01 twice"),
    "no prefix": ({f"{MRS}_svs.nii.gz": None, "participants.tsv": "participant_id\n01\n"}, "'sub-<label>' is expected"),
    "broken sidecar": ({f"{MRS}_svs.nii.gz": None, "svs.json": "{"}, "not valid JSON"),
}


@pytest.mark.parametrize("case", DUPLICATES)
def test_contradictions_are_a_sentence(case: str, dataset: Dataset) -> None:
    content, message = DUPLICATES[case]
    with pytest.raises(InputError, match=message):
        find_sessions(dataset(content))


def test_filters(dataset: Dataset) -> None:
    root = dataset({f"{MRS}_{name}_svs.nii.gz": None for name in ("task-a_acq-x", "task-b_acq-x", "task-a_acq-y")})
    assert len(find_sessions(root, filters={"task": "a", "acq": "x"})[0].runs) == 1
    assert len(find_sessions(root, filters={"task": ["a", "b"], "acq": "x"})[0].runs) == 2
    with pytest.raises(InputError, match="no single-voxel data"):
        find_sessions(root, filters={"task": None})


def test_sessions_without_data_are_listed_with_a_reason(dataset: Dataset) -> None:
    root = dataset({f"{MRS}_task-a_svs.nii.gz": None, "sub-01/ses-2/mrs/sub-01_ses-2_task-b_svs.nii.gz": None, "sub-02/ses-1/anat/x": "x"})
    assert [session.label for session in find_sessions(root, filters={"task": "a"})] == ["sub-01_ses-1"]
    left_out = sessions_without_data(root, filters={"task": "a"})
    assert left_out[["participant", "session"]].to_numpy().tolist() == [["01", "2"], ["02", "1"]]
    assert left_out["reason"].tolist() == ["no single-voxel file passes the filters", "no single-voxel file"]


def test_visits_join_participants_and_sessions(dataset: Dataset) -> None:
    root = dataset(
        {
            "participants.tsv": "participant_id\tage\tsequence\nsub-01\t30\tAB\nsub-02\t40\tBA\n",
            f"{MRS}_svs.nii.gz": None,
            "sub-01/sub-01_sessions.tsv": "session_id\tcondition\tperiod\nses-1\tplacebo\t1\nses-2\tdrug\t2\n",
            "sub-02/ses-1/mrs/sub-02_ses-1_svs.nii.gz": None,
        }
    )
    visits = read_visits(root)
    assert visits[["participant", "session", "age"]].to_numpy().tolist() == [["01", "1", 30], ["01", "2", 30], ["02", "1", 40]]
    assert visits["condition"].tolist()[:2] == ["placebo", "drug"]
    (root / "sub-01/sub-01_sessions.tsv").write_text("session_id\nses-1\nses-1\n")
    with pytest.raises(InputError, match="lists ses-1 twice"):
        read_visits(root)


def test_participants_without_a_table_are_the_folders(dataset: Dataset) -> None:
    assert read_participants(dataset({f"{MRS}_svs.nii.gz": None}))["participant"].tolist() == ["01"]


def test_folder_that_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sub-"):
        find_sessions(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        find_sessions(tmp_path / "none")


@pytest.mark.external_data
def test_public_example(external_data: Path) -> None:
    """A published dataset without sessions, with two tasks."""
    sessions = find_sessions(external_data / "bids_mrs_fmrs", filters={"task": "pain"})
    assert [session.label for session in sessions] == ["sub-01", "sub-02"]
    run = sessions[0].runs[0]
    assert names(run.references) == ["sub-01_task-pain_mrsref.nii.gz"]
    assert (run.sidecar["NumberOfTransients"], run.reference_sidecar["NumberOfTransients"]) == (320, 16)
    assert run.events is not None

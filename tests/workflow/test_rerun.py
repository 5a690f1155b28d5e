"""A change reruns what depends on it and nothing else: asked of Snakemake on copies of a finished study."""

import gzip
import shutil

import pytest

pytestmark = pytest.mark.slow  # the finished study takes half a minute

SESSIONS = 4
DESCRIPTION = {"describe": 1}  # holds a hash of the whole configuration
GROUP_PAGE = {"group_page": 1}
BASIS_PAGE = {"basis_page": 1, **GROUP_PAGE}
PAGES = {"session_page": SESSIONS, **GROUP_PAGE}
EVERY_PAGE = {**PAGES, **BASIS_PAGE}
FROM_CONTRAST = {"contrast": 1, "linewidth": 1, **GROUP_PAGE}
FROM_COLLECT = {"collect": 1, **FROM_CONTRAST}
FROM_TIMECOURSE = {"timecourse": SESSIONS, **FROM_COLLECT, **PAGES}
FROM_PREPROCESS = {"preprocess": SESSIONS, **FROM_TIMECOURSE}
FROM_BASIS = {"basis": 1, **BASIS_PAGE, **FROM_TIMECOURSE}

STEPS = [{"step": "coil_combination"}, {"step": "alignment"}, {"step": "rejection"}, {"step": "phase_reference"}]

CONFIGURATION = {
    "title": ("study", {"title": "Another title"}, EVERY_PAGE),
    "order of conditions": ("statistics", {"conditions": ["naltrexone", "placebo"]}, {**FROM_CONTRAST, **PAGES}),
    "measures to contrast": ("statistics", {"measures": ["Glx/tNAA"]}, {**FROM_CONTRAST, **PAGES}),
    "covariates": ("statistics", {"covariates": ["age"]}, {**FROM_COLLECT, **PAGES}),
    "fitting": ("fitting", {"priors": False}, FROM_TIMECOURSE),
    "fitted range": ("fitting", {"ppm_range": [0.5, 4.0]}, {**FROM_TIMECOURSE, **BASIS_PAGE}),
    "measures": ("measures", {"Ins/tCr": {"ratio": ["Ins", "tCr"]}}, FROM_TIMECOURSE),
    "windows": ("windows", {"min_transients": 5}, FROM_TIMECOURSE),
    "macromolecules": ("basis", {"macromolecules": ["MM09"]}, FROM_BASIS),
    "preprocessing": ("preprocessing", {"steps": STEPS}, FROM_PREPROCESS),
    "event": ("windows", {"event": None}, FROM_PREPROCESS),  # the event also places runs on the clock of the session
}

#: One file for each set of rules; which files change which hash is tested with the hash (`tests/commands/test_provenance.py`).
CODE = {
    "statistics/inference.py": FROM_CONTRAST,
    "commands/group.py": FROM_COLLECT,
    "timecourse/windows.py": FROM_TIMECOURSE,
    "basis/spin_systems.json": FROM_BASIS,
    "preprocessing/alignment.py": FROM_PREPROCESS,
    "report/figures.py": EVERY_PAGE,
    "synthetic/signals.py": {},
    "commands/study.py": {},
}


def test_nothing_to_do_after_a_run(finished):
    assert finished.planned() == {}


@pytest.mark.parametrize("name", CONFIGURATION)
def test_change_of_configuration(name, changeable):
    section, values, expected = CONFIGURATION[name]
    changeable.configure(lambda config: config.setdefault(section, {}).update(values))
    assert changeable.planned() == {**expected, **DESCRIPTION}


@pytest.mark.parametrize("name", CODE)
def test_change_of_code(name, changeable):
    path = changeable.package / name
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert changeable.planned() == CODE[name]


def compress_again(path):
    """Other bytes of the same content: what counts is that the file is another."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1))


def replace(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def inherit(path):
    path.write_text('{"EchoTime": 0.03}', encoding="utf-8")


ONE_SESSION = {"preprocess": 1, "timecourse": 1, **FROM_COLLECT, "session_page": 1}
VISIT = "sub-01/ses-2/"
DATA = {
    "recording": (f"{VISIT}mrs/sub-01_ses-2_task-infusion_svs.nii.gz", compress_again, ONE_SESSION),
    "reference": (f"{VISIT}mrs/sub-01_ses-2_task-infusion_mrsref.nii.gz", compress_again, ONE_SESSION),
    "events": (f"{VISIT}mrs/sub-01_ses-2_task-infusion_events.tsv", lambda path: replace(path, "72", "75"), ONE_SESSION),
    "sidecar": (f"{VISIT}mrs/sub-01_ses-2_task-infusion_svs.json", lambda path: replace(path, "BRAIN", "HEAD"), ONE_SESSION),
    "scans": (f"{VISIT}sub-01_ses-2_scans.tsv", lambda path: replace(path, "1925", "1924"), ONE_SESSION),
    "inherited sidecar": ("task-infusion_svs.json", inherit, {**FROM_PREPROCESS}),
    "visits": ("sub-01/sub-01_sessions.tsv", lambda path: replace(path, "naltrexone", "saline"), FROM_COLLECT),
    "participants": ("participants.tsv", lambda path: replace(path, "\t35\t", "\t36\t"), FROM_COLLECT),
}


@pytest.mark.parametrize("name", DATA)
def test_change_of_data(name, changeable):
    path, change, expected = DATA[name]
    change(changeable.data / path)
    assert changeable.planned() == expected


def test_another_participant(changeable, finished):
    """A session that is added runs by itself; the group follows."""
    for path in sorted((changeable.data / "sub-02").rglob("*"), reverse=True):
        if "sub-02" in path.name:
            path.rename(path.with_name(path.name.replace("sub-02", "sub-03")))
    (changeable.data / "sub-02").rename(changeable.data / "sub-03")
    shutil.copytree(finished.data / "sub-02", changeable.data / "sub-02")
    for path in (changeable.data / "sub-03").rglob("*"):
        if path.suffix in {".json", ".tsv"}:
            path.write_text(path.read_text(encoding="utf-8").replace("sub-02", "sub-03"), encoding="utf-8")
    assert changeable.planned() == {"preprocess": 2, "timecourse": 2, "session_page": 2, **FROM_COLLECT}

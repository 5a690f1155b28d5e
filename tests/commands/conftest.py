"""The command line inside the test's own process, and small inputs for it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.cli import main
from mrs_pipeline.io.nifti_mrs import read_fids, read_header
from mrs_pipeline.io.tables import read_table

ROOT = Path(__file__).parents[2]
VISIT = ROOT / "test_data" / "sub-01" / "ses-1" / "mrs"
STEM = "sub-01_ses-1_task-infusion_"

STUDY = """
study: {name: small}
basis: {macromolecules: [MM09, MM20]}
windows:
  event: infusion
  baseline: {start_s: -72, stop_s: 0, width_s: 72}
  infusion: {start_s: 0, stop_s: 120, width_s: 60}
statistics: {conditions: [placebo, naltrexone]}
"""

BASIS = ["--sequence", "press", "--echo-time", "0.030", "--echo-time-1", "0.012", "--frequency", "127.7", "--spectral-width", "2000"]
METABOLITES = ["Cr", "PCr", "GPC", "PCh", "Gln", "Glu", "GSH", "Ins", "NAA", "NAAG"]


class Inputs(NamedTuple):
    """Files that most commands need."""

    svs: Path
    reference: Path
    events: Path
    study: Path
    basis: Path
    preprocessed: Path


class Result(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    def but_fits(self) -> "Result":
        """Without what fits warn of: the small basis set here does not hold all signals of the data."""
        told = ("the residual", "the baseline can take the place")
        kept = [line for line in self.err.splitlines(keepends=True) if not any(words in line for words in told)]
        return self._replace(err="".join(kept))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Runs a subcommand as the shell would."""

    def call(*arguments: object) -> Result:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(str(end.code or 0))
        return Result(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """A basis set, a study and one preprocessed visit, made once by the commands themselves."""
    folder = tmp_path_factory.mktemp("inputs")
    for suffix in ("svs.nii.gz", "svs.json", "mrsref.nii.gz", "mrsref.json", "events.tsv"):
        shutil.copy2(VISIT / f"{STEM}{suffix}", folder / suffix)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    found = Inputs(
        svs=folder / "svs.nii.gz",
        reference=folder / "mrsref.nii.gz",
        events=folder / "events.tsv",
        study=folder / "study.yaml",
        basis=folder / "basis.npz",
        preprocessed=folder / "preprocessed" / "preprocessed.nii.gz",
    )
    assert main(["basis", *BASIS, "--n-points", "512", "--metabolites", *METABOLITES, "--out", str(found.basis)]) == 0
    assert main(["preprocess", str(found.svs), "--reference", str(found.reference), "--out", str(found.preprocessed.parent)]) == 0
    return found


@pytest.fixture(scope="session")
def windows(inputs: Inputs) -> Path:
    """Folder of the time course of the preprocessed visit."""
    folder = inputs.study.parent / "timecourse"
    options = ["--events", str(inputs.events), "--config", str(inputs.study), "--basis", str(inputs.basis), "--out", str(folder)]
    assert main(["timecourse", str(inputs.preprocessed), *options]) == 0
    return folder


@pytest.fixture(scope="session")
def measures_table() -> pd.DataFrame:
    """A table of measures with the columns a contrast needs and no more: eight people, change of 8 % under one condition."""
    rows = []
    for number in range(8):
        order = ("placebo", "naltrexone") if number % 2 else ("naltrexone", "placebo")
        for visit, condition in enumerate(order):
            for window, (start, stop) in enumerate([(-72, 0), (0, 60), (60, 120)]):
                effect = 0.0 if window == 0 else 0.10 if condition == "placebo" else 0.02
                wiggle = 0.004 * ((number * 7 + visit * 3 + window * 5) % 11 - 5)
                row = [f"{number + 1:02d}", str(visit + 1), condition, visit + 1, "-".join(order), window, float(start), float(stop)]
                rows.append([*row, "Glx/tNAA", 1.3 * (1 + effect + wiggle), 0.03])
    names = ["participant", "session", "condition", "period", "sequence", "window", "window_start_s", "window_stop_s"]
    return pd.DataFrame(rows, columns=[*names, "measure", "value", "sd"])


@pytest.fixture(scope="session")
def table() -> Callable[[Path], pd.DataFrame]:
    return read_table


class Bench:
    """A folder with good inputs, one of which a case spoils; `arguments` build the command lines."""

    def __init__(self, inputs, folder):
        self.folder, self.inputs, self.out = folder, inputs, folder / "out"
        for path in (inputs.svs, inputs.svs.with_name("svs.json"), inputs.events, inputs.study, inputs.basis, inputs.reference):
            shutil.copy2(path, folder)
        shutil.copytree(inputs.preprocessed.parent, folder / "preprocessed")
        self.svs, self.events, self.study = folder / "svs.nii.gz", folder / "events.tsv", folder / "study.yaml"
        self.basis, self.preprocessed = folder / "basis.npz", folder / "preprocessed/preprocessed.nii.gz"
        self.measures = folder / "measures.tsv"

    def preprocess(self):
        return ["preprocess", self.svs, "--out", self.out]

    def fit(self):
        return ["fit", self.preprocessed, "--basis", self.basis, "--config", self.study, "--out", self.out]

    def timecourse(self):
        options = ["--events", self.events, "--config", self.study, "--basis", self.basis, "--out", self.out]
        return ["timecourse", self.preprocessed, *options]

    def contrast(self):
        return ["contrast", self.measures, "--config", self.study, "--out", self.out]

    def change(self, path, change):
        fids, header = read_fids(path), read_header(path)
        image = nibabel.load(path)
        values = change(np.asarray(image.dataobj)).astype(np.complex64)
        assert fids.data.size == values.size
        assert header.shape
        nibabel.save(image.__class__(values, image.affine, header=image.header), path)

    def replace(self, path, old, new):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def bench(inputs, tmp_path):
    return Bench(inputs, tmp_path)


@pytest.fixture(scope="session")
def stepped(inputs, tmp_path_factory):
    """A bench whose visit has a step of the receiver gain by 15 % at its 35th transient (105 s), preprocessed."""
    bench = Bench(inputs, tmp_path_factory.mktemp("stepped"))
    bench.change(bench.svs, lambda stored: stored * np.where(np.arange(stored.shape[-1]) >= 35, 1.15, 1.0))
    out = bench.preprocessed.parent
    assert main([str(word) for word in ["preprocess", bench.svs, "--reference", inputs.reference, "--out", out]]) == 0
    return bench

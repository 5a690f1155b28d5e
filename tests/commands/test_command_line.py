"""Every subcommand as a user calls it: its files, their columns, and numbers that are known otherwise."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
import yaml

from mrs_pipeline.io.basis_files import read_basis, write_basis
from mrs_pipeline.io.nifti_mrs import read_fids, read_header, write_fids

ROOT = Path(__file__).parents[2]
DEFAULT_MEASURES = {"Glx", "tNAA", "tCr", "tCho", "Glx/tNAA", "Glx/tCr", "Glu/tNAA", "tNAA/tCr"}
BASIS = ["--sequence", "press", "--echo-time", "0.030", "--echo-time-1", "0.012", "--frequency", "127.7", "--spectral-width", "4000"]
CONTRAST_STUDY = """
study: {name: contrast}
basis: {}
windows: {event: null, infusion: {start_s: 0, stop_s: 120, width_s: 60}}
statistics: {conditions: [placebo, naltrexone], measures: [Glx/tNAA]}
"""


@pytest.mark.parametrize("command", [[sys.executable, "-m", "mrs_pipeline.cli"], [str(Path(sys.executable).with_name("mrs-pipeline"))]])
def test_program_starts(command):
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mrs-pipeline ")


@pytest.mark.parametrize("name", ["press.npz", "press.BASIS"])
def test_basis_reads_back(name, run, tmp_path):
    """Either format holds the same signals; LCModel's has single precision text."""
    names = ["Cr", "Glu", "NAA"]
    assert run("basis", *BASIS, "--n-points", 2048, "--metabolites", *names, "--out", tmp_path / name) == (0, "", "")
    basis = read_basis(tmp_path / name)
    assert sorted(basis.metabolites) == names
    assert basis.acquisition.n_points == 2048
    assert basis.acquisition.spectral_width_hz == pytest.approx(4000)
    assert basis.acquisition.spectrometer_frequency_mhz == pytest.approx(127.7)
    assert run("basis", *BASIS, "--n-points", 2048, "--metabolites", *names, "--out", tmp_path / "other.npz").code == 0
    other = read_basis(tmp_path / "other.npz")
    order = [other.metabolites.index(metabolite) for metabolite in basis.metabolites]
    np.testing.assert_allclose(basis.fids, other.fids[order], atol=1e-4 * np.abs(other.fids).max())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_default_first_echo_time_and_metabolites(run, tmp_path):
    options = [option for option in BASIS if option not in {"--echo-time-1", "0.012"}]
    assert run("basis", *options, "--n-points", 256, "--out", tmp_path / "basis.npz").code == 0
    assert len(read_basis(tmp_path / "basis.npz").metabolites) == 21


def test_preprocess_keeps_every_transient(inputs, table):
    folder = inputs.preprocessed.parent
    assert read_fids(inputs.preprocessed).sizes == {"transient": 64, "time": 512}
    transients = table(folder / "transients.tsv")
    assert list(transients.columns[:5]) == ["transient", "frequency_shift_hz", "phase_rad", "rejected", "reason"]
    assert transients["transient"].tolist() == list(range(64))
    assert np.isfinite(transients[["frequency_shift_hz", "phase_rad"]]).all(axis=None)
    assert transients["rejected"].dtype == bool
    assert transients.loc[transients["rejected"], "reason"].notna().all()
    assert transients.loc[~transients["rejected"], "reason"].isna().all()


def test_preprocess_finds_the_true_frequencies(inputs, table):
    """Up to the session mean; errors of about 0.2 Hz are expected at this signal-to-noise ratio."""
    found = table(inputs.preprocessed.parent / "transients.tsv")
    truth = table(ROOT / "test_data/derivatives/truth/truth_transients.tsv")
    truth = truth[(truth["participant"] == "01") & (truth["session"] == "1")].reset_index()
    difference = (found["frequency_shift_hz"] - truth["frequency_shift_hz"])[~found["rejected"]]
    assert difference.std() < 0.5


@pytest.mark.parametrize("place", [np.s_[..., 3], np.s_[0, 0, 0, 5, 0, 3]], ids=["transient", "sample"])
def test_values_that_are_no_numbers_cost_a_transient_or_a_coil(place, inputs, run, table, tmp_path):
    """A sample that is lost in one coil costs that coil: with three of four, one transient more may stand out."""
    image = nibabel.load(inputs.svs)
    data = np.asarray(image.dataobj).copy()
    data[place] = np.nan
    nibabel.save(image.__class__(data, image.affine, header=image.header), tmp_path / "svs.nii.gz")
    assert run("preprocess", tmp_path / "svs.nii.gz", "--out", tmp_path / "out") == (0, "", "")
    transients = table(tmp_path / "out/transients.tsv")
    assert len(transients) == 64
    assert np.isfinite(transients[["frequency_shift_hz", "phase_rad"]]).all(axis=None)
    before = table(inputs.preprocessed.parent / "transients.tsv")
    lost = set(transients.index[transients["rejected"]]) - set(before.index[before["rejected"]])
    assert lost == {3} if place[0] is Ellipsis else len(lost) <= 1


def test_two_runs_are_joined_in_order(inputs, run, table, tmp_path):
    fids = read_fids(inputs.svs)
    axis, header = fids.dims.index("transient"), read_header(inputs.svs)
    parts = {"first": np.arange(24), "second": np.arange(24, 64)}
    for name, chosen in parts.items():
        path = tmp_path / f"{name}.nii.gz"
        write_fids(fids.with_data(np.take(fids.data, chosen, axis=axis)), path, source_header=header.extension, affine=header.affine)
    done = run("preprocess", tmp_path / "first.nii.gz", tmp_path / "second.nii.gz", "--out", tmp_path / "out")
    assert done == (0, "", "")
    transients = table(tmp_path / "out/transients.tsv")
    assert transients["run"].tolist() == [0] * 24 + [1] * 40
    assert transients["transient"].tolist() == list(range(64))
    assert read_fids(tmp_path / "out/preprocessed.nii.gz").sizes["transient"] == 64


def test_header_values_of_the_sidecar_alone_suffice(inputs, run, tmp_path):
    """Some converters write the frequency to the JSON file only."""
    image = nibabel.load(inputs.svs)
    extension = json.loads(image.header.extensions[0].get_content())
    frequency, nucleus = extension.pop("SpectrometerFrequency"), extension.pop("ResonantNucleus")
    image.header.extensions.clear()
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(44, json.dumps(extension).encode()))
    nibabel.save(image, tmp_path / "svs.nii.gz")
    sidecar = {"SpectrometerFrequency": frequency, "ResonantNucleus": nucleus}
    (tmp_path / "svs.json").write_text(json.dumps(sidecar), encoding="utf-8")
    assert run("preprocess", tmp_path / "svs.nii.gz", "--out", tmp_path / "out") == (0, "", "")
    assert read_header(tmp_path / "out/preprocessed.nii.gz").acquisition.spectrometer_frequency_mhz == 127.7


def spectra(inputs, tmp_path, change=None):
    """Three averages of the preprocessed transients as one file."""
    fids, header = read_fids(inputs.preprocessed), read_header(inputs.preprocessed)
    data = np.stack([part.mean(axis=0) for part in np.array_split(np.asarray(fids.data), 3)])
    if change:
        change(data)
    path = tmp_path / "spectra.nii.gz"
    write_fids(fids.with_data(data), path, source_header=header.extension, affine=header.affine)
    return path


def noise(data):
    """Spectrum 1 holds nothing but zeros."""
    data[1] = 0


@pytest.mark.parametrize("failed", [[], [1]])
def test_fit_has_one_row_per_spectrum_and_name(failed, inputs, run, table, tmp_path):
    path = spectra(inputs, tmp_path, noise if failed else None)
    done = run("fit", path, "--basis", inputs.basis, "--ppm-range", 0.2, 4.0, "--config", inputs.study, "--out", tmp_path / "out")
    assert done.but_fits() == (0, "", "")
    amplitudes, measures, quality = (table(tmp_path / f"out/{name}.tsv") for name in ("amplitudes", "measures", "fitquality"))
    assert list(amplitudes.columns[:4]) == ["spectrum", "metabolite", "amplitude", "sd"]
    assert list(measures.columns[:4]) == ["spectrum", "measure", "value", "sd"]
    assert {"spectrum", "status", "snr", "fwhm_hz"} <= set(quality.columns)
    for found, name, wanted in (
        (amplitudes, "metabolite", {*read_basis(inputs.basis).metabolites, "MM09", "MM20"}),
        (measures, "measure", DEFAULT_MEASURES),
    ):
        assert not found.duplicated(["spectrum", name]).any()
        assert set(zip(found["spectrum"], found[name], strict=True)) == {(spectrum, item) for spectrum in range(3) for item in wanted}
    assert quality["spectrum"].tolist() == [0, 1, 2]
    assert [spectrum for spectrum in range(3) if quality["status"][spectrum] != "ok"] == failed
    ratio = measures[measures["measure"] == "Glx/tNAA"]["value"].tolist()
    assert [math.isnan(value) for value in ratio] == [spectrum in failed for spectrum in range(3)]


def test_single_spectrum_and_defaults(inputs, run, table, tmp_path):
    fids, header = read_fids(inputs.preprocessed), read_header(inputs.preprocessed)
    mean = fids.with_data(np.asarray(fids.data).mean(axis=0), dims=("time",))
    write_fids(mean, tmp_path / "mean.nii.gz", source_header=header.extension, affine=header.affine)
    assert run("fit", tmp_path / "mean.nii.gz", "--basis", inputs.basis, "--out", tmp_path / "out").but_fits() == (0, "", "")
    assert set(table(tmp_path / "out/measures.tsv")["measure"]) == DEFAULT_MEASURES
    assert "MM14" in table(tmp_path / "out/amplitudes.tsv")["metabolite"].tolist()


@pytest.mark.parametrize("own", ["Mac", "MM_measured"])
def test_macromolecules_of_the_basis_replace_the_built_in_ones(own, inputs, run, table, tmp_path):
    basis = read_basis(inputs.basis)
    time_s = basis.acquisition.time_s
    broad = np.exp(2j * np.pi * (4.65 - 0.9) * 127.7 * time_s - (np.pi * 20 * time_s) ** 2 / (4 * np.log(2)))
    with_own = type(basis)(
        metabolites=(*basis.metabolites, own),
        fids=np.vstack([basis.fids, broad]),
        acquisition=basis.acquisition,
        sequence=basis.sequence,
        linewidth_hz=basis.linewidth_hz,
    )
    write_basis(with_own, tmp_path / "own.npz")
    path = spectra(inputs, tmp_path)
    assert run("fit", path, "--basis", tmp_path / "own.npz", "--out", tmp_path / "out").but_fits() == (0, "", "")
    found = set(table(tmp_path / "out/amplitudes.tsv")["metabolite"])
    assert found - set(basis.metabolites) == {own}


def test_other_names_of_metabolites_are_understood(inputs, run, table, tmp_path):
    names = ["NAA", "Cr", "Glu", "PCho", "mI", "Scyllo"]
    options = [*BASIS[:-1], "2000", "--n-points", 512, "--metabolites", *names]
    assert run("basis", *options, "--out", tmp_path / "basis.BASIS").code == 0
    path = spectra(inputs, tmp_path)
    assert run("fit", path, "--basis", tmp_path / "basis.BASIS", "--out", tmp_path / "out").but_fits() == (0, "", "")
    assert {"PCh", "Ins", "sIns"} <= set(table(tmp_path / "out/amplitudes.tsv")["metabolite"])


def test_time_course_tables_have_their_windows(inputs, windows, table):
    for name in ("amplitudes", "measures", "fitquality"):
        found = table(windows / f"{name}.tsv")
        assert {"spectrum", "window", "window_start_s", "window_stop_s"} <= set(found.columns)
        limits = found[["window", "window_start_s", "window_stop_s"]].drop_duplicates().to_numpy().tolist()
        assert limits == [[0, -72, 0], [1, 0, 60], [2, 60, 120]]
    counts = table(windows / "windows.tsv")
    assert counts["n_acquired"].tolist() == [24, 20, 20]  # one every 3 s, the infusion starts after 24
    assert read_fids(windows / "svs.nii.gz").sizes == {"window": 3, "time": 512}


def test_contrast_of_a_table_made_by_hand(measures_table, run, table, tmp_path):
    measures_table.to_csv(tmp_path / "measures.tsv", sep="\t", index=False)
    (tmp_path / "study.yaml").write_text(CONTRAST_STUDY, encoding="utf-8")
    done = run("contrast", tmp_path / "measures.tsv", "--config", tmp_path / "study.yaml", "--out", tmp_path / "out")
    assert done == (0, "", "")
    contrasts = table(tmp_path / "out/contrasts.tsv")
    assert set(contrasts["analysis"]) == {"session_aware", "paired_summary", "sign_flip", "max_t", "as_published"}
    change = contrasts[(contrasts["analysis"] == "paired_summary") & contrasts["contrast"].str.endswith("infusion change")].iloc[0]
    assert change["estimate"] == pytest.approx(by_hand(measures_table), abs=1e-9)
    assert change["n_participants"] == 8


def by_hand(measures):
    """Mean over people of the difference between conditions of (mean of infusion less baseline), 100 x natural logarithm."""
    logs = measures.assign(value=100 * np.log(measures["value"]), infusion=measures["window_stop_s"] > 0)
    means = logs.groupby(["participant", "condition", "infusion"])["value"].mean().unstack()
    change = (means[True] - means[False]).unstack()
    return float((change["naltrexone"] - change["placebo"]).mean())


def test_import_makes_a_dataset(inputs, run, tmp_path):
    table = "file\tparticipant\tsession\tkind\ttask\nsvs.nii.gz\t01\t1\tsvs\tinfusion\nevents.tsv\t01\t1\tevents\tinfusion\n"
    (tmp_path / "table.tsv").write_text(table, encoding="utf-8")
    done = run("import", tmp_path / "table.tsv", "--source", inputs.svs.parent, "--out", tmp_path / "bids")
    assert done == (0, "", "")
    assert (tmp_path / "bids/sub-01/ses-1/mrs/sub-01_ses-1_task-infusion_svs.nii.gz").is_file()


def test_simulate_and_analysis_without_truth(run, table, tmp_path):
    """What is analysed lies in the recordings alone: removing the truth changes nothing."""
    content = {"extends": str(ROOT / "config/simulation/phantom.yaml"), "design": {"n_participants": 2}}
    (tmp_path / "sim.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert run("simulate", tmp_path / "sim.yaml", "--seed", 3, "--out", tmp_path / "bids") == (0, "", "")
    assert (tmp_path / "bids/derivatives/truth/truth_contrasts.tsv").is_file()
    svs = tmp_path / "bids/sub-02/ses-1/mrs/sub-02_ses-1_task-infusion_svs.nii.gz"
    assert run("preprocess", svs, "--out", tmp_path / "with").code == 0
    shutil.rmtree(tmp_path / "bids/derivatives")
    assert run("preprocess", svs, "--out", tmp_path / "without").code == 0
    for path in (tmp_path / "with").iterdir():
        assert path.read_bytes() == (tmp_path / "without" / path.name).read_bytes()


def test_fit_resamples_when_asked_to_and_the_same_seed_gives_the_same_tables(inputs, run, table, tmp_path):
    path = spectra(inputs, tmp_path, noise)
    options = ["fit", path, "--basis", inputs.basis, "--config", inputs.study, "--bootstrap", 3, "--monte-carlo", 2, "--out"]
    for name, seed in (("first", 4), ("second", 4), ("third", 5)):
        assert run(*options, tmp_path / name, "--seed", seed).but_fits() == (0, "", "")
    first, second, third = (table(tmp_path / name / "bootstrap.tsv") for name in ("first", "second", "third"))
    assert first.equals(second)
    assert not first["resampled_sd"].equals(third["resampled_sd"])
    assert sorted(set(first["spectrum"])) == [0, 2]  # the spectrum without signal has nothing to rebuild
    assert DEFAULT_MEASURES | set(read_basis(inputs.basis).metabolites) <= set(first["measure"])
    assert set(first["n_draws"]) == {3}
    assert set(table(tmp_path / "first/montecarlo.tsv")["n_draws"]) == {2}


@pytest.mark.external_data
def test_fit_agrees_with_lcmodel(external_data, run, table, tmp_path):
    """LCModel's own example, the same raw data and basis set: within 2 combined SD of what LCModel 6.3-1R printed."""
    svs, basis = external_data / "real/philips3t_press30_dbiex.nii.gz", external_data / "lcmodel_test/3t.basis"
    reference = json.loads((external_data / "lcmodel_test/reference_lcmodel_6.3-1R.json").read_text(encoding="utf-8"))
    study = {"study": {"name": "lcmodel"}, "basis": {}, "windows": {"event": None}, "measures": {"tNAA/tCr": {"ratio": ["tNAA", "tCr"]}}}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    assert run("fit", svs, "--basis", basis, "--config", tmp_path / "study.yaml", "--out", tmp_path / "out").but_fits() == (0, "", "")
    measures = table(tmp_path / "out/measures.tsv").set_index("measure")
    for name, above, below in (("Glx/tNAA", "Glu+Gln", "NAA+NAAG"), ("tNAA/tCr", "NAA+NAAG", "Cr+PCr")):
        (first, first_percent), (second, second_percent) = reference["conc"][above], reference["conc"][below]
        theirs = first / second
        sd = math.hypot(measures.loc[name, "sd"], theirs * math.hypot(first_percent, second_percent) / 100)
        assert abs(measures.loc[name, "value"] - theirs) < 2 * sd


def test_threads_are_limited_unless_the_user_says_otherwise(run, monkeypatch, tmp_path):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run("basis", *BASIS, "--n-points", 64, "--metabolites", "Cr", "--out", tmp_path / "basis.npz")
    assert os.environ["OMP_NUM_THREADS"] == "1"

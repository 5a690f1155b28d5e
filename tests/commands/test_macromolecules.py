"""Command macromolecules: from scans with water, coils and eddy currents to a component, and the one real scan there is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.macromolecule_components import results
from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, spectrum_from_fid
from mrs_pipeline.basis.macromolecules import measured_type_macromolecules
from mrs_pipeline.basis.metabolite_residues import residue_basis
from mrs_pipeline.commands.macromolecules import measure_macromolecules
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.nifti_mrs import read_fids, write_fids

ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=2048, echo_time_s=0.03, repetition_time_s=2.0
)
N_COILS, N_TRANSIENTS = 3, 4


def component(acquisition: Acquisition) -> ComplexArray:
    """The published profile of macromolecules, 3 protons at 0.9 ppm."""
    return measured_type_macromolecules(acquisition=acquisition).fids.sum(axis=0) * 3 / 0.72


def scan_and_water(seed: int, *, acquisition: Acquisition = ACQUISITION, metabolites: float = 0.0) -> tuple[Fids, Fids]:
    """Coils and transients apart, residual water 20 times the line at 0.9 ppm, a phase from eddy currents in scan and reference."""
    rng, time = np.random.default_rng(seed), acquisition.time_s
    residues = residue_basis(sequence="press", acquisition=acquisition, names=["CrCH2", "NAACH3"], echo_time_1_s=0.012)
    signal = component(acquisition) + np.array([0.4, -0.15]) @ residues.fids
    signal = signal + metabolites * residues.fids.sum(axis=0)
    water = np.exp(2j * np.pi * 1.5 * time - np.pi * 7.0 * time)
    phase = 0.5 + 0.6 * (1 - np.exp(-time / 0.02))
    sensitivity = np.array([1.0, 0.6 - 0.5j, 0.3j])
    clean = (signal * np.exp(-np.pi * 5.0 * time) + 60.0 * water * np.exp(0.8j)) * np.exp(1j * phase)
    noise_sd = 0.04
    noise = noise_sd * (
        rng.standard_normal((N_COILS, N_TRANSIENTS, time.size)) + 1j * rng.standard_normal((N_COILS, N_TRANSIENTS, time.size))
    )
    scan = Fids(data=sensitivity[:, None, None] * clean + noise, dims=("coil", "transient", "time"), acquisition=acquisition)
    reference = 2e4 * sensitivity[:, None] * np.exp(-np.pi * 7.0 * time) * np.exp(1j * phase) + noise[:, 0]
    return scan, Fids(data=reference[:, None], dims=("coil", "transient", "time"), acquisition=acquisition)


def written(folder: Path, seed: int = 0, **kwargs) -> tuple[Path, Path]:
    scan, water = scan_and_water(seed, **kwargs)
    paths = folder / f"mm{seed}.nii.gz", folder / f"water{seed}.nii.gz"
    for fids, path in zip((scan, water), paths, strict=True):
        write_fids(fids, path)
    return paths


def shape(fid: ComplexArray, acquisition: Acquisition, grid_ppm: FloatArray) -> FloatArray:
    """Real spectrum on a grid of shifts, without the constant half of the first sample; zeros appended for a finer axis."""
    padded = np.concatenate([fid[:1] / 2, fid[1:], np.zeros(7 * fid.size)])
    axis = acquisition.with_n_points(padded.size).ppm
    return np.interp(grid_ppm, axis[::-1], spectrum_from_fid(padded).real[::-1])


def correlation(one: FloatArray, other: FloatArray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_component_comes_out_of_scans_with_water_coils_and_eddy_currents(run, tmp_path):
    scan, water = written(tmp_path)
    out, figure = tmp_path / "mm.npz", tmp_path / "mm.png"
    assert run("macromolecules", scan, "--water", water, "--out", out, "--figure", figure) == (0, "", "")
    basis = read_basis(out)
    assert basis.metabolites == ("Mac",)
    assert "mm0.nii.gz" in basis.origins[0]
    grid = np.linspace(0.5, 3.5, 601)
    found, true = shape(basis.fids[0], basis.acquisition, grid), shape(component(ACQUISITION), ACQUISITION, grid)
    assert np.sqrt(np.mean((found - true) ** 2)) < 0.05 * true.max()
    content = json.loads(out.with_suffix(".json").read_text())
    assert content["residues"]["CrCH2"]["amplitude"] == pytest.approx(0.4, abs=0.1)
    assert content["residues"]["NAACH3"]["amplitude"] == pytest.approx(-0.15, abs=0.06)
    assert content["scans"][0]["file"] == "mm0.nii.gz"
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mm.json", "mm.npz", "mm.png", "mm0.nii.gz", "water0.nii.gz"]


def test_same_scans_give_the_same_bytes(run, tmp_path):
    scan, water = written(tmp_path)
    made = []
    for name in ("a", "b"):
        outputs = [tmp_path / name / f"mm{suffix}" for suffix in (".npz", ".png", ".json")]
        assert run("macromolecules", scan, "--water", water, "--out", outputs[0], "--figure", outputs[1]).code == 0
        made.append([path.read_bytes() for path in outputs])
    assert made[0] == made[1]


def test_several_people_without_reference_and_appended_zeros(run, tmp_path):
    """Zeros at the end hold nothing: the component has the length that was measured."""
    paths = []
    for seed in (1, 2):
        scan, _ = scan_and_water(seed)
        data = np.concatenate([scan.data, np.zeros_like(scan.data)], axis=-1)
        paths.append(tmp_path / f"mm{seed}.nii.gz")
        write_fids(Fids(data=data, dims=scan.dims, acquisition=ACQUISITION.with_n_points(4096)), paths[-1])
    result = run("macromolecules", *paths, "--out", tmp_path / "mm.npz", "--figure", tmp_path / "mm.svg")
    assert result.code == 0, result.err
    basis = read_basis(tmp_path / "mm.npz")
    assert basis.acquisition.n_points == 2048
    assert "2 people: mm1.nii.gz, mm2.nii.gz" in basis.origins[0]
    assert (tmp_path / "mm.svg").read_text().startswith("<svg")


def test_cleaned_data_may_be_asked_for(run, tmp_path):
    scan, water = written(tmp_path)
    assert run("macromolecules", scan, "--water", water, "--kind", "data", "--out", tmp_path / "mm.npz").code == 0
    basis = read_basis(tmp_path / "mm.npz")
    assert "data less residues" in basis.sequence
    late = basis.acquisition.time_s > 0.5
    assert np.abs(basis.fids[0, late]).max() > 1e-4 * np.abs(basis.fids[0]).max()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--water", "{water}", "{water}"], "2 water references were given for 1 scans"),
        (["--figure", "mm.bmp"], "no suffix of a figure: name it .png or .svg"),
        (["--sequence", "steam"], "sequence 'steam' needs mixing_time_s"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments, message, run, tmp_path):
    scan, water = written(tmp_path)
    named = [text.format(water=water) for text in arguments]
    code, _, err = run("macromolecules", scan, *named, "--out", tmp_path / "mm.npz")
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "mm.npz").exists()


def test_scans_that_cannot_be_used_leave_nothing_behind(run, tmp_path):
    ordinary, _ = written(tmp_path, 0, metabolites=10.0)
    short, _ = written(tmp_path, 1, acquisition=ACQUISITION.with_n_points(300))
    silent, _ = written(tmp_path, 2)
    write_fids(replace(read_fids(silent), acquisition=replace(ACQUISITION, echo_time_s=None)), silent)
    phosphorus, _ = written(tmp_path, 3)
    write_fids(replace(read_fids(phosphorus), acquisition=replace(ACQUISITION, nucleus="31P")), phosphorus)
    good, _ = written(tmp_path, 4)
    longer, _ = written(tmp_path, 5, acquisition=replace(ACQUISITION, echo_time_s=0.068))
    cases = {
        (ordinary,): "mm0.nii.gz: the scan is not metabolite-nulled",
        (short,): "mm1.nii.gz: the scan lasts 150 ms",
        (silent,): "does not state its echo time",
        (phosphorus,): "31P",
        (good, longer): "differ in echo time in s",
    }
    for scans, message in cases.items():
        code, _, err = run("macromolecules", *scans, "--out", tmp_path / "out" / "mm.npz")
        assert code == 2
        assert message in err
        assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def real(external_data, tmp_path_factory):
    """Philips 3 T, PRESS 30/2000, inversion time 600 ms, with the water reference of the same person: what was found, and the file."""
    folder, out = external_data / "real", tmp_path_factory.mktemp("mm") / "mm.npz"
    scan, water = folder / "philips3t_press30mm_inv600_sub01.nii.gz", folder / "philips3t_press30mm_sub01_wref.nii.gz"
    found = measure_macromolecules([scan], water=[water], out=out, figure=out.with_suffix(".png"))
    return found, read_basis(out)


@pytest.mark.external_data
def test_it_is_physically_sensible(real):
    found, _ = real
    assert found.warnings == ()
    assert found.quality["residual_over_noise"] < 1.2
    assert found.quality["snr"] > 15
    assert 0.13 < found.quality["fwhm_09_hz"] / 127.755 < 0.23
    below = {round(line.shift_ppm, 2): line.area for line in found.lines if line.shift_ppm < 1.75}
    assert max(below, key=below.get) == pytest.approx(0.91, abs=0.03)


@pytest.mark.external_data
def test_residues_have_the_signs_their_relaxation_says(real):
    """At an inversion time of 600 ms and TR 2 s a T1 of 1.1 s is nulled: CH2 of creatine relaxes faster, NAA and its CH3 slower."""
    residues = {item.name: item for item in real[0].residues}
    assert residues["CrCH2"].amplitude > 3 * residues["CrCH2"].sd
    assert residues["NAACH3"].amplitude < -2 * residues["NAACH3"].sd
    assert residues["CrCH3"].amplitude < 0
    assert abs(residues["tCho"].height) < 3 * real[0].noise_sd


@pytest.mark.external_data
def test_nothing_narrow_is_left(real):
    """Within 0.05 ppm of the singlets of NAA, creatine and choline the remainder is as small as anywhere."""
    curves = real[0].curves
    near = np.min(np.abs(curves.ppm[:, None] - np.array([2.01, 3.03, 3.21, 3.92])), axis=1) < 0.05
    assert np.abs(curves.remainder[near].real).max() < 4.5 * real[0].noise_sd


@pytest.mark.external_data
def test_shape_is_that_of_another_vendors_scan(real, external_data):
    """The macromolecules of the 2016 fitting challenge, PRESS 30 ms at 123.2 MHz, from other people; its first sample is halved."""
    _, basis = real
    with np.load(external_data / "fitting_challenge" / "basis.npz") as content:
        other, frequency_mhz, dwell_s = content["Mac"].copy(), float(content["sf_MHz"]), float(content["dt_s"])
    other[0] *= 2
    acquisition = replace(basis.acquisition, spectrometer_frequency_mhz=frequency_mhz, spectral_width_hz=1 / dwell_s, n_points=other.size)
    grid = np.linspace(0.5, 3.5, 601)
    theirs = shape(other, acquisition, grid)
    ours = shape(basis.fids[0], basis.acquisition, grid)
    published = shape(component(basis.acquisition), basis.acquisition, grid)
    assert correlation(ours, theirs) > 0.975
    # the published lines alone, without what lies between them, do not come near
    assert correlation(published, theirs) < 0.9


@pytest.mark.external_data
@pytest.mark.parametrize(
    "name",
    ["real/philips3t_press30mm_sub01", "real/philips3t_press30_dbiex", "real/siemens3t_svs_se30_skyra"]
    + [f"fitting_challenge/dataset{number}" for number in ("01", "08", "13", "16")],
)
def test_ordinary_scans_are_refused(name, external_data, run, tmp_path):
    """Every ordinary 3 T spectrum there is, whatever its line width and noise."""
    code, _, err = run("macromolecules", external_data / f"{name}.nii.gz", "--out", tmp_path / "mm.npz")
    assert code == 2
    assert f"{Path(name).name}.nii.gz: the scan is not metabolite-nulled: NAACH3 is" in err


@pytest.mark.external_data
def test_true_macromolecules_give_the_best_glx_of_the_fitting_challenge(external_data):
    """Four spectra of known content: with the macromolecules that are in them Glx/tNAA is right to 6 %, with any others it is worse."""
    errors = {result.components: result.rms[0] for result in results(external_data, ppm_range=(0.2, 4.2))}
    own = errors.pop("the challenge's own")
    assert own < 6.0
    assert all(error > own for error in errors.values())
    assert errors["built-in default"] < 25.0

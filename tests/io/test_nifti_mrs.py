"""NIfTI-MRS: what is on disk is what is in memory, and what cannot be used is said in one sentence."""

import contextlib
import gzip
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nifti_mrs.nifti_mrs import NIFTI_MRS

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.fids import Fids, ProcessingStep
from mrs_pipeline.io.nifti_mrs import read_fids, read_header, write_fids

HEADER = {"SpectrometerFrequency": [127.7], "ResonantNucleus": ["1H"], "EchoTime": 0.03, "RepetitionTime": 2.0}
MakeFids = Callable[..., Fids]
WriteNifti = Callable[..., Path]


def ppm_of_peak(fids: Fids, *, between: tuple[float, float]) -> float:
    acquisition = fids.acquisition
    power = (np.abs(fids.spectrum) ** 2).reshape(-1, acquisition.n_points).sum(axis=0)
    inside = (acquisition.ppm > between[0]) & (acquisition.ppm < between[1])
    return float(acquisition.ppm[inside][np.argmax(power[inside])])


@pytest.mark.parametrize("order", list(itertools.permutations([("DIM_COIL", "coil"), ("DIM_DYN", "transient"), ("DIM_USER_0", "user_0")])))
def test_any_order_of_dimensions(order: tuple[tuple[str, str], ...], write_nifti: WriteNifti, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    stored = (rng.standard_normal((1, 1, 1, 16, 2, 3, 4)) * (1 + 1j)).astype(np.complex64)
    path = write_nifti(stored, HEADER | {f"dim_{number}": tag for number, (tag, _) in enumerate(order, start=5)})
    fids = read_fids(path)
    assert fids.dims == (*[name for _, name in order], "time")
    np.testing.assert_array_equal(fids.data, np.moveaxis(stored[0, 0, 0], 0, -1))
    write_fids(fids, tmp_path / "again.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(nibabel.load(tmp_path / "again.nii.gz").dataobj), stored)
    assert read_fids(tmp_path / "again.nii.gz").dims == fids.dims


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 3), min_size=0, max_size=3), double=st.booleans(), suffix=st.sampled_from([".nii", ".nii.gz"]))
def test_read_write_read_changes_nothing(sizes: list[int], double: bool, suffix: str, make_fids: MakeFids, tmp_path: Path) -> None:
    fids = make_fids(**dict(zip(["coil", "transient", "edit"], sizes, strict=False)))
    fids = fids.with_data(fids.data.astype(np.complex128 if double else np.complex64), step=ProcessingStep(method="m", details="d"))
    path = tmp_path / f"a{suffix}"
    write_fids(fids, path)
    again = read_fids(path)
    np.testing.assert_array_equal(again.data, fids.data)
    assert (again.data.dtype, again.dims, again.acquisition, again.history) == (fids.data.dtype, fids.dims, fids.acquisition, fids.history)


def test_windows_stay_windows(make_fids: MakeFids, tmp_path: Path) -> None:
    write_fids(make_fids(window=3), tmp_path / "a.nii.gz")
    assert read_fids(tmp_path / "a.nii.gz").dims == ("window", "time")
    assert read_header(tmp_path / "a.nii.gz").extension["dim_5"] == "DIM_DYN"


def test_only_whole_windows_may_be_missing(make_fids: MakeFids, tmp_path: Path) -> None:
    fids = make_fids(window=3)
    data = np.array(fids.data)
    data[1] = np.nan
    write_fids(fids.with_data(data), tmp_path / "a.nii.gz")
    assert np.isnan(read_fids(tmp_path / "a.nii.gz").data).all(axis=-1).tolist() == [False, True, False]
    data[2, 5] = np.inf
    write_fids(fids.with_data(data), tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match="not finite"):
        read_fids(tmp_path / "a.nii.gz")


def test_sign_agrees_with_the_standards_own_package(make_fids: MakeFids, tmp_path: Path) -> None:
    """The nifti_mrs package conjugates what it hands out; ``image`` gives what is stored."""
    fids = make_fids(transient=2)
    write_fids(fids, tmp_path / "a.nii.gz")
    image = NIFTI_MRS(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(np.moveaxis(image[:], 3, -1)[0, 0, 0], np.conj(fids.data))
    assert image.dwelltime == pytest.approx(5e-4)
    assert image.dim_tags[0] == "DIM_DYN"


def test_same_input_gives_the_same_bytes(make_fids: MakeFids, tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_fids(make_fids(transient=2), tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_squeezed_dimension_with_tag_has_size_one(write_nifti: WriteNifti) -> None:
    fids = read_fids(write_nifti(np.ones((1, 1, 1, 8, 4), np.complex64), HEADER | {"dim_5": "DIM_COIL", "dim_6": "DIM_DYN"}))
    assert fids.sizes == {"coil": 4, "transient": 1, "time": 8}


@pytest.mark.parametrize(
    "header",
    [
        {"SpectrometerFrequency": 127.7, "ResonantNucleus": "1H"},
        {"SpectrometerFrequency": [127.7, 127.7], "ResonantNucleus": ["1H", "1H"]},
        {"SpectrometerFrequency": 127, "ResonantNucleus": ["1h"], "EchoTime": 0},
    ],
)
def test_values_alone_or_in_lists(header: dict[str, object], write_nifti: WriteNifti) -> None:
    acquisition = read_fids(write_nifti(np.ones((1, 1, 1, 8), np.complex64), header)).acquisition
    assert acquisition.nucleus == "1H"
    assert acquisition.spectrometer_frequency_mhz == pytest.approx(127.7, abs=1)
    assert acquisition.echo_time_s is None
    assert acquisition.repetition_time_s is None


@pytest.mark.parametrize(("dwell", "unit"), [(5e-4, "sec"), (0.5, "msec"), (500.0, "usec"), (5e-4, "unknown")])
@pytest.mark.parametrize("version", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_dwell_time_in_any_unit(dwell: float, unit: str, version: type, write_nifti: WriteNifti) -> None:
    path = write_nifti(np.ones((1, 1, 1, 8), np.complex64), dwell=dwell, unit=unit, version=version)
    assert read_fids(path).acquisition.spectral_width_hz == 2000.0


def test_sidecar_fills_in_and_header_wins(write_nifti: WriteNifti) -> None:
    path = write_nifti(np.ones((1, 1, 1, 8), np.complex64), {"ResonantNucleus": ["1H"], "EchoTime": 0.03})
    acquisition = read_fids(path, sidecar={"SpectrometerFrequency": [123.2], "EchoTime": 0.1, "RepetitionTime": 3}).acquisition
    assert (acquisition.spectrometer_frequency_mhz, acquisition.echo_time_s, acquisition.repetition_time_s) == (123.2, 0.03, 3.0)


def test_other_reference_frequency_is_moved_to_the_carrier(
    brain_fid: np.ndarray, acquisition: Acquisition, write_nifti: WriteNifti
) -> None:
    """A file whose 0 Hz means 3.0 ppm shows NAA at 2.01 ppm all the same."""
    shifted = brain_fid * np.exp(2j * np.pi * (3.0 - 4.65) * 127.7 * acquisition.time_s)
    fids = read_fids(write_nifti(shifted[None, None, None], HEADER | {"SpecFreqChemShift": 3.0}))
    assert ppm_of_peak(fids, between=(1.5, 2.5)) == pytest.approx(2.01, abs=0.03)


CASES: dict[str, tuple[tuple[int, ...], dict[str, object], dict[str, object], str]] = {
    "MRSI": ((2, 3, 1, 8), {}, {}, "6 voxels .*only single-voxel"),
    "no tag": ((1, 1, 1, 8, 2), {}, {}, "dimension 5 has size 2 but no tag"),
    "wrong tag": ((1, 1, 1, 8, 2), {"dim_5": "DIM_SPAM"}, {}, "'DIM_SPAM', which is no NIfTI-MRS tag"),
    "tag is a list": ((1, 1, 1, 8, 2), {"dim_5": ["DIM_DYN"]}, {}, "no NIfTI-MRS tag"),
    "tag twice": ((1, 1, 1, 8, 2, 2), {"dim_5": "DIM_DYN", "dim_6": "DIM_DYN"}, {}, "tag twice"),
    "echo time in ms": ((1, 1, 1, 8), {"EchoTime": 30}, {}, "EchoTime is 30 .*milliseconds"),
    "repetition time in ms": ((1, 1, 1, 8), {"RepetitionTime": 2000.0}, {}, "RepetitionTime is 2000 .*milliseconds"),
    "dwell time in ms": ((1, 1, 1, 8), {}, {"dwell": 0.5}, "dwell time is 0.5 s"),
    "no dwell time": ((1, 1, 1, 8), {}, {"dwell": 0.0}, "dwell time is 0 s"),
    "ppm axis": ((1, 1, 1, 8), {}, {"unit": "ppm"}, "fourth dimension is in 'ppm'"),
    "width contradicts": ((1, 1, 1, 8), {"SpectralWidth": 4000.0}, {}, "SpectralWidth is 4000 Hz but the dwell time means 2000 Hz"),
    "frequency is text": ((1, 1, 1, 8), {"SpectrometerFrequency": ["127"]}, {}, "SpectrometerFrequency is '127' where a number"),
    "frequency negative": ((1, 1, 1, 8), {"SpectrometerFrequency": [-1.0]}, {}, "spectrometer_frequency_mhz is -1"),
    "no nucleus": ((1, 1, 1, 8), {"ResonantNucleus": []}, {}, "does not state ResonantNucleus"),
    "three dimensions": ((1, 1, 8), {}, {}, "NIfTI-MRS needs three spatial dimensions"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_used_is_a_sentence(case: str, write_nifti: WriteNifti) -> None:
    shape, header, options, message = CASES[case]
    path = write_nifti(np.ones(shape, np.complex64), HEADER | header, **options)
    with pytest.raises(InputError, match=re.escape(str(path)) + ".*" + message):
        read_fids(path)


def test_real_and_not_finite_data_are_refused(write_nifti: WriteNifti) -> None:
    with pytest.raises(InputError, match="complex data are expected"):
        read_fids(write_nifti(np.ones((1, 1, 1, 8), np.float32)))
    with pytest.raises(InputError, match="not finite"):
        read_fids(write_nifti(np.full((1, 1, 1, 8), np.nan + 0j, np.complex64)))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.1, 0.5, 0.99])
def test_truncated_file(fraction: float, suffix: str, make_fids: MakeFids, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_fids(make_fids(transient=4), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(InputError, match=re.escape(str(path))):
        read_fids(path)


@pytest.mark.parametrize("position", [0.2, 0.5, 0.9, 0.9999])
def test_damaged_byte_in_a_compressed_file(position: float, make_fids: MakeFids, tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write_fids(make_fids(transient=4), path)
    content = bytearray(path.read_bytes())
    content[int(len(content) * position)] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(str(path))):
        read_fids(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 899), value=st.integers(0, 255))
def test_any_byte_of_the_header_may_be_wrong(position: int, value: int, make_fids: MakeFids, tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    write_fids(make_fids(transient=2), path)
    content = bytearray(path.read_bytes())
    content[position] = value
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert isinstance(read_fids(path), Fids)


def test_huge_claim_is_refused_before_memory_is_taken(write_nifti: WriteNifti) -> None:
    path = write_nifti(np.ones((1, 1, 1, 8, 2), np.complex64), HEADER | {"dim_5": "DIM_DYN"})
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[16 + 8 * 5 : 16 + 8 * 6] = (2**40).to_bytes(8, "little")  # dim[5] of a NIfTI-2 header
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(InputError, match="smaller than its header claims"):
        read_fids(path)


@pytest.mark.parametrize("text", ["not json", "[1]", "{" * 10_000, ""])
def test_header_extension_that_is_no_object(text: str, tmp_path: Path) -> None:
    image = nibabel.Nifti2Image(np.ones((1, 1, 1, 8), np.complex64), affine=np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(44, text.encode()))
    nibabel.save(image, tmp_path / "a.nii.gz")
    with pytest.raises(InputError, match=r"a\.nii\.gz"):
        read_fids(tmp_path / "a.nii.gz")


def test_files_of_other_kinds(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones((2, 2, 2), np.float32), affine=np.eye(4)), tmp_path / "image.nii.gz")
    (tmp_path / "text.nii.gz").write_text("no NIfTI")
    for name, message in {
        "image.nii.gz": "code 44",
        "text.nii.gz": "could not be read",
        "none.nii.gz": "does not exist",
        "a.dat": "ending in",
    }.items():
        with pytest.raises(InputError, match=message):
            read_fids(tmp_path / name)


def test_nothing_personal_is_copied(write_nifti: WriteNifti, tmp_path: Path) -> None:
    personal = {"PatientName": "Jane", "PatientID": "Jane", "PatientDoB": "Jane", "PatientSex": "Jane", "PatientWeight": 1.0}
    personal |= {"DeviceSerialNumber": "Jane", "OriginalFile": ["Jane"], "InstitutionAddress": "Jane", "ConversionTime": "Jane"}
    own = {"PatientNotes": {"Value": "Jane", "Description": "Jane"}}
    kept = {"Manufacturer": "SIEMENS", "PatientPosition": "HFS", "TxOffset": -2.0}
    source = write_nifti(np.ones((1, 1, 1, 8), np.complex64), HEADER | personal | own | kept)
    header = read_header(source)
    write_fids(read_fids(source), tmp_path / "out.nii", source_header=header.extension, affine=header.affine)
    assert b"Jane" not in (tmp_path / "out.nii").read_bytes()
    assert {key: read_header(tmp_path / "out.nii").extension[key] for key in kept} == kept


def test_history_of_other_programs_is_kept_and_ours_added(write_nifti: WriteNifti, tmp_path: Path) -> None:
    earlier = {"Time": "2020-01-01T00:00:00", "Program": "other", "Version": "3", "Method": "RF coil combination", "Details": "x"}
    source = write_nifti(np.ones((1, 1, 1, 8), np.complex64), HEADER | {"ProcessingApplied": [earlier]})
    fids = read_fids(source)
    fids = fids.with_data(fids.data, step=ProcessingStep(method="Phasing", details="y"))
    write_fids(fids, tmp_path / "out.nii.gz", source_header=read_header(source).extension)
    first, second = read_header(tmp_path / "out.nii.gz").extension["ProcessingApplied"]
    assert first == earlier
    assert (second["Program"], second["Method"], second["Details"]) == ("mrs_pipeline", "Phasing", "y")
    assert "Time" not in second
    assert read_fids(tmp_path / "out.nii.gz").history == fids.history


def test_dimension_without_a_tag_cannot_be_written(make_fids: MakeFids, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'banana' cannot be stored"):
        write_fids(make_fids(banana=2), tmp_path / "a.nii.gz")
    assert list(tmp_path.iterdir()) == []


def test_missing_times_are_not_invented(make_fids: MakeFids, tmp_path: Path) -> None:
    fids = make_fids(transient=2)
    unknown = replace(fids, acquisition=replace(fids.acquisition, echo_time_s=None, repetition_time_s=None))
    write_fids(unknown, tmp_path / "a.nii.gz")
    assert "EchoTime" not in read_header(tmp_path / "a.nii.gz").extension
    assert read_fids(tmp_path / "a.nii.gz").acquisition == unknown.acquisition


@pytest.mark.external_data
def test_real_data_keep_their_peaks_through_read_write_read(external_data: Path, tmp_path: Path) -> None:
    """NAA and water where the index of the data, made with another program, has them; nothing changes on the way."""
    index = json.loads((external_data / "real" / "index.json").read_text())
    for name in ("siemens7t_steam_raw", "philips3t_press30mm_sub01", "siemens3t_svs_se30_skyra", "philips3t_press30_dbiex"):
        source = external_data / "real" / f"{name}.nii.gz"
        header = read_header(source)
        fids = read_fids(source)
        write_fids(fids, tmp_path / "a.nii.gz", source_header=header.extension, affine=header.affine)
        again = read_fids(tmp_path / "a.nii.gz")
        np.testing.assert_array_equal(again.data, fids.data)
        assert (again.dims, again.acquisition) == (fids.dims, fids.acquisition)
        for one in (fids, again):
            assert ppm_of_peak(one, between=(1.8, 2.2)) == pytest.approx(index[name]["naa_ppm"], abs=0.03)
            assert ppm_of_peak(one, between=(1.8, 2.2)) == pytest.approx(2.01, abs=0.06)
            assert ppm_of_peak(one, between=(4.3, 5.0)) == pytest.approx(4.65, abs=0.1)

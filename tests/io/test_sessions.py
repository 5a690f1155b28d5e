"""Files of one visit become one session: order, joining, times and refusals."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrs_pipeline.errors import InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.bids import find_sessions
from mrs_pipeline.io.nifti_mrs import write_fids
from mrs_pipeline.io.sessions import files_as_session, read_session, session_from_files, with_standard_dims

MakeFids = Callable[..., Fids]


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    def store(fids: Fids, name: str = "a.nii.gz", **acquisition: Any) -> Path:
        write_fids(replace(fids, acquisition=replace(fids.acquisition, **acquisition)), tmp_path / name)
        return tmp_path / name

    return store


def test_dimensions_are_brought_into_one_order(make_fids: MakeFids) -> None:
    fids = make_fids(transient=2, user_0=1, coil=3)
    standard = with_standard_dims(fids, path="x")
    assert standard.dims == ("coil", "transient", "time")
    np.testing.assert_array_equal(standard.data, np.swapaxes(fids.data[:, 0], 0, 1))


@pytest.mark.parametrize("sizes", [{}, {"coil": 2}, {"transient": 1}])
def test_averaged_or_combined_data_are_normal(sizes: Mapping[str, int], make_fids: MakeFids, stored: Callable[..., Path]) -> None:
    session = session_from_files([stored(make_fids(**sizes))])
    assert session.fids.sizes == {**({"coil": 2} if "coil" in sizes else {}), "transient": 1, "time": 512}
    assert session.reference is None
    assert session.transients.to_dict("list") == {"transient": [0], "run": [0], "time_s": [0.0]}


def test_references_of_their_own_runs_are_said(make_fids: MakeFids, dataset: Callable[..., Path]) -> None:
    """Each run has a reference: that of the first serves all, and the record says so."""
    stem = "sub-01/mrs/sub-01"
    files = {f"{stem}_run-{run}_{suffix}.nii.gz": None for run in (1, 2) for suffix in ("svs", "mrsref")}
    times = {f"{stem}_run-{run}_svs.json": {"AcquisitionTime": f"09:3{run}:00"} for run in (1, 2)}
    session = read_session(find_sessions(dataset(files | times))[0])
    assert "water reference of the first run" in session.records[0].details
    assert session.reference is not None


def test_larger_dimension_of_another_kind_is_refused(make_fids: MakeFids) -> None:
    with pytest.raises(InputError, match="dimension 'edit' of size 2"):
        with_standard_dims(make_fids(edit=2), path="x")


def test_runs_are_joined_with_their_times(make_fids: MakeFids, dataset: Callable[..., Path]) -> None:
    stem = "sub-01/mrs/sub-01"
    other = make_fids(transient=3)
    readjusted = replace(other, acquisition=replace(other.acquisition, spectrometer_frequency_mhz=127.7 + 15e-6))
    root = dataset(
        {
            f"{stem}_run-1_svs.nii.gz": None,
            f"{stem}_run-2_svs.nii.gz": readjusted,
            f"{stem}_run-1_svs.json": {"AcquisitionTime": "09:30:00"},
            f"{stem}_run-2_svs.json": {"AcquisitionTime": "09:31:00"},
            f"{stem}_mrsref.nii.gz": None,
        }
    )
    session = read_session(find_sessions(root)[0])
    assert session.fids.sizes["transient"] == 7
    np.testing.assert_array_equal(session.fids.data[4:], readjusted.data)
    assert session.fids.acquisition.spectrometer_frequency_mhz == 127.7
    assert session.transients["time_s"].tolist() == [0, 2, 4, 6, 60, 62, 64]
    assert session.transients["run"].tolist() == [0] * 4 + [1] * 3
    assert session.reference is not None
    assert session.reference.sizes["transient"] == 4
    assert "15 Hz" in session.records[0].details
    assert session.fids.history[-1].details == session.records[0].details


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spectral_width_hz": 4000.0}, "spectral width"),
        ({"echo_time_s": 0.08}, "echo time"),
        ({"repetition_time_s": 3.0}, "repetition time"),
        ({"spectrometer_frequency_mhz": 123.2}, "one scanner"),
    ],
)
def test_runs_of_another_acquisition_are_refused(
    change: dict[str, float], message: str, make_fids: MakeFids, stored: Callable[..., Path]
) -> None:
    paths = [stored(make_fids(transient=2), "a.nii.gz"), stored(make_fids(transient=2), "b.nii.gz", **change)]
    with pytest.raises(InputError, match=message):
        session_from_files(paths)


def test_other_coils_are_refused(make_fids: MakeFids, stored: Callable[..., Path]) -> None:
    data = [stored(make_fids(coil=n, transient=2), f"{n}.nii.gz") for n in (2, 3)]
    with pytest.raises(InputError, match="number of coils"):
        session_from_files(data)
    with pytest.raises(InputError, match=r"3 coils and 2\.nii\.gz has 2"):
        session_from_files(data[:1], reference_paths=data[1:])


@pytest.mark.parametrize("key", ["EchoTime", "RepetitionTime", "SpectrometerFrequency"])
def test_sidecar_that_contradicts_the_header(key: str, make_fids: MakeFids, stored: Callable[..., Path]) -> None:
    path = stored(make_fids(transient=2))
    path.with_name("a.json").write_text(f'{{"{key}": 30}}')
    with pytest.raises(InputError, match=f"{key} is .* in the header and 30 in the JSON sidecar"):
        session_from_files([path])


def test_mirrored_data_are_refused(make_fids: MakeFids, stored: Callable[..., Path]) -> None:
    fids = make_fids(coil=2, transient=4)
    with pytest.raises(InputError, match="looks mirrored"):
        session_from_files([stored(fids.with_data(np.conj(fids.data)))])


def test_files_must_be_named() -> None:
    with pytest.raises(InputError, match="no data files"):
        files_as_session([])
    with pytest.raises(InputError, match="1 events files were named for 2 runs"):
        files_as_session(["a", "b"], events_paths=["c"])


@pytest.mark.external_data
def test_real_session(external_data: Path) -> None:
    """Four coils, sixteen transients 5 s apart, water from the same coils."""
    folder = external_data / "real"
    session = session_from_files([folder / "siemens7t_steam_raw.nii.gz"], reference_paths=[folder / "siemens7t_steam_raw_wref.nii.gz"])
    assert session.fids.sizes == {"coil": 4, "transient": 16, "time": 4096}
    assert session.reference is not None
    assert session.reference.sizes == {"coil": 4, "transient": 2, "time": 4096}
    np.testing.assert_allclose(session.transients["time_s"], np.arange(16) * 5.0)

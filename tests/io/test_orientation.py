"""Mirrored spectra are noticed, upright ones and water never."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import InputError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.io.orientation import check_orientation


def mirrored(fids: Fids) -> Fids:
    return replace(fids, data=np.conj(fids.data))


def test_mirrored_transients_of_several_coils(make_fids: Callable[..., Fids]) -> None:
    fids = make_fids(coil=3, transient=4)
    phases = np.exp(2j * np.pi * np.random.default_rng(1).random((3, 4, 1)))
    fids = fids.with_data(fids.data * phases)
    check_orientation(fids)
    with pytest.raises(InputError, match=r"scan: the spectrum looks mirrored"):
        check_orientation(mirrored(fids), name="scan")


def test_no_verdict_on_noise_silence_and_water(make_fids: Callable[..., Fids]) -> None:
    fids = make_fids(transient=8)
    time_s = fids.acquisition.time_s
    noise = np.random.default_rng(2).standard_normal((8, time_s.size, 2)) @ np.array([1, 1j])
    water = np.tile(np.exp(-np.pi * 6 * time_s) + 1e-4 * np.exp((-2j * np.pi * 200 - 6) * time_s), (8, 1))
    for data in (noise, np.zeros_like(noise), water, np.conj(water)):
        check_orientation(fids.with_data(data))


@pytest.mark.external_data
def test_all_real_and_challenge_data(external_data: Path) -> None:
    for folder in ("real", "fitting_challenge"):
        for path in sorted((external_data / folder).glob("*.nii.gz")):
            fids = read_fids(path)
            check_orientation(fids, name=path)
            if path.name.endswith("ref.nii.gz"):
                check_orientation(mirrored(fids), name=path)
            else:
                with pytest.raises(InputError, match="looks mirrored"):
                    check_orientation(mirrored(fids), name=path)


def test_fids_of_one_point_are_refused() -> None:
    acquisition = Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1, echo_time_s=0.03, repetition_time_s=None
    )
    with pytest.raises(InputError, match="here: an FID has 1 point, which is no spectrum"):
        check_orientation(Fids(data=np.ones(1, dtype=complex), dims=("time",), acquisition=acquisition), name="here")

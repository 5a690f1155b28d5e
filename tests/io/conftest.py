"""Small files of known content for the tests of reading and writing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.nifti_mrs import write_fids

SF_MHZ = 127.7

HEADER = {"SpectrometerFrequency": [SF_MHZ], "ResonantNucleus": ["1H"], "EchoTime": 0.03, "RepetitionTime": 2.0}


@pytest.fixture
def acquisition() -> Acquisition:
    return Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=SF_MHZ, spectral_width_hz=2000.0, n_points=512, echo_time_s=0.03, repetition_time_s=2.0
    )


@pytest.fixture
def line(acquisition: Acquisition) -> Callable[..., np.ndarray]:
    """FIDs of Lorentzian singlets that start at 1."""

    def make(ppm: float, width_hz: float = 2.0) -> np.ndarray:
        hz = hz_from_ppm(ppm, spectrometer_frequency_mhz=SF_MHZ)
        return np.exp((2j * np.pi * hz - np.pi * width_hz) * acquisition.time_s)

    return make


@pytest.fixture
def basis(acquisition: Acquisition, line: Callable[..., np.ndarray]) -> BasisSet:
    """Three singlets where other programs would not change anything."""
    return BasisSet(
        metabolites=("NAA", "Cr", "Lac"),
        fids=np.array([3.0 * line(2.008), 2.0 * line(3.027), line(1.3)]),
        acquisition=acquisition,
        sequence="press 'x'",
        linewidth_hz=2.0,
    )


@pytest.fixture
def facts() -> Callable[[BasisSet], dict[str, Any]]:
    """All that a basis set says besides its FIDs."""
    return lambda basis: {field.name: getattr(basis, field.name) for field in fields(basis) if field.name != "fids"}


@pytest.fixture
def peak_ppm() -> Callable[[BasisSet, str], float]:
    """Position of the highest peak of a metabolite, from a transform zero-filled sixteenfold."""

    def find(basis: BasisSet, name: str) -> float:
        fid = basis.fids[basis.metabolites.index(name)]
        spectrum = np.abs(np.fft.fft(fid, 16 * fid.size))
        hz = np.fft.fftfreq(16 * fid.size, basis.acquisition.dwell_time_s)[np.argmax(spectrum)]
        return float(4.65 - hz / basis.acquisition.spectrometer_frequency_mhz)

    return find


@pytest.fixture
def brain_fid(acquisition: Acquisition) -> np.ndarray:
    """Residual water and the three strongest singlets of brain, closed form."""
    peaks = {4.65: 20.0, 3.21: 2.0, 3.03: 2.5, 2.01: 4.0}
    hz = {ppm: hz_from_ppm(ppm, spectrometer_frequency_mhz=SF_MHZ) for ppm in peaks}
    lines = [area * np.exp((2j * np.pi * hz[ppm] - np.pi * 5) * acquisition.time_s) for ppm, area in peaks.items()]
    return np.sum(lines, axis=0)


@pytest.fixture
def make_fids(acquisition: Acquisition, brain_fid: np.ndarray) -> Callable[..., Fids]:
    """Fids of given dimensions: the brain FID with noise, different in every trace."""

    def make(**sizes: int) -> Fids:
        rng = np.random.default_rng(5)
        shape = (*sizes.values(), acquisition.n_points)
        noise = rng.standard_normal((*shape, 2)) @ np.array([1, 1j])
        return Fids(data=(brain_fid + 0.1 * noise).astype(np.complex64), dims=(*sizes, "time"), acquisition=acquisition)

    return make


@pytest.fixture
def write_nifti(tmp_path: Path) -> Callable[..., Path]:
    """Write any NIfTI file, valid NIfTI-MRS or not, with nibabel alone."""

    def write(
        data: np.ndarray,
        header: Mapping[str, Any] = HEADER,
        *,
        name: str = "data.nii.gz",
        dwell: float = 5e-4,
        unit: str = "sec",
        version: type = nibabel.Nifti2Image,
    ) -> Path:
        image = version(data, affine=np.eye(4))
        image.header["pixdim"][4] = dwell
        image.header.set_xyzt_units(xyz="mm", t=unit)
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(44, json.dumps(header).encode()))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(image, path)
        return path

    return write


@pytest.fixture
def dataset(tmp_path: Path, make_fids: Callable[..., Fids]) -> Callable[..., Path]:
    """Build a BIDS tree from a mapping of file name to content: Fids for None, JSON for mappings, text otherwise."""

    def build(content: Mapping[str, Any]) -> Path:
        root = tmp_path / "bids"
        for name, value in content.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if value is None:
                write_fids(make_fids(transient=4), path)
            elif isinstance(value, Fids):
                write_fids(value, path)
            else:
                path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return root

    return build

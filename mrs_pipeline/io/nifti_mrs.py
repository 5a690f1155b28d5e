"""NIfTI-MRS files to `Fids` and back.

The sign convention inside this package is the one NIfTI-MRS has on disk, so stored values are used as they are: files are
read with nibabel and never through ``nifti_mrs.NIFTI_MRS.__getitem__``, which conjugates. The ``nifti_mrs`` package supplies
the standard's definitions and validates every header that is written.
"""

import contextlib
import gzip
import json
import logging
import math
import os
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.nifti1 import Nifti1Extension, Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Image
from nibabel.spatialimages import HeaderDataError
from nifti_mrs.definitions import dimension_tags, nifti_mrs_version
from nifti_mrs.validator import headerExtensionError, validate_hdr_ext, validate_nifti_header

import mrs_pipeline
from mrs_pipeline.acquisition import CARRIER_PPM, ComplexArray, FloatArray
from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.fids import Fids, ProcessingStep
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.nifti_header import DIMENSION_NAMES, EXTENSION_CODE, OWN_KEYS, WINDOW_INFO, MrsHeader, parse_header, public_extension

#: Compressed data cannot expand more than this (the limit of deflate, about 1032): a larger claim is a broken header.
MAX_EXPANSION = 1100

#: nibabel reports header problems here as well as by exceptions.
_NIBABEL_REMARKS = logging.getLogger("nibabel.global")

_BROKEN = (OSError, EOFError, zlib.error, ValueError, KeyError, OverflowError, ImageFileError, HeaderDataError)


def read_header(path: str | os.PathLike[str], *, sidecar: Mapping[str, Any] | None = None) -> MrsHeader:
    """Header of a NIfTI-MRS file without its data. Raises `InputError` as `read_fids` does."""
    return _open(Path(path), sidecar=sidecar)[1]


def read_fids(path: str | os.PathLike[str], *, sidecar: Mapping[str, Any] | None = None, allow_missing: bool = False) -> Fids:
    """Read a single-voxel NIfTI-MRS file; dimensions in the order of the file, time last, tagged ones of size 1 included.

    ``sidecar`` supplies what the header does not state (EchoTime, ...). A file whose 0 Hz is not at 4.65 ppm
    (SpecFreqChemShift) is shifted there. With ``allow_missing`` FIDs that are not finite are left to the caller. Raises
    `InputError` naming the file for anything broken, truncated, not complex, not finite,
    with more than one voxel or with dimensions that have no tag.
    """
    source = Path(path)
    image, header = _open(source, sidecar=sidecar)
    stored = _stored_values(source, image).reshape(header.shape, order="F")
    data = np.ascontiguousarray(np.moveaxis(stored, 0, -1))
    if not allow_missing and not _is_usable(data, dims=header.dims):
        raise InputError(f"{path} holds values that are not finite numbers: export or convert the file again")
    data = data * _carrier_correction(header) if "SpecFreqChemShift" in header.extension else data
    return Fids(data=data, dims=(*header.dims[1:], "time"), acquisition=header.acquisition, history=header.history)


def _is_usable(data: ComplexArray, *, dims: tuple[str, ...]) -> bool:
    """Whether all values are finite; only a window without any transient may be missing as a whole."""
    finite = np.isfinite(data)
    return bool(np.all(finite.all(axis=-1) | ~finite.any(axis=-1)) if "window" in dims else np.all(finite))


def _carrier_correction(header: MrsHeader) -> ComplexArray:
    """Factor that moves 0 Hz from SpecFreqChemShift to the carrier of this package."""
    stated = header.extension["SpecFreqChemShift"]
    offset_hz = (CARRIER_PPM - float(stated)) * header.acquisition.spectrometer_frequency_mhz
    return np.asarray(np.exp(2j * np.pi * offset_hz * header.acquisition.time_s), dtype=np.complex64)


@contextlib.contextmanager
def _broken_file(path: Path) -> Iterator[None]:
    """Any failure to decode becomes one sentence about the file; nibabel's own remarks are part of that."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _NIBABEL_REMARKS.disabled = True
            yield
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check its name") from error
    except _BROKEN as error:
        raise InputError(
            f"{path} could not be read as NIfTI-MRS ({error}): it may be truncated or damaged, so copy or convert it again"
        ) from error
    finally:
        _NIBABEL_REMARKS.disabled = False


def _open(path: Path, *, sidecar: Mapping[str, Any] | None) -> tuple[Nifti1Image, MrsHeader]:
    if path.is_dir() or not path.name.endswith((".nii", ".nii.gz")):
        raise InputError(f"{path} is not a NIfTI file: a name ending in .nii or .nii.gz is expected")
    with _broken_file(path):
        image = nibabel.load(path)
        if not isinstance(image, Nifti1Image):
            raise InputError(f"{path} is not a NIfTI file: convert it, for instance with spec2nii")
        return image, parse_header(image.header, affine=image.affine, sidecar=sidecar, path=path)


def _stored_values(path: Path, image: Nifti1Image) -> ComplexArray:
    """The values as a flat array in file order; the whole file is decompressed, so that its checksum is verified."""
    dtype = image.header.get_data_dtype()
    n_bytes = math.prod(int(size) for size in image.shape) * dtype.itemsize
    offset = int(image.dataobj.offset)
    with _broken_file(path):
        compressed = path.name.endswith(".gz")
        if offset + n_bytes > path.stat().st_size * (MAX_EXPANSION if compressed else 1):
            raise InputError(
                f"{path} is smaller than its header claims ({n_bytes} bytes of data): it is truncated, so copy or convert it again"
            )
        with gzip.open(path) if compressed else path.open("rb") as stream:
            content = stream.read(offset + n_bytes)
            while stream.read(1 << 20):
                pass
    if len(content) < offset + n_bytes:
        raise InputError(f"{path} ends after {len(content)} of {offset + n_bytes} bytes: it is truncated, so copy or convert it again")
    values = np.frombuffer(content, dtype=dtype, offset=offset, count=n_bytes // dtype.itemsize)
    with np.errstate(all="ignore"):  # what overflows is not finite, which is refused later
        if (image.dataobj.slope, image.dataobj.inter) != (1.0, 0.0):
            values = values * image.dataobj.slope + image.dataobj.inter
        return values.astype(np.complex64 if dtype.itemsize == 8 else np.complex128, copy=False)


def write_fids(
    fids: Fids, path: str | os.PathLike[str], *, source_header: Mapping[str, Any] | None = None, affine: FloatArray | None = None
) -> None:
    """Write `Fids` as a NIfTI-MRS file (NIfTI-2), whole or not at all; the same input gives the same bytes.

    ``source_header`` is the header extension of the file the data come from (`MrsHeader.extension`): what is not personal
    is carried over; ``affine`` its voxel position. The history becomes ``ProcessingApplied`` without times. Raises
    `DataError` for dimensions NIfTI-MRS has no tag for.
    """
    extension = _new_extension(fids, source=public_extension(source_header or {}))
    data = np.moveaxis(fids.data, -1, 0)[np.newaxis, np.newaxis, np.newaxis]
    image = Nifti2Image(data, affine=np.eye(4) if affine is None else affine)
    image.header["pixdim"][4] = fids.acquisition.dwell_time_s
    image.header["intent_name"] = "mrs_v{}_{}".format(*nifti_mrs_version).encode()
    image.header.set_xyzt_units(xyz="mm", t="sec")
    image.header.extensions.append(Nifti1Extension(EXTENSION_CODE, json.dumps(extension).encode("utf-8")))
    _validate(image.header, extension=extension, shape=data.shape)
    with atomic_path(path) as temporary:
        nibabel.save(image, temporary)


def _new_extension(fids: Fids, *, source: Mapping[str, Any]) -> dict[str, Any]:
    acquisition = fids.acquisition
    extension: dict[str, Any] = {
        "SpectrometerFrequency": [float(acquisition.spectrometer_frequency_mhz)],
        "ResonantNucleus": [acquisition.nucleus],
        "SpectralWidth": float(acquisition.spectral_width_hz),
    }
    for key, value in (("EchoTime", acquisition.echo_time_s), ("RepetitionTime", acquisition.repetition_time_s)):
        if value is not None:
            extension[key] = float(value)
    for number, name in enumerate(fids.dims[:-1], start=5):
        extension.update(_tag(name, number=number))
    kept = {key: value for key, value in source.items() if key not in OWN_KEYS | {"SpecFreqChemShift"} and not key.startswith("dim_")}
    history = _processing_applied(fids.history, earlier=source.get("ProcessingApplied"))
    return {**extension, **kept, **({"ProcessingApplied": history} if history else {})}


def _tag(name: str, *, number: int) -> dict[str, str]:
    """Header entries of a dimension."""
    if name == "window":
        return {f"dim_{number}": "DIM_DYN", f"dim_{number}_info": WINDOW_INFO}
    tag = {short: tag for tag, short in DIMENSION_NAMES.items()}.get(name, f"DIM_{name.upper()}")
    if number > 7 or tag not in dimension_tags:
        raise DataError(f"dimension '{name}' cannot be stored: NIfTI-MRS has three dimensions tagged {', '.join(sorted(dimension_tags))}")
    return {f"dim_{number}": tag}


def _processing_applied(history: Sequence[ProcessingStep], *, earlier: object) -> list[dict[str, Any]]:
    """Entries of other programs that the history starts with stay as they were; later ones are of this program."""
    entries = [dict(entry) for entry in earlier if isinstance(entry, dict)] if isinstance(earlier, list) else []
    known = [entry.get("Method", "") for entry in entries]
    if known != [step.method for step in history[: len(entries)]]:
        entries = []
    own = [
        {"Program": "mrs_pipeline", "Version": mrs_pipeline.__version__, "Method": step.method, "Details": step.details}
        for step in history[len(entries) :]
    ]
    return entries + own


def _validate(header: Nifti1Header, *, extension: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    """Have the standard's own validator check what is about to be written."""
    try:
        validate_nifti_header(header)
        validate_hdr_ext(json.dumps(extension), shape)
    except headerExtensionError as error:
        raise DataError(f"the header to be written is not valid NIfTI-MRS ({error}): correct the header of the input file") from error

"""The header of a NIfTI-MRS file: what it must state, what may be missing and what is personal and never copied."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nifti_mrs.definitions import dimension_tags, standard_defined

from mrs_pipeline.acquisition import Acquisition, FloatArray
from mrs_pipeline.errors import DataError, InputError
from mrs_pipeline.fids import ProcessingStep

#: NIfTI header-extension code of NIfTI-MRS.
EXTENSION_CODE = 44

#: NIfTI-MRS dimension tag -> name of the dimension in `Fids`; other tags become lower case without ``DIM_``.
DIMENSION_NAMES = {"DIM_COIL": "coil", "DIM_DYN": "transient"}

#: Text of ``dim_N_info`` by which a dimension of averages over windows is told from one of transients.
WINDOW_INFO = "window"

#: Standard keys that identify a person or a machine, beside those of any name with "Patient" in it.
PERSONAL_KEYS = frozenset({"DeviceSerialNumber", "OriginalFile", "InstitutionAddress", "ConversionTime"})

#: Header keys that the writer states itself from the data.
OWN_KEYS = frozenset({"SpectrometerFrequency", "ResonantNucleus", "EchoTime", "RepetitionTime", "SpectralWidth", "ProcessingApplied"})

#: Seconds per unit of the fourth dimension.
TIME_UNITS_S = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}


@dataclass(frozen=True, kw_only=True)
class MrsHeader:
    """What a file says of itself: sampling, dimensions (on-disk order, time first), position, and its whole header extension."""

    acquisition: Acquisition
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    affine: FloatArray
    extension: Mapping[str, Any]
    history: tuple[ProcessingStep, ...] = field(default=())


def parse_header(header: Nifti1Header, *, affine: FloatArray, sidecar: Mapping[str, Any] | None, path: object) -> MrsHeader:
    """Check a NIfTI header and its extension; values that only ``sidecar`` has are taken from there.

    Raises `InputError` with the file and the field for anything that is not single-voxel NIfTI-MRS.
    """
    extension = _extension(header, path=path)
    shape = tuple(int(size) for size in header.get_data_shape())
    _check_shape(shape, header=header, path=path)
    merged = {**(sidecar or {}), **extension}
    dims, sizes = _dimensions(shape, extension=extension, path=path)
    return MrsHeader(
        acquisition=_acquisition(header, values=merged, n_points=shape[3], path=path),
        dims=dims,
        shape=sizes,
        affine=np.asarray(affine, dtype=np.float64),
        extension=_with_sequence_name(extension, sidecar=sidecar or {}),
        history=_history(extension),
    )


def _extension(header: Nifti1Header, *, path: object) -> dict[str, Any]:
    found = [entry for entry in header.extensions if entry.get_code() == EXTENSION_CODE]
    if not found:
        raise InputError(f"{path} is not NIfTI-MRS (it has no header extension with code 44): convert it, for instance with spec2nii")
    content = found[0].get_content()
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        values = json.loads(text.rstrip("\0 \n")) if isinstance(text, str) else text
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: the NIfTI-MRS header extension is not valid JSON ({error}); convert the file again") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: the NIfTI-MRS header extension should be a JSON object; convert the file again")
    return values


def _with_sequence_name(extension: dict[str, Any], *, sidecar: Mapping[str, Any]) -> dict[str, Any]:
    """The extension with the name of the sequence, which BIDS keeps in the sidecar as PulseSequenceType."""
    named = [name for name in (sidecar.get("SequenceName"), sidecar.get("PulseSequenceType")) if isinstance(name, str) and name]
    return {"SequenceName": named[0], **extension} if named else extension


def _check_shape(shape: tuple[int, ...], *, header: Nifti1Header, path: object) -> None:
    if len(shape) < 4 or min(shape) < 1:
        raise InputError(f"{path} has shape {shape}: NIfTI-MRS needs three spatial dimensions and time as the fourth")
    if max(shape[:3]) > 1:
        raise InputError(f"{path} holds {math.prod(shape[:3])} voxels (spectroscopic imaging): only single-voxel data can be used")
    if header.get_data_dtype().kind != "c":
        raise InputError(f"{path} holds {header.get_data_dtype()} values: complex data are expected, so convert the file again")


def _dimensions(shape: tuple[int, ...], *, extension: Mapping[str, Any], path: object) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names and sizes of the dimensions, time first; a tagged dimension that was squeezed away has size 1."""
    names, sizes = ["time"], [shape[3]]
    for number in (5, 6, 7):
        size = shape[number - 1] if len(shape) >= number else 1
        tag = extension.get(f"dim_{number}")
        if tag is None and size == 1:
            continue
        if tag is None:
            raise InputError(f"{path}: dimension {number} has size {size} but no tag: add 'dim_{number}' (such as DIM_DYN) to its header")
        names.append(_dimension_name(tag, info=extension.get(f"dim_{number}_info"), number=number, path=path))
        sizes.append(size)
    if len(set(names)) != len(names):
        raise InputError(f"{path} uses one dimension tag twice ({', '.join(names[1:])}): correct dim_5, dim_6 and dim_7 in its header")
    return tuple(names), tuple(sizes)


def _dimension_name(tag: object, *, info: object, number: int, path: object) -> str:
    if not isinstance(tag, str) or tag not in dimension_tags:
        raise InputError(f"{path}: dim_{number} is {tag!r}, which is no NIfTI-MRS tag; use one of {', '.join(sorted(dimension_tags))}")
    if tag == "DIM_DYN" and info == WINDOW_INFO:
        return "window"
    return DIMENSION_NAMES.get(tag, tag.removeprefix("DIM_").lower())


def _acquisition(header: Nifti1Header, *, values: Mapping[str, Any], n_points: int, path: object) -> Acquisition:
    frequency = first_number(values.get("SpectrometerFrequency"), key="SpectrometerFrequency", path=path)
    nucleus = values.get("ResonantNucleus")
    nucleus = nucleus[0] if isinstance(nucleus, list) and nucleus else nucleus
    if frequency is None or not isinstance(nucleus, str):
        missing = "SpectrometerFrequency" if frequency is None else "ResonantNucleus"
        raise InputError(f"{path} does not state {missing}: add it to the header extension or the JSON sidecar")
    try:
        return Acquisition(
            nucleus=nucleus.upper(),
            spectrometer_frequency_mhz=frequency,
            spectral_width_hz=_spectral_width_hz(header, stated=values.get("SpectralWidth"), path=path),
            n_points=n_points,
            echo_time_s=_seconds(values, "EchoTime", limit=2.0, path=path),
            repetition_time_s=_seconds(values, "RepetitionTime", limit=100.0, path=path),
        )
    except DataError as error:
        raise InputError(f"{path}: {error}") from error


def first_number(value: object, *, key: str, path: object) -> float | None:
    """The number a header gives, alone or as the first of a list; None where it is not given."""
    value = value[0] if isinstance(value, list) and value else value
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{path}: {key} is {value!r} where a number is expected: correct the header")
    return float(value)


def _spectral_width_hz(header: Nifti1Header, *, stated: object, path: object) -> float:
    """From the dwell time in ``pixdim[4]`` and its unit; a stated SpectralWidth must agree within 1 %."""
    unit = header.get_xyzt_units()[1]
    if unit not in TIME_UNITS_S:
        raise InputError(f"{path}: the fourth dimension is in '{unit}' where a time unit (s, ms or us) is expected: convert the file again")
    # NIfTI-1 stores 32-bit floats; their shortest decimal text (0.0005, not 0.00050000002) is the value that was meant.
    dwell_time_s = float(str(header["pixdim"][4])) * TIME_UNITS_S[unit]
    if not 1e-6 <= dwell_time_s <= 1e-2:
        raise InputError(f"{path}: the dwell time is {dwell_time_s:g} s where 1e-6 to 1e-2 s is plausible: check pixdim[4] and its unit")
    width = first_number(stated, key="SpectralWidth", path=path)
    if width is not None and abs(width * dwell_time_s - 1) > 0.01:
        raise InputError(f"{path}: SpectralWidth is {width:g} Hz but the dwell time means {1 / dwell_time_s:g} Hz: correct one of them")
    return float(f"{1.0 / dwell_time_s:.14g}")


def _seconds(values: Mapping[str, Any], key: str, *, limit: float, path: object) -> float | None:
    """A time in seconds; 0 and a value that is not given are None, one that can only be milliseconds is refused."""
    value = first_number(values.get(key), key=key, path=path)
    if not value:
        return None
    if not 0 < value <= limit:
        raise InputError(f"{path}: {key} is {value:g} where seconds up to {limit:g} are expected: it may be in milliseconds; correct it")
    return value


def _history(extension: Mapping[str, Any]) -> tuple[ProcessingStep, ...]:
    entries = extension.get("ProcessingApplied")
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return tuple(ProcessingStep(method=str(entry.get("Method", "")), details=str(entry.get("Details", ""))) for entry in entries)


def public_extension(extension: Mapping[str, Any]) -> dict[str, Any]:
    """A copy without personal fields: only keys the standard defines, none about the patient but the position, no dates."""
    return {
        key: value
        for key, value in extension.items()
        if (key in standard_defined or key in {"SpectrometerFrequency", "ResonantNucleus"} or re.fullmatch(r"dim_[567](_info)?", key))
        and key not in PERSONAL_KEYS
        and (not key.startswith("Patient") or key == "PatientPosition")
    }

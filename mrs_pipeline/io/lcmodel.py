"""LCModel's ``.BASIS`` sets: the discrete Fourier transform of each FID in a text file of Fortran namelists.

Zero frequency comes first (`numpy.fft.fft` order), with the same sign as this package: resonances right of water have positive
frequencies. LCModel scales a spectrum by TRAMP / (VOLUME CONC) and shifts it by ISHIFT points towards larger ppm; its own sets are
transforms of FIDs zero-filled to twice their length, sets of other programs are not (LCModel's manual, and comments in LCModel.f). What
programs do differently in the FIDs is undone by `basis.conventions`. The overall scale of a set is arbitrary.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.basis.conventions import decay_linewidth_hz, in_own_conventions
from mrs_pipeline.errors import InputError, MrsPipelineError
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.namelists import LARGEST, Namelist, complex_values, number_of, quoted, read_namelists
from mrs_pipeline.io.stated import NOTHING_STATED, Stated

#: IDBASI of the files written here, which marks their first point as halved, their FWHMBA as true and all else as settled.
OWN_ID = "mrs_pipeline"

#: Values read are rounded to this fraction of the largest (or up to twice it), so that a file read, written and read again is the same.
GRID = 2.0**-34

#: Digits after the point in files written here: their rounding errors are far below `GRID`.
N_DIGITS = 14

#: Fewer points are no spectrum, more are no number of points.
MIN_POINTS, MAX_POINTS = 16, 2**24

#: Keys that must not have two values in one file.
_SAMPLING = ("HZPPPM", "ECHOT", "BADELT", "NDATAB")


def read_basis(path: str | os.PathLike[str], *, stated: Stated = NOTHING_STATED) -> BasisSet:
    """Read a ``.BASIS`` file into this package's conventions; metabolites get their standard names.

    ``linewidth_hz`` is measured from the decay of the FIDs, since FWHMBA is often a default. Raises `InputError`
    naming the file for missing keys, values that are not numbers, truncated or differing lengths.
    """
    namelists = read_namelists(path)
    general = _general(namelists, path=path)
    entries = [entry for entry in namelists if entry.name == "BASIS"]
    if not entries:
        raise InputError(f"{path} holds no $BASIS entry: it is not an LCModel .BASIS file, or it is truncated")
    acquisition = _acquisition(general, stated=stated, path=path)
    fids = _zero_filling_removed(np.array([_fid(entry, n_points=acquisition.n_points, path=path) for entry in entries]))
    sampled = acquisition.with_n_points(fids.shape[1])
    try:
        basis = _basis(fids, names=[_name(entry) for entry in entries], acquisition=sampled, general=general, file=Path(path).name)
    except MrsPipelineError as error:
        raise InputError(f"{path}: {error}") from error
    if _is_own(general):
        width_hz = number_of(general, "FWHMBA", path=path) * acquisition.spectrometer_frequency_mhz
    else:
        width_hz = decay_linewidth_hz(basis.fids, acquisition=basis.acquisition)
    return replace(basis, linewidth_hz=float(f"{width_hz:.9g}"))


def _general(namelists: Sequence[Namelist], *, path: object) -> dict[str, str]:
    """Keys that concern the whole set; `InputError` where two files joined into one contradict each other."""
    general: dict[str, str] = {}
    for entry in namelists:
        if entry.name not in {"SEQPAR", "BASIS1"}:
            continue
        for key in _SAMPLING:
            first, other = general.get(key, ""), entry.values.get(key, "")
            if first and other and first != other:
                raise InputError(f"{path} states {key} as {first} and as {other}: split it into sets of one sampling each")
        general |= entry.values
    return general


def _acquisition(general: dict[str, str], *, stated: Stated, path: object) -> Acquisition:
    echo_time_ms = number_of(general, "ECHOT", path=path, default=0.0)
    dwell_time_s = abs(number_of(general, "BADELT", path=path))  # some of LCModel's own sets state a negative one
    n_points = number_of(general, "NDATAB", path=path)
    if not MIN_POINTS <= n_points <= MAX_POINTS:
        raise InputError(f"{path}: NDATAB is {n_points:g}, but a spectrum has at least {MIN_POINTS} points: correct the header")
    frequency_mhz = number_of(general, "HZPPPM", path=path)
    width_hz = float(f"{1.0 / dwell_time_s:.14g}") if dwell_time_s > 0 else 0.0
    try:
        return Acquisition(
            nucleus="1H",
            spectrometer_frequency_mhz=stated.value("spectrometer_frequency_mhz", frequency_mhz, path=path) or 0.0,
            spectral_width_hz=stated.value("spectral_width_hz", width_hz or None, path=path) or 0.0,
            n_points=int(n_points),
            echo_time_s=stated.value("echo_time_s", echo_time_ms / 1000 if echo_time_ms > 0 else None, path=path),
            repetition_time_s=None,
        )
    except MrsPipelineError as error:
        raise error if isinstance(error, InputError) else InputError(f"{path}: {error}") from error


def _name(entry: Namelist) -> str:
    return entry.values.get("METABO") or entry.values.get("ID", "")


def _fid(entry: Namelist, *, n_points: int, path: object) -> ComplexArray:
    name = _name(entry)
    spectrum = complex_values(entry.data, path=path, what=name)
    if spectrum.size != n_points:
        raise InputError(f"{path}: {name} has {spectrum.size} points where NDATAB says {n_points}: the file may be truncated")
    shift = int(number_of(entry.values, "ISHIFT", path=path, default=0.0))
    tramp, volume, concentration = (number_of(entry.values, key, path=path, default=1.0) for key in ("TRAMP", "VOLUME", "CONC"))
    if not 1 / LARGEST < min(tramp, volume, concentration) <= max(tramp, volume, concentration) < LARGEST:
        raise InputError(f"{path}: TRAMP, VOLUME and CONC of {name} must be positive numbers: correct the header")
    return np.asarray(np.fft.ifft(np.roll(spectrum, -shift))) * (tramp / (volume * concentration))


def _zero_filling_removed(fids: ComplexArray) -> ComplexArray:
    """The first half, if the second half of every FID is nothing but rounding and the first does not fade into it."""
    half = fids.shape[1] // 2
    first, second = np.abs(fids[:, :half]), np.abs(fids[:, half:])
    filled = fids.shape[1] % 2 == 0 and second.max() < 1e-4 * first.max() and second.max() < 0.1 * first[:, -max(1, half // 64) :].max()
    return fids[:, :half] if filled else fids


def _is_own(general: dict[str, str]) -> bool:
    return general.get("IDBASI", "").startswith(OWN_ID)


def _basis(fids: ComplexArray, *, names: Sequence[str], acquisition: Acquisition, general: dict[str, str], file: str) -> BasisSet:
    own = _is_own(general)
    if own:
        fids[:, 0] *= 2.0
    program = "" if own else general.get("IDBASI", "")
    basis = BasisSet(
        metabolites=tuple(standard_name(name) for name in names),
        fids=fids,
        acquisition=acquisition,
        sequence=general.get("SEQ", ""),
        origins=(f"{file} ({program})" if program else file,) * len(names),
    )
    settled = basis if own else in_own_conventions(basis)
    return replace(settled, fids=on_grid(settled.fids))


def on_grid(fids: ComplexArray) -> ComplexArray:
    """Values rounded to multiples of a power of two near `GRID` times the largest: the errors of a transform there and back vanish."""
    largest = np.abs(fids).max(initial=0.0)
    if not np.isfinite(largest) or largest == 0.0:
        return fids
    exponent = np.frexp(largest)[1]
    step = np.ldexp(GRID, exponent)
    rounded = np.round(fids / step) * step
    return rounded if np.frexp(np.abs(rounded).max())[1] == exponent else on_grid(rounded)


def write_basis(basis: BasisSet, path: str | os.PathLike[str]) -> None:
    """Write a ``.BASIS`` file: transforms of the FIDs, not zero-filled, first point halved; read and rewritten, the bytes are the same.

    The format has no place for origins and assumptions.
    """
    fids = np.array(on_grid(basis.fids))
    fids[:, 0] /= 2
    spectra = np.fft.fft(fids, axis=1)
    exponent = int(np.floor(np.log10(np.abs(spectra).max(initial=0.0) or 1.0))) - N_DIGITS
    with atomic_path(path) as temporary:
        temporary.write_text(_header(basis) + "".join(_entry(*item, exponent) for item in zip(basis.metabolites, spectra, strict=True)))


def _header(basis: BasisSet) -> str:
    acquisition = basis.acquisition
    echo = "" if acquisition.echo_time_s is None else repr(round(acquisition.echo_time_s * 1000, 9))
    width_ppm = float(f"{basis.linewidth_hz / acquisition.spectrometer_frequency_mhz:.12g}")
    return (
        f" $SEQPAR\n FWHMBA = {width_ppm!r},\n HZPPPM = {float(acquisition.spectrometer_frequency_mhz)!r},\n"
        f" ECHOT = {echo},\n SEQ = '{quoted(basis.sequence)}'\n $END\n"
        f" $BASIS1\n IDBASI = '{OWN_ID}',\n FMTBAS = '(4E{N_DIGITS + 9}.{N_DIGITS})',\n BADELT = {acquisition.dwell_time_s!r},\n"
        f" NDATAB = {acquisition.n_points}\n $END\n"
    )


def _entry(name: str, spectrum: ComplexArray, exponent: int) -> str:
    """One metabolite; values are whole multiples of a power of ten, so that all digits printed are meant."""
    counts = np.round(spectrum * 10.0**-exponent).view(np.float64)
    numbers = [f"{float(f'{count:.0f}e{exponent}'):{N_DIGITS + 9}.{N_DIGITS}E}" for count in counts]
    lines = ["".join(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]
    header = (
        f" $NMUSED\n XTRASH = 0.\n $END\n $BASIS\n ID = '{quoted(name)}',\n METABO = '{quoted(name)}',\n"
        " CONC = 1.,\n TRAMP = 1.,\n VOLUME = 1.,\n ISHIFT = 0\n $END\n"
    )
    return header + "".join(line + "\n" for line in lines)

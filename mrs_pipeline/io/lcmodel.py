"""LCModel's file formats: ``.BASIS`` sets (frequency domain) and ``.RAW`` FIDs (time domain).

A .BASIS file holds, for every metabolite, the plain discrete Fourier transform of its FID, zero frequency first
(`numpy.fft.fft` order), with the same sign as this package: resonances right of water have positive frequencies.
LCModel scales it by TRAMP / (VOLUME CONC) and shifts it by ISHIFT points towards larger ppm; its own sets are transforms of
FIDs zero-filled to twice their length, sets of other programs are not (LCModel's manual, and comments in LCModel.f).
Other programs halve the first point of the FID, the usual correction that makes the sum of the transform a trapezoidal
rule; it is undone here where it is found, so that FIDs are smooth from their first point on. The overall scale of a set is
arbitrary. .RAW files hold FIDs in the sign of this package.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.errors import DataError, InputError, MrsPipelineError
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.namelists import Namelist, complex_values, number_of, read_namelists

#: IDBASI of the files written here, which marks their first point as halved and their FWHMBA as true.
OWN_ID = "mrs_pipeline"

#: Digits after the point in files written here; smaller differences are below what 64-bit transforms resolve.
N_DIGITS = 11


#: Fewer points are no spectrum.
MIN_POINTS = 16


def read_basis(path: str | os.PathLike[str]) -> BasisSet:
    """Read a ``.BASIS`` file; metabolites get their standard names, a reference peak at 0 ppm is removed.

    ``linewidth_hz`` is measured from the decay of the FIDs, since FWHMBA is often a default. Raises `InputError`
    naming the file for missing keys, values that are not numbers, truncated or differing lengths.
    """
    namelists = read_namelists(path)
    general = {key: value for entry in namelists if entry.name in {"SEQPAR", "BASIS1"} for key, value in entry.values.items()}
    entries = [entry for entry in namelists if entry.name == "BASIS"]
    if not entries:
        raise InputError(f"{path} holds no $BASIS entry: it is not an LCModel .BASIS file, or it is truncated")
    acquisition = _acquisition(general, path=path)
    fids = np.array([_fid(entry, n_points=acquisition.n_points, path=path) for entry in entries])
    own = general.get("IDBASI", "").startswith(OWN_ID)
    fids = _first_point_restored(_zero_filling_removed(fids), halved=True if own else None)
    acquisition = acquisition.with_n_points(fids.shape[1])
    fids = np.array([without_reference_peak(fid, acquisition=acquisition) for fid in fids])
    linewidth_hz = (
        number_of(general, "FWHMBA", path=path) * acquisition.spectrometer_frequency_mhz
        if own
        else decay_linewidth_hz(fids, acquisition=acquisition)
    )
    names = tuple(standard_name(entry.values.get("METABO") or entry.values.get("ID", "")) for entry in entries)
    try:
        return BasisSet(metabolites=names, fids=fids, acquisition=acquisition, sequence=general.get("SEQ", ""), linewidth_hz=linewidth_hz)
    except DataError as error:
        raise InputError(f"{path}: {error}") from error


def _acquisition(general: dict[str, str], *, path: object) -> Acquisition:
    echo_time_ms = number_of(general, "ECHOT", path=path, default=0.0)
    dwell_time_s = number_of(general, "BADELT", path=path)
    n_points = int(number_of(general, "NDATAB", path=path))
    if n_points < MIN_POINTS:
        raise InputError(f"{path}: NDATAB is {n_points}, but a spectrum has at least {MIN_POINTS} points: correct the header")
    try:
        return Acquisition(
            nucleus="1H",
            spectrometer_frequency_mhz=number_of(general, "HZPPPM", path=path),
            spectral_width_hz=float(f"{1.0 / dwell_time_s:.14g}") if dwell_time_s > 0 else 0.0,
            n_points=n_points,
            echo_time_s=echo_time_ms / 1000 if echo_time_ms > 0 else None,
            repetition_time_s=None,
        )
    except MrsPipelineError as error:
        raise InputError(f"{path}: {error}") from error


def _fid(entry: Namelist, *, n_points: int, path: object) -> ComplexArray:
    name = entry.values.get("METABO") or entry.values.get("ID", "")
    spectrum = complex_values(entry.data, path=path, what=name)
    if spectrum.size != n_points:
        raise InputError(f"{path}: {name} has {spectrum.size} points where NDATAB says {n_points}: the file may be truncated")
    shift = int(number_of(entry.values, "ISHIFT", path=path, default=0.0))
    tramp, volume, concentration = (number_of(entry.values, key, path=path, default=1.0) for key in ("TRAMP", "VOLUME", "CONC"))
    if min(tramp, volume, concentration) <= 0:
        raise InputError(f"{path}: TRAMP, VOLUME and CONC of {name} must be positive: correct the header")
    return np.asarray(np.fft.ifft(np.roll(spectrum, -shift))) * (tramp / (volume * concentration))


def _zero_filling_removed(fids: ComplexArray) -> ComplexArray:
    """The first half, if the second half of every FID is nothing but rounding and the first does not fade into it."""
    half = fids.shape[1] // 2
    first, second = np.abs(fids[:, :half]), np.abs(fids[:, half:])
    filled = fids.shape[1] % 2 == 0 and second.max() < 1e-4 * first.max() and second.max() < 0.1 * first[:, -max(1, half // 64) :].max()
    return fids[:, :half] if filled else fids


def _first_point_restored(fids: ComplexArray, *, halved: bool | None) -> ComplexArray:
    """Double the first point where it was halved: where that brings it nearer to the line through the next two."""
    if halved is None:
        expected = 2 * fids[:, 1] - fids[:, 2]
        halved = bool(np.sum(np.abs(2 * fids[:, 0] - expected)) < np.sum(np.abs(fids[:, 0] - expected)))
    return np.concatenate([fids[:, :1] * (2.0 if halved else 1.0), fids[:, 1:]], axis=1)


def decay_linewidth_hz(fids: ComplexArray, *, acquisition: Acquisition) -> float:
    """Lorentzian full width at half maximum from the common decay of FIDs, fitted to their root-mean-square magnitude, Hz."""
    envelope = np.sqrt(np.mean(np.abs(fids) ** 2, axis=0))
    used = envelope > 0.05 * envelope.max()
    if used.sum() < 3:
        return 0.0
    slope = np.polyfit(acquisition.time_s[used], np.log(envelope[used]), 1, w=envelope[used])[0]
    return max(0.0, float(-slope / np.pi))


@dataclass(frozen=True, kw_only=True)
class _Band:
    """Points of the transform around 0 ppm, and the line that could be there."""

    points: NDArray[np.intp]
    acquisition: Acquisition

    def line(self, frequency_hz: float, *, width_hz: float) -> ComplexArray:
        time_s = self.acquisition.time_s
        return np.asarray(np.exp((2j * np.pi * frequency_hz - np.pi * width_hz) * time_s))

    def residual(self, parameters: FloatArray, *, target: ComplexArray) -> tuple[ComplexArray, complex]:
        spectrum = np.fft.fft(self.line(parameters[0], width_hz=parameters[1]))[self.points]
        design = np.stack([spectrum, np.ones_like(spectrum), np.linspace(-1, 1, spectrum.size)], axis=1)
        solution = np.linalg.lstsq(design, target, rcond=None)[0]
        return target - design @ solution, complex(solution[0])


def without_reference_peak(fid: ComplexArray, *, acquisition: Acquisition) -> ComplexArray:
    """The FID without a singlet at 0 ppm (TSP, DSS, or what simulation programs add as a reference); unchanged if there is none.

    A peak counts if it is within 0.1 ppm of 0, ten times what surrounds it and at least 1 % of the highest peak. The
    Lorentzian line is fitted on a linear background and subtracted in the time domain.
    """
    ppm = acquisition.ppm
    spectrum = np.fft.fft(fid)
    order = np.fft.fftshift(np.arange(fid.size))
    near, edge = np.abs(ppm) < 0.1, (np.abs(ppm) > 0.25) & (np.abs(ppm) < 0.4)
    if near.sum() < 3 or not edge.any():
        return fid
    height = np.abs(spectrum[order[near]]).max()
    if height < 10 * np.median(np.abs(spectrum[order[edge]])) or height < 0.01 * np.abs(spectrum).max():
        return fid
    return _line_subtracted(fid, points=order[np.abs(ppm) < 0.25], acquisition=acquisition)


def _line_subtracted(fid: ComplexArray, *, points: NDArray[np.intp], acquisition: Acquisition) -> ComplexArray:
    band = _Band(points=points, acquisition=acquisition)
    target = np.fft.fft(fid)[points]
    peak_hz = np.fft.fftfreq(fid.size, acquisition.dwell_time_s)[points][int(np.argmax(np.abs(target)))]

    def misfit(parameters: FloatArray) -> FloatArray:
        difference = band.residual(parameters, target=target)[0]
        return np.asarray(np.concatenate([difference.real, difference.imag]) / np.abs(target).max())

    limit_hz = float(abs(hz_from_ppm(0.0, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)))
    fit = least_squares(misfit, [peak_hz, 1.0], bounds=([-2 * limit_hz, 0.0], [2 * limit_hz, 50.0]), x_scale=[1.0, 1.0])
    return np.asarray(fid - band.residual(fit.x, target=target)[1] * band.line(fit.x[0], width_hz=fit.x[1]))


def write_basis(basis: BasisSet, path: str | os.PathLike[str]) -> None:
    """Write a ``.BASIS`` file: transforms of the FIDs, not zero-filled, first point halved; read and rewritten, the bytes are the same."""
    fids = np.array(basis.fids)
    fids[:, 0] /= 2
    spectra = np.fft.fft(fids, axis=1)
    quantum = 10.0 ** (np.floor(np.log10(np.abs(spectra).max() or 1.0)) - N_DIGITS)
    with atomic_path(path) as temporary:
        temporary.write_text(
            _header(basis) + "".join(map(_entry, basis.metabolites, np.round(spectra / quantum), [quantum] * len(spectra)))
        )


def _header(basis: BasisSet) -> str:
    acquisition = basis.acquisition
    echo = "" if acquisition.echo_time_s is None else repr(round(acquisition.echo_time_s * 1000, 9))
    width_ppm = basis.linewidth_hz / acquisition.spectrometer_frequency_mhz
    return (
        f" $SEQPAR\n FWHMBA = {width_ppm!r},\n HZPPPM = {float(acquisition.spectrometer_frequency_mhz)!r},\n"
        f" ECHOT = {echo},\n SEQ = '{_quoted(basis.sequence)}'\n $END\n"
        f" $BASIS1\n IDBASI = '{OWN_ID}',\n FMTBAS = '(4E20.{N_DIGITS})',\n BADELT = {acquisition.dwell_time_s!r},\n"
        f" NDATAB = {acquisition.n_points}\n $END\n"
    )


def _quoted(text: str) -> str:
    return text.replace("'", "''").replace("\n", " ").replace("$", " ").replace("&", " ")


def _entry(name: str, counts: ComplexArray, quantum: float) -> str:
    """One metabolite; values are whole multiples of ``quantum``, so that all digits printed are meant."""
    exponent = round(float(np.log10(quantum)))
    numbers = [f"{float(f'{count:.0f}e{exponent}'):20.{N_DIGITS}E}" for count in counts.view(np.float64)]
    lines = ["".join(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]
    header = (
        f" $NMUSED\n XTRASH = 0.\n $END\n $BASIS\n ID = '{_quoted(name)}',\n METABO = '{_quoted(name)}',\n"
        " CONC = 1.,\n TRAMP = 1.,\n VOLUME = 1.,\n ISHIFT = 0\n $END\n"
    )
    return header + "".join(line + "\n" for line in lines)


def read_raw(path: str | os.PathLike[str], *, acquisition: Acquisition, sequence: str = "") -> BasisSet:
    """Read a ``.RAW`` file or a folder of them as a basis set; the names of the files are those of the metabolites.

    ``acquisition`` states what the format does not (sampling, frequency, echo time); its number of points is replaced by
    that of the files. The first point is used as it is. Raises `InputError` for files that differ in length.
    """
    source = Path(path)
    files = sorted(entry for entry in source.iterdir() if entry.suffix.lower() == ".raw") if source.is_dir() else [source]
    if not files:
        raise InputError(f"{path} holds no .raw file: name a folder with one file a metabolite")
    fids = [read_raw_fid(file) for file in files]
    if len({fid.size for fid in fids}) > 1:
        raise InputError(f"{path}: the .raw files differ in their number of points: export them alike")
    stacked = np.array(fids)
    sampled = replace(acquisition, n_points=stacked.shape[1])
    try:
        return BasisSet(
            metabolites=tuple(standard_name(file.stem) for file in files),
            fids=stacked,
            acquisition=sampled,
            sequence=sequence,
            linewidth_hz=decay_linewidth_hz(stacked, acquisition=sampled),
        )
    except DataError as error:
        raise InputError(f"{path}: {error}") from error


def read_raw_fid(path: str | os.PathLike[str]) -> ComplexArray:
    """The FID of one ``.RAW`` file, times TRAMP over VOLUME as LCModel does."""
    entries = [entry for entry in read_namelists(path) if entry.name == "NMID"]
    if len(entries) != 1:
        raise InputError(f"{path} holds {len(entries)} $NMID headers where one is expected: it is not an LCModel .RAW file")
    values = entries[0].values
    if values.get("SEQACQ", "F").strip(".").upper().startswith("T"):
        raise InputError(f"{path} was sampled sequentially (SEQACQ = T), which is not supported: export it with simultaneous sampling")
    fid = complex_values(entries[0].data, path=path, what="the FID")
    fid = np.conj(fid) if values.get("BRUKER", "F").strip(".").upper().startswith("T") else fid
    return fid * number_of(values, "TRAMP", path=path, default=1.0) / number_of(values, "VOLUME", path=path, default=1.0)

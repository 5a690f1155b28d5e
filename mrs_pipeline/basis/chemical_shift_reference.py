"""Is the chemical-shift axis of a basis set right? Its singlets tell, whose positions are known to a few thousandths of a ppm."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mrs_pipeline.acquisition import CARRIER_PPM, Acquisition, ComplexArray, ppm_from_hz
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError

#: Metabolites whose highest peak is a singlet, and where it lies, ppm.
#: Govindaraju et al. 2000, doi:10.1002/1099-1492(200005)13:3<129::AID-NBM619>3.0.CO;2-V.
SINGLETS_PPM: dict[str, float] = {"NAA": 2.008, "Cr": 3.027, "PCr": 3.029, "PCh": 3.208, "GPC": 3.212, "sIns": 3.340, "Gly": 3.548}

#: A reference that is off by less is left alone: programs differ by that much in the shifts of single metabolites.
TOLERABLE_PPM = 0.010
#: Singlets whose offsets differ by more do not share one offset.
MAX_SPREAD_PPM = 0.020
#: Singlets follow a stretched axis if they lie this near to it.
MAX_MISFIT_PPM = 0.006
#: Transforms are this many times as long as the FID, so that a peak is found to a small part of a point.
ZERO_FILLING = 8


def referenced(basis: BasisSet) -> BasisSet:
    """The basis with its singlets where they belong, which is said in ``assumptions`` if anything had to move.

    Two or more singlets that share an offset beyond `TOLERABLE_PPM` give the correction: every FID is modulated by it, so that
    amplitudes, phases and shapes stay. Singlets that lie on a stretched axis show that the spectral width or the spectrometer
    frequency is wrong, which is a `DataError`. Fewer than two singlets, or some that contradict each other, change nothing.
    """
    found = singlet_positions_ppm(basis)
    if len(found) < 2:
        return basis
    offsets = np.array([position - SINGLETS_PPM[name] for name, position in found.items()])
    if np.ptp(offsets) > MAX_SPREAD_PPM:
        _refuse_stretched_axis(found, acquisition=basis.acquisition)
        return replace(basis, assumptions=(*basis.assumptions, f"singlets contradict each other ({_listed(found)}): nothing was shifted"))
    offset_ppm = float(np.median(offsets))
    if abs(offset_ppm) <= TOLERABLE_PPM:
        return basis
    direction = "low" if offset_ppm < 0 else "high"
    remark = f"all spectra were shifted, because their reference was {abs(offset_ppm):.3f} ppm too {direction} ({_listed(found)})"
    fids = _shifted(basis.fids, ppm=-offset_ppm, acquisition=basis.acquisition)
    return replace(basis, fids=fids, assumptions=(*basis.assumptions, remark))


def singlet_positions_ppm(basis: BasisSet) -> dict[str, float]:
    """Position of the highest peak of each metabolite of `SINGLETS_PPM` that is in the basis and has a signal."""
    rows = {name: basis.fids[basis.metabolites.index(name)] for name in SINGLETS_PPM if name in basis.metabolites}
    return {name: _peak_ppm(fid, acquisition=basis.acquisition) for name, fid in rows.items() if np.any(fid)}


def _peak_ppm(fid: ComplexArray, *, acquisition: Acquisition) -> float:
    """Position of the highest point of the magnitude spectrum, 2 Hz broadened, refined by the parabola through its neighbours."""
    n = ZERO_FILLING * fid.size
    magnitude = np.abs(np.fft.fft(fid * np.exp(-np.pi * 2.0 * acquisition.time_s), n))
    highest = int(np.argmax(magnitude))
    left, middle, right = magnitude[[highest - 1, highest, (highest + 1) % n]]
    curvature = left - 2 * middle + right
    fraction = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    signed = highest if highest < n // 2 else highest - n
    frequency_hz = (signed + fraction) * acquisition.spectral_width_hz / n
    return float(ppm_from_hz(frequency_hz, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz))


def _shifted(fids: ComplexArray, *, ppm: float, acquisition: Acquisition) -> ComplexArray:
    """FIDs whose lines lie higher by `ppm`."""
    return np.asarray(fids * np.exp(-2j * np.pi * ppm * acquisition.spectrometer_frequency_mhz * acquisition.time_s))


def _refuse_stretched_axis(found: Mapping[str, float], *, acquisition: Acquisition) -> None:
    if len(found) < 3:
        return
    expected, position = (np.array(values) - CARRIER_PPM for values in ([SINGLETS_PPM[name] for name in found], list(found.values())))
    slope, constant = np.polyfit(expected, position, 1)
    if np.abs(position - slope * expected - constant).max() > MAX_MISFIT_PPM * max(1.0, abs(slope)) or abs(slope) < 0.2:
        return
    if slope < 0:
        raise DataError(f"its spectra are mirrored about {CARRIER_PPM + constant / 2:.2f} ppm ({_listed(found)}): conjugate its FIDs")
    frequency_mhz, width_hz = acquisition.spectrometer_frequency_mhz, acquisition.spectral_width_hz
    raise DataError(
        f"its singlets ({_listed(found)}) lie as if the spectrometer frequency were {slope * frequency_mhz:.1f} MHz, not {frequency_mhz:g} "
        f"MHz, or the spectral width {width_hz / slope:.0f} Hz, not {width_hz:g} Hz: correct the one that is wrong"
    )


def _listed(found: Mapping[str, float]) -> str:
    return ", ".join(f"{name} at {position:.3f} instead of {SINGLETS_PPM[name]:.3f} ppm" for name, position in found.items())

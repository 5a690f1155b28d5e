"""Do the singlets of a basis set start upright? A set turned as a whole would not agree with macromolecules that are not."""

from dataclasses import replace

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.chemical_shift_reference import singlet_positions_ppm

#: A phase that is off by less is left alone: feet of multiplets and real pulses turn single singlets by up to 5 degrees.
TOLERABLE_DEG = 10.0
#: Singlets whose phases differ by more do not share one phase.
MAX_SPREAD_DEG = 10.0
#: Conventions differ by sign and by channel; a phase this near to a multiple of 90 degrees is that multiple.
QUARTER_TURN_DEG = 90.0
#: Broadening under which noise and neighbours of a singlet matter little, Hz.
BROADENING_HZ = 5.0


def in_phase(basis: BasisSet) -> BasisSet:
    """The basis with singlets upright at the first point, which is said in ``assumptions`` if it had to be turned.

    Two or more of `chemical_shift_reference.SINGLETS_PPM` that share a phase beyond `TOLERABLE_DEG` give the correction, to the nearest
    quarter turn if that is within the tolerance. Singlets that contradict each other are a remark; fewer than two change nothing.
    """
    phases = singlet_phases_deg(basis)
    found = np.array(list(phases.values()))
    if len(found) < 2 or np.abs(found).max() <= TOLERABLE_DEG:
        return basis
    listed = ", ".join(f"{name} {phase:.0f}" for name, phase in phases.items())
    middle = float(np.angle(np.exp(1j * np.radians(found)).sum(), deg=True))
    if np.ptp(_wrapped_deg(found - middle)) > MAX_SPREAD_DEG:
        remark = f"singlets differ in phase ({listed} degrees): nothing was turned"
        return replace(basis, assumptions=(*basis.assumptions, remark))
    if abs(middle) <= TOLERABLE_DEG:
        return basis
    quarter = QUARTER_TURN_DEG * round(middle / QUARTER_TURN_DEG)
    turned = quarter if abs(middle - quarter) <= TOLERABLE_DEG else middle
    remark = f"all FIDs were turned by {_named(turned)} degrees, because their singlets had phases of {listed} degrees"
    return replace(basis, fids=basis.fids * _turn(-turned), assumptions=(*basis.assumptions, remark))


def singlet_phases_deg(basis: BasisSet) -> dict[str, float]:
    """Zero-order phase of the singlet of each metabolite of `SINGLETS_PPM` that is in the basis and has a signal, degrees."""
    sampling = basis.acquisition
    return {
        name: _phase_deg(basis.fids[basis.metabolites.index(name)], position_ppm=position, acquisition=sampling)
        for name, position in singlet_positions_ppm(basis).items()
    }


def _phase_deg(fid: ComplexArray, *, position_ppm: float, acquisition: Acquisition) -> float:
    """Phase of the broadened spectrum at its peak, where a Lorentzian line has the phase of its amplitude at the start."""
    frequency_hz = hz_from_ppm(position_ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    terms = fid * np.exp((-2j * np.pi * frequency_hz - np.pi * BROADENING_HZ) * acquisition.time_s)
    return float(np.angle(terms.sum() - terms[0] / 2, deg=True))


def _turn(phase_deg: float) -> complex:
    """Factor of a turn, exact for quarters."""
    quarters = phase_deg / QUARTER_TURN_DEG
    return (1, 1j, -1, -1j)[int(quarters) % 4] if quarters.is_integer() else complex(np.exp(1j * np.radians(phase_deg)))


def _wrapped_deg(angle: FloatArray) -> FloatArray:
    return np.asarray((angle + 180.0) % 360.0 - 180.0)


def _named(turned: float) -> str:
    return f"{180 if abs(turned) == 180 else -turned:.0f}"

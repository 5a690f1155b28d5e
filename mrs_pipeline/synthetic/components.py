"""The noise-free signals a spectrum is composed of, and the shape of its lines."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_basis, measured_type_macromolecules
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.synthetic.description import StudyDescription

#: Chemical shift of the acetyl singlet of NAA, ppm (Govindaraju et al. 2000).
NAA_PPM = 2.008


@dataclass(frozen=True, kw_only=True)
class Components:
    """Unit-amplitude signals: metabolites without broadening; macromolecules and lipids as broad as they are in vivo, shape (n_points,)."""

    metabolites: BasisSet
    macromolecules: ComplexArray
    lipid: ComplexArray


def components(description: StudyDescription) -> Components:
    """The components of a described study; computed once a process."""
    recording = description.acquisition
    return _components(description.sampling, recording.sequence, recording.echo_time_1_s, description.metabolites)


@lru_cache(maxsize=4)
def _components(acquisition: Acquisition, sequence: str, echo_time_1_s: float, metabolites: tuple[str, ...]) -> Components:
    basis = simulate_basis(
        sequence=sequence, metabolites=metabolites, acquisition=acquisition, echo_time_1_s=echo_time_1_s, mixing_time_s=None
    )
    # The measured-type profile is not the parametrisation that is fitted: an analysis never knows the true macromolecules either.
    profile = measured_type_macromolecules(acquisition=acquisition)
    lipid = macromolecule_basis(names=("Lip09", "Lip13a", "Lip13b"), acquisition=acquisition)
    return Components(metabolites=basis, macromolecules=profile.fids.sum(axis=0), lipid=lipid.fids.sum(axis=0))


def gaussian_hz(linewidth_hz: float, *, lorentzian_hz: float) -> float:
    """Gaussian width that makes a Voigt line of a given full width at half maximum from a Lorentzian one.

    Inverse of ``f = 0.5346 L + sqrt(0.2166 L^2 + G^2)``: Olivero & Longbothum 1977, doi 10.1016/0022-4073(77)90161-3.
    """
    return float(np.sqrt(max((linewidth_hz - 0.5346 * lorentzian_hz) ** 2 - 0.2166 * lorentzian_hz**2, 0.0)))


def voigt_hz(lorentzian_hz: FloatArray | float, *, gaussian_hz: float) -> FloatArray:
    """Full width at half maximum of a Voigt line, by the formula `gaussian_hz` inverts (error below 0.02 %)."""
    return np.asarray(0.5346 * np.asarray(lorentzian_hz) + np.sqrt(0.2166 * np.asarray(lorentzian_hz) ** 2 + gaussian_hz**2))


def lorentzian_decay(time_s: FloatArray, *, width_hz: FloatArray | float) -> FloatArray:
    """Decay in time of a Lorentzian line; ``width_hz`` broadcasts against the times."""
    return np.asarray(np.exp(-np.pi * width_hz * time_s))


def gaussian_decay(time_s: FloatArray, *, width_hz: float) -> FloatArray:
    """Decay in time of a Gaussian line of full width ``width_hz`` at half maximum."""
    return np.asarray(np.exp(-((np.pi * width_hz * time_s) ** 2) / (4 * np.log(2))))


def naa_height(fids: ComplexArray, *, acquisition: Acquisition) -> float:
    """Real height of the spectrum of a phased FID at the NAA singlet, evaluated at its frequency rather than at the nearest point."""
    frequency_hz = hz_from_ppm(NAA_PPM, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    return float(np.sum(fids * np.exp(-2j * np.pi * frequency_hz * acquisition.time_s)).real)

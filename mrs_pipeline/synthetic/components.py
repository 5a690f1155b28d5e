"""The noise-free signals a spectrum is composed of, and the shape of its lines."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_basis, measured_type_macromolecules
from mrs_pipeline.synthetic.plan import StudyPlan
from mrs_pipeline.synthetic.true_basis import true_basis

#: Chemical shift of the acetyl singlet of NAA, ppm (Govindaraju et al. 2000), and how far from it its peak is looked for.
NAA_PPM = 2.008
NAA_SEARCH_PPM = 0.03


@dataclass(frozen=True, kw_only=True)
class Components:
    """Unit-amplitude signals: metabolites without broadening; macromolecules and lipids as broad as they are in vivo.

    ``metabolites`` (n_metabolites, n_points) in the order of the description, ``macromolecules`` (n_lines, n_points), ``lipid`` and
    ``naa`` (n_points,).
    """

    metabolites: ComplexArray
    macromolecules: ComplexArray
    lipid: ComplexArray
    naa: ComplexArray


def components(plan: StudyPlan, *, basis: BasisSet | None = None) -> Components:
    """The components of a study; ``basis`` is that of `true_basis` where it has been simulated before."""
    metabolites = (basis or true_basis(plan)).select(plan.description.metabolites)
    macromolecules, lipid = broad_components(plan.description.sampling)
    return Components(metabolites=metabolites.fids, macromolecules=macromolecules, lipid=lipid, naa=metabolites.select(["NAA"]).fids[0])


@lru_cache(maxsize=4)
def broad_components(acquisition: Acquisition) -> tuple[ComplexArray, ComplexArray]:
    """Lines of the macromolecule profile, (n_lines, n_points), and the lipid signal, (n_points,); computed once a process."""
    # The measured-type profile is not the parametrisation that is fitted: an analysis never knows the true macromolecules either.
    profile = measured_type_macromolecules(acquisition=acquisition)
    lipid = macromolecule_basis(names=("Lip09", "Lip13a", "Lip13b"), acquisition=acquisition)
    return profile.fids, lipid.fids.sum(axis=0)


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


def gaussian_decay(time_s: FloatArray, *, width_hz: FloatArray | float) -> FloatArray:
    """Decay in time of a Gaussian line of full width ``width_hz`` at half maximum."""
    return np.asarray(np.exp(-((np.pi * width_hz * time_s) ** 2) / (4 * np.log(2))))


def naa_height(fids: ComplexArray, *, acquisition: Acquisition) -> float:
    """Real height of the spectrum of a phased FID at its NAA singlet, on a grid finer than the spectrum's points."""
    return float(np.max((_waves_near_naa(acquisition) @ fids).real))


@lru_cache(maxsize=4)
def _waves_near_naa(acquisition: Acquisition) -> ComplexArray:
    """What the points of the grid of `naa_height` are read with, (n_grid, n_points)."""
    ppm = NAA_PPM + np.linspace(-NAA_SEARCH_PPM, NAA_SEARCH_PPM, 121)
    frequency_hz = hz_from_ppm(ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    return np.asarray(np.exp(-2j * np.pi * np.outer(frequency_hz, acquisition.time_s)))

"""The non-linear parameters of a fit: declared like `lmfit.Parameters` (value, bounds, vary), with Gaussian priors beside them."""

import re
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import BoolArray, FloatArray
from mrs_pipeline.basis.basis_set import is_macromolecule
from mrs_pipeline.basis.macromolecules import macromolecule_components
from mrs_pipeline.fitting.declared import Parameters
from mrs_pipeline.fitting.lineshape import lineshape
from mrs_pipeline.fitting.options import FitOptions

#: Parameters every component shares.
COMMON = ("phase0_rad", "phase1_s", "shift_hz", "gaussian_square_hz2", "lorentzian_hz")

#: Prior SD of a macromolecule or lipid component's shift (LCModel's simulated components: 0.005-0.03 ppm) and extra width.
MACROMOLECULE_SHIFT_SD_PPM = 0.01
MACROMOLECULE_BROADENING_HZ = 2.0
MACROMOLECULE_BROADENING_SD_HZ = 3.0
#: Prior of the common Lorentzian width at 3 T: the field in the voxel, of which nothing is known beforehand but its order of magnitude.
LORENTZIAN_HZ, LORENTZIAN_SD_HZ = 2.0, 10.0


def parameter_name(kind: str, component: str) -> str:
    """Name in `lmfit` of a component's own parameter: letters, digits and underscores only."""
    return f"{kind}_{re.sub(r'[^0-9A-Za-z]', '_', component)}"


def declare_parameters(components: tuple[str, ...], *, spectrometer_frequency_mhz: float, options: FitOptions) -> Parameters:
    """All non-linear parameters at their prior centres, with bounds: common ones, shifts and broadenings of components, lineshape.

    Bounds are wide (what a spectrum can show), priors do the work; `vary=False` fixes a parameter.
    """
    scale = spectrometer_frequency_mhz / 127.7
    parameters = Parameters()
    parameters.add("phase0_rad", value=0.0)
    parameters.add("phase1_s", value=0.0, min=-5e-3, max=5e-3)
    parameters.add("shift_hz", value=0.0, min=-0.5 * spectrometer_frequency_mhz, max=0.5 * spectrometer_frequency_mhz)
    parameters.add("gaussian_square_hz2", value=(5.0 * scale) ** 2, min=0.0, max=(40.0 * scale) ** 2)
    parameters.add("lorentzian_hz", value=LORENTZIAN_HZ * scale, min=0.0, max=40.0 * scale)
    for name in components:
        limit = 4.0 * _shift_sd_ppm(name, options) * spectrometer_frequency_mhz
        parameters.add(parameter_name("shift_hz", name), value=0.0, min=-limit, max=limit)
    for name in components:
        centre, width = _broadening_hz(name) * scale, 5.0 * _broadening_sd_hz(name, options) * scale
        low = -MACROMOLECULE_BROADENING_SD_HZ * scale if is_macromolecule(name) else -width
        parameters.add(parameter_name("broadening_hz", name), value=centre, min=low, max=width)
    for index in range(lineshape(options.lineshape).n_columns):
        parameters.add(f"lineshape_{index}", value=0.0, min=-10.0 * options.lineshape_sd, max=10.0 * options.lineshape_sd)
    return parameters


def _shift_sd_ppm(name: str, options: FitOptions) -> float:
    if is_macromolecule(name):
        return MACROMOLECULE_SHIFT_SD_PPM
    return float(options.shift_sd_ppm_by_metabolite.get(name, options.shift_sd_ppm))


def _broadening_hz(name: str) -> float:
    return MACROMOLECULE_BROADENING_HZ if is_macromolecule(name) else 0.0


def _broadening_sd_hz(name: str, options: FitOptions) -> float:
    if is_macromolecule(name):
        return MACROMOLECULE_BROADENING_SD_HZ
    return float(options.broadening_sd_hz_by_metabolite.get(name, options.broadening_sd_hz))


@dataclass(frozen=True, kw_only=True)
class Priors:
    """Independent Gaussian priors of the non-linear parameters: centre and precision (1/SD^2; 0 = none), parameter order.

    `follows` marks the widths of macromolecules and lipids that are given by lines: the field in the voxel broadens them like all else.
    """

    centre: FloatArray
    precision: FloatArray
    follows: BoolArray

    def following(self, theta: FloatArray) -> "Priors":
        """With the common Lorentzian width found so far as the centre of these widths.

        The lines do not inform that width in turn, as they would if they shared it: those in the data may have other widths than published
        ones, and seventeen of them would outweigh the metabolites (a cut model: Plummer 2015, doi 10.1007/s11222-014-9503-z).
        """
        return replace(self, centre=np.where(self.follows, theta[COMMON.index("lorentzian_hz")], self.centre))


def parameter_priors(components: tuple[str, ...], *, spectrometer_frequency_mhz: float, options: FitOptions) -> Priors:
    """Gaussian priors: LCModel's shift SD (0.004 ppm; Provencher 1993, Magn Reson Med 30:672), widths and first-order phase.

    Without priors only the common parameters are informative: the solver then keeps the components' own ones fixed.
    """
    scale = spectrometer_frequency_mhz / 127.7
    common_sd = [np.inf, options.phase1_sd_s, np.inf, np.inf, LORENTZIAN_SD_HZ * scale]
    shift_sd = [_shift_sd_ppm(name, options) * spectrometer_frequency_mhz for name in components]
    width_sd = [_broadening_sd_hz(name, options) * scale for name in components]
    shape_sd = [options.lineshape_sd] * lineshape(options.lineshape).n_columns
    sd = np.array([*common_sd, *shift_sd, *width_sd, *shape_sd])
    if not options.priors:
        sd = np.full_like(sd, np.inf)
    centre = np.zeros_like(sd)
    centre[COMMON.index("lorentzian_hz")] = LORENTZIAN_HZ * scale
    first = len(COMMON) + len(components)
    centre[first : first + len(components)] = [_broadening_hz(name) * scale for name in components]
    follows = np.zeros(sd.size, dtype=bool)
    follows[first : first + len(components)] = [is_macromolecule(name) and name in macromolecule_components() for name in components]
    return Priors(centre=centre, precision=1.0 / sd**2, follows=follows)

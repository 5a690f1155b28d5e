"""What one proton of a basis set signals: the scale on which water, two protons a molecule, meets amplitudes, which are per molecule."""

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError

#: Singlets by metabolite: chemical shift (ppm; Govindaraju et al. 2000, NMR Biomed 13:129) and number of protons.
SINGLETS = {"NAA": (2.008, 3), "Cr": (3.027, 3), "PCr": (3.029, 3), "PCh": (3.208, 9), "GPC": (3.212, 9), "sIns": (3.340, 6)}
#: Half width of the part of the spectrum a singlet is fitted in, and how far it may lie from its place, ppm.
RANGE_PPM, LARGEST_SHIFT_PPM = 0.1, 0.08
#: Singlets of a set whose signals per proton differ by more than this, relative to their median, are not on one scale.
LARGEST_SPREAD = 0.2
#: FIDs are damped by this power of e before they are fitted, so that those without decay do not end abruptly.
DAMPING = 5.0
#: Points of the spectrum are this many times closer than those of the transform.
FINER = 4


def signal_per_proton(basis: BasisSet) -> float:
    """Signal of one proton at t = 0 in a basis FID: the median over the singlets of NAA, Cr, PCr, PCh, GPC and sIns that are there.

    1 in a set simulated here (1/2 with STEAM, whose stimulated echo keeps half), anything in those of other programs. The singlets
    are used because their signal does not depend on couplings. `DataError` for a set without any of them, or whose singlets disagree.
    """
    found = {
        name: _amplitude_at_zero(basis.fids[basis.metabolites.index(name)], ppm=ppm, acquisition=basis.acquisition) / n_protons
        for name, (ppm, n_protons) in SINGLETS.items()
        if name in basis.metabolites
    }
    if not found:
        raise DataError(f"the basis set has none of {', '.join(SINGLETS)}: without their singlets its scale against water is not known")
    values = np.array(list(found.values()))
    median = float(np.median(values))
    if not median > 0 or np.abs(values / median - 1.0).max() > LARGEST_SPREAD:
        stated = ", ".join(f"{name} {value:.3g}" for name, value in found.items())
        raise DataError(
            f"the components of the basis set are not on one scale (signal of one proton: {stated}): water cannot be compared to it"
        )
    return median


def _amplitude_at_zero(fid: ComplexArray, *, ppm: float, acquisition: Acquisition) -> float:
    """Magnitude at t = 0 of the line near a chemical shift: one damped exponential on a linear background of the spectrum."""
    from scipy.optimize import least_squares  # noqa: PLC0415 - slow to import, and only concentrations need it

    time_s, mhz = acquisition.time_s, acquisition.spectrometer_frequency_mhz
    damping = np.exp(-DAMPING * time_s / time_s[-1])
    centre_hz = float(hz_from_ppm(ppm, spectrometer_frequency_mhz=mhz))
    n_fft = FINER * fid.size
    frequency_hz = np.fft.fftfreq(n_fft, acquisition.dwell_time_s)
    near = np.abs(frequency_hz) < RANGE_PPM * mhz
    target = np.fft.fft(fid * damping * np.exp(-2j * np.pi * centre_hz * time_s), n_fft)[near]
    scale = float(np.abs(target).max())
    if not scale > 0:
        return 0.0

    def solved(parameters: FloatArray) -> tuple[ComplexArray, complex]:
        line = np.fft.fft(damping * np.exp((2j * np.pi * parameters[0] - np.pi * parameters[1]) * time_s), n_fft)[near]
        design = np.stack([line, np.ones(line.size), frequency_hz[near] / (RANGE_PPM * mhz)], axis=1)
        solution = np.linalg.lstsq(design, target, rcond=None)[0]
        return target - design @ solution, complex(solution[0])

    def misfit(parameters: FloatArray) -> FloatArray:
        difference = solved(parameters)[0] / scale
        return np.concatenate([difference.real, difference.imag])

    limit_hz = LARGEST_SHIFT_PPM * mhz
    start_hz = np.clip(frequency_hz[near][int(np.argmax(np.abs(target)))], -0.99 * limit_hz, 0.99 * limit_hz)
    found = least_squares(misfit, [start_hz, 1.0], bounds=([-limit_hz, 0.0], [limit_hz, 50.0]))
    return abs(solved(found.x)[1])

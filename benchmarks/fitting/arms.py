"""The arms of the Monte Carlo benchmark: what is true and what is fitted.

right      : metabolites, macromolecules and lipids are the fit's own signals (ideal PRESS, echo time 30 ms, first echo 12 ms), each
             macromolecule moved by up to 0.01 ppm and broadened by up to 4 Hz. Amplitude of MM09 2.5 to 6; over MM09: MM12 0.1 to 0.7,
             the others as `broad_components.RATIOS` says (uniform; the ranges hold what LCModel and Birch et al. state). Lipids in
             half of the draws: Lip13a and Lip13b 0 to 2, Lip09 0.1 to 0.6 and Lip20 0 to 0.3 of their sum.
misfit     : the fit is the same. True macromolecules are the 13 lines of Birch et al. 2017, each with its own area (SD 25 %), width
             (15 %) and position (0.01 ppm); lipid, in half of the draws, two Gaussian lines of 18 to 35 Hz near 1.29 and 0.9 ppm; true
             shifts and couplings are off the fit's by 0.0035 ppm and 0.1 Hz (SD), eight sets of them.
misfit_mm, misfit_basis : only the macromolecules and lipids of `misfit`, only its metabolites.
mm_known   : true and fitted macromolecules are the sum of the 13 lines, moved by up to 0.004 ppm and broadened by up to 2 Hz; no lipid.
foreign    : true metabolites are those MARSS simulated with the pulses of GE's PRESS (echo time 30 ms), true macromolecules the lines of
             a metabolite-nulled scan of a Philips scanner, each with its own area (SD 10 %), lipid as in `misfit`; fitted are the signals
             that this package simulates for such pulses and the default macromolecules.
foreign_mm : the same, fitted with the component of the nulled scan (no lipid then).
measured   : true metabolites are the fit's own, true macromolecules those measured for the 2016 fitting challenge, as high as the
             published lines (give or take 35 %), lipid as in `right` but for Lip20; fitted are the default macromolecules, for
             which these were no model.
hard       : `right` at 0.2 ppm, 180 degrees, a first-order phase of 3 ms and 12 Hz lines: the signal begins 3 ms after the first sample.
hard_late  : the same with the first-order phase of the other sign: the first 3 ms of the signal are at the end of the FID.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from brain_spectra import LEVELS, BroadSignals, Ingredients, Source
from broad_components import (
    DEFAULT_BROAD,
    one_profile,
    parametrised,
    published_lines,
    uniform_sds,
    varied_lines,
    with_lipid,
    without_lipid,
)
from challenge_sets import read_challenge
from reference_model import fitted_points

from mrs_pipeline.acquisition import Acquisition, ComplexArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_basis, soft_ratio_priors
from mrs_pipeline.basis.pulse_sets import slice_selection
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import perturbed, spin_system
from mrs_pipeline.commands.macromolecules import measure_macromolecules
from mrs_pipeline.fitting.fit import Fitter, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.stated import Stated

SHIFT_SD_PPM, COUPLING_SD_HZ, N_PERTURBED = 0.0035, 0.1, 8
#: Spectrometer frequency (MHz) and spectral width (Hz) of the scanners among which draws are shared out.
SCANNERS = ((123.2, 4000.0), (127.7, 2000.0), (127.7, 4000.0))
#: Field and sampling of the MARSS set (lines of singlets).
MARSS = Stated(spectrometer_frequency_mhz=127.7324368, spectral_width_hz=4000.0, echo_time_s=0.030)
MARSS_FOLDER = "basis/marss_press_ge_te30_4000hz_2048"
#: Mean height of the macromolecules measured for the challenge over that of NAA at 6 Hz: that of the published lines here.
MEASURED_HEIGHT = 0.25
NULLED, WATER = "real/philips3t_press30mm_inv600_sub01.nii.gz", "real/philips3t_press30mm_sub01_wref.nii.gz"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """Where the spectra of one scanner come from and which signals are fitted to them."""

    source: Source
    fitted: BasisSet

    def fitter(self, options: FitOptions) -> Fitter:
        """The package's fit with its default ratio priors."""
        return prepare_fitter(self.fitted, options=options, ratio_priors=soft_ratio_priors())


def sampling(frequency_mhz: float, spectral_width_hz: float) -> Acquisition:
    return Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=frequency_mhz,
        spectral_width_hz=spectral_width_hz,
        n_points=2048,
        echo_time_s=0.03,
        repetition_time_s=2.0,
    )


@cache
def own_metabolites(acquisition: Acquisition) -> BasisSet:
    """The fit's metabolites."""
    return simulate_basis(sequence="press", metabolites=tuple(LEVELS), acquisition=acquisition, echo_time_1_s=0.012)


def perturbed_metabolites(acquisition: Acquisition, *, seed: int) -> BasisSet:
    """Metabolites of other shifts and couplings."""
    rng = np.random.default_rng([seed, 77])
    systems = [perturbed(spin_system(name), rng=rng, shift_sd_ppm=SHIFT_SD_PPM, coupling_sd_hz=COUPLING_SD_HZ) for name in LEVELS]
    return simulate_basis(sequence="press", metabolites=systems, acquisition=acquisition, echo_time_1_s=0.012)


def joined(metabolites: BasisSet, names: tuple[str, ...], fids: ComplexArray) -> BasisSet:
    """Metabolites with broad components."""
    together = (*metabolites.metabolites, *names)
    return replace(metabolites, metabolites=together, fids=np.vstack([metabolites.fids, fids]), origins=())


def default_fit(metabolites: BasisSet) -> BasisSet:
    """Metabolites with the default macromolecules and lipids."""
    return joined(metabolites, DEFAULT_BROAD, macromolecule_basis(names=DEFAULT_BROAD, acquisition=metabolites.acquisition).fids)


def right(acquisition: Acquisition, data: Path | None) -> Arm:  # noqa: ARG001  the signature of the table
    own = own_metabolites(acquisition)
    return Arm(
        source=Source(metabolites=(own,), broad=parametrised(acquisition), broad_sds=uniform_sds(0.01, 4.0)), fitted=default_fit(own)
    )


def misfit(acquisition: Acquisition, data: Path | None) -> Arm:
    return misfit_basis(acquisition, data, broad=_other_lines(acquisition))


def misfit_mm(acquisition: Acquisition, data: Path | None) -> Arm:
    arm = right(acquisition, data)
    return replace(arm, source=replace(arm.source, broad=_other_lines(acquisition), broad_sds=(0.0, 0.0)))


def misfit_basis(acquisition: Acquisition, data: Path | None, *, broad: BroadSignals | None = None) -> Arm:  # noqa: ARG001
    true = tuple(perturbed_metabolites(acquisition, seed=seed) for seed in range(N_PERTURBED))
    source = Source(metabolites=true, broad=broad or parametrised(acquisition))
    return Arm(source=source, fitted=default_fit(own_metabolites(acquisition)))


def _other_lines(acquisition: Acquisition) -> BroadSignals:
    return varied_lines(published_lines(), acquisition, sds=(0.25, 0.15, 0.01))


def mm_known(acquisition: Acquisition, data: Path | None) -> Arm:  # noqa: ARG001
    own, profile = own_metabolites(acquisition), np.sum([line.fid(acquisition) for line in published_lines()], axis=0)
    return Arm(
        source=Source(metabolites=(own,), broad=one_profile(profile, acquisition), broad_sds=uniform_sds(0.004, 2.0)),
        fitted=joined(own, ("Mac",), profile[None]),
    )


def hard(acquisition: Acquisition, data: Path | None, *, delay_s: float = -3e-3) -> Arm:
    arm, shift_hz = right(acquisition, data), 0.2 * acquisition.spectrometer_frequency_mhz
    same = {"shift_hz": (shift_hz, shift_hz), "phase_rad": (np.pi, np.pi), "delay_s": (delay_s, delay_s)}
    return replace(arm, source=replace(arm.source, ingredients=Ingredients(**same)))


def hard_late(acquisition: Acquisition, data: Path | None) -> Arm:
    return hard(acquisition, data, delay_s=3e-3)


@cache
def marss(data: Path) -> BasisSet:
    """The metabolites of the other program, at the scale of ours (height of creatine)."""
    theirs = read_basis(data / MARSS_FOLDER, stated=MARSS)
    theirs = theirs.select([name for name in LEVELS if name in theirs.metabolites])
    ours, decay = own_metabolites(theirs.acquisition), np.exp(-np.pi * 4.0 * theirs.acquisition.time_s)
    heights = [np.abs(np.fft.fft(basis.select(["Cr"]).fids[0] * decay)).max() for basis in (ours, theirs)]
    return replace(theirs, fids=theirs.fids * heights[0] / heights[1])


@cache
def shaped_metabolites(acquisition: Acquisition) -> BasisSet:
    """The metabolites that this package simulates for the pulses of GE; takes half a minute."""
    pulses = slice_selection("ge_press")
    return simulate_basis(sequence="press", metabolites=tuple(LEVELS), acquisition=acquisition, echo_time_1_s=0.015, selection=pulses)


def foreign(acquisition: Acquisition, data: Path | None, *, measured: bool = False) -> Arm:  # noqa: ARG001  the set brings its own
    if data is None:
        raise SystemExit("this arm needs --data, the folder of real and independent data")
    true, found = marss(data), measure_macromolecules([data / NULLED], water=[data / WATER])
    own = shaped_metabolites(true.acquisition)
    broad = varied_lines(found.lines, true.acquisition, lorentzian_hz=found.lorentzian_hz, sds=(0.1, 0.0, 0.0))
    source = Source(metabolites=(true,), broad=without_lipid(broad) if measured else broad)
    decay = np.exp(-np.pi * found.lorentzian_hz * true.acquisition.time_s)
    component = np.sum([line.fid(true.acquisition) for line in found.lines], axis=0) * decay
    return Arm(source=source, fitted=joined(own, ("Mac",), component[None]) if measured else default_fit(own))


def foreign_mm(acquisition: Acquisition, data: Path | None) -> Arm:
    return foreign(acquisition, data, measured=True)


def measured(acquisition: Acquisition, data: Path | None) -> Arm:  # noqa: ARG001
    if data is None:
        raise SystemExit("this arm needs --data, the folder of real and independent data")
    theirs = read_challenge(data / "fitting_challenge").basis
    own = own_metabolites(replace(theirs.acquisition, repetition_time_s=2.0))
    profile, decay = theirs.select(["Mac"]).fids, np.exp(-np.pi * 6.0 * own.acquisition.time_s)
    naa = LEVELS["NAA"] * own.select(["NAA"]).fids
    heights = [np.abs(np.fft.fft(fids[0] * decay)[fitted_points(own.acquisition)]).max() for fids in (naa, profile)]
    broad = with_lipid(MEASURED_HEIGHT * heights[0] / heights[1] * profile, own.acquisition)
    return Arm(source=Source(metabolites=(own,), broad=broad), fitted=default_fit(own))


ARMS: dict[str, Callable[[Acquisition, Path | None], Arm]] = {
    "right": right,
    "misfit": misfit,
    "misfit_mm": misfit_mm,
    "misfit_basis": misfit_basis,
    "mm_known": mm_known,
    "foreign": foreign,
    "foreign_mm": foreign_mm,
    "measured": measured,
    "hard": hard,
    "hard_late": hard_late,
}
#: Arms with a line width of their own, Hz.
WIDTHS = {"hard": (12.0,), "hard_late": (12.0,)}
#: Arms whose signals have one sampling only.
ONE_SCANNER = {"foreign", "foreign_mm", "measured"}


@cache
def arms(name: str, *, data: Path | None = None) -> tuple[Arm, ...]:
    """One arm for every scanner."""
    scanners = SCANNERS[:1] if name in ONE_SCANNER else SCANNERS
    return tuple(ARMS[name](sampling(*scanner), data) for scanner in scanners)

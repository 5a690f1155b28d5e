"""The arms of the Monte Carlo benchmark: what is true and what is fitted.

right      : metabolites, macromolecules and lipids are the fit's own signals (ideal PRESS, echo time 30 ms, first echo 12 ms), each
             macromolecule moved by up to 0.01 ppm and broadened by up to 4 Hz. Amplitude of MM09 2.5 to 6; over MM09: MM12 0.1 to 0.7,
             the others as `RATIOS` says (uniform; the ranges hold what LCModel and Birch et al. state). Lipids in
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
hard       : `right` at 0.2 ppm, 180 degrees, a first-order phase of 3 ms and 12 Hz lines: the signal begins 3 ms after the first sample.
hard_late  : the same with the first-order phase of the other sign: the first 3 ms of the signal are at the end of the FID.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from brain_spectra import LEVELS, BroadSignals, Ingredients, Source

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import GaussianLine, macromolecule_basis, macromolecule_data, soft_ratio_priors
from mrs_pipeline.basis.pulse_sets import slice_selection
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import perturbed, spin_system
from mrs_pipeline.commands.macromolecules import measure_macromolecules
from mrs_pipeline.fitting.fit import Fitter, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.io.stated import Stated

DEFAULT_BROAD = (
    "MM09", "MM12", "MM14", "MM17", "MM201", "MM209", "MM225", "MM26", "MM30", "MM31", "MM37", "MM38", "MM40",
    "Lip09", "Lip13a", "Lip13b", "Lip20",
)  # fmt: skip
#: Ranges of the amplitudes of macromolecules over MM09, from MM12 to MM40.
RATIOS = np.array([
    (0.1, 0.7), (0.3, 1.2), (0.05, 0.6), (0.5, 1.3), (0.6, 1.6), (0.3, 1.2),
    (0.0, 1.5), (0.5, 1.6), (0.3, 1.4), (0.4, 1.2), (0.0, 1.5), (0.4, 1.2),
])  # fmt: skip
SHIFT_SD_PPM, COUPLING_SD_HZ, N_PERTURBED = 0.0035, 0.1, 8
#: Spectrometer frequency (MHz) and spectral width (Hz) of the scanners among which draws are shared out.
SCANNERS = ((123.2, 4000.0), (127.7, 2000.0), (127.7, 4000.0))
#: Field and sampling of the MARSS set (lines of singlets).
MARSS = Stated(spectrometer_frequency_mhz=127.7324368, spectral_width_hz=4000.0, echo_time_s=0.030)
MARSS_FOLDER = "basis/marss_press_ge_te30_4000hz_2048"
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


def moved(fids: ComplexArray, rng: np.random.Generator, *, acquisition: Acquisition, shift_ppm: float, width_hz: float) -> ComplexArray:
    """Components moved by up to `shift_ppm` and broadened by up to `width_hz`."""
    shift_hz = acquisition.spectrometer_frequency_mhz * rng.uniform(-shift_ppm, shift_ppm, (len(fids), 1))
    return np.asarray(fids * np.exp((2j * shift_hz - rng.uniform(0.0, width_hz, (len(fids), 1))) * np.pi * acquisition.time_s))


def uniform_sds(shift_ppm: float, width_hz: float) -> tuple[float, float]:
    """Standard deviations of the draws of `moved`."""
    return shift_ppm / 3**0.5, width_hz / 12**0.5


def parametrised(acquisition: Acquisition) -> BroadSignals:
    """The default components, with amplitudes of wide ranges."""
    fids = macromolecule_basis(names=DEFAULT_BROAD, acquisition=acquisition).fids

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        level = rng.uniform(2.5, 6.0)
        ratios = np.array([1.0, *rng.uniform(*RATIOS.T)])
        lipids = rng.uniform(0.0, 2.0, 2) * (rng.random() < 0.5)
        others = lipids.sum() * rng.uniform([0.1, 0.0], [0.6, 0.3])
        return moved(fids, rng, acquisition=acquisition, shift_ppm=0.01, width_hz=4.0), np.array(
            [*(level * ratios), others[0], *lipids, others[1]]
        )

    return draw


def published_lines() -> tuple[GaussianLine, ...]:
    """The 13 lines of Birch et al. 2017, three protons at 0.9 ppm."""
    lines = macromolecule_data()["measured_3t"]
    scale = 3.0 / lines[0]["area"]
    return tuple(
        GaussianLine(shift_ppm=line["shift_ppm"], fwhm_ppm=line["fwhm_hz_at_128_mhz"] / 128.0, area=scale * line["area"]) for line in lines
    )


def varied_lines(
    lines: tuple[GaussianLine, ...], acquisition: Acquisition, *, lorentzian_hz: float = 0.0, sds: tuple[float, float, float]
) -> BroadSignals:
    """Lines whose area (log), width (log) and position (ppm) vary with these standard deviations, and a lipid of two lines."""

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        area, width, position = np.array(sds)[:, None] * rng.standard_normal((3, len(lines)))
        found = [
            GaussianLine(shift_ppm=line.shift_ppm + position[k], fwhm_ppm=line.fwhm_ppm * np.exp(width[k]), area=line.area)
            for k, line in enumerate(lines)
        ]
        sizes = rng.uniform(2.5, 6.0) * np.exp(area)
        lipid_widths = rng.uniform(18.0, 35.0, 2) / acquisition.spectrometer_frequency_mhz
        found += [
            GaussianLine(shift_ppm=ppm + rng.uniform(-0.02, 0.02), fwhm_ppm=w, area=2.0)
            for ppm, w in zip((1.29, 0.9), lipid_widths, strict=True)
        ]
        lipids = (rng.random() < 0.5) * rng.uniform(0.0, 4.0) * np.array([1.0, rng.uniform(0.1, 0.6)])
        decay = np.exp(-np.pi * lorentzian_hz * acquisition.time_s)
        return np.array([line.fid(acquisition) for line in found]) * decay, np.concatenate([sizes, lipids])

    return draw


def one_profile(profile: ComplexArray, acquisition: Acquisition) -> BroadSignals:
    """One component, hardly changed."""

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        return moved(profile[None], rng, acquisition=acquisition, shift_ppm=0.004, width_hz=2.0), rng.uniform(2.5, 6.0, 1)

    return draw


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


def without_lipid(broad: BroadSignals) -> BroadSignals:
    """The same without the last two lines."""

    def draw(rng: np.random.Generator) -> tuple[ComplexArray, FloatArray]:
        fids, amplitudes = broad(rng)
        return fids[:-2], amplitudes[:-2]

    return draw


ARMS: dict[str, Callable[[Acquisition, Path | None], Arm]] = {
    "right": right,
    "misfit": misfit,
    "misfit_mm": misfit_mm,
    "misfit_basis": misfit_basis,
    "mm_known": mm_known,
    "foreign": foreign,
    "foreign_mm": foreign_mm,
    "hard": hard,
    "hard_late": hard_late,
}
#: Arms with a line width of their own, Hz.
WIDTHS = {"hard": (12.0,), "hard_late": (12.0,)}
#: Arms whose signals have one sampling only.
ONE_SCANNER = {"foreign", "foreign_mm"}


@cache
def arms(name: str, *, data: Path | None = None) -> tuple[Arm, ...]:
    """One arm for every scanner."""
    scanners = SCANNERS[:1] if name in ONE_SCANNER else SCANNERS
    return tuple(ARMS[name](sampling(*scanner), data) for scanner in scanners)

"""In-vivo-like spectra of known truth, drawn far and wide and without regard to any prior of the fit.

A draw, in units of the level of each quantity:

- amplitudes: the 21 metabolites independently and uniformly, 0.5 to 1.5 times the level of the major ones, 0.2 to 1.8 of the minor ones;
- lines: full width of NAA as asked for, 0.2 to 0.8 of it Lorentzian (uniform); metabolites but NAA off by up to 0.004 ppm and up to 0.8 Hz
  broader (uniform); macromolecules and lipids as the arm says (`arms`), times the common lineshape;
- baseline: a sum of 8 Gaussian lines of 0.8 to 2 ppm full width anywhere from -0.5 to 5 ppm, of any sign and phase, so causal and smooth;
  its real part spans (peak to peak, 0.2 to 4 ppm) 0 to 0.2 of the height of NAA;
- residual water: a Lorentzian line of 8 to 12 Hz within 0.1 ppm of 4.65 ppm, any phase, 0 to 1 of the height of NAA;
- faults: shift up to 10 Hz, zero-order phase anything, first-order phase up to 0.15 ms about the carrier.

Signal-to-noise ratio: height of NAA over the standard deviation of the noise of the real spectrum of all samples.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from reference_model import GAUSSIAN, Spread, Truth, fitted_points

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet

#: mmol/L as they appear in a spectrum of the anterior cingulate cortex.
LEVELS = {
    "Ala": 0.3, "Asc": 1.0, "Asp": 2.0, "Cr": 4.6, "PCr": 4.2, "GABA": 1.2, "Glc": 1.0, "Gln": 3.2, "Glu": 11.0, "GPC": 1.2, "PCh": 0.7,
    "GSH": 1.8, "Gly": 0.8, "Ins": 6.5, "sIns": 0.3, "Lac": 0.8, "NAA": 9.3, "NAAG": 1.4, "PE": 1.2, "Ser": 0.4, "Tau": 1.4,
}  # fmt: skip
MAJOR = {"Cr", "PCr", "Gln", "Glu", "GPC", "PCh", "Ins", "NAA", "NAAG"}
#: Draws unit-amplitude FIDs (n_broad, n_points) and their amplitudes.
BroadSignals = Callable[[np.random.Generator], tuple[ComplexArray, FloatArray]]


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """Ranges (low, high) of uniform draws; an ingredient is taken out by a range of zeros."""

    own_shift_ppm: tuple[float, float] = (-0.004, 0.004)
    own_width_hz: tuple[float, float] = (0.0, 0.8)
    lorentzian_share: tuple[float, float] = (0.2, 0.8)
    baseline: tuple[float, float] = (0.0, 0.2)
    baseline_width_ppm: tuple[float, float] = (0.8, 2.0)
    water: tuple[float, float] = (0.0, 1.0)
    shift_hz: tuple[float, float] = (-10.0, 10.0)
    phase_rad: tuple[float, float] = (-np.pi, np.pi)
    delay_s: tuple[float, float] = (-1.5e-4, 1.5e-4)
    spread: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One spectrum: what was recorded, the truth, and the standard deviation of the noise of the real spectrum.

    `mirrored` is the same spectrum with the negative of its noise.
    """

    fid: ComplexArray
    mirrored: ComplexArray
    truth: Truth
    noise_sd: float


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where spectra come from: true metabolite signals (one of several sets is drawn), broad signals, and the rest.

    `broad_sds` are the standard deviations of the shift (ppm) and width (Hz) of broad signals.
    """

    metabolites: tuple[BasisSet, ...]
    broad: BroadSignals
    broad_sds: tuple[float, float] = (0.0, 0.0)
    ingredients: Ingredients = field(default_factory=Ingredients)

    @property
    def acquisition(self) -> Acquisition:
        """Sampling of the spectra."""
        return self.metabolites[0].acquisition

    @property
    def spread(self) -> Spread:
        """Standard deviations of the draws of shifts and widths."""
        frequency, part = self.acquisition.spectrometer_frequency_mhz, self.ingredients
        shift, width = ((high - low) / np.sqrt(12.0) for low, high in (part.own_shift_ppm, part.own_width_hz))
        return Spread(
            shift_hz=shift * frequency,
            width_hz=width,
            broad_shift_hz=self.broad_sds[0] * frequency,
            broad_width_hz=self.broad_sds[1],
        )

    def draw(self, rng: np.random.Generator, *, snr: float, fwhm_hz: float) -> Draw:
        """One spectrum."""
        truth, height = self.truth(rng, fwhm_hz=fwhm_hz)
        noise_sd = height / snr
        sampling = self.acquisition
        noise = rng.standard_normal((sampling.n_points, 2)).view(complex)[:, 0] * noise_sd / np.sqrt(sampling.n_points)
        recorded = self.recorded(truth.signal, rng)
        return Draw(fid=recorded + noise, mirrored=recorded - noise, truth=truth, noise_sd=noise_sd)

    def truth(self, rng: np.random.Generator, *, fwhm_hz: float) -> tuple[Truth, float]:
        """Noise-free upright signals and the height of NAA."""
        basis = self.metabolites[int(rng.integers(len(self.metabolites)))]
        amplitudes = self._amplitudes(rng, basis.metabolites)
        gaussian, decay = self._lineshape(rng, fwhm_hz=fwhm_hz)
        metabolites = basis.fids * self._own(rng, basis.metabolites) * decay
        naa = basis.metabolites.index("NAA")
        height = naa_height(amplitudes[naa] * metabolites[naa], acquisition=self.acquisition)
        broad, broad_amplitudes = self.broad(rng)
        truth = Truth(
            names=basis.metabolites,
            amplitudes=amplitudes,
            metabolites=metabolites,
            broad_amplitudes=broad_amplitudes,
            broad=broad * decay,
            others=self._water(rng, height=height),
            baseline=self._baseline(rng, height=height),
            gaussian_hz=gaussian,
            acquisition=self.acquisition,
        )
        return truth, height

    def _amplitudes(self, rng: np.random.Generator, names: tuple[str, ...]) -> FloatArray:
        half = np.array([0.5 if name in MAJOR else 0.8 for name in names]) * self.ingredients.spread
        return np.array([LEVELS[name] for name in names]) * (1.0 + half * rng.uniform(-1.0, 1.0, len(names)))

    def _lineshape(self, rng: np.random.Generator, *, fwhm_hz: float) -> tuple[float, FloatArray]:
        """Gaussian width and decay; the width of a Voigt line by Olivero & Longbothum 1977, doi 10.1016/0022-4073(77)90161-3."""
        lorentzian = rng.uniform(*self.ingredients.lorentzian_share) * fwhm_hz
        gaussian = float(np.sqrt((fwhm_hz - 0.5346 * lorentzian) ** 2 - 0.2166 * lorentzian**2))
        time = self.acquisition.time_s
        return gaussian, np.exp(-np.pi * lorentzian * time - GAUSSIAN * gaussian**2 * time**2)

    def _own(self, rng: np.random.Generator, names: tuple[str, ...]) -> ComplexArray:
        """Factors for the shift and width of each metabolite, NAA the reference of both, (n_metabolites, n_points)."""
        others = (np.array(names) != "NAA")[:, None]
        shift_hz = rng.uniform(*self.ingredients.own_shift_ppm, (len(names), 1)) * self.acquisition.spectrometer_frequency_mhz
        width_hz = rng.uniform(*self.ingredients.own_width_hz, (len(names), 1))
        return np.asarray(np.exp(others * (2j * shift_hz - width_hz) * np.pi * self.acquisition.time_s))

    def _water(self, rng: np.random.Generator, *, height: float) -> ComplexArray:
        width_hz, offset_ppm = rng.uniform(8.0, 12.0), rng.uniform(-0.1, 0.1)
        size, phase = height * rng.uniform(*self.ingredients.water), rng.uniform(-np.pi, np.pi)
        time = self.acquisition.time_s
        decay = np.exp((2j * np.pi * offset_ppm * self.acquisition.spectrometer_frequency_mhz - np.pi * width_hz) * time)
        return np.asarray(size * np.exp(1j * phase) * decay / np.abs(decay).sum())[None]

    def _baseline(self, rng: np.random.Generator, *, height: float) -> ComplexArray:
        sampling, n = self.acquisition, 8
        position_hz = (4.65 - rng.uniform(-0.5, 5.0, (n, 1))) * sampling.spectrometer_frequency_mhz
        width_hz = rng.uniform(*self.ingredients.baseline_width_ppm, (n, 1)) * sampling.spectrometer_frequency_mhz
        sizes = rng.standard_normal((2, n)).T.copy().view(complex)[:, 0]
        lines = np.exp(2j * np.pi * position_hz * sampling.time_s - GAUSSIAN * (width_hz * sampling.time_s) ** 2)
        fid = (sizes / lines[:, 0].real / np.abs(lines).sum(axis=1)) @ lines
        span = np.ptp(np.fft.fft(fid)[fitted_points(sampling)].real)
        return np.asarray(fid * height * rng.uniform(*self.ingredients.baseline) / span)

    def recorded(self, fid: ComplexArray, rng: np.random.Generator) -> ComplexArray:
        """FIDs (..., n_points) with one shift and both phases; the first-order phase turns about the carrier."""
        sampling, part = self.acquisition, self.ingredients
        shifted = fid * np.exp(2j * np.pi * rng.uniform(*part.shift_hz) * sampling.time_s)
        frequency = np.fft.fftfreq(sampling.n_points, sampling.dwell_time_s)
        turn = np.exp(1j * (rng.uniform(*part.phase_rad) + 2 * np.pi * frequency * rng.uniform(*part.delay_s)))
        return np.asarray(np.fft.ifft(np.fft.fft(shifted) * turn))


def naa_height(fid: ComplexArray, *, acquisition: Acquisition) -> float:
    """Height of the singlet near 2.01 ppm in the real spectrum, on a grid of 0.0005 ppm."""
    ppm = 2.008 + np.linspace(-0.02, 0.02, 81)
    frequency = (4.65 - ppm) * acquisition.spectrometer_frequency_mhz
    return float(np.max((np.exp(-2j * np.pi * np.outer(frequency, acquisition.time_s)) @ fid).real))

"""Transients of known truth for the benchmarks of preprocessing, made without the generator of synthetic studies.

A brain spectrum at 3 T (PRESS, echo time 30 ms) of 21 metabolites at grey-matter levels on the measured-type macromolecule profile, with
what goes wrong in a scanner added one by one. Signal-to-noise ratios are those of one transient: height of NAA over the noise SD of
the real spectrum.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.macromolecules import measured_type_macromolecules
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.fids import Fids
from mrs_pipeline.preprocessing.session import Session

FIELD_MHZ = 127.7
REPETITION_TIME_S = 2.0
#: mmol/L, as in config/simulation/infusion.yaml.
LEVELS = {
    "Ala": 0.3, "Asc": 1.0, "Asp": 2.0, "Cr": 4.6, "PCr": 4.2, "GABA": 1.2, "Glc": 1.0, "Gln": 3.2, "Glu": 11.0, "GPC": 1.2, "PCh": 0.7,
    "GSH": 1.8, "Gly": 0.8, "Ins": 6.5, "sIns": 0.3, "Lac": 0.8, "NAA": 9.3, "NAAG": 1.4, "PE": 1.2, "Ser": 0.4, "Tau": 1.4,
}  # fmt: skip
_MACROMOLECULES = 16.0


def acquisition(n_points: int = 2048, spectral_width_hz: float = 2000.0) -> Acquisition:
    return Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=FIELD_MHZ,
        spectral_width_hz=spectral_width_hz,
        n_points=n_points,
        echo_time_s=0.03,
        repetition_time_s=REPETITION_TIME_S,
    )


@lru_cache(maxsize=4)
def _parts(sampling: Acquisition) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """Metabolites together, NAA alone and macromolecules, none of them broadened."""
    basis = simulate_basis(sequence="press", metabolites=tuple(LEVELS), acquisition=sampling, echo_time_1_s=0.012, mixing_time_s=None)
    amplitudes = np.array([LEVELS[name] for name in basis.metabolites])
    naa = LEVELS["NAA"] * basis.select(["NAA"]).fids[0]
    return amplitudes @ basis.fids, naa, _MACROMOLECULES * measured_type_macromolecules(acquisition=sampling).fids.sum(axis=0)


@dataclass(frozen=True, kw_only=True)
class Brain:
    """Noise-free signals of one voxel; ``fwhm_hz`` is the width of NAA, half of it Lorentzian."""

    fwhm_hz: float = 7.0
    sampling: Acquisition = field(default_factory=acquisition)

    @property
    def time_s(self) -> FloatArray:
        """Sampling times."""
        return self.sampling.time_s

    def decay(self) -> FloatArray:
        """Voigt decay of the metabolites."""
        lorentz = 0.5 * self.fwhm_hz
        gauss = np.sqrt((self.fwhm_hz - 0.5346 * lorentz) ** 2 - 0.2166 * lorentz**2)
        return np.asarray(np.exp(-np.pi * lorentz * self.time_s - (np.pi * gauss * self.time_s) ** 2 / (4 * np.log(2))))

    def metabolites(self) -> ComplexArray:
        """Metabolites and macromolecules, the signal that is wanted."""
        metabolites, _, macromolecules = _parts(self.sampling)
        return np.asarray(metabolites * self.decay() + macromolecules)

    def naa_height(self) -> float:
        """Height of the NAA singlet in the spectrum."""
        naa = _parts(self.sampling)[1] * self.decay()
        return float(np.abs(np.sum(naa * np.exp(-2j * np.pi * self.frequency_hz(2.008) * self.time_s))))

    def frequency_hz(self, ppm: float) -> float:
        """Frequency of a chemical shift."""
        return (4.65 - ppm) * self.sampling.spectrometer_frequency_mhz

    def line(self, ppm: float, *, width_hz: float, height: float) -> ComplexArray:
        """A Lorentzian line, height in units of NAA."""
        decay = np.exp((2j * np.pi * self.frequency_hz(ppm) - np.pi * width_hz) * self.time_s)
        return np.asarray(height * self.naa_height() / np.abs(decay).sum() * decay)

    def noise_sd(self, snr: float) -> float:
        """SD of the real part of one sample of an FID."""
        return self.naa_height() / snr / np.sqrt(self.sampling.n_points)

    def water(self, rng: np.random.Generator, n: int, *, height: float) -> ComplexArray:
        """Residual water (n, n_points): size, phase and frequency change from shot to shot (SD 15 %, 15 degrees, 2 Hz)."""
        size, phase, shift = 1 + 0.15 * rng.standard_normal(n), 0.7 + 0.26 * rng.standard_normal(n), 2.0 * rng.standard_normal(n)
        turning = np.exp(2j * np.pi * shift[:, None] * self.time_s + 1j * phase[:, None])
        return np.asarray(size[:, None] * turning * self.line(4.62, width_hz=10.0, height=height))

    def lipid_line(self) -> ComplexArray:
        """Lipid of unit size: 1.3 and 0.9 ppm, together as high as NAA."""
        return self.line(1.3, width_hz=25.0, height=1.0) + self.line(0.9, width_hz=25.0, height=0.5)

    def lipid(self, rng: np.random.Generator, n: int, *, height: float) -> ComplexArray:
        """Lipid from outside the voxel (n, n_points): size and phase change from shot to shot (SD 40 %, 30 degrees)."""
        size, phase = np.abs(1 + 0.4 * rng.standard_normal(n)), 0.5 * rng.standard_normal(n)
        return np.asarray(height * (size * np.exp(1j * phase))[:, None] * self.lipid_line())

    def noise(self, rng: np.random.Generator, shape: tuple[int, ...], *, snr: float) -> ComplexArray:
        """White noise for a signal-to-noise ratio of one transient."""
        return np.asarray(self.noise_sd(snr) * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)))

    def turned(self, fids: ComplexArray, *, shift_hz: FloatArray, phase_rad: FloatArray) -> ComplexArray:
        """FIDs with errors of frequency and phase put in."""
        return np.asarray(fids * np.exp(1j * phase_rad[:, None] + 2j * np.pi * shift_hz[:, None] * self.time_s))

    def session(self, data: ComplexArray, *, reference: ComplexArray | None = None) -> Session:
        """A session of FIDs (n_transients, n_points) or (n_coils, n_transients, n_points)."""
        dims = ("coil", "transient", "time")
        n = data.shape[-2]
        table = pd.DataFrame({"transient": np.arange(n), "run": 0, "time_s": REPETITION_TIME_S * np.arange(n)})
        water = None if reference is None else Fids(data=reference, dims=dims[-reference.ndim :], acquisition=self.sampling)
        return Session(fids=Fids(data=data, dims=dims[-data.ndim :], acquisition=self.sampling), reference=water, transients=table)


def floor(brain: Brain, *, snr: float, nuisances: tuple[ComplexArray, ...] = (), range_ppm: tuple[float, float] = (0.2, 4.2)) -> FloatArray:
    """Cramer-Rao floor of frequency (Hz) and phase (rad) of one transient of known shape.

    Free besides them: the amplitude, and amplitude, phase, frequency and width of each nuisance.
    """
    signal, time = brain.metabolites() + sum(nuisances), brain.time_s
    inside = (brain.sampling.ppm > range_ppm[0]) & (brain.sampling.ppm < range_ppm[1])
    columns = [2j * np.pi * time * signal, 1j * signal, brain.metabolites()]
    for nuisance in nuisances:
        columns += [nuisance, 1j * nuisance, 2j * np.pi * time * nuisance, time * nuisance]
    jacobian = np.stack([np.fft.fftshift(np.fft.fft(column))[inside] for column in columns], axis=1)
    scale = 1.0 / np.linalg.norm(jacobian, axis=0)
    jacobian = jacobian * scale
    information = np.real(jacobian.conj().T @ jacobian) / (brain.noise_sd(snr) ** 2 * brain.sampling.n_points)
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))[:2]) * scale[:2])

"""Metabolite-nulled scans of known content: macromolecules unlike the model's starting values, residues of known size and sign."""

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, spectrum_from_fid
from mrs_pipeline.basis.metabolite_residues import residue_basis

ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=2048, echo_time_s=0.03, repetition_time_s=2.0
)
RESIDUE_BASIS = residue_basis(sequence="press", acquisition=ACQUISITION, echo_time_1_s=0.012)

#: Shift (ppm), Gaussian full width (ppm) and area: made up, in mind what scans at 3 T look like.
LINES = [
    (0.905, 0.16, 3.0), (1.22, 0.13, 1.4), (1.395, 0.14, 2.4), (1.65, 0.18, 3.0), (1.99, 0.22, 4.5), (2.085, 0.14, 1.2), (2.26, 0.17, 2.6),
    (2.60, 0.15, 0.8), (2.955, 0.15, 1.6), (3.125, 0.15, 0.6), (3.655, 0.28, 3.2), (3.81, 0.14, 0.9), (3.95, 0.28, 1.6),
]  # fmt: skip
RESIDUES = {"CrCH3": -0.05, "CrCH2": 0.3, "NAACH3": -0.1, "NAACH2": 0.2, "tCho": -0.01, "Ins": -0.03, "Glu": -0.15, "Gln": -0.05}
#: Lorentzian and Gaussian widths every signal of a scan has besides its own, Hz.
LORENTZIAN_HZ, GAUSSIAN_HZ = 3.0, 3.0


def gaussian_fid(shift_ppm: float, fwhm_ppm: float, area: float) -> ComplexArray:
    """exp(-(pi w t)^2 / (4 ln 2)) has a spectrum of full width w."""
    time, frequency = ACQUISITION.time_s, ACQUISITION.spectrometer_frequency_mhz
    decay = np.exp(-((np.pi * fwhm_ppm * frequency * time) ** 2) / (4 * np.log(2)))
    return area * decay * np.exp(2j * np.pi * (4.65 - shift_ppm) * frequency * time)


def true_component(*, lorentzian_hz: float = 0.0) -> ComplexArray:
    """FID of the macromolecules alone, with their own widths."""
    return sum(gaussian_fid(*line) for line in LINES) * np.exp(-np.pi * lorentzian_hz * ACQUISITION.time_s)


def broadening() -> FloatArray:
    time = ACQUISITION.time_s
    return np.exp(-np.pi * LORENTZIAN_HZ * time - (np.pi * GAUSSIAN_HZ * time) ** 2 / (4 * np.log(2)))


def nulled_scan(
    seed: int,
    *,
    residues: dict[str, float] = RESIDUES,
    macromolecules: float = 1.0,
    lorentzian_hz: float = 0.0,
    snr: float = 25.0,
    phase_rad: float = 0.7,
    shift_hz: float = 2.0,
) -> ComplexArray:
    """A scan whose 0.9 ppm line is `snr` times the noise; its first sample is stored halved, as some scanners do."""
    rng = np.random.default_rng(seed)
    amplitudes = np.array([residues.get(name, 0.0) for name in RESIDUE_BASIS.metabolites])
    fid = (macromolecules * true_component(lorentzian_hz=lorentzian_hz) + amplitudes @ RESIDUE_BASIS.fids) * broadening()
    height = np.abs(spectrum_from_fid(gaussian_fid(*LINES[0]) * broadening())).max()
    noise_sd = height / snr / np.sqrt(ACQUISITION.n_points)
    fid = fid * np.exp(1j * (phase_rad + 2 * np.pi * shift_hz * ACQUISITION.time_s))
    fid[0] /= 2
    return fid + noise_sd * (rng.standard_normal(fid.size) + 1j * rng.standard_normal(fid.size))


def shape(fid: ComplexArray, low_ppm: float = 0.5, high_ppm: float = 3.6) -> FloatArray:
    """Real spectrum between two shifts; half the first sample is the constant under a discrete spectrum."""
    inside = (low_ppm < ACQUISITION.ppm) & (high_ppm > ACQUISITION.ppm)
    first = np.arange(fid.size) == 0
    return spectrum_from_fid(np.where(first, fid / 2, fid))[inside].real

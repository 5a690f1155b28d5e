"""A small basis with closed-form lines, and spectra made from it without the package's forward model."""

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet

#: ppm and protons of each line: enough overlap to matter, simple enough to write down.
LINES = {
    "NAA": ((2.01, 3.0), (2.49, 0.7), (2.67, 0.7)),
    "NAAG": ((2.04, 3.0), (2.52, 0.6), (2.72, 0.6)),
    "Cr": ((3.03, 3.0), (3.91, 2.0)),
    "GPC": ((3.21, 9.0), (3.66, 1.2)),
    "Ins": ((3.52, 2.0), (3.61, 2.0), (4.05, 1.0), (3.27, 1.0)),
    "Glu": ((2.34, 1.6), (2.37, 0.5), (2.06, 1.0), (2.12, 1.0), (3.75, 1.0)),
    "Gln": ((2.44, 1.5), (2.46, 0.6), (2.10, 1.0), (2.14, 1.0), (3.77, 1.0)),
    "GABA": ((2.28, 2.0), (1.89, 2.0), (3.01, 2.0)),
}
TRUTH = {"NAA": 10.0, "NAAG": 1.5, "Cr": 8.0, "GPC": 1.6, "Ins": 6.0, "Glu": 10.0, "Gln": 3.0, "GABA": 1.2}
FREQUENCY_MHZ = 127.7


def line_fid(ppm: float, time_s: np.ndarray) -> np.ndarray:
    return np.exp(2j * np.pi * (4.65 - ppm) * FREQUENCY_MHZ * time_s)


@pytest.fixture(scope="session")
def acquisition() -> Acquisition:
    return Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=FREQUENCY_MHZ,
        spectral_width_hz=2000.0,
        n_points=1024,
        echo_time_s=0.03,
        repetition_time_s=2.0,
    )


@pytest.fixture(scope="session")
def basis(acquisition: Acquisition) -> BasisSet:
    time_s = np.arange(1024) / 2000.0
    fids = [sum(protons * line_fid(ppm, time_s) for ppm, protons in lines) for lines in LINES.values()]
    return BasisSet(metabolites=tuple(LINES), fids=np.array(fids), acquisition=acquisition, sequence="closed form")


@pytest.fixture(scope="session")
def make_fid():
    """FID with given widths, shift, phase, noise (SD in the real spectrum relative to the NAA peak) and a broad hump as baseline."""

    def make(
        *,
        gaussian_hz=4.0,
        lorentzian_hz=3.0,
        shift_hz=0.0,
        phase_rad=0.0,
        delay_s=0.0,
        snr=np.inf,
        hump=0.0,
        scale=1.0,
        seed=0,
        truth=TRUTH,
    ):
        time_s = np.arange(1024) / 2000.0
        envelope = np.exp(-np.pi * lorentzian_hz * time_s - (np.pi * gaussian_hz * time_s) ** 2 / (4 * np.log(2)))
        clean = sum(truth[name] * protons * line_fid(ppm, time_s) for name, lines in LINES.items() for ppm, protons in lines) * envelope
        peak = truth["NAA"] * 3.0 * np.fft.fft(envelope).real.max()
        broad = hump * line_fid(2.9, time_s) * np.exp(-((np.pi * 150.0 * time_s) ** 2) / (4 * np.log(2)))
        rng = np.random.default_rng(seed)
        noise = (rng.standard_normal(1024) + 1j * rng.standard_normal(1024)) * peak / snr / np.sqrt(1024)
        frequency_hz = np.fft.fftfreq(1024, 1 / 2000.0)
        pivot_hz = (4.65 - 2.2) * FREQUENCY_MHZ
        signal = (
            np.fft.ifft(np.fft.fft(clean + broad) * np.exp(2j * np.pi * (frequency_hz - pivot_hz) * delay_s)) if delay_s else clean + broad
        )
        return scale * (signal * np.exp(1j * phase_rad + 2j * np.pi * shift_hz * time_s) + noise)

    return make

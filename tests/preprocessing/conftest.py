"""A brain spectrum of singlets and broad lines, made here without any code of the package but its conventions."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.fids import Fids
from mrs_pipeline.preprocessing.session import Session

#: ppm, amplitude of the FID, linewidth beyond that of NAA in Hz.
LINES = (
    *((2.01, 3.0, 0.0), (2.05, 0.4, 10.0), (2.35, 0.8, 15.0), (2.12, 0.5, 15.0), (2.60, 0.3, 8.0), (2.49, 0.3, 8.0)),
    *((3.03, 2.2, 0.0), (3.22, 1.3, 0.0), (3.56, 0.9, 5.0), (3.62, 0.8, 5.0), (3.75, 1.2, 8.0), (3.93, 1.4, 0.0), (4.05, 0.4, 6.0)),
    *((0.90, 2.0, 22.0), (1.30, 1.5, 22.0), (1.43, 0.8, 20.0), (1.70, 0.7, 20.0), (2.08, 1.3, 20.0), (3.00, 0.6, 20.0)),
)


@dataclass
class Brain:
    """Signals at 3T in the convention of the package: a resonance at ppm turns as exp(2 pi i (4.65 - ppm) SF t)."""

    field_mhz: float = 127.7
    width_hz: float = 2000.0
    n_points: int = 2048
    linewidth_hz: float = 8.0
    acquisition: Acquisition = field(init=False)

    def __post_init__(self):
        self.acquisition = Acquisition(
            nucleus="1H",
            spectrometer_frequency_mhz=self.field_mhz,
            spectral_width_hz=self.width_hz,
            n_points=self.n_points,
            echo_time_s=0.03,
            repetition_time_s=2.0,
        )

    @property
    def time_s(self):
        return np.arange(self.n_points) / self.width_hz

    @property
    def ppm(self):
        """Descending axis of fftshift(fft(fid))."""
        return 4.65 - np.fft.fftshift(np.fft.fftfreq(self.n_points, 1 / self.width_hz)) / self.field_mhz

    def line(self, ppm, *, linewidth_hz, amplitude=1.0):
        return amplitude * np.exp((2j * np.pi * (4.65 - ppm) * self.field_mhz - np.pi * linewidth_hz) * self.time_s)

    def metabolites(self):
        return sum(self.line(ppm, linewidth_hz=self.linewidth_hz + extra, amplitude=area) for ppm, area, extra in LINES)

    def metabolites_without_singlets(self):
        """The broad lines alone: macromolecules, as wide as they are."""
        return sum(self.line(ppm, linewidth_hz=extra, amplitude=area) for ppm, area, extra in LINES if extra >= 20)

    @property
    def naa_height(self):
        """Height of the NAA line in the spectrum."""
        return 3.0 / (1 - np.exp(-np.pi * self.linewidth_hz / self.width_hz))

    def noise_sd(self, snr):
        """SD of the real part of an FID sample for which the NAA height is snr times the SD of the real spectrum."""
        return self.naa_height / snr / np.sqrt(self.n_points)

    def noise(self, rng, shape, sd):
        return sd * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))

    def water(self, rng, n_transients, *, height, jitter=0.15):
        """Residual water ``height`` times NAA that changes in size, phase and frequency from shot to shot."""
        size = height * self.naa_height * (1 - np.exp(-np.pi * 10.0 / self.width_hz)) * (1 + jitter * rng.standard_normal(n_transients))
        phase = 0.7 + 2 * jitter * rng.standard_normal(n_transients)
        shift = 3.0 + 20 * jitter * rng.standard_normal(n_transients)
        turning = (2j * np.pi * shift[:, None] - np.pi * 10.0) * self.time_s
        return (size * np.exp(1j * phase))[:, None] * np.exp(turning)

    def transients(self, rng, *, shift_hz, snr, water=1.0, phase_sd_deg=8.0):
        """FIDs (n_transients, n_points), their phases (rad) and the noise SD of a sample."""
        n = len(shift_hz)
        phase = np.radians(phase_sd_deg) * rng.standard_normal(n)
        ideal = self.metabolites() + self.water(rng, n, height=water)
        fids = ideal * np.exp(1j * phase[:, None] + 2j * np.pi * np.asarray(shift_hz)[:, None] * self.time_s)
        sd = self.noise_sd(snr)
        return fids + self.noise(rng, fids.shape, sd), phase, sd

    def fids(self, data, dims=("transient", "time")):
        return Fids(data=data, dims=dims, acquisition=self.acquisition)

    def session(self, data, *, reference=None):
        """A session of FIDs (n_transients, n_points) or (n_coils, n_transients, n_points)."""
        dims = ("coil", "transient", "time")[-data.ndim :]
        n = data.shape[-2]
        table = pd.DataFrame({"transient": np.arange(n), "run": np.zeros(n, dtype=int), "time_s": 2.0 * np.arange(n)})
        if reference is not None:
            reference = self.fids(reference, ("coil", "transient", "time")[-reference.ndim :] if reference.ndim > 1 else ("time",))
        return Session(fids=self.fids(data, dims), reference=reference, transients=table)


@pytest.fixture
def brain():
    return Brain()


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)

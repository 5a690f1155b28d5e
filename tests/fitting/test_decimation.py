"""FIDs reduced to a band against the whole transform."""

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.fitting.decimation import decimate

GAUSSIAN = np.pi**2 / (4.0 * np.log(2.0))


def sampled(*, n_points: int, spectral_width_hz: float, frequency_mhz: float = 127.7) -> Acquisition:
    return Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=frequency_mhz,
        spectral_width_hz=spectral_width_hz,
        n_points=n_points,
        echo_time_s=0.03,
        repetition_time_s=2.0,
    )


def lines(acquisition: Acquisition) -> np.ndarray:
    """Undamped lines inside the band, at its edge, and far outside (water side and beyond)."""
    frequency = (4.65 - np.array([0.9, 2.0, 3.03, 3.95, 4.4, 6.0])) * acquisition.spectrometer_frequency_mhz
    return np.exp(2j * np.pi * frequency[:, None] * acquisition.time_s)


@pytest.mark.parametrize(("n_points", "spectral_width_hz"), [(1024, 2000.0), (2048, 4000.0), (2560, 5000.0)])
@pytest.mark.parametrize(
    ("lorentzian_hz", "gaussian_hz", "shift_hz"), [(2.0, 4.0, 0.0), (8.0, 1.0, 5.0), (0.5, 12.0, -8.0), (20.0, 20.0, 2.0)]
)
def test_spectra_are_those_of_the_whole_transform(n_points, spectral_width_hz, lorentzian_hz, gaussian_hz, shift_hz) -> None:
    acquisition = sampled(n_points=n_points, spectral_width_hz=spectral_width_hz)
    mask = (acquisition.ppm > 0.2) & (acquisition.ppm < 4.0)

    def modulation(time_s: np.ndarray) -> np.ndarray:
        return np.exp((2j * np.pi * shift_hz - np.pi * lorentzian_hz) * time_s - GAUSSIAN * (gaussian_hz * time_s) ** 2)

    fids = lines(acquisition)
    whole = np.fft.fftshift(np.fft.fft(fids * modulation(acquisition.time_s)), axes=-1)
    reduced = decimate(fids, acquisition=acquisition, mask=mask)
    assert reduced.fids.shape[1] < 0.4 * n_points
    found = reduced.spectra(reduced.fids * modulation(reduced.time_s)).T
    heights = np.abs(whole).max(axis=1, keepdims=True)
    # the last points at the edge of the band are the worst; noise is ten times larger in the best of spectra
    np.testing.assert_allclose(found / heights, whole[:, mask] / heights, atol=1e-4)


def test_nothing_is_reduced_where_the_band_is_all() -> None:
    n_points = 256
    acquisition = sampled(n_points=n_points, spectral_width_hz=600.0)
    mask = np.ones(n_points, dtype=bool)
    reduced = decimate(lines(acquisition), acquisition=acquisition, mask=mask)
    whole = np.fft.fftshift(np.fft.fft(lines(acquisition)), axes=-1)
    np.testing.assert_allclose(reduced.spectra(reduced.fids).T, whole, atol=1e-9 * np.abs(whole).max())

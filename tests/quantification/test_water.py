"""The signal of water at t = 0 against FIDs whose start is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.io.nifti_mrs import read_fids
from mrs_pipeline.quantification.water import measure_water

ACQUISITION = Acquisition(
    nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.03, repetition_time_s=3.0
)
AMPLITUDE = 7.0e4

#: Decays of one at t = 0: (Lorentzian widths, Gaussian width, offsets and shares of compartments), Hz.
DECAYS = {
    "Lorentz 8 Hz": ([8.0], 0.0, [0.0], [1.0]),
    "Gauss 8 Hz": ([0.0], 8.0, [0.0], [1.0]),
    "Voigt 4 and 6 Hz": ([4.0], 6.0, [0.0], [1.0]),
    "narrow 2 Hz": ([2.0], 0.0, [0.0], [1.0]),
    "broad 15 and 8 Hz": ([15.0], 8.0, [0.0], [1.0]),
    "three compartments": ([6.0, 9.0, 3.0], 0.0, [0.0, 3.0, -5.0], [0.60, 0.28, 0.12]),
}
#: Singlets (ppm, protons x mmol/L, width in Hz) and macromolecules that an unsuppressed spectrum holds besides water.
OTHERS = [(2.01, 30, 6), (3.03, 27, 6), (3.21, 15, 6), (3.92, 18, 6), (3.55, 36, 6), (2.35, 30, 6), (3.75, 20, 6)]
OTHERS += [(0.9, 30, 25), (1.2, 20, 25), (1.4, 20, 25), (1.7, 15, 25), (2.05, 30, 25), (3.0, 20, 25), (3.8, 30, 25)]


def decay(name: str, *, acquisition: Acquisition = ACQUISITION) -> np.ndarray:
    lorentz, gauss, offsets, shares = DECAYS[name]
    t = acquisition.time_s
    lines = [share * np.exp((2j * offset - width) * np.pi * t) for width, offset, share in zip(lorentz, offsets, shares, strict=True)]
    return np.sum(lines, axis=0) * np.exp(-((np.pi * gauss * t) ** 2) / (4 * np.log(2)))


def others(*, acquisition: Acquisition = ACQUISITION) -> np.ndarray:
    t, mhz = acquisition.time_s, acquisition.spectrometer_frequency_mhz
    return np.sum([size * np.exp((2j * (4.65 - ppm) * mhz - width) * np.pi * t) for ppm, size, width in OTHERS], axis=0)


def noisy(signal: np.ndarray, *, snr: float, rng: np.random.Generator, n_transients: int = 1) -> np.ndarray:
    """Transients with noise of AMPLITUDE / snr in the real part of a sample."""
    noise = rng.standard_normal((2, n_transients, signal.size)) * AMPLITUDE / snr
    return signal + noise[0] + 1j * noise[1]


def reference(data: np.ndarray, *, acquisition: Acquisition = ACQUISITION) -> Fids:
    return Fids(data=data, dims=("time",) if data.ndim == 1 else ("transient", "time"), acquisition=acquisition)


@pytest.mark.parametrize("name", DECAYS)
@pytest.mark.parametrize("spectral_width_hz", [2000.0, 12000.0])
def test_any_lineshape_is_extrapolated_to_its_start(name: str, spectral_width_hz: float) -> None:
    acquisition = replace(ACQUISITION, spectral_width_hz=spectral_width_hz, n_points=int(spectral_width_hz / 2))
    water = measure_water(reference(AMPLITUDE * decay(name, acquisition=acquisition), acquisition=acquisition))
    assert water.amplitude == pytest.approx(AMPLITUDE, rel=3e-4)
    assert (water.n_transients, water.echo_time_s, water.repetition_time_s) == (1, 0.03, 3.0)


@pytest.mark.parametrize("name", DECAYS)
def test_metabolites_and_macromolecules_hardly_matter(name: str) -> None:
    """They are 0.5 % of the first point; the mean of the first points would be wrong by more than twice that."""
    fid = AMPLITUDE * decay(name) + others()
    assert abs(fid[0]) / AMPLITUDE > 1.004
    assert measure_water(reference(fid)).amplitude == pytest.approx(AMPLITUDE, rel=2e-3)


@pytest.mark.parametrize("name", ["Lorentz 8 Hz", "Voigt 4 and 6 Hz", "broad 15 and 8 Hz"])
@pytest.mark.parametrize("n_transients", [1, 4])
def test_errors_are_as_large_as_stated(name: str, n_transients: int) -> None:
    """Noise of 1 % of the first point: far above the floor of the stated error."""
    rng = np.random.default_rng(20)
    found = [measure_water(reference(noisy(AMPLITUDE * decay(name), snr=100, rng=rng, n_transients=n_transients))) for _ in range(150)]
    z = [(water.amplitude - AMPLITUDE) / water.sd for water in found]
    assert np.mean(z) == pytest.approx(0, abs=0.3)
    assert np.sqrt(np.mean(np.square(z))) == pytest.approx(1.0, abs=0.22)


def test_phase_frequency_and_eddy_currents_change_nothing() -> None:
    t = ACQUISITION.time_s
    fid = AMPLITUDE * decay("Voigt 4 and 6 Hz")
    turned = fid * np.exp(1j * (2.0 + 2 * np.pi * 17.0 * t + 0.6 * np.exp(-t / 0.02)))
    assert measure_water(reference(turned)).amplitude == pytest.approx(measure_water(reference(fid)).amplitude, rel=1e-9)


def test_transients_of_different_phase_do_not_cancel() -> None:
    fids = np.stack([AMPLITUDE * decay("Lorentz 8 Hz") * np.exp(1j * phase) for phase in (0.0, 2.0, 4.0)])
    assert measure_water(reference(fids)).amplitude == pytest.approx(AMPLITUDE, rel=1e-3)


def test_distorted_first_points_do_not_count() -> None:
    fid = AMPLITUDE * decay("Voigt 4 and 6 Hz")
    fid[:2] *= [0.5, 1.2]
    assert measure_water(reference(fid)).amplitude == pytest.approx(AMPLITUDE, rel=3e-4)


def test_scatter_between_transients_is_in_the_error() -> None:
    """Four transients of 98, 100, 101 and 101 %: SD 1.414 %, standard error 0.707 %, and the floor of 0.1 % beside it."""
    fids = np.stack([AMPLITUDE * part * decay("Lorentz 8 Hz") for part in (0.98, 1.00, 1.01, 1.01)])
    water = measure_water(reference(fids))
    assert water.amplitude == pytest.approx(AMPLITUDE, rel=1e-6)
    assert 100 * water.sd / water.amplitude == pytest.approx(np.hypot(0.7071, 0.1), rel=1e-3)


def test_a_broken_transient_is_left_out() -> None:
    fids = np.stack([AMPLITUDE * decay("Lorentz 8 Hz"), np.full(1024, np.nan, dtype=complex)])
    water = measure_water(reference(fids))
    assert water.n_transients == 1
    assert water.amplitude == pytest.approx(AMPLITUDE, rel=1e-3)


def test_scale_follows_the_data() -> None:
    fid = noisy(AMPLITUDE * decay("Voigt 4 and 6 Hz"), snr=2000, rng=np.random.default_rng(1))
    one, tiny = measure_water(reference(fid)), measure_water(reference(fid * 1e-12))
    assert tiny.amplitude == pytest.approx(one.amplitude * 1e-12, rel=1e-9)
    assert tiny.sd == pytest.approx(one.sd * 1e-12, rel=1e-6)


@pytest.mark.parametrize(
    ("fids", "message"),
    [
        (Fids(data=np.ones((2, 1, 1024), complex), dims=("coil", "transient", "time"), acquisition=ACQUISITION), "combine its coils first"),
        (reference(np.full(1024, np.nan, dtype=complex)), "no transient whose values are all finite"),
        (reference(np.zeros(1024, dtype=complex)), "holds no water"),
        (reference(np.random.default_rng(1).standard_normal(1024) + 0j), "holds no water"),
        (reference(AMPLITUDE * np.exp(-400 * ACQUISITION.time_s) + 0j), "decays within .* samples"),
        (reference(np.ones(4, complex), acquisition=ACQUISITION.with_n_points(4)), "holds no water"),
    ],
)
def test_what_is_no_water_reference_is_named(fids: Fids, message: str) -> None:
    with pytest.raises(DataError, match=message):
        measure_water(fids)


@pytest.mark.external_data
@pytest.mark.parametrize("name", ["philips3t_press30_dbiex_wref", "philips3t_press30mm_sub01_wref"])
def test_measured_references_start_where_another_estimate_says(external_data: Path, name: str) -> None:
    """Their first point is 43 % too low and the second 4 % too high; a Voigt decay fitted to 2 to 40 ms knows nothing of them."""
    fids = read_fids(external_data / "real" / f"{name}.nii.gz", allow_missing=True)
    magnitude, time_s = np.abs(np.asarray(fids.data).reshape(-1)), fids.acquisition.time_s
    amplitude = measure_water(fids.with_data(fids.data.reshape(-1), dims=("time",))).amplitude
    assert magnitude[0] / amplitude < 0.6
    used = (time_s > 0.002) & (time_s < 0.04)
    other = curve_fit(lambda t, a, b, c: a * np.exp(-b * t - c * t**2), time_s[used], magnitude[used] / magnitude[4], p0=[1.0, 20.0, 100.0])
    assert amplitude == pytest.approx(other[0][0] * magnitude[4], rel=0.01)

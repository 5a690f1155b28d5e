"""The three strong singlets of the brain, and where a spectrum has them."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm
from mrs_pipeline.preprocessing.noise import noise_sd

#: Chemical shift (ppm) and relative area of the singlets of tNAA, tCr and tCho: shifts of Govindaraju et al. 2000, NMR Biomed 13:129,
#: areas as protons times typical grey-matter concentrations.
SINGLETS = ((2.008, 3.0), (3.027, 2.2), (3.21, 1.3))


@dataclass(frozen=True, kw_only=True)
class SingletMatch:
    """Where and with which phase the singlets were found; ``score`` is the matched signal, ``size``, in units of its own noise SD."""

    frequency_shift_hz: float
    phase_rad: float
    score: float
    size: float


def singlet_fid(acquisition: Acquisition, *, linewidth_hz: float) -> ComplexArray:
    """FID of the three singlets with Lorentzian lines, shape (n_points,)."""
    time = acquisition.time_s
    fid = np.zeros(acquisition.n_points, dtype=np.complex128)
    for ppm, area in SINGLETS:
        frequency = hz_from_ppm(ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
        fid += area * np.exp(2j * np.pi * frequency * time)
    return fid * np.exp(-np.pi * linewidth_hz * time)


def match_singlets(fid: ComplexArray, *, acquisition: Acquisition, max_shift_ppm: float, linewidth_hz: float) -> SingletMatch:
    """Shift and phase at which the singlets explain most of a spectrum: maximum of ``|sum conj(template) fid exp(-2 pi i shift t)|``.

    Water does not matter: over the range searched its frequency meets nothing in the template.
    """
    template = singlet_fid(acquisition, linewidth_hz=linewidth_hz)
    shifts, correlation = correlation_over_shifts(
        (template.conj() * fid)[None],
        dwell_time_s=acquisition.dwell_time_s,
        max_shift_hz=max_shift_ppm * acquisition.spectrometer_frequency_mhz,
    )
    shift, _ = peak_of(shifts, correlation)
    value = np.vdot(template, fid * np.exp(-2j * np.pi * shift[0] * acquisition.time_s))
    noise = float(noise_sd(fid, acquisition=acquisition)) * float(np.linalg.norm(template))
    size = float(np.abs(value))
    return SingletMatch(
        frequency_shift_hz=float(shift[0]), phase_rad=float(np.angle(value)), score=size / noise if noise > 0 else 0.0, size=size
    )


def correlation_over_shifts(product: ComplexArray, *, dwell_time_s: float, max_shift_hz: float) -> tuple[FloatArray, ComplexArray]:
    """``sum_t product(t) exp(-2 pi i shift t)`` on a grid of shifts: (n_shifts,) and (n_rows, n_shifts).

    The grid is twice as fine as the FFT's own, so that a parabola through three points finds the maximum.
    """
    n = 2 * product.shape[-1]
    shifts = np.fft.fftfreq(n, dwell_time_s)
    inside = np.flatnonzero(np.abs(shifts) <= max(max_shift_hz, 2.0 / (n * dwell_time_s)))
    inside = inside[np.argsort(shifts[inside])]
    return shifts[inside].astype(np.float64), np.fft.fft(product, n=n, axis=-1)[:, inside]


def peak_of(shifts: FloatArray, correlation: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Shift (Hz) of the highest magnitude of each row, refined by a parabola, and that magnitude; shape (n_rows,) each."""
    magnitude = np.abs(correlation)
    top = np.clip(np.argmax(magnitude, axis=1), 1, magnitude.shape[1] - 2)
    rows = np.arange(len(top))
    left, middle, right = (magnitude[rows, top + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    safe = np.where(curvature < 0, curvature, -np.inf)
    offset = np.clip(0.5 * (left - right) / safe, -1.0, 1.0)
    return np.asarray(shifts[top] + offset * (shifts[1] - shifts[0]), dtype=np.float64), middle

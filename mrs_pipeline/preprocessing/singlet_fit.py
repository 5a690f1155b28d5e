"""Phase and frequency of a spectrum from a model of its singlets, each upon a background of its own.

Around each singlet the rest of the spectrum (macromolecules, multiplets, tails of other lines) is a complex polynomial, so it may have
any shape and phase; what remains is narrow, and its phase and place are those of the lines. Amplitudes and background are solved exactly
for each trial of frequency, widths and phase (variable projection: Golub & Pereyra 1973, SIAM J Numer Anal 10:413).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray, hz_from_ppm, spectrum_from_fid

#: Singlets (ppm) with the lines that belong to each (ppm, relative size): NAA and NAAG, Cr and PCr, tCho, Cr and PCr again.
#: Shifts: Govindaraju et al. 2000, NMR Biomed 13:129; the ratio is LCModel's (Provencher 1993, Magn Reson Med 30:672).
_LINES: tuple[tuple[tuple[float, float], ...], ...] = (
    ((2.008, 1.0), (2.042, 0.15)),
    ((3.027, 0.5), (3.029, 0.5)),
    ((3.21, 1.0),),
    ((3.913, 0.5), (3.930, 0.5)),
)
_OWN_SHIFT_PPM = 0.02
#: Degree of the background's polynomial in the span of one singlet; one more where two spans have grown together.
_DEGREE = 2
#: Fewest points between a singlet and the edge of its span.
_MIN_POINTS = 5


@dataclass(frozen=True, kw_only=True)
class SingletFit:
    """Frequency (Hz) of the spectrum above its place, its zero-order phase (rad), and the heights of the singlets, tNAA first."""

    frequency_shift_hz: float
    phase_rad: float
    heights: FloatArray


def fit_singlets(
    fid: ComplexArray, *, acquisition: Acquisition, start_hz: float, start_rad: float, half_width_ppm: float, max_move_hz: float = 6.0
) -> SingletFit:
    """The singlets of tNAA, tCr (twice) and tCho with common width and phase, near a start good to a linewidth and 60 degrees.

    tNAA is the reference of the shift; tCr and tCho may lie up to 0.02 ppm off their places. The phase is such that tCr and tCho are
    upright; tNAA may come out negative.
    """
    scale = float(np.abs(spectrum_from_fid(fid)).max()) or 1.0
    bins, background = _spans(acquisition, shift_hz=start_hz, half_width_ppm=half_width_ppm)
    data = spectrum_from_fid(fid)[bins] / scale
    # what the background explains is taken out once: it depends on nothing that is searched for
    columns = np.linalg.qr(np.concatenate([_real(background.T).T, _real(1j * background.T).T], axis=1))[0]

    def solved(trial: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residual and heights for a shift, widths, a phase, and the own shifts of tCr and tCho."""
        own_hz = np.array([0.0, trial[4], trial[5], trial[4]])
        lines = _lines(acquisition, shifts_hz=trial[0] + own_hz, lorentzian_hz=trial[1], gaussian_hz=trial[2])[:, bins]
        design, wanted = _free_of(columns, _real(lines).T), _free_of(columns, _real(data * np.exp(-1j * trial[3])))
        heights = np.asarray(np.linalg.lstsq(design, wanted, rcond=None)[0], dtype=np.float64)
        return np.asarray(wanted - design @ heights, dtype=np.float64), heights

    def residual(trial: FloatArray) -> FloatArray:
        return solved(trial)[0]

    own = _OWN_SHIFT_PPM * acquisition.spectrometer_frequency_mhz
    reach = np.array([max_move_hz, 15.0, 15.0, np.pi, own, own])
    start = np.array([start_hz, 15.0, 15.0, start_rad, 0.0, 0.0])
    begin = start + np.array([0.0, -13.0, -11.0, 0.0, 0.0, 0.0])
    best = least_squares(residual, begin, bounds=(start - reach, start + reach), x_scale=[1.0, 2.0, 2.0, 0.3, 1.0, 1.0])
    heights = solved(best.x)[1]
    sign = -1.0 if heights[1:3].sum() < 0 else 1.0
    phase = float(np.angle(sign * np.exp(1j * best.x[3])))
    return SingletFit(frequency_shift_hz=float(best.x[0]), phase_rad=phase, heights=np.asarray(sign * scale * heights))


def _real(spectra: ComplexArray) -> FloatArray:
    return np.concatenate([spectra.real, spectra.imag], axis=-1)


def _free_of(columns: FloatArray, values: FloatArray) -> FloatArray:
    """Values without what orthonormal columns explain of them."""
    return np.asarray(values - columns @ (columns.T @ values))


def _spans(acquisition: Acquisition, *, shift_hz: float, half_width_ppm: float) -> tuple[BoolArray, ComplexArray]:
    """Bins about the singlets, and the polynomials of each span, shape (n_bins, n_columns)."""
    step_ppm = acquisition.spectral_width_hz / acquisition.n_points / acquisition.spectrometer_frequency_mhz
    half = max(half_width_ppm, _MIN_POINTS * step_ppm)
    ppm = acquisition.ppm + shift_hz / acquisition.spectrometer_frequency_mhz
    near = np.array([np.abs(ppm - lines[0][0]) <= half for lines in _LINES])
    bins = np.asarray(near.any(axis=0))
    inside = np.flatnonzero(bins)
    spans = np.split(np.arange(inside.size), np.flatnonzero(np.diff(inside) > 1) + 1)
    columns = []
    for span in spans:
        merged = span.size * step_ppm > 3 * half
        for degree in range(_DEGREE + 1 + merged):
            column = np.zeros(inside.size, dtype=np.complex128)
            column[span] = np.linspace(-1.0, 1.0, span.size) ** degree
            columns.append(column)
    return bins, np.stack(columns, axis=1)


def _lines(acquisition: Acquisition, *, shifts_hz: FloatArray, lorentzian_hz: float, gaussian_hz: float) -> ComplexArray:
    """Spectra of the singlets at unit height, shape (n_singlets, n_points), each with its shift."""
    time = acquisition.time_s
    decay = np.exp(-np.pi * lorentzian_hz * time - (np.pi * gaussian_hz * time) ** 2 / (4 * np.log(2)))
    fids = np.zeros((len(_LINES), acquisition.n_points), dtype=np.complex128)
    for row, lines in enumerate(_LINES):
        for ppm, size in lines:
            hz = float(hz_from_ppm(ppm, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)) + float(shifts_hz[row])
            fids[row] += size * np.exp(2j * np.pi * hz * time)
    return np.asarray(spectrum_from_fid(fids * decay) / decay.sum())

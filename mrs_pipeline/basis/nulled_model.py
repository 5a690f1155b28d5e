"""Model of a metabolite-nulled spectrum: broad lines of macromolecules, narrow residues of metabolites of either sign, a stiff baseline.

Macromolecules have T1 near 0.3 s, metabolites above 0.8 s: after inversion and a delay that nulls most metabolites the broad lines remain
and with them small metabolite residues, positive where T1 is shorter (creatine CH2), negative where it is longer (Cudalbu et al. 2021,
doi:10.1002/nbm.4393). Both are fitted together, since either alone would take what belongs to the other, and the residues subtracted, as
in Hui et al. 2022 (doi:10.1101/2021.08.27.457961).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mrs_pipeline.acquisition import CARRIER_PPM, Acquisition, BoolArray, ComplexArray, FloatArray, hz_from_ppm, spectrum_from_fid
from mrs_pipeline.basis.macromolecules import MEASURED_AT_MHZ, GaussianLine

#: Decay of a Gaussian line of full width w (Hz): exp(-_GAUSSIAN (w t)^2).
_GAUSSIAN = np.pi**2 / (4 * np.log(2))

#: Parameters common to all signals: name -> start (also the mean of the prior), prior SD, lower and upper limit. The narrow line of the
#: residues is Voigt and also broadens the macromolecules; `line_lorentzian_hz` is what homogeneous width macromolecules have besides.
COMMON: dict[str, tuple[float, float, float, float]] = {
    "phase_rad": (0.0, np.inf, -np.inf, np.inf),
    "delay_s": (0.0, 2e-4, -1e-3, 1e-3),
    "shift_hz": (0.0, np.inf, -np.inf, np.inf),
    "lorentzian_hz": (3.0, 1.0, 0.5, 12.0),
    "gaussian_hz": (3.0, 1.0, 0.0, 12.0),
    "line_lorentzian_hz": (5.0, 3.0, 0.0, 20.0),
}
PHASE, DELAY, SHIFT, LORENTZIAN, GAUSSIAN, LINE_LORENTZIAN = range(len(COMMON))
#: Lines of macromolecules lie within this distance of where they were found before, ppm: prior SD and limit ...
SHIFT_SD_PPM, SHIFT_LIMIT_PPM = 0.012, 0.03
#: ... and have about their width: SD of the logarithm, smallest and largest ratio. A line that may become much narrower takes the
#: place of a residue, one that may become much broader that of the baseline.
LOG_WIDTH_SD, WIDTH_RATIOS = 0.3, (0.65, 2.0)
#: Lines that were found narrower before (beside others, 1.63 and 2.61 ppm) are expected to have at least this width at 128 MHz, Hz.
LEAST_WIDTH_HZ = 15.0
#: Lorentzian width a residue has beyond the common line (creatine CH2 has a shorter T2 than NAA): mean of the prior, SD, limits, Hz.
OWN_LORENTZIAN_HZ = (0.0, 2.0, 0.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class NulledModel:
    """What does not depend on the parameters: data in units of noise on the fitted points, start of the lines, residues of unit amplitude.

    `mask` picks the fitted points of the spectrum; `residues` has shape (n_residues, n_points), `baseline` (n_fitted, n_baseline).
    """

    acquisition: Acquisition
    mask: BoolArray
    data: ComplexArray
    lines: tuple[GaussianLine, ...]
    residues: ComplexArray
    baseline: ComplexArray

    @cached_property
    def frequency_hz(self) -> FloatArray:
        """Frequencies of the fitted points."""
        return self.acquisition.frequency_hz[self.mask]

    @cached_property
    def priors(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Start (and mean of the prior), SD, lower and upper limit of every non-linear parameter."""
        least_ppm, n_lines = LEAST_WIDTH_HZ / MEASURED_AT_MHZ, len(self.lines)
        widths_ppm = np.array([max(line.fwhm_ppm, least_ppm) for line in self.lines])
        widths = np.log(widths_ppm * self.acquisition.spectrometer_frequency_mhz)
        common = np.array(list(COMMON.values())).T
        positions = np.array([0.0, SHIFT_SD_PPM, -SHIFT_LIMIT_PPM, SHIFT_LIMIT_PPM])[:, None] * np.ones(n_lines)
        own = np.vstack([widths, np.full(n_lines, LOG_WIDTH_SD), *(widths + np.log(ratio) for ratio in WIDTH_RATIOS)])
        broadening = np.array(OWN_LORENTZIAN_HZ)[:, None] * np.ones(len(self.residues))
        mean, sd, lower, upper = np.concatenate([common, positions, own, broadening], axis=1)
        return mean, sd, lower, upper

    def split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Offsets (ppm) and Gaussian widths (Hz) of the lines, own Lorentzian widths (Hz) of the residues."""
        first, n_lines = len(COMMON), len(self.lines)
        return theta[first : first + n_lines], np.exp(theta[first + n_lines : first + 2 * n_lines]), theta[first + 2 * n_lines :]

    def line_fids(self, theta: FloatArray) -> ComplexArray:
        """Lines of macromolecules of unit area with their own width, on the shift axis of the reference, shape (n_lines, n_points)."""
        offsets, widths_hz, _ = self.split(theta)
        shifts = np.array([line.shift_ppm for line in self.lines]) + offsets
        frequency = hz_from_ppm(shifts, spectrometer_frequency_mhz=self.acquisition.spectrometer_frequency_mhz)
        time = self.acquisition.time_s
        decay = _GAUSSIAN * (widths_hz[:, None] * time) ** 2 + np.pi * theta[LINE_LORENTZIAN] * time
        return np.asarray(np.exp(2j * np.pi * frequency[:, None] * time - decay))

    def fids(self, theta: FloatArray) -> ComplexArray:
        """Lines, then residues, as they are in the scan: with the common shift and broadening, shape (n_lines + n_residues, n_points)."""
        time = self.acquisition.time_s
        rate = 2j * np.pi * theta[SHIFT] - np.pi * theta[LORENTZIAN]
        common = np.exp(rate * time - _GAUSSIAN * (theta[GAUSSIAN] * time) ** 2)
        residues = self.residues * np.exp(-np.pi * self.split(theta)[2][:, None] * time)
        return np.asarray(np.vstack([self.line_fids(theta), residues]) * common)

    def derivative_fids(self, theta: FloatArray, *, weighted: ComplexArray) -> ComplexArray:
        """Derivative of the sum of `weighted` FIDs (lines, then residues) by every parameter after the first two, points last."""
        time, n_lines = self.acquisition.time_s, len(self.lines)
        total, lines = weighted.sum(axis=0), weighted[:n_lines]
        common = [
            2j * np.pi * time * total,
            -np.pi * time * total,
            -2 * _GAUSSIAN * theta[GAUSSIAN] * time**2 * total,
            -np.pi * time * lines.sum(axis=0),
        ]
        offsets = -2j * np.pi * self.acquisition.spectrometer_frequency_mhz * time * lines
        log_widths = -2 * _GAUSSIAN * (self.split(theta)[1][:, None] * time) ** 2 * lines
        return np.vstack([*common, offsets, log_widths, -np.pi * time * weighted[n_lines:]])

    def spectra(self, fids: ComplexArray) -> ComplexArray:
        """Spectra on the fitted points, points first."""
        return np.asarray(spectrum_from_fid(fids)[..., self.mask].T)

    def phase_factor(self, theta: FloatArray, *, frequency_hz: FloatArray) -> ComplexArray:
        """What turns the measured spectrum upright: zero-order phase and the delay of the first sample, about the middle of the range."""
        from_middle_hz = frequency_hz - self.frequency_hz.mean()
        return np.asarray(np.exp(-1j * (theta[PHASE] + 2 * np.pi * from_middle_hz * theta[DELAY])))


def baseline_columns(acquisition: Acquisition, *, mask: BoolArray) -> ComplexArray:
    """Errors of the first two samples (receiver filters, halved first point) and the tail of water; real and imaginary parts are columns.

    Nothing here can bend within the width of a macromolecule line: the shortest period is the spectral width.
    """
    frequency_hz, ppm = acquisition.frequency_hz[mask], acquisition.ppm[mask]
    second_sample = np.exp(-2j * np.pi * frequency_hz * acquisition.dwell_time_s)
    columns = np.stack([np.ones_like(second_sample), second_sample, 0.45 / (CARRIER_PPM - ppm)], axis=1)
    return np.concatenate([columns, 1j * columns], axis=1)


def coarse_start(fid: ComplexArray, *, acquisition: Acquisition, lines: Sequence[GaussianLine]) -> tuple[float, float]:
    """Phase (rad) and shift (Hz) at which the lines with their areas match an FID best, over +-0.15 ppm; the first 1.5 ms do not count."""
    template = np.sum([line.fid(acquisition) for line in lines], axis=0)
    template[acquisition.time_s < 0.0015] = 0.0
    n_padded = 8 * acquisition.n_points
    correlation = np.fft.fft(fid * template.conj(), n_padded)
    shifts_hz = np.fft.fftfreq(n_padded, acquisition.dwell_time_s)
    near = np.abs(shifts_hz) <= 0.15 * acquisition.spectrometer_frequency_mhz
    best = int(np.argmax(np.where(near, np.abs(correlation), -1.0)))
    return float(np.angle(correlation[best])), float(shifts_hz[best])

"""The singlet at 0 ppm that simulation programs add to every spectrum as a reference, and its removal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, hz_from_ppm


@dataclass(frozen=True, kw_only=True)
class _Band:
    """Points of the transform around 0 ppm, and the line that could be there."""

    points: NDArray[np.intp]
    acquisition: Acquisition

    def line(self, frequency_hz: float, *, width_hz: float) -> ComplexArray:
        time_s = self.acquisition.time_s
        return np.asarray(np.exp((2j * np.pi * frequency_hz - np.pi * width_hz) * time_s))

    def residual(self, parameters: FloatArray, *, target: ComplexArray) -> tuple[ComplexArray, complex]:
        spectrum = np.fft.fft(self.line(parameters[0], width_hz=parameters[1]))[self.points]
        design = np.stack([spectrum, np.ones_like(spectrum), np.linspace(-1, 1, spectrum.size)], axis=1)
        solution = np.linalg.lstsq(design, target, rcond=None)[0]
        return target - design @ solution, complex(solution[0])


def without_reference_peak(fid: ComplexArray, *, acquisition: Acquisition) -> ComplexArray:
    """The FID without a singlet at 0 ppm (TSP, DSS, or what simulation programs add as a reference); unchanged if there is none.

    A peak counts if it is within 0.1 ppm of 0, ten times what surrounds it and at least 1 % of the highest peak. The
    Lorentzian line is fitted on a linear background and subtracted in the time domain.
    """
    ppm = acquisition.ppm
    spectrum = np.fft.fft(fid)
    order = np.fft.fftshift(np.arange(fid.size))
    near, edge = np.abs(ppm) < 0.1, (np.abs(ppm) > 0.25) & (np.abs(ppm) < 0.4)
    if near.sum() < 3 or not edge.any():
        return fid
    height = np.abs(spectrum[order[near]]).max()
    if not height > 0 or height < 10 * np.median(np.abs(spectrum[order[edge]])) or height < 0.01 * np.abs(spectrum).max():
        return fid
    return _line_subtracted(fid, points=order[np.abs(ppm) < 0.25], acquisition=acquisition)


def _line_subtracted(fid: ComplexArray, *, points: NDArray[np.intp], acquisition: Acquisition) -> ComplexArray:
    from scipy.optimize import least_squares  # noqa: PLC0415 - slow to import, and few sets have such a peak

    band = _Band(points=points, acquisition=acquisition)
    target = np.fft.fft(fid)[points]
    peak_hz = np.fft.fftfreq(fid.size, acquisition.dwell_time_s)[points][int(np.argmax(np.abs(target)))]

    def misfit(parameters: FloatArray) -> FloatArray:
        difference = band.residual(parameters, target=target)[0]
        return np.asarray(np.concatenate([difference.real, difference.imag]) / np.abs(target).max())

    limit_hz = float(abs(hz_from_ppm(0.0, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)))
    fit = least_squares(misfit, [peak_hz, 1.0], bounds=([-2 * limit_hz, 0.0], [2 * limit_hz, 50.0]), x_scale=[1.0, 1.0])
    return np.asarray(fid - band.residual(fit.x, target=target)[1] * band.line(fit.x[0], width_hz=fit.x[1]))

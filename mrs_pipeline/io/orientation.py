"""Is the spectrum the right way round? Files converted with the wrong sign have their metabolites left of water."""

import numpy as np

from mrs_pipeline.acquisition import CARRIER_PPM, FloatArray, spectrum_from_fid
from mrs_pipeline.errors import InputError
from mrs_pipeline.fids import Fids

#: Range with the strongest sharp peaks of brain (NAA, creatine, choline), ppm; its mirror image about water has none.
PEAKS_PPM = (1.9, 3.4)

#: Half width of the region around water that is compared with the peaks, ppm.
WATER_HALF_WIDTH_PPM = 0.5

#: Fewer points have no spectrum.
MIN_POINTS = 2

#: Peaks lower than this many times the noise are no evidence.
EVIDENT = 10.0

#: How much higher the peaks of one side must be for a verdict; measured: at least 4 for brain data, upright or mirrored.
PREPONDERANCE = 3.0

#: Water this much higher than any peak may explain peaks by its sidebands: no verdict (water references: above 400).
WATER_DOMINATES = 300.0


def check_orientation(fids: Fids, *, name: object = "the data") -> None:
    """Raise `InputError` if the spectrum is evidently the mirror image of a brain spectrum about water (complex conjugate).

    Compares sharp peaks at 1.9-3.4 ppm with those at 5.9-7.4 ppm in the power spectrum averaged over coils and
    transients, which needs no phasing or alignment. Without evident peaks, and for data that are almost only water,
    there is no verdict and nothing is raised. FIDs of one point have no spectrum and are refused.
    """
    if fids.acquisition.n_points < MIN_POINTS:
        raise InputError(f"{name}: an FID has {fids.acquisition.n_points} point, which is no spectrum: check the order of the dimensions")
    upright, mirrored = peak_heights(fids)
    if mirrored > EVIDENT and mirrored > PREPONDERANCE * upright:
        raise InputError(
            f"{name}: the spectrum looks mirrored (peaks at 5.9-7.4 ppm and none at 1.9-3.4 ppm); convert the raw data again, "
            "with the sign of the NIfTI-MRS standard (the FIDs are probably complex conjugated)"
        )


def _running_median(values: FloatArray, *, n_points: int) -> FloatArray:
    """Median of an odd number of neighbouring points, mirrored at the ends."""
    padded = np.pad(values, n_points // 2, mode="symmetric")
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(padded, n_points), axis=-1))


def peak_heights(fids: Fids) -> tuple[float, float]:
    """Height of the highest peak, over noise, at 1.9-3.4 ppm and at the mirror image of it; (0, 0) where there is no verdict."""
    ppm = fids.acquisition.ppm
    amplitude = _amplitude_spectrum(fids)
    sharp = amplitude - _running_median(amplitude, n_points=_n_points_of(0.5, ppm=ppm) | 1)
    offset = np.abs(ppm - CARRIER_PPM)
    side = (offset > CARRIER_PPM - PEAKS_PPM[1]) & (offset < CARRIER_PPM - PEAKS_PPM[0])
    quiet = sharp[offset > 4.25]
    peaks = [float(np.max(sharp[side & half], initial=0.0)) for half in (ppm < CARRIER_PPM, ppm > CARRIER_PPM)]
    water = float(np.max(amplitude[offset < WATER_HALF_WIDTH_PPM], initial=0.0))
    noise = float(np.std(quiet)) if quiet.size else np.inf
    if max(peaks) == 0.0 or water > WATER_DOMINATES * max(peaks) or not np.isfinite(noise):
        return 0.0, 0.0
    noise = max(noise, 1e-9 * max(peaks))
    return peaks[0] / noise, peaks[1] / noise


def _amplitude_spectrum(fids: Fids) -> FloatArray:
    """Root of the mean power spectrum; 3 Hz of line broadening make peaks stand out of the noise."""
    acquisition = fids.acquisition
    traces = fids.data.reshape(-1, acquisition.n_points)
    traces = traces[np.all(np.isfinite(traces), axis=1)]
    decay = np.exp(-np.pi * 3.0 * acquisition.time_s)
    power = np.zeros(acquisition.n_points)
    for trace in traces:
        power += np.abs(spectrum_from_fid(trace * decay)) ** 2
    return np.asarray(np.sqrt(power / max(len(traces), 1)))


def _n_points_of(width_ppm: float, *, ppm: FloatArray) -> int:
    return max(1, round(width_ppm / abs(float(ppm[1] - ppm[0]))))

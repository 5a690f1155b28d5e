"""FIDs reduced to the band of frequencies that is fitted: the same spectra there from a fraction of the samples.

A low-pass filter turns an FID into few samples at a coarser step. Filter and modulation commute: for any complex rate r,
exp(r t) (h * b)(t) = (h exp(r t)) * (exp(r t) b)(t), and a filter flat over the band stays flat when it is shifted by a few
hertz or damped. So decimated FIDs may be broadened and shifted like whole ones. What the filter spreads to before the first and beyond
the last sample is kept, and added to the other end before the transform, to which both are the same place.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.special
from numpy.typing import NDArray

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.fids import read_only

#: Width of the band beyond the fitted points on either side, in which the filter falls off, ppm.
MARGIN_PPM = 0.5
#: Shape of the Kaiser window and its half width in turns of the filter's transition (Kaiser 1974: ripple near 1e-6).
_KAISER_BETA, _KAISER_TURNS = 12.0, 4.0


@dataclass(frozen=True, kw_only=True)
class DecimatedFids:
    """FIDs on a coarse grid, shape (n_fids, n_folded + 2 n_guard), at the times `time_s`, which begin before zero.

    Frequencies are counted from `centre_hz`; `bins` are the places of the fitted points in an FFT of length `n_folded`.
    """

    fids: ComplexArray
    time_s: FloatArray
    n_guard: int
    n_folded: int
    centre_hz: float
    bins: NDArray[np.intp]

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        object.__setattr__(self, "fids", read_only(self.fids))

    def spectra(self, fids: ComplexArray) -> ComplexArray:
        """Spectra on the fitted points of FIDs on the coarse grid, shape (n_fitted, ...) with points first."""
        return self.rows(fids).T

    def rows(self, fids: ComplexArray) -> ComplexArray:
        """The same with points last, shape (..., n_fitted)."""
        guard, length = self.n_guard, self.n_folded
        folded = fids[..., guard : guard + length]
        if guard:
            folded = folded.copy()
            folded[..., length - guard :] += fids[..., :guard]
            folded[..., :guard] += fids[..., guard + length :]
        return np.asarray(scipy.fft.fft(folded, axis=-1, overwrite_x=bool(guard)).take(self.bins, axis=-1))

    def adjoint(self, spectrum: ComplexArray) -> ComplexArray:
        """The adjoint of `spectra`: for every FID x, the inner product of its spectrum with this one is that of x with the result."""
        guard, length = self.n_guard, self.n_folded
        padded = np.zeros(length, dtype=complex)
        padded[self.bins] = spectrum
        folded = scipy.fft.ifft(padded, norm="forward")
        return np.concatenate([folded[length - guard :], folded, folded[:guard]]) if guard else np.asarray(folded)


def decimate(fids: ComplexArray, *, acquisition: Acquisition, mask: BoolArray) -> DecimatedFids:
    """Reduce FIDs, shape (n_fids, n_points), to the band of the points `mask` of the frequency axis and a margin."""
    n_points, places = acquisition.n_points, np.flatnonzero(mask)
    if not places.size:
        return _whole(fids, acquisition=acquisition, places=places)
    n_margin = int(np.ceil(MARGIN_PPM * acquisition.spectrometer_frequency_mhz * n_points * acquisition.dwell_time_s))
    n_folded = int(scipy.fft.next_fast_len(int(places[-1] - places[0]) + 1 + 2 * n_margin))
    n_guard = int(np.ceil(_KAISER_TURNS * n_folded / (2 * n_margin)))
    if n_folded + 2 * n_guard >= n_points or 2 * n_guard >= n_folded:
        return _whole(fids, acquisition=acquisition, places=places)
    centre = int(places[0] + places[-1]) // 2
    step_s = n_points * acquisition.dwell_time_s / n_folded
    time_s = np.asarray((np.arange(n_folded + 2 * n_guard) - n_guard) * step_s, dtype=float)
    centre_hz = float(acquisition.frequency_hz[centre])
    turned = fids * np.exp(-2j * np.pi * centre_hz * acquisition.time_s)
    kernel = _kernel((time_s[:, None] - acquisition.time_s) / step_s, half_width=n_guard)
    bins = (places - centre) % n_folded
    return DecimatedFids(fids=turned @ kernel.T, time_s=time_s, n_guard=n_guard, n_folded=n_folded, centre_hz=centre_hz, bins=bins)


def _kernel(turns: FloatArray, *, half_width: int) -> FloatArray:
    """Low-pass filter at half the coarse sampling rate: a sinc under a Kaiser window, over time in coarse steps."""
    kernel, inside = np.zeros_like(turns), np.abs(turns) < half_width
    near = turns[inside]
    window = scipy.special.i0(_KAISER_BETA * np.sqrt(1.0 - (near / half_width) ** 2)) / scipy.special.i0(_KAISER_BETA)
    kernel[inside] = np.sinc(near) * window
    return kernel


def _whole(fids: ComplexArray, *, acquisition: Acquisition, places: NDArray[np.intp]) -> DecimatedFids:
    """The FIDs as they are, where there is nothing to gain."""
    bins = np.fft.fftshift(np.arange(acquisition.n_points))[places]
    return DecimatedFids(fids=fids, time_s=acquisition.time_s, n_guard=0, n_folded=acquisition.n_points, centre_hz=0.0, bins=bins)

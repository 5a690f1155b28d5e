"""A basis set as a reader sees it: spectra broadened alike, where their peaks are, and how much they resemble one another."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet

#: Full width at half maximum of the Gaussian that broadens every component, Hz: about that of a good shim at 3 T.
BROADENING_HZ = 6.0
#: Distance of the points of the spectra at most, Hz: a tenth of that width, so that no peak falls between two points.
RESOLUTION_HZ = 0.6
#: A peak counts from this part of the strongest on.
PEAK_FRACTION = 0.1
#: Less than this part of a component inside the fitted range is the tail of a line outside it.
TAIL_FRACTION = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class BasisSpectra:
    """Real parts of the broadened spectra, shape (n_components, n_points), on a falling ``ppm`` axis.

    The integral over frequency (Hz) of a spectrum is the real part of the first point of its FID.
    """

    names: tuple[str, ...]
    ppm: FloatArray
    values: FloatArray

    def inside(self, ppm_range: tuple[float, float]) -> "BasisSpectra":
        """The part between two chemical shifts, lower one first."""
        low, high = ppm_range
        chosen = (self.ppm >= low) & (self.ppm <= high)
        return BasisSpectra(names=self.names, ppm=self.ppm[chosen], values=self.values[:, chosen])


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """Of one spectrum: position of the strongest peak (ppm), its height (negative if it points down), and how many peaks there are."""

    strongest_ppm: float
    height: float
    n_peaks: int


def broadened_spectra(basis: BasisSet, *, broadening_hz: float = BROADENING_HZ) -> BasisSpectra:
    """Spectra of a basis set after a Gaussian broadening, zero-filled to a fine axis.

    The first point counts half, as the trapezoidal rule has it: else every spectrum would stand on an offset. The factor 2 makes
    the integral of the real part the real part of the first point: an FID has no times before zero, which hold the other half.
    """
    acquisition = basis.acquisition
    decay = np.exp(-((np.pi * broadening_hz * acquisition.time_s) ** 2) / (4 * np.log(2)))
    fids = basis.fids * decay
    fids[:, 0] /= 2
    n_needed = int(np.ceil(acquisition.spectral_width_hz / RESOLUTION_HZ))
    n_points = max(acquisition.n_points, 1 << (n_needed - 1).bit_length())
    filled = np.pad(fids, ((0, 0), (0, n_points - acquisition.n_points)))
    values = 2 * spectrum_from_fid(filled).real * acquisition.dwell_time_s
    return BasisSpectra(names=basis.metabolites, ppm=acquisition.with_n_points(n_points).ppm, values=values)


def peaks_of(ppm: FloatArray, values: FloatArray) -> Peaks:
    """The peaks of one spectrum, up or down; those below a tenth of the strongest do not count. NaN where there is none."""
    height = np.abs(values)
    if not height.size or not height.max() > 0:
        return Peaks(strongest_ppm=float("nan"), height=0.0, n_peaks=0)
    strongest = int(np.argmax(height))
    padded = np.pad(height, 1)
    summit = (height > padded[:-2]) & (height >= padded[2:]) & (height >= PEAK_FRACTION * height[strongest])
    return Peaks(strongest_ppm=float(ppm[strongest]), height=float(values[strongest]), n_peaks=int(summit.sum()))


def shown_range(ppm: FloatArray, values: FloatArray, *, least: tuple[float, float], fraction: float) -> tuple[float, float]:
    """The range to draw: at least ``least``, wider to the next fifth of a ppm beyond any signal above a fraction of the highest."""
    height = np.abs(values)
    there = ppm[height > fraction * height.max(initial=0.0)]
    if not there.size:
        return least
    low, high = np.floor(there.min() * 5 - 0.5) / 5, np.ceil(there.max() * 5 + 0.5) / 5
    return (float(low) if there.min() < least[0] else least[0], float(high) if there.max() > least[1] else least[1])


def similarity(spectra: BasisSpectra, *, ppm_range: tuple[float, float]) -> FloatArray:
    """Normalised inner products of the spectra over a range, shape (n_components, n_components): 1 same shape, 0 no overlap, -1 opposite.

    NaN for a component without a signal of its own in the range.
    """
    inside = spectra.inside(ppm_range).values
    norm, whole = np.linalg.norm(inside, axis=1), np.linalg.norm(spectra.values, axis=1)
    scale = np.where(norm > TAIL_FRACTION * whole, norm, np.nan)
    return np.asarray(np.clip((inside @ inside.T) / np.outer(scale, scale), -1.0, 1.0))


def similar_pairs(alike: FloatArray, *, least: float) -> list[tuple[int, int, float]]:
    """Pairs of components whose similarity, of either sign, is at least ``least``: positions and similarity, the most similar first."""
    pairs = [(i, j, float(alike[i, j])) for i in range(len(alike)) for j in range(i + 1, len(alike)) if abs(alike[i, j]) >= least]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))

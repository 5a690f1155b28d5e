"""Forward model of a spectrum in the frequency domain, and its derivatives.

Component m contributes ``a_m FT[b_m(t) exp(2 pi i (D + d_m) t - pi (L + l_m) t - (pi G t)^2 / (4 ln 2))]`` with common shift D,
Lorentzian width L and Gaussian width G (full widths at half maximum, Hz; the parameter is the square of G, whose derivative does not
vanish at zero), its own shift d_m and extra width l_m. Instead of the model, the data are rotated by zero- and first-order phase:
the noise stays white and the baseline's design stays constant.
"""

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.fitting.baseline import BaselineModel, baseline_model
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.smoother import Smoother, smoother

_GAUSSIAN = np.pi**2 / (4.0 * np.log(2.0))


def as_real(columns: ComplexArray) -> FloatArray:
    """Stack real over imaginary parts along the first axis: least squares on complex data with real unknowns."""
    return np.concatenate([columns.real, columns.imag], axis=0)


def as_complex(stacked: FloatArray) -> ComplexArray:
    """The inverse of `as_real` for one column."""
    half = stacked.size // 2
    return np.asarray(stacked[:half] + 1j * stacked[half:])


@dataclass(frozen=True, kw_only=True)
class SpectralModel:
    """All that is shared by fits of spectra with the same basis, axis and options.

    `mask` marks the fitted points of the axis, `bins` are their places in an unshifted FFT.
    """

    basis: BasisSet
    mask: BoolArray
    bins: NDArray[np.intp]
    baseline: BaselineModel
    smoother: Smoother
    time_s: FloatArray
    frequency_hz: FloatArray
    pivot_hz: float

    @property
    def n_components(self) -> int:
        """Number of basis functions."""
        return len(self.basis.metabolites)

    @property
    def n_parameters(self) -> int:
        """Number of non-linear parameters: the common ones, then a shift and a width for each component."""
        return len(COMMON) + 2 * self.n_components

    def modulated(self, theta: FloatArray) -> ComplexArray:
        """Broadened and shifted FIDs of all components, shape (n_components, n_points)."""
        _, _, shift, gaussian_square, lorentzian = theta[: len(COMMON)]
        own = theta[len(COMMON) :].reshape(2, self.n_components)
        rate = 2j * np.pi * (shift + own[0]) - np.pi * (lorentzian + own[1])
        envelope = np.exp(-_GAUSSIAN * gaussian_square * self.time_s**2)
        return np.asarray(self.basis.fids * self._exponentials(rate) * envelope)

    def _exponentials(self, rate: ComplexArray) -> ComplexArray:
        """exp(rate t) on the time grid, as an outer product of coarse and fine steps (few transcendental calls)."""
        n_points, fine = self.time_s.size, 64
        dwell = self.time_s[1] - self.time_s[0]
        coarse_part = np.exp(rate[:, None] * dwell * fine * np.arange(-(-n_points // fine)))
        fine_part = np.exp(rate[:, None] * dwell * np.arange(fine))
        product = coarse_part[:, :, None] * fine_part[:, None, :]
        return np.asarray(product.reshape(rate.size, -1)[:, :n_points])

    def spectra(self, fids: ComplexArray) -> ComplexArray:
        """Spectra of FIDs on the fitted points, shape (n_fitted, ...) with points first."""
        return np.asarray(scipy.fft.fft(fids, axis=-1)[..., self.bins].T)

    def rotated(self, data: ComplexArray, theta: FloatArray) -> ComplexArray:
        """Data on the fitted points with zero- and first-order phase taken out."""
        return np.asarray(data * np.exp(-1j * (theta[0] + 2 * np.pi * (self.frequency_hz - self.pivot_hz) * theta[1])))

    def columns(self, theta: FloatArray) -> ComplexArray:
        """Component spectra of unit amplitude, shape (n_fitted, n_components)."""
        return self.spectra(self.modulated(theta))

    def derivatives(self, fids: ComplexArray, *, amplitudes: FloatArray, explained: ComplexArray) -> ComplexArray:
        """Derivative of the model by each non-linear parameter, shape (n_fitted, n_parameters).

        `fids` are the modulated component FIDs and `explained` the rotated data less the residual (rotating the data by a phase
        equals rotating what explains them the other way).
        """
        weighted = fids * amplitudes[:, None]
        first = self.spectra(self.time_s * weighted)
        total = self.spectra(weighted.sum(axis=0) * self.time_s**2)
        gaussian_rate = -_GAUSSIAN * total
        shifts, widths = 2j * np.pi * first, -np.pi * first
        phase0 = 1j * explained
        phase1 = 2j * np.pi * (self.frequency_hz - self.pivot_hz) * explained
        common = [phase0, phase1, shifts.sum(axis=1), gaussian_rate, widths.sum(axis=1)]
        return np.concatenate([np.stack(common, axis=1), shifts, widths], axis=1)


def spectral_model(basis: BasisSet, *, options: FitOptions) -> SpectralModel:
    """Precompute what all spectra of one acquisition share. The basis must already be on the data's axis."""
    acquisition = basis.acquisition
    low, high = options.ppm_range
    mask = (acquisition.ppm >= low) & (acquisition.ppm <= high)
    frequency = acquisition.frequency_hz[mask]
    baseline = baseline_model(acquisition.ppm, mask=mask, model=options.baseline)
    return SpectralModel(
        basis=basis,
        mask=mask,
        bins=np.fft.fftshift(np.arange(acquisition.n_points))[mask],
        baseline=baseline,
        smoother=smoother(as_real(baseline.design), baseline.penalty),
        time_s=acquisition.time_s,
        frequency_hz=frequency,
        pivot_hz=float(frequency.mean()) if frequency.size else 0.0,
    )

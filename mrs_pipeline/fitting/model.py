"""Forward model of a spectrum in the frequency domain, and its derivatives.

Component m contributes ``a_m FT[b_m(t) exp(2 pi i (D + d_m) t - pi (L + l_m) t - (pi G t)^2 / (4 ln 2))]`` with common shift D,
Lorentzian width L and Gaussian width G (full widths at half maximum, Hz; the parameter is the square of G, whose derivative does not
vanish at zero), its own shift d_m and extra width l_m. Instead of the model, the data are rotated by zero- and first-order phase:
the noise stays white and the baseline's design stays constant.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet, is_macromolecule
from mrs_pipeline.fitting.baseline import BaselineModel, baseline_model
from mrs_pipeline.fitting.decimation import DecimatedFids, decimate
from mrs_pipeline.fitting.lineshape import Lineshape, lineshape
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.singlet import LineProbe, line_probe
from mrs_pipeline.fitting.smoother import Smoother, smoother

#: Place of the NAA singlet, ppm.
NAA_PPM = 2.01
#: Decay of a Gaussian line of full width w (Hz): exp(-GAUSSIAN (w t)^2).
GAUSSIAN = np.pi**2 / (4.0 * np.log(2.0))


def as_real(columns: ComplexArray) -> FloatArray:
    """Stack real over imaginary parts along the first axis: least squares on complex data with real unknowns."""
    return np.concatenate([columns.real, columns.imag], axis=0)


def as_complex(stacked: FloatArray) -> ComplexArray:
    """The inverse of `as_real`."""
    half = len(stacked) // 2
    return np.asarray(stacked[:half] + 1j * stacked[half:])


@dataclass(frozen=True, kw_only=True)
class SpectralModel:
    """All that is shared by fits of spectra with the same basis, axis and options.

    `mask` marks the fitted points of the axis; `fids` are those of the basis, reduced to that band; macromolecules and lipids do not share
    the common Lorentzian width (`shares_lorentzian` 0): their T2 is not that of the metabolites.
    """

    basis: BasisSet
    mask: BoolArray
    fids: DecimatedFids
    baseline: BaselineModel
    smoother: Smoother
    lineshape: Lineshape
    shares_lorentzian: FloatArray
    frequency_hz: FloatArray
    pivot_hz: float

    @property
    def n_components(self) -> int:
        """Number of basis functions."""
        return len(self.basis.metabolites)

    @property
    def n_parameters(self) -> int:
        """Number of non-linear parameters: the common ones, a shift and a width for each component, those of the lineshape."""
        return len(COMMON) + 2 * self.n_components + self.lineshape.n_columns

    def modulated(self, theta: FloatArray) -> ComplexArray:
        """Broadened and shifted FIDs of all components on the decimated grid, shape (n_components, n_times)."""
        envelope = self.envelope(theta, self.fids.time_s, self.lineshape_columns)
        return np.asarray(self.fids.fids * self._exponentials(self.rates(theta)) * envelope)

    def rates(self, theta: FloatArray) -> ComplexArray:
        """Complex rate (1/s) of each component's shift and Lorentzian decay."""
        _, _, shift, _, lorentzian = theta[: len(COMMON)]
        own = theta[len(COMMON) : len(COMMON) + 2 * self.n_components].reshape(2, self.n_components)
        return np.asarray(2j * np.pi * (shift + own[0]) - np.pi * (lorentzian * self.shares_lorentzian + own[1]))

    def envelope(self, theta: FloatArray, time_s: FloatArray, columns: ComplexArray) -> ComplexArray:
        """Decay that all components share: the Gaussian one and that of the lineshape, whose `columns` are given at these times."""
        exponent = -GAUSSIAN * theta[COMMON.index("gaussian_square_hz2")] * time_s**2
        if columns.size:
            exponent = exponent + theta[len(COMMON) + 2 * self.n_components :] @ columns
        return np.asarray(np.exp(exponent))

    @cached_property
    def lineshape_columns(self) -> ComplexArray:
        """Columns of the lineshape on the decimated grid."""
        return self.lineshape.columns(self.fids.time_s)

    @cached_property
    def naa_probe(self) -> LineProbe:
        """Transform that measures the NAA singlet of decimated FIDs."""
        acquisition = self.basis.acquisition
        return line_probe(self.fids.time_s, near_ppm=NAA_PPM, acquisition=acquisition, origin_hz=self.fids.centre_hz)

    def _exponentials(self, rate: ComplexArray) -> ComplexArray:
        """exp(rate t) on the time grid, as an outer product of coarse and fine steps (few transcendental calls)."""
        time_s = self.fids.time_s
        n_points, fine = time_s.size, 24
        step = time_s[1] - time_s[0]
        coarse_part = np.exp(rate[:, None] * (time_s[0] + step * fine * np.arange(-(-n_points // fine))))
        fine_part = np.exp(rate[:, None] * step * np.arange(fine))
        product = coarse_part[:, :, None] * fine_part[:, None, :]
        return np.asarray(product.reshape(rate.size, -1)[:, :n_points])

    def spectra(self, fids: ComplexArray) -> ComplexArray:
        """Spectra of decimated FIDs on the fitted points, shape (n_fitted, ...) with points first."""
        return self.fids.spectra(fids)

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
        first = self.spectra(self.fids.time_s * weighted)
        common = self._common(weighted, first.sum(axis=1), first @ self.shares_lorentzian, explained)
        shape = self.spectra(self.lineshape_columns * weighted.sum(axis=0)).reshape(first.shape[0], -1)
        return np.concatenate([common, 2j * np.pi * first, -np.pi * first, shape], axis=1)

    def common_derivatives(self, fids: ComplexArray, *, amplitudes: FloatArray, explained: ComplexArray) -> ComplexArray:
        """The derivatives by the common parameters alone, shape (n_fitted, n_common)."""
        weighted = fids * amplitudes[:, None]
        shifted, widened = self.spectra(self.fids.time_s * np.stack([weighted.sum(axis=0), self.shares_lorentzian @ weighted])).T
        return self._common(weighted, shifted, widened, explained)

    def _common(self, weighted: ComplexArray, shifted: ComplexArray, widened: ComplexArray, explained: ComplexArray) -> ComplexArray:
        """`shifted`, `widened`: spectra of t times all signals, and of t times those that share the Lorentzian width."""
        squared = self.spectra(weighted.sum(axis=0) * self.fids.time_s**2)
        phase1 = 2j * np.pi * (self.frequency_hz - self.pivot_hz) * explained
        return np.stack([1j * explained, phase1, 2j * np.pi * shifted, -GAUSSIAN * squared, -np.pi * widened], axis=1)

    def slope(self, fids: ComplexArray, *, amplitudes: FloatArray, explained: ComplexArray, residual: ComplexArray) -> FloatArray:
        """Inner product of each derivative with the residual, shape (n_parameters,): what `derivatives` would give, by the adjoint."""
        time_s = self.fids.time_s
        back = self.fids.adjoint(residual)
        first = amplitudes * (fids.conj() @ (time_s * back))
        total = (amplitudes @ fids).conj() * back
        squared = time_s**2 @ total
        turned = (explained.conj() * residual).imag
        shifts, widths = 2 * np.pi * first.imag, -np.pi * first.real
        phase1 = 2 * np.pi * (self.frequency_hz - self.pivot_hz) @ turned
        common = [turned.sum(), phase1, shifts.sum(), -GAUSSIAN * squared.real, widths @ self.shares_lorentzian]
        return np.concatenate([common, shifts, widths, (self.lineshape_columns.conj() @ total).real])


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
        fids=decimate(basis.fids, acquisition=acquisition, mask=mask),
        baseline=baseline,
        smoother=smoother(as_real(baseline.design), baseline.penalty),
        lineshape=lineshape(options.lineshape),
        shares_lorentzian=np.array([0.0 if is_macromolecule(name) else 1.0 for name in basis.metabolites]),
        frequency_hz=frequency,
        pivot_hz=float(frequency.mean()) if frequency.size else 0.0,
    )

"""Fit of a metabolite-nulled spectrum: amplitudes and baseline are solved exactly for every trial of the other parameters.

Golub & Pereyra 1973 (doi:10.1137/0710036) with Kaufman's Jacobian (1975, doi:10.1007/BF01932995); areas of macromolecule lines are not
negative, amplitudes of residues have either sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import scipy.optimize

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.basis.macromolecules import GaussianLine
from mrs_pipeline.basis.nulled_model import PHASE, SHIFT, NulledModel


@dataclass(frozen=True, kw_only=True)
class NulledFit:
    """A solution: parameters `theta`, `amplitudes` of lines and residues, baseline coefficients, and the residual in units of noise.

    `residual_sd` is its SD with all unknowns taken off the degrees of freedom; `covariance` that of all active linear unknowns
    (`active`) and, after them, the parameters.
    """

    model: NulledModel
    theta: FloatArray
    amplitudes: FloatArray
    baseline: FloatArray
    residual: ComplexArray
    cost: float
    active: BoolArray
    residual_sd: float
    covariance: FloatArray

    @cached_property
    def columns(self) -> ComplexArray:
        """Spectra of unit amplitude of lines and residues as they are in the scan, shape (n_fitted, n_lines + n_residues)."""
        return self.model.spectra(self.model.fids(self.theta))

    @property
    def line_areas(self) -> FloatArray:
        """Areas of the lines of macromolecules."""
        return self.amplitudes[: len(self.model.lines)]

    @property
    def residue_amplitudes(self) -> FloatArray:
        """Amplitudes of the residues, of either sign."""
        return self.amplitudes[len(self.model.lines) :]

    @property
    def amplitude_sd(self) -> FloatArray:
        """Standard errors of `amplitudes`; 0 for a line that was switched off."""
        sd = np.zeros(self.active.size)
        sd[self.active] = np.sqrt(np.diag(self.covariance)[: self.active.sum()])
        return sd[: self.amplitudes.size]

    def fitted_lines(self, *, scale: float) -> tuple[GaussianLine, ...]:
        """The lines of macromolecules as found, areas times `scale`."""
        offsets, widths_hz, _ = self.model.split(self.theta)
        widths_ppm = widths_hz / self.model.acquisition.spectrometer_frequency_mhz
        values = zip(self.model.lines, offsets, widths_ppm, scale * self.line_areas, strict=True)
        return tuple(
            GaussianLine(shift_ppm=float(line.shift_ppm + offset), fwhm_ppm=float(width), area=float(area))
            for line, offset, width, area in values
        )

    def component_sd(self) -> FloatArray:
        """Standard error of the real spectrum of all lines together, as it is in the scan, shape (n_fitted,)."""
        n_lines, n_linear = len(self.model.lines), int(self.active.sum())
        gradient = np.zeros((self.residual.size, len(self.covariance)))
        on = self.active[:n_lines]
        gradient[:, : on.sum()] = self.columns[:, :n_lines][:, on].real
        only_lines = np.where(np.arange(self.amplitudes.size) < n_lines, self.amplitudes, 0.0)
        signals = self.model.derivative_fids(self.theta, weighted=self.model.fids(self.theta) * only_lines[:, None])
        gradient[:, n_linear + 2 :] = self.model.spectra(signals).real
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", gradient, self.covariance, gradient)))


def fit_nulled(model: NulledModel, *, starts: Sequence[tuple[float, float]]) -> NulledFit:
    """Best of the fits from several starts of (phase in rad, shift in Hz); only the most promising one is carried to the end."""
    mean, sd, lower, _ = model.priors
    first = np.where(np.isclose(mean, lower), mean + 0.2 * sd, mean)
    tried = []
    for phase_rad, shift_hz in starts:
        first[[PHASE, SHIFT]] = phase_rad, shift_hz
        tried.append(_minimised(model, first, n_evaluations=12 if len(starts) > 1 else 1))
    theta, cost = _minimised(model, min(tried, key=lambda one: one[1])[0], n_evaluations=80)
    return _solution(model, theta, cost=cost)


def _minimised(model: NulledModel, theta: FloatArray, *, n_evaluations: int) -> tuple[FloatArray, float]:
    _, sd, lower, upper = model.priors
    scale = np.where(np.isfinite(sd), sd, np.where(np.arange(sd.size) == PHASE, 0.1, 1.0))
    found = scipy.optimize.least_squares(
        partial(_residual, model),
        theta,
        jac=partial(_jacobian, model),
        bounds=(lower, upper),
        x_scale=scale,
        max_nfev=n_evaluations,
    )
    return np.asarray(found.x), float(found.cost)


def _stacked(values: ComplexArray) -> FloatArray:
    return np.concatenate([values.real, values.imag], axis=0)


def _linear(model: NulledModel, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray, ComplexArray]:
    """Design (all columns), coefficients, rotated data, which columns are active, and the FIDs; areas of lines are not negative."""
    fids = model.fids(theta)
    design = _stacked(np.concatenate([model.spectra(fids), model.baseline], axis=1))
    rotated = _stacked(model.data * model.phase_factor(theta, frequency_hz=model.frequency_hz))
    n_lines = len(model.lines)
    norms = np.linalg.norm(design, axis=0)
    scaled = design / norms
    free, _ = np.linalg.qr(scaled[:, n_lines:])
    reduced = scaled[:, :n_lines] - free @ (free.T @ scaled[:, :n_lines])
    areas, _ = scipy.optimize.nnls(reduced, rotated - free @ (free.T @ rotated))
    active = np.concatenate([areas > 0, np.ones(scaled.shape[1] - n_lines, dtype=bool)])
    coefficients = np.zeros(scaled.shape[1])
    coefficients[active] = np.linalg.lstsq(scaled[:, active], rotated, rcond=None)[0]
    return design, coefficients / norms, rotated, active, fids


def _derivatives(model: NulledModel, theta: FloatArray, *, amplitudes: FloatArray, fids: ComplexArray) -> FloatArray:
    """Derivative of the residual (rotated data less model) by every parameter, shape (2 n_fitted, n_parameters)."""
    signals = model.derivative_fids(theta, weighted=fids * amplitudes[:, None])
    rotated = model.data * model.phase_factor(theta, frequency_hz=model.frequency_hz)
    phase = -1j * rotated
    delay = -2j * np.pi * (model.frequency_hz - model.frequency_hz.mean()) * rotated
    return _stacked(np.column_stack([phase, delay, -model.spectra(signals)]))


def _residual(model: NulledModel, theta: FloatArray) -> FloatArray:
    """Data less model, then the priors, all in units of their standard deviations."""
    design, coefficients, rotated, _, _ = _linear(model, theta)
    mean, sd = model.priors[:2]
    return np.concatenate([rotated - design @ coefficients, (theta - mean) / sd])


def _jacobian(model: NulledModel, theta: FloatArray) -> FloatArray:
    """Derivative of `_residual` with the linear unknowns following (Kaufman's approximation)."""
    design, coefficients, _, active, fids = _linear(model, theta)
    jacobian = _derivatives(model, theta, amplitudes=coefficients[: len(fids)], fids=fids)
    projector, _ = np.linalg.qr(design[:, active])
    return np.concatenate([jacobian - projector @ (projector.T @ jacobian), np.diag(1 / model.priors[1])])


def _solution(model: NulledModel, theta: FloatArray, *, cost: float) -> NulledFit:
    design, coefficients, rotated, active, fids = _linear(model, theta)
    residual = rotated - design @ coefficients
    tangent = np.concatenate([-design[:, active], _derivatives(model, theta, amplitudes=coefficients[: len(fids)], fids=fids)], axis=1)
    information = tangent.T @ tangent + np.diag(np.concatenate([np.zeros(active.sum()), model.priors[1] ** -2.0]))
    residual_sd = float(np.sqrt(residual @ residual / (residual.size - active.sum() - theta.size)))
    n_points = residual.size // 2
    return NulledFit(
        model=model,
        theta=theta,
        amplitudes=coefficients[: len(fids)],
        baseline=coefficients[len(fids) :],
        residual=residual[:n_points] + 1j * residual[n_points:],
        cost=cost,
        active=active,
        residual_sd=residual_sd,
        covariance=_inverse(information) * max(1.0, residual_sd) ** 2,
    )


def _inverse(information: FloatArray) -> FloatArray:
    """Inverse of an information matrix whose unknowns have very different units."""
    unit = np.sqrt(np.maximum(np.diag(information), 1e-300))
    return np.asarray(np.linalg.pinv(information / np.outer(unit, unit), hermitian=True) / np.outer(unit, unit))

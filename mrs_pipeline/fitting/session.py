"""Fits of the windows of one session, which share what the mean of the session knows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import LEAST_NOISE, UNIT_TOLERANCE, Fitter, check_axis, fit_spectra, fit_spectrum, judged, referenced
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.quality import Found, highest_significance, naa_lines
from mrs_pipeline.fitting.series import Series, SeriesState, as_spectra
from mrs_pipeline.fitting.series_search import covariances, search, width_covariances
from mrs_pipeline.fitting.session_series import Lent, held_names, lent_by, session_series, starts
from mrs_pipeline.fitting.spectrum_fit import FitCurves, SpectrumFit, failed_fit
from mrs_pipeline.fitting.start import noise_sd

#: Spectra solved at once: enough for the work to be that on arrays, few enough for these to stay near the processor.
_AT_ONCE = 16


def fit_mean(averaged: Fids, *, counts: FloatArray, fitter: Fitter) -> SpectrumFit:
    """The fit of the mean of all windows, shape (n_windows, n_points), averages of `counts` transients; empty ones do not count."""
    check_axis(averaged, fitter.basis)
    usable = usable_rows(averaged, counts=counts)
    if not usable.size:
        return failed_fit(fitter.basis.metabolites, status="too_few_transients")
    return fit_spectrum(weighted_mean(np.asarray(averaged.data)[usable], counts[usable]), fitter=fitter)


def usable_rows(fids: Fids, *, counts: FloatArray) -> NDArray[np.intp]:
    """Rows of FIDs (n_spectra, n_points) without NaN that are averages of transients; those of zeros only where there are no others."""
    known = np.all(np.isfinite(fids.data), axis=1) & (np.nan_to_num(counts) > 0.0)
    signal = known & np.any(np.asarray(fids.data) != 0.0, axis=1)
    return np.flatnonzero(signal if signal.any() else known)


def weighted_mean(data: ComplexArray, counts: FloatArray) -> ComplexArray:
    """Mean of FIDs (n_spectra, n_points) that are averages of `counts`."""
    return np.average(np.asarray(data, dtype=np.complex128), axis=0, weights=counts)


def fit_windows(
    averaged: Fids,
    *,
    counts: FloatArray,
    fitter: Fitter,
    mean: SpectrumFit | None = None,
    in_mean: BoolArray | None = None,
    widths: str = "free",
) -> tuple[SpectrumFit, ...]:
    """Fits of all windows, shape (n_windows, n_points), averages of `counts` transients; NaN where there are too few.

    Beside the fit of the session's mean (`mean`, made here if it is not given), each window holds its baseline, from which its own departs
    by a stiff curve (`FitOptions.baseline_ed_per_ppm`), the amplitudes of its macromolecules, the shifts and widths of single components
    and the first-order phase: what belongs to the session cannot differ between windows by their noise. Amplitudes of metabolites and
    lipids, phase, common shift and both common widths are free in every window, or the `widths` are "held" at those of the mean.
    Covariances are those of levels (`_results`). If the mean cannot be fitted, windows are fitted by themselves. `in_mean`, shape
    (n_windows,), says which windows the mean is made of, not those that share their transients with others (None: all); the fits of these
    do not depend on the others.
    """
    check_axis(averaged, fitter.basis)
    data, usable = np.asarray(averaged.data, dtype=np.complex128), usable_rows(averaged, counts=counts)
    empty = np.all(data == 0.0, axis=1) & (np.nan_to_num(counts) > 0.0)
    fits = [failed_fit(fitter.basis.metabolites, status="no_signal" if zeros else "too_few_transients") for zeros in empty]
    together = usable if in_mean is None else usable[in_mean[usable]]
    if not together.size:
        return tuple(fits)
    mean = mean or fit_mean(averaged.with_data(data[together]), counts=counts[together], fitter=fitter)
    average, shares = weighted_mean(data[together], counts[together]), counts / counts[together].sum()
    common: FloatArray | None = None
    for chosen in filter(len, (together, np.setdiff1d(usable, together))):
        if mean.status == "ok":
            solved = _all_solved(data[chosen], mean, average=average, shares=shares[chosen], fitter=fitter, widths=widths)
            common = common if common is not None else _common_residual(solved)
            found = [fit for item in solved for fit in _results(item, common=common)]
        else:
            found = list(fit_spectra(averaged.with_data(data[chosen]), fitter=fitter))
        for place, fit in zip(chosen, found, strict=True):
            fits[place] = fit
    return tuple(fits)


@dataclass(frozen=True, kw_only=True)
class _Batch:
    """Spectra that are solved at once: FIDs, the SDs of noise and residual, shares in the session's mean; what is lent to them."""

    fids: ComplexArray
    noise: FloatArray
    unit: FloatArray
    shares: FloatArray
    lent: Lent
    fitter: Fitter
    smoothing: float
    widths: str

    @cached_property
    def series(self) -> Series:
        """The problem."""
        return session_series(self.fids, lent=self.lent, unit=self.unit, smoothing=self.smoothing, fitter=self.fitter, widths=self.widths)


def _all_solved(
    data: ComplexArray, mean: SpectrumFit, *, average: ComplexArray, shares: FloatArray, fitter: Fitter, widths: str
) -> list["_Solved"]:
    """FIDs solved beside the fit of the mean of the session, the FID `average`, of which each is a share."""
    lent, fids = lent_by(mean, fitter=fitter), data[:, : fitter.n_used]
    noise = fitted_noise(data, fitter=fitter)
    unit = noise * max(1.0, mean.quality["residual_sd"] / mean.quality["noise_sd"])
    begin = starts(fids, mean=average[: fitter.n_used], lent=lent, template=fitter.template)
    smoothing = departure_smoothing(fitter)
    solved: list[_Solved] = []
    for first in range(0, len(data), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        batch = _Batch(
            fids=fids[part],
            noise=noise[part],
            unit=unit[part],
            shares=shares[part],
            lent=lent,
            fitter=fitter,
            smoothing=smoothing,
            widths=widths,
        )
        with np.errstate(all="ignore"):
            solved.append(_solved(batch, begin[part]))
    return solved


def fitted_noise(data: ComplexArray, *, fitter: Fitter) -> FloatArray:
    """SD of the noise in the fitted spectra of FIDs (n_spectra, n_points)."""
    noise = noise_sd(data, ppm=fitter.basis.acquisition.ppm) / fitter.noise_scale
    return np.asarray(np.maximum(noise, LEAST_NOISE * np.abs(data).max(axis=1)))


@dataclass(frozen=True, kw_only=True)
class _Solved:
    """A batch at its minimum, whose units are those of its residuals."""

    batch: _Batch
    state: SeriesState
    converged: BoolArray

    @property
    def residuals(self) -> FloatArray:
        """In the units of the data, pairs (n_spectra, 2 n_points)."""
        return self.state.residual * self.batch.unit[:, None]

    @property
    def n_left(self) -> float:
        """Real data of a spectrum that amplitudes and baseline leave, at least half of them."""
        n_data = self.state.residual.shape[1]
        n_used = self.state.amplitudes.shape[1] + float(np.sum(self.batch.series.rows**2))
        return float(max(n_data - n_used, 0.5 * n_data))


def _solved(batch: _Batch, begin: FloatArray) -> _Solved:
    max_iterations = batch.fitter.options.max_iterations
    guess = np.tile(batch.lent.mean.amplitudes[list(batch.lent.free)] > 0, (len(begin), 1))
    state, converged = search(batch.series, begin, guess=guess, max_iterations=max_iterations)
    found = _Solved(batch=batch, state=state, converged=converged)
    unit = np.maximum(batch.noise, _residual_sd(found))
    again = np.flatnonzero(np.abs(unit / batch.unit - 1.0) > UNIT_TOLERANCE)
    if not again.size:
        return found
    scale = np.ones_like(unit)
    scale[again] = unit[again] / batch.unit[again]
    batch = replace(batch, unit=batch.unit * scale)
    better, converged[again] = search(
        batch.series.take(again), state.theta[again], guess=state.amplitudes[again] > 0, max_iterations=max_iterations
    )
    state.put(again, better, np.ones(again.size, dtype=bool))
    return replace(found, batch=batch)


def _residual_sd(solved: _Solved, *, common: FloatArray | None = None) -> FloatArray:
    """RMS of the residuals per real number, degrees of freedom taken off; `common` (2 n_points,) is what all spectra share of them."""
    shares = np.zeros_like(solved.batch.shares) if common is None else np.minimum(solved.batch.shares, 0.5)
    left = solved.residuals if common is None else solved.residuals - common
    return np.asarray(np.sqrt(np.sum(left**2, axis=1) / (1.0 - shares) / solved.n_left))


def _common_residual(solved: Sequence[_Solved]) -> FloatArray | None:
    """Mean residual of all spectra: a line described badly, which is so in all of them; None for one spectrum, which cannot tell."""
    residuals, shares = (np.concatenate(parts) for parts in zip(*((item.residuals, item.batch.shares) for item in solved), strict=True))
    return None if len(shares) < 2 else np.average(residuals, axis=0, weights=shares)


def _results(solved: _Solved, *, common: FloatArray | None) -> Iterator[SpectrumFit]:
    """The fits of a batch, in the units and on the axis of the data.

    Covariances are those of levels, what is held being as uncertain as the mean of the session leaves it. The error of a window is that of
    its own noise, all that it holds given, and the error of the latter. The error of the mean has the same two parts, its own noise being
    a `share` of the window's: ``C = C_window + (C_mean - share C_window)``. What all residuals have in common (`common`) is no noise of a
    window.
    """
    batch, state = solved.batch, solved.state
    fitter, lent = batch.fitter, batch.lent
    part = np.minimum(np.maximum(batch.noise, _residual_sd(solved, common=common)) / batch.unit, 1.0) ** 2
    free, mean = list(lent.free), lent.mean
    own = [mean.parameters[name] for name in fitter.parameter_names[len(COMMON) :]]
    envelope, shift_hz = batch.series.envelope(state.theta), state.theta[:, COMMON.index("shift_hz")]
    known = fitter.model.fids.rows(envelope[:, None] * lent.fids[list(lent.known)])
    lines = naa_lines(lambda index: envelope * lent.fids[index], model=fitter.model, shift_hz=shift_hz)
    held = held_names(lent, fitter=fitter, widths=batch.widths)
    widths = width_covariances(batch.series, state)
    for row, (unit, covariance) in enumerate(zip(batch.unit, covariances(batch.series, state), strict=True)):
        single = np.zeros_like(mean.covariance)
        single[np.ix_(free, free)] = part[row] * covariance
        amplitudes = mean.amplitudes / unit
        amplitudes[free] = state.amplitudes[row]
        found = Found(
            theta=np.array([*state.theta[row], *own]),
            amplitudes=amplitudes,
            covariance=mean.covariance / unit**2 + (1.0 - batch.shares[row]) * single,
            own_covariance=single,
            width_covariance=part[row] * widths[row],
            significance=highest_significance(state.amplitudes[row], covariance),
            residual=as_spectra(state.residual[row]),
            naa=lines[row],
            unit=float(unit),
            noise=float(batch.noise[row]),
            converged=bool(solved.converged[row]),
        )
        curves = _curves(found, as_spectra(state.explained[row]), as_spectra(state.columns[row]), known[row], lent=lent, fitter=fitter)
        fit = judged(found, curves=curves, fitter=fitter, smoothing=batch.smoothing, held=held)
        yield referenced(fit, shift_hz=lent.shift_hz, delay_s=lent.delay_s, lorentzian_hz=lent.lorentzian_hz)


def _curves(found: Found, explained: ComplexArray, columns: ComplexArray, known: ComplexArray, *, lent: Lent, fitter: Fitter) -> FitCurves:
    """Curves in the units of the data; `columns` and `known` are of unit amplitude, (n_components, n_points)."""
    acquisition, mask = fitter.model.basis.acquisition, fitter.model.mask
    components = np.empty((explained.size, found.amplitudes.size), dtype=complex)
    components[:, list(lent.free)], components[:, list(lent.known)] = columns.T, known.T
    components *= found.amplitudes * found.unit
    return FitCurves(
        ppm=acquisition.ppm[mask] + found.theta[COMMON.index("shift_hz")] / acquisition.spectrometer_frequency_mhz,
        data=(explained + found.residual) * found.unit,
        baseline=explained * found.unit - components.sum(axis=1),
        components=components,
        residual=found.residual * found.unit,
    )


def departure_smoothing(fitter: Fitter) -> float:
    """Smoothing parameter of what a window's baseline departs from its session's; zero for a baseline without penalty."""
    return fitter.scale.smoothing(fitter.options.baseline_ed_per_ppm * fitter.scale.range_ppm) if fitter.scale else 0.0

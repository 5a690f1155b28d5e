"""Spectra of one session as one problem on arrays: components are the same in all, the common parameters move from one to the next.

Beside the session's mean, whose fit has found the shifts and widths of single components, a spectrum has few unknowns: the amplitudes that
may differ, a phase, a shift and two widths, and what its baseline departs from the session's. They are solved for all spectra at once.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.fitting.model import GAUSSIAN, SpectralModel
from mrs_pipeline.fitting.non_negative import non_negative_all
from mrs_pipeline.fitting.parameters import COMMON

_PHASE0, _PHASE1, _SHIFT, _SQUARE, _LORENTZIAN = range(len(COMMON))


def as_pairs(spectra: ComplexArray) -> FloatArray:
    """Spectra as real numbers, shape (..., 2 n_points): real and imaginary parts alternate."""
    return np.ascontiguousarray(spectra).view(np.float64)


def alternating(stacked: FloatArray) -> FloatArray:
    """Pairs of rows (n, 2 n_points) whose imaginary parts follow all real ones (`model.as_real`)."""
    return np.ascontiguousarray(stacked.reshape(len(stacked), 2, stacked.shape[1] // 2).swapaxes(1, 2).reshape(stacked.shape))


def as_spectra(pairs: FloatArray) -> ComplexArray:
    """The inverse of `as_pairs`."""
    return np.ascontiguousarray(pairs).view(np.complex128)


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Spectra of the same components, which common parameters modulate.

    Changes of width are those of the field in the voxel: all signals, macromolecules too, follow them alike. The common parameters are
    `COMMON`, with the Lorentzian width counted from that which is in the components.

    data : (n_spectra, n_points), shift and delay taken out.
    fids : (n_components, n_times), which have the lineshape of the mean but for shift and Gaussian width.
    """

    model: SpectralModel
    data: ComplexArray
    fids: ComplexArray

    def envelope(self, theta: FloatArray) -> ComplexArray:
        """Common modulation of all signals, (n_spectra, n_times)."""
        time_s = self.model.fids.time_s
        rate = 2j * np.pi * theta[:, _SHIFT, None] - np.pi * theta[:, _LORENTZIAN, None]
        return np.asarray(np.exp(rate * time_s - GAUSSIAN * theta[:, _SQUARE, None] * time_s**2))

    def rotated(self, theta: FloatArray) -> ComplexArray:
        """Data with both phases taken out."""
        turn = 2 * np.pi * (self.model.frequency_hz - self.model.pivot_hz)
        return np.asarray(self.data * np.exp(-1j * (theta[:, _PHASE0, None] + turn * theta[:, _PHASE1, None])))

    def slopes(self, total: ComplexArray, explained: ComplexArray) -> FloatArray:
        """Derivatives by the common parameters, pairs (n_spectra, n_common, 2 n_points).

        `total` are the FIDs of all signals, (n_spectra, n_times), `explained` what explains the data, (n_spectra, n_points).
        """
        model, time_s = self.model, self.model.fids.time_s
        first, second = np.moveaxis(model.fids.rows(np.stack([time_s * total, time_s**2 * total], axis=1)), 1, 0)
        phase1 = 2j * np.pi * (model.frequency_hz - model.pivot_hz) * explained
        return as_pairs(np.stack([1j * explained, phase1, 2j * np.pi * first, -GAUSSIAN * second, -np.pi * first], axis=1))


@dataclass(frozen=True, kw_only=True)
class Series(Alike):
    """Spectra to be fitted each by itself, in units of their noise; real arrays over points are pairs (`as_pairs`).

    fids : of the components with free amplitudes; `known` (n_spectra, n_times): sums of those with known amplitudes.
    offset : (n_spectra, n_points), the baselines known beforehand, upright.
    rows : (n_rows, 2 n_points), rows Q of the baseline's smoother (`smoother`).
    penalty : (n_spectra, n_free, n_free), on the amplitudes; `centre` and `precision` (n_common,): Gaussian priors of common parameters.
    free, lower, upper : (n_common,), which parameters move, and how far.
    """

    offset: ComplexArray
    known: ComplexArray
    rows: FloatArray
    penalty: FloatArray
    centre: FloatArray
    precision: FloatArray
    free: BoolArray
    lower: FloatArray
    upper: FloatArray

    def take(self, chosen: NDArray[np.intp]) -> "Series":
        """The chosen spectra."""
        each = ("data", "offset", "known", "penalty")
        return replace(self, **{name: getattr(self, name)[chosen] for name in each})


@dataclass(frozen=True, kw_only=True)
class SeriesState:
    """The solution of every spectrum at its common parameters; arrays begin with the spectrum.

    theta (n_common), amplitudes (n_free), columns: spectra of the components (n_free, 2 n_points), gram (n_free, n_free), residual and
    explained (2 n_points), slope_gram (n_common, n_common) and cross (n_free, n_common): products of the derivatives, gradient (n_common):
    half the slope of the cost downwards, cost (). Products have the baseline taken out.
    """

    theta: FloatArray
    amplitudes: FloatArray
    columns: FloatArray
    gram: FloatArray
    residual: FloatArray
    explained: FloatArray
    slope_gram: FloatArray
    cross: FloatArray
    gradient: FloatArray
    cost: FloatArray

    def take(self, chosen: NDArray[np.intp]) -> "SeriesState":
        """The chosen spectra."""
        return SeriesState(**{item.name: getattr(self, item.name)[chosen] for item in fields(self)})

    def put(self, places: NDArray[np.intp], other: "SeriesState", chosen: BoolArray) -> None:
        """Take over the `chosen` spectra of another state, whose spectra belong to `places` here."""
        for item in fields(self):
            getattr(self, item.name)[places[chosen]] = getattr(other, item.name)[chosen]


def evaluated(series: Series, theta: FloatArray, *, guess: BoolArray) -> SeriesState:
    """Amplitudes and baseline solved at `theta` (n_spectra, n_common); `guess` says which amplitudes are expected above zero."""
    rows = series.rows
    envelope = series.envelope(theta)
    fids, known = envelope[:, None] * series.fids, envelope * series.known
    columns = as_pairs(series.model.fids.rows(fids))
    rotated = as_pairs(series.rotated(theta))
    data = rotated - as_pairs(series.model.fids.rows(known) + series.offset)
    smooth, smooth_data = columns @ rows.T, data @ rows.T
    gram = columns @ columns.mT - smooth @ smooth.mT + series.penalty
    right = (columns @ data[:, :, None] - smooth @ smooth_data[:, :, None])[:, :, 0]
    amplitudes = non_negative_all(gram, right, guess=guess)
    unexplained = data - (amplitudes[:, None] @ columns)[:, 0]
    taken = unexplained @ rows.T
    residual = unexplained - taken @ rows
    total = known + (amplitudes[:, None] @ fids)[:, 0]
    slopes = series.slopes(total, as_spectra(rotated - residual))
    smooth_slopes = slopes @ rows.T
    deviation = theta - series.centre
    misfit = np.sum(unexplained**2, axis=1) - np.sum(taken**2, axis=1) + np.einsum("wi,wij,wj->w", amplitudes, series.penalty, amplitudes)
    return SeriesState(
        theta=theta,
        amplitudes=amplitudes,
        columns=columns,
        gram=gram,
        residual=residual,
        explained=rotated - residual,
        slope_gram=slopes @ slopes.mT - smooth_slopes @ smooth_slopes.mT,
        cross=columns @ slopes.mT - smooth @ smooth_slopes.mT,
        gradient=(slopes @ residual[:, :, None])[:, :, 0] - series.precision * deviation,
        cost=misfit + deviation**2 @ series.precision,
    )

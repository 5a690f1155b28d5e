"""Bringing a basis onto the axes of the data: same chemical shifts, another dwell time, length or exact field."""

from dataclasses import replace

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError

#: Relative difference below which two dwell times or fields are the same: 1e-6 of 10 ppm is far below any line width.
SAME = 1e-6
#: Couplings do not scale with the field, so a basis of another field cannot be adapted; 2 % is the spread of scanners called 3 T.
MAX_FIELD_DIFFERENCE = 0.02
#: Echo times that differ by more change the shape of coupled spins.
MAX_ECHO_TIME_DIFFERENCE_S = 1e-3
#: A basis this long may be extended by zeros: a line of 4 Hz has fallen below 1 % of its start.
SUFFICIENT_DURATION_S = 0.4
#: Signals lie within this distance of the carrier (0.15 to 9.15 ppm), ppm ...
BAND_PPM = 4.5
#: ... and the spectral width must leave room beside them, ppm.
MIN_WIDTH_PPM = 12.0
#: Samples that take part in each interpolated value.
N_NEIGHBOURS = 32


def resampled(basis: BasisSet, *, acquisition: Acquisition) -> BasisSet:
    """The basis at the sampling times and spectrometer frequency of `acquisition`, chemical shifts kept.

    Equal dwell time and frequency: cropped or extended by zeros, exactly. Otherwise the FID is evaluated at times scaled with the ratio
    of the frequencies, so all lines keep their ppm. Values between samples are the best linear estimate of a signal of limited band
    from its nearest samples (Wiener interpolation). Unlike Fourier interpolation it does not ring where an FID starts abruptly: the error
    is below 1e-3 of the first point between the first samples and 1e-5 later. `DataError` for another nucleus or field, another echo
    time (> 1 ms), or a basis too short or too narrow to say anything about the data's points.
    """
    _check(basis.acquisition, acquisition)
    old, new = basis.acquisition, acquisition
    scale = new.spectrometer_frequency_mhz / old.spectrometer_frequency_mhz
    step = scale * new.dwell_time_s / old.dwell_time_s
    if abs(scale - 1) <= SAME and abs(step - 1) <= SAME:
        fids = np.array(basis.fids[:, : new.n_points])
    else:
        positions = np.asarray(np.arange(new.n_points) * step)
        fids = interpolated(basis.fids, positions=positions[positions <= old.n_points - 1], band=_band(old))
    padding = new.n_points - fids.shape[1]
    return replace(basis, fids=np.pad(fids, ((0, 0), (0, padding))), acquisition=acquisition)


def interpolated(fids: ComplexArray, *, positions: FloatArray, band: float, ridge: float = 1e-10) -> ComplexArray:
    """Values of signals of limited band at fractional sample positions within or just beside them, shape (n_signals, n_positions).

    For a flat spectrum within +-`band` (cycles per sample) the covariance of two samples is sinc(2 band distance); the weights solve the
    normal equations, with a ridge (relative noise power of the samples) that keeps their errors small: rounding in text files is 1e-6.
    """
    n_neighbours = min(N_NEIGHBOURS, fids.shape[-1])
    first = np.clip(np.floor(positions).astype(int) - n_neighbours // 2 + 1, 0, fids.shape[-1] - n_neighbours)
    neighbour = np.arange(n_neighbours)
    covariance = np.sinc(2 * band * (neighbour[:, None] - neighbour)) + ridge * np.eye(n_neighbours)
    weights = np.linalg.solve(covariance, np.sinc(2 * band * (positions - first - neighbour[:, None])))
    return np.asarray(np.einsum("kt,mtk->mt", weights, fids[:, first[:, None] + neighbour]))


def _check(old: Acquisition, new: Acquisition) -> None:
    if old.nucleus != new.nucleus:
        raise DataError(f"the basis is of nucleus {old.nucleus} but the data are of {new.nucleus}: use a basis of the data's nucleus")
    if abs(old.spectrometer_frequency_mhz / new.spectrometer_frequency_mhz - 1) > MAX_FIELD_DIFFERENCE:
        raise DataError(
            f"the basis is at {old.spectrometer_frequency_mhz:g} MHz but the data at {new.spectrometer_frequency_mhz:g} MHz: "
            "use a basis of the data's field strength"
        )
    if old.echo_time_s is not None and new.echo_time_s is not None and abs(old.echo_time_s - new.echo_time_s) > MAX_ECHO_TIME_DIFFERENCE_S:
        raise DataError(
            f"the basis has an echo time of {1e3 * old.echo_time_s:g} ms but the data {1e3 * new.echo_time_s:g} ms: "
            "use a basis of the data's echo time"
        )
    _check_duration(old, new)


def _check_duration(old: Acquisition, new: Acquisition) -> None:
    available_s, needed_s = (sampling.n_points * sampling.dwell_time_s for sampling in (old, new))
    if available_s < min(needed_s, SUFFICIENT_DURATION_S) * (1 - MAX_FIELD_DIFFERENCE):
        raise DataError(
            f"the basis lasts {available_s:.3g} s but the data {needed_s:.3g} s: "
            f"use a basis at least as long as the data or {SUFFICIENT_DURATION_S} s"
        )


def _band(old: Acquisition) -> float:
    """Highest frequency of signals in cycles per sample."""
    width_ppm = old.spectral_width_hz / old.spectrometer_frequency_mhz
    if width_ppm < MIN_WIDTH_PPM:
        raise DataError(
            f"the basis has a spectral width of {width_ppm:.3g} ppm, too narrow to interpolate: "
            f"use one of at least {MIN_WIDTH_PPM:g} ppm, or of the data's dwell time"
        )
    return BAND_PPM / width_ppm

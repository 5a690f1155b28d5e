"""Bringing a basis onto the axes of the data: same chemical shifts, another dwell time, length or exact field."""

import re
from dataclasses import replace

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError

#: Relative difference below which two dwell times or fields are the same: 1e-6 of 10 ppm is far below any line width.
SAME = 1e-6
#: Couplings do not scale with the field, so a basis of another field cannot be adapted; 2 % is the spread of scanners called 3 T.
MAX_FIELD_DIFFERENCE = 0.02
#: Echo times that differ by more change the shape of coupled spins noticeably, which is said ...
SAME_ECHO_TIME_S = 1e-3
#: ... and beyond this so much that the basis is no longer one of the data.
MAX_ECHO_TIME_DIFFERENCE_S = 10e-3
#: Sequences that give coupled spins different shapes, by what the names that scanners and programs give them contain; Siemens calls PRESS
#: svs_se (spin echo) and STEAM svs_st.
SEQUENCE_FAMILIES = {"PRESS": r"press|svs_?se(?![a-z])", "STEAM": r"steam|svs_?st(?![a-z])", "sLASER": r"s(emi)?[-_ ]?laser"}
#: A basis this long may be extended by zeros: a line of 4 Hz has fallen below 1 % of its start.
SUFFICIENT_DURATION_S = 0.4
#: Signals lie within this distance of the carrier (0.15 to 9.15 ppm), ppm ...
BAND_PPM = 4.5
#: ... and the spectral width must leave room beside them, ppm.
MIN_WIDTH_PPM = 12.0
#: ... unless all new samples lie within this part of a sample from old ones, where interpolation has next to nothing to do.
BESIDE = 0.1
#: Samples that take part in each interpolated value.
N_NEIGHBOURS = 32


def resampled(basis: BasisSet, *, acquisition: Acquisition) -> BasisSet:
    """The basis at the sampling times and spectrometer frequency of `acquisition`, chemical shifts kept.

    Equal dwell time and frequency: cropped or extended by zeros, exactly. Otherwise the FID is evaluated at times scaled with the ratio
    of the frequencies, so all lines keep their ppm. Values between samples are the best linear estimate of a signal of limited band
    from its nearest samples (Wiener interpolation). Unlike Fourier interpolation it does not ring where an FID starts abruptly: the error
    is below 1e-3 of the first point between the first samples and 1e-5 later. `DataError` for another nucleus or field, an echo time
    that differs by more than 10 ms (`echo_time_remark` tells of smaller differences), or a basis too short or too narrow to say anything
    about the data's points.
    """
    _check(basis.acquisition, acquisition)
    old, new = basis.acquisition, acquisition
    scale = new.spectrometer_frequency_mhz / old.spectrometer_frequency_mhz
    step = scale * new.dwell_time_s / old.dwell_time_s
    if abs(scale - 1) <= SAME and abs(step - 1) <= SAME:
        fids = np.array(basis.fids[:, : new.n_points])
    else:
        positions = np.asarray(np.arange(new.n_points) * step)
        fids = interpolated(basis.fids, positions=positions[positions <= old.n_points - 1], band=_band(old, new, step=step))
    padding = new.n_points - fids.shape[1]
    return replace(basis, fids=np.pad(fids, ((0, 0), (0, padding))), acquisition=acquisition)


def echo_time_remark(basis: BasisSet, *, acquisition: Acquisition) -> str | None:
    """What a reader must know where the echo times of basis and data differ by more than 1 ms; None where they agree or one is unknown."""
    if _echo_time_difference_s(basis.acquisition, acquisition) <= SAME_ECHO_TIME_S:
        return None
    effect = "the shapes of coupled metabolites such as Glu, Gln and Lac, and with them their amplitudes, are not quite those of the data"
    return f"{_echo_times(basis.acquisition, acquisition)}: {effect}"


def sequence_remark(basis: BasisSet, *, sequence_name: str) -> str | None:
    """What a reader must know where basis and data evidently come from different sequences.

    Both names are compared by the family of sequences they contain (`SEQUENCE_FAMILIES`); a name that contains none, as many product
    sequences do, or more than one says nothing.
    """
    families = [_families(text) for text in (basis.sequence, sequence_name)]
    if any(len(found) != 1 for found in families) or families[0] == families[1]:
        return None
    of_basis, of_data = (next(iter(found)) for found in families)
    return f"the basis is of the sequence {of_basis} but the data of {of_data} ({sequence_name}): their coupled metabolites differ"


def _families(text: str) -> set[str]:
    return {name for name, pattern in SEQUENCE_FAMILIES.items() if re.search(pattern, text.lower())}


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
    if _echo_time_difference_s(old, new) > MAX_ECHO_TIME_DIFFERENCE_S:
        raise DataError(f"{_echo_times(old, new)}: use a basis of the data's echo time")
    _check_duration(old, new)


def _echo_time_difference_s(old: Acquisition, new: Acquisition) -> float:
    """How far two echo times are apart, to the nanosecond; 0 where one is not known."""
    if old.echo_time_s is None or new.echo_time_s is None:
        return 0.0
    return round(abs(old.echo_time_s - new.echo_time_s), 9)


def _echo_times(old: Acquisition, new: Acquisition) -> str:
    return f"the basis has an echo time of {1e3 * (old.echo_time_s or 0.0):g} ms but the data {1e3 * (new.echo_time_s or 0.0):g} ms"


def _check_duration(old: Acquisition, new: Acquisition) -> None:
    available_s, needed_s = (sampling.n_points * sampling.dwell_time_s for sampling in (old, new))
    if available_s < min(needed_s, SUFFICIENT_DURATION_S) * (1 - MAX_FIELD_DIFFERENCE):
        raise DataError(
            f"the basis lasts {available_s:.3g} s but the data {needed_s:.3g} s: "
            f"use a basis at least as long as the data or {SUFFICIENT_DURATION_S} s"
        )


def _band(old: Acquisition, new: Acquisition, *, step: float) -> float:
    """Highest frequency of signals in cycles per sample; `step` is the distance of new samples in old ones."""
    width_ppm = old.spectral_width_hz / old.spectrometer_frequency_mhz
    beside_samples = abs(step - 1) * min(new.n_points, old.n_points) < BESIDE and width_ppm > 2 * BAND_PPM
    if width_ppm < MIN_WIDTH_PPM and not beside_samples:
        raise DataError(
            f"the basis has a spectral width of {old.spectral_width_hz:.7g} Hz ({width_ppm:.3g} ppm) and the data of "
            f"{new.spectral_width_hz:.7g} Hz, and the one is too narrow to interpolate: "
            f"use one of at least {MIN_WIDTH_PPM:g} ppm, or of the data's spectral width"
        )
    return BAND_PPM / width_ppm

"""Coil combination: one weight vector for the whole session, optimal for the measured noise.

Generalised least squares with sensitivities from the whitened singular value decomposition: Rodgers & Robson 2010,
Magn Reson Med 63:881 (WSVD); An et al. 2013, J Magn Reson Imaging 37:1445 (GLS).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.preprocessing.noise import noise_covariance, robust_sd, signal_free_samples
from mrs_pipeline.preprocessing.reference import mean_reference
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "RF coil combination"

OPTIONS = {
    "sensitivities": Option(
        default="auto",
        doc="where coil sensitivities come from; auto: the water reference where there is one, else the data",
        choices=("auto", "reference", "data"),
    ),
    "whiten": Option(default=True, doc="use the noise correlation between coils (false: only their noise levels)"),
    "range_ppm": Option(default=[1.8, 5.2], doc="part of the spectrum sensitivities are taken from without reference, ppm"),
    "noisy_factor": Option(default=3.0, above=0, doc="a coil with this many times the median noise is reported as noisy"),
}

#: Transients used to find sensitivities in the data: more add time, not precision.
_N_TRANSIENTS_FOR_SENSITIVITY = 256

#: A reference holds a signal if its strongest combination of coils has this many times the power of the mean other one.
_LEAST_WATER = 3.0
#: Data tell sensitivities if theirs has this many times the power of noise; a reference must then reach this share of their ratio.
_LEAST_SIGNAL = 1.5
_LEAST_SHARE = 0.8
_METABOLITES_PPM = (1.8, 4.2)


def combine_coils(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The session with coils combined, the reference by the same weights; nothing but a record where there is no coil dimension.

    The combined signal is ``w^H x`` with ``w = C^-1 s / (s^H C^-1 s)`` and ``|s| = 1``: it keeps the signal scale of the root of
    the sum of squares over coils, whatever the noise, and the scale is one for session and reference. Its phase is such that the
    water reference starts at 0 rad (without reference: that of the most sensitive coil). Dead coils get weight 0.
    """
    options = resolve(OPTIONS, options, step="coil_combination")
    if "coil" not in session.fids.dims:
        return session.after(_record("no coil dimension: nothing to combine", {}))
    _check_reference(session)
    live = usable_channels(session.fids.data)[0]
    reason = ""
    if session.reference is not None:
        live, reason = _with_reference(session.reference, live=live)
    if not live.any():
        raise DataError("no coil holds a signal: every channel is zero, constant or not finite; check the raw data")
    samples, source = signal_free_samples(_selected(session.fids, live), acquisition=session.fids.acquisition)
    covariance = noise_covariance(samples)
    if not options["whiten"]:
        covariance = np.diag(np.diag(covariance))
    if session.reference is not None and not reason:
        reason = mismatch(session.fids, session.reference, live=live, covariance=covariance)
    if reason and options["sensitivities"] == "reference":
        raise DataError(f"{reason}, and coil sensitivities were asked of it: use sensitivities: auto or data")
    if reason:
        session = replace(session, reference=None)
    sensitivity, origin = _sensitivity(session, live=live, covariance=covariance, options=options)
    weights = np.zeros(live.size, dtype=np.complex128)
    weights[live] = gls_weights(sensitivity, covariance=covariance)
    weights *= np.exp(1j * _reference_phase(session, weights))
    values = _values(live, covariance, weights, options) | {"noise_source": source, "origin": origin}
    return _combined_session(session, weights, values | ({"reference_not_used": reason} if reason else {}))


def _record(details: str, values: Mapping[str, object]) -> StepRecord:
    reason = values.get("reference_not_used", "")
    remark = f"{reason}; it is used for nothing, and the coils are combined by the data" if reason else ""
    return StepRecord(
        step="coil_combination", method=METHOD, details="; ".join(filter(None, (details, remark))), values=values, remark=remark
    )


def _check_reference(session: Session) -> None:
    reference = session.reference
    if reference is not None and reference.sizes.get("coil") != session.fids.sizes["coil"]:
        found = reference.sizes.get("coil", "no")
        raise DataError(f"the water reference has {found} coils, the data {session.fids.sizes['coil']}: give a reference of the same coils")


def _with_reference(reference: Fids, *, live: BoolArray) -> tuple[BoolArray, str]:
    """Coils live in the reference as well; or those of the data alone, and why, where the reference has none."""
    both = live & usable_channels(_by_transient(reference))[0]
    return (both, "") if both.any() or not live.any() else (live, "the water reference is zero, constant or not finite in every coil")


def mismatch(fids: Fids, reference: Fids, *, live: BoolArray, covariance: ComplexArray) -> str:
    """Why a reference says nothing of the sensitivities of the data, empty where it does or where the data cannot tell.

    It must hold a signal well above its noise, and combine the metabolites of the data to a signal-to-noise ratio that is not far below
    that by the data's own sensitivities.
    """
    if live.sum() < 2:
        return ""
    factor = np.linalg.cholesky(covariance)
    water = _whitened_moment(_selected(reference, live).reshape(int(live.sum()), -1), factor)
    sizes, vectors = np.linalg.eigh(water)
    if sizes[-1] < _LEAST_WATER * sizes[:-1].mean():
        return "the water reference holds no signal"
    signal = band_signal(_selected(fids, live), acquisition=fids.acquisition, range_ppm=_METABOLITES_PPM)
    own = _whitened_moment(signal, factor)
    sizes = np.linalg.eigvalsh(own)
    noise = sizes[: max(sizes.size // 2, 1)].mean()
    if sizes[-1] < _LEAST_SIGNAL * noise:
        return ""
    by_reference = np.vdot(vectors[:, -1], own @ vectors[:, -1]).real
    share = np.sqrt(max(by_reference - noise, 0.0) / (sizes[-1] - noise))
    if share >= _LEAST_SHARE:
        return ""
    return (
        f"the water reference does not match the data: by its coil sensitivities they have {100 * share:.0f} % of the "
        "signal-to-noise ratio that they have by their own"
    )


def _whitened_moment(signal: ComplexArray, factor: NDArray[Any]) -> ComplexArray:
    whitened = np.linalg.solve(factor, np.asarray(signal, dtype=np.complex128))
    return np.asarray(whitened @ whitened.conj().T)


def usable_channels(data: ComplexArray) -> tuple[BoolArray, BoolArray]:
    """Live coils (n_coils,) and sound transients (n_transients,) of data (n_coils, n_transients, n_points).

    A channel that is not finite or does not vary is useless. Where that holds for half of the coils the transient is to blame,
    otherwise the coil is, and for the whole session: weights never change in between.
    """
    useful = np.stack([np.isfinite(channel).all(axis=-1) & (channel[..., 1:] != channel[..., :1]).any(axis=-1) for channel in data])
    sound = useful.mean(axis=0) >= 0.5
    return np.asarray(useful[:, sound].all(axis=1) & bool(sound.any())), sound


def _by_transient(fids: Fids) -> ComplexArray:
    return fids.data if fids.data.ndim == 3 else fids.data[:, None]


def _selected(fids: Fids, live: BoolArray) -> ComplexArray:
    """Live coils and sound transients, without a copy where that is all of them."""
    data = _by_transient(fids)
    data = data if live.all() else data[live]
    sound = usable_channels(data)[1]
    return data if sound.all() else np.asarray(data[:, sound])


def _sensitivity(session: Session, *, live: BoolArray, covariance: ComplexArray, options: Mapping[str, Any]) -> tuple[ComplexArray, str]:
    """Relative complex sensitivities of the live coils, unit norm, and the word for their origin."""
    if options["sensitivities"] == "reference" and session.reference is None:
        raise DataError("coil sensitivities were asked of the water reference, and there is none: use sensitivities: auto or data")
    factor = np.linalg.cholesky(covariance)
    if session.reference is not None and options["sensitivities"] != "data":
        signal = _selected(session.reference, live).reshape(int(live.sum()), -1)
        origin = "reference"
    else:
        signal = band_signal(_selected(session.fids, live), acquisition=session.fids.acquisition, range_ppm=options["range_ppm"])
        origin = "data"
    whitened = np.linalg.solve(factor, np.asarray(signal, dtype=np.complex128))
    sensitivity = factor @ np.linalg.eigh(whitened @ whitened.conj().T)[1][:, -1]
    strongest = sensitivity[np.argmax(np.abs(sensitivity))]
    return sensitivity * (np.abs(strongest) / strongest / np.linalg.norm(sensitivity)), origin


def band_signal(data: ComplexArray, *, acquisition: Acquisition, range_ppm: tuple[float, float]) -> ComplexArray:
    """Part of the spectra of up to 256 transients within a range, shape (n_coils, n_samples).

    Every transient enters by its own second moment, with equal power, so neither drift nor phase jitter nor a spike matters; lipids
    from outside the volume, which other coils see best, stay out.
    """
    step = max(data.shape[1] // _N_TRANSIENTS_FOR_SENSITIVITY, 1)
    ppm = np.fft.ifftshift(acquisition.ppm)
    inside = (ppm >= min(range_ppm)) & (ppm <= max(range_ppm))
    spectra = np.stack([np.fft.fft(channel[::step], axis=-1)[:, inside] for channel in data])
    power = np.mean(np.abs(spectra) ** 2, axis=(0, 2), keepdims=True)
    return np.asarray(spectra / np.sqrt(np.where(power > 0, power, 1.0))).reshape(len(data), -1)


def gls_weights(sensitivity: ComplexArray, *, covariance: ComplexArray) -> ComplexArray:
    """Weights ``w`` of least noise with ``w^H s = 1``: ``C^-1 s / (s^H C^-1 s)`` (An et al. 2013, equation 4)."""
    direction = np.linalg.solve(covariance, sensitivity)
    return np.asarray(direction / np.vdot(sensitivity, direction).real)


def apply_weights(data: ComplexArray, *, weights: ComplexArray) -> ComplexArray:
    """``w^H x`` over the first dimension; coils of weight 0 are not touched, so they may hold anything."""
    combined = np.zeros(data.shape[1:], dtype=data.dtype)
    with np.errstate(invalid="ignore", over="ignore"):  # a transient that is not finite stays so
        for weight, channel in zip(weights.conj().astype(data.dtype), data, strict=True):
            if weight != 0:
                combined += weight * channel
    return combined.astype(np.complex128)


def initial_phase(fid: ComplexArray, *, acquisition: Acquisition, span_s: float = 0.01) -> float:
    """Phase at t = 0 of a strong FID, rad: straight line through the phase of its first 10 ms, weighted by power."""
    n = int(np.clip(round(span_s * acquisition.spectral_width_hz), 4, fid.size))
    phase, power = np.unwrap(np.angle(fid[:n])), np.abs(fid[:n]) ** 2
    design = np.stack([np.ones(n), acquisition.time_s[:n]], axis=1) * np.sqrt(power)[:, None]
    return float(np.linalg.lstsq(design, phase * np.sqrt(power), rcond=None)[0][0])


def _reference_phase(session: Session, weights: ComplexArray) -> float:
    if session.reference is None:
        return 0.0
    fid, _ = mean_reference(_combined(session.reference, weights))
    return initial_phase(fid, acquisition=session.reference.acquisition)


def _values(live: BoolArray, covariance: ComplexArray, weights: ComplexArray, options: Mapping[str, Any]) -> dict[str, object]:
    noise: FloatArray = np.full(live.size, np.nan)
    noise[live] = np.sqrt(np.diag(covariance).real / 2)
    correlation = covariance / np.sqrt(np.outer(np.diag(covariance).real, np.diag(covariance).real))
    return {
        "weights": weights,
        "noise_sd": noise,
        "noise_correlation": np.abs(correlation),
        "dead_coils": np.flatnonzero(~live).tolist(),
        "noisy_coils": np.flatnonzero(noise > options["noisy_factor"] * np.nanmedian(noise)).tolist(),
        "combined_noise_sd": float(np.sqrt(np.vdot(weights[live], covariance @ weights[live]).real / 2)),
        "noise_sd_spread": robust_sd(noise[live]),
    }


def _combined_session(session: Session, weights: ComplexArray, values: dict[str, object]) -> Session:
    details = (
        f"generalised least squares over {int(np.count_nonzero(weights))} of {weights.size} coils, sensitivities from the "
        f"{values['origin']}, noise covariance from the {values['noise_source']}; dead coils {values['dead_coils']}, "
        f"noisy coils {values['noisy_coils']}"
    )
    return session.after(
        _record(details, values),
        fids=_combined(session.fids, weights),
        reference=None if session.reference is None else _combined(session.reference, weights),
    )


def _combined(fids: Fids, weights: ComplexArray) -> Fids:
    return replace(fids, data=apply_weights(fids.data, weights=weights), dims=fids.dims[1:])

"""Noise of raw channels: its covariance from samples that hold no signal."""

import numpy as np

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray

#: Enough samples for a 32 x 32 covariance to within 1 %.
_N_SAMPLES_WANTED = 40_000
#: Outside these shifts nothing in the brain resonates.
_SIGNAL_PPM = (-0.5, 9.0)
#: Power in the first over the second half of the tail above which the tail is taken to hold signal.
_DECAY_LIMIT = 1.15


def stored_length(fids: ComplexArray) -> int:
    """Number of leading samples that are not the zeros some scanners append, for data of shape (..., n_points)."""
    filled = np.flatnonzero(np.any(fids.reshape(-1, fids.shape[-1]) != 0, axis=0))
    return int(filled[-1]) + 1 if filled.size else 0


def signal_free_samples(fids: ComplexArray, *, acquisition: Acquisition) -> tuple[ComplexArray, str]:
    """Noise of every channel, shape (n_coils, n_samples), and where it was taken, from data (n_coils, n_transients, n_points).

    First choice is the last quarter of the recorded samples, differenced between successive transients so that whatever is stable
    cancels; the variance stays that of one sample. Where even so the power falls along the tail, signal is left in it, and the
    part of the spectrum outside -0.5 to 9 ppm is used. Its noise is the same if the noise is white, which receivers nearly are.
    """
    n_stored = stored_length(fids[:, :4])
    noise = _without_spikes(_without_stable_signal(_thinned(fids[:, :, :n_stored], n_keep=max(n_stored // 4, 1))))
    tail = noise[:, :, -max(n_stored // 4, 1) :]
    if n_stored < 16 or _decay(tail) < _DECAY_LIMIT:
        return tail.reshape(len(fids), -1), "tail"
    free = _outside_signal(acquisition)
    if free.sum() < 16:
        return tail.reshape(len(fids), -1), "tail (signal left in it)"
    spectra = np.fft.fft(noise, n=acquisition.n_points, axis=-1)[:, :, free] / np.sqrt(n_stored)
    # a second difference removes the smooth tails of cut-off lines and has 6 times the variance
    return np.diff(spectra, n=2, axis=-1).reshape(len(fids), -1) / np.sqrt(6.0), "spectrum outside -0.5 to 9 ppm"


def _thinned(fids: ComplexArray, *, n_keep: int) -> ComplexArray:
    """Pairs of neighbouring transients spread over the session, no more than needed."""
    n_pairs = max(fids.shape[1] // 2, 1)
    step = max(n_pairs // max(_N_SAMPLES_WANTED // n_keep, 8), 1)
    first = 2 * np.arange(0, n_pairs, step)
    rows = np.unique(np.stack([first, np.minimum(first + 1, fids.shape[1] - 1)]))
    return np.asarray(fids[:, rows])


def _without_stable_signal(fids: ComplexArray) -> ComplexArray:
    if fids.shape[1] < 2:
        return fids
    n_even = fids.shape[1] // 2 * 2
    return np.asarray((fids[:, 1:n_even:2] - fids[:, 0:n_even:2]) / np.sqrt(2.0))


def _without_spikes(noise: ComplexArray) -> ComplexArray:
    """Rows (n_coils, n_rows, n_points) whose late power is not far above the usual in any coil."""
    power = np.mean(np.abs(noise[:, :, -(noise.shape[-1] // 4) :]) ** 2, axis=-1)
    usual = power <= 4.0 * np.median(power, axis=1, keepdims=True)
    return np.asarray(noise[:, usual.all(axis=0)] if usual.all(axis=0).any() else noise)


def _decay(tail: ComplexArray) -> float:
    half = tail.shape[-1] // 2
    power = np.mean(np.abs(tail) ** 2, axis=1)
    early, late = power[:, :half].mean(axis=1), power[:, half:].mean(axis=1)
    usable = late > 0
    return float(np.max(early[usable] / late[usable], initial=0.0))


def _outside_signal(acquisition: Acquisition) -> BoolArray:
    """Bins in FFT order, where those far from the carrier are neighbours."""
    ppm = np.fft.ifftshift(acquisition.ppm)
    return np.asarray((ppm < _SIGNAL_PPM[0]) | (ppm > _SIGNAL_PPM[1]))


def noise_covariance(samples: ComplexArray) -> ComplexArray:
    """Covariance of channels, shape (n_coils, n_coils), from samples (n_coils, n_samples).

    Off-diagonal elements are shrunk by n_coils / (n_coils + n_samples), which keeps it invertible when samples are few.
    """
    samples = np.asarray(samples, dtype=np.complex128)
    n_coils, n_samples = samples.shape
    covariance = samples @ samples.conj().T / n_samples
    shrinkage = n_coils / (n_coils + n_samples)
    return np.asarray((1 - shrinkage) * covariance + shrinkage * np.diag(np.diag(covariance)))


def robust_sd(values: FloatArray) -> float:
    """Standard deviation of a normal sample from its median absolute deviation, so that a few outliers do not count."""
    values = np.asarray(values)[np.isfinite(values)]
    return float(1.4826 * np.median(np.abs(values - np.median(values)))) if values.size else float("nan")


def noise_sd(fids: ComplexArray, *, acquisition: Acquisition) -> FloatArray:
    """SD of the noise in the real (or imaginary) part of each FID sample, shape of the leading dimensions.

    From second differences along the spectrum outside -0.5 to 9 ppm, where the tails of lines are smooth and noise is not (over
    the last quarter of the FID where the band is too narrow for that); the median makes single spikes harmless.
    """
    free = _outside_signal(acquisition)
    tail = fids[..., -(fids.shape[-1] // 4) :]
    series = tail if free.sum() < 16 else np.fft.fft(fids, axis=-1)[..., free] / np.sqrt(fids.shape[-1])
    power = np.median(np.abs(np.diff(series, n=2, axis=-1)) ** 2, axis=-1) / np.log(2.0)  # median of an exponential variate
    return np.asarray(np.sqrt(power / 6.0 / 2.0))  # a second difference has 6 times the variance

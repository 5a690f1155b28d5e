"""The signal of water at the start of its reference FID, with its standard error."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids

#: Samples before this time are left out: filters of the receiver and switching distort them.
SKIPPED_S = 0.001
#: The decay is fitted until the signal has fallen to this part of its start.
FITTED_PART = 0.3
#: Polynomials in time, of these orders, that the logarithm of the decay may be.
ORDERS = (2, 3)
#: Fewer samples than this do not determine them.
FEWEST_SAMPLES = 12
#: A reference whose start is not this many times its noise holds no water.
LEAST_SNR = 20.0
#: Relative standard error that is always there: metabolites, half a percent of the signal, change the start by 0.1 % or so.
FLOOR = 0.001


@dataclass(frozen=True, kw_only=True)
class WaterReference:
    """Signal of water at t = 0 in units of the data, mean over the transients, and the timing it was measured with (None: not stated)."""

    amplitude: float
    sd: float
    n_transients: int
    echo_time_s: float | None
    repetition_time_s: float | None


def measure_water(reference: Fids) -> WaterReference:
    """Signal of water from reference FIDs with coils combined, dimensions (time,) or (transient, time).

    The magnitude, which eddy currents and their correction leave alone, is fitted from 1 ms until it has fallen to 30 %: its
    logarithm is a polynomial in time (order 2, a Voigt line, or 3, by the Bayesian information criterion), weighted by the signal,
    and its value at 0 is the logarithm of the amplitude. Each transient is fitted by itself; `sd` is the larger of what noise and misfit
    leave uncertain and of the scatter between transients, and never below `FLOOR`. Raises `DataError` for coils apart, no finite
    transient, no signal, or one that decays too quickly.
    """
    if reference.dims not in (("time",), ("transient", "time")):
        raise DataError(f"the water reference has dimensions {', '.join(reference.dims)}: combine its coils first")
    rows = np.asarray(reference.data, dtype=np.complex128).reshape(-1, reference.acquisition.n_points)
    rows = rows[np.isfinite(rows).all(axis=-1)]
    if not len(rows):
        raise DataError("the water reference holds no transient whose values are all finite: export it again")
    fitted = np.array([_log_start(np.abs(row), time_s=reference.acquisition.time_s, noise_sd=tail_noise_sd(row)) for row in rows])
    amplitude, relative_sd = _mean(fitted)
    return WaterReference(
        amplitude=amplitude,
        sd=amplitude * relative_sd,
        n_transients=len(rows),
        echo_time_s=reference.acquisition.echo_time_s,
        repetition_time_s=reference.acquisition.repetition_time_s,
    )


def _mean(fitted: FloatArray) -> tuple[float, float]:
    """Mean amplitude and its relative standard error from (logarithm, its standard error) of each transient."""
    amplitudes, n = np.exp(fitted[:, 0]), len(fitted)
    mean = float(amplitudes.mean())
    noise = float(np.sqrt(np.sum((amplitudes * fitted[:, 1]) ** 2))) / (n * mean)
    scatter = float(amplitudes.std(ddof=1)) / (np.sqrt(n) * mean) if n > 1 else 0.0
    return mean, float(np.hypot(max(noise, scatter), FLOOR))


def tail_noise_sd(fid: ComplexArray) -> float:
    """SD of the noise in the real part of one sample, from second differences over the last quarter, which slow water does not enter."""
    second = np.diff(fid[-max(fid.size // 4, 8) :], n=2)
    return float(np.sqrt(np.mean(np.abs(second) ** 2) / 6.0 / 2.0))  # a second difference has 6 times the variance


def _log_start(magnitude: FloatArray, *, time_s: FloatArray, noise_sd: float) -> tuple[float, float]:
    """Logarithm of the magnitude at t = 0 and its standard error."""
    used = _used_samples(magnitude, time_s=time_s, noise_sd=noise_sd)
    signal, scaled = magnitude[used], time_s[used] / time_s[used][-1]
    # noise lifts a magnitude by noise^2 / (2 signal), at most half a percent of the weakest sample used
    fits = [_polynomial(scaled, np.log(signal), weights=signal, order=order, noise_sd=noise_sd) for order in ORDERS]
    _, start, sd = min(fits)
    return start, sd


def _used_samples(magnitude: FloatArray, *, time_s: FloatArray, noise_sd: float) -> slice:
    first = int(np.searchsorted(time_s, SKIPPED_S))
    top = float(np.median(magnitude[first : first + 8])) if magnitude.size > first + 8 else 0.0
    if not top > LEAST_SNR * noise_sd:
        raise DataError("the water reference holds no water: its signal does not stand out of the noise")
    fallen = np.flatnonzero(magnitude[first:] < max(FITTED_PART * top, 10.0 * noise_sd))
    n_used = int(fallen[0]) if fallen.size else magnitude.size - first
    if n_used < FEWEST_SAMPLES:
        raise DataError(
            f"the water reference decays within {n_used} samples: its signal at the start cannot be told; shim or check the file"
        )
    return slice(first, first + n_used)


def _polynomial(x: FloatArray, y: FloatArray, *, weights: FloatArray, order: int, noise_sd: float) -> tuple[float, float, float]:
    """Bayesian information criterion, value at 0 and its standard error of a weighted fit; `weights` times `noise_sd` is 1/SD of y."""
    design = np.vander(x, order + 1, increasing=True) * weights[:, None]
    solution = np.linalg.lstsq(design, y * weights, rcond=None)[0]
    misfit = float(np.sum((y * weights - design @ solution) ** 2))
    variance = max(misfit / (x.size - order - 1), noise_sd**2)
    criterion = x.size * np.log(max(misfit, np.finfo(float).tiny) / x.size) + (order + 1) * np.log(x.size)
    sd = np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0])
    return float(criterion), float(solution[0]), float(sd)

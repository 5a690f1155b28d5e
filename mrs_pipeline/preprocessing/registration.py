"""Maximum-likelihood frequency and phase of many transients against one target, all of them at once.

Model of a transient in the band of the metabolites: ``a exp(i phase) T(f - shift) + broad background + white noise``. Near the
target the shift enters through ``t T(t)``, so one small linear least-squares problem with the columns ``T``, ``t T`` and the background
gives amplitude, phase, shift and change of linewidth of all transients by a single matrix product; a few repetitions make it exact.
The idea of aligning in the frequency domain with the background profiled out: Wilson 2019, Magn Reson Med 81:2878 (RATS).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.stats import gamma

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, FloatArray
from mrs_pipeline.preprocessing.band import N_PLAIN, Band, lipid_band
from mrs_pipeline.preprocessing.noise import robust_sd
from mrs_pipeline.preprocessing.singlets import correlation_over_shifts, peak_of

#: Longest move of one transient in one repetition, Hz: beyond a linewidth the linear problem no longer points home.
_MAX_MOVE_HZ = 4.0


def bounded_size(fids: ComplexArray, *, usual: BoolArray) -> FloatArray:
    """Factor (n_transients,) that brings FIDs of more than twice the usual norm down to that, so that one absurd transient does no harm."""
    size = np.linalg.norm(fids, axis=1)
    typical = float(np.median(size[usual]))
    return np.asarray(np.minimum(1.0, 2.0 * typical / np.maximum(size, 1e-300)) if typical > 0 else np.ones(len(fids)))


def pairwise_mean(fids: ComplexArray, *, acquisition: Acquisition, max_shift_hz: float) -> ComplexArray:
    """A first target that drift cannot smear, shape (n_points,): neighbours are aligned and added, then those sums, and so on.

    ``fids`` (n_transients, n_points) hold only the band of the metabolites, weighted towards early times.
    """
    time = acquisition.time_s
    nodes = fids
    while len(nodes) > 1:
        last = nodes[len(nodes) // 2 * 2 :]
        left, right = nodes[0 : len(nodes) // 2 * 2 : 2], nodes[1::2]
        shift, phase = best_offset(right, target=left, acquisition=acquisition, max_shift_hz=max_shift_hz)
        half = np.exp(0.5j * (phase[:, None] + 2 * np.pi * shift[:, None] * time))
        nodes = np.concatenate([left * half + right * half.conj(), last])
    return np.asarray(nodes[0])


def best_offset(
    fids: ComplexArray, *, target: ComplexArray, acquisition: Acquisition, max_shift_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Shift (Hz) and phase (rad) of each FID against its target, over a whole range: maximum of the correlation, shape (n_fids,) each."""
    product = target.conj() * fids
    shifts, correlation = correlation_over_shifts(product, dwell_time_s=acquisition.dwell_time_s, max_shift_hz=max_shift_hz)
    shift, _ = peak_of(shifts, correlation)
    value = np.sum(product * np.exp(-2j * np.pi * shift[:, None] * acquisition.time_s), axis=1)
    return shift, np.angle(value)


def signal_weight(target: ComplexArray, *, band: Band, noise_power: float) -> FloatArray:
    """Wiener weight over time, 1 where the target is all signal and 0 where it is noise, never rising again, shape (n_points,).

    ``noise_power`` is the mean squared magnitude of the target's noise per bin. Without this weight a target of few transients holds
    enough of each transient's own noise to hold it where it is.
    """
    n = target.size
    taper = band.taper()  # sharp edges would ring on after the signal has gone
    power = np.abs(np.fft.ifft(taper * np.fft.fft(target))) ** 2
    # 60 ms spans the beat of tCr and tCho at 3T
    width = max(round(0.06 * band.acquisition.spectral_width_hz), 1)
    smooth = uniform_filter1d(power, width, mode="nearest")
    floor = noise_power * np.sum(taper**2) / n**2
    # 1.5: the average over 60 ms of mere noise hardly ever exceeds its mean by more
    weight = np.clip(1.0 - 1.5 * floor / np.maximum(smooth, 1e-300), 0.0, 1.0)
    return np.asarray(np.minimum.accumulate(weight))


def weighted_target(fids: ComplexArray, *, weights: FloatArray, band: Band, noise_power: float) -> ComplexArray:
    """Weighted mean of aligned FIDs without most of its noise, shape (n_points,); ``noise_power`` is that of one transient per bin."""
    shares = weights / weights.sum()
    mean = shares @ fids
    return np.asarray(mean * signal_weight(mean, band=band, noise_power=noise_power * float(np.sum(shares**2))))


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What one linear least-squares pass found for every transient; arrays (n_transients,).

    ``snr`` is the amplitude over its standard error, ``residual`` the root mean square of what is left per bin, ``background`` the
    coefficients of the background (n_transients, n_columns) and ``background_noise`` their covariance for noise of unit power per bin.
    """

    amplitude: FloatArray
    phase_rad: FloatArray
    shift_hz: FloatArray
    linewidth_change_hz: FloatArray
    shift_sd_hz: FloatArray
    snr: FloatArray
    residual: FloatArray
    background: ComplexArray
    background_noise: ComplexArray


def register(
    spectra: ComplexArray,
    *,
    target: ComplexArray,
    band: Band,
    noise_power: float,
    covariance: ComplexArray | None = None,
    free_shift: bool = True,
) -> Registration:
    """Amplitude, phase and small shift of transients (band spectra, (n_transients, n_bins)) relative to a target FID (n_points,).

    Near the target ``x = alpha T + beta FT(t T) + B b`` with ``beta / alpha = 2 pi i shift - pi linewidth_change``. ``b`` is free, or
    has mean 0 and a covariance in units of ``noise_power`` (the noise per bin): a session of steady water then loses no precision
    to it. Without ``free_shift`` beta is 0 and the phase is the best one at the frequency as it is.
    """
    time = band.acquisition.time_s
    signal = band.spectra(np.stack([target, time * target])).T
    columns, ridge, mixing = _with_background(signal, band, covariance)
    if not free_shift:
        ridge[1] = 1e8 * np.linalg.norm(columns[:, 1]) ** 2
    normal = columns.conj().T @ columns + np.diag(ridge)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal).real, 1e-300))  # columns have different units
    spread = np.outer(scale, scale) * np.linalg.pinv(normal * np.outer(scale, scale), hermitian=True)
    inverse = spread @ columns.conj().T
    coefficients = spectra @ inverse.T
    left = spectra - coefficients @ columns.T
    alpha = np.where(coefficients[:, 0] == 0, 1e-300, coefficients[:, 0])
    ratio = coefficients[:, 1] / alpha
    variance = np.real(np.diag(spread))[:2] * noise_power  # of noise and background together
    return Registration(
        amplitude=np.abs(alpha),
        phase_rad=np.angle(alpha),
        shift_hz=ratio.imag / (2 * np.pi),
        linewidth_change_hz=-ratio.real / np.pi,
        shift_sd_hz=np.sqrt(variance[1] / 2) / (2 * np.pi * np.abs(alpha)),
        snr=np.abs(alpha) / np.sqrt(np.maximum(variance[0], 1e-300)),
        residual=np.sqrt(np.mean(np.abs(left) ** 2, axis=1)),
        background=coefficients[:, 2:] @ mixing.T,
        background_noise=mixing @ (inverse @ inverse.conj().T)[2:, 2:] @ mixing.conj().T,
    )


def _with_background(signal: ComplexArray, band: Band, covariance: ComplexArray | None) -> tuple[ComplexArray, FloatArray, ComplexArray]:
    """All columns, what is added to the diagonal of their normal matrix, and what turns their coefficients into those of the band."""
    n = band.background.shape[1]
    if covariance is None:
        columns = np.concatenate([signal, band.background], axis=1)
        return columns, np.zeros(columns.shape[1]), np.eye(n, dtype=np.complex128)
    values, vectors = np.linalg.eigh(covariance)
    mixing = np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
    return np.concatenate([signal, band.background @ mixing], axis=1), np.array([0.0, 0.0] + [1.0] * n), mixing


def register_session(
    spectra: ComplexArray, *, target: ComplexArray, band: Band, noise_power: float, weights: FloatArray, free_shift: bool = True
) -> Registration:
    """`register` twice: the scatter of a free background over the session says how much freedom it needs in the second pass.

    Transients whose background does not fit to that scatter (a spike of water or lipid) keep a free one.
    """
    free = register(spectra, target=target, band=band, noise_power=noise_power)
    covariance = background_covariance(free, weights=weights, noise_power=noise_power)
    fit = register(spectra, target=target, band=band, noise_power=noise_power, covariance=covariance, free_shift=free_shift)
    odd = unusual_background(free, covariance=covariance, weights=weights, noise_power=noise_power)
    if not odd.any():
        return fit
    alone = free if free_shift else register(spectra, target=target, band=band, noise_power=noise_power, free_shift=False)
    return _merged(fit, alone, odd)


def lipid_sizes(spectra: ComplexArray, *, target: ComplexArray, band: Band, noise_power: float, weights: FloatArray) -> ComplexArray:
    """Height (complex) of the lipid lines in each spectrum beyond that in the target, shape (n_transients,); they alone are quite free."""
    band, shape = lipid_band(band)
    free = register(spectra, target=target, band=band, noise_power=noise_power)
    covariance = background_covariance(free, weights=weights, noise_power=noise_power)
    covariance[-1] = covariance[:, -1] = 0.0
    covariance += 1e6 * free.background_noise[-1, -1] / np.abs(shape[-1]) ** 2 * np.outer(shape, shape.conj())
    fit = register(spectra, target=target, band=band, noise_power=noise_power, covariance=covariance)
    return np.asarray(fit.background[:, -1] / shape[-1])


def _merged(fit: Registration, other: Registration, rows: BoolArray) -> Registration:
    """A registration with the results of another one for some transients."""
    names = ("amplitude", "phase_rad", "shift_hz", "linewidth_change_hz", "shift_sd_hz", "snr", "residual")
    return replace(fit, **{name: np.where(rows, getattr(other, name), getattr(fit, name)) for name in names})


def unusual_background(found: Registration, *, covariance: ComplexArray, weights: FloatArray, noise_power: float) -> BoolArray:
    """Transients whose free background lies too far from the mean for its covariance and noise (a chance of about 1e-6)."""
    total = covariance + found.background_noise
    if weights.sum() <= 0 or noise_power <= 0:
        return np.zeros(len(found.background), dtype=bool)
    values = found.background - (weights @ found.background) / weights.sum()
    scale = 1.0 / np.sqrt(np.diag(total).real)
    inverse = np.linalg.pinv(total * np.outer(scale, scale), hermitian=True)
    distance = np.einsum("ki,ij,kj->k", (values * scale).conj(), inverse, values * scale).real / noise_power
    return np.asarray(distance > gamma.isf(1e-6, values.shape[1]))


def noise_power_per_bin(spectra: ComplexArray, *, used: BoolArray, lag: int = 1) -> float:
    """Mean squared magnitude of the noise per bin: median over differences of transients (n_transients, n_bins) ``lag`` apart."""
    if used.sum() <= lag:
        return 0.0
    chosen = spectra[used]
    return float(np.median(np.mean(np.abs(chosen[lag:] - chosen[:-lag]) ** 2, axis=1)) / 2)


def background_covariance(found: Registration, *, weights: FloatArray, noise_power: float) -> ComplexArray:
    """Covariance of the background over transients in units of the noise per bin, without what noise alone puts there.

    ``found`` is a pass with free background. In units of its noise, directions whose variance does not exceed what noise makes of as
    many samples (Marchenko & Pastur 1967, doi 10.1070/SM1967v001n04ABEH001994) are not free at all, so what does not vary costs no
    precision. The 2 % of transients with most background do not count.
    """
    size = np.sum(np.abs(found.background) ** 2, axis=1)
    used = (weights > 0) & (size <= np.quantile(size[weights > 0], 0.98))
    n_used, n_columns = int(used.sum()), found.background.shape[1]
    if n_used < 4 or noise_power <= 0:
        plain = np.arange(n_columns) < N_PLAIN
        return np.asarray(1e6 * found.background_noise * np.outer(plain, plain))
    values = found.background[used] - found.background[used].mean(axis=0)
    root = np.linalg.cholesky(found.background_noise + 1e-12 * np.trace(found.background_noise).real * np.eye(n_columns))
    white = np.linalg.solve(root, values.T) / np.sqrt(noise_power * (n_used - 1))
    variance, directions = np.linalg.eigh(white @ white.conj().T)
    edge = (1.0 + np.sqrt(n_columns / n_used)) ** 2
    factor = root @ (directions * np.sqrt(np.where(variance > edge, variance - 1.0, 0.0)))
    return np.asarray(factor @ factor.conj().T)


def robust_weights(found: Registration, *, usable: BoolArray) -> FloatArray:
    """Weights of transients in the target: 1 for ordinary ones, falling to 0 (Tukey's biweight) for odd residuals or amplitudes."""
    weights = usable.astype(float)
    for values in (np.log(np.maximum(found.residual, 1e-300)), found.amplitude):
        spread = robust_sd(values[usable])
        if spread > 0:
            score = np.abs(values - np.median(values[usable])) / (6.0 * spread)
            weights = weights * np.where(score < 1, (1 - score**2) ** 2, 0.0)
    return weights if weights.sum() > 0 else usable.astype(float)


def clipped_move(shift_hz: FloatArray) -> FloatArray:
    """A shift to apply in one repetition, limited to what the linear problem can be trusted with."""
    return np.clip(shift_hz, -_MAX_MOVE_HZ, _MAX_MOVE_HZ)

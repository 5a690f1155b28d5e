"""Whether the model is adequate: is the residual noise, what does the baseline cost, is a line missing from the basis.

Nothing here changes a fit or leaves one out: these are numbers and warnings beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.special import gammaincc, ndtr

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import read_only
from mrs_pipeline.fitting.early_energy import EarlyEnergy, early_energy, n_early_samples
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.linearisation import Linearised, linearised
from mrs_pipeline.fitting.model import NAA_PPM, as_real
from mrs_pipeline.fitting.parameters import COMMON
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit

#: Numbers of the check, in table order.
ADEQUACY_NAMES = ("residual_structure", "whiteness_p", "missing_line_ppm", "missing_line_z", "effective_dimension", "aicc", "bic")
#: A residual with a smaller probability of being noise is said to be structured.
LEAST_P = 1e-3
#: A line that stands out of the residual by more standard errors is said to be missing: noise alone does so in one of thousands of spectra.
LARGEST_Z = 5.0
#: A baseline that makes the variance of a measure more than this many times larger (the standard error three times) takes part in it.
LARGEST_INFLATION = 9.0
#: A residual with less than this share of the variance of the noise tells of a noise estimate that holds signals.
LEAST_RESIDUAL = 0.6
#: NAA and NAAG together below this many standard errors do not stand out.
LEAST_NAA = 5.0
#: A line of which the fit takes all but this share tells nothing of what is left.
LEAST_LEFT = 0.2


@dataclass(frozen=True, kw_only=True)
class Adequacy:
    """Numbers by `ADEQUACY_NAMES`, sentences of warning, and the covariance that the amplitudes would have if the baseline were known."""

    numbers: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    covariance_known_baseline: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        """Make the array read-only."""
        object.__setattr__(self, "covariance_known_baseline", read_only(self.covariance_known_baseline))


#: Warning of a residual with structure, and of one that is smaller than the noise can be.
NOT_NOISE = "the residual is not noise"
TOO_NOISY = "the noise estimate is larger than the residual"
#: Warning of a baseline at the limit that the criterion may choose, and of a spectrum such as that of a metabolite-nulled scan.
MOST_FLEXIBLE = "the baseline is as flexible as it may be (fitting.max_ed_per_ppm)"
NO_NAA = "NAA does not stand out of the noise"

#: Of a fit that failed.
UNKNOWN = Adequacy(numbers=MappingProxyType(dict.fromkeys(ADEQUACY_NAMES, np.nan)))


def check_adequacy(fit: SpectrumFit, *, fitter: Fitter) -> Adequacy:
    """The checks of one fit by `fitter`; `UNKNOWN` for a fit that failed."""
    model = linearised(fit, fitter=fitter)
    if model is None or fit.curves is None:
        return UNKNOWN
    structure, p = whiteness(model, n_samples=fitter.n_used, n_early=n_early_samples(fitter.model.basis.acquisition))
    noise = fit.quality["noise_sd"] / fitter.noise_scale
    ppm, z = missing_line(model, fitter=fitter, noise=noise)
    aicc, bic = criteria(model)
    values = (structure, p, ppm + _shift_ppm(model, fitter), z, model.effective_dimension, aicc, bic)
    numbers = dict(zip(ADEQUACY_NAMES, values, strict=True))
    return Adequacy(
        numbers=MappingProxyType(numbers),
        warnings=(*_warnings(numbers, residual_over_noise=_residual_variance(model) / noise**2), *_limits(fit, fitter=fitter)),
        covariance_known_baseline=model.amplitude_covariance(with_baseline=False),
    )


def _residual_variance(model: Linearised) -> float:
    """Variance of the residual per degree of freedom that the fit has left, in the units of the data."""
    n_left = max(model.residual.size - model.effective_dimension, 1.0)
    return float(model.residual @ model.residual) * model.unit**2 / n_left


def _warnings(numbers: Mapping[str, float], *, residual_over_noise: float) -> list[str]:
    found = []
    if numbers["whiteness_p"] < LEAST_P:
        found.append(NOT_NOISE)
    if residual_over_noise < LEAST_RESIDUAL:
        found.append(TOO_NOISY)
    if numbers["missing_line_z"] > LARGEST_Z:
        found.append(f"a line near {numbers['missing_line_ppm']:.2f} ppm is not in the basis")
    if numbers["missing_line_z"] < -LARGEST_Z:
        found.append(f"the fit is too high near {numbers['missing_line_ppm']:.2f} ppm")
    return found


def _limits(fit: SpectrumFit, *, fitter: Fitter) -> Iterator[str]:
    """A baseline at its limit, and a spectrum whose fit is sound but shows no NAA where it should be."""
    options = fitter.options
    if (
        fitter.scale
        and options.baseline_stiffness != "fixed"
        and fit.smoothing <= 1.001 * fitter.scale.candidates(options.max_ed_per_ppm)[-1]
    ):
        yield MOST_FLEXIBLE
    weights = np.isin(fit.metabolites, ("NAA", "NAAG")).astype(float)
    low, high = options.ppm_range
    if weights.any() and low <= NAA_PPM <= high and weights @ fit.amplitudes < LEAST_NAA * np.sqrt(weights @ fit.covariance @ weights):
        yield NO_NAA


def _shift_ppm(model: Linearised, fitter: Fitter) -> float:
    """From the axis of the fitted points to chemical shifts, on which the spectrum's own shift is taken out."""
    return float(model.theta[COMMON.index("shift_hz")] / fitter.model.basis.acquisition.spectrometer_frequency_mhz)


def whiteness(model: Linearised, *, n_samples: int, n_early: int) -> tuple[float, float]:
    """How much more energy the residual has early in time than white noise would (1: none), and the probability of as much by chance.

    With r'Ar the energy of the residual r in the first `n_early` of `n_samples` samples, the statistic is r'Ar / r'r over its expectation:
    a cumulative periodogram (Bartlett 1955) at one point, sensitive to every shape that a few widths of a line leave. Under the null r
    has the covariance I - F F', so that the freedom the fit has used is accounted for, as by Durbin & Watson 1950 (Biometrika 37:409)
    for a known design. ``P(r'(A - t I)r > 0)`` is that of a shifted gamma distribution with the same three moments.
    """
    residual, taken = model.residual, model.taken
    early = early_energy(residual.size // 2, n_samples=n_samples, n_early=n_early)
    share = float(early.values @ (early.vectors.T @ residual) ** 2 / (residual @ residual))
    seen = early.vectors.T @ taken
    # F'F, F'AF and F'A^2F, from which those of A - t I follow
    zeroth, first = taken.T @ taken, seen.T @ (early.values[:, None] * seen)
    second, third = seen.T @ (early.values[:, None] ** 2 * seen), float(early.values**3 @ np.sum(seen**2, axis=1))
    expected = (early.values.sum() - float(np.trace(first))) / (residual.size - float(np.trace(zeroth)))
    return share / expected, _exceeds_zero(*_traces(early, share, zeroth=zeroth, first=first, second=second, third=third))


def _traces(
    early: EarlyEnergy, t: float, *, zeroth: FloatArray, first: FloatArray, second: FloatArray, third: float
) -> tuple[float, float, float]:
    """Traces of the first three powers of ``(A - t I) (I - F F')``; `zeroth` to `second` are F'F, F'AF and F'A^2F, `third` tr F'A^3F."""
    n = early.vectors.shape[0]
    one, two, three = (float(np.sum(early.values**power)) for power in (1, 2, 3))
    shifted = first - t * zeroth
    twice = second - 2.0 * t * first + t**2 * zeroth
    thrice = third - 3.0 * t * float(np.trace(second)) + 3.0 * t**2 * float(np.trace(first)) - t**3 * float(np.trace(zeroth))
    return (
        one - t * n - float(np.trace(shifted)),
        two - 2.0 * t * one + t**2 * n - 2.0 * float(np.trace(twice)) + float(np.sum(shifted**2)),
        three - 3.0 * t * two + 3.0 * t**2 * one - t**3 * n - 3.0 * thrice
        + 3.0 * float(np.sum(twice * shifted)) - float(np.sum((shifted @ shifted) * shifted)),
    )  # fmt: skip


def _exceeds_zero(trace: float, square: float, cube: float) -> float:
    """Probability that a sum of chi-squares with weights of these power sums is above zero (Pearson's three-moment gamma)."""
    mean, sd, skewness = trace, np.sqrt(2.0 * square), 8.0 * cube / (2.0 * square) ** 1.5
    if abs(skewness) < 1e-3:
        return float(ndtr(mean / sd))
    shape = 4.0 / skewness**2
    # (Q - mean) / sd is (G - shape) / sqrt(shape) of a gamma variable G, mirrored for a negative skewness
    limit = max(shape - np.sqrt(shape) * mean / sd * np.sign(skewness), 0.0)
    upper = float(gammaincc(shape, limit))
    return upper if skewness > 0 else 1.0 - upper


def missing_line(model: Linearised, *, fitter: Fitter, noise: float) -> tuple[float, float]:
    """Where a line of the fitted common width would explain most of the residual: place on the fitted axis (ppm) and standard score.

    The score of a line v is ``v'r / (SD sqrt(v'(I - F F')v))``, standard normal for noise of this SD: an amplitude estimated with
    everything else free again, over its standard error. Negative where the fit is too high.
    """
    acquisition, mask = fitter.model.basis.acquisition, fitter.model.mask
    time_s = acquisition.time_s
    _, _, _, gaussian_square, lorentzian = model.theta[: len(COMMON)]
    fid = np.exp(-np.pi * lorentzian * time_s - (np.pi**2 / (4.0 * np.log(2.0))) * gaussian_square * time_s**2)
    line = np.fft.fft(fid)
    points = np.flatnonzero(mask)
    lines = as_real(line[(points[:, None] - points[None, :]) % time_s.size])
    own = np.sum(lines**2, axis=0)
    left = own - np.sum((model.taken.T @ lines) ** 2, axis=0)
    usable = left > LEAST_LEFT * own
    if not usable.any():
        return np.nan, np.nan
    score = np.where(usable, (model.residual @ lines) * model.unit / (noise * np.sqrt(np.where(usable, left, 1.0))), 0.0)
    best = int(np.argmax(np.abs(score)))
    return float(acquisition.ppm[mask][best]), float(score[best])


def criteria(model: Linearised) -> tuple[float, float]:
    """Corrected Akaike (Hurvich, Simonoff & Tsai 1998, J R Stat Soc B 60:271) and Bayesian information criterion, natural logarithms.

    ``n ln(RSS / n) + n (1 + (d + 1) / (n - d - 2) 2)`` with RSS in the units of the data less a constant, ``n ln(RSS / n) + d ln n``;
    d is the effective dimension, n the number of real data.
    """
    n, dimension = model.residual.size, model.effective_dimension
    misfit = n * float(np.log(model.residual @ model.residual * model.unit**2 / n))
    corrected = misfit + n * (1.0 + 2.0 * (dimension + 1.0) / max(n - dimension - 2.0, 1.0))
    return corrected, misfit + dimension * float(np.log(n))


def baseline_inflation(weights: FloatArray, *, covariance: FloatArray, check: Adequacy) -> float:
    """Variance of a combination of amplitudes over that which it would have if the baseline were known; NaN where there is none.

    At least 1: windows know their components' shifts and widths better than a spectrum by itself does.
    """
    known = check.covariance_known_baseline
    if not (np.all(np.isfinite(weights)) and np.all(np.isfinite(covariance)) and known.size):
        return np.nan
    variance = float(weights @ known @ weights)
    return max(1.0, float(weights @ covariance @ weights) / variance) if variance > 0 else np.nan

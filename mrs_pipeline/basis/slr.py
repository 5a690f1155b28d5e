"""Design of linear-phase pulses by the Shinnar-Le Roux transform: Pauly et al. 1991, doi 10.1109/42.75611.

A hard-pulse sequence is a pair of polynomials A and B; B is designed as a digital filter whose height is sin(flip / 2), A follows as
the minimum-phase polynomial with |A|^2 + |B|^2 = 1, and the pulse is peeled off step by step.
"""

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray

#: Largest height of B: at exactly 1 the minimum-phase A vanishes and its logarithm does not exist.
MAX_HEIGHT = 1 - 1e-5
#: Ripples of the magnetisation that a pulse may leave in and beside its slice.
RIPPLE = 0.01


def slr_pulse(*, n_steps: int, time_bandwidth: float, flip_rad: float) -> FloatArray:
    """Rotation angle of every step of a linear-phase pulse, radians, shape (n_steps,).

    ``time_bandwidth``: full width of the profile at half of B's height times the duration. The edges are as steep as ripples of the
    magnetisation of 1 % allow (Pauly et al. 1991, eq. 20 and table I).
    """
    from scipy.signal import firls  # noqa: PLC0415 - slow to import, and few runs design a pulse

    passband, stopband = _ripples_of_b(flip_rad)
    width = _transition(passband, stopband)
    edge = (time_bandwidth + np.array([-width, width])) / n_steps
    height = min(float(np.sin(flip_rad / 2)), MAX_HEIGHT)
    taps = n_steps - 1 + n_steps % 2  # least squares needs an odd number
    b = np.zeros(n_steps)
    b[:taps] = height * firls(taps, [0.0, edge[0], edge[1], 1.0], [1.0, 1.0, 0.0, 0.0], weight=[1.0, passband / stopband])
    return _inverse_transform(b * min(1.0, MAX_HEIGHT / np.abs(np.fft.fft(b, 8 * n_steps)).max()))


def _ripples_of_b(flip_rad: float) -> tuple[float, float]:
    """Ripples of B in the pass and stop band that leave `RIPPLE` of an excitation or, beyond 90 degrees, of a spin echo."""
    if flip_rad <= np.pi / 2 + 1e-9:
        return float(np.sqrt(RIPPLE / 2)), RIPPLE / float(np.sqrt(2))
    return RIPPLE / 4, float(np.sqrt(RIPPLE))


def _transition(passband_ripple: float, stopband_ripple: float) -> float:
    """Time-bandwidth product of the edge that a filter with these ripples needs at least (D-infinity)."""
    first, second = np.log10(passband_ripple), np.log10(stopband_ripple)
    slope = 5.309e-3 * first**2 + 7.114e-2 * first - 4.761e-1
    offset = -2.66e-3 * first**2 - 5.941e-1 * first - 4.278e-1
    return float(slope * second + offset)


def _inverse_transform(b: FloatArray) -> FloatArray:
    """The hard pulses of B, last to first."""
    later_b = b.astype(complex)
    later_a = _minimum_phase(b)
    angles = np.zeros(b.size)
    for step in range(b.size - 1, -1, -1):
        ratio = later_b[0] / later_a[0]
        half = np.arctan(np.abs(ratio))
        phase = np.angle(ratio)
        angles[step] = 2 * half * np.cos(phase)
        cosine, sine = np.cos(half), np.sin(half) * np.exp(1j * phase)
        next_a = cosine * later_a + sine.conjugate() * later_b
        next_b = -sine * later_a + cosine * later_b
        later_a, later_b = next_a[:step], next_b[1 : step + 1]
    return angles[::-1]


def _minimum_phase(b: FloatArray) -> ComplexArray:
    """Coefficients of the minimum-phase A with |A|^2 = 1 - |B|^2, by the cepstrum of its magnitude."""
    n_fine = 16 * int(2 ** np.ceil(np.log2(b.size)))
    magnitude = np.sqrt(np.maximum(1 - np.abs(np.fft.fft(b, n_fine)) ** 2, 1e-16))
    cepstrum = np.fft.ifft(np.log(magnitude))
    fold = np.zeros(n_fine)
    fold[0], fold[1 : n_fine // 2], fold[n_fine // 2] = 1.0, 2.0, 1.0
    return np.asarray(np.fft.ifft(np.exp(np.fft.fft(cepstrum * fold)))[: b.size])

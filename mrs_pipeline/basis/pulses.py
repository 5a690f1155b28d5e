"""The table of analytic pulse shapes, and their calibration: from a shape, a duration, a bandwidth and a flip angle to a `Waveform`.

A shape is designed without dimensions, for a pulse of duration 1: the rotation angle of every step, and the gradient during it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi

import numpy as np

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.basis.slr import slr_pulse
from mrs_pipeline.basis.waveforms import Waveform, rotation
from mrs_pipeline.errors import ConfigError, unknown_name

#: What a pulse does: turn magnetisation into the plane, refocus it, store it along the field again, or invert it.
ROLES = ("excitation", "refocusing", "storage", "inversion")
N_STEPS = 256
#: Adiabatic full passages turn by 180 degrees where (2 pi B1)^2 over the sweep rate is well above 1; 5 leaves below 1 % undone.
ADIABATICITY = 5.0
#: sech(beta) is 1 % (Silver et al. 1984, doi 10.1016/0022-2364(84)90181-1).
HS_BETA = float(np.arccosh(100.0))
#: Exponents and gradient modulation of GOIA-W(16,4): Andronesi et al. 2010, doi 10.1016/j.jmr.2009.12.006.
GOIA_AMPLITUDE_EXPONENT, GOIA_GRADIENT_EXPONENT, GOIA_FACTOR = 16, 4, 0.9

Design = tuple[ComplexArray, FloatArray]


@dataclass(frozen=True, kw_only=True)
class SampledShape:
    """Steps of a pulse of one's own: relative amplitude, phase and relative gradient, each of shape (n_steps,)."""

    name: str
    amplitude: FloatArray
    phase_rad: FloatArray
    gradient: FloatArray


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One line of the table: angles and gradients of the steps, given time-bandwidth product and flip angle; and what it is."""

    design: Callable[[float, float], Design]
    description: str
    adiabatic: bool = False


def _rect(time_bandwidth: float, flip_rad: float) -> Design:  # noqa: ARG001  its bandwidth follows from its duration
    return _of_area(np.ones(N_STEPS), flip_rad)


def _gaussian(time_bandwidth: float, flip_rad: float) -> Design:
    # The transform of exp(-(pi tb tau)^2 / (16 ln 2)) has a full width of tb over the duration, tau from -1 to 1.
    return _of_area(np.exp(-((pi * time_bandwidth * _tau()) ** 2) / (16 * np.log(2))), flip_rad)


def _sinc(time_bandwidth: float, flip_rad: float) -> Design:
    hamming = 0.54 + 0.46 * np.cos(pi * _tau())
    return _of_area(np.sinc(time_bandwidth * _tau() / 2) * hamming, flip_rad)


def _slr(time_bandwidth: float, flip_rad: float) -> Design:
    angles = slr_pulse(n_steps=N_STEPS, time_bandwidth=time_bandwidth, flip_rad=flip_rad)
    return angles.astype(complex), np.ones(N_STEPS)


def _hyperbolic_secant(time_bandwidth: float, flip_rad: float) -> Design:  # noqa: ARG001  adiabatic
    tau = _tau(2 * N_STEPS)
    return _passage(1 / np.cosh(HS_BETA * tau), np.ones(tau.size), time_bandwidth)


def _goia_wurst(time_bandwidth: float, flip_rad: float) -> Design:  # noqa: ARG001  adiabatic
    edge = np.abs(np.sin(pi * _tau(4 * N_STEPS) / 2))
    gradient = 1 - GOIA_FACTOR + GOIA_FACTOR * edge**GOIA_GRADIENT_EXPONENT
    return _passage(1 - edge**GOIA_AMPLITUDE_EXPONENT, gradient, time_bandwidth)


SHAPES: dict[str, Shape] = {
    "rect": Shape(design=_rect, description="constant amplitude"),
    "gaussian": Shape(design=_gaussian, description="Gaussian"),
    "sinc": Shape(design=_sinc, description="sinc, Hamming window"),
    "slr": Shape(design=_slr, description="Shinnar-Le Roux, linear phase, ripples of 1 %"),
    "hyperbolic_secant": Shape(design=_hyperbolic_secant, description="adiabatic hyperbolic secant", adiabatic=True),
    "goia_wurst": Shape(design=_goia_wurst, description="adiabatic GOIA-W(16,4), gradient modulated", adiabatic=True),
}


def designed_pulse(shape: str, *, role: str, duration_s: float, bandwidth_hz: float | None, flip_rad: float) -> Waveform:
    """A pulse of the table whose slice profile has a full width at half maximum of `bandwidth_hz`.

    The profile is that of `profile`. `bandwidth_hz` None leaves the width to the duration, which only ``rect`` allows. `ConfigError`
    lists the valid shapes, or says which value cannot be had.
    """
    if shape not in SHAPES:
        raise unknown_name("pulse shape", shape, SHAPES)
    if not (duration_s > 0 and 0 < flip_rad <= pi):
        raise ConfigError(f"{role} pulse '{shape}': a positive duration in seconds and a flip angle up to 180 degrees are expected")
    line = SHAPES[shape]
    if shape == "rect" or bandwidth_hz is None:
        _check_rect(shape, role=role, bandwidth_hz=bandwidth_hz)
        design, width = line.design(1.0, flip_rad), None
    else:
        design, width = _of_width(line, role=role, time_bandwidth=bandwidth_hz * duration_s, flip_rad=flip_rad, shape=shape), bandwidth_hz
    measured_hz = width or profile_width(_dimensionless(design, 1.0), role=role) / duration_s
    flip = "" if line.adiabatic else f", {np.degrees(flip_rad):.4g} degrees"
    return Waveform(
        b1_hz=design[0] * design[0].size / (2 * pi * duration_s),
        gradient=design[1],
        duration_s=duration_s,
        bandwidth_hz=measured_hz,
        description=f"{line.description}, {1e3 * duration_s:.4g} ms, {measured_hz:.4g} Hz{flip}",
    )


def sampled_pulse(
    shape: SampledShape, *, role: str, duration_s: float, flip_rad: float, bandwidth_hz: float | None, peak_b1_hz: float | None
) -> Waveform:
    """A pulse of one's own.

    Scaled to `peak_b1_hz`, or, where that is None, to the flip angle on resonance by its area (adiabatic pulses have none and need
    `peak_b1_hz`). `bandwidth_hz` None: the full width at half maximum of its profile.
    """
    steps = shape.amplitude * np.exp(1j * shape.phase_rad)
    largest, area = float(np.abs(steps).max(initial=0.0)), abs(complex(steps.mean()))
    if peak_b1_hz is not None:
        b1_hz = peak_b1_hz * steps / (largest or 1.0)
    elif area <= 1e-3 * largest:
        raise ConfigError(f"pulse '{shape.name}' has no net area, so a flip angle cannot scale it: state peak_b1_hz")
    else:
        b1_hz = steps / area * flip_rad / (2 * pi * duration_s)
    waveform = Waveform(b1_hz=b1_hz, gradient=shape.gradient, duration_s=duration_s, bandwidth_hz=1 / duration_s, description=shape.name)
    width_hz = bandwidth_hz or profile_width(waveform, role=role) / duration_s
    scaled = f"{np.degrees(flip_rad):.4g} degrees" if peak_b1_hz is None else f"peak {peak_b1_hz:.4g} Hz"
    return replace(waveform, bandwidth_hz=width_hz, description=f"{shape.name}, {1e3 * duration_s:.4g} ms, {width_hz:.4g} Hz, {scaled}")


def profile(waveform: Waveform, *, role: str, position: FloatArray) -> FloatArray:
    """What the pulse does at positions (slice thicknesses), shape (n_positions,).

    Excitation and storage: transverse magnetisation made of equilibrium; the others: the share that is refocused or inverted.
    """
    a, b = (part[:, 0] for part in rotation(waveform, shift_hz=np.zeros(1), position=position))
    return np.abs(2 * a * b) if role in {"excitation", "storage"} else np.abs(b) ** 2


def profile_width(waveform: Waveform, *, role: str) -> float:
    """Full width at half maximum of the profile, in units of the nominal bandwidth."""
    reach = 4.0
    while reach < 1000:
        position = np.linspace(0.0, reach, 401)
        height = profile(waveform, role=role, position=position)
        above = np.flatnonzero(height >= 0.5 * height.max())
        last = int(above[-1])
        if last < position.size // 2:
            slope = (height[last + 1] - height[last]) / (position[1] - position[0])
            return float(2 * (position[last] + (0.5 * height.max() - height[last]) / slope))
        reach *= 4.0
    raise ConfigError(f"pulse '{waveform.description}' selects no slice: its profile has no edge")


def rephasing_time_s(waveform: Waveform) -> float:
    """Time before the end of an excitation at which its magnetisation was in phase: the length of the rephasing gradient.

    Where the sum of the transverse magnetisation over the slice is largest; half of the duration for a symmetric pulse.
    """
    from scipy.optimize import minimize_scalar  # noqa: PLC0415 - slow to import, and few runs calibrate a pulse

    position = np.linspace(-1.0, 1.0, 201)
    a, b = (part[:, 0] for part in rotation(waveform, shift_hz=np.zeros(1), position=position))
    transverse, turn = a.conj() * b, 2j * pi * position * waveform.bandwidth_hz

    def lost(time_s: float) -> float:
        return -float(np.abs(np.sum(transverse * np.exp(-turn * time_s))))

    found = minimize_scalar(lost, bounds=(0.0, waveform.duration_s), method="bounded", options={"xatol": 1e-6 * waveform.duration_s})
    return float(found.x)


def _check_rect(shape: str, *, role: str, bandwidth_hz: float | None) -> None:
    if shape != "rect":
        raise ConfigError(f"{role} pulse '{shape}' needs bandwidth_hz: state the full width of its profile in Hz")
    if bandwidth_hz is not None:
        raise ConfigError(f"{role} pulse 'rect': its bandwidth follows from its duration, so leave bandwidth_hz out")


def _of_width(line: Shape, *, role: str, time_bandwidth: float, flip_rad: float, shape: str) -> Design:
    """The design whose measured profile has the width asked for; the nominal product differs from it by what the flip angle does."""
    from scipy.optimize import brentq  # noqa: PLC0415 - slow to import, and few runs calibrate a pulse

    def excess(nominal: float) -> float:
        return profile_width(_dimensionless(line.design(nominal, flip_rad), nominal), role=role) * nominal / time_bandwidth - 1

    lowest, highest = 0.6 * time_bandwidth, 2.0 * time_bandwidth
    try:
        return line.design(float(brentq(excess, lowest, highest, xtol=1e-4 * time_bandwidth)), flip_rad)
    except ValueError as error:
        raise ConfigError(
            f"{role} pulse '{shape}': a bandwidth times duration of {time_bandwidth:.3g} cannot be had with this shape: "
            "choose a longer pulse or a larger bandwidth"
        ) from error


def _dimensionless(design: Design, time_bandwidth: float) -> Waveform:
    angles, gradient = design
    b1 = angles * angles.size / (2 * pi)
    return Waveform(b1_hz=b1, gradient=gradient, duration_s=1.0, bandwidth_hz=time_bandwidth, description="design")


def _tau(n_steps: int = N_STEPS) -> FloatArray:
    """Times of the steps from -1 to 1."""
    return (np.arange(n_steps) + 0.5) * 2 / n_steps - 1


def _of_area(amplitude: FloatArray, flip_rad: float) -> Design:
    return (flip_rad * amplitude / amplitude.sum()).astype(complex), np.ones(amplitude.size)


def _passage(amplitude: FloatArray, gradient: FloatArray, time_bandwidth: float) -> Design:
    """Full passage of the same adiabaticity at all offsets: Tannus & Garwood 1996, doi 10.1006/jmra.1996.0110, eq. for modulated gradients.

    The frequency sweeps as gradient times the integral of amplitude^2 / gradient, from -1/2 to 1/2 of the bandwidth.
    """
    n_steps = amplitude.size
    swept = _integral(amplitude**2 / gradient)
    frequency = time_bandwidth * gradient * (swept / swept[-1] - 0.5)
    rate = np.abs(np.gradient(frequency, 1 / n_steps))[n_steps // 2]
    peak = np.sqrt(ADIABATICITY * rate / (2 * pi))
    phase = 2 * pi * _integral(frequency) / n_steps
    return np.asarray(2 * pi * peak * amplitude * np.exp(1j * (phase - phase[n_steps // 2])) / n_steps), gradient


def _integral(values: FloatArray) -> FloatArray:
    """Trapezoidal integral up to each value, from 0 on, for a unit step."""
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2)])

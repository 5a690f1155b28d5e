from math import pi

import numpy as np
import pytest

from mrs_pipeline.basis.pulses import SHAPES, SampledShape, designed_pulse, profile, profile_width, rephasing_time_s, sampled_pulse
from mrs_pipeline.errors import ConfigError

WIDTHS = {"gaussian": 1000.0, "sinc": 1500.0, "slr": 1500.0, "hyperbolic_secant": 3000.0, "goia_wurst": 9000.0}


#: Adiabatic full passages do not excite.
SERVING = [(shape, "refocusing") for shape in WIDTHS] + [(shape, "excitation") for shape in WIDTHS if not SHAPES[shape].adiabatic]


@pytest.mark.parametrize(("shape", "role"), SERVING)
def test_profile_is_as_wide_as_asked_for_and_turns_the_centre_by_the_flip_angle(shape: str, role: str) -> None:
    flip = pi / 2 if role == "excitation" else pi
    pulse = designed_pulse(shape, role=role, duration_s=5e-3, bandwidth_hz=WIDTHS[shape], flip_rad=flip)
    middle, edges = profile(pulse, role=role, position=np.array([0.0])), profile(pulse, role=role, position=np.array([-0.5, 0.5]))
    # Adiabatic pulses and the ripples of a designed one stay within 2 %, shapes scaled by their area are exact.
    assert middle[0] == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(edges, 0.5, atol=0.02)
    assert pulse.bandwidth_hz == WIDTHS[shape]


def test_hard_pulse_has_the_textbook_profile() -> None:
    """Magnetisation turns about an axis tilted by the offset (Rodrigues' formula)."""
    pulse = designed_pulse("rect", role="excitation", duration_s=1e-3, bandwidth_hz=None, flip_rad=pi / 2)
    b1_hz = 250.0
    offset_hz = np.array([0.0, 100.0, 400.0, 900.0])
    effective_hz = np.hypot(offset_hz, b1_hz)
    turn = 2 * pi * effective_hz * 1e-3
    tilt = np.arctan2(b1_hz, offset_hz)
    remaining = np.cos(tilt) ** 2 + np.sin(tilt) ** 2 * np.cos(turn)
    found = profile(pulse, role="excitation", position=offset_hz / pulse.bandwidth_hz)
    np.testing.assert_allclose(found, np.sqrt(1 - remaining**2), atol=1e-9)
    assert pulse.peak_b1_hz == pytest.approx(b1_hz)


@pytest.mark.parametrize(("flip_deg", "role"), [(90, "excitation"), (137, "refocusing"), (180, "refocusing")])
def test_designed_pulses_are_flat_inside_and_empty_outside(flip_deg: float, role: str) -> None:
    pulse = designed_pulse("slr", role=role, duration_s=5e-3, bandwidth_hz=1400.0, flip_rad=np.radians(flip_deg))
    inside = profile(pulse, role=role, position=np.linspace(-0.3, 0.3, 61))
    outside = profile(pulse, role=role, position=np.linspace(0.75, 1.5, 61))
    wanted = np.sin(np.radians(flip_deg)) if role == "excitation" else np.sin(np.radians(flip_deg) / 2) ** 2
    np.testing.assert_allclose(inside, wanted, atol=0.025)
    assert np.all(outside < 0.02)


def test_small_flip_profile_is_the_fourier_transform_of_the_pulse() -> None:
    pulse = designed_pulse("gaussian", role="excitation", duration_s=6e-3, bandwidth_hz=800.0, flip_rad=np.radians(2))
    offset_hz = np.linspace(-800, 800, 9)
    time_s = (np.arange(pulse.b1_hz.size) + 0.5) * pulse.step_s
    expected = np.abs(2 * pi * pulse.step_s * np.exp(2j * pi * np.outer(offset_hz, time_s)) @ pulse.b1_hz)
    np.testing.assert_allclose(profile(pulse, role="excitation", position=offset_hz / pulse.bandwidth_hz), expected, atol=2e-5)


def test_adiabatic_pulses_do_not_mind_a_stronger_field() -> None:
    shapes = {"hyperbolic_secant": 4000.0, "goia_wurst": 10000.0}
    for shape, width_hz in shapes.items():
        pulse = designed_pulse(shape, role="inversion", duration_s=6e-3, bandwidth_hz=width_hz, flip_rad=pi)
        sampled = SampledShape(
            name=shape, amplitude=np.abs(pulse.b1_hz), phase_rad=np.angle(pulse.b1_hz), gradient=np.array(pulse.gradient)
        )
        stronger = sampled_pulse(
            sampled, role="inversion", duration_s=6e-3, flip_rad=pi, bandwidth_hz=width_hz, peak_b1_hz=1.5 * pulse.peak_b1_hz
        )
        assert np.all(profile(stronger, role="inversion", position=np.linspace(-0.35, 0.35, 15)) > 0.97)


def test_symmetric_pulse_at_small_flip_is_in_phase_at_its_middle() -> None:
    pulse = designed_pulse("gaussian", role="excitation", duration_s=4e-3, bandwidth_hz=1000.0, flip_rad=np.radians(1))
    assert rephasing_time_s(pulse) == pytest.approx(2e-3, rel=1e-3)


def test_shape_of_ones_own_is_scaled_by_its_area_and_measured() -> None:
    ones = SampledShape(name="mine", amplitude=np.ones(64), phase_rad=np.zeros(64), gradient=np.ones(64))
    mine = sampled_pulse(ones, role="excitation", duration_s=1e-3, flip_rad=pi / 2, bandwidth_hz=None, peak_b1_hz=None)
    hard = designed_pulse("rect", role="excitation", duration_s=1e-3, bandwidth_hz=None, flip_rad=pi / 2)
    np.testing.assert_allclose(mine.b1_hz, 250.0)
    assert mine.bandwidth_hz == pytest.approx(hard.bandwidth_hz, rel=1e-6)
    assert profile_width(mine, role="excitation") == pytest.approx(1.0, rel=1e-3)


def test_what_cannot_be_designed_is_refused() -> None:
    def design(shape: str, *, bandwidth_hz: float | None = 1000.0, duration_s: float = 5e-3) -> None:
        designed_pulse(shape, role="refocusing", duration_s=duration_s, bandwidth_hz=bandwidth_hz, flip_rad=pi)

    with pytest.raises(ConfigError, match="unknown pulse shape 'square': use one of gaussian, "):
        design("square")
    with pytest.raises(ConfigError, match="'sinc' needs bandwidth_hz"):
        design("sinc", bandwidth_hz=None)
    with pytest.raises(ConfigError, match="'rect': its bandwidth follows from its duration"):
        design("rect")
    with pytest.raises(ConfigError, match="positive duration"):
        design("slr", duration_s=0.0)
    with pytest.raises(ConfigError, match=r"bandwidth times duration of 0\.1 cannot be had"):
        design("slr", bandwidth_hz=20.0)
    odd = SampledShape(name="odd", amplitude=np.ones(32), phase_rad=pi * (np.arange(32) % 2), gradient=np.ones(32))
    with pytest.raises(ConfigError, match="no net area"):
        sampled_pulse(odd, role="excitation", duration_s=1e-3, flip_rad=pi / 2, bandwidth_hz=None, peak_b1_hz=None)

"""Responses against closed forms, and what all of them have in common."""

import numpy as np
import pytest
from scipy import integrate, stats

from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.timecourse.parameters import Parameter
from mrs_pipeline.timecourse.responses import RESPONSES, response, response_options

T = np.arange(-360.0, 3600.0, 7.3)
#: Options with which each shape can be made.
OPTIONS = {
    "boxcar": {},
    "exponential_rise": {"tau_s": 480.0, "tau_off_s": 1200.0},
    "trapezoid": {"rise_s": 100.0, "fall_s": 300.0},
    "gamma": {},
    "infusion": {},
    "polynomial_drift": {"degree": 2},
    "formula": {"expression": "where(t > 0, 1 - exp(-t / tau), 0)", "constants": {"tau": 600}},
}


def column(shape: str, *, onset=0.0, duration=900.0, time_s=T, **options) -> np.ndarray:
    return response(time_s, shape=shape, onsets_s=np.array([onset]), durations_s=np.array([duration]), options=options)


@pytest.mark.parametrize("shape", RESPONSES)
def test_what_holds_for_every_shape(shape: str) -> None:
    options = OPTIONS[shape]
    made = column(shape, **options)
    assert made.shape == T.shape
    assert np.all(np.isfinite(made))
    assert np.ptp(made) > 0.5
    if RESPONSES[shape].of_events:
        np.testing.assert_array_equal(made[T < 0.0], 0.0)
        np.testing.assert_allclose(column(shape, onset=110.0, time_s=T + 110.0, **options), made, atol=1e-12)
        both = response(T, shape=shape, onsets_s=np.array([0.0, 500.0]), durations_s=np.array([900.0, 200.0]), options=options)
        np.testing.assert_allclose(both, made + column(shape, onset=500.0, duration=200.0, **options), atol=1e-12)
        none = response(T, shape=shape, onsets_s=np.zeros(0), durations_s=np.zeros(0), options=options)
        np.testing.assert_array_equal(none, 0.0)
    with pytest.raises(ConfigError, match=r"unknown option of here.*'colour'"):
        response_options(shape, {**options, "colour": 1.0}, key="here")


@pytest.mark.parametrize("shape", [name for name in RESPONSES if "duration_s" in RESPONSES[name].parameters])
def test_a_given_duration_takes_the_place_of_that_of_the_event(shape: str) -> None:
    np.testing.assert_array_equal(column(shape, duration=np.nan, duration_s=900.0, **OPTIONS[shape]), column(shape, **OPTIONS[shape]))


@pytest.mark.parametrize("shape", ["boxcar", "exponential_rise", "trapezoid"])
@pytest.mark.parametrize("unknown", [np.nan, 0.0])
def test_an_event_of_unknown_duration_goes_on(shape: str, unknown: float) -> None:
    np.testing.assert_array_equal(column(shape, duration=unknown, **OPTIONS[shape]), column(shape, duration=1e6, **OPTIONS[shape]))
    assert column(shape, duration=unknown, **OPTIONS[shape])[-1] > 0.99


def test_boxcar_holds_its_first_moment_and_not_its_last() -> None:
    made = column("boxcar", time_s=np.array([-1.0, 0.0, 449.0, 899.9, 900.0]))
    np.testing.assert_array_equal(made, [0.0, 1.0, 1.0, 1.0, 0.0])


def test_exponential_rise_solves_its_differential_equation() -> None:
    """dy/dt = (1 - y) / tau during, -y / tau_off after the event."""
    during = integrate.solve_ivp(lambda _, y: (1.0 - y) / 480.0, (0.0, 900.0), [0.0], rtol=1e-10, atol=1e-12, dense_output=True)
    after = integrate.solve_ivp(lambda _, y: -y / 1200.0, (900.0, 3600.0), during.y[:, -1], rtol=1e-10, atol=1e-12, dense_output=True)
    expected = np.where(T < 0.0, 0.0, np.where(T < 900.0, during.sol(np.clip(T, 0.0, 900.0))[0], after.sol(np.maximum(T, 900.0))[0]))
    np.testing.assert_allclose(column("exponential_rise", tau_s=480.0, tau_off_s=1200.0), expected, atol=1e-8)


def test_decay_is_as_fast_as_the_rise_unless_told() -> None:
    np.testing.assert_array_equal(column("exponential_rise", tau_s=480.0), column("exponential_rise", tau_s=480.0, tau_off_s=480.0))


def test_trapezoid_goes_through_its_corners() -> None:
    expected = np.interp(T, [0.0, 100.0, 900.0, 1200.0], [0.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(column("trapezoid", rise_s=100.0, fall_s=300.0), expected, atol=1e-12)
    expected = np.interp(T, [0.0, 100.0, 150.0, 450.0], [0.0, 1.0, 1.0, 0.0])
    np.testing.assert_allclose(column("trapezoid", rise_s=100.0, plateau_s=50.0, fall_s=300.0), expected, atol=1e-12)
    np.testing.assert_array_equal(column("trapezoid", rise_s=0.0, fall_s=0.0), column("boxcar"))


def test_a_rise_longer_than_the_event_is_refused() -> None:
    with pytest.raises(DataError, match=r"response: rise_s is 100, longer than the event of 60 s"):
        column("trapezoid", duration=60.0, rise_s=100.0, fall_s=1.0)


@pytest.mark.parametrize("duration", [0.5, 20.0, 300.0])
@pytest.mark.parametrize(("peak", "scale"), [(5.0, 1.0), (6.0, 2.5), (120.0, 60.0)])
def test_gamma_is_the_event_convolved_with_the_density(duration: float, peak: float, scale: float) -> None:
    """By numerical integration of the density, scaled by its largest value on a fine grid."""
    density = stats.gamma(1.0 + peak / scale, scale=scale)
    fine = np.linspace(0.0, duration + 20.0 * (peak + scale), 40001)
    step = fine[1]
    cumulative = integrate.cumulative_trapezoid(density.pdf(fine), dx=step, initial=0.0)
    expected = cumulative - np.interp(fine - duration, fine, cumulative, left=0.0)
    made = column("gamma", duration=duration, time_s=fine, peak_s=peak, scale_s=scale)
    np.testing.assert_allclose(made, expected / expected.max(), atol=3e-3 if duration < 1.0 else 2e-4)
    assert 0.999 < made.max() <= 1.0 + 1e-9


def test_gamma_of_a_short_event_is_the_density() -> None:
    density = stats.gamma(6.0, scale=1.0)
    time = np.arange(-5.0, 40.0, 0.1)
    np.testing.assert_allclose(column("gamma", duration=0.0, time_s=time), density.pdf(time) / density.pdf(5.0), atol=1e-12)


def test_an_infusion_is_largest_at_its_end_and_1_there() -> None:
    made = column("infusion", duration=2400.0, time_s=np.arange(0.0, 3600.0, 1.0))
    assert np.argmax(made) == 2400
    assert made[2400] == pytest.approx(1.0, abs=1e-12)
    assert made[600] == pytest.approx(0.31, abs=0.05)


def test_the_largest_value_within_the_horizon_is_1() -> None:
    time = np.linspace(0.0, 3600.0, 360001)
    for options in ({"ke0_per_min": 0.1}, {"ke0_per_min": 3.0, "bolus": 0.3}, {"bolus": 1.0}, {"bolus": 0.3}):
        assert column("infusion", time_s=time, horizon_s=3600.0, **options).max() == pytest.approx(1.0, abs=1e-7)
    early = column("infusion", time_s=time, horizon_s=300.0)
    assert early[30000] == pytest.approx(1.0)
    assert early.max() > 1.5


def test_own_rate_constants_take_the_place_of_published_ones() -> None:
    """A tiny peripheral compartment leaves one: 1 - exp(-k10 t)."""
    made = column("infusion", duration=2400.0, k10_per_min=0.05, k12_per_min=1e-9, k21_per_min=0.9)
    expected = -np.expm1(-0.05 * np.clip(T / 60, 0, 40)) * np.exp(-0.05 * np.maximum(T / 60 - 40, 0)) / -np.expm1(-0.05 * 40)
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_an_infusion_of_unknown_duration_is_refused_and_an_injection_is_not() -> None:
    with pytest.raises(DataError, match="no duration of the infusion"):
        column("infusion", duration=np.nan)
    assert column("infusion", duration=np.nan, bolus=1.0).max() > 0.9


def test_drift_is_a_polynomial_of_zero_mean() -> None:
    for degree in (1, 2, 3):
        made = column("polynomial_drift", degree=degree)
        assert made.mean() == pytest.approx(0.0, abs=1e-12)
        coefficients = np.polynomial.Polynomial.fit(T, made, degree)
        np.testing.assert_allclose(coefficients(T), made, atol=1e-10)
        assert abs(coefficients.coef[-1]) > 0.5


def test_formula_knows_time_duration_and_constants() -> None:
    made = column("formula", onset=100.0, expression="a * (t > 0) * (t < duration)", constants={"a": 2})
    np.testing.assert_array_equal(made, 2.0 * ((T > 100.0) & (T < 1000.0)))
    with pytest.raises(ConfigError, match="constants name 't'"):
        column("formula", expression="t", constants={"t": 2.0})
    with pytest.raises(ConfigError, match=r"response: expression gives values that are not finite"):
        column("formula", expression="log(t)")


@pytest.mark.parametrize(
    ("shape", "options", "sentence"),
    [
        ("boxcr", {}, r"unknown value of here\.shape: 'boxcr'"),
        ("exponential_rise", {}, r"here\.tau_s is missing"),
        ("exponential_rise", {"tau_s": 0}, r"here\.tau_s is 0: expected a finite number, more than 0"),
        ("exponential_rise", {"tau_s": True}, r"here\.tau_s is True"),
        ("exponential_rise", {"tau_s": "long"}, r"here\.tau_s is 'long'"),
        ("infusion", {"bolus": 1.5}, r"here\.bolus is 1.5.*at most 1"),
        ("infusion", {"bolus": None}, r"here\.bolus is missing"),
        ("infusion", {"drug": "ketamin"}, r"unknown drug.*ketamine"),
        ("infusion", {"ke0_per_min": float("nan")}, r"here\.ke0_per_min is nan"),
        ("polynomial_drift", {"degree": 1.5}, r"here\.degree is 1.5: expected a whole number, at least 1 and at most 10"),
        ("formula", {}, r"here\.expression is missing"),
        ("formula", {"expression": "t +"}, r"here\.expression is not a formula"),
        ("formula", {"expression": 3}, r"here\.expression is 3: expected a text"),
        ("formula", {"expression": "t", "constants": {"a": "b"}}, r"here\.constants is"),
    ],
)
def test_options_that_make_no_sense_name_their_key(shape: str, options, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        response_options(shape, options, key="here")


def test_every_default_is_one_that_is_allowed() -> None:
    for entry in RESPONSES.values():
        for name, parameter in entry.parameters.items():
            assert isinstance(parameter, Parameter)
            if not parameter.required:
                parameter.check(parameter.default, key=name)

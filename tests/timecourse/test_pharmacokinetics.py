"""Concentrations against an integration of the differential equations, and against published numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from mrs_pipeline.errors import ConfigError
from mrs_pipeline.timecourse.pharmacokinetics import KINETICS, Kinetics, concentration, kinetics_named

MINUTES = np.array([0.0, 0.5, 3.0, 10.0, 25.0, 39.9, 40.1, 60.0, 150.0, 400.0])


def integrated(kinetics: Kinetics, *, bolus: float, duration_min: float, ke0: float) -> tuple[np.ndarray, np.ndarray]:
    """Amounts in the central, peripheral and effect compartments by Runge-Kutta, the infusion and what follows one after the other."""
    k10, k12, k21 = kinetics.k10_per_min, kinetics.k12_per_min, kinetics.k21_per_min

    def change(rate: float):
        def slopes(_, y):
            return [
                rate - (k10 + k12) * y[0] + k21 * y[1],
                k12 * y[0] - k21 * y[1],
                ke0 * (y[0] - y[2]),
            ]

        return slopes

    accuracy = {"rtol": 1e-11, "atol": 1e-13, "method": "DOP853"}
    during, after = MINUTES[duration_min > MINUTES], MINUTES[duration_min <= MINUTES]
    first = solve_ivp(change((1.0 - bolus) / duration_min), (0.0, duration_min), [bolus, 0.0, 0.0], dense_output=True, **accuracy)
    second = solve_ivp(change(0.0), (duration_min, MINUTES[-1] + 1.0), first.y[:, -1], dense_output=True, **accuracy)
    course = np.hstack([first.sol(during), second.sol(after)])
    return course[0], course[2]


@settings(max_examples=25, deadline=None)
@given(k10=st.floats(0.002, 0.5), k12=st.floats(0.002, 0.7), k21=st.floats(0.002, 0.5), ke0=st.floats(0.02, 2.0), bolus=st.floats(0.0, 0.9))
def test_courses_solve_the_differential_equations(k10, k12, k21, ke0, bolus) -> None:
    kinetics = Kinetics(k10_per_min=k10, k12_per_min=k12, k21_per_min=k21)
    plasma, effect = integrated(kinetics, bolus=bolus, duration_min=40.0, ke0=ke0)
    shared = {"kinetics": kinetics, "bolus": bolus, "duration_s": 2400.0}
    np.testing.assert_allclose(concentration(MINUTES * 60.0, **shared), plasma, rtol=1e-6, atol=1e-9)
    # 2e-6: a rate next to ke0 is moved by a millionth
    np.testing.assert_allclose(concentration(MINUTES * 60.0, **shared, ke0_per_min=ke0), effect, rtol=1e-5, atol=2e-6)


def test_an_effect_compartment_as_fast_as_the_plasma_is_no_exception() -> None:
    kinetics = KINETICS["ketamine"]
    total = kinetics.k10_per_min + kinetics.k12_per_min + kinetics.k21_per_min
    fast = (total + np.sqrt(total**2 - 4 * kinetics.k10_per_min * kinetics.k21_per_min)) / 2
    _, effect = integrated(kinetics, bolus=0.3, duration_min=40.0, ke0=fast)
    course = concentration(MINUTES * 60.0, kinetics=kinetics, bolus=0.3, duration_s=2400.0, ke0_per_min=fast)
    np.testing.assert_allclose(course, effect, rtol=1e-5, atol=2e-6)


def test_all_of_the_dose_leaves_by_the_central_compartment() -> None:
    """Clearance times the area under the concentration is the dose, whatever the way of giving it."""
    kinetics = KINETICS["ketamine"]
    time = np.linspace(0.0, 4000.0, 400001)
    for bolus, duration in ((0.0, 40.0), (0.26, 20.0), (1.0, 0.0)):
        course = concentration(time * 60.0, kinetics=kinetics, bolus=bolus, duration_s=duration * 60.0)
        assert kinetics.k10_per_min * np.trapezoid(course, time) == pytest.approx(1.0, abs=1e-4)


def test_nothing_before_the_start() -> None:
    course = concentration(np.array([-1e6, -0.1]), kinetics=KINETICS["ketamine"], bolus=0.5, duration_s=600.0, ke0_per_min=0.3)
    np.testing.assert_array_equal(course, 0.0)


def test_ketamine_has_the_published_clearance_half_life_and_peak() -> None:
    """Clearance 79 l/h (69 to 90) per 70 kg over 18 studies: Kamp et al. 2020, Anesthesiology 133:1192. Elimination half-life 2.5 to 3 h:
    textbooks. After 0.5 mg/kg over 40 min about 185 ng/ml: Zanos et al. 2018, Pharmacol Rev 70:621, table 1."""
    kinetics = KINETICS["ketamine"]
    clearance = kinetics.k10_per_min * 60.0 * kinetics.central_volume_l_per_kg * 70.0
    assert 69.0 < clearance < 90.0
    late = concentration(np.array([600.0, 780.0]) * 60.0, kinetics=kinetics, bolus=1.0, duration_s=0.0)
    half_life_h = 3.0 * np.log(2.0) / np.log(late[0] / late[1])
    assert 2.5 < half_life_h < 3.2
    peak = 500.0 * concentration(np.array([2400.0]), kinetics=kinetics, bolus=0.0, duration_s=2400.0) / kinetics.central_volume_l_per_kg
    assert peak[0] == pytest.approx(185.0, rel=0.1)


def test_unknown_drugs_are_named() -> None:
    with pytest.raises(ConfigError, match=r"'ketamin'.*ketamine"):
        kinetics_named("ketamin")

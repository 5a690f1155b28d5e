import numpy as np
import pytest
from scipy.linalg import expm

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.basis.operators import spin_operators
from mrs_pipeline.basis.waveforms import Waveform, product, rotation, rotations
from mrs_pipeline.errors import DataError

X, Y, Z = np.array([[0, 1], [1, 0]]) / 2, np.array([[0, -1j], [1j, 0]]) / 2, np.diag([0.5, -0.5])


def waveform(n_steps: int = 20) -> Waveform:
    rng = np.random.default_rng(7)
    b1_hz = 300 * (rng.standard_normal(n_steps) + 1j * rng.standard_normal(n_steps))
    return Waveform(b1_hz=b1_hz, gradient=rng.uniform(0.2, 1, n_steps), duration_s=4e-3, bandwidth_hz=1500.0, description="noise")


def by_exponentials(pulse: Waveform, offset_hz: float, shift_hz: float) -> ComplexArray:
    total = np.eye(2, dtype=complex)
    for b1_hz, gradient in zip(pulse.b1_hz, pulse.gradient, strict=True):
        hamiltonian = (shift_hz + gradient * offset_hz) * Z + b1_hz.real * X + b1_hz.imag * Y
        total = expm(-2j * np.pi * hamiltonian * pulse.step_s) @ total
    return total


def test_rotation_is_the_product_of_matrix_exponentials() -> None:
    pulse, position, shift_hz = waveform(), np.array([-0.7, 0.0, 0.4]), np.array([0.0, 210.0])
    a, b = rotation(pulse, shift_hz=shift_hz, position=position)
    for row, place in enumerate(position):
        for column, shift in enumerate(shift_hz):
            expected = by_exponentials(pulse, place * pulse.bandwidth_hz, shift)
            np.testing.assert_allclose([a[row, column], b[row, column]], expected[:, 0], atol=1e-12)


def test_stops_anywhere_leave_the_whole_rotation_as_it_is() -> None:
    pulse, position, shift_hz = waveform(), np.array([-0.3, 0.9]), np.array([0.0, -80.0])
    # Within steps, on their edges, several in one step, and both ends of the pulse.
    stops_s = np.array([0.0, 1e-5, 2e-4, 2.5e-4, 2.6e-4, 3.2e-3, 4e-3])
    parts = list(rotations(pulse, shift_hz=shift_hz, position=position, stops_s=stops_s))
    assert len(parts) == stops_s.size + 1
    whole = parts[0]
    for part in parts[1:]:
        whole = product(part, whole)
    for found, expected in zip(whole, rotation(pulse, shift_hz=shift_hz, position=position), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("number", [0.5, 1.0, 1.5, 3.0])
def test_rotation_of_a_larger_spin_is_the_exponential_of_its_operators(number: float) -> None:
    operators = spin_operators((number,))
    plus, z = operators.plus[0], np.diag(operators.z[0])
    x, y = (plus + plus.T) / 2, (plus - plus.T) / 2j
    axis, angle = np.array([0.3, -0.5, 0.7]), 2.1
    a_b = expm(-1j * angle * (axis[0] * X + axis[1] * Y + axis[2] * Z))[:, 0]
    found = operators.rotated(np.eye(z.shape[0])[None], a=np.array([[a_b[0]]]), b=np.array([[a_b[1]]]))[0]
    np.testing.assert_allclose(found, expm(-1j * angle * (axis[0] * x + axis[1] * y + axis[2] * z)), atol=1e-12)


@pytest.mark.parametrize("turned", [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1j)])
def test_rotations_by_0_180_and_360_degrees_have_no_gaps(turned: tuple[complex, complex]) -> None:
    operators = spin_operators((1.5,))
    found = operators.rotated(np.eye(4)[None], a=np.array([[turned[0]]]), b=np.array([[turned[1]]]))[0]
    twice = operators.rotated(found[None], a=np.array([[turned[0]]]), b=np.array([[turned[1]]]))[0]
    np.testing.assert_allclose(found @ found.conj().T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(found @ found, twice, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"b1_hz": np.ones(3), "gradient": np.ones(3)}, "at least 16 steps"),
        ({"gradient": np.ones(19)}, "one gradient value a step"),
        ({"b1_hz": np.zeros(20)}, "not all zero"),
        ({"duration_s": 0.0}, "positive duration"),
    ],
)
def test_waveforms_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    values = {"b1_hz": np.ones(20), "gradient": np.ones(20), "duration_s": 1e-3, "bandwidth_hz": 1e3, "description": "x", **changes}
    with pytest.raises(DataError, match=message):
        Waveform(**values)  # type: ignore[arg-type]

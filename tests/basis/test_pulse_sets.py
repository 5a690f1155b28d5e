import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.pulse_sets import pulse_sets, slice_selection
from mrs_pipeline.basis.pulses import SampledShape
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.errors import ConfigError

SEQUENCE = {"ge_press": "press"}
OWN = {"excitation": {"shape": "sinc", "duration_s": 0.002, "bandwidth_hz": 2000}, "n_positions": 16, "carrier_ppm": 0.0}


@pytest.mark.parametrize("name", pulse_sets())
def test_named_sets_serve_their_sequence(name: str, acquisition: Acquisition) -> None:
    selection = slice_selection(name)
    assert selection is not None
    basis = simulate_basis(
        sequence=SEQUENCE.get(name, name),
        metabolites=("Cr",),
        acquisition=acquisition,
        echo_time_1_s=0.015,
        mixing_time_s=0.012,
        selection=selection,
    )
    assert basis.fids[0, 0].real == pytest.approx(2.5 if name == "steam" else 5.0, rel=0.01)


@pytest.mark.parametrize("name", pulse_sets())
def test_named_sets_stay_within_what_a_body_coil_gives(name: str) -> None:
    """20 microtesla at 3 T."""
    selection = slice_selection(name)
    assert selection is not None
    for role, pulse in selection.pulses.items():
        if pulse_sets()[name][role]["shape"] != "hyperbolic_secant":  # as strong as it takes: a local coil
            assert pulse.peak_b1_hz < 20 * 42.577


def test_ideal_pulses_need_no_selection() -> None:
    assert slice_selection("ideal") is None


def test_own_pulses_take_their_values_from_the_description() -> None:
    selection = slice_selection(OWN)
    assert selection is not None
    assert (selection.n_positions, selection.carrier_ppm) == (16, 0.0)
    assert selection.pulses["excitation"].bandwidth_hz == 2000
    file = SampledShape(name="mine.txt", amplitude=np.hanning(64), phase_rad=np.zeros(64), gradient=np.ones(64))
    own = slice_selection({"refocusing": {"shape": "a/mine.txt", "duration_s": 0.004, "flip_deg": 150}}, shapes={"a/mine.txt": file})
    assert own is not None
    # area over time of the nutation frequency is the flip angle
    assert 360 * abs(own.pulses["refocusing"].b1_hz.mean()) * 0.004 == pytest.approx(150)


def test_what_cannot_be_used_is_named() -> None:
    with pytest.raises(ConfigError, match="unknown set of pulses 'siemens': use one of ge_press, ideal, press"):
        slice_selection("siemens")
    with pytest.raises(ConfigError, match="unknown pulse shape 'mao'"):
        slice_selection({"excitation": {"shape": "mao", "duration_s": 0.002, "bandwidth_hz": 2000}})
    with pytest.raises(ConfigError, match="only shapes from files are scaled by it"):
        slice_selection({"excitation": {"shape": "slr", "duration_s": 0.002, "bandwidth_hz": 2000, "peak_b1_hz": 800}})
    with pytest.raises(ConfigError, match="pulses describe none of excitation, refocusing"):
        slice_selection({"carrier_ppm": 3.0})

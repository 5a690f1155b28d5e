"""What slice-selective pulses promise, and which of them are refused."""

from dataclasses import replace
from math import pi

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.pulse_sets import slice_selection
from mrs_pipeline.basis.pulses import designed_pulse
from mrs_pipeline.basis.selective import SliceSelection
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import spin_systems
from mrs_pipeline.errors import ConfigError


@pytest.fixture(scope="module")
def selection() -> SliceSelection:
    excitation = designed_pulse("sinc", role="excitation", duration_s=2.5e-3, bandwidth_hz=2000.0, flip_rad=pi / 2)
    refocusing = designed_pulse("sinc", role="refocusing", duration_s=4e-3, bandwidth_hz=1200.0, flip_rad=np.radians(150))
    return SliceSelection(pulses={"excitation": excitation, "refocusing": refocusing}, carrier_ppm=3.0, n_positions=8)


def test_pulses_that_do_not_fit_or_are_missing_are_refused(selection: SliceSelection, acquisition: Acquisition) -> None:
    def run(**changes: object) -> None:
        settings = {"sequence": "press", "metabolites": ("Cr",), "acquisition": acquisition, "echo_time_1_s": 0.012, **changes}
        simulate_basis(**{"selection": selection, **settings})  # type: ignore[arg-type]

    with pytest.raises(ConfigError, match=r"the pulses take 3\.\d+ ms of a delay of 2\.5 ms: choose shorter pulses"):
        run(echo_time_1_s=0.005)
    with pytest.raises(ConfigError, match="has a pulse for inversion, but no such pulse"):
        run(sequence="special")
    with pytest.raises(ConfigError, match="unknown role of a pulse 'exciting'"):
        replace(selection, pulses={"exciting": selection.pulses["excitation"]})
    with pytest.raises(ConfigError, match="at least 8 positions"):
        replace(selection, n_positions=2)


def test_result_says_which_pulses_were_assumed(selection: SliceSelection, acquisition: Acquisition) -> None:
    basis = simulate_basis(sequence="press", metabolites=("Cr",), acquisition=acquisition, echo_time_1_s=0.012, selection=selection)
    assert basis.sequence == "press, shaped pulses, TE 30 ms, TE1 12 ms"
    assert basis.assumptions[0].startswith("shaped pulses at 3 ppm, 8 positions or more across each slice (excitation: sinc")
    assert spin_systems()["Cr"].left_out in basis.assumptions[2]


@pytest.mark.parametrize("frequency_mhz", [123.25, 297.2])
@pytest.mark.parametrize("carrier_ppm", [2.7, 4.65])
def test_displaced_slices_are_sampled_wherever_they_lie(frequency_mhz: float, carrier_ppm: float, acquisition: Acquisition) -> None:
    """A singlet keeps its protons, however far from the carrier its slice is."""
    own = replace(acquisition, spectrometer_frequency_mhz=frequency_mhz, spectral_width_hz=5000.0)
    press = slice_selection("press")
    assert press is not None
    selection = replace(press, carrier_ppm=carrier_ppm)
    basis = simulate_basis(sequence="press", metabolites=("Cr", "sIns"), acquisition=own, echo_time_1_s=0.015, selection=selection)
    np.testing.assert_allclose(np.abs(basis.fids[:, 0]), [5.0, 6.0], rtol=0.01)


def test_pulses_that_select_metabolites_in_different_places_are_refused(acquisition: Acquisition) -> None:
    narrow = designed_pulse("slr", role="refocusing", duration_s=40e-3, bandwidth_hz=150.0, flip_rad=pi)
    excitation = designed_pulse("slr", role="excitation", duration_s=2e-3, bandwidth_hz=4000.0, flip_rad=pi / 2)
    selection = SliceSelection(pulses={"excitation": excitation, "refocusing": narrow}, carrier_ppm=4.0, n_positions=32)
    echo = replace(acquisition, echo_time_s=0.2)
    with pytest.raises(ConfigError, match=r"shifts the slice of a resonance 34\d Hz from the carrier by 2\.3 slice thicknesses"):
        simulate_basis(sequence="press", metabolites=("Lac",), acquisition=echo, echo_time_1_s=0.1, selection=selection)


@pytest.mark.parametrize("flip_deg", [1.0, pi])
def test_pulses_that_leave_next_to_nothing_are_refused(flip_deg: float, acquisition: Acquisition) -> None:
    """Such as flip angles in radians."""
    weak = designed_pulse("sinc", role="refocusing", duration_s=5e-3, bandwidth_hz=1200.0, flip_rad=np.radians(flip_deg))
    excitation = designed_pulse("slr", role="excitation", duration_s=2e-3, bandwidth_hz=4000.0, flip_rad=pi / 2)
    selection = SliceSelection(pulses={"excitation": excitation, "refocusing": weak}, carrier_ppm=2.7, n_positions=32)
    with pytest.raises(ConfigError, match="% of the signal on their carrier: check flip angles"):
        simulate_basis(sequence="press", metabolites=("Cr",), acquisition=acquisition, echo_time_1_s=0.015, selection=selection)


@pytest.mark.parametrize("carrier_ppm", [-1.0, 1000.0, float("nan")])
def test_a_carrier_without_metabolites_is_refused(carrier_ppm: float, selection: SliceSelection) -> None:
    with pytest.raises(ConfigError, match="a chemical shift between 0 and 10 ppm"):
        replace(selection, carrier_ppm=carrier_ppm)

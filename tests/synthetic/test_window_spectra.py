"""Window spectra: their noise, their lines and their response, read off by code of its own."""

from pathlib import Path

import numpy as np
import pytest

from mrs_pipeline.commands.simulate import read_plan
from mrs_pipeline.synthetic.window_spectra import window_spectra

EDGES_S = [(-360.0, 0.0), (0.0, 300.0), (1500.0, 1800.0)]


@pytest.fixture(scope="module")
def plan():
    return read_plan(Path(__file__).parents[2] / "config" / "simulation" / "infusion.yaml")


@pytest.fixture(scope="module")
def spectra(plan):
    return window_spectra(plan, participant="01", session="1", edges_s=EDGES_S)


def test_noise_is_that_of_the_transients_averaged(spectra) -> None:
    tail = np.asarray(spectra.data)[:, -300:]
    noise_sd = np.sqrt(np.mean(np.abs(tail - tail.mean(axis=1, keepdims=True)) ** 2, axis=1) / 2)
    assert noise_sd[1] / noise_sd[0] == pytest.approx(np.sqrt(120 / 100), rel=0.1)
    assert noise_sd[2] / noise_sd[1] == pytest.approx(1.0, rel=0.1)


def test_naa_stands_at_its_place_with_the_described_signal_to_noise_ratio(spectra) -> None:
    spectrum = np.fft.fft(np.asarray(spectra.data)[0])
    ppm = 4.65 - np.fft.fftfreq(1024, 1 / 2000.0) / 127.7
    near = (ppm > 1.8) & (ppm < 2.2)
    assert ppm[near][np.argmax(np.abs(spectrum[near]))] == pytest.approx(2.01, abs=0.02)
    quiet = (ppm > 9.0) | (ppm < -1.0)
    snr = spectrum[near].real.max() / np.std(spectrum[quiet].real)
    assert 0.6 * 8.0 * np.sqrt(120) < snr < 1.8 * 8.0 * np.sqrt(120)  # linewidth and NAA level of this person differ from the mean


def test_same_visit_same_spectra_and_another_seed_others(plan, spectra) -> None:
    again = window_spectra(plan, participant="01", session="1", edges_s=EDGES_S)
    assert np.array_equal(again.data, spectra.data)
    other = window_spectra(plan, participant="01", session="2", edges_s=EDGES_S)
    assert not np.array_equal(other.data, spectra.data)


def test_glutamate_rises_while_creatine_stays(plan) -> None:
    glu, creatine = [], []
    for visit in plan.visits:
        data = np.asarray(
            window_spectra(
                plan, participant=visit.participant.participant, session=visit.session, edges_s=[(-360.0, 0.0), (900.0, 1800.0)]
            ).data
        )
        real = np.fft.fft(data * np.exp(-10.0 * np.arange(1024) / 2000.0)).real
        ppm = 4.65 - np.fft.fftfreq(1024, 1 / 2000.0) / 127.7
        area = {name: real[:, (ppm > low) & (ppm < high)].sum(axis=1) for name, low, high in (("Glu", 2.28, 2.42), ("Cr", 2.95, 3.1))}
        glu.append(np.log(area["Glu"][1] / area["Glu"][0]))
        creatine.append(np.log(area["Cr"][1] / area["Cr"][0]))
    assert np.mean(glu) > 4.0 * np.std(glu) / np.sqrt(len(glu))
    assert abs(np.mean(creatine)) < 0.3 * np.mean(glu)

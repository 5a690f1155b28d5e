"""Reduced forms of benchmarks/timecourse: false and real changes, precision and honesty of the estimators of a response."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.fitting.options import FitOptions

FOLDERS = [Path(__file__).parents[2] / "benchmarks" / name for name in ("fitting", "timecourse")]
JOINT = ["joint", "follow", "follow_widths"]


@pytest.fixture(scope="module")
def load():
    with pytest.MonkeyPatch.context() as patch:
        for folder in FOLDERS:
            patch.syspath_prepend(str(folder))
        yield importlib.import_module


@pytest.fixture(scope="module")
def table(load):
    """Makes the benchmark's table of some sessions at 127.7 MHz, indexed by scenario, estimator and measure."""
    responses, arms = load("responses"), load("arms")

    def make(*scenarios: str, arm: str = "right", snr: float = 80.0, n: int = 6, estimators: list[str]) -> pd.DataFrame:
        member = arms.ARMS[arm](arms.sampling(127.7, 2000.0), None)
        fitter = member.fitter(FitOptions())
        setting = responses.Setting(source=member.source, fitter=fitter, schedule=responses.INFUSION, snr=snr, fwhm_hz=6.0)
        rows = [
            {"arm": arm, "snr": snr, "scenario": name, **row}
            for name in responses.needed(scenarios, responses.SCENARIOS)
            for number in range(n)
            for row in responses.session_rows(setting, responses.SCENARIOS[name], estimators=estimators, number=number)
        ]
        return responses.summarised(pd.DataFrame(rows), responses.SCENARIOS).set_index(["scenario", "estimator", "measure"])

    return make


def test_gaussian_narrowing_is_as_much_of_the_full_width_as_lorentzian_narrowing(load) -> None:
    """Widths of lines read off their spectra."""
    sessions, time_s = load("sessions"), np.arange(4096) / 1000.0

    def fwhm(lorentzian: float, square: float) -> float:
        line = np.exp(-np.pi * lorentzian * time_s - np.pi**2 / (4 * np.log(2)) * square * time_s**2)
        frequency = np.linspace(0.0, 6.0, 601)
        spectrum = (np.exp(-2j * np.pi * np.outer(frequency, time_s)) @ line).real
        return 2.0 * float(np.interp(-0.5 * spectrum[0], -spectrum, frequency))

    lorentzian, gaussian = 2.5, np.sqrt((6.0 - 0.5346 * 2.5) ** 2 - 0.2166 * 2.5**2)
    square = sessions.narrower_square(gaussian, 6.0, lorentzian_hz=0.2)
    expected = fwhm(2.3, gaussian**2)
    assert fwhm(2.5, gaussian**2) - expected == pytest.approx(0.14, abs=0.02)
    assert sessions.lorentzian_of(gaussian, 6.0) == pytest.approx(lorentzian)
    assert fwhm(2.5, gaussian**2 - square) == pytest.approx(expected, abs=0.003)


def test_scenarios_do_what_they_say(load) -> None:
    """Amplitudes rise in the windows of the infusion alone, windows have the transients they retained, noise is as strong as stated."""
    sessions, arms = load("sessions"), load("arms")
    source = arms.right(arms.sampling(127.7, 2000.0), None).source
    quiet = sessions.Schedule(course=np.repeat([0.0, 1.0], [4, 8]), shift_sd_hz=0.0, phase_sd_deg=0.0)
    settings = {"schedule": quiet, "snr": 50.0, "fwhm_hz": 6.0, "seed": (3,)}
    nothing, changed = (sessions.draw(source, item, **settings) for item in (sessions.Scenario(), sessions.Scenario(changes={"NAA": 0.1})))
    difference = np.asarray(changed.windows.data) - np.asarray(nothing.windows.data)
    assert not difference[:4].any()
    np.testing.assert_allclose(difference[4:], np.broadcast_to(difference[4], (8, difference.shape[1])), atol=1e-9)
    np.testing.assert_allclose(changed.amplitudes[1] / changed.amplitudes[0], np.where(np.array(changed.names) == "NAA", 1.1, 1.0))
    spectrum = np.fft.fft(difference[4] * 10.0)
    window_noise = np.std(np.fft.fft(np.asarray(nothing.windows.data)[0] - np.asarray(nothing.windows.data)[1])) / 2.0
    assert np.abs(spectrum).max() / window_noise == pytest.approx(50.0, rel=0.08)
    uneven = sessions.draw(source, sessions.Scenario(lengths=sessions.UNEQUAL, lost=(0.1, 0.3), burst=0.5), **settings)
    assert np.all(uneven.counts < sessions.UNEQUAL)
    assert 0.5 < uneven.counts.sum() / sum(sessions.UNEQUAL) < 0.85


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "arm"), [("narrowing", "right"), ("narrowing", "misfit"), ("narrowing_gaussian", "misfit")])
def test_narrower_lines_are_no_change(table, arm: str, scenario: str) -> None:
    """0.2 Hz, upper 95 % limits of the absolute bias; a lineshape that is held has the bias, so the test can fail."""
    estimators = ["windows", *JOINT, *(["held"] if scenario == "narrowing" else [])]
    found = table(scenario, arm=arm, estimators=estimators).loc[scenario]
    assert not found.missing.any()
    for name in ("windows", *JOINT):
        assert found.loc[name].limit[["Glx/tNAA", "Glu/tNAA", "Glu"]].max() < 0.3
        assert found.loc[name, "GABA"].limit < 2.0
    if "held" in estimators:
        held = found.loc["held"]
        assert held.bias["tNAA"] - 1.96 * held.bias_error["tNAA"] > 1.0
        assert held.bias["Glx/tNAA"] + 1.96 * held.bias_error["Glx/tNAA"] < -0.3
        assert abs(held.bias["GABA"]) - 1.96 * held.bias_error["GABA"] > 2.0


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["glutamate_5", "change_drifts", "change_losses", "change_all"])
def test_a_change_is_found_whole_whatever_else_happens(table, scenario: str) -> None:
    """Changes of 5 %, with drifts, unequal windows, rejection in bursts and narrowing: within 0.3 % (95 % limit)."""
    found = table(scenario, snr=160.0, estimators=["windows", *JOINT]).loc[scenario]
    assert not found.missing.any()
    for name in ("windows", *JOINT):
        assert found.loc[name].limit[["Glx/tNAA", "Glu/tNAA", "Glx", "Glu"]].max() < 0.3


@pytest.mark.slow
def test_joint_fits_are_more_precise_than_windows_fitted_alone_and_honest(table) -> None:
    n = 30
    found = table("nothing", n=n, estimators=["alone", "windows", *JOINT]).xs("Glx/tNAA", level="measure").loc["nothing"]
    for name in ("windows", *JOINT):
        assert found.spread[name] < 0.85 * found.spread["alone"]
        assert found.high[name] > 95.0
        assert found.spread[name] == pytest.approx(found.printed[name], rel=3.0 / (2 * n) ** 0.5)


@pytest.mark.slow
def test_responses_to_a_stimulus_at_7_t(load) -> None:
    """64 dynamics, lines 0.46 Hz narrower and 3 % more glutamate during the stimulus, on and off in blocks of 8."""
    responses, arms = load("responses"), load("arms")
    member = arms.right(arms.sampling(297.2, 4000.0), None)
    fitter = member.fitter(FitOptions())
    setting = responses.Setting(source=member.source, fitter=fitter, schedule=responses.BLOCKS, snr=40.0, fwhm_hz=12.0)
    scores = []
    for number in range(6):
        rows = responses.session_rows(setting, responses.STIMULUS["glutamate_3"], estimators=["follow_widths"], number=number)
        scores += [(row["estimate"] - row["truth"]) / row["sd"] for row in rows if row["measure"] == "Glu"]
    assert np.abs(scores).max() < 3.5
    assert np.sqrt(np.mean(np.square(scores))) < 1.9  # chi-squared of 6: 99.9 %


def test_axes_of_the_stimulus_are_those_of_7_t(load) -> None:
    found = load("arms").sampling(297.2, 4000.0)
    assert isinstance(found, Acquisition)
    assert load("sessions").BLOCKS.course.size == 64
    assert load("sessions").BLOCKS.during.sum() == 32

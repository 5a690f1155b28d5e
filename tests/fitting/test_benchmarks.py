"""Reduced forms of benchmarks/fitting, and checks of what these benchmarks measure with."""

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mrs_pipeline.fitting.options import FitOptions

FOLDER = Path(__file__).parents[2] / "benchmarks" / "fitting"


@pytest.fixture(scope="module")
def load():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield importlib.import_module


@pytest.fixture(scope="module")
def monte_carlo(load) -> ModuleType:
    return load("monte_carlo")


def test_derivatives_of_the_reference_model_are_those_of_its_signal(load) -> None:
    """Against finite differences of signals broadened, shifted and turned by hand."""
    reference, source = load("reference_model"), load("arms").arms("right")[1].source
    truth, _ = source.truth(np.random.default_rng(3), fwhm_hz=6.0)
    time, points, step = truth.acquisition.time_s, reference.fitted_points(truth.acquisition), 1e-4
    rest = truth.signal - truth.lines
    square = lambda width: np.pi**2 / (4 * np.log(2)) * width**2  # noqa: E731
    changed = [
        truth.lines * np.exp(2j * np.pi * step * time) + rest,
        truth.lines * np.exp(-np.pi * step * time) + rest,
        truth.lines * np.exp(-(square(truth.gaussian_hz + step) - square(truth.gaussian_hz)) * time**2) + rest,
        truth.signal * np.exp(1j * step),
    ]
    expected = np.array([np.fft.fft(fid - truth.signal)[points] / step for fid in changed])
    n_linear = truth.amplitudes.size + truth.broad_amplitudes.size + 2 * len(truth.others)
    columns = reference.jacobian(truth, knot_ppm=None).T
    np.testing.assert_allclose(columns[n_linear : n_linear + 4], expected, atol=2e-3 * np.abs(expected).max())
    np.testing.assert_allclose(
        truth.amplitudes @ columns[: truth.amplitudes.size], np.fft.fft(truth.amplitudes @ truth.metabolites)[points]
    )


def test_more_unknowns_and_more_noise_make_a_larger_bound(load) -> None:
    reference, source = load("reference_model"), load("arms").arms("right")[1].source
    truth, height = source.truth(np.random.default_rng(4), fwhm_hz=6.0)
    parts = {"above": ("Glu", "Gln"), "below": ("NAA", "NAAG")}

    def bound(signals, sd: float, knot_ppm: float | None) -> float:
        return reference.ratio_bound(signals, reference.amplitude_bound(signals, noise_sd=sd, knot_ppm=knot_ppm), **parts)

    free = bound(truth, height / 40, 0.4)
    assert bound(truth, height / 20, 0.4) == pytest.approx(2 * free)
    assert free > bound(truth, height / 40, None) > bound(truth.profile_known, height / 40, None)
    assert 0.01 < free < 0.2
    unknown = reference.amplitude_bound(truth, noise_sd=height / 40, spread=source.spread)
    assert free < reference.ratio_bound(truth, unknown, **parts) < 1.5 * free
    nothing = reference.amplitude_bound(truth, noise_sd=height / 40, spread=reference.Spread())
    assert reference.ratio_bound(truth, nothing, **parts) == pytest.approx(free)


def test_drawn_spectra_are_what_their_truth_says(load) -> None:
    """Height of NAA over noise, and the width of its line, of spectra without other signals."""
    brain, arms = load("brain_spectra"), load("arms").arms("right")
    source = replace(
        arms[1].source, ingredients=replace(load("brain_spectra").Ingredients(), shift_hz=(0, 0), phase_rad=(0, 0), delay_s=(0, 0))
    )
    draw = source.draw(np.random.default_rng(5), snr=40.0, fwhm_hz=8.0)
    noise = np.fft.fft(draw.fid - draw.truth.signal)
    assert np.std(noise.real) == pytest.approx(draw.noise_sd, rel=0.05)
    naa = draw.truth.amplitudes[draw.truth.names.index("NAA")] * draw.truth.metabolites[draw.truth.names.index("NAA")]
    assert brain.naa_height(naa, acquisition=source.acquisition) == pytest.approx(40.0 * draw.noise_sd)


def test_summary_of_known_estimates(load) -> None:
    estimates = np.array([[1.1, 0.1, 0.9, 1.3], [0.9, 0.1, 0.7, 1.1], [1.3, 0.1, 1.1, np.inf], [np.nan] * 4])
    found = load("measures").summary(estimates, np.ones(4), np.full(4, 0.1))
    assert (found.n, found.n_failed) == (4, 1)
    assert found.bias == pytest.approx(10.0)
    assert found.rmse == pytest.approx(np.sqrt((100 + 100 + 900) / 3))
    assert found.rmse_over_bound == pytest.approx(found.rmse / 10)
    assert found.rms_z == pytest.approx(np.sqrt(11 / 3))
    assert found.coverage == pytest.approx(200 / 3)
    assert found.bias_error == pytest.approx(100 * np.sqrt((0.04 + 0.04) / 3 / 2))
    pairs = load("measures").summary(np.array([[1.1] * 4, [0.9] * 4, [1.3] * 4, [1.1] * 4]), np.ones(4), np.ones(4), n_together=2)
    assert pairs.bias_error == pytest.approx(100 * 0.1)


MEASURES = ("Glx/tNAA", "tNAA/tCr")
TABLE = """ $$CONC 5 lines in following concentration table = NCONC+1
    Conc. %SD   /Cr Metabolite
    9.000   4% 1.125 Glu
    3.000  12% 0.375 Gln
   10.000   3% 1.250 NAA
   12.000   5% 1.500 Glu+Gln
 2.00E-01 999%  0.00-CrCH2
 $$MISC 1 lines
"""
SUMMARY = "Metab,mMol/kg,CRLB,%CRLB,/Cr\nGlu,9.0,0.36,4.0,1.1\nGln,3.0,0.36,12.0,0.4\nNAA,10.0,0.3,3.0,1.2\n"


@pytest.mark.parametrize(("name", "text", "percent"), [("table", TABLE, 5.0), ("summary.csv", SUMMARY, 100 * np.hypot(0.36, 0.36) / 12)])
def test_results_of_other_programs_are_read(load, tmp_path: Path, name: str, text: str, percent: float) -> None:
    path = tmp_path / "dataset08" / name
    path.parent.mkdir()
    path.write_text(text)
    found = load("other_programs").read_other(path)
    value, sd = found.estimate("Glx/tNAA")
    assert found.number == 8
    assert value == pytest.approx(1.2)
    assert sd == pytest.approx(1.2 * np.hypot(percent, 3.0) / 100)


def test_one_cell_of_the_monte_carlo(load, monte_carlo) -> None:
    members = load("arms").arms("right")
    cell = monte_carlo.Cell(snr=80.0, fwhm_hz=6.0, n_fits=12, pairs=True, seed=1)
    found = {item.measure: item.summary for item in monte_carlo.results(members, cell=cell, options=FitOptions(), measures=MEASURES)}
    assert [(item.n, item.n_failed) for item in found.values()] == [(12, 0)] * 2
    assert abs(found["Glx/tNAA"].bias) < 3.5 * found["Glx/tNAA"].bias_error + 1.0


@pytest.mark.slow
def test_without_a_baseline_the_fit_is_as_good_as_can_be(load, monte_carlo) -> None:
    """Bias below 1 %, error within 1.15 of the bound with unknown shifts, honest intervals; each with its Monte Carlo error."""
    members = [monte_carlo.simplified(member, ["baseline"]) for member in load("arms").arms("right")]
    n = 80
    cell = monte_carlo.Cell(snr=40.0, fwhm_hz=6.0, n_fits=n, pairs=False, seed=2)
    (found,) = monte_carlo.results(members, cell=cell, options=FitOptions(), measures=MEASURES[:1])
    assert found.summary.n_failed == 0
    assert abs(found.summary.bias) < 1.0 + 3 * found.summary.bias_error
    assert found.over_bounds["rmse_over_bound_of_unknown_shifts"] < 1.15 * (1 + 3 / (2 * n) ** 0.5)
    assert found.summary.coverage_high > 95.0


@pytest.mark.slow
@pytest.mark.parametrize(("arm", "largest_bias"), [("right", 1.0), ("misfit", 3.0), ("mm_known", 3.0)])
def test_curved_baselines_and_other_macromolecules_leave_small_and_honest_errors(load, monte_carlo, arm: str, largest_bias: float) -> None:
    """Bias, error over the bound of all amplitudes free and coverage at a signal-to-noise ratio of 40, each with its Monte Carlo error."""
    n, arms = 50, load("arms")
    cell = monte_carlo.Cell(snr=40.0, fwhm_hz=6.0, n_fits=n, pairs=False, seed=2)
    members = [arms.ARMS[arm](arms.sampling(127.7, 2000.0), None)]
    (found,) = monte_carlo.results(members, cell=cell, options=FitOptions(), measures=MEASURES[:1])
    assert found.summary.n_failed == 0
    assert abs(found.summary.bias) < largest_bias + 3 * found.summary.bias_error
    assert found.summary.rmse_over_bound < 1.15 * (1 + 3 / (2 * n) ** 0.5)
    assert found.summary.coverage_high > 95.0


@pytest.mark.external_data
def test_challenge_sets_are_described_by_their_truth_and_noise(load, external_data: Path) -> None:
    sets = load("challenge_sets")
    challenge = sets.read_challenge(external_data / "fitting_challenge")
    assert {1, 8, 13, 16} <= set(challenge.files)
    for number in (1, 8, 13, 16):
        found = sets.oracle(challenge, number)
        assert found.misfit == pytest.approx(1.0, abs=0.05)
        assert np.all(found.truth.amplitudes >= 0)


@pytest.mark.external_data
def test_challenge_sets_are_fitted_with_errors_like_their_own_standard_errors(load, external_data: Path) -> None:
    challenge = load("challenge")
    sets = load("challenge_sets").read_challenge(external_data / "fitting_challenge")
    fitter = challenge.fitter_of(sets, FitOptions())
    rows = [row for number in (1, 8, 13, 16) for row in challenge.set_rows(sets, number, fitter=fitter, measures=["Glx/tNAA"])]
    assert {row["status"] for row in rows} == {"ok"}
    assert all(row["bound0_%"] < row["bound_%"] for row in rows)
    assert np.mean([abs(row["error_%"]) for row in rows]) < 6.0  # bounds without a baseline: 4, 2, 14 and 11 %
    assert np.sqrt(np.mean([row["z"] ** 2 for row in rows])) < 1.6


@pytest.mark.slow
@pytest.mark.external_data
@pytest.mark.parametrize("number", [1, 8, 13, 16])
def test_realisations_of_a_challenge_set_scatter_no_more_than_the_bound_allows(load, external_data: Path, number: int) -> None:
    challenge, n = load("challenge"), 40
    sets = load("challenge_sets").read_challenge(external_data / "fitting_challenge")
    settings = {"fitter": challenge.fitter_of(sets, FitOptions()), "n": n, "measures": ["Glx/tNAA"]}
    (row,) = challenge.realisation_rows(sets, number, **settings)
    assert row["n_failed"] == 0
    assert row["rmse_over_bound"] < 1.15 * (1 + 3 / (2 * n) ** 0.5)
    assert row["coverage_high"] > 93.0

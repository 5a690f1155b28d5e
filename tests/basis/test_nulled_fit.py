"""Pieces of the fit of a metabolite-nulled scan: derivatives, noise, the residues, refusal of what cannot be one."""

import numpy as np
import pytest

from mrs_pipeline.acquisition import spectrum_from_fid
from mrs_pipeline.basis.macromolecules import lines_of_nulled_scan
from mrs_pipeline.basis.metabolite_residues import metabolite_residues, residue_basis
from mrs_pipeline.basis.nulled_checks import noise_sd
from mrs_pipeline.basis.nulled_model import COMMON, NulledModel, baseline_columns, coarse_start
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.errors import ConfigError

from .nulled_scans import ACQUISITION, RESIDUE_BASIS, nulled_scan


@pytest.fixture(scope="module")
def model() -> NulledModel:
    mask = (ACQUISITION.ppm > 0.2) & (ACQUISITION.ppm < 4.2)
    return NulledModel(
        acquisition=ACQUISITION,
        mask=mask,
        data=spectrum_from_fid(nulled_scan(0))[mask],
        lines=tuple(lines_of_nulled_scan().values()),
        residues=RESIDUE_BASIS.fids,
        baseline=baseline_columns(ACQUISITION, mask=mask),
    )


def test_derivatives_are_those_of_the_signals(model):
    rng = np.random.default_rng(0)
    mean, sd, *_ = model.priors
    theta = mean + 0.1 * np.where(np.isfinite(sd), sd, 1.0) * rng.standard_normal(mean.size)
    amplitudes = rng.standard_normal(len(model.lines) + len(model.residues))
    analytic = model.derivative_fids(theta, weighted=model.fids(theta) * amplitudes[:, None])
    for number in range(2, theta.size):
        step = 1e-6 * np.eye(theta.size)[number]
        numeric = amplitudes @ (model.fids(theta + step) - model.fids(theta - step)) / 2e-6
        np.testing.assert_allclose(analytic[number - 2], numeric, atol=1e-6 * max(np.abs(numeric).max(), 1.0))


def test_priors_name_every_parameter(model):
    mean, sd, lower, upper = model.priors
    assert mean.size == len(COMMON) + 2 * len(model.lines) + len(model.residues)
    assert np.all(lower <= mean)
    assert np.all(mean < upper)
    assert np.all(sd > 0)


def test_baseline_takes_up_a_wrong_first_sample_and_a_water_tail(model):
    """What the columns are for, to 2 % of the disturbance: any complex error of samples 0 and 1, water at 4.65 ppm of 10 Hz."""
    time = ACQUISITION.time_s
    wrong = np.zeros(ACQUISITION.n_points, dtype=complex)
    wrong[:2] = 3.0 - 2.0j, 1.0 + 1.0j
    water = np.exp(-np.pi * 10.0 * time + 0.4j)
    water[0] /= 2
    design = np.concatenate([model.baseline.real, model.baseline.imag])
    for disturbance in (wrong, water):
        spectrum = model.spectra(disturbance)
        target = np.concatenate([spectrum.real, spectrum.imag])
        rest = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
        assert np.abs(rest).max() < 2e-2 * np.abs(target).max()


def test_baseline_cannot_imitate_a_macromolecule_line(model):
    line = model.spectra(model.line_fids(model.priors[0])[0])
    target = np.concatenate([line.real, line.imag])
    design = np.concatenate([model.baseline.real, model.baseline.imag])
    rest = target - design @ np.linalg.lstsq(design, target, rcond=None)[0]
    assert np.linalg.norm(rest) > 0.8 * np.linalg.norm(target)


@pytest.mark.parametrize(("phase_rad", "shift_hz"), [(0.7, 2.0), (-2.0, -10.0), (3.0, 15.0)])
def test_coarse_start_is_near(phase_rad, shift_hz):
    scan = nulled_scan(1, phase_rad=phase_rad, shift_hz=shift_hz)
    phase, shift = coarse_start(scan, acquisition=ACQUISITION, lines=tuple(lines_of_nulled_scan().values()))
    assert abs(np.angle(np.exp(1j * (phase - phase_rad)))) < 0.8
    assert abs(shift - shift_hz) < 5


def test_noise_is_that_which_was_added():
    rng = np.random.default_rng(3)
    for n_points, sd in ((2048, 0.5), (1024, 20.0)):
        acquisition = ACQUISITION.with_n_points(n_points)
        noise = sd * (rng.standard_normal(n_points) + 1j * rng.standard_normal(n_points))
        line = 1e3 * np.exp((2j * np.pi * 300 - np.pi * 8) * acquisition.time_s)
        assert noise_sd(noise + line, acquisition=acquisition) == pytest.approx(sd * np.sqrt(n_points), rel=0.1)


def test_residues_that_are_apart_add_up_to_the_metabolite():
    whole = simulate_basis(sequence="press", metabolites=["Cr", "PCr", "NAA"], acquisition=ACQUISITION, echo_time_1_s=0.012)
    creatine, phosphocreatine, naa = whole.fids
    parts = dict(zip(RESIDUE_BASIS.metabolites, RESIDUE_BASIS.fids, strict=True))
    np.testing.assert_allclose(parts["NAACH3"] + parts["NAACH2"], naa, atol=1e-9)
    np.testing.assert_allclose(parts["CrCH3"] + parts["CrCH2"], 0.56 * creatine + 0.44 * phosphocreatine, atol=1e-9)


@pytest.mark.parametrize(("name", "ppm"), [("CrCH3", 3.03), ("CrCH2", 3.92), ("NAACH3", 2.01), ("NAACH2", 2.6), ("tCho", 3.21)])
def test_residues_are_where_they_are_named_after(name, ppm):
    fid = RESIDUE_BASIS.select([name]).fids[0] * np.exp(-np.pi * 5 * ACQUISITION.time_s)
    assert ACQUISITION.ppm[np.argmax(np.abs(spectrum_from_fid(fid)))] == pytest.approx(ppm, abs=0.1)


def test_every_share_is_whole():
    for parts in metabolite_residues().values():
        assert sum(part.weight for part in parts) == pytest.approx(1.0)
        assert all(part.system().groups for part in parts)


def test_other_metabolites_may_be_named_and_unknown_ones_are_refused():
    basis = residue_basis(sequence="press", acquisition=ACQUISITION, names=["CrCH2", "Tau"], echo_time_1_s=0.012)
    assert basis.metabolites == ("CrCH2", "Tau")
    with pytest.raises(ConfigError, match="'Unobtainium'"):
        residue_basis(sequence="press", acquisition=ACQUISITION, names=["Unobtainium"], echo_time_1_s=0.012)

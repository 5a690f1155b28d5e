"""The true signals of the metabolites differ from those an analysis simulates by as much as described, and no more."""

import numpy as np
import pytest

from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.synthetic.plan import study_plan
from mrs_pipeline.synthetic.true_basis import true_basis

SF_MHZ = 127.7


def basis_of(describe, *, seed=1, **section):
    levels = {
        "concentrations_mmol_per_l": {"NAA": 9.0, "Lac": 1.0, "Cr": 8.0},
        "white_matter_ratio": {},
        "numerator": ["Cr"],
        "denominator": ["NAA"],
    }
    description = describe(levels=levels, acquisition={"sequence": "pulse_acquire", "n_points": 4096}, basis=section)
    return true_basis(study_plan(description, seed=seed))


def spectrum(fid):
    """Magnitude spectrum on a fine grid of a FID broadened by 0.5 Hz, and its frequencies."""
    time_s = np.arange(len(fid)) / 2000.0
    return np.abs(np.fft.fft(fid * np.exp(-np.pi * 0.5 * time_s), 262144)), np.fft.fftfreq(262144, 1 / 2000.0)


def test_without_perturbation_it_is_the_basis_of_an_analysis(quiet):
    basis = basis_of(quiet)
    plain = simulate_basis(sequence="pulse_acquire", metabolites=["NAA", "Lac", "Cr"], acquisition=basis.acquisition)
    assert np.array_equal(basis.fids, plain.fids)


def test_shifts_scatter_about_the_published_ones(quiet):
    """The singlets of NAA (2.008 ppm) and creatine (3.027 ppm), over 60 studies."""
    offsets = []
    for seed in range(60):
        basis = basis_of(quiet, seed=seed, shift_sd_ppm=0.004)
        for name, ppm in (("NAA", 2.008), ("Cr", 3.027)):
            magnitude, frequency_hz = spectrum(basis.select([name]).fids[0])
            near = np.abs(frequency_hz - (4.65 - ppm) * SF_MHZ) < 8
            offsets.append((frequency_hz[near][magnitude[near].argmax()] - (4.65 - ppm) * SF_MHZ) / SF_MHZ)
    assert np.std(offsets) == pytest.approx(0.004, rel=4.5 / np.sqrt(240))
    assert np.mean(offsets) == pytest.approx(0, abs=4.5 * 0.004 / np.sqrt(120))


def test_couplings_scatter_about_the_published_ones(quiet):
    """The splitting of the methyl doublet of lactate, 6.93 Hz (Govindaraju et al. 2000), over 60 studies."""
    splittings = []
    for seed in range(60):
        magnitude, frequency_hz = spectrum(basis_of(quiet, seed=seed, coupling_sd_hz=0.3).select(["Lac"]).fids[0])
        centre = (4.65 - 1.314) * SF_MHZ
        peaks = []
        for side in (-1, 1):
            near = np.abs(frequency_hz - centre - side * 3.5) < 2.5
            peaks.append(frequency_hz[near][magnitude[near].argmax()])
        splittings.append(peaks[1] - peaks[0])
    assert np.mean(splittings) == pytest.approx(6.93, abs=4.5 * 0.3 / np.sqrt(60) + 0.03)
    assert np.std(splittings) == pytest.approx(0.3, rel=4.5 / np.sqrt(120))


def test_one_seed_one_basis_whatever_the_people(quiet):
    first, same, other = (basis_of(quiet, seed=seed, shift_sd_ppm=0.003) for seed in (1, 1, 2))
    assert np.array_equal(first.fids, same.fids)
    assert not np.array_equal(first.fids, other.fids)


def test_slice_selective_pulses_displace_what_is_far_from_their_carrier(quiet):
    """The doublet of lactate (1.3 ppm) and its partner (4.1 ppm) come from different volumes, so that the coupling is refocused in part.

    At TE 144 ms, 1 / J, ideal pulses invert the doublet; the singlet of creatine near the carrier stays as it was.
    """
    levels = {
        "concentrations_mmol_per_l": {"NAA": 9.0, "Lac": 1.0, "Cr": 8.0},
        "white_matter_ratio": {},
        "numerator": ["Cr"],
        "denominator": ["NAA"],
    }
    acquisition = {"echo_time_s": 0.144, "echo_time_1_s": 0.072}
    ideal, real = (
        true_basis(study_plan(quiet(levels=levels, acquisition=acquisition, basis={"pulses": pulses}), seed=1))
        for pulses in ("ideal", "ge_press")
    )
    line = np.exp(-2j * np.pi * (4.65 - 1.314) * SF_MHZ * ideal.acquisition.time_s - 30 * ideal.acquisition.time_s)
    lactate = [(basis.select(["Lac"]).fids[0] * line).sum().real for basis in (ideal, real)]
    assert lactate[0] < 0
    assert lactate[1] > 0.8 * lactate[0]
    creatine = [np.abs(basis.select(["Cr"]).fids[0][:100]).mean() for basis in (ideal, real)]
    assert creatine[1] / creatine[0] == pytest.approx(1.0, abs=0.02)


def test_default_study_is_no_inverse_crime(realistic, infusion_mapping):
    """Correlation of the true and the published signals, both broadened by 4 Hz; slice-selective pulses come on top of it."""
    assert infusion_mapping["basis"]["pulses"] != "ideal"
    plan = study_plan(realistic(), seed=1)
    basis = true_basis(plan)
    plain = simulate_basis(
        sequence="press", metabolites=list(plan.description.metabolites), acquisition=plan.description.sampling, echo_time_1_s=0.012
    )
    decay = np.exp(-np.pi * 4 * plan.description.sampling.time_s)
    correlations = []
    for true, published in zip(basis.fids * decay, plain.fids * decay, strict=True):
        correlations.append(abs(np.vdot(true, published)) / np.sqrt(np.vdot(true, true).real * np.vdot(published, published).real))
    assert max(correlations) < 0.9999
    assert min(correlations) > 0.95

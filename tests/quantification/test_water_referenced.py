"""Concentrations of fits: weights and errors by hand, and spectra whose concentrations are known, through fit and water reference."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit, failed_fit
from mrs_pipeline.quantification.basis_scale import signal_per_proton
from mrs_pipeline.quantification.concentration import UNITS, Timing
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, evaluate_measure, measure_definitions
from mrs_pipeline.quantification.water import WaterReference, measure_water
from mrs_pipeline.quantification.water_referenced import (
    ConcentrationScale,
    check_water,
    concentration_scale,
    evaluate_concentration,
    is_concentration,
    water_per_molecule,
)
from tests.quantification.situations import published, situation, voxel

SUMS = {item.name: item for item in measure_definitions(DEFAULT_MEASURES)}
WATER = WaterReference(amplitude=80000.0, sd=800.0, n_transients=2, echo_time_s=0.03, repetition_time_s=3.0)


def made_fit(amplitudes: dict[str, float], covariance: np.ndarray) -> SpectrumFit:
    fit = failed_fit(tuple(amplitudes), status="no_signal")
    return replace(fit, amplitudes=np.array(list(amplitudes.values())), covariance=covariance, status="ok", reason="")


def test_a_sum_weighs_each_metabolite_with_its_own_factor_and_adds_the_error_of_water() -> None:
    """Glu 10 x 1.2 + Gln 3 x 1.5 = 16.5. Of the fit 1.2^2 x 0.25 + 2 x 1.2 x 1.5 x (-0.1) + 1.5^2 x 0.16 = 0.36; of water 1 %: 0.165."""
    fit = made_fit({"Glu": 10.0, "Gln": 3.0, "NAA": 9.0}, np.array([[0.25, -0.1, 0.3], [-0.1, 0.16, 0.3], [0.3, 0.3, 9.0]]))
    scale = ConcentrationScale(unit="mmol/kg", metabolites=fit.metabolites, factors=np.array([1.2, 1.5, 2.0]), water_relative_sd=0.01)
    glx = evaluate_concentration(fit, definition=SUMS["Glx"], scale=scale)
    assert (glx.name, glx.terms) == ("Glx mmol/kg", "Glu+Gln")
    assert glx.value == pytest.approx(16.5)
    assert glx.sd == pytest.approx(np.sqrt(0.36 + 0.165**2))


def test_two_protons_of_water_against_whole_molecules() -> None:
    """80000 of water are 40000 a proton pair's half: as many molecules of a basis of 1 per proton give 80000 / 2, of 1/2 (STEAM) 80000."""
    assert water_per_molecule(WATER, signal_per_proton=1.0) == 40000
    assert water_per_molecule(WATER, signal_per_proton=0.5) == 80000
    assert water_per_molecule(WATER, signal_per_proton=1.0, reference_factor=0.25) == 10000


def test_scale_by_hand() -> None:
    """Pure grey matter without relaxation: an amplitude of 8 is 8 / 40000 of 55510 mmol/kg = 11.102, of 43298 mmol/L = 8.660."""
    ideal = Timing(echo_time_s=1e-9, repetition_time_s=1e6)
    grey = situation(fractions=voxel(1, 0, 0), data=ideal, reference=ideal)
    found = {
        unit: 8.0 * concentration_scale(unit, metabolites=["NAA"], molecule=40000.0, water=WATER, situation=grey).factors[0]
        for unit in ("mmol/kg", "mmol/L", "i.u.")
    }
    assert found == pytest.approx({"mmol/kg": 11.102, "mmol/L": 8.660, "i.u.": 8 / 40000 * 35880}, rel=1e-4)


def test_failed_fits_and_absent_metabolites_are_nan() -> None:
    scale = ConcentrationScale(unit="i.u.", metabolites=("Glu",), factors=np.array([1.0]), water_relative_sd=0.0)
    failed = evaluate_concentration(failed_fit(("Glu",), status="no_signal"), definition=SUMS["Glx"], scale=scale)
    absent = evaluate_concentration(made_fit({"Glu": 1.0}, np.eye(1)), definition=SUMS["tCr"], scale=scale)
    assert np.isnan([failed.value, failed.sd, absent.value, absent.sd]).all()


def test_an_amplitude_of_zero_keeps_its_error() -> None:
    scale = ConcentrationScale(unit="i.u.", metabolites=("Glu", "Gln"), factors=np.array([2.0, 2.0]), water_relative_sd=0.01)
    none = evaluate_concentration(made_fit({"Glu": 0.0, "Gln": 0.0}, np.eye(2)), definition=SUMS["Glx"], scale=scale)
    assert none.value == 0.0
    assert none.sd == pytest.approx(np.sqrt(8.0))


def test_ratios_and_macromolecules_are_no_concentrations() -> None:
    own = measure_definitions({"MM": {"sum": ["MM09", "MM20"]}, "mixed": {"sum": ["NAA", "MM20"]}})
    assert [is_concentration(item) for item in (SUMS["Glx"], SUMS["Glx/tNAA"], *own)] == [True, False, False, False]
    scale = concentration_scale("i.u.", metabolites=["NAA", "MM20"], molecule=1.0, water=WATER, situation=situation())
    assert np.isnan(scale.factors).tolist() == [False, True]


def test_a_suppressed_reference_is_recognised() -> None:
    fit = made_fit({"NAA": 10.0, "Lip13a": 900.0}, np.eye(2))
    check_water([fit, failed_fit(("NAA", "Lip13a"), status="no_signal")], molecule=40000.0)
    check_water([failed_fit(("NAA",), status="no_signal")], molecule=40000.0)
    with pytest.raises(DataError, match=r"a metabolite has 2 % of the signal of water: .*quantification.reference_factor"):
        check_water([fit], molecule=500.0)


# ---- from spectra ----------------------------------------------------------------------------------------------------------------

#: mmol in a litre of tissue, or in a kg of its water.
CONTENT = {"Cr": 4.5, "PCr": 4.0, "GPC": 1.2, "Glu": 11.0, "Gln": 3.0, "Ins": 6.0, "NAA": 10.5, "NAAG": 1.2}
TISSUE = np.array([0.55, 0.27, 0.18])
#: Factor of the scanner between molecules and numbers in the file.
GAIN = 3.0e-7
DATA = Timing(echo_time_s=0.030, repetition_time_s=2.0)
REFERENCE = Timing(echo_time_s=0.030, repetition_time_s=5.0)
N_SPECTRA = 30


@pytest.fixture(scope="module")
def fitter() -> Fitter:
    acquisition = Acquisition(
        nucleus="1H", spectrometer_frequency_mhz=127.7, spectral_width_hz=2000.0, n_points=1024, echo_time_s=0.030, repetition_time_s=2.0
    )
    basis = simulate_basis(sequence="press", metabolites=list(CONTENT), acquisition=acquisition, echo_time_1_s=0.012)
    return prepare_fitter(basis, options=FitOptions())


def metabolite_signals(basis: BasisSet, *, per_kg: bool, scale: float) -> np.ndarray:
    """Sum of the FIDs of all metabolites: molecules in each tissue, each attenuated with its own times there."""
    constants = published()
    amounts = TISSUE[:2] * (constants.water_content_kg_per_l[:2] if per_kg else 1.0)
    fid = np.zeros(basis.acquisition.n_points, dtype=complex)
    for name, content in CONTENT.items():
        t1, t2 = constants.t1_s([name])[0], constants.t2_s([name])[0]
        left = (1 - np.exp(-2.0 / t1)) * np.exp(-0.030 / t2)
        fid += content * np.sum(amounts * left) * basis.fids[basis.metabolites.index(name)]
    return scale * fid * broadening(basis.acquisition)


def water_signal(acquisition: Acquisition, *, scale: float) -> np.ndarray:
    """FID of the water of all compartments: two protons for each of the molecules."""
    constants = published()
    left = (1 - np.exp(-5.0 / constants.water_t1_s)) * np.exp(-0.030 / constants.water_t2_s)
    molecules = np.sum(TISSUE * constants.water_content_kg_per_l * 55510 * left)
    return scale * 2 * molecules * broadening(acquisition)


def broadening(acquisition: Acquisition) -> np.ndarray:
    t = acquisition.time_s
    return np.exp(-np.pi * 4.0 * t - (np.pi * 5.0 * t) ** 2 / (4 * np.log(2)))


def noise(shape: tuple[int, ...], *, sd: float, rng: np.random.Generator) -> np.ndarray:
    return sd * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))


@pytest.mark.parametrize(("unit", "per_kg"), [("mmol/kg", True), ("mmol/L", False)])
def test_known_concentrations_come_back_within_their_errors(fitter: Fitter, unit: str, per_kg: bool) -> None:
    """Another TR of the reference, grey and white matter and CSF with relaxation, noise on both, any scale of the scanner."""
    rng = np.random.default_rng(6)
    acquisition = fitter.basis.acquisition
    clean = metabolite_signals(fitter.basis, per_kg=per_kg, scale=GAIN)
    sd = GAIN * 0.5
    fids = Fids(data=clean + noise((N_SPECTRA, clean.size), sd=sd, rng=rng), dims=("transient", "time"), acquisition=acquisition)
    fits = fit_spectra(fids, fitter=fitter)
    conditions = situation(fractions=voxel(*TISSUE), data=DATA, reference=REFERENCE)
    per_proton = signal_per_proton(fitter.basis)
    z: dict[str, list[float]] = {"Glx": [], "tNAA": [], "tCr": []}
    for fit in fits:
        # more noise than a reference ever has, so that its error counts beside that of the fit
        raw = water_signal(acquisition, scale=GAIN) + noise((clean.size,), sd=1200 * sd, rng=rng)
        water = measure_water(Fids(data=raw, dims=("time",), acquisition=acquisition))
        molecule = water_per_molecule(water, signal_per_proton=per_proton)
        scale = concentration_scale(unit, metabolites=fit.metabolites, molecule=molecule, water=water, situation=conditions)
        for name, values in z.items():
            found = evaluate_concentration(fit, definition=SUMS[name], scale=scale)
            truth = sum(CONTENT[item] for item in SUMS[name].numerator)
            values.append((found.value - truth) / found.sd)
    for name, values in z.items():
        assert abs(np.mean(values)) < 0.5, name
        assert 0.65 < np.std(values) < 1.3, name


def test_units_of_one_spectrum_differ_by_their_definitions_alone(fitter: Fitter) -> None:
    """Without noise: what was put in a litre of tissue is found there; a kg of tissue water holds less or more, as the tissues mix."""
    acquisition = fitter.basis.acquisition
    fid = metabolite_signals(fitter.basis, per_kg=False, scale=GAIN)
    fit = fit_spectra(Fids(data=fid, dims=("time",), acquisition=acquisition), fitter=fitter)[0]
    water = measure_water(Fids(data=water_signal(acquisition, scale=GAIN), dims=("time",), acquisition=acquisition))
    molecule = water_per_molecule(water, signal_per_proton=signal_per_proton(fitter.basis))
    conditions = situation(fractions=voxel(*TISSUE), data=DATA, reference=REFERENCE)
    found = {
        unit: evaluate_concentration(
            fit,
            definition=SUMS["tNAA"],
            scale=concentration_scale(unit, metabolites=fit.metabolites, molecule=molecule, water=water, situation=conditions),
        ).value
        for unit in UNITS
    }
    assert found["mmol/L"] == pytest.approx(11.7, rel=0.01)
    # 0.82 litres of tissue hold 0.55 x 0.78 + 0.27 x 0.65 = 0.6045 kg of water
    assert found["mmol/kg"] == pytest.approx(11.7 * 0.82 / 0.6045, rel=0.015)
    amplitude = evaluate_measure(fit, definition=SUMS["tNAA"]).value
    assert found["i.u."] == pytest.approx(amplitude / molecule * 35880 * np.exp(-30 / 80), rel=1e-9)

"""Measured spectra of three vendors: fits that follow the data, and what measured macromolecules are worth."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_basis, soft_ratio_priors
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.commands.macromolecules import measure_macromolecules
from mrs_pipeline.fitting.comparison import compare_fits
from mrs_pipeline.fitting.fit import Fitter, fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.io.config import complete_section
from mrs_pipeline.io.nifti_mrs import read_fids

METABOLITES = (
    "Ala", "Asc", "Asp", "Cr", "PCr", "GABA", "Glc", "Gln", "Glu", "GPC", "PCh", "GSH", "Gly", "Ins", "sIns", "Lac", "NAA", "NAAG", "PE",
    "Ser", "Tau",
)  # fmt: skip
pytestmark = pytest.mark.external_data


def fitted(path, *, macromolecule=None) -> tuple[SpectrumFit, Fitter]:
    """The first spectrum of a file, fitted with ideal PRESS and the default macromolecules or one of its own."""
    fids = read_fids(path, allow_missing=True)
    acquisition = replace(fids.acquisition, echo_time_s=0.03)
    basis = simulate_basis(sequence="press", metabolites=METABOLITES, acquisition=acquisition, echo_time_1_s=0.012)
    broad = macromolecule_basis(names=complete_section("basis")["macromolecules"], acquisition=acquisition)
    names, signals = (broad.metabolites, broad.fids) if macromolecule is None else (("Mac",), macromolecule(acquisition)[None])
    whole = BasisSet(
        metabolites=(*basis.metabolites, *names),
        fids=np.vstack([basis.fids, signals]),
        acquisition=acquisition,
        sequence=basis.sequence,
    )
    fitter = prepare_fitter(whole, options=FitOptions(), ratio_priors=soft_ratio_priors())
    return fit_spectrum(np.asarray(fids.data, dtype=complex).reshape(-1, acquisition.n_points)[0], fitter=fitter), fitter


@pytest.mark.parametrize(
    ("name", "snr", "fqn"),
    [("philips3t_press30_dbiex", 40, 1.6), ("philips3t_press30mm_sub01", 100, 2.6), ("siemens3t_svs_se30_skyra", 60, 3.0)],
)
def test_spectra_of_people_are_followed(external_data, name: str, snr: float, fqn: float) -> None:
    """Widths and shifts a scanner can have, the residual within small multiples of the noise, no lines where there are none."""
    fit, _ = fitted(external_data / "real" / f"{name}.nii.gz")
    assert fit.status == "ok"
    assert fit.quality["snr"] > snr
    assert 3.0 < fit.quality["fwhm_hz"] < 9.0
    assert fit.quality["fqn"] < fqn
    amplitude = dict(zip(fit.metabolites, fit.amplitudes, strict=True))
    # healthy or not, brain tissue has these (methods' compilation: tNAA/tCr 1.0 to 1.7, Ins/tNAA 0.3 to 1.1)
    assert 0.9 < (amplitude["NAA"] + amplitude["NAAG"]) / (amplitude["Cr"] + amplitude["PCr"]) < 1.8
    assert 0.3 < amplitude["Ins"] / (amplitude["NAA"] + amplitude["NAAG"]) < 1.1


def test_macromolecules_of_the_same_person_are_the_better_model(external_data) -> None:
    real = external_data / "real"
    found = measure_macromolecules(
        [real / "philips3t_press30mm_inv600_sub01.nii.gz"], water=[real / "philips3t_press30mm_sub01_wref.nii.gz"]
    )

    def component(acquisition):
        lines = np.sum([line.fid(acquisition) for line in found.lines], axis=0)
        return lines * np.exp(-np.pi * found.lorentzian_hz * acquisition.time_s)

    path = real / "philips3t_press30mm_sub01.nii.gz"
    (default, default_fitter), (measured, measured_fitter) = fitted(path), fitted(path, macromolecule=component)
    assert measured.quality["fqn"] < default.quality["fqn"]
    difference = compare_fits(default, measured, first_fitter=default_fitter, second_fitter=measured_fitter)
    assert difference.dimension_difference < 0
    assert difference.bic_difference < -10

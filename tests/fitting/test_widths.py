"""Widths of single components: what they share, and what NAA may differ by."""

from dataclasses import replace

import numpy as np
import pytest

from mrs_pipeline.basis.macromolecules import macromolecule_basis
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions

from .conftest import TRUTH

TRUE_RATIO = 13.0 / 11.5


def ratio(fit) -> float:
    amplitude = dict(zip(fit.metabolites, fit.amplitudes, strict=True))
    return (amplitude["Glu"] + amplitude["Gln"]) / (amplitude["NAA"] + amplitude["NAAG"])


@pytest.mark.parametrize("own_hz", [-3.0, 0.0, 4.0])
def test_lines_given_by_their_width_follow_the_common_one(basis, make_fid, own_hz: float) -> None:
    """Two built-in lines as much broader as the metabolites (8 Hz), give or take a width of their own."""
    time_s = np.arange(1024) / 2000.0
    lines = macromolecule_basis(names=("MM09", "MM209"), acquisition=basis.acquisition)
    whole = replace(basis, metabolites=(*basis.metabolites, *lines.metabolites), fids=np.vstack([basis.fids, lines.fids]))
    broad = 12.0 * lines.fids.sum(axis=0) * np.exp(-np.pi * (8.0 + own_hz) * time_s)
    fid = make_fid(snr=300.0, gaussian_hz=0.0, lorentzian_hz=8.0, seed=2) + broad
    fit = fit_spectrum(fid, fitter=prepare_fitter(whole, options=FitOptions()))
    assert [fit.parameters[f"broadening_hz_{name}"] for name in lines.metabolites] == pytest.approx([8.0 + own_hz] * 2, abs=1.5)
    assert np.all(np.abs(fit.amplitudes - [*TRUTH.values(), 12.0, 12.0]) < 4.0 * fit.sd)


def test_naa_may_be_narrower_than_the_rest(basis) -> None:
    """Lines of all but NAA broader by 0.8 Hz, as T2 makes them in people: at any noise NAA over the others keeps its level within 1 %."""
    time_s = np.arange(1024) / 2000.0
    broader = np.exp(-np.pi * 0.8 * time_s * np.array([[name != "NAA"] for name in basis.metabolites]))
    fitter, rng = prepare_fitter(basis, options=FitOptions(baseline="none")), np.random.default_rng(1)
    found = []
    for _ in range(60):
        clean = np.array(list(TRUTH.values())) @ (basis.fids * broader) * np.exp(-np.pi * 3.0 * time_s)
        noise = rng.standard_normal((1024, 2)).view(complex)[:, 0]
        peak = np.abs(np.fft.fft(clean)).max()
        for signed in (noise, -noise):
            fit = fit_spectrum(clean + signed * peak / 40.0 / 32.0, fitter=fitter)
            found.append(np.log(ratio(fit) / TRUE_RATIO))
    assert np.mean(found) == pytest.approx(0.0, abs=0.01)

"""Transients that differ in a repeating pattern: phase cycles are undone, different spectra refused."""

import numpy as np
import pytest

from mrs_pipeline.errors import DataError
from mrs_pipeline.preprocessing.alternation import alternation, phase_cycle
from mrs_pipeline.preprocessing.steps import preprocess

N = 64
PLACE = np.arange(N)


def edited(brain, pattern):
    """NAA is missing where the pattern is true, as where an editing pulse saturates it."""
    naa = brain.line(2.01, linewidth_hz=brain.linewidth_hz, amplitude=3.0)
    return brain.metabolites() - pattern[:, None] * naa


def noisy(brain, rng, ideal, *, snr, phase_rad=0.0):
    turned = ideal * np.exp(1j * (np.asarray(phase_rad) + 0.14 * rng.standard_normal(N)))[:, None]
    turned = turned * np.exp(2j * np.pi * np.linspace(-2, 2, N)[:, None] * brain.time_s)
    return brain.session(turned + brain.noise(rng, turned.shape, brain.noise_sd(snr)))


@pytest.mark.parametrize("snr", [6.0, 15.0])
@pytest.mark.parametrize(("pattern", "period"), [(PLACE % 2 == 0, 2), (PLACE // 2 % 2 == 0, 4), (PLACE % 4 == 0, 4)])
def test_edited_data_are_refused(brain, rng, snr, pattern, period):
    session = noisy(brain, rng, edited(brain, pattern), snr=snr)
    with pytest.raises(DataError, match=f"repeat every {period} .*split the conditions"):
        preprocess(session, steps=[{"step": "alignment"}])
    allowed = preprocess(session, steps=[{"step": "alignment", "max_alternation": 0.0}])
    assert allowed.records[0].values["alternation"] > 0.12


def test_metabolite_cycled_data_are_refused(brain, rng):
    """Unsuppressed water, metabolites upright and inverted in turn."""
    ideal = brain.metabolites() * np.where(PLACE % 2, 1, -1)[:, None] + 9000 * brain.line(4.65, linewidth_hz=8.0)
    with pytest.raises(DataError, match="metabolite-cycled"):
        preprocess(noisy(brain, rng, ideal, snr=10.0), steps=[{"step": "alignment"}])


@pytest.mark.parametrize("cycle_deg", [(0, 180), (0, 90, 180, 270), (0, 180, 180, 0), (0, 180, 90, 270)])
def test_phase_cycles_are_undone_and_said(brain, rng, cycle_deg):
    cycle = np.radians(np.resize(cycle_deg, N))
    session = preprocess(noisy(brain, rng, np.tile(brain.metabolites(), (N, 1)), snr=8.0, phase_rad=cycle), steps=[{"step": "alignment"}])
    mean = session.fids.data.mean(axis=0)
    overlap = np.abs(np.vdot(brain.metabolites(), mean)) / np.linalg.norm(brain.metabolites()) ** 2
    assert overlap == pytest.approx(1.0, abs=0.03)
    found = np.exp(1j * np.radians(session.records[0].values["phase_cycle_deg"][: len(cycle_deg)]))
    np.testing.assert_allclose(found, np.exp(1j * np.radians(np.array(cycle_deg) - cycle_deg[0])), atol=1e-9)
    rejected = preprocess(session, steps=[{"step": "rejection"}]).transients["rejected"]
    assert rejected.sum() <= 1


def test_phase_jumps_are_found_within_a_phase_cycle(brain, rng):
    phase = np.pi * (PLACE % 2)
    phase[[20, 41]] += 1.5
    session = noisy(brain, rng, np.tile(brain.metabolites(), (N, 1)), snr=10.0, phase_rad=phase)
    table = preprocess(session, steps=[{"step": "alignment"}, {"step": "rejection"}]).transients
    assert table["rejected"].to_numpy().nonzero()[0].tolist() == [20, 41]


def test_random_and_drifting_phases_are_no_cycle(rng):
    usable = np.ones(400, dtype=bool)
    assert not phase_cycle(rng.uniform(-3, 3, 400), usable=usable).any()
    assert not phase_cycle(np.linspace(0, 20, 400) + 0.2 * rng.standard_normal(400), usable=usable).any()
    assert not phase_cycle(np.zeros(3), usable=np.ones(3, dtype=bool)).any()


def test_breathing_motion_and_a_response_are_no_alternation(brain, rng):
    """Frequency that alternates with the breath, spoiled transients, and a metabolite that rises by 20 % half-way."""
    ideal = np.tile(brain.metabolites(), (N, 1)) + brain.water(rng, N, height=2.0)
    ideal[N // 2 :] += 0.2 * brain.line(2.35, linewidth_hz=15.0)
    ideal[::13] *= 0.6
    ideal = ideal * np.exp(2j * np.pi * 0.7 * np.sin(np.pi * PLACE + 0.3)[:, None] * brain.time_s)
    values = preprocess(noisy(brain, rng, ideal, snr=12.0), steps=[{"step": "alignment"}]).records[0].values
    assert values["alternation"] < 0.06
    assert "phase_cycle_deg" not in values


@pytest.mark.parametrize("n", [64, 256])
def test_scatter_that_alignment_left_is_no_alternation(rng, n):
    """Phases of 35 degrees SD in any order: all the scatter is in one direction, where means of places differ more than means of noise."""
    line = 10.0 / (1 + 1j * np.linspace(-20, 20, 200))
    background = np.full((200, 1), 200**-0.5, dtype=complex)
    for _ in range(30):
        spectra = line * np.exp(0.6j * rng.standard_normal((n, 1))) + 0.3 * (
            rng.standard_normal((n, 200)) + 1j * rng.standard_normal((n, 200))
        )
        assert alternation(spectra, background=background, weights=np.ones(n)) == (0, 0.0)

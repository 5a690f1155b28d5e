"""What drift and re-adjustments within a window leave in its average, against the same noise without them."""

import numpy as np
import pytest

from mrs_pipeline.preprocessing.steps import preprocess
from mrs_pipeline.timecourse.windows import average_windows, make_windows
from tests.preprocessing.conftest import Brain

N, TR_S = 120, 3.0

SHIFTS = {
    "4 Hz/min": lambda time_s: 4.0 * time_s / 60.0,
    "steps of 6 Hz": lambda time_s: 6.0 * (time_s > 90.0) - 6.0 * (time_s > 270.0),
}


def averages(brain, data):
    session = brain.session(data)
    done = preprocess(session, steps=[{"step": "alignment"}])
    windows = make_windows([(0.0, 180.0), (180.0, 360.0)], time_s=np.arange(N) * TR_S, rejected=np.zeros(N, dtype=bool), onset_s=0.0)
    return np.asarray(average_windows(done.fids, windows=windows).data)


def width_hz(fid, brain):
    """Full width at half maximum of the NAA line, from a spectrum filled with zeros."""
    n = 16 * brain.n_points
    spectrum = np.abs(np.fft.fft(fid, n=n))
    frequency = np.fft.fftfreq(n, 1 / brain.width_hz)
    near = np.abs(frequency - (4.65 - 2.01) * brain.field_mhz) < 20.0
    order = np.argsort(frequency[near])
    line, axis = spectrum[near][order], frequency[near][order]
    above = np.flatnonzero(line > line.max() / 2)
    return axis[above[-1]] - axis[above[0]]


@pytest.mark.parametrize("shift", SHIFTS)
def test_averages_are_those_without_drift(shift: str) -> None:
    brain, rng = Brain(n_points=1024, linewidth_hz=6.0), np.random.default_rng(1)
    clean = brain.metabolites() + brain.noise(rng, (N, brain.n_points), brain.noise_sd(8.0))
    drifting = clean * np.exp(2j * np.pi * SHIFTS[shift](np.arange(N) * TR_S)[:, None] * brain.time_s)
    found, ideal = averages(brain, drifting), averages(brain, clean)
    # the mean shift of the session is not removed by the alignment: it is the business of the reference
    offset = np.mean(SHIFTS[shift](np.arange(N) * TR_S))
    found = found * np.exp(-2j * np.pi * offset * brain.time_s)
    noise = brain.noise_sd(8.0) / np.sqrt(N / 2)
    for mine, best in zip(found, ideal, strict=True):
        turn = np.exp(-1j * np.angle(np.vdot(best, mine)))
        assert np.sqrt(np.mean(np.abs(mine * turn - best)[:300] ** 2) / 2) < 0.7 * noise
        assert width_hz(mine, brain) == pytest.approx(width_hz(best, brain), abs=0.15)

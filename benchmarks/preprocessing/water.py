"""Residual-water removal: how much of 0.5 to 4.0 ppm it changes, what it leaves at water, and how long it takes.

    python benchmarks/preprocessing/water.py --seeds 4

Averages of a signal-to-noise ratio of 100, and sessions of 200 transients (ratio 8) whose water changes from shot to shot. Water of 1 to
50 times NAA, or none, as a Lorentzian or Gaussian line, as two lines, or 12 Hz off. All numbers in percent of the NAA height, against the
same noise without water: largest change from 0.5 to 4.0 ppm (`tails`: what water put there before; `below_3.6`: without the edge nearest to
water; `narrow`: what is left of it when tails of lines at water are fitted to it), largest rest from 4.5 to 4.8 ppm.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
from signals import Brain, acquisition

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.preprocessing.steps import preprocess
from mrs_pipeline.preprocessing.water_removal import hsvd_poles

SHAPES = ("Lorentzian", "Gaussian", "two lines", "12 Hz off")


def water(brain: Brain, *, shape: str, height: float) -> ComplexArray:
    """Water of 9 Hz in one of the shapes, `height` times NAA, with a phase of its own."""
    t = brain.time_s
    signal = {
        "Lorentzian": np.exp(-np.pi * 9.0 * t),
        "Gaussian": np.exp(-((np.pi * 9.0 * t) ** 2) / (4 * np.log(2))),
        "two lines": 0.6 * np.exp(-np.pi * 9.0 * t) + 0.4j * np.exp((12j * np.pi - np.pi * 15.0) * t),
        "12 Hz off": np.exp((24j * np.pi - np.pi * 9.0) * t),
    }[shape] * np.exp(0.8j)
    return np.asarray(signal * height * brain.naa_height() / np.abs(np.fft.fft(signal)).max())


def changes(fid: ComplexArray, truth: ComplexArray, brain: Brain) -> FloatArray:
    """Largest difference from 0.5 to 4.0 ppm, to 3.6 ppm, in its narrow part, and from 4.5 to 4.8 ppm, percent of NAA."""
    difference, ppm = 100 * np.fft.fftshift(np.fft.fft(fid - truth)) / brain.naa_height(), brain.sampling.ppm
    inside = (ppm > 0.5) & (ppm < 4.0)
    tails = (1.0 / (4.65 - ppm[inside])[:, None]) ** np.arange(5)
    narrow = difference[inside] - tails @ np.linalg.lstsq(tails.astype(complex), difference[inside], rcond=None)[0]
    size = np.abs(difference)
    near = (ppm > 4.5) & (ppm < 4.8)
    return np.array([size[inside].max(), size[inside & (ppm < 3.6)].max(), np.abs(narrow).max(), size[near].max()])


def rows(n_seeds: int) -> Iterator[dict[str, object]]:
    for fwhm_hz in (4.0, 7.0, 10.0):
        brain = Brain(fwhm_hz=fwhm_hz)
        yield _row(brain, shape="Lorentzian", height=0.0, n_seeds=n_seeds)
        for shape in SHAPES:
            for height in (1.0, 5.0, 50.0):
                yield _row(brain, shape=shape, height=height, n_seeds=n_seeds)


def _row(brain: Brain, *, shape: str, height: float, n_seeds: int) -> dict[str, object]:
    average, session, taken = [], [], 0.0
    line = water(brain, shape=shape, height=height)
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        truth = brain.metabolites() + brain.noise(rng, (1, brain.sampling.n_points), snr=100.0)
        begin = time.process_time()
        done = preprocess(brain.session(truth + line), steps=[{"step": "water_removal"}])
        taken += time.process_time() - begin
        average.append(changes(done.fids.data[0], truth[0], brain))
        size = 1 + 0.15 * rng.standard_normal((200, 1))
        truth = brain.metabolites() + brain.noise(rng, (200, brain.sampling.n_points), snr=8.0)
        done = preprocess(brain.session(truth + size * line), steps=[{"step": "water_removal"}])
        session.append(changes(done.fids.data.mean(axis=0), truth.mean(axis=0), brain))
    each, whole = np.max(average, axis=0), np.max(session, axis=0)
    names = ("0.5_to_4.0", "below_3.6", "narrow", "left")
    row = {"fwhm_hz": brain.fwhm_hz, "shape": shape, "height": height, "tails": changes(line, 0 * line, brain)[0]}
    both = {f"{name}_{kind}": value for kind, worst in (("avg", each), ("ses", whole)) for name, value in zip(names, worst, strict=True)}
    return row | both | {"s": taken / n_seeds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    print(pd.DataFrame(list(rows(parser.parse_args().seeds))).to_string(index=False, float_format="%.3f"))
    for n_points in (1024, 2048, 4096, 8192):
        fid = Brain(sampling=acquisition(n_points)).metabolites() + 1e3 * np.random.default_rng(1).standard_normal(n_points)
        begin = time.process_time()
        hsvd_poles(fid, n_components=30)
        print(f"30 poles of {n_points} points: {time.process_time() - begin:.3f} s")


if __name__ == "__main__":
    main()

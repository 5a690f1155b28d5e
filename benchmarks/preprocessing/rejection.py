"""Rejection: spoiled transients found, good ones lost, and what is kept where motion differs between halves of a session or treatments.

    python benchmarks/preprocessing/rejection.py --seeds 8

Spoiled transients: motion (amplitude 0.5 to 0.9, any phase, 2 to 6 Hz broader, lipid up to tCr, in bursts) or one thing alone, its
departure drawn from 3 to 12. The departure of amplitude, width and lipid is the distance from what any transient without it can be (any
amplitude, width, lipid, frequency and phase else), in units of the noise; that of frequency and phase is the jump in units of noise and
ordinary scatter together. A transient counts as detectable from 5 on.
"""

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
from signals import REPETITION_TIME_S, Brain

from mrs_pipeline.acquisition import BoolArray, ComplexArray, FloatArray
from mrs_pipeline.preprocessing.steps import preprocess

N = 300
KINDS = ("motion", "amplitude", "width", "lipid", "frequency", "phase")
#: Ordinary scatter of frequency (Hz) and phase (rad) between transients.
_SCATTER = {"frequency": 0.35, "phase": np.radians(8.0)}
_TCR = 8.8 / 9.3  # in units of NAA


def _columns(brain: Brain) -> dict[str, ComplexArray]:
    """First-order effect of everything a transient may differ in."""
    signal, time, lipid = brain.metabolites(), brain.time_s, brain.lipid_line()
    return {
        "amplitude": signal, "width": -np.pi * time * signal, "lipid": lipid, "other lipid": 1j * lipid,
        "frequency": 2j * np.pi * time * signal, "phase": 1j * signal,
    }  # fmt: skip


def _real(fids: ComplexArray, brain: Brain) -> FloatArray:
    """Spectra from 0.2 to 4.2 ppm, real and imaginary parts behind each other, in units of the noise SD at a ratio of 1."""
    inside = (brain.sampling.ppm > 0.2) & (brain.sampling.ppm < 4.2)
    spectra = np.fft.fftshift(np.fft.fft(fids), axes=-1)[..., inside] / brain.naa_height()
    return np.concatenate([spectra.real, spectra.imag], axis=-1)


def distance(changed: ComplexArray, kind: str, *, brain: Brain) -> FloatArray:
    """Distance of FIDs from the signals that everything but ``kind`` can make, in units of the noise at a ratio of 1."""
    others = np.stack([_real(column, brain) for name, column in _columns(brain).items() if name != kind], axis=1)
    rest = _real(changed - brain.metabolites(), brain).T
    return np.linalg.norm(rest - others @ np.linalg.lstsq(others, rest, rcond=None)[0], axis=0)


def sizes(kind: str, departures: FloatArray, *, brain: Brain, snr: float) -> FloatArray:
    """How large a change of one kind is at a departure: fraction lost, Hz, or NAA heights."""
    grid = {"amplitude": np.linspace(0, 0.98, 50), "width": np.linspace(0, 40, 160), "lipid": np.linspace(0, 5, 50)}[kind][:, None]
    if kind == "amplitude":
        changed = (1 - grid) * brain.metabolites()
    elif kind == "width":
        changed = brain.metabolites() * np.exp(-np.pi * grid * brain.time_s)
    else:
        changed = brain.metabolites() + grid * brain.lipid_line()
    return np.interp(departures, snr * distance(changed, kind, brain=brain), grid[:, 0])


def scatter(kind: str, *, brain: Brain, snr: float) -> float:
    """SD of the estimate of frequency (Hz) or phase (rad) of good transients: ordinary scatter, and noise."""
    columns = np.stack([_real(column, brain) for column in _columns(brain).values()], axis=1)
    noise = np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)))[list(_columns(brain)).index(kind)] / snr
    return float(np.hypot(_SCATTER[kind], noise))


def spoiled_rows(rng: np.random.Generator, share: FloatArray) -> BoolArray:
    """Which transients are spoiled, in bursts of 1 to 4, expected ``share`` of each."""
    bad = np.zeros(N, dtype=bool)
    for start in np.flatnonzero(rng.random(N) < share / 2.5):
        bad[start : start + rng.integers(1, 5)] = True
    return bad


def simulated(
    kind: str, *, brain: Brain, snr: float, rng: np.random.Generator, share: FloatArray
) -> tuple[ComplexArray, BoolArray, FloatArray]:
    """Transients, which of them are spoiled, and their departure."""
    bad = spoiled_rows(rng, share)
    departure = np.where(bad, rng.uniform(3.0, 12.0, N), 0.0)
    change = {name: np.zeros(N) for name in ("amplitude", "width", "lipid", "frequency", "phase")}
    if kind == "motion":
        change["amplitude"] = bad * rng.uniform(0.1, 0.5, N)
        change["width"] = bad * rng.uniform(2.0, 6.0, N)
        change["lipid"] = bad * _TCR * rng.uniform(0.0, 1.0, N)
        change["phase"] = bad * rng.uniform(-np.pi, np.pi, N)
        departure = bad * np.maximum(departure, 5.0)
    elif kind in _SCATTER:
        change[kind] = departure * scatter(kind, brain=brain, snr=snr) * rng.choice([-1.0, 1.0], N)
    else:
        change[kind] = sizes(kind, departure, brain=brain, snr=snr)
    shift = 0.3 * np.arange(N) * REPETITION_TIME_S / 60 + _SCATTER["frequency"] * rng.standard_normal(N) + change["frequency"]
    phase = _SCATTER["phase"] * rng.standard_normal(N) + change["phase"]
    ideal = (1 - change["amplitude"])[:, None] * brain.metabolites() * np.exp(-np.pi * change["width"][:, None] * brain.time_s)
    ideal = ideal + change["lipid"][:, None] * brain.lipid_line() + brain.water(rng, N, height=1.0)
    data = brain.turned(ideal, shift_hz=shift, phase_rad=phase) + brain.noise(rng, (N, brain.sampling.n_points), snr=snr)
    return data, bad, departure


STEPS = ({"step": "alignment"}, {"step": "rejection"})


def detection(n_seeds: int) -> Iterator[dict[str, object]]:
    """One row a kind and signal-to-noise ratio."""
    for number, (kind, snr) in enumerate(product(KINDS, (3.0, 5.0, 10.0, 20.0))):
        brain, tables = Brain(fwhm_hz=7.0), []
        for seed in range(number * n_seeds, (number + 1) * n_seeds):
            data, bad, departure = simulated(kind, brain=brain, snr=snr, rng=np.random.default_rng(seed), share=np.full(N, 0.08))
            rejected = preprocess(brain.session(data), steps=STEPS).transients["rejected"].to_numpy()
            tables.append(pd.DataFrame({"bad": bad, "departure": departure, "rejected": rejected}))
        every = pd.concat(tables)
        plain, near = every["departure"] >= 5, every["departure"].between(5, 7)
        yield {
            "kind": kind, "snr": snr, "detectable": int(plain.sum()), "found_%": 100 * every.loc[plain, "rejected"].mean(),
            "of_5_to_7_%": 100 * every.loc[near, "rejected"].mean(),
            "of_3_to_5_%": 100 * every.loc[every["bad"] & ~plain, "rejected"].mean(),
            "good": int((~every["bad"]).sum()), "lost_%": 100 * every.loc[~every["bad"], "rejected"].mean(),
        }  # fmt: skip


def retained(n_seeds: int) -> Iterator[dict[str, object]]:
    """What more motion on one side does to averages of all, retained and weighted transients, less the same of the truly good ones."""
    for number, (design, snr) in enumerate(product(("halves", "treatments"), (5.0, 10.0))):
        brain, rows = Brain(fwhm_hz=7.0), []
        for seed in range(1000 + number * n_seeds, 1000 + (number + 1) * n_seeds):
            sides = _sides(design, brain=brain, snr=snr, rng=np.random.default_rng(seed))
            best = _change(sides, "truly good", brain=brain)
            for name in sides[0][1]:
                lost = 100 * (1 - np.mean([weights[name].mean() for _, weights in sides]))
                change = _change(sides, name, brain=brain) - best
                rows.append(
                    {"transients": name, "lost_%": lost, "amplitude_%": 100 * change[0], "width_hz": change[1], "lipid_naa": change[2]}
                )
        for name, group in pd.DataFrame(rows).groupby("transients", sort=False):
            means = {key: group[key].mean() for key in group.columns[1:]}
            errors = {f"{key}_se": group[key].std(ddof=1) / np.sqrt(len(group)) for key in group.columns[2:]}
            yield {"design": design, "snr": snr, "transients": name, **means, **errors}


Side = tuple[ComplexArray, dict[str, FloatArray]]


def _sides(design: str, *, brain: Brain, snr: float, rng: np.random.Generator) -> list[Side]:
    """Aligned transients and weights by name of the side of little motion and of that of four times as much.

    Sides are halves of one session, or two sessions.
    """
    if design == "treatments":
        return [_judged(brain, snr=snr, rng=rng, share=np.full(N, share)) for share in (0.05, 0.20)]
    data, weights = _judged(brain, snr=snr, rng=rng, share=np.where(np.arange(N) < N // 2, 0.05, 0.20))
    return [(data[part], {name: each[part] for name, each in weights.items()}) for part in np.split(np.arange(N), 2)]


def _judged(brain: Brain, *, snr: float, rng: np.random.Generator, share: FloatArray) -> Side:
    data, bad, _ = simulated("motion", brain=brain, snr=snr, rng=rng, share=share)
    session = preprocess(brain.session(data), steps=STEPS)
    weighted = preprocess(brain.session(data), steps=[STEPS[0], {**STEPS[1], "weighting": "inverse_variance"}])
    weights = {
        "all": np.ones(N),
        "retained": 1.0 * session.kept,
        "weighted": weighted.transients["weight"].to_numpy(),
        "truly good": 1.0 * ~bad,
    }
    return session.fids.data, weights


def _change(sides: list[Side], name: str, *, brain: Brain) -> FloatArray:
    """Amplitude, width (Hz) and lipid (NAA) of the weighted average of the second side less those of the first."""
    first, second = (fitted(np.average(data, axis=0, weights=weights[name]), brain) for data, weights in sides)
    return second - first


def fitted(fid: ComplexArray, brain: Brain) -> FloatArray:
    """Amplitude, width (Hz) and lipid (NAA) of an average against the true signal, to first order."""
    columns = np.stack([_real(column, brain) for column in _columns(brain).values()], axis=1)
    water = np.stack([_real(turn * brain.line(4.65, width_hz=width, height=1.0), brain) for turn in (1, 1j) for width in (10, 20)], axis=1)
    turn = np.vdot(brain.metabolites(), fid)
    upright = _real(fid * np.abs(turn) / turn - brain.metabolites(), brain)
    found = np.linalg.lstsq(np.concatenate([columns, water], axis=1), upright, rcond=None)[0]
    return np.array([found[0], found[1], found[2]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    n_seeds = parser.parse_args().seeds
    print(pd.DataFrame(list(detection(n_seeds))).to_string(index=False, float_format="%.2f"))
    print(
        "\nChange from one half of a session, or one session, to another with four times as much motion, less that of the truly good ones:"
    )
    print(pd.DataFrame(list(retained(3 * n_seeds))).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()

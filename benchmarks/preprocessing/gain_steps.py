"""Steps of the receiver gain in series of amplitudes and noise: how many are found, how well, and how often there is none.

    python benchmarks/preprocessing/gain_steps.py --seeds 200

Amplitudes and noise SDs of single transients are log-normal (SD `sd_%` and `noise_sd_%`), 2 % of the amplitudes are 30 % too low; the step
lies anywhere but in the first and last eighth. `found_%`: series
with a step of the gain, `else_%`: with a step that is said to be no gain; `bias_%`, `error_%`: mean and SD of the error of its size;
`place`: median distance of its place in transients. `kind` ramp: the amplitude falls by 8 % along the series; rise: it rises by 3 %
within a few per cent of the series, as a response would; signal: a step of 10 % that the noise does not share.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mrs_pipeline.timecourse.gain_steps import SizeStep, find_size_steps

SERIES = ((64, 2.0, 3.0), (128, 5.0, 4.0), (240, 5.0, 4.0), (720, 7.0, 3.0))
CASES = (("none", 0.0), ("ramp", 0.0), ("rise", 0.0), ("signal", 10.0), *(("gain", size) for size in (-10.0, -5.0, 5.0, 10.0, 20.0)))


def trend(kind: str, n: int) -> np.ndarray:
    if kind == "ramp":
        return -0.08 * np.linspace(0, 1, n)
    return 0.03 * (1 - np.exp(-np.maximum(np.arange(n) - n // 6, 0) / (n / 20))) * (kind == "rise")


def found(seed: int, *, kind: str, percent: float, n: int, sd: float, noise_sd: float) -> tuple[tuple[SizeStep, ...], int]:
    rng = np.random.default_rng(seed)
    place = int(rng.integers(n // 8, n - n // 8))
    step = np.log1p(percent / 100) * (np.arange(n) >= place)
    amplitude = np.exp(0.01 * sd * rng.standard_normal(n) + step + trend(kind, n)) * np.where(rng.random(n) < 0.02, 0.7, 1.0)
    noise = np.exp(0.01 * noise_sd * rng.standard_normal(n) + step * (kind == "gain"))
    return find_size_steps(amplitude, noise=noise), place


def row(kind: str, percent: float, *, n: int, sd: float, noise_sd: float, n_seeds: int) -> dict[str, object]:
    all_found = [found(seed, kind=kind, percent=percent, n=n, sd=sd, noise_sd=noise_sd) for seed in range(n_seeds)]
    gains = [[step for step in steps if step.is_gain] for steps, _ in all_found]
    errors = [100 * steps[0].gain_log - 100 * np.log1p(percent / 100) for steps in gains if steps]
    distances = [abs(steps[0].index - place) for steps, (_, place) in zip(gains, all_found, strict=True) if steps]
    return {
        "n": n, "sd_%": sd, "noise_sd_%": noise_sd, "kind": kind, "step_%": percent,
        "found_%": 100 * np.mean([bool(steps) for steps in gains]),
        "else_%": 100 * np.mean([any(not step.is_gain for step in steps) for steps, _ in all_found]),
        "bias_%": np.mean(errors) if errors else np.nan, "error_%": np.std(errors) if errors else np.nan,
        "place": np.median(distances) if distances else np.nan,
    }  # fmt: skip


def rows(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    for n, sd, noise_sd in SERIES:
        for kind, percent in CASES:
            yield row(kind, percent, n=n, sd=sd, noise_sd=noise_sd, n_seeds=args.seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    print(pd.DataFrame(list(rows(parser.parse_args()))).to_string(index=False, float_format="%.2f"))


if __name__ == "__main__":
    main()

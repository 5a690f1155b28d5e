"""Made the data of the reference fits of further designs, designs.csv (kept, so that the numbers of R stay those of these data)."""

from pathlib import Path

import numpy as np
import pandas as pd

#: Starts of one baseline window and five of the infusion, unequally spaced, s; all last 240 s.
STARTS_S = np.array([-300.0, 0.0, 300.0, 660.0, 900.0, 1320.0])

FOUR = ("pla_sal", "nal_sal", "pla_ket", "nal_ket")

#: dataset -> (participants, conditions, sessions a participant, share of windows lost, autocorrelation at 300 s, ratio of the SD of odd
#: windows to that of even ones, seed)
DATASETS = {
    "three": (12, ("a", "b", "c"), 3, 0.08, 0.0, 1.0, 11),
    "parallel": (17, ("a", "b"), 1, 0.06, 0.0, 1.0, 12),
    "between": (22, FOUR, 1, 0.05, 0.0, 1.0, 13),
    "within": (10, FOUR, 4, 0.08, 0.0, 1.0, 14),
    "one": (9, ("a",), 1, 0.1, 0.0, 1.0, 15),
    "correlated": (14, ("a", "b"), 2, 0.1, 0.6, 1.0, 16),
    "unequal": (14, ("a", "b"), 2, 0.1, 0.0, 2.5, 17),
}


def dataset(name: str) -> pd.DataFrame:
    """One simulated study in long form."""
    n, conditions, n_sessions, lost, rho, ratio, seed = DATASETS[name]
    rng = np.random.default_rng(seed)
    middle = (STARTS_S + 120) / 300
    root = np.linalg.cholesky(rho ** np.abs(middle[:, None] - middle)) if rho else np.eye(len(STARTS_S))
    sd = np.where(np.arange(len(STARTS_S)) % 2, ratio, 1.0)
    rows = []
    for i in range(n):
        age, level, common = 20 + 3 * (i * 7 % 11), rng.normal(scale=1.5), rng.normal(scale=0.9)
        for session in range(n_sessions):
            condition = conditions[(i + session) % len(conditions)]
            shift, response = rng.normal(scale=0.8), rng.normal(scale=1.1)
            noise = sd * (root @ rng.normal(size=len(STARTS_S)))
            for window, start_s in enumerate(STARTS_S):
                during = float(start_s >= 0)
                y = 10 + level + shift + during * (common + response + 0.6 * conditions.index(condition)) + noise[window] + 0.02 * age
                rows.append(
                    (name, f"p{i:02d}", f"p{i:02d}s{session}", condition, session + 1, f"w{window}", start_s, start_s + 240, age, y)
                )
    columns = ["dataset", "participant", "session", "condition", "period", "window", "window_start_s", "window_stop_s", "age", "y"]
    table = pd.DataFrame(rows, columns=columns)
    return table[rng.uniform(size=len(table)) >= lost]


if __name__ == "__main__":
    tables = pd.concat([dataset(name) for name in DATASETS])
    tables.to_csv(Path(__file__).with_name("designs.csv"), index=False, float_format="%.6f")

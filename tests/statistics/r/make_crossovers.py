"""Made the data of the reference fits, crossovers.csv (kept, so that the numbers of R stay those of these data)."""

from pathlib import Path

import numpy as np
import pandas as pd

N_BASELINE, N_INFUSION = 1, 5
BASELINE_LOADING, INFUSION_LOADING = -N_INFUSION / 6, N_BASELINE / 6

#: dataset -> (participants, SDs of participant level, participant response, session level, session response in units of the window
#: residual, share of windows lost, seed)
DATASETS = {
    "balanced": (8, 1.5, 0.5, 0.8, 1.2, 0.0, 1),
    "unbalanced": (11, 1.5, 0.0, 1.0, 1.3, 0.12, 2),
    "varied": (12, 1.5, 2.0, 1.0, 1.3, 0.08, 3),
    "boundary": (9, 1.0, 0.0, 0.0, 0.0, 0.1, 18),
}


def crossover(name: str) -> pd.DataFrame:
    """One simulated two-period crossover in long form."""
    n, sd_level, sd_common, sd_session, sd_response, lost, seed = DATASETS[name]
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        level, common = rng.normal(scale=sd_level), rng.normal(scale=sd_common)
        for period in (1, 2):
            condition = "naltrexone" if (i + period) % 2 else "placebo"
            session_level, response = rng.normal(scale=sd_session), rng.normal(scale=sd_response)
            for window in range(N_BASELINE + N_INFUSION):
                loading = BASELINE_LOADING if window < N_BASELINE else INFUSION_LOADING
                fwhm_hz = 6 + rng.normal(scale=0.4)
                y = 10 + level + session_level + (common + response) * loading + 0.3 * period + 0.5 * (fwhm_hz - 6) + rng.normal()
                rows.append((name, f"p{i:02d}", f"p{i:02d}s{period}", condition, f"{period}", f"w{window}", loading, fwhm_hz, y))
    columns = ["dataset", "participant", "session", "condition", "period", "window", "loading", "fwhm_hz", "y"]
    table = pd.DataFrame(rows, columns=columns)
    kept = rng.uniform(size=len(table)) >= lost
    if name == "unbalanced":
        kept &= table["session"].to_numpy() != "p03s2"
    return table[kept]


if __name__ == "__main__":
    tables = pd.concat([crossover(name) for name in DATASETS])
    tables.to_csv(Path(__file__).with_name("crossovers.csv"), index=False, float_format="%.6f")

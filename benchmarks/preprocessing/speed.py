"""Time and memory of the whole chain on one core, and how they grow with coils and transients.

    python benchmarks/preprocessing/speed.py

Each size runs in a process of its own; `peak_GB` is its largest resident memory, the raw data (`data_GB`, complex64) included.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd
from signals import Brain

from mrs_pipeline.preprocessing.steps import DEFAULT_STEPS, STEPS, checked_steps

SIZES = ((8, 180), (8, 360), (8, 720), (16, 720), (32, 180), (32, 360), (32, 720), (64, 720))


def measured(n_coils: int, n_transients: int) -> dict[str, object]:
    """The chain on one session of 2048 points in this process."""
    rng, brain = np.random.default_rng(1), Brain()
    sensitivity = rng.standard_normal(n_coils) + 1j * rng.standard_normal(n_coils)
    sensitivity /= np.linalg.norm(sensitivity)
    shift = np.linspace(-3.0, 3.0, n_transients)
    ideal = np.tile(brain.metabolites(), (n_transients, 1)) + brain.water(rng, n_transients, height=1.0)
    ideal = brain.turned(ideal, shift_hz=shift, phase_rad=0.14 * rng.standard_normal(n_transients)).astype(np.complex64)
    sd = np.float32(brain.noise_sd(8.0))
    raw = np.empty((n_coils, n_transients, brain.sampling.n_points), dtype=np.complex64)
    for coil in range(n_coils):
        for half in (raw[coil].real, raw[coil].imag):
            half[:] = sd * rng.standard_normal(ideal.shape, dtype=np.float32)
        raw[coil] += np.complex64(sensitivity[coil]) * ideal
    water = np.stack([np.outer(sensitivity, brain.line(4.65, width_hz=8.0, height=2000.0)) for _ in range(4)], axis=1)
    session = brain.session(raw, reference=water.astype(np.complex64))
    del ideal
    parts = {}
    begin = time.process_time()
    for name, options in checked_steps(DEFAULT_STEPS):
        before = time.process_time()
        session = STEPS[name].run(session, options=options)
        parts[name] = time.process_time() - before
    total = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"coils": n_coils, "transients": n_transients, "cpu_s": total, **parts, "data_GB": raw.nbytes / 1e9, "peak_GB": peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, nargs=2, help="coils and transients of one measurement, printed as JSON")
    size = parser.parse_args().size
    if size:
        print(json.dumps(measured(*size)))
        return
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rows = []
    for n_coils, n_transients in SIZES:
        command = [sys.executable, __file__, "--size", str(n_coils), str(n_transients)]
        out = subprocess.run(command, env={**os.environ, **threads}, check=True, capture_output=True, text=True).stdout  # noqa: S603  this file itself
        rows.append(json.loads(out))
    print(pd.DataFrame(rows).to_string(index=False, float_format="%.2f"))


if __name__ == "__main__":
    main()

"""Time and memory of the fits of a session, and how they grow with the number of transients; one core.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/timecourse/speed.py

A session of the arm `right` (127.7 MHz, 2048 points at 2 kHz; 21 metabolites, 17 macromolecules and lipids), signal-to-noise ratio of a
transient 5, shift 0.3 Hz and phase 5 degrees apart (SD). "windows": the fit of their mean, `fit_windows` and the joint fit with free
amplitudes of 12 averages. "transients": the fit of the mean and the joint fit of all transients, amplitudes and widths following a boxcar.
Times are of the processor; each row is a new process, whose peak memory is stated with that of its imports and its data.
"""

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "fitting"))

from arms import right, sampling
from sessions import Scenario, Schedule, draw

from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.joint import fit_joint
from mrs_pipeline.fitting.joint_problem import Courses
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.fitting.session import fit_mean, fit_windows

SNR, N_WINDOWS = 5.0, 12


def averaged(transients: Fids) -> Fids:
    """Means of 12 windows of equal length."""
    data = np.asarray(transients.data)
    return Fids(data=data.reshape(N_WINDOWS, -1, data.shape[1]).mean(axis=1), dims=("window", "time"), acquisition=transients.acquisition)


def windows_s(transients: Fids, fitter: Fitter) -> float:
    """Time of both fits of windows."""
    windows, counts, during = averaged(transients), np.full(N_WINDOWS, len(transients.data) / N_WINDOWS), np.arange(N_WINDOWS) >= 4
    begin = time.process_time()
    mean = fit_mean(windows, counts=counts, fitter=fitter)
    fit_windows(windows, counts=counts, fitter=fitter, mean=mean)
    courses = Courses(amplitudes="free", widths="free", design=np.stack([np.ones(N_WINDOWS), during], axis=1))
    fit = fit_joint(windows, counts=counts, courses=courses, fitter=fitter, mean=mean)
    return time.process_time() - begin if fit.status == "ok" else np.nan


def transients_s(transients: Fids, fitter: Fitter, during: np.ndarray) -> float:
    """Time of the joint fit of transients."""
    begin = time.process_time()
    courses = Courses(amplitudes="follow", widths="follow", design=np.stack([np.ones(during.size), during], axis=1))
    fit = fit_joint(transients, counts=np.ones(during.size), courses=courses, fitter=fitter)
    return time.process_time() - begin if fit.status == "ok" else np.nan


def measure(n_transients: int) -> None:
    """Print one row."""
    during = np.repeat([0.0, 1.0], [n_transients // 3, n_transients - n_transients // 3])
    arm = right(sampling(127.7, 2000.0), None)
    schedule = Schedule(course=during, n_transients=1)
    session = draw(arm.source, Scenario(changes={"Glu": 0.05, "Gln": 0.05}), schedule=schedule, snr=SNR, fwhm_hz=6.0, seed=(1,))
    fitter = arm.fitter(FitOptions())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    with np.errstate(all="ignore"):
        windows = windows_s(session.windows, fitter)
        transients = transients_s(session.windows, fitter, during)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{n_transients:11d}{windows:12.2f}{transients:14.1f}{before:15.2f}{after:10.2f}", flush=True)


def main() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":
        raise SystemExit("set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1: threads would only wait for each other")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transients", nargs="+", type=int, default=[180, 360, 720, 1440])
    parser.add_argument("--here", action="store_true", help="in this process, one row")
    given = parser.parse_args()
    if given.here:
        measure(given.transients[0])
        return
    print(f"{'transients':>11}{'windows s':>12}{'transients s':>14}{'memory before':>15}{'peak GB':>10}", flush=True)
    for n in given.transients:
        subprocess.run([sys.executable, __file__, "--here", "--transients", str(n)], check=True)  # noqa: S603  this file


if __name__ == "__main__":
    main()

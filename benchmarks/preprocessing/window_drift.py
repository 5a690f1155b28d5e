"""What drift and re-adjustments of the frequency within a window leave in its average, against the same noise without them.

    python benchmarks/preprocessing/window_drift.py --seeds 20

Transients of one combined coil; the noise turns with the transient, so that a perfect correction gives back the transients without
faults exactly. Both go through alignment, rejection, water removal and the phase of the session. `ratio_%`: mean difference of
100 ln(Glx/tNAA) between the windows of a session, `tnaa_%` of 100 ln(tNAA), `fwhm_hz` of the fitted width, each with its standard error
over seeds; `noise_%`: standard error of the ratio in one window from the fit; `shift_sd_hz`: SD of the difference of the shifts found,
less the true one; `kept_%`: transients that are not rejected. Faults: drift of 4 Hz/min; steps of 6 Hz in the middle of every window; both.
"""

import argparse
from collections.abc import Iterator

import numpy as np
import pandas as pd
from chain import fitter
from signals import REPETITION_TIME_S, Brain, acquisition

from mrs_pipeline.acquisition import ComplexArray, FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.fitting.fit import Fitter, fit_spectra
from mrs_pipeline.preprocessing.session import Session
from mrs_pipeline.preprocessing.steps import preprocess
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, evaluate_measure, measure_definitions
from mrs_pipeline.timecourse.windows import average_windows, make_windows

N, N_WINDOWS = 200, 2
STEPS = [{"step": name} for name in ("alignment", "rejection", "water_removal", "phase_reference")]
FAULTS = ("drift", "steps", "both")


def shift_hz(fault: str) -> FloatArray:
    """Frequency error of every transient beside its jitter."""
    minutes, place = np.arange(N) * REPETITION_TIME_S / 60, np.arange(N) % (N // N_WINDOWS)
    drift = 4.0 * (minutes - minutes.mean()) * (fault in ("drift", "both"))
    sign = np.where(np.arange(N) < N // 2, 1.0, -1.0)
    return np.asarray(drift + 6.0 * sign * (place >= N // N_WINDOWS // 2) * (fault in ("steps", "both")))


def sessions(fault: str, *, brain: Brain, snr: float, seed: int) -> tuple[Session, Session]:
    """The same transients with and without the fault."""
    rng = np.random.default_rng(seed)
    clean = brain.metabolites() + brain.water(rng, N, height=0.3) + brain.noise(rng, (N, brain.sampling.n_points), snr=snr)
    jitter, phase = 0.3 * rng.standard_normal(N), np.radians(5.0) * rng.standard_normal(N)
    with_fault, without = (
        brain.session(brain.turned(clean, shift_hz=jitter + shift, phase_rad=phase)) for shift in (shift_hz(fault), np.zeros(N))
    )
    return with_fault, without


def averages(session: Session) -> ComplexArray:
    width_s = N // N_WINDOWS * REPETITION_TIME_S
    table = session.transients
    windows = make_windows(
        [(width_s * number, width_s * (number + 1)) for number in range(N_WINDOWS)],
        time_s=table["time_s"].to_numpy(dtype=float),
        rejected=table["rejected"].to_numpy(dtype=bool),
        onset_s=0.0,
    )
    return np.asarray(average_windows(session.fids, windows=windows).data)


def fitted(data: ComplexArray, *, brain: Brain, fit: Fitter) -> pd.DataFrame:
    """100 ln(Glx/tNAA) with its standard error, 100 ln(tNAA) and the width of each average."""
    named = {item.name: item for item in measure_definitions(DEFAULT_MEASURES)}
    rows = []
    for each in fit_spectra(Fids(data=data, dims=("window", "time"), acquisition=brain.sampling), fitter=fit):
        ratio, tnaa = (evaluate_measure(each, definition=named[name]) for name in ("Glx/tNAA", "tNAA"))
        rows.append((100 * np.log(ratio.value), 100 * ratio.sd / ratio.value, 100 * np.log(tnaa.value), each.quality["fwhm_hz"]))
    return pd.DataFrame(rows, columns=["ratio_%", "noise_%", "tnaa_%", "fwhm_hz"])


def row(fault: str, *, snr: float, n_seeds: int) -> dict[str, object]:
    brain = Brain(sampling=acquisition(1024))
    fit = fitter(brain)
    differences, errors_hz, noise, kept = [], [], [], []
    for seed in range(n_seeds):
        done, best = (preprocess(session, steps=STEPS) for session in sessions(fault, brain=brain, snr=snr, seed=seed))
        mine, ideal = (fitted(averages(each), brain=brain, fit=fit) for each in (done, best))
        differences.append((mine - ideal).mean())
        noise.append(ideal["noise_%"].mean())
        error = (done.transients["frequency_shift_hz"] - best.transients["frequency_shift_hz"]).to_numpy(dtype=float) - shift_hz(fault)
        errors_hz.append(np.std(error[done.kept]))
        kept.append(100 * done.kept.mean())
    each = pd.DataFrame(differences)
    found: dict[str, object] = {"fault": fault, "snr": snr}
    for name in ("ratio_%", "tnaa_%", "fwhm_hz"):
        found |= {name: each[name].mean(), f"se_{name}": each[name].std(ddof=1) / np.sqrt(n_seeds)}
    return found | {"noise_%": np.mean(noise), "shift_sd_hz": np.mean(errors_hz), "kept_%": np.mean(kept)}


def rows(args: argparse.Namespace) -> Iterator[dict[str, object]]:
    for fault in args.faults:
        for snr in args.snr:
            yield row(fault, snr=snr, n_seeds=args.seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--snr", type=float, nargs="+", default=[5.0, 15.0])
    parser.add_argument("--faults", nargs="+", default=list(FAULTS), choices=list(FAULTS))
    print(pd.DataFrame(list(rows(parser.parse_args()))).to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()

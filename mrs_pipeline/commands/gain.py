"""Steps of the receiver gain in a session: found, said, and taken out where the study asks for it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.preprocessing.noise import noise_sd
from mrs_pipeline.timecourse.gain_steps import SizeStep, common_gain, find_size_steps


@dataclass(frozen=True, kw_only=True)
class GainChecked:
    """Transients, rescaled to one gain if that was asked for, and sentences on what was found."""

    fids: Fids
    remarks: tuple[str, ...]


def check_gain(fids: Fids, *, transients: pd.DataFrame, correct: bool) -> GainChecked:
    """Steps of size in the amplitudes and the noise of retained transients; with `correct` steps of the gain are taken out.

    Tables without amplitudes (data that another program preprocessed) are not judged.
    """
    if "amplitude" not in transients:
        return GainChecked(fids=fids, remarks=())
    amplitude = transients["amplitude"].to_numpy(dtype=float)
    usable = np.flatnonzero(~transients["rejected"].to_numpy(dtype=bool) & np.isfinite(amplitude))
    noise = noise_sd(np.asarray(fids.data)[usable], acquisition=fids.acquisition)
    steps = find_size_steps(amplitude[usable], noise=noise)
    times = transients["time_s"].to_numpy(dtype=float)[usable]
    remarks = tuple(_sentence(step, time_s=float(times[step.index]), corrected=correct) for step in steps)
    if not correct or not any(step.is_gain for step in steps):
        return GainChecked(fids=fids, remarks=remarks)
    factors = _of_all(common_gain(steps, n_transients=len(usable)), usable=usable, n_transients=len(transients))
    return GainChecked(fids=fids.with_data(np.asarray(fids.data) * factors[:, None]), remarks=remarks)


def _of_all(factors: FloatArray, *, usable: np.ndarray, n_transients: int) -> FloatArray:
    """Factors of all transients: rejected ones have that of the retained one before them."""
    place = np.maximum(np.searchsorted(usable, np.arange(n_transients), side="right") - 1, 0)
    return np.asarray(factors[place])


def _sentence(step: SizeStep, *, time_s: float, corrected: bool) -> str:
    signal, noise = (_percent(log, se) for log, se in ((step.signal_log, step.signal_se), (step.noise_log, step.noise_se)))
    if not step.is_gain:
        cause = "by the receiver gain, the position or the transmitter"
        if np.isfinite(step.noise_log) and not step.is_alike:
            cause = f"not by the receiver gain, since the noise ({noise}) does not share it, but perhaps by the position or the transmitter"
        return f"the signal changes by {signal} at {time_s:.0f} s of the session, {cause}; amplitudes before and after cannot be compared"
    done = "amplitudes were rescaled to the gain before it" if corrected else "windows.gain_steps: correct rescales them"
    return (
        f"the receiver gain changes by {100 * np.expm1(step.gain_log):+.1f} % at {time_s:.0f} s of the session (signal {signal}, noise "
        f"{noise}): ratios do not depend on it, amplitudes and concentrations do; {done}"
    )


def _percent(log: float, se: float) -> str:
    return f"{100 * np.expm1(log):+.1f} ± {100 * se:.1f} %"

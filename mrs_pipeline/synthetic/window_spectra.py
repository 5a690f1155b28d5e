"""Spectra of windows without the raw data between: what a faultless chain of preprocessing would average.

A short cut for thousands of studies: metabolites, macromolecules, lipid, linewidths and responses as in `session_signals`, but neither
coils, drift, motion, eddy currents nor residual water; noise as after the optimal combination of the coils.
"""

from collections.abc import Sequence

import numpy as np

from mrs_pipeline.fids import Fids
from mrs_pipeline.synthetic.components import components, lorentzian_decay, naa_height
from mrs_pipeline.synthetic.plan import StudyPlan, amplitudes_over_time
from mrs_pipeline.synthetic.signals import line_deviations, shim_decay
from mrs_pipeline.synthetic.streams import stream
from mrs_pipeline.synthetic.timing import risen, schedule


def window_spectra(plan: StudyPlan, *, participant: str, session: str, edges_s: Sequence[tuple[float, float]]) -> Fids:
    """Mean FIDs of a visit in windows (start, stop) relative to the start of the infusion, dims ("window", "time"), mmol/L."""
    visit = plan.visit(participant=participant, session=session)
    description, times = plan.description, schedule(plan.description.timing)
    acquisition, parts = description.sampling, components(description)
    rng = stream(plan.seed, purpose="windows", participant_index=visit.participant.index, session_index=visit.index)
    lines = line_deviations(description, rng=rng) * shim_decay(
        description.lineshape, linewidth_hz=visit.linewidth_hz, time_s=acquisition.time_s
    )
    inside = np.array([(times.event_time_s >= start) & (times.event_time_s < stop) for start, stop in edges_s])
    counts = inside.sum(axis=1)
    share = inside / np.maximum(counts, 1)[:, np.newaxis]
    risen_share = share @ risen(times.event_time_s, rise_time_s=description.response.rise_time_s)
    metabolites = share @ amplitudes_over_time(plan, visit) @ (parts.metabolites.fids * lines)
    signals = metabolites * lorentzian_decay(acquisition.time_s, width_hz=visit.linewidth_change_hz * risen_share[:, np.newaxis])
    signals = signals + visit.macromolecules_mmol_per_l * parts.macromolecules + visit.lipid_mmol_per_l * parts.lipid
    naa = parts.metabolites.select(["NAA"]).fids[0] * shim_decay(
        description.lineshape, linewidth_hz=description.lineshape.linewidth_hz, time_s=acquisition.time_s
    )
    height = description.levels.concentrations_mmol_per_l["NAA"] * naa_height(naa, acquisition=acquisition)
    noise_sd = height / description.receiver.single_transient_snr / np.sqrt(acquisition.n_points * np.maximum(counts, 1))
    noise = rng.standard_normal((2, *signals.shape))
    data = signals + noise_sd[:, np.newaxis] * (noise[0] + 1j * noise[1])
    return Fids(data=data, dims=("window", "time"), acquisition=acquisition)

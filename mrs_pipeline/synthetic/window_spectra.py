"""Spectra of windows without the raw data between: what a faultless chain of preprocessing would average.

A short cut for thousands of studies. The visit is that of `session_signals`, with the same true values and lines: amplitudes over time,
tissue, macromolecules, lipid, hump, linewidths, motion (spoiled transients are left out) and lost transients. What preprocessing takes
out is not there: coils, frequency, phase, gain, eddy currents, residual water, unwanted echoes. Noise is that after the optimal
combination of the coils.
"""

from collections.abc import Sequence

import numpy as np

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.fids import Fids
from mrs_pipeline.synthetic.amplitudes import amplitudes_over_time
from mrs_pipeline.synthetic.broad_signals import constant_signal, lipid_over_time
from mrs_pipeline.synthetic.components import components, lorentzian_decay
from mrs_pipeline.synthetic.faults import transient_faults
from mrs_pipeline.synthetic.lines import mean_naa_height, visit_lines, visit_naa_height
from mrs_pipeline.synthetic.plan import StudyPlan
from mrs_pipeline.synthetic.receiver import draw_receiver
from mrs_pipeline.synthetic.timing import schedule


def window_spectra(
    plan: StudyPlan, *, participant: str, session: str, edges_s: Sequence[tuple[float, float]], basis: BasisSet | None = None
) -> Fids:
    """Mean FIDs of a visit in windows (start, stop) relative to the start of the infusion, dims ("window", "time"), mmol/L.

    A window without any transient is NaN. The decay of a window is that of its mean linewidth: between transients it differs by so
    little that the mean of the decays is the same.
    """
    visit = plan.visit(participant=participant, session=session)
    description, times = plan.description, schedule(plan.description.timing)
    acquisition, parts, faults = description.sampling, components(plan, basis=basis), transient_faults(plan, visit)
    lines = visit_lines(plan, visit, parts=parts)
    height = visit_naa_height(plan, visit, parts=parts, lines=lines)
    inside = np.array([(times.event_time_s >= start) & (times.event_time_s < stop) for start, stop in edges_s])
    inside &= faults.recorded & ~faults.spoiled
    counts = inside.sum(axis=1, keepdims=True)
    share = inside / np.maximum(counts, 1)
    signals = share @ amplitudes_over_time(plan, visit) @ lines.metabolites
    signals *= lorentzian_decay(acquisition.time_s, width_hz=(share @ faults.broadening_hz)[:, np.newaxis])
    signals += constant_signal(plan, visit, parts=parts, naa_height=height)
    signals += np.outer(share @ lipid_over_time(visit, faults=faults), parts.lipid)
    # A dead channel costs signal here as it does there; gain 1 is that of all coils alive.
    gain = draw_receiver(description.receiver, rng=plan.stream("receiver", visit)).combined_gain
    transient_sd = (
        mean_naa_height(description, parts=parts) / description.receiver.single_transient_snr / np.sqrt(acquisition.n_points) / gain
    )
    noise = plan.stream("window noise", visit).standard_normal((2, *signals.shape))
    data = signals + transient_sd / np.sqrt(np.maximum(counts, 1)) * (noise[0] + 1j * noise[1])
    return Fids(data=np.where(counts > 0, data, np.nan), dims=("window", "time"), acquisition=acquisition)

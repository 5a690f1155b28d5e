"""Tables of what is true in a synthetic study; none of them is meant to be read by an analysis."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.amplitudes import amplitudes_over_time, contents_over_time, response_percent, true_content_ratio, true_ratio
from mrs_pipeline.synthetic.broad_signals import macromolecule_levels
from mrs_pipeline.synthetic.clinical import visit_scores
from mrs_pipeline.synthetic.components import broad_components, gaussian_hz, voigt_hz
from mrs_pipeline.synthetic.faults import TransientFaults, transient_faults
from mrs_pipeline.synthetic.plan import StudyPlan, Visit
from mrs_pipeline.synthetic.receiver import draw_receiver
from mrs_pipeline.synthetic.response import mean_course, population_plateaus_percent
from mrs_pipeline.synthetic.timing import schedule


def truth_tables(plan: StudyPlan) -> dict[str, pd.DataFrame]:
    """All truth tables of a study by name: transients, sessions, amplitudes, measures, contrasts, clinical."""
    makers: dict[str, Callable[[StudyPlan, Visit], pd.DataFrame]] = {
        "transients": transients_table,
        "sessions": session_table,
        "amplitudes": amplitudes_table,
        "measures": measures_table,
    }
    tables = {name: pd.concat([maker(plan, visit) for visit in plan.visits], ignore_index=True) for name, maker in makers.items()}
    return {**tables, "contrasts": contrasts_table(plan), "clinical": clinical_table(plan)}


def transients_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """Faults of each stored transient of a visit; frequency and phase relative to the mean of the unspoiled ones."""
    faults, times = transient_faults(plan, visit), schedule(plan.description.timing)
    stored, kept = faults.recorded, ~faults.spoiled[faults.recorded]
    shift_hz, phase_rad = faults.frequency_shift_hz[stored], faults.phase_rad[stored]
    columns = {
        "run": times.run[stored],
        "transient": np.arange(stored.sum()),
        "time_s": times.time_s[stored],
        "event_time_s": times.event_time_s[stored],
        "frequency_shift_hz": shift_hz - shift_hz[kept].mean(),
        "phase_rad": phase_rad - phase_rad[kept].mean(),
        "linewidth_hz": _linewidth_hz(plan, visit, faults=faults)[stored],
        "gain": faults.gain[stored],
        "spoiled": ~kept,
    }
    return _labelled(visit, pd.DataFrame(columns), keys=("participant", "session"))


def _linewidth_hz(plan: StudyPlan, visit: Visit, *, faults: TransientFaults) -> FloatArray:
    lorentzian_hz = plan.description.lineshape.lorentzian_hz
    gauss_hz = gaussian_hz(visit.linewidth_hz, lorentzian_hz=lorentzian_hz)
    return voigt_hz(lorentzian_hz + faults.broadening_hz, gaussian_hz=gauss_hz)


def session_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """What is true of a whole visit, one row."""
    faults = transient_faults(plan, visit)
    receiver = draw_receiver(plan.description.receiver, rng=plan.stream("receiver", visit))
    levels = macromolecule_levels(plan, visit, n_lines=len(broad_components(plan.description.sampling)[0]))
    columns = {
        "grey_matter": visit.tissue.grey_matter,
        "white_matter": visit.tissue.white_matter,
        "csf": visit.tissue.csf,
        "wrong_voxel": visit.voxel_is_wrong,
        "moved_at_transient": np.nan if visit.move is None else float(visit.move.transient),
        "linewidth_hz": visit.linewidth_hz,
        "linewidth_change_hz": visit.linewidth_change_hz,
        "plateau_percent": visit.plateau_percent,
        "mean_change_percent": mean_change_percent(plan, visit),
        "macromolecules": levels.mean(),
        "lipid": visit.lipid_mmol_per_l,
        "dead_coil": np.nan if receiver.dead_channel is None else float(receiver.dead_channel),
        "n_spoiled": int((faults.spoiled & faults.recorded).sum()),
        "n_lost": int((~faults.recorded).sum()),
    }
    return _labelled(visit, pd.DataFrame(columns, index=[0]))


def amplitudes_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """Mean amplitude (after relaxation) and mean content of the voxel, by metabolite, in the baseline and during the infusion, mmol/L."""
    amplitudes, contents = amplitudes_over_time(plan, visit), contents_over_time(plan, visit)
    infusion = schedule(plan.description.timing).infusion
    frames = []
    for name, inside in (("baseline", ~infusion), ("infusion", infusion)):
        means = {"amplitude": amplitudes[inside].mean(axis=0), "content": contents[inside].mean(axis=0)}
        frames.append(pd.DataFrame({"phase": name, "metabolite": plan.description.metabolites, **means}))
    return _labelled(visit, pd.concat(frames, ignore_index=True), keys=("participant", "session"))


def measures_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """The true ratio in each stored transient of a visit: averaged over any window it is what that window should show."""
    times, stored = schedule(plan.description.timing), transient_faults(plan, visit).recorded
    columns = {
        "transient": np.arange(stored.sum()),
        "event_time_s": times.event_time_s[stored],
        "measure": plan.description.levels.ratio,
        "value": true_ratio(plan, visit)[stored],
        "content_ratio": true_content_ratio(plan, visit)[stored],
    }
    return _labelled(visit, pd.DataFrame(columns))


def mean_change_percent(plan: StudyPlan, visit: Visit) -> float:
    """Mean response over the planned transients of the infusion, 100 x natural logarithm; a move of the head is no response."""
    change, infusion = response_percent(plan, visit), schedule(plan.description.timing).infusion
    return float(change[infusion].mean() - change[~infusion].mean())


def contrasts_table(plan: StudyPlan) -> pd.DataFrame:
    """Population value of each contrast, and its mean and SD over the people who came to both visits, 100 x natural logarithm.

    Rows: mean change under the reference condition, under the other one, other minus reference, and that in women and men. The
    population is one of as many women as men, at the first visit: without effects of period and carry-over.
    """
    reference, other = plan.description.design.conditions
    changes = {(visit.participant.index, visit.condition): mean_change_percent(plan, visit) for visit in plan.visits}
    people = [person for person in plan.participants if all((person.index, name) in changes for name in (reference, other))]
    samples = {name: np.array([changes[person.index, name] for person in people]) for name in (reference, other)}
    difference, women = samples[other] - samples[reference], np.array([person.sex == "F" for person in people], dtype=bool)
    population = {sex: population_plateaus_percent(plan.description, sex=sex) for sex in (None, "F", "M")}
    course = mean_course(plan.description)
    rows = [(f"{name} change", population[None][which], samples[name]) for which, name in enumerate((reference, other))]
    rows += [(f"{other} - {reference}", population[None][1] - population[None][0], difference)]
    for sex, label, inside in (("F", "women", women), ("M", "men", ~women)):
        rows.append((f"{other} - {reference}: {label}", population[sex][1] - population[sex][0], difference[inside]))
    columns = {
        "measure": f"100 log {plan.description.levels.ratio}",
        "contrast": [name for name, _, _ in rows],
        "population_value": [plateau * course for _, plateau, _ in rows],
        "sample_value": [_mean(sample) for _, _, sample in rows],
        "sample_sd": [sample.std(ddof=1) if len(sample) > 1 else np.nan for _, _, sample in rows],
        "n_participants": [len(sample) for _, _, sample in rows],
    }
    return pd.DataFrame(columns)


def clinical_table(plan: StudyPlan) -> pd.DataFrame:
    """True level and change of every scale at every visit, without the noise, rounding and limits of its ratings."""
    rows = []
    for name in plan.description.clinical:
        for score in visit_scores(plan, name=name):
            labels = {"participant": score.visit.participant.participant, "session": score.visit.session}
            rows.append(labels | {"scale": name, "condition": score.visit.condition, "level": score.level, "change": score.change})
    return pd.DataFrame(rows, columns=["participant", "session", "scale", "condition", "level", "change"])


def _mean(sample: FloatArray) -> float:
    return float(sample.mean()) if len(sample) else float("nan")


def _labelled(
    visit: Visit, table: pd.DataFrame, *, keys: tuple[str, ...] = ("participant", "session", "condition", "period", "sequence")
) -> pd.DataFrame:
    """The table behind columns that say whose visit it is."""
    labels: dict[str, str | int] = {
        "participant": visit.participant.participant,
        "session": visit.session,
        "condition": visit.condition,
        "period": visit.period,
        "sequence": visit.participant.sequence,
    }
    return table.assign(**{key: labels[key] for key in keys})[[*keys, *table.columns]]

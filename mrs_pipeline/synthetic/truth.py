"""Tables of what is true in a synthetic study; none of them is meant to be read by an analysis."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.components import gaussian_hz, voigt_hz
from mrs_pipeline.synthetic.faults import TransientFaults, transient_faults
from mrs_pipeline.synthetic.plan import StudyPlan, Visit, amplitudes_over_time, response_percent, true_ratio
from mrs_pipeline.synthetic.timing import population_plateaus_percent, risen, schedule


def truth_tables(plan: StudyPlan) -> dict[str, pd.DataFrame]:
    """All truth tables of a study by name: transients, sessions, amplitudes, measures, contrasts."""
    makers: dict[str, Callable[[StudyPlan, Visit], pd.DataFrame]] = {
        "transients": transients_table,
        "sessions": session_table,
        "amplitudes": amplitudes_table,
        "measures": measures_table,
    }
    tables = {name: pd.concat([maker(plan, visit) for visit in plan.visits], ignore_index=True) for name, maker in makers.items()}
    return {**tables, "contrasts": contrasts_table(plan)}


def transients_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """Faults of each transient of a visit; frequency and phase relative to the mean of the unspoiled transients."""
    faults, times = transient_faults(plan, visit), schedule(plan.description.timing)
    kept = ~faults.spoiled
    columns = {
        "run": times.run,
        "transient": np.arange(times.n_transients),
        "time_s": times.time_s,
        "event_time_s": times.event_time_s,
        "frequency_shift_hz": faults.frequency_shift_hz - faults.frequency_shift_hz[kept].mean(),
        "phase_rad": faults.phase_rad - faults.phase_rad[kept].mean(),
        "linewidth_hz": _linewidth_hz(plan, visit, faults=faults),
        "spoiled": faults.spoiled,
    }
    return _labelled(visit, pd.DataFrame(columns), keys=("participant", "session"))


def _linewidth_hz(plan: StudyPlan, visit: Visit, *, faults: TransientFaults) -> FloatArray:
    lorentzian_hz = plan.description.lineshape.lorentzian_hz
    gauss_hz = gaussian_hz(visit.linewidth_hz, lorentzian_hz=lorentzian_hz)
    return voigt_hz(lorentzian_hz + faults.broadening_hz, gaussian_hz=gauss_hz)


def session_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """What is true of a whole visit, one row."""
    columns = {
        "linewidth_hz": visit.linewidth_hz,
        "linewidth_change_hz": visit.linewidth_change_hz,
        "plateau_percent": visit.plateau_percent,
        "mean_change_percent": mean_change_percent(plan, visit),
        "macromolecules": visit.macromolecules_mmol_per_l,
        "lipid": visit.lipid_mmol_per_l,
    }
    return _labelled(visit, pd.DataFrame(columns, index=[0]))


def amplitudes_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """Mean amplitude of each metabolite in the baseline and during the infusion, mmol/L of unit basis amplitude."""
    amplitudes, infusion = amplitudes_over_time(plan, visit), schedule(plan.description.timing).infusion
    phases = {"baseline": amplitudes[~infusion].mean(axis=0), "infusion": amplitudes[infusion].mean(axis=0)}
    frames = [pd.DataFrame({"phase": name, "metabolite": plan.description.metabolites, "amplitude": mean}) for name, mean in phases.items()]
    return _labelled(visit, pd.concat(frames, ignore_index=True), keys=("participant", "session"))


def measures_table(plan: StudyPlan, visit: Visit) -> pd.DataFrame:
    """The true ratio in each transient of a visit: averaged over any window it is what that window should show."""
    times = schedule(plan.description.timing)
    columns = {
        "transient": np.arange(times.n_transients),
        "event_time_s": times.event_time_s,
        "measure": plan.description.levels.ratio,
        "value": true_ratio(plan, visit),
    }
    return _labelled(visit, pd.DataFrame(columns))


def mean_change_percent(plan: StudyPlan, visit: Visit) -> float:
    """Mean over the recorded infusion transients of the log ratio minus its mean over the baseline, times 100."""
    change, infusion = response_percent(plan, visit), schedule(plan.description.timing).infusion
    return float(change[infusion].mean() - change[~infusion].mean())


def contrasts_table(plan: StudyPlan) -> pd.DataFrame:
    """Population value of each contrast, and its mean and SD over the people of this study, 100 x natural logarithm.

    Rows: mean change under the reference condition, under the other one, and other minus reference.
    """
    description = plan.description
    reference, other = description.design.conditions
    changes = {(visit.participant.index, visit.condition): mean_change_percent(plan, visit) for visit in plan.visits}
    people = range(len(plan.participants))
    samples = {name: np.array([changes[index, name] for index in people]) for name in (reference, other)}
    populations = _population_changes_percent(plan)
    rows = [(f"{name} change", populations[name], samples[name]) for name in (reference, other)]
    rows.append((f"{other} - {reference}", populations[other] - populations[reference], samples[other] - samples[reference]))
    columns = {
        "measure": f"100 log {description.levels.ratio}",
        "contrast": [name for name, _, _ in rows],
        "population_value": [value for _, value, _ in rows],
        "sample_value": [sample.mean() for _, _, sample in rows],
        "sample_sd": [sample.std(ddof=1) for _, _, sample in rows],
        "n_participants": len(plan.participants),
    }
    return pd.DataFrame(columns)


def _population_changes_percent(plan: StudyPlan) -> dict[str, float]:
    description = plan.description
    times = schedule(description.timing)
    mean_risen = risen(times.event_time_s, rise_time_s=description.response.rise_time_s)[times.infusion].mean()
    plateaus = population_plateaus_percent(description.response, timing=description.timing)
    return {name: plateau * float(mean_risen) for name, plateau in zip(description.design.conditions, plateaus, strict=True)}


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

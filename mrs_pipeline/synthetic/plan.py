"""The plan of a study: who is measured when under which condition, and the true values of every visit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import unknown_name
from mrs_pipeline.synthetic.description import Lineshape, StudyDescription
from mrs_pipeline.synthetic.streams import stream
from mrs_pipeline.synthetic.timing import population_plateaus_percent, risen, schedule


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One person; ``sequence`` is the order of conditions such as ``placebo-naltrexone``."""

    participant: str
    index: int
    sex: str
    age_years: int
    sequence: str
    conditions: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The true values of one visit: amplitudes before the infusion (mmol/L) and the plateaus of what the infusion changes."""

    participant: Participant
    session: str
    index: int
    condition: str
    amplitudes: Mapping[str, float]
    plateau_percent: float
    linewidth_hz: float
    linewidth_change_hz: float
    macromolecules_mmol_per_l: float
    lipid_mmol_per_l: float

    @property
    def period(self) -> int:
        """1 for the first visit, 2 for the second."""
        return self.index + 1


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """A description with its seed and everything about people and visits that follows from them."""

    description: StudyDescription
    seed: int
    participants: tuple[Participant, ...]
    visits: tuple[Visit, ...]

    def visit(self, *, participant: str, session: str) -> Visit:
        """One visit by the labels of its participant and session; `ConfigError` lists the valid labels."""
        labels = {f"sub-{visit.participant.participant} ses-{visit.session}": visit for visit in self.visits}
        wanted = f"sub-{participant} ses-{session}"
        if wanted not in labels:
            raise unknown_name("visit", wanted, labels)
        return labels[wanted]


def study_plan(description: StudyDescription, *, seed: int) -> StudyPlan:
    """The plan that follows from a description and a seed; all randomness of people and visits, none of single transients."""
    participants = _participants(description, seed=seed)
    visits = tuple(_visit(description, seed=seed, participant=person, index=index) for person in participants for index in (0, 1))
    return StudyPlan(description=description, seed=seed, participants=participants, visits=visits)


def _participants(description: StudyDescription, *, seed: int) -> tuple[Participant, ...]:
    """People with randomised sequences, as many of one as of the other (one more where the number is odd)."""
    design = description.design
    rng = stream(seed, purpose="design")
    reversed_order = rng.permutation(np.arange(design.n_participants) % 2 == 1)
    women = rng.permutation(np.arange(design.n_participants) % 2 == 1)
    ages = rng.integers(int(design.age_years[0]), int(design.age_years[1]) + 1, size=design.n_participants)
    n_digits = max(2, len(str(design.n_participants)))
    people = []
    for index in range(design.n_participants):
        first, second = design.conditions[::-1] if reversed_order[index] else design.conditions
        person = Participant(
            participant=f"{index + 1:0{n_digits}d}",
            index=index,
            sex="F" if women[index] else "M",
            age_years=int(ages[index]),
            sequence=f"{first}-{second}",
            conditions=(first, second),
        )
        people.append(person)
    return tuple(people)


def _visit(description: StudyDescription, *, seed: int, participant: Participant, index: int) -> Visit:
    """One visit: what the person always has, what this day adds, what the condition does."""
    person_rng = stream(seed, purpose="participant", participant_index=participant.index)
    visit_rng = stream(seed, purpose="session", participant_index=participant.index, session_index=index)
    response, condition = description.response, participant.conditions[index]
    which = description.design.conditions.index(condition)
    population_percent = population_plateaus_percent(response, timing=description.timing)[which]
    amplitudes = _amplitudes(description, person_rng=person_rng, visit_rng=visit_rng, period_index=index)
    deviation_percent = _normal_sum(person_rng, visit_rng, response.participant_sd_percent, response.session_sd_percent)
    return Visit(
        participant=participant,
        session=str(index + 1),
        index=index,
        condition=condition,
        amplitudes=amplitudes,
        plateau_percent=population_percent + deviation_percent,
        linewidth_hz=_linewidth_hz(description.lineshape, person_rng=person_rng, visit_rng=visit_rng),
        linewidth_change_hz=response.linewidth_change_hz[which],
        macromolecules_mmol_per_l=_macromolecules(description, person_rng=person_rng),
        lipid_mmol_per_l=_lipid(description, amplitudes=amplitudes, visit_rng=visit_rng),
    )


def _normal_sum(person_rng: np.random.Generator, visit_rng: np.random.Generator, person_sd: float, visit_sd: float) -> float:
    return float(person_sd * person_rng.standard_normal() + visit_sd * visit_rng.standard_normal())


def _amplitudes(
    description: StudyDescription, *, person_rng: np.random.Generator, visit_rng: np.random.Generator, period_index: int
) -> dict[str, float]:
    """Amplitudes before the infusion: the ratio and the common scale vary by person and visit, other metabolites by person."""
    levels = description.levels
    scale = _normal_sum(person_rng, visit_rng, levels.scale_participant_sd_percent, levels.scale_session_sd_percent)
    ratio = _normal_sum(person_rng, visit_rng, levels.ratio_participant_sd_percent, levels.ratio_session_sd_percent)
    ratio += levels.period_percent * period_index
    amplitudes = {}
    for name, level in levels.concentrations_mmol_per_l.items():
        own = levels.other_participant_sd_percent * float(person_rng.standard_normal())
        if name in levels.numerator:
            own = ratio
        elif name in levels.denominator:
            own = 0.0
        amplitudes[name] = level * float(np.exp(0.01 * (scale + own)))
    return amplitudes


def _linewidth_hz(lineshape: Lineshape, *, person_rng: np.random.Generator, visit_rng: np.random.Generator) -> float:
    deviation = _normal_sum(person_rng, visit_rng, lineshape.linewidth_participant_sd_hz, lineshape.linewidth_session_sd_hz)
    return float(np.clip(lineshape.linewidth_hz + deviation, *lineshape.linewidth_range_hz))


def _macromolecules(description: StudyDescription, *, person_rng: np.random.Generator) -> float:
    deviation_percent = description.macromolecules.participant_sd_percent * float(person_rng.standard_normal())
    return description.macromolecules.level_mmol_per_l * float(np.exp(0.01 * deviation_percent))


def _lipid(description: StudyDescription, *, amplitudes: Mapping[str, float], visit_rng: np.random.Generator) -> float:
    present = visit_rng.random() < description.lipids.probability
    relative = float(visit_rng.uniform(*description.lipids.level_relative_to_tcr))
    return relative * total_creatine(amplitudes) if present else 0.0


def total_creatine(amplitudes: Mapping[str, float]) -> float:
    """Creatine plus phosphocreatine, as far as they are simulated."""
    return sum(amplitudes.get(name, 0.0) for name in ("Cr", "PCr"))


def response_percent(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True change of the ratio since the baseline at each transient, 100 x natural logarithm, shape (n_transients,)."""
    times = schedule(plan.description.timing)
    return visit.plateau_percent * risen(times.event_time_s, rise_time_s=plan.description.response.rise_time_s)


def amplitudes_over_time(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True amplitude of each metabolite in each transient, mmol/L, shape (n_transients, n_metabolites)."""
    factor = np.exp(0.01 * response_percent(plan, visit))[:, np.newaxis]
    names = plan.description.metabolites
    responds = np.isin(names, plan.description.levels.numerator)
    base = np.array([visit.amplitudes[name] for name in names])
    return np.asarray(base * np.where(responds, factor, 1.0))


def true_ratio(plan: StudyPlan, visit: Visit) -> FloatArray:
    """True ratio of the numerator to the denominator in each transient, shape (n_transients,)."""
    names, levels = plan.description.metabolites, plan.description.levels
    amplitudes = amplitudes_over_time(plan, visit)
    numerator = amplitudes[:, np.isin(names, levels.numerator)].sum(axis=1)
    return np.asarray(numerator / amplitudes[:, np.isin(names, levels.denominator)].sum(axis=1))

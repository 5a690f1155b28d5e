"""The plan of a study: who is measured under which condition, and the true values of every visit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.errors import unknown_name
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.people import Participant, participants
from mrs_pipeline.synthetic.response import expected_plateau_percent, response_deviation_percent
from mrs_pipeline.synthetic.streams import Purpose, stream
from mrs_pipeline.synthetic.timing import schedule
from mrs_pipeline.synthetic.tissue import Tissue, shifted, signal_weights, tissue, visit_tissue


@dataclass(frozen=True, kw_only=True)
class Move:
    """The head moves for good: from which transient on, what the voxel holds then, and what that does to frequency and linewidth."""

    transient: int
    tissue: Tissue
    frequency_hz: float
    linewidth_hz: float


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The true values of one visit before the infusion and the plateaus of what the infusion changes.

    ``concentrations`` are those in grey matter, ``amplitudes`` the signals after relaxation in the voxel (both mmol/L, before the infusion
    and before a move); ``deviation_percent`` is what person and visit add to the expected plateau of the response.
    """

    participant: Participant
    session: str
    index: int
    condition: str
    tissue: Tissue
    voxel_is_wrong: bool
    move: Move | None
    concentrations: Mapping[str, float]
    amplitudes: Mapping[str, float]
    plateau_percent: float
    deviation_percent: float
    linewidth_hz: float
    linewidth_change_hz: float
    lipid_mmol_per_l: float

    @property
    def period(self) -> int:
        """1 for the first visit, 2 for the second."""
        return self.index + 1

    @property
    def condition_index(self) -> int:
        """0 under the reference condition, 1 under the other one."""
        return self.index ^ self.participant.order


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """A description with its seed and everything about people and visits that follows from them; ``visits`` took place."""

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

    def stream(self, purpose: Purpose, visit: Visit) -> np.random.Generator:
        """The random numbers of one purpose at one visit."""
        return stream(self.seed, purpose=purpose, participant_index=visit.participant.index, session_index=visit.index + 1)


def study_plan(description: StudyDescription, *, seed: int) -> StudyPlan:
    """The plan that follows from a description and a seed; all randomness of people and visits, none of single transients."""
    people = participants(description, seed=seed)
    draws = [_Draws(description=description, seed=seed, participant=person, index=index) for person in people for index in (0, 1)]
    visits = tuple(_visit(drawn) for drawn in draws if _takes_place(drawn))
    return StudyPlan(description=description, seed=seed, participants=people, visits=visits)


@dataclass(frozen=True, kw_only=True)
class _Draws:
    """The random numbers of one person and one visit."""

    description: StudyDescription
    seed: int
    participant: Participant
    index: int

    def person(self, purpose: Purpose) -> np.random.Generator:
        return stream(self.seed, purpose=purpose, participant_index=self.participant.index)

    def visit(self, purpose: Purpose) -> np.random.Generator:
        return stream(self.seed, purpose=purpose, participant_index=self.participant.index, session_index=self.index + 1)

    def normal_sum(self, purpose: Purpose, person_sd: float, visit_sd: float) -> float:
        return float(person_sd * self.person(purpose).standard_normal() + visit_sd * self.visit(purpose).standard_normal())


def _takes_place(drawn: _Draws) -> bool:
    """Whether people come to a visit: always to the first one."""
    attrition = drawn.description.attrition
    if drawn.index == 0 or attrition.probability == 0:
        return True
    first = response_deviation_percent(drawn.description, seed=drawn.seed, participant=drawn.participant, index=0)
    strength = standardised_deviation(drawn.description, deviation_percent=first)
    odds = attrition.probability / (1 - attrition.probability) * np.exp(-attrition.log_odds_per_sd * strength)
    return bool(drawn.person("attrition").random() >= odds / (1 + odds))


def standardised_deviation(description: StudyDescription, *, deviation_percent: float) -> float:
    """Deviation of a response in standard deviations; 0 where responses do not vary."""
    sd = np.hypot(description.response.participant_sd_percent, description.response.session_sd_percent)
    return float(deviation_percent / sd) if sd else 0.0


def _visit(drawn: _Draws) -> Visit:
    """One visit: what the person always has, what this day adds, what the condition does."""
    description, person, index = drawn.description, drawn.participant, drawn.index
    voxel, wrong = _voxel(drawn)
    concentrations = _concentrations(drawn)
    amplitudes = dict(zip(concentrations, np.array(list(concentrations.values())) * signal_weights(description, voxel), strict=True))
    deviation = response_deviation_percent(description, seed=drawn.seed, participant=person, index=index)
    blood = description.haemodynamics
    change_hz = blood.linewidth_change_hz[index ^ person.order]
    return Visit(
        participant=person,
        session=str(index + 1),
        index=index,
        condition=person.conditions[index],
        tissue=voxel,
        voxel_is_wrong=wrong,
        move=_move(drawn, before=voxel),
        concentrations=concentrations,
        amplitudes={name: float(value) for name, value in amplitudes.items()},
        plateau_percent=expected_plateau_percent(description, participant=person, index=index) + deviation,
        deviation_percent=deviation,
        linewidth_hz=_linewidth_hz(drawn) + wrong * description.voxel.wrong_linewidth_hz,
        linewidth_change_hz=change_hz + drawn.normal_sum("haemodynamics", blood.participant_sd_hz, blood.session_sd_hz),
        lipid_mmol_per_l=_lipid(drawn, amplitudes=amplitudes),
    )


def _voxel(drawn: _Draws) -> tuple[Tissue, bool]:
    """The voxel of a visit and whether it is the wrong one."""
    section = drawn.description.voxel
    if drawn.visit("wrong voxel").random() < section.wrong_probability:
        return tissue(grey_matter=section.wrong_grey_matter, csf=section.wrong_csf), True
    placed = visit_tissue(drawn.description, seed=drawn.seed, participant_index=drawn.participant.index, index=drawn.index)
    return placed, False


def _move(drawn: _Draws, *, before: Tissue) -> Move | None:
    """A lasting move during the visit, in some visits."""
    section, rng = drawn.description.voxel, drawn.visit("moved voxel")
    n_transients = schedule(drawn.description.timing).n_transients
    happens, csf, grey_white, frequency = rng.random() < section.moved_probability, *rng.standard_normal(3)
    move = Move(
        transient=int(rng.integers(1, n_transients)),
        tissue=shifted(before, csf=section.moved_fraction_sd * csf, grey_white=section.moved_fraction_sd * grey_white),
        frequency_hz=float(section.moved_frequency_sd_hz * frequency),
        linewidth_hz=float(rng.uniform(*section.moved_linewidth_hz)),
    )
    return move if happens else None


def _concentrations(drawn: _Draws) -> dict[str, float]:
    """Concentrations in grey matter before the infusion: the ratio and the common scale vary by person and visit, others by person."""
    levels, person = drawn.description.levels, drawn.participant
    scale = drawn.normal_sum("scale", levels.scale_participant_sd_percent, levels.scale_session_sd_percent)
    ratio = drawn.normal_sum("ratio", levels.ratio_participant_sd_percent, levels.ratio_session_sd_percent)
    ratio += levels.period_percent * drawn.index + levels.sequence_percent * person.order
    own = levels.other_participant_sd_percent * drawn.person("metabolites").standard_normal(len(levels.concentrations_mmol_per_l))
    within = _composition(drawn)
    concentrations = {}
    for deviation, (name, level) in zip(own, levels.concentrations_mmol_per_l.items(), strict=True):
        if name in within:
            percent = scale + (ratio if name in levels.numerator else 0.0)
            concentrations[name] = level * within[name] * float(np.exp(0.01 * percent))
        else:
            concentrations[name] = level * float(np.exp(0.01 * (scale + deviation)))
    return concentrations


def _composition(drawn: _Draws) -> dict[str, float]:
    """Factor of each metabolite within numerator and denominator; the sum of the levels of either stays as it is."""
    levels, rng = drawn.description.levels, drawn.person("composition")
    factors: dict[str, float] = {}
    for names in (levels.numerator, levels.denominator):
        level = np.array([levels.concentrations_mmol_per_l[name] for name in names])
        free = np.exp(0.01 * levels.composition_participant_sd_percent * rng.standard_normal(len(names)))
        kept = free * (level.sum() / (level @ free) if level.any() else 1.0)
        factors.update(zip(names, kept.tolist(), strict=True))
    return factors


def _linewidth_hz(drawn: _Draws) -> float:
    lineshape = drawn.description.lineshape
    deviation = drawn.normal_sum("linewidth", lineshape.linewidth_participant_sd_hz, lineshape.linewidth_session_sd_hz)
    return float(np.clip(lineshape.linewidth_hz + deviation, *lineshape.linewidth_range_hz))


def _lipid(drawn: _Draws, *, amplitudes: Mapping[str, float]) -> float:
    lipids, rng = drawn.description.lipids, drawn.visit("lipid")
    present, relative = rng.random() < lipids.probability, float(rng.uniform(*lipids.level_relative_to_tcr))
    return relative * total_creatine(amplitudes) if present else 0.0


def total_creatine(amplitudes: Mapping[str, float]) -> float:
    """Creatine plus phosphocreatine, as far as they are simulated."""
    return float(sum(amplitudes.get(name, 0.0) for name in ("Cr", "PCr")))

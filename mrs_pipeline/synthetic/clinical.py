"""Clinical ratings of every visit: before the infusion, and later, when part of them has changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.plan import StudyPlan, Visit, standardised_deviation
from mrs_pipeline.synthetic.sections.people import ClinicalScale
from mrs_pipeline.synthetic.streams import stream

#: Name of the rating before the infusion.
BEFORE = "before"


@dataclass(frozen=True, kw_only=True)
class VisitScores:
    """One scale at one visit before rounding: the true level before, the true change, and the ratings, NaN where missing."""

    visit: Visit
    level: float
    change: float
    ratings: FloatArray


def scale_tables(plan: StudyPlan) -> dict[str, pd.DataFrame]:
    """The ratings of each scale: participant_id and `score_columns`; whole numbers within the scale.

    One row a person, as BIDS asks for where people are the index of a table.
    """
    return {name: _table(plan, scale, visit_scores(plan, name=name)) for name, scale in plan.description.clinical.items()}


def score_columns(scale: ClinicalScale) -> dict[str, tuple[str, str]]:
    """Columns of the ratings, such as ``ses1_before`` and ``ses2_day1``: session label and time of each."""
    return {f"ses{session}_{time}": (session, time) for session in ("1", "2") for time in (BEFORE, *scale.times)}


def _table(plan: StudyPlan, scale: ClinicalScale, scores: Sequence[VisitScores]) -> pd.DataFrame:
    rows: dict[str, dict[str, int]] = {person.participant: {} for person in plan.participants}
    for score in scores:
        whole = np.clip(np.rint(score.ratings), *scale.score_range)
        names = [column for column, (session, _) in score_columns(scale).items() if session == score.visit.session]
        found = {name: int(value) for name, value in zip(names, whole, strict=True) if not np.isnan(value)}
        rows[score.visit.participant.participant].update(found)
    table = pd.DataFrame(list(rows.values()), columns=list(score_columns(scale)), dtype=object)
    table.insert(0, "participant_id", [f"sub-{label}" for label in rows])
    return table.where(table.notna(), None)


def visit_scores(plan: StudyPlan, *, name: str) -> list[VisitScores]:
    """True levels, changes and ratings of a scale at every visit that took place."""
    scale, number = plan.description.clinical[name], list(plan.description.clinical).index(name)
    found: list[VisitScores] = []
    for visit in plan.visits:
        earlier = [score for score in found[-1:] if score.visit.participant.index == visit.participant.index]
        found.append(_scores(plan, visit, scale=scale, number=number, left=scale.carryover_share * earlier[0].change if earlier else 0.0))
    return found


def _scores(plan: StudyPlan, visit: Visit, *, scale: ClinicalScale, number: int, left: float) -> VisitScores:
    """One visit; ``left`` is what is left of an earlier change. Each scale has draws of its own, in the order of the description."""
    rng = plan.stream("clinical", visit).spawn(number + 1)[number]
    person = stream(plan.seed, purpose="clinical", participant_index=visit.participant.index).spawn(number + 1)[number]
    level = (
        scale.baseline_mean + scale.baseline_participant_sd * person.standard_normal() + scale.baseline_session_sd * rng.standard_normal()
    )
    change = _change(plan, visit, scale=scale, own=float(rng.standard_normal()))
    shares = np.array([0.0, *scale.times.values()])
    ratings = level + left + shares * change + scale.rating_sd * rng.standard_normal(len(shares))
    missing = rng.random(len(shares)) < scale.missing_probability
    missing[0] = False
    return VisitScores(visit=visit, level=float(level + left), change=change, ratings=np.where(missing, np.nan, ratings))


def _change(plan: StudyPlan, visit: Visit, *, scale: ClinicalScale, own: float) -> float:
    """Change of the score: the mean of the condition, a part that goes with the response of the ratio, and a part of its own.

    A normal pair with correlation r: r z + sqrt(1 - r^2) e.
    """
    strength, correlation = standardised_deviation(plan.description, deviation_percent=visit.deviation_percent), scale.response_correlation
    together = correlation * strength + np.sqrt(1 - correlation**2) * own
    return float(scale.change[visit.condition_index] + scale.change_sd * together)

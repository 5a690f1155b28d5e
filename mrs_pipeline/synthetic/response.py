"""What the infusion does to the ratio: in the population, at a visit, over time.

Plateau of a visit = reference plateau + effect of the condition (that of the person's sex) + effect of the second period + carry-over
from the first visit + deviations of the person and of the visit.
"""

from functools import lru_cache

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.people import Participant
from mrs_pipeline.synthetic.sections.physiology import Response
from mrs_pipeline.synthetic.sections.scanner import Timing
from mrs_pipeline.synthetic.streams import stream
from mrs_pipeline.synthetic.timing import risen_and_fallen, schedule


def response_course(description: StudyDescription) -> FloatArray:
    """Share of the plateau at each transient, shape (n_transients,)."""
    return _course(description.response, timing=description.timing)


def _course(response: Response, *, timing: Timing) -> FloatArray:
    return risen_and_fallen(
        schedule(timing).event_time_s,
        infusion_s=timing.infusion_s,
        rise_time_s=response.rise_time_s,
        decay_time_s=response.decay_time_s,
    )


def mean_course(description: StudyDescription) -> float:
    """Mean of `response_course` over the planned transients of the infusion."""
    return _mean_course(description.response, description.timing)


@lru_cache(maxsize=16)
def _mean_course(response: Response, timing: Timing) -> float:
    return float(_course(response, timing=timing)[schedule(timing).infusion].mean())


def population_plateaus_percent(description: StudyDescription, *, sex: str | None = None) -> tuple[float, float]:
    """Plateau under the reference and under the other condition, in one sex or with both weighing the same.

    The second is chosen so that the mean over the recorded infusion differs by exactly the described contrast.
    """
    response = description.response
    side = {"M": 0.5, "F": -0.5, None: 0.0}[sex]
    contrast = response.contrast_percent + side * response.contrast_male_minus_female_percent
    return response.plateau_percent, response.plateau_percent + contrast / mean_course(description)


def expected_plateau_percent(description: StudyDescription, *, participant: Participant, index: int) -> float:
    """Plateau of a visit without the deviations of person and visit: condition, sex, period and carry-over."""
    response, conditions = description.response, description.design.conditions
    plateau = population_plateaus_percent(description, sex=participant.sex)[conditions.index(participant.conditions[index])]
    return plateau + index * (response.period_percent + carryover_percent(description, participant=participant))


def carryover_percent(description: StudyDescription, *, participant: Participant) -> float:
    """What is left of the first visit's after-effect at the second one."""
    response = description.response
    at_once = response.carryover_percent[description.design.conditions.index(participant.conditions[0])]
    return float(at_once * 0.5 ** (participant.washout_days / response.carryover_half_life_days))


def response_deviation_percent(description: StudyDescription, *, seed: int, participant: Participant, index: int) -> float:
    """How far the plateau of a visit lies from its expectation: a part of the person and one of the visit."""
    person = stream(seed, purpose="response", participant_index=participant.index).standard_normal()
    visit = stream(seed, purpose="response", participant_index=participant.index, session_index=index + 1).standard_normal()
    return float(description.response.participant_sd_percent * person + description.response.session_sd_percent * visit)

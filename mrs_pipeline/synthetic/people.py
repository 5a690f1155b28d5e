"""The people of a study: order of their conditions, sex, age, days between their visits."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import BoolArray
from mrs_pipeline.synthetic.description import StudyDescription
from mrs_pipeline.synthetic.streams import stream


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One person; ``sequence`` is the order of conditions such as ``placebo-naltrexone``, ``order`` 0 where the reference comes first."""

    participant: str
    index: int
    sex: str
    age_years: int
    sequence: str
    conditions: tuple[str, str]
    order: int
    washout_days: int


def participants(description: StudyDescription, *, seed: int) -> tuple[Participant, ...]:
    """People with randomised sequences, as many of one as of the other (one more where the number is odd)."""
    design, n = description.design, description.design.n_participants
    orders = _shuffled(n, share=0.5, rng=stream(seed, purpose="order"))
    women = _shuffled(n, share=design.female_share, rng=stream(seed, purpose="sex"))
    ages = stream(seed, purpose="age").integers(int(design.age_years[0]), int(design.age_years[1]) + 1, size=n)
    washouts = stream(seed, purpose="washout").integers(int(design.washout_days[0]), int(design.washout_days[1]) + 1, size=n)
    n_digits = max(2, len(str(n)))
    people = []
    for index in range(n):
        first, second = design.conditions[::-1] if orders[index] else design.conditions
        person = Participant(
            participant=f"{index + 1:0{n_digits}d}",
            index=index,
            sex="F" if women[index] else "M",
            age_years=int(ages[index]),
            sequence=f"{first}-{second}",
            conditions=(first, second),
            order=int(orders[index]),
            washout_days=int(washouts[index]),
        )
        people.append(person)
    return tuple(people)


def _shuffled(n: int, *, share: float, rng: np.random.Generator) -> BoolArray:
    """The described share of n places in random order; halves are rounded down."""
    return np.asarray(rng.permutation(np.arange(n) < np.floor(share * n + 1e-9)))

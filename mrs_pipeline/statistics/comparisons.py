"""Which conditions are compared: each with the reference, the factors of a factorial design and their interaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import ConfigError, unknown_name

#: Name of a factor -> name of its level -> conditions with that level; two levels, the reference first.
Factors = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A weighted sum of conditions. ``pair`` is (condition, reference) where it is the difference between two."""

    name: str
    weights: Mapping[str, float]
    pair: tuple[str, str] | None = None

    @property
    def conditions(self) -> tuple[str, ...]:
        """Conditions that count."""
        return tuple(self.weights)

    def over(self, conditions: Sequence[str]) -> FloatArray:
        """Weights in the order of ``conditions``; shape (n_conditions,)."""
        return np.array([self.weights.get(condition, 0.0) for condition in conditions])


def pair_name(pair: tuple[str, str]) -> str:
    """How a pair (condition, reference) is written in tables."""
    return f"{pair[0]} - {pair[1]}"


def comparisons(conditions: Sequence[str], *, factors: Factors) -> tuple[Comparison, ...]:
    """Every later condition less the first, then the factors whose conditions are all there; a single condition stands for itself."""
    if len(conditions) == 1:
        return (Comparison(name=conditions[0], weights={conditions[0]: 1.0}),)
    pairs = [(condition, conditions[0]) for condition in conditions[1:]]
    found = [Comparison(name=pair_name(pair), weights={pair[0]: 1.0, pair[1]: -1.0}, pair=pair) for pair in pairs]
    effects = {name: _effect(levels) for name, levels in factors.items()}
    found += [Comparison(name=_factor_name(name, factors[name]), weights=effect) for name, effect in effects.items()]
    for first, second in combinations(factors, 2):
        product = {condition: weight * effects[second][condition] for condition, weight in effects[first].items()}
        found.append(Comparison(name=f"{first} x {second}", weights=_of_unit_cells(product)))
    return tuple(item for item in found if set(item.conditions) <= set(conditions))


def check_factors(factors: Factors, *, conditions: Sequence[str]) -> None:
    """`ConfigError` unless each factor shares out all conditions among two levels, and two factors cross."""
    for name, levels in factors.items():
        if len(levels) != 2:
            raise ConfigError(f"'statistics: factors: {name}' must have two levels, the reference first, each with a list of conditions")
        listed = [condition for level in levels.values() for condition in level]
        for condition in listed:
            if condition not in conditions:
                raise unknown_name(f"condition in 'statistics: factors: {name}'", condition, conditions)
        if sorted(listed) != sorted(conditions):
            raise ConfigError(f"'statistics: factors: {name}' must name each of the conditions {', '.join(conditions)} in one level")
    for first, second in combinations(factors, 2):
        cells = {(a, b) for a, one in factors[first].items() for b, other in factors[second].items() if set(one) & set(other)}
        if len(cells) < 4:
            raise ConfigError(f"the factors '{first}' and '{second}' do not cross: every pair of their levels needs a condition")


def _effect(levels: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Mean over the conditions of the second level less that of the first."""
    reference, other = levels.values()
    return {**{name: 1 / len(other) for name in other}, **{name: -1 / len(reference) for name in reference}}


def _factor_name(factor: str, levels: Mapping[str, Sequence[str]]) -> str:
    reference, other = levels
    return f"{factor}, {other} - {reference}"


def _of_unit_cells(product: Mapping[str, float]) -> dict[str, float]:
    """Weights of a difference of differences: those of one sign add up to 2."""
    total = sum(abs(weight) for weight in product.values())
    return {name: 4 * weight / total for name, weight in product.items()}

"""Soft priors on ratios of amplitudes, such as those of macromolecule components, as penalties linear in the amplitudes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.macromolecules import RatioPrior


@dataclass(frozen=True, kw_only=True)
class RatioRows:
    """Priors on ratios as matrices over the components: `numerators` and `denominators` of ones, shape (n_priors, n_components)."""

    numerators: FloatArray
    denominators: FloatArray
    mean: FloatArray
    sd: FloatArray

    def rows(self, *, amplitudes: FloatArray, sd: FloatArray) -> FloatArray:
        """Rows R such that |R a|^2 penalises departures from the ratios, scaled by the denominators' present amplitudes.

        A denominator counts as at least one of its standard errors (`sd`): one that happens to be near zero says nothing about the
        numerator, and must not tie it to zero.
        """
        reference = np.maximum(self.denominators @ amplitudes, np.sqrt(self.denominators @ sd**2))
        return (self.numerators - self.mean[:, None] * self.denominators) / (self.sd * reference)[:, None]

    def within(self, components: Collection[int]) -> "RatioRows":
        """The priors that concern none but these components, given by their numbers."""
        outside = np.ones(self.numerators.shape[1], dtype=bool)
        outside[list(components)] = False
        acting = ~(self.numerators + self.denominators)[:, outside].any(axis=1)
        return RatioRows(**{item.name: getattr(self, item.name)[acting] for item in fields(self)})


def ratio_rows(priors: Sequence[RatioPrior], *, components: tuple[str, ...]) -> RatioRows:
    """The priors whose components are all in the basis; the others do not act."""
    acting = [prior for prior in priors if {prior.numerator, *prior.denominator} <= set(components)]
    return RatioRows(
        numerators=_ones([(prior.numerator,) for prior in acting], components),
        denominators=_ones([prior.denominator for prior in acting], components),
        mean=np.array([prior.mean for prior in acting], dtype=float),
        sd=np.array([prior.sd for prior in acting], dtype=float),
    )


def _ones(names: Sequence[Sequence[str]], components: tuple[str, ...]) -> FloatArray:
    return np.array([[float(component in row) for component in components] for row in names]).reshape(len(names), len(components))

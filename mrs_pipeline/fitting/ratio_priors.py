"""Soft priors on ratios of amplitudes, such as those of macromolecule components, as penalties linear in the amplitudes."""

from collections.abc import Sequence

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.macromolecules import RatioPrior


def ratio_rows(priors: Sequence[RatioPrior], *, components: tuple[str, ...], amplitudes: FloatArray, sd: FloatArray) -> FloatArray:
    """Rows R such that |R a|^2 penalises departures from the ratios, scaled by the denominators' present amplitudes.

    A denominator counts as at least one of its standard errors (`sd`): one that happens to be near zero says nothing about the numerator,
    and must not tie it to zero. A prior whose components are not all in the basis does not act.
    """
    rows = [_row(prior, components, amplitudes, sd) for prior in priors if {prior.numerator, *prior.denominator} <= set(components)]
    return np.array(rows) if rows else np.zeros((0, len(components)))


def _row(prior: RatioPrior, components: tuple[str, ...], amplitudes: FloatArray, sd: FloatArray) -> FloatArray:
    below = [components.index(name) for name in prior.denominator]
    reference = max(float(amplitudes[below].sum()), float(np.linalg.norm(sd[below])))
    row = np.zeros(len(components))
    row[components.index(prior.numerator)] = 1.0
    row[below] -= prior.mean
    return row / (prior.sd * reference)

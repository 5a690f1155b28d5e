"""Soft priors on ratios of amplitudes, such as those of macromolecule components, as penalties linear in the amplitudes."""

from collections.abc import Sequence

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.basis.macromolecules import RatioPrior


def ratio_rows(priors: Sequence[RatioPrior], *, components: tuple[str, ...], amplitudes: FloatArray) -> FloatArray:
    """Rows R such that |R a|^2 penalises departures from the ratios, scaled by the denominators' present amplitudes.

    A prior whose components are not all in the basis, or whose denominator is zero, does not act.
    """
    rows = [_row(prior, components, amplitudes) for prior in priors if {prior.numerator, *prior.denominator} <= set(components)]
    kept = [row for row in rows if row is not None]
    return np.array(kept) if kept else np.zeros((0, len(components)))


def _row(prior: RatioPrior, components: tuple[str, ...], amplitudes: FloatArray) -> FloatArray | None:
    below = [components.index(name) for name in prior.denominator]
    reference = float(amplitudes[below].sum())
    if not reference > 0.0:
        return None
    row = np.zeros(len(components))
    row[components.index(prior.numerator)] = 1.0
    row[below] -= prior.mean
    return row / (prior.sd * reference)

"""Two fits of the same spectrum compared by criteria that weigh misfit against freedom."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.errors import DataError
from mrs_pipeline.fitting.adequacy import criteria
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.linearisation import linearised
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit

#: Energy of the fitted data may differ this much, relative, between two fits: what the ends of the range gain and lose by their shifts.
SAME_DATA = 0.05


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Criteria of the second fit less those of the first: negative where the second is preferred; NaN if either failed."""

    aicc_difference: float
    bic_difference: float
    dimension_difference: float


def compare_fits(first: SpectrumFit, second: SpectrumFit, *, first_fitter: Fitter, second_fitter: Fitter) -> Comparison:
    """Compare two fits of one spectrum; `DataError` if their data are not the same. A difference of 10 is decisive, one of 2 is none.

    Burnham & Anderson 2004 (Sociol Methods Res 33:261) for these words; the criteria are those of `adequacy.criteria`.
    """
    models = (linearised(first, fitter=first_fitter), linearised(second, fitter=second_fitter))
    if models[0] is None or models[1] is None or first.curves is None or second.curves is None:
        return Comparison(aicc_difference=np.nan, bic_difference=np.nan, dimension_difference=np.nan)
    energies = [float(np.sum(np.abs(curves.data) ** 2)) for curves in (first.curves, second.curves)]
    if first.curves.data.size != second.curves.data.size or abs(energies[1] / energies[0] - 1.0) > SAME_DATA:
        raise DataError("the two fits are not of the same points of the same spectrum: give both the same data and fitting.ppm_range")
    (aicc, bic), (second_aicc, second_bic) = criteria(models[0]), criteria(models[1])
    return Comparison(
        aicc_difference=second_aicc - aicc,
        bic_difference=second_bic - bic,
        dimension_difference=models[1].effective_dimension - models[0].effective_dimension,
    )

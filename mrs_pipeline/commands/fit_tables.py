"""Result tables of fits: amplitudes, measures and quality, one row per spectrum and name."""

from collections.abc import Sequence

import pandas as pd

from mrs_pipeline.fitting.spectrum_fit import QUALITY_NAMES, SpectrumFit
from mrs_pipeline.quantification.measures import MeasureDefinition, evaluate_measure


def amplitude_table(fits: Sequence[SpectrumFit]) -> pd.DataFrame:
    """Columns spectrum, metabolite, amplitude, sd."""
    rows = [
        {"spectrum": index, "metabolite": name, "amplitude": amplitude, "sd": sd}
        for index, fit in enumerate(fits)
        for name, amplitude, sd in zip(fit.metabolites, fit.amplitudes.tolist(), fit.sd.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["spectrum", "metabolite", "amplitude", "sd"])


def measure_table(fits: Sequence[SpectrumFit], *, definitions: Sequence[MeasureDefinition], estimator: str) -> pd.DataFrame:
    """Columns spectrum, measure, value, sd, terms, estimator."""
    rows = [
        {"spectrum": index, "measure": item.name, "value": item.value, "sd": item.sd, "terms": item.terms, "estimator": estimator}
        for index, fit in enumerate(fits)
        for item in (evaluate_measure(fit, definition=definition) for definition in definitions)
    ]
    return pd.DataFrame(rows, columns=["spectrum", "measure", "value", "sd", "terms", "estimator"])


def quality_table(fits: Sequence[SpectrumFit]) -> pd.DataFrame:
    """Columns spectrum, status, reason, then every quality number."""
    rows = [
        {"spectrum": index, "status": fit.status, "reason": fit.reason, **{name: fit.quality[name] for name in QUALITY_NAMES}}
        for index, fit in enumerate(fits)
    ]
    return pd.DataFrame(rows, columns=["spectrum", "status", "reason", *QUALITY_NAMES])

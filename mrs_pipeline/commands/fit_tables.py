"""Result tables of fits: amplitudes, measures and quality, one row per spectrum and name."""

from collections.abc import Sequence

import pandas as pd

from mrs_pipeline.commands.quantification import Quantified
from mrs_pipeline.fitting.spectrum_fit import QUALITY_NAMES, SpectrumFit
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition, evaluate_measure


def amplitude_table(fits: Sequence[SpectrumFit]) -> pd.DataFrame:
    """Columns spectrum, metabolite, amplitude, sd."""
    rows = [
        {"spectrum": index, "metabolite": name, "amplitude": amplitude, "sd": sd}
        for index, fit in enumerate(fits)
        for name, amplitude, sd in zip(fit.metabolites, fit.amplitudes.tolist(), fit.sd.tolist(), strict=True)
    ]
    return pd.DataFrame(rows, columns=["spectrum", "metabolite", "amplitude", "sd"])


def measure_table(
    fits: Sequence[SpectrumFit], *, definitions: Sequence[MeasureDefinition], estimator: str, quantified: Quantified | None = None
) -> pd.DataFrame:
    """Columns spectrum, measure, value, sd, terms, estimator; with concentrations also their rows and columns unit, scale_sd_percent."""
    plain = [_row(index, evaluate_measure(fit, definition=item), estimator) for index, fit in enumerate(fits) for item in definitions]
    columns = ["spectrum", "measure", "value", "sd", "terms", "estimator"]
    if quantified is None:
        return pd.DataFrame(plain, columns=columns)
    ratios = {item.name for item in definitions if item.denominator}
    rows = [row | {"unit": "1" if row["measure"] in ratios else "arbitrary"} for row in plain]
    for definition in definitions:
        scale_sd = quantified.scale_sd_percent(fits, definition=definition)
        for index, fit in enumerate(fits):
            for unit, item in quantified.concentrations(fit, definition=definition).items():
                rows.append(_row(index, item, estimator) | {"unit": unit, "scale_sd_percent": scale_sd.get(item.name)})
    table = pd.DataFrame(rows, columns=[*columns, "unit", "scale_sd_percent"])
    return table.sort_values("spectrum", kind="stable", ignore_index=True)


def _row(index: int, item: Measure, estimator: str) -> dict[str, object]:
    return {"spectrum": index, "measure": item.name, "value": item.value, "sd": item.sd, "terms": item.terms, "estimator": estimator}


def quality_table(fits: Sequence[SpectrumFit]) -> pd.DataFrame:
    """Columns spectrum, status, reason, then every quality number."""
    rows = [
        {"spectrum": index, "status": fit.status, "reason": fit.reason, **{name: fit.quality[name] for name in QUALITY_NAMES}}
        for index, fit in enumerate(fits)
    ]
    return pd.DataFrame(rows, columns=["spectrum", "status", "reason", *QUALITY_NAMES])

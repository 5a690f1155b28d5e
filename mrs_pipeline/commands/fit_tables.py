"""Result tables of fits: amplitudes, measures and quality, one row per spectrum and name.

They are columns by name, which `io.tables.write_table` and pandas take alike: importing pandas lasts longer than a fit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.fitting.adequacy import ADEQUACY_NAMES, Adequacy, baseline_inflation
from mrs_pipeline.fitting.spectrum_fit import QUALITY_NAMES, SpectrumFit
from mrs_pipeline.quantification.intervals import Interval, IntervalOptions
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition, evaluate_measure, measure_gradient, own_covariance
from mrs_pipeline.quantification.pairs import NAMED_PAIRS

if TYPE_CHECKING:
    from mrs_pipeline.commands.quantification import Quantified

#: The values of a table by column, all of the same length.
Columns = dict[str, list[object]]

#: What a table says of an interval: its ends, and which kind it is.
INTERVAL_COLUMNS = ("ci_low", "ci_high", "interval")
#: Other pairs are in the table from this size of the correlation on.
LEAST_CORRELATION = 0.3


def table_of(rows: Iterable[Mapping[str, object]], *, columns: Sequence[str]) -> Columns:
    """The named columns of rows, NaN where a row has no value of that name."""
    given = list(rows)
    return {name: [row.get(name, np.nan) for row in given] for name in columns}


def joined(tables: Sequence[Columns]) -> Columns:
    """Tables of the same columns one below the other."""
    return {name: [value for table in tables for value in table[name]] for name in tables[0]}


def amplitude_table(fits: Sequence[SpectrumFit], *, checks: Sequence[Adequacy], intervals: IntervalOptions) -> Columns:
    """Columns spectrum, metabolite, amplitude, sd, sd_within, sd_percent (NaN for an amplitude of zero), interval, baseline_inflation."""
    columns = ["spectrum", "metabolite", "amplitude", "sd", "sd_within", "sd_percent", *INTERVAL_COLUMNS, "baseline_inflation"]
    rows = [
        row
        for index, (fit, check) in enumerate(zip(fits, checks, strict=True))
        for row in _amplitude_rows(index, fit, check=check, intervals=intervals)
    ]
    return table_of(rows, columns=columns)


def _amplitude_rows(index: int, fit: SpectrumFit, *, check: Adequacy, intervals: IntervalOptions) -> Iterator[dict[str, object]]:
    weights, within = np.eye(len(fit.metabolites)), np.sqrt(np.diag(own_covariance(fit))).tolist()
    for number, (name, amplitude, sd) in enumerate(zip(fit.metabolites, fit.amplitudes.tolist(), fit.sd.tolist(), strict=True)):
        inflation = baseline_inflation(weights[number], covariance=fit.covariance, check=check)
        found = {"spectrum": index, "metabolite": name, "amplitude": amplitude, "sd": sd, "sd_within": within[number]}
        found["sd_percent"] = _percent(sd, amplitude)
        yield found | _interval_cells(intervals.of_sum(amplitude, sd)) | {"baseline_inflation": inflation}


def _percent(sd: float, amplitude: float) -> float:
    return 100.0 * sd / amplitude if amplitude > 0 else np.nan


def _interval_cells(interval: Interval) -> dict[str, object]:
    return dict(zip(INTERVAL_COLUMNS, (interval.low, interval.high, interval.kind), strict=True))


def correlation_table(fits: Sequence[SpectrumFit]) -> Columns:
    """Correlations of estimated amplitudes: `NAMED_PAIRS`, and all pairs of at least `LEAST_CORRELATION`; nothing of failed fits.

    Columns spectrum, metabolite, metabolite_2, correlation, correlation_within (of differences to other spectra of the session).
    """
    rows = [{"spectrum": index, **row} for index, fit in enumerate(fits) for row in _correlations(fit)]
    return table_of(rows, columns=["spectrum", "metabolite", "metabolite_2", "correlation", "correlation_within"])


def _correlations(fit: SpectrumFit) -> Iterator[dict[str, object]]:
    if not np.all(np.isfinite(fit.covariance)):
        return
    matrix, own = _correlation_matrix(fit.covariance), _correlation_matrix(own_covariance(fit))
    for first, second in zip(*np.triu_indices(len(fit.metabolites), 1), strict=True):
        pair = {fit.metabolites[first], fit.metabolites[second]}
        if abs(matrix[first, second]) >= LEAST_CORRELATION or pair in [set(named) for named in NAMED_PAIRS]:
            named = {"metabolite": fit.metabolites[first], "metabolite_2": fit.metabolites[second]}
            yield named | {"correlation": float(matrix[first, second]), "correlation_within": float(own[first, second])}


def _correlation_matrix(covariance: FloatArray) -> FloatArray:
    """Correlations behind a covariance; NaN of what has no variance."""
    sd = np.sqrt(np.diag(covariance))
    scale = np.where(sd > 0.0, sd, np.nan)
    return np.asarray(covariance / np.outer(scale, scale))


def measure_table(
    fits: Sequence[SpectrumFit],
    *,
    checks: Sequence[Adequacy],
    definitions: Sequence[MeasureDefinition],
    estimator: str,
    intervals: IntervalOptions,
    quantified: "Quantified | None" = None,
) -> Columns:
    """Value, standard error and interval of every measure; with concentrations also their rows and columns unit, scale_sd_percent."""
    plain = [
        _row(index, evaluate_measure(fit, definition=item, intervals=intervals), estimator)
        | {"baseline_inflation": measure_inflation(fit, definition=item, check=check)}
        for index, (fit, check) in enumerate(zip(fits, checks, strict=True))
        for item in definitions
    ]
    columns = ["spectrum", "measure", "value", "sd", "sd_within", *INTERVAL_COLUMNS, "baseline_inflation", "terms", "estimator"]
    if quantified is None:
        return table_of(plain, columns=columns)
    ratios = {item.name for item in definitions if item.denominator}
    rows = [row | {"unit": "1" if row["measure"] in ratios else "arbitrary"} for row in plain]
    for definition in definitions:
        scale_sd = quantified.scale_sd_percent(fits, definition=definition)
        for index, fit in enumerate(fits):
            for unit, item in quantified.concentrations(fit, definition=definition, intervals=intervals).items():
                rows.append(_row(index, item, estimator) | {"unit": unit, "scale_sd_percent": scale_sd.get(item.name)})
    return table_of(sorted(rows, key=itemgetter("spectrum")), columns=[*columns, "unit", "scale_sd_percent"])


def _row(index: int, item: Measure, estimator: str) -> dict[str, object]:
    errors = {"sd": item.sd, "sd_within": item.sd_within}
    found = {"spectrum": index, "measure": item.name, "value": item.value, "terms": item.terms, "estimator": estimator}
    return found | errors | _interval_cells(item.interval)


def measure_inflation(fit: SpectrumFit, *, definition: MeasureDefinition, check: Adequacy) -> float:
    """How many times larger the freedom of the baseline makes the variance of a measure."""
    return baseline_inflation(measure_gradient(fit, definition=definition), covariance=fit.covariance, check=check)


def quality_table(fits: Sequence[SpectrumFit], *, checks: Sequence[Adequacy]) -> Columns:
    """Columns spectrum, status, reason, then every number of quality and adequacy, and warnings."""
    rows = [
        {"spectrum": index, "status": fit.status, "reason": fit.reason, "warnings": "; ".join(check.warnings)}
        | {name: fit.quality[name] for name in QUALITY_NAMES}
        | dict(check.numbers)
        for index, (fit, check) in enumerate(zip(fits, checks, strict=True))
    ]
    return table_of(rows, columns=["spectrum", "status", "reason", *QUALITY_NAMES, *ADEQUACY_NAMES, "warnings"])

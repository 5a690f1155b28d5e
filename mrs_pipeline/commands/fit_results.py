"""What is made of fits, whether of a file or of the windows of a session: tables and remarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.fit_remarks import fit_remarks
from mrs_pipeline.commands.fit_tables import Columns, amplitude_table, correlation_table, joined, measure_table, quality_table
from mrs_pipeline.commands.one_estimator import INDEPENDENT
from mrs_pipeline.fitting.adequacy import UNKNOWN, check_adequacy
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.intervals import IntervalOptions
from mrs_pipeline.quantification.measures import DEFAULT_MEASURES, MeasureDefinition, check_metabolites, measure_definitions

if TYPE_CHECKING:
    from mrs_pipeline.commands.quantification import Quantified


@dataclass(frozen=True, kw_only=True)
class FitResults:
    """Tables by file name, remarks on the fits, and the definitions and intervals behind them."""

    tables: Mapping[str, Columns]
    remarks: tuple[str, ...]
    definitions: tuple[MeasureDefinition, ...]
    intervals: IntervalOptions


def fit_results(
    fits: Sequence[SpectrumFit],
    *,
    fitter: Fitter,
    config: Mapping[str, Any],
    quantified: "Quantified | None" = None,
    others: Mapping[str, Sequence[SpectrumFit]] = MappingProxyType({}),
) -> FitResults:
    """Tables of amplitudes, their correlations, measures and quality; `config` needs the sections `measures` and `intervals`.

    `others` are fits of the same spectra by other estimators, whose measures follow in the same table.
    """
    definitions, intervals = definitions_for(config, fitter), IntervalOptions.from_mapping(config["intervals"])
    checks = [check_adequacy(fit, fitter=fitter) for fit in fits]
    of_estimators = [
        measure_table(found, checks=known, definitions=definitions, estimator=name, intervals=intervals, quantified=quantified)
        for name, found, known in [(INDEPENDENT, fits, checks), *((name, found, [UNKNOWN] * len(found)) for name, found in others.items())]
    ]
    return FitResults(
        tables={
            "amplitudes.tsv": amplitude_table(fits, checks=checks, intervals=intervals),
            "correlations.tsv": correlation_table(fits),
            "measures.tsv": joined(of_estimators),
            "fitquality.tsv": quality_table(fits, checks=checks),
        },
        remarks=fit_remarks(fits, checks=checks, definitions=definitions),
        definitions=definitions,
        intervals=intervals,
    )


def definitions_for(config: Mapping[str, Any], fitter: Fitter) -> tuple[MeasureDefinition, ...]:
    """The measures every table holds and those of the study; the study's own must find their metabolites in the basis."""
    own = config["measures"]
    definitions = measure_definitions({**DEFAULT_MEASURES, **own})
    check_metabolites([item for item in definitions if item.name in own], metabolites=fitter.basis.metabolites)
    return definitions

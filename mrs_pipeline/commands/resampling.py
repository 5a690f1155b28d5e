"""Table of what refits of rebuilt spectra say of every amplitude and measure of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrs_pipeline.commands.fit_tables import Columns, table_of
from mrs_pipeline.fitting.bootstrap import Resampled, refits, summarise
from mrs_pipeline.fitting.fit import Fitter
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.intervals import IntervalOptions
from mrs_pipeline.quantification.measures import Measure, MeasureDefinition, evaluate_measure

COLUMNS = (
    "spectrum", "measure", "value", "sd",
    "resampled_bias", "resampled_sd", "resampled_low", "resampled_high", "sd_ratio", "coverage", "n_draws", "n_failed",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """Numbers of refits asked for (0: none), and the seed from which everything random follows."""

    bootstrap: int = 0
    monte_carlo: int = 0
    seed: int = 0

    @property
    def tables(self) -> dict[str, tuple[int, bool]]:
        """By name of the table: number of refits of each spectrum, and whether nuisances are redrawn from their priors."""
        wanted = {"bootstrap": (self.bootstrap, False), "montecarlo": (self.monte_carlo, True)}
        return {name: entry for name, entry in wanted.items() if entry[0]}


NO_RESAMPLING = Resampling()


def resampled_table(
    fits: Sequence[SpectrumFit],
    *,
    fitter: Fitter,
    definitions: Sequence[MeasureDefinition],
    intervals: IntervalOptions,
    n_draws: int,
    redrawn: bool,
    seed: int,
) -> Columns:
    """`COLUMNS` for every measure and component of every fit; fits that failed have none to resample and no rows."""
    every = [*definitions, *(MeasureDefinition(name=name, numerator=(name,)) for name in fitter.basis.metabolites)]
    rows = []
    for index, fit in enumerate(fits):
        if fit.curves is None:
            continue
        draws = list(refits(fit, fitter=fitter, n_draws=n_draws, rng=np.random.default_rng([seed, index]), redrawn=redrawn))
        rows += [{"spectrum": index} | _row(fit, draws, definition=definition, intervals=intervals) for definition in every]
    return table_of(rows, columns=COLUMNS)


def _row(fit: SpectrumFit, draws: Sequence[SpectrumFit], *, definition: MeasureDefinition, intervals: IntervalOptions) -> dict[str, object]:
    found = evaluate_measure(fit, definition=definition, intervals=intervals)
    drawn: list[Measure] = [evaluate_measure(draw, definition=definition, intervals=intervals) for draw in draws]
    summary = summarise(
        Resampled(
            truth=found.value,
            values=np.array([item.value for item in drawn]),
            sds=np.array([item.sd for item in drawn]),
            low=np.array([item.interval.low for item in drawn]),
            high=np.array([item.interval.high for item in drawn]),
        ),
        confidence=intervals.confidence,
    )
    return {
        "measure": definition.name,
        "value": found.value,
        "sd": found.sd,
        "resampled_bias": summary.bias,
        "resampled_sd": summary.sd,
        "resampled_low": summary.low,
        "resampled_high": summary.high,
        "sd_ratio": summary.sd_ratio,
        "coverage": summary.coverage,
        "n_draws": summary.n_draws,
        "n_failed": summary.n_failed,
    }

"""What a reader of fits must know beyond their numbers: sentences over all spectra of a file or session."""

from collections.abc import Iterator, Sequence

import numpy as np

from mrs_pipeline.commands.fit_tables import measure_inflation
from mrs_pipeline.fitting.adequacy import LARGEST_INFLATION, LARGEST_Z, NOT_NOISE, TOO_NOISY, Adequacy
from mrs_pipeline.fitting.spectrum_fit import SpectrumFit
from mrs_pipeline.quantification.measures import MeasureDefinition


def fit_remarks(fits: Sequence[SpectrumFit], *, checks: Sequence[Adequacy], definitions: Sequence[MeasureDefinition]) -> tuple[str, ...]:
    """Structured residuals, doubtful noise, missing lines, measures a baseline could change: a sentence each, none if all is well."""
    usable = [number for number, check in enumerate(checks) if np.isfinite(check.numbers["effective_dimension"])]
    fits, checks = [fits[number] for number in usable], [checks[number] for number in usable]
    return (*_structured(checks), *_noise(checks), *_lines(checks), *_coupled(fits, checks=checks, definitions=definitions))


def _structured(checks: Sequence[Adequacy]) -> Iterator[str]:
    found = [check.numbers["residual_structure"] for check in checks if NOT_NOISE in check.warnings]
    if found:
        yield (
            f"in {len(found)} of {len(checks)} fits the residual is not noise (up to {max(found):.1f} times the energy of noise early in "
            "time): the model lacks something, and standard errors do not know of the bias"
        )


def _noise(checks: Sequence[Adequacy]) -> Iterator[str]:
    n_found = sum(TOO_NOISY in check.warnings for check in checks)
    if n_found:
        yield (
            f"in {n_found} of {len(checks)} fits the noise estimate is larger than the residual: there are signals or a filter outside "
            "the fitted range, and standard errors are too large"
        )


def _lines(checks: Sequence[Adequacy]) -> Iterator[str]:
    scores = np.array([check.numbers["missing_line_z"] for check in checks])
    for sign, words in ((1.0, "a line near {ppm:.2f} ppm is not in the basis"), (-1.0, "the fit is too high near {ppm:.2f} ppm")):
        high = np.flatnonzero(sign * np.nan_to_num(scores) > LARGEST_Z)
        if high.size:
            worst = int(high[np.argmax(np.abs(scores[high]))])
            where = words.format(ppm=checks[worst].numbers["missing_line_ppm"])
            yield f"{where}: the residual of {high.size} of {len(checks)} fits holds one, of up to {abs(scores[worst]):.0f} standard errors"


def _coupled(fits: Sequence[SpectrumFit], *, checks: Sequence[Adequacy], definitions: Sequence[MeasureDefinition]) -> Iterator[str]:
    coupled = {}
    for item in definitions:
        values = [measure_inflation(fit, definition=item, check=check) for fit, check in zip(fits, checks, strict=True)]
        finite = [value for value in values if np.isfinite(value)]
        if finite and float(np.median(finite)) > LARGEST_INFLATION:
            coupled[item.name] = float(np.median(finite))
    if coupled:
        stated = ", ".join(f"{name} ({value:.0f} times)" for name, value in coupled.items())
        yield f"the baseline can take the place of {stated}: its freedom multiplies their variance; compare fits with another stiffness"

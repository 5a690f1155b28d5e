"""Results of other programs for the challenge's files: LCModel's ``.table``, FSL-MRS' ``summary.csv`` or a csv of concentrations.

The number of the set is the last one after ``dataset`` in the path. Amplitudes are of any unit: only ratios are read from them. The own
standard deviation of a ratio is put together from the printed percentages of sums (LCModel's ``Glu+Gln`` and ``NAA+NAAG``) or else of
single metabolites, as if they were independent: these files state no correlations.
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measures import MEASURES, true_value

from mrs_pipeline.basis.basis_set import standard_name

#: Columns of a csv that may hold amplitudes and relative standard deviations, first choice first.
VALUE_COLUMNS = ("mMol/kg", "mM", "molality", "molarity", "internal", "raw", "conc", "concentration", "amplitude")
PERCENT_COLUMNS = ("%CRLB", "CRLB%", "%SD", "sd_percent")
NAME_COLUMNS = ("Metab", "metabolite", "Metabolite", "")


@dataclass(frozen=True, kw_only=True)
class OtherResult:
    """What a program found of one set: amplitudes and their relative standard deviations (fractions), sums under ``A+B`` included."""

    program: str
    number: int
    amplitudes: dict[str, float]
    relative_sds: dict[str, float]

    def estimate(self, measure: str) -> tuple[float, float]:
        """Value of a measure and its own standard deviation."""
        value = true_value(self.amplitudes, measure=measure)
        parts = [self._relative_sd(part) for part in MEASURES[measure] if part]
        return value, value * float(np.sqrt(np.sum(np.square(parts))))

    def _relative_sd(self, part: tuple[str, ...]) -> float:
        for whole in ("+".join(part), "+".join(part[::-1])):
            if whole in self.relative_sds:
                return self.relative_sds[whole]
        spread = [self.amplitudes.get(name, 0.0) * self.relative_sds.get(name, np.nan) for name in part if name in self.amplitudes]
        total = sum(self.amplitudes.get(name, 0.0) for name in part)
        return float(np.sqrt(np.sum(np.square(spread))) / total) if spread and total > 0 else np.nan


def set_number(path: Path) -> int:
    """Number of the set in a path."""
    found = re.findall(r"dataset_?(\d+)", str(path))
    if not found:
        raise SystemExit(f"{path}: no 'datasetNN' in the path says which set this is")
    return int(found[-1])


def read_other(path: Path) -> OtherResult:
    """Results of one set, by the ending of the file: ``.csv``, else LCModel's table."""
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _table_rows(path)
    names = ["+".join(standard_name(part) for part in name.split("+")) for name, _, _ in rows]
    return OtherResult(
        program="FSL-MRS" if path.suffix.lower() == ".csv" else "LCModel",
        number=set_number(path),
        amplitudes={name: value for name, (_, value, _) in zip(names, rows, strict=True)},
        relative_sds={name: percent / 100 for name, (_, _, percent) in zip(names, rows, strict=True)},
    )


def _table_rows(path: Path) -> list[tuple[str, float, float]]:
    """Lines ``Conc. %SD /Cr Metabolite`` below ``$$CONC``; the last two may touch (``1.0-CrCH2``)."""
    text = path.read_text(encoding="utf-8", errors="replace")
    section = re.split(r"\$\$\w+", text.partition("$$CONC")[2])[0]
    line = re.compile(r"^\s*([-+.\dEe]+)\s+(\d+)%\s+[-+]?[.\d]+(?:E[-+]?\d+)?\s*([-+]?[A-Za-z][\w+-]*)\s*$", re.MULTILINE)
    return [(name, float(value), float(percent)) for value, percent, name in line.findall(section)]


def _csv_rows(path: Path) -> list[tuple[str, float, float]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    header = list(rows[0]) if rows else []
    choices = (NAME_COLUMNS, VALUE_COLUMNS, PERCENT_COLUMNS)
    name, value, percent = (next((key for key in choice if key in header), None) for choice in choices)
    if name is None or value is None:
        raise SystemExit(f"{path}: no column for names or values in {', '.join(header)}")
    absolute = "CRLB" if percent is None and "CRLB" in header else None
    found = []
    for row in rows:
        amount = _number(row[value])
        share = _number(row[percent]) if percent else 100 * _number(row[absolute]) / amount if absolute and amount else np.nan
        found.append((row[name], amount, share))
    return found


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")

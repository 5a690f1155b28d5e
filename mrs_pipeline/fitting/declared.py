"""Declared parameters: value, bounds and whether a parameter varies, under the names and with the method `add` of `lmfit.Parameters`.

A container of our own because importing lmfit takes longer than fitting dozens of spectra; `as_lmfit` hands it to those who know that
interface.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import lmfit


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One parameter; `vary=False` fixes it."""

    value: float
    min: float = -np.inf
    max: float = np.inf
    vary: bool = True


class Parameters(dict[str, Declared]):
    """Parameters by name, in the order in which they were added."""

    def add(self, name: str, **declared: float) -> None:
        """Declare one parameter by the fields of `Declared`."""
        self[name] = Declared(**declared)  # type: ignore[arg-type]

    def as_lmfit(self) -> "lmfit.Parameters":
        """The same as `lmfit.Parameters`."""
        import lmfit  # noqa: PLC0415 - slow to import

        parameters = lmfit.Parameters()
        for name, item in self.items():
            parameters.add(name, **vars(item))
        return parameters

"""Fids: time-domain signals with named dimensions, their acquisition and what was done to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import Acquisition, ComplexArray, spectrum_from_fid
from mrs_pipeline.errors import DataError


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A view of an array that cannot be written through."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, kw_only=True)
class ProcessingStep:
    """One entry of a processing history (NIfTI-MRS ``ProcessingApplied``): the standard's method name and what was done."""

    method: str
    details: str


@dataclass(frozen=True, kw_only=True)
class Fids:
    """Complex FIDs of shape (..., n_points) whose dimensions have names, the last of them ``time``.

    ``dims`` uses the words ``coil``, ``transient`` and ``window`` (else a lower-case NIfTI-MRS tag such as ``user_0``).
    Complex64 data are kept as they are (raw studies are large); everything else becomes complex128.
    """

    data: ComplexArray
    dims: tuple[str, ...]
    acquisition: Acquisition
    history: tuple[ProcessingStep, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check names against shape; `DataError` states both."""
        data = np.asarray(self.data)
        if data.dtype != np.complex64:
            data = data.astype(np.complex128, copy=False)
        object.__setattr__(self, "data", read_only(data))
        self._check_dims()

    def _check_dims(self) -> None:
        if len(self.dims) != self.data.ndim or len(set(self.dims)) != len(self.dims) or self.dims[-1] != "time":
            raise DataError(
                f"dimensions {self.dims} do not describe data of shape {self.data.shape}: "
                "one distinct name per axis is expected, the last of them 'time'"
            )
        if self.data.shape[-1] != self.acquisition.n_points:
            raise DataError(f"data have {self.data.shape[-1]} points but the acquisition states {self.acquisition.n_points}")

    @property
    def sizes(self) -> Mapping[str, int]:
        """Length of every dimension by name."""
        return dict(zip(self.dims, self.data.shape, strict=True))

    @property
    def spectrum(self) -> ComplexArray:
        """Spectra along the last axis, ordered as ``acquisition.ppm`` (descending)."""
        return spectrum_from_fid(self.data)

    def with_data(self, data: ComplexArray, *, dims: tuple[str, ...] | None = None, step: ProcessingStep | None = None) -> "Fids":
        """New data of the same acquisition (another number of points is followed); a step given is added to the history."""
        return replace(
            self,
            data=data,
            dims=self.dims if dims is None else dims,
            acquisition=self.acquisition.with_n_points(data.shape[-1]),
            history=self.history if step is None else (*self.history, step),
        )

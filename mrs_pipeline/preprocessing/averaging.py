"""Averages of transients: the only place where the transient dimension ends."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mrs_pipeline.acquisition import FloatArray
from mrs_pipeline.errors import DataError
from mrs_pipeline.fids import Fids, ProcessingStep


def average(fids: Fids, *, groups: Sequence[NDArray[np.int_]], weights: FloatArray | None = None) -> Fids:
    """Weighted mean over transients of each group of indices: dims ("window", "time"), one FID per group in the order given.

    ``weights`` (n_transients,) default to 1. A group without a transient of positive weight gives an FID of NaN, so that a window
    never disappears. `DataError` where the data have no ("transient", "time") dimensions or weights do not fit.
    """
    if fids.dims != ("transient", "time"):
        raise DataError(f"averaging needs dimensions (transient, time), not {fids.dims}: combine coils first")
    n_transients = fids.sizes["transient"]
    weights = np.ones(n_transients) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != (n_transients,) or np.any(weights < 0):
        raise DataError(f"averaging needs {n_transients} weights that are not negative, got shape {weights.shape}")
    data = np.stack([_mean(fids, np.asarray(group, dtype=int), weights) for group in groups])
    step = ProcessingStep(method="Signal averaging", details=f"weighted mean of transients in {len(groups)} groups")
    return fids.with_data(data, dims=("window", "time"), step=step)


def _mean(fids: Fids, group: NDArray[np.int_], weights: FloatArray) -> NDArray[np.complex128]:
    used = group[weights[group] > 0]
    if used.size == 0:
        return np.full(fids.acquisition.n_points, np.nan, dtype=np.complex128)
    return np.asarray(weights[used] @ fids.data[used] / weights[used].sum(), dtype=np.complex128)

"""The energy that a fitted spectrum has early in time, where signals are and noise is no stronger than later."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mrs_pipeline.acquisition import Acquisition, FloatArray
from mrs_pipeline.fids import read_only

#: Signals of a voxel have decayed after this time: unlike noise, what a model lacks lies before it (at most half of the FID counts).
EARLY_S = 0.128


@dataclass(frozen=True, kw_only=True)
class EarlyEnergy:
    """Eigenvectors, shape (2 n_points, n_kept), and eigenvalues of A, those without weight left out.

    x'Ax is the energy of the stacked spectrum x (`model.as_real`) in the first samples, that of all samples being x'x.
    """

    vectors: FloatArray
    values: FloatArray


def n_early_samples(acquisition: Acquisition) -> int:
    """Samples of an FID within `EARLY_S`, at most half of them."""
    return min(round(EARLY_S / acquisition.dwell_time_s), acquisition.n_points // 2)


@lru_cache(maxsize=8)
def early_energy(n_points: int, *, n_samples: int, n_early: int) -> EarlyEnergy:
    """Of `n_points` neighbouring points of a spectrum, in the first `n_early` of `n_samples` samples."""
    kernel = np.fft.fft((np.arange(n_samples) < n_early) / n_samples)
    hermitian = kernel[(np.arange(n_points)[:, None] - np.arange(n_points)) % n_samples]
    operator = np.block([[hermitian.real, -hermitian.imag], [hermitian.imag, hermitian.real]])
    values, vectors = np.linalg.eigh(operator)
    kept = values > 1e-6 * values[-1]
    return EarlyEnergy(vectors=read_only(vectors[:, kept]), values=read_only(values[kept]))

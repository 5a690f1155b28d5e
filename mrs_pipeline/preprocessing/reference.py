"""The water reference of a session: one FID from all of its transients."""

import numpy as np

from mrs_pipeline.acquisition import ComplexArray
from mrs_pipeline.fids import Fids
from mrs_pipeline.preprocessing.estimate import correction
from mrs_pipeline.preprocessing.registration import best_offset

#: Correlation with the typical one below which a transient is something else, and the largest frequency difference bridged, Hz.
_LEAST_LIKENESS = 0.9
_MAX_SHIFT_HZ = 100.0


def mean_reference(reference: Fids) -> tuple[ComplexArray, int]:
    """Mean of the transients of a combined reference at the frequency and phase of a typical one, and how many entered.

    So phase cycles and drift between them do no harm, and those of another kind (suppressed, spoiled) are left out.
    """
    acquisition = reference.acquisition
    rows = reference.data.reshape(-1, acquisition.n_points).astype(np.complex128)
    rows = rows[np.isfinite(rows).all(axis=-1) & np.any(rows != 0, axis=-1)]
    if not len(rows):
        return np.zeros(acquisition.n_points, dtype=np.complex128), 0
    size = np.linalg.norm(rows, axis=1)
    typical = rows[np.argmin(np.abs(size - np.median(size)))]
    shift, phase = best_offset(rows, target=typical, acquisition=acquisition, max_shift_hz=_MAX_SHIFT_HZ)
    rows = rows * correction(shift_hz=shift, phase_rad=phase, acquisition=acquisition)
    alike = np.abs(rows @ typical.conj()) > _LEAST_LIKENESS * size * np.linalg.norm(typical)
    return np.asarray(rows[alike].mean(axis=0)), int(alike.sum())

"""Frequency and phase errors of the transients of a session, and their correction."""

from dataclasses import dataclass

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.preprocessing.band import Band
from mrs_pipeline.preprocessing.registration import Registration


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Errors found in every transient, its weight in the target (each (n_transients,)), the last fit to the target, and its band.

    transient(t) = ideal(t) exp(i phase + 2 pi i shift t).
    """

    shift_hz: FloatArray
    phase_rad: FloatArray
    weights: FloatArray
    fit: Registration | None = None
    band: Band | None = None

    def corrected(self, fids: ComplexArray, *, acquisition: Acquisition) -> ComplexArray:
        """FIDs with the errors taken out."""
        return np.asarray(fids * correction(shift_hz=self.shift_hz, phase_rad=self.phase_rad, acquisition=acquisition))


def correction(*, shift_hz: FloatArray, phase_rad: FloatArray, acquisition: Acquisition) -> ComplexArray:
    """Factor (n_transients, n_points) that takes out frequency and phase errors (n_transients,): the negative of the error."""
    return np.asarray(np.exp(-1j * (phase_rad[:, None] + 2 * np.pi * shift_hz[:, None] * acquisition.time_s)))

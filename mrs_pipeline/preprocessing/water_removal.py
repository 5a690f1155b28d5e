"""Residual-water removal by a state-space model of damped exponentials (HSVD).

Barkhuijsen, de Beer & van Ormondt 1987, J Magn Reson 73:553. The singular vectors come from a Lanczos iteration whose products with
the Hankel matrix are convolutions (Laudadio et al. 2002, J Magn Reson 157:292), so no matrix is ever built.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.fft import next_fast_len
from scipy.sparse.linalg import LinearOperator, eigsh

from mrs_pipeline.acquisition import Acquisition, BoolArray, ComplexArray, ppm_from_hz
from mrs_pipeline.fids import Fids, ProcessingStep
from mrs_pipeline.preprocessing.phase_reference import mean_of_kept, session_offset_hz
from mrs_pipeline.preprocessing.record_curves import rounded, spectrum_range
from mrs_pipeline.preprocessing.session import Session, StepRecord
from mrs_pipeline.preprocessing.step import Option, resolve

METHOD = "Nuisance peak removal"
_SHOWN_PPM = (3.2, 5.6)

OPTIONS = {
    "n_components": Option(default=30, at_least=1, doc="damped exponentials fitted to every spectrum, the same number for all"),
    "range_ppm": Option(default=[4.4, 4.9], doc="components whose line lies here, down to half its height, are taken for water, ppm"),
    "max_linewidth_hz": Option(default=50.0, above=0, doc="broader components stay: their tails are baseline of the metabolites, Hz"),
    "poles": Option(
        default="mean",
        doc="mean: frequencies and dampings from the mean of all FIDs, amplitudes from each (linear in the data); each: all from each FID",
        choices=("mean", "each"),
    ),
}


def remove_water(fids: Fids, *, options: Mapping[str, Any]) -> Fids:
    """FIDs of any leading dimensions without the components at water; the same number of components is fitted to all of them.

    FIDs that are not finite stay as they are and do not enter the mean.
    """
    options = resolve(OPTIONS, options, step="water_removal")
    rows = fids.data.reshape(-1, fids.acquisition.n_points)
    usable = np.asarray(np.isfinite(rows).all(axis=-1))
    mean = rows[usable].mean(axis=0) if usable.any() else np.zeros(rows.shape[-1], dtype=complex)
    cleaned = _without_water(rows, usable, mean, acquisition=fids.acquisition, options=options)[0]
    return fids.with_data(cleaned.reshape(fids.data.shape), step=ProcessingStep(method=METHOD, details=_details(options)))


def remove_session_water(session: Session, *, options: Mapping[str, Any]) -> Session:
    """The session without residual water; poles from the mean over kept transients unless asked of each.

    The range moves with the singlets of the session, which may not be referenced yet.
    """
    options = resolve(OPTIONS, options, step="water_removal")
    session.require_combined("water_removal")
    offset_ppm = -session_offset_hz(session) / session.fids.acquisition.spectrometer_frequency_mhz
    options["range_ppm"] = [edge + offset_ppm for edge in options["range_ppm"]]
    mean = mean_of_kept(session)
    cleaned, poles = _without_water(session.fids.data, session.sound, mean, acquisition=session.fids.acquisition, options=options)
    frequency = np.angle(poles) * session.fids.acquisition.spectral_width_hz / (2 * np.pi)
    values = {
        "water_ppm": ppm_from_hz(frequency, spectrometer_frequency_mhz=session.fids.acquisition.spectrometer_frequency_mhz),
        "water_linewidth_hz": linewidth_of(poles, acquisition=session.fids.acquisition),
    }
    fids = session.fids.with_data(cleaned)
    curves = _curves(mean, mean_of_kept(replace(session, fids=fids)), acquisition=session.fids.acquisition)
    record = StepRecord(step="water_removal", method=METHOD, details=_details(options), values=values | curves)
    return session.after(record, fids=fids)


def _curves(before: ComplexArray, after: ComplexArray, *, acquisition: Acquisition) -> dict[str, object]:
    """Magnitude of the mean spectrum before and after, for the record."""
    ppm, with_water = spectrum_range(before, acquisition=acquisition, range_ppm=_SHOWN_PPM)
    _, without = spectrum_range(after, acquisition=acquisition, range_ppm=_SHOWN_PPM)
    return {"curve_ppm": ppm, "curve_before": rounded(np.abs(with_water)), "curve_after": rounded(np.abs(without))}


def _details(options: Mapping[str, Any]) -> str:
    low, high = options["range_ppm"]
    return f"HSVD with {options['n_components']} components, those from {low:.3g} to {high:.3g} ppm removed, poles from {options['poles']}"


def _without_water(
    rows: ComplexArray, usable: BoolArray, mean: ComplexArray, *, acquisition: Acquisition, options: Mapping[str, Any]
) -> tuple[ComplexArray, ComplexArray]:
    """Rows without water, and the poles of water in the mean."""
    cleaned = np.array(rows, dtype=np.complex128)
    poles = hsvd_poles(mean, n_components=options["n_components"])
    at_water = water_poles(poles, acquisition=acquisition, options=options)
    if options["poles"] == "mean":
        cleaned[usable] -= modelled(cleaned[usable], poles=poles, part=at_water)
        return cleaned, poles[at_water]
    for row in np.flatnonzero(usable):
        own = hsvd_poles(cleaned[row], n_components=options["n_components"])
        cleaned[row] -= modelled(cleaned[row : row + 1], poles=own, part=water_poles(own, acquisition=acquisition, options=options))[0]
    return cleaned, poles[at_water]


def hsvd_poles(fid: ComplexArray, *, n_components: int) -> ComplexArray:
    """Poles ``z`` of the model ``fid[n] = sum a_k z_k^n``, none of them growing; shape (n_components,), empty for a zero FID.

    Shift invariance of the leading left singular vectors of the Hankel matrix ``H[i, j] = fid[i + j]``.
    """
    if not np.any(fid):
        return np.zeros(0, dtype=np.complex128)
    n_components = min(n_components, fid.size // 2 - 2)
    basis = hankel_subspace(fid / np.abs(fid).max(), n_components=n_components)
    transition = np.linalg.lstsq(basis[:-1], basis[1:], rcond=None)[0]
    poles = np.linalg.eigvals(transition)
    return np.asarray(poles / np.maximum(np.abs(poles), 1.0))


def hankel_subspace(fid: ComplexArray, *, n_components: int) -> ComplexArray:
    """Leading left singular vectors of the square-ish Hankel matrix of an FID, shape (n_points // 2, n_components)."""
    n = fid.size
    n_rows = n // 2
    n_columns = n - n_rows + 1
    length = next_fast_len(n)
    kernel = np.fft.fft(fid, length)

    def times(vector: ComplexArray) -> ComplexArray:
        """H H^H vector as two correlations; circular wrap does not reach the parts kept because i + j < n <= length."""
        spread = np.fft.ifft(kernel * np.fft.fft(vector.ravel(), length).conj())[:n_columns]
        return np.asarray(np.fft.ifft(kernel * np.fft.fft(spread, length).conj())[:n_rows])

    operator = LinearOperator((n_rows, n_rows), matvec=times, dtype=np.complex128)
    start = np.ones(n_rows, dtype=np.complex128) + fid[:n_rows]
    return np.asarray(eigsh(operator, k=n_components, which="LM", v0=start, tol=1e-10)[1])


def linewidth_of(poles: ComplexArray, *, acquisition: Acquisition) -> Any:
    """Lorentzian full width at half maximum of each pole, Hz."""
    return -np.log(np.maximum(np.abs(poles), 1e-300)) * acquisition.spectral_width_hz / np.pi


def water_poles(poles: ComplexArray, *, acquisition: Acquisition, options: Mapping[str, Any]) -> BoolArray:
    """Which poles are taken for water: those whose line lies in the range down to half its height.

    A broad one that reaches out of it belongs to macromolecules or baseline: it appears where there is hardly any water.
    """
    frequency = np.angle(poles) * acquisition.spectral_width_hz / (2 * np.pi)
    ppm = ppm_from_hz(frequency, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    linewidth_hz = linewidth_of(poles, acquisition=acquisition)
    half_ppm = 0.5 * linewidth_hz / acquisition.spectrometer_frequency_mhz
    inside = (ppm - half_ppm >= min(options["range_ppm"])) & (ppm + half_ppm <= max(options["range_ppm"]))
    return np.asarray(inside & (linewidth_hz <= options["max_linewidth_hz"]))


def modelled(rows: ComplexArray, *, poles: ComplexArray, part: BoolArray) -> ComplexArray:
    """Contribution of some of the poles to each row, amplitudes by linear least squares over all poles; shape of ``rows``."""
    powers = poles[None, :] ** np.arange(rows.shape[-1])[:, None]
    if not part.any():
        return np.zeros_like(rows)
    amplitudes = rows @ np.linalg.pinv(powers).T
    return np.asarray(amplitudes[:, part] @ powers[:, part].T)

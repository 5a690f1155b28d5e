"""What other programs do differently in their basis sets, found in the numbers and undone.

Sign, first point, chemical-shift reference, phase, and peaks that were added.

What is changed and not a mere custom is said in ``BasisSet.assumptions``. A basis that follows this package's conventions stays as it is,
number for number.
"""

from dataclasses import replace

import numpy as np

from mrs_pipeline.acquisition import CARRIER_PPM, Acquisition, BoolArray, ComplexArray, FloatArray, hz_from_ppm, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.chemical_shift_reference import referenced
from mrs_pipeline.basis.reference_peak import without_reference_peak
from mrs_pipeline.basis.resampling import interpolated
from mrs_pipeline.basis.singlet_phase import in_phase
from mrs_pipeline.errors import DataError

#: Share of a metabolite's signal that lies between 0 and 4.65 ppm in most sets: nearly all; mirrored sets have it beyond.
EVIDENT_SHARE = 0.8
#: Signals this near to the carrier or to the reference at 0 ppm say nothing about the sign, ppm.
NEUTRAL_PPM = 0.2
#: Most proton signals lie within this distance of this place, ppm; the first point of an FID follows from the next 32.
BAND_CENTRE_PPM, BAND_PPM = 2.4, 2.6
#: A narrower band, in cycles per sample, would only make more of the noise and of what lies outside.
NARROWEST_BAND = 0.25
#: Relative noise power that the estimate of a first point allows for.
NOISE_POWER = 3e-4
#: First point over its estimate (which is low by up to a quarter) if halved and if whole; what is elsewhere follows the others of its set.
HALVED, WHOLE = (0.25, 0.75), (0.75, 1.75)
#: A component with less than this fraction of its norm left was nothing but the reference peak.
NOTHING_LEFT = 0.02


def in_own_conventions(basis: BasisSet) -> BasisSet:
    """The basis upright, with whole first points, singlets in their places and in phase, and no reference peak at 0 ppm.

    Raises `DataError` where the chemical-shift axis is evidently stretched (`chemical_shift_reference.referenced`), or a component is zero.
    """
    empty = [name for name, fid in zip(basis.metabolites, basis.fids, strict=True) if not np.any(fid)]
    if empty:
        raise DataError(f"all values of {', '.join(empty)} are zero: leave it out, or simulate or export it again")
    return without_reference_peaks(in_phase(referenced(without_reference_peaks(with_whole_first_points(upright(basis))))))


def upright(basis: BasisSet) -> BasisSet:
    """The basis, conjugated if it is evidently the mirror image of a proton basis about the carrier.

    Compares, for each metabolite, the power between 0 and 4.65 ppm with that between 4.65 and 9.3 ppm; half of the metabolites
    must have more than `EVIDENT_SHARE` of it on the wrong side, so that aromatic compounds and amides decide nothing.
    """
    ppm = basis.acquisition.ppm
    away = np.abs(ppm - CARRIER_PPM)
    sided = (away > NEUTRAL_PPM) & (away < CARRIER_PPM - NEUTRAL_PPM)
    power = np.abs(spectrum_from_fid(basis.fids)) ** 2
    right, left = (power[:, sided & side].sum(axis=1) for side in (ppm < CARRIER_PPM, ppm > CARRIER_PPM))
    signals = right + left > 0
    if not signals.any() or np.median(left[signals] / (left + right)[signals]) <= EVIDENT_SHARE:
        return basis
    remark = "the FIDs were conjugated, because their signals lay left of water (4.65 to 9.3 ppm)"
    return replace(basis, fids=np.conj(basis.fids), assumptions=(*basis.assumptions, remark))


def with_whole_first_points(basis: BasisSet) -> BasisSet:
    """The basis with first points doubled where they were stored halved.

    Halving makes the sum of a discrete transform a trapezoidal rule and is the custom of many programs, so that only a set that halves
    some of its FIDs deserves a remark. The value expected at the start is the best linear estimate of a signal in the band of protons from
    the points that follow (`resampling.interpolated`).
    """
    halved = halved_first_points(basis.fids, acquisition=basis.acquisition)
    if not halved.any():
        return basis
    fids = np.array(basis.fids)
    fids[halved, 0] *= 2.0
    if halved.all():
        return replace(basis, fids=fids)
    remark = f"first points had been halved, and were doubled, of {', '.join(np.array(basis.metabolites)[halved])}"
    return replace(basis, fids=fids, assumptions=(*basis.assumptions, remark))


def halved_first_points(fids: ComplexArray, *, acquisition: Acquisition) -> BoolArray:
    """Which FIDs have a halved first point, shape (n_fids,)."""
    ratio = _first_point_ratio(fids, acquisition=acquisition)
    halved, whole = ((ratio > low) & (ratio < high) for low, high in (HALVED, WHOLE))
    return np.asarray(np.where(halved | whole, halved, np.count_nonzero(halved) > np.count_nonzero(whole)))


def _first_point_ratio(fids: ComplexArray, *, acquisition: Acquisition) -> FloatArray:
    """Real part of the first point over the value expected there; nan where nothing is expected."""
    centre_hz = hz_from_ppm(BAND_CENTRE_PPM, spectrometer_frequency_mhz=acquisition.spectrometer_frequency_mhz)
    band = max(NARROWEST_BAND, BAND_PPM * acquisition.spectrometer_frequency_mhz / acquisition.spectral_width_hz)
    centred = fids * np.exp(-2j * np.pi * centre_hz * acquisition.time_s)
    expected = interpolated(centred[:, 1:], positions=np.array([-1.0]), band=band, ridge=NOISE_POWER)[:, 0]
    power = np.abs(expected) ** 2
    known = power > (1e-3 * np.abs(fids).max(axis=1)) ** 2
    ratio = np.full(len(fids), np.nan)
    ratio[known] = np.real(fids[known, 0] * np.conj(expected[known])) / power[known]
    return ratio


def without_reference_peaks(basis: BasisSet) -> BasisSet:
    """The basis without peaks at 0 ppm that were added as a reference; a component that was nothing else is left out."""
    fids = np.array([without_reference_peak(fid, acquisition=basis.acquisition) for fid in basis.fids]).reshape(basis.fids.shape)
    changed = np.any(fids != basis.fids, axis=1)
    if not changed.any():
        return basis
    kept = ~changed | (np.linalg.norm(fids, axis=1) > NOTHING_LEFT * np.linalg.norm(basis.fids, axis=1))
    names = [name for name, keep in zip(basis.metabolites, kept, strict=True) if keep]
    remark = f"a reference peak at 0 ppm was removed from {np.count_nonzero(changed)} of {len(changed)} components"
    if not kept.all():
        remark += f"; {', '.join(set(basis.metabolites) - set(names))} was nothing else and is left out"
    return replace(basis, fids=fids, assumptions=(*basis.assumptions, remark)).select(names)


def decay_linewidth_hz(fids: ComplexArray, *, acquisition: Acquisition) -> float:
    """Lorentzian full width at half maximum from the common decay of FIDs, fitted to their root-mean-square magnitude, Hz."""
    envelope = np.sqrt(np.mean(np.abs(fids) ** 2, axis=0))
    used = envelope > 0.05 * envelope.max()
    if used.sum() < 3:
        return 0.0
    slope = np.polyfit(acquisition.time_s[used], np.log(envelope[used]), 1, w=envelope[used])[0]
    return max(0.0, float(-slope / np.pi))

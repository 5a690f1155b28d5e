"""Whether a scan can be a metabolite-nulled one, and what to say about it."""

from collections.abc import Mapping

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import DataError

#: A narrow residue and a broad line cannot be told apart in a shorter FID, s.
LEAST_DURATION_S = 0.25
#: Height of the line near 0.9 ppm over the noise below which there is nothing to measure.
LEAST_SNR = 3.0
#: Largest residue over the height of the 0.9 ppm line: from here on said, from here on refused. NAA of seven
#: ordinary spectra at 3 T (PRESS 30 ms, lines of 4 to 7 Hz) is 2.7 to 6.3 times as high, the largest residue of a nulled one 0.6.
REMARKABLE_RESIDUE, REFUSED_RESIDUE = 1.0, 2.0
#: The fitted range ends before water, ppm.
HIGHEST_PPM = 4.4
#: Echo times that differ by more change the shape of coupled spins, s.
SAME_ECHO_TIME_S = 1e-3


def check_scans(scans: ComplexArray, *, acquisition: Acquisition, metabolites: BasisSet, ppm_range: tuple[float, float]) -> None:
    """`DataError` says why scans of shape (n_scans, n_points) cannot be used, whatever they show."""
    if acquisition.nucleus != "1H":
        raise DataError(f"the scan is of nucleus {acquisition.nucleus}: macromolecules are measured with 1H")
    if scans.ndim != 2 or scans.shape[-1] != acquisition.n_points:
        raise DataError(f"scans of shape {scans.shape} were given, expected (scans, {acquisition.n_points} points)")
    if not (np.isfinite(scans).all() and np.any(scans != 0, axis=-1).all()):
        raise DataError("a scan is empty or holds values that are not finite numbers: export it again")
    duration_s = acquisition.n_points * acquisition.dwell_time_s
    if duration_s < LEAST_DURATION_S:
        raise DataError(
            f"the scan lasts {1e3 * duration_s:.0f} ms: at least {1e3 * LEAST_DURATION_S:.0f} ms are needed to tell the narrow residues of "
            "metabolites from macromolecules"
        )
    if not ppm_range[0] < ppm_range[1] <= HIGHEST_PPM:
        raise DataError(
            f"the range {ppm_range[0]:g} to {ppm_range[1]:g} ppm cannot be fitted: end it below {HIGHEST_PPM:g} ppm, before water"
        )
    if acquisition.ppm.min() > ppm_range[0] - 0.1 or acquisition.ppm.max() < ppm_range[1] + 0.1:
        low, high = acquisition.ppm.min(), acquisition.ppm.max()
        raise DataError(f"the scan covers {low:.1f} to {high:.1f} ppm, {ppm_range[0]:g} to {ppm_range[1]:g} ppm are needed")
    _check_basis(metabolites.acquisition, acquisition)


def _check_basis(ours: Acquisition, theirs: Acquisition) -> None:
    same = ours.n_points == theirs.n_points and ours.nucleus == theirs.nucleus
    pairs = ((ours.dwell_time_s, theirs.dwell_time_s), (ours.spectrometer_frequency_mhz, theirs.spectrometer_frequency_mhz))
    if not same or any(abs(one / other - 1) > 1e-6 for one, other in pairs):
        raise DataError("the metabolites are not on the axis of the scan: simulate them for it or resample them first")
    if ours.echo_time_s and theirs.echo_time_s and abs(ours.echo_time_s - theirs.echo_time_s) > SAME_ECHO_TIME_S:
        raise DataError(
            f"the metabolites have an echo time of {1e3 * ours.echo_time_s:g} ms, the scan of {1e3 * theirs.echo_time_s:g} ms: "
            "give those of the scan"
        )


def check_nulled(*, snr: float, residue_ratios: Mapping[str, float], name: str) -> None:
    """`DataError` for a scan without macromolecules or with metabolites of full size.

    `snr` is the height of the line near 0.9 ppm over the noise, `residue_ratios` the heights of residues over that of this line.
    """
    if not snr >= LEAST_SNR:
        raise DataError(f"{name} shows no macromolecules (the line at 0.9 ppm is {snr:.1f} times the noise): give a metabolite-nulled scan")
    largest = max(residue_ratios, key=lambda key: residue_ratios[key], default="")
    if largest and residue_ratios[largest] > REFUSED_RESIDUE:
        raise DataError(
            f"{name} is not metabolite-nulled: {largest} is {residue_ratios[largest]:.1f} times as high as the macromolecules at 0.9 ppm; "
            "give the scan with inversion"
        )


def remarks(*, quality: Mapping[str, float], residue_ratios: Mapping[str, float], frequency_mhz: float) -> tuple[str, ...]:
    """Sentences about what is unusual in a fitted scan."""
    large = [name for name, ratio in residue_ratios.items() if ratio > REMARKABLE_RESIDUE]
    width_ppm = quality["fwhm_09_hz"] / frequency_mhz
    said = {
        f"residues of {', '.join(large)} are higher than the macromolecules at 0.9 ppm: check the inversion time": bool(large),
        f"the fit leaves {quality['residual_over_noise']:.1f} times the noise: look at the figure": quality["residual_over_noise"] > 1.5,
        f"the line at 0.9 ppm is only {quality['snr']:.0f} times the noise: average several people": quality["snr"] < 10,
        f"the line at 0.9 ppm is {width_ppm:.2f} ppm wide, 0.12 to 0.25 are usual": not 0.12 <= width_ppm <= 0.25,
    }
    return tuple(sentence for sentence, holds in said.items() if holds)


def noise_sd(fid: ComplexArray, *, acquisition: Acquisition) -> float:
    """SD of the noise in the real part of the spectrum, from second differences outside -0.5 to 9 ppm.

    The tails of lines are smooth there, and a median passes over spikes; a second difference has 6 times the variance. Where the
    band is too narrow for that, the last quarter of the FID is used. Never below 1e-6 of the highest point: simulated scans have none.
    """
    free = (acquisition.ppm < -0.5) | (acquisition.ppm > 9.0)
    inner = np.abs(acquisition.frequency_hz) < 0.4 * acquisition.spectral_width_hz  # receivers filter the edges of the band
    series = spectrum_from_fid(fid)[free & inner]
    if series.size < 64:
        series = fid[-(fid.size // 4) :] * np.sqrt(fid.size)
    found = float(np.sqrt(np.median(np.abs(np.diff(series, n=2)) ** 2) / np.log(2.0) / 12.0))
    return max(found, 1e-6 * float(np.abs(spectrum_from_fid(fid)).max()))

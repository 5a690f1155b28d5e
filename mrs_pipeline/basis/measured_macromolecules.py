"""A macromolecule component for fitting, from metabolite-nulled scans of one or several people.

Measured macromolecules are preferred to parametrised ones at short echo times (Cudalbu et al. 2021, doi:10.1002/nbm.4393), once the
metabolites that inversion left are taken out (Hui et al. 2022, doi:10.1101/2021.08.27.457961; here by `nulled_fit`). The component is the
noise-free sum of lines: with the data themselves every fitted spectrum would get the same noise of one scan as if it were signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray, fid_from_spectrum, spectrum_from_fid
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import GaussianLine, lines_of_nulled_scan
from mrs_pipeline.basis.nulled_checks import check_nulled, check_scans, noise_sd, remarks
from mrs_pipeline.basis.nulled_fit import NulledFit, fit_nulled
from mrs_pipeline.basis.nulled_model import (
    DELAY,
    GAUSSIAN,
    LINE_LORENTZIAN,
    LORENTZIAN,
    PHASE,
    SHIFT,
    NulledModel,
    baseline_columns,
    coarse_start,
)
from mrs_pipeline.fids import read_only

#: Name of the component.
NAME = "Mac"
#: The line that sets the scale and its area in the component, in protons: an amplitude then means what that of MM09 means.
REFERENCE_LINE, REFERENCE_AREA = "MM090", 3.0
#: Fitted range: above it residual water and the aspartate of NAA leave nothing that could be called macromolecules.
PPM_RANGE = (0.2, 4.2)
#: Where the component is less certain: creatine CH2, water tails and few resolved lines.
UNCERTAIN_ABOVE_PPM = 3.6


@dataclass(frozen=True, kw_only=True)
class Residue:
    """Amplitude of a metabolite left in the scan, its standard error and the height of its highest line, at the scale of the component."""

    name: str
    amplitude: float
    sd: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What brought a scan to phase 0, 0 Hz and the scale of the component: phase in the middle of the range, delay of the first sample."""

    phase_rad: float
    delay_s: float
    shift_hz: float
    scale: float


@dataclass(frozen=True, kw_only=True)
class NulledCurves:
    """Upright spectra at the fitted points (``ppm``, shift taken out), at the scale of the component; ``data`` is the sum of the next four.

    ``component`` is as broad as in the scan and ``component_sd`` its standard error (real part).
    """

    ppm: FloatArray
    data: ComplexArray
    component: ComplexArray
    residues: ComplexArray
    baseline: ComplexArray
    remainder: ComplexArray
    component_sd: FloatArray


@dataclass(frozen=True, kw_only=True)
class MeasuredMacromolecules:
    """The component and how it was found.

    component : FID of the macromolecules, noise-free, upright, with their own line widths, 3 protons near 0.9 ppm.
    cleaned : FID of the scan (mean over scans) inside the fitted range less residues and baseline, broadening and noise of the scan in it.
    lines : the lines of the component, Gaussian, and each broadened by `lorentzian_hz` besides.
    noise_sd : SD of the noise in the real part of the spectrum of `cleaned`.
    placements : one for each scan.
    quality : `snr` (height of the 0.9 ppm line over the noise), `residual_over_noise` (1 where the model explains the data), `fwhm_09_hz`
        (natural width of that line), `linewidth_hz` (of the residues), `largest_residue` (height over that of the 0.9 ppm line),
        `component_sd` and `component_sd_above_3_6` (mean standard error below and above 3.6 ppm over the height of that line).
    warnings : sentences about what is unusual.
    """

    acquisition: Acquisition
    component: ComplexArray
    cleaned: ComplexArray
    lines: tuple[GaussianLine, ...]
    lorentzian_hz: float
    residues: tuple[Residue, ...]
    noise_sd: float
    placements: tuple[Placement, ...]
    quality: Mapping[str, float]
    curves: NulledCurves
    sequence: str
    warnings: tuple[str, ...]


def measured_macromolecules(
    fids: ComplexArray, *, acquisition: Acquisition, metabolites: BasisSet, ppm_range: tuple[float, float] = PPM_RANGE
) -> MeasuredMacromolecules:
    """The macromolecules of metabolite-nulled scans, shape (n_points,) or (n_scans, n_points), on the axis of `acquisition`.

    `metabolites` are the signals that inversion may have left, without line broadening (`residue_basis`); each gets an amplitude of its own
    of either sign. Water must be removed beforehand; phase and frequency are found here. Of several scans each is fitted, turned
    upright and scaled by itself, then their mean is fitted. Between 3.7 and 4.2 ppm only broad lines count as macromolecules, so that what
    is narrow there belongs to creatine; nothing is claimed above. `DataError` for another nucleus, a scan that is too short or covers
    too little, one that is not metabolite-nulled, and one in which no macromolecules are found.
    """
    scans = np.atleast_2d(np.asarray(fids, dtype=np.complex128))
    check_scans(scans, acquisition=acquisition, metabolites=metabolites, ppm_range=ppm_range)
    fits = [_fitted(scan, acquisition=acquisition, metabolites=metabolites, ppm_range=ppm_range) for scan in scans]
    for number, fit in enumerate(fits, start=1):
        name = "the scan" if len(fits) == 1 else f"scan {number} of {len(fits)}"
        check_nulled(snr=_reference_height(fit), residue_ratios=_residue_ratios(fit, metabolites), name=name)
    placements = tuple(_placement(fit, scan) for fit, scan in zip(fits, scans, strict=True))
    mean = np.mean([_placed(scan, fit, place) for scan, fit, place in zip(scans, fits, placements, strict=True)], axis=0)
    final = fits[0] if len(fits) == 1 else _fitted(mean, acquisition=acquisition, metabolites=metabolites, ppm_range=ppm_range, placed=True)
    return _result(final, placements=placements, metabolites=metabolites)


def as_basis(macromolecules: MeasuredMacromolecules, *, kind: Literal["lines", "data"] = "lines", origin: str = "") -> BasisSet:
    """A basis set of the one component ``Mac``: the noise-free `lines`, or the cleaned `data` with their noise and broadening."""
    quality, n_scans = macromolecules.quality, len(macromolecules.placements)
    source = f"metabolite-nulled scan{'s' if n_scans > 1 else ''} of {n_scans} {'people' if n_scans > 1 else 'person'}"
    form = {
        "lines": f"noise-free sum of {len(macromolecules.lines)} lines",
        "data": f"data less residues, with their noise and a line width of {quality['linewidth_hz']:.1f} Hz",
    }
    return BasisSet(
        metabolites=(NAME,),
        fids=(macromolecules.component if kind == "lines" else macromolecules.cleaned)[None],
        acquisition=macromolecules.acquisition,
        sequence=f"measured macromolecules ({form[kind]})",
        linewidth_hz=0.0 if kind == "lines" else quality["linewidth_hz"],
        origins=(f"{source}{': ' if origin else ''}{origin}",),
        assumptions=(
            f"residues of {', '.join(item.name for item in macromolecules.residues)} taken out ({macromolecules.sequence})",
            "only broad lines from 3.7 to 4.2 ppm, nothing above",
            *macromolecules.warnings,
        ),
    )


def _fitted(
    fid: ComplexArray, *, acquisition: Acquisition, metabolites: BasisSet, ppm_range: tuple[float, float], placed: bool = False
) -> NulledFit:
    """Fit of one FID; of one that is already in its place the search starts there."""
    mask = (acquisition.ppm >= ppm_range[0]) & (acquisition.ppm <= ppm_range[1])
    lines = tuple(lines_of_nulled_scan().values())
    model = NulledModel(
        acquisition=acquisition,
        mask=mask,
        data=spectrum_from_fid(fid)[mask] / noise_sd(fid, acquisition=acquisition),
        lines=lines,
        residues=metabolites.fids,
        baseline=baseline_columns(acquisition, mask=mask),
    )
    phase_rad, shift_hz = (0.0, 0.0) if placed else coarse_start(fid, acquisition=acquisition, lines=lines)
    return fit_nulled(model, starts=[(phase_rad + offset, shift_hz) for offset in ((0.0,) if placed else (0.0, -0.8, 0.8))])


def _reference() -> int:
    return list(lines_of_nulled_scan()).index(REFERENCE_LINE)


def _reference_height(fit: NulledFit) -> float:
    """Height of the line near 0.9 ppm in units of noise, as it is in the scan."""
    return float(fit.line_areas[_reference()] * np.abs(fit.columns[:, _reference()]).max())


def _residue_ratios(fit: NulledFit, metabolites: BasisSet) -> dict[str, float]:
    """Highest point of each residue over the height of the 0.9 ppm line, which may have been switched off."""
    heights = np.abs(fit.residue_amplitudes) * np.abs(fit.columns[:, len(fit.model.lines) :]).max(axis=0)
    return dict(zip(metabolites.metabolites, (heights / max(_reference_height(fit), 1e-12)).tolist(), strict=True))


def _placement(fit: NulledFit, scan: ComplexArray) -> Placement:
    unit = REFERENCE_AREA / fit.line_areas[_reference()] / noise_sd(scan, acquisition=fit.model.acquisition)
    phase_rad = float(np.angle(np.exp(1j * fit.theta[PHASE])))
    return Placement(phase_rad=phase_rad, delay_s=float(fit.theta[DELAY]), shift_hz=float(fit.theta[SHIFT]), scale=float(unit))


def _placed(scan: ComplexArray, fit: NulledFit, place: Placement) -> ComplexArray:
    """A scan upright, at 0 Hz and the scale of the component."""
    acquisition = fit.model.acquisition
    factor = fit.model.phase_factor(fit.theta, frequency_hz=acquisition.frequency_hz)
    upright = fid_from_spectrum(spectrum_from_fid(scan) * factor)
    return np.asarray(place.scale * upright * np.exp(-2j * np.pi * place.shift_hz * acquisition.time_s))


def _result(fit: NulledFit, *, placements: tuple[Placement, ...], metabolites: BasisSet) -> MeasuredMacromolecules:
    model, scale = fit.model, REFERENCE_AREA / fit.line_areas[_reference()]
    curves = _curves(fit, scale=scale)
    amplitude_sd = scale * fit.amplitude_sd[len(model.lines) :]
    heights = np.abs(fit.columns[:, len(model.lines) :]).max(axis=0) * fit.residue_amplitudes * scale
    values = zip(metabolites.metabolites, scale * fit.residue_amplitudes, amplitude_sd, heights, strict=True)
    residues = tuple(Residue(name=name, amplitude=float(one), sd=float(sd), height=float(height)) for name, one, sd, height in values)
    ratios = _residue_ratios(fit, metabolites)
    quality = {**_quality(fit, curves=curves, scale=scale), "largest_residue": max(ratios.values())}
    cleaned = np.zeros(model.acquisition.n_points, dtype=np.complex128)
    cleaned[model.mask] = curves.component + curves.remainder
    shift_back = np.exp(-2j * np.pi * fit.theta[SHIFT] * model.acquisition.time_s)
    return MeasuredMacromolecules(
        acquisition=model.acquisition,
        component=read_only(scale * fit.line_areas @ model.line_fids(fit.theta)),
        cleaned=read_only(fid_from_spectrum(cleaned) * shift_back),
        lines=tuple(line for line in fit.fitted_lines(scale=scale) if line.area > 0),
        lorentzian_hz=float(fit.theta[LINE_LORENTZIAN]),
        residues=residues,
        noise_sd=float(scale),
        placements=placements,
        quality=quality,
        curves=curves,
        sequence=metabolites.sequence,
        warnings=remarks(quality=quality, residue_ratios=ratios, frequency_mhz=model.acquisition.spectrometer_frequency_mhz),
    )


def _curves(fit: NulledFit, *, scale: float) -> NulledCurves:
    model, n_lines = fit.model, len(fit.model.lines)
    component = fit.columns[:, :n_lines] @ fit.line_areas
    residues = fit.columns[:, n_lines:] @ fit.residue_amplitudes
    baseline = model.baseline @ fit.baseline
    return NulledCurves(
        ppm=model.acquisition.ppm[model.mask] + fit.theta[SHIFT] / model.acquisition.spectrometer_frequency_mhz,
        data=scale * (component + residues + baseline + fit.residual),
        component=scale * component,
        residues=scale * residues,
        baseline=scale * baseline,
        remainder=scale * fit.residual,
        component_sd=scale * fit.component_sd(),
    )


def _quality(fit: NulledFit, *, curves: NulledCurves, scale: float) -> dict[str, float]:
    height = _reference_height(fit)
    above = curves.ppm > UNCERTAIN_ABOVE_PPM
    relative_sd = curves.component_sd / scale / height
    gaussian_hz = fit.fitted_lines(scale=1.0)[_reference()].fwhm_ppm * fit.model.acquisition.spectrometer_frequency_mhz
    return {
        "snr": height,
        "residual_over_noise": fit.residual_sd,
        "fwhm_09_hz": voigt_fwhm_hz(gaussian_hz=gaussian_hz, lorentzian_hz=float(fit.theta[LINE_LORENTZIAN])),
        "linewidth_hz": voigt_fwhm_hz(gaussian_hz=float(fit.theta[GAUSSIAN]), lorentzian_hz=float(fit.theta[LORENTZIAN])),
        "component_sd": float(relative_sd[~above].mean()),
        "component_sd_above_3_6": float(relative_sd[above].mean()) if above.any() else float("nan"),
    }


def voigt_fwhm_hz(*, gaussian_hz: float, lorentzian_hz: float) -> float:
    """Full width at half maximum of a Voigt line to 0.02 % (Olivero & Longbothum 1977, doi:10.1016/0022-4073(77)90161-3)."""
    return float(0.5346 * lorentzian_hz + np.sqrt(0.2166 * lorentzian_hz**2 + gaussian_hz**2))

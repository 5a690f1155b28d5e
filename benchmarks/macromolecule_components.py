"""Which macromolecule components give the right Glx/tNAA: fits of the 2016 fitting challenge with each choice.

    python benchmarks/macromolecule_components.py --data ../shared/data

Four simulated spectra (PRESS 30 ms) of known content, whose macromolecules were measured by others. Their own metabolite signals are
fitted, so that only macromolecules and baseline differ. Choices: the built-in default components; the nine of LCModel; the 13 published
lines as one component; the component of a Philips scan of another person (`mrs-pipeline macromolecules`), its lines evaluated at the field
of the challenge; and the challenge's own macromolecules, which are the truth. Columns: fitted range; error of Glx/tNAA in each
spectrum, %; root of the mean squared error of Glx, tCr, tCho and Ins over tNAA, %; fit quality (1: noise).
"""

import argparse
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, FloatArray
from mrs_pipeline.basis.basis_set import BasisSet, standard_name
from mrs_pipeline.basis.macromolecules import macromolecule_basis, measured_type_macromolecules, soft_ratio_priors
from mrs_pipeline.basis.measured_macromolecules import MeasuredMacromolecules
from mrs_pipeline.basis.resampling import resampled
from mrs_pipeline.commands.macromolecules import measure_macromolecules
from mrs_pipeline.fitting.fit import fit_spectrum, prepare_fitter
from mrs_pipeline.fitting.options import FitOptions
from mrs_pipeline.io.nifti_mrs import read_fids

LIPIDS = ("Lip09", "Lip13a", "Lip13b", "Lip20")
DEFAULT = ("MM09", "MM12", "MM14", "MM17", "MM201", "MM209", "MM225", "MM26", "MM30", "MM31", "MM37", "MM38", "MM40", *LIPIDS)
LCMODEL = ("MM09", "MM12", "MM14", "MM17", "MM20", *LIPIDS)
SETS = (1, 8, 13, 16)
SUMS = {"Glx": ("Glu", "Gln"), "tNAA": ("NAA", "NAAG"), "tCr": ("Cr", "PCr"), "tCho": ("GPC", "PCh"), "Ins": ("Ins",)}
NOT_METABOLITES = {"sf_MHz", "dt_s", "Ace", "PressMac_30ms", "Mac"}


def challenge(folder: Path) -> tuple[BasisSet, ComplexArray]:
    """The metabolites of the challenge and its macromolecules, whose first sample is stored halved."""
    with np.load(folder / "basis.npz") as content:
        signals = {name: content[name] for name in content if name not in NOT_METABOLITES}
        macromolecules, frequency_mhz, dwell_s = content["Mac"].copy(), float(content["sf_MHz"]), float(content["dt_s"])
    macromolecules[0] *= 2
    acquisition = Acquisition(
        nucleus="1H",
        spectrometer_frequency_mhz=frequency_mhz,
        spectral_width_hz=1 / dwell_s,
        n_points=macromolecules.size,
        echo_time_s=0.03,
        repetition_time_s=None,
    )
    names = tuple(standard_name(name) for name in signals)
    return BasisSet(metabolites=names, fids=np.array(list(signals.values())), acquisition=acquisition, sequence="challenge"), macromolecules


def at_another_field(found: MeasuredMacromolecules, acquisition: Acquisition) -> ComplexArray:
    """The measured component at the challenge's frequency: shifts and Gaussian widths in ppm, the homogeneous width in Hz."""
    lines = np.array([line.fid(acquisition) for line in found.lines])
    return np.asarray(lines.sum(axis=0) * np.exp(-np.pi * found.lorentzian_hz * acquisition.time_s))


def choices(
    found: MeasuredMacromolecules, theirs: ComplexArray, acquisition: Acquisition
) -> dict[str, tuple[tuple[str, ...], ComplexArray]]:
    """Names and FIDs of the components of each choice."""
    published = measured_type_macromolecules(acquisition=acquisition).fids.sum(axis=0)
    built_in = {"built-in default": DEFAULT, "those of LCModel": LCMODEL}
    return {
        **{label: (names, macromolecule_basis(names=names, acquisition=acquisition).fids) for label, names in built_in.items()},
        "13 published lines": (("Mac",), published[None]),
        "measured, Philips": (("Mac",), at_another_field(found, acquisition)[None]),
        "the challenge's own": (("Mac",), theirs[None]),
    }


def relative_errors(amplitudes: Mapping[str, float], truth: Mapping[str, float]) -> list[float]:
    """Error of every sum over tNAA, %."""
    fitted = {name: sum(amplitudes[part] for part in parts) for name, parts in SUMS.items()}
    true = {name: sum(truth[part] for part in parts) for name, parts in SUMS.items()}
    return [100 * (fitted[name] / fitted["tNAA"] * true["tNAA"] / true[name] - 1) for name in SUMS if name != "tNAA"]


@dataclass(frozen=True, kw_only=True)
class Result:
    """Fits of all spectra with one choice: errors over tNAA, %, shape (n_sets, n_sums), and fit quality."""

    components: str
    errors: FloatArray
    quality: tuple[float, ...]

    @property
    def rms(self) -> FloatArray:
        """Root mean square over the sets."""
        return np.asarray(np.sqrt(np.mean(np.square(self.errors), axis=0)))


def results(data: Path, *, ppm_range: tuple[float, float]) -> Iterator[Result]:
    """One result for each choice of components."""
    folder, real = data / "fitting_challenge", data / "real"
    basis, theirs = challenge(folder)
    scan, water = real / "philips3t_press30mm_inv600_sub01.nii.gz", real / "philips3t_press30mm_sub01_wref.nii.gz"
    found = measure_macromolecules([scan], water=[water])
    with (folder / "truth.csv").open() as stream:
        truth = {standard_name(row["metabolite"]): row for row in csv.DictReader(stream)}
    for label, (names, fids) in choices(found, theirs, basis.acquisition).items():
        ready = replace(basis, metabolites=(*basis.metabolites, *names), fids=np.vstack([basis.fids, fids]))
        errors, quality = [], []
        for number in SETS:
            spectrum = read_fids(folder / f"dataset{number:02d}.nii.gz")
            resampled_basis = resampled(ready, acquisition=replace(spectrum.acquisition, echo_time_s=0.03))
            fitter = prepare_fitter(resampled_basis, options=FitOptions(ppm_range=ppm_range), ratio_priors=soft_ratio_priors())
            fit = fit_spectrum(np.asarray(spectrum.data, dtype=complex).ravel(), fitter=fitter)
            true = {name: float(row[f"dataset{number}"] or 0) for name, row in truth.items()}
            errors.append(relative_errors(dict(zip(fit.metabolites, fit.amplitudes, strict=True)), true))
            quality.append(fit.quality["fqn"])
        yield Result(components=label, errors=np.array(errors), quality=tuple(quality))


def main(data: Path) -> None:
    print(f"{'ppm range':12s}{'components':28s}{'Glx/tNAA in each set':34s}{'Glx':>7s}{'tCr':>7s}{'tCho':>7s}{'Ins':>7s}   quality")
    for low, high in ((0.2, 4.0), (0.2, 4.2)):
        for result in results(data, ppm_range=(low, high)):
            each = " ".join(f"{error:7.1f}" for error in result.errors[:, 0])
            summary = "".join(f"{value:7.1f}" for value in result.rms)
            print(f"{low:g}-{high:<8g}{result.components:28s}{each:34s}{summary}   {' '.join(f'{q:.1f}' for q in result.quality)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with fitting_challenge and real")
    main(parser.parse_args().data)

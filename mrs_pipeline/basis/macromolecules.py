"""Macromolecule and lipid signals: broad Gaussian lines, and what is known about the ratios of their amplitudes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray, hz_from_ppm
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.errors import unknown_name

#: Spectrometer frequency at which the widths of the measured profile are stated, MHz.
MEASURED_AT_MHZ = 128.0


@dataclass(frozen=True, kw_only=True)
class GaussianLine:
    """One line: position, full width at half maximum and area in protons (the first point of its FID)."""

    shift_ppm: float
    fwhm_ppm: float
    area: float

    def fid(self, acquisition: Acquisition) -> ComplexArray:
        """FID of the line, shape (n_points,): its decay is exp(-(pi FWHM t)^2 / (4 ln 2))."""
        time_s, frequency_mhz = acquisition.time_s, acquisition.spectrometer_frequency_mhz
        frequency_hz = float(hz_from_ppm(self.shift_ppm, spectrometer_frequency_mhz=frequency_mhz))
        width_hz = self.fwhm_ppm * frequency_mhz
        decay = np.exp(-((np.pi * width_hz * time_s) ** 2) / (4 * np.log(2)))
        return np.asarray(self.area * decay * np.exp(2j * np.pi * frequency_hz * time_s))


@dataclass(frozen=True, kw_only=True)
class RatioPrior:
    """Gaussian prior: amplitude of `numerator` over the sum of `denominator` is `mean` +- `sd`."""

    numerator: str
    denominator: tuple[str, ...]
    mean: float
    sd: float


def macromolecule_basis(*, names: Sequence[str], acquisition: Acquisition) -> BasisSet:
    """FIDs of the parametrised components, each starting at the sum of its relative areas.

    Positions, expected widths and areas are LCModel's (``macromolecules.json``). `ConfigError` lists the valid names.
    """
    components = macromolecule_components()
    for name in names:
        if name not in components:
            raise unknown_name("macromolecule or lipid component", name, components)
    return _basis({name: components[name] for name in names}, acquisition=acquisition, sequence="parametrised macromolecules and lipids")


def measured_type_macromolecules(*, acquisition: Acquisition) -> BasisSet:
    """The 13 lines of a macromolecule profile measured at 3 T (Birch et al. 2017, doi:10.1002/mrm.26095), one FID each.

    Their plain sum is the profile; widths keep their value in ppm at other fields.
    """
    lines = {line["name"]: (_measured(line),) for line in macromolecule_data()["measured_3t"]}
    return _basis(lines, acquisition=acquisition, sequence="macromolecules measured at 3 T")


def lines_of_nulled_scan() -> dict[str, GaussianLine]:
    """Lines expected in a metabolite-nulled scan by name: those of `measured_type_macromolecules` and further ones."""
    content = macromolecule_data()
    return {line["name"]: _measured(line) for line in (*content["measured_3t"], *content["further_lines"])}


def _measured(line: Mapping[str, Any]) -> GaussianLine:
    return GaussianLine(shift_ppm=line["shift_ppm"], fwhm_ppm=line["fwhm_hz_at_128_mhz"] / MEASURED_AT_MHZ, area=line["area"])


def soft_ratio_priors() -> tuple[RatioPrior, ...]:
    """LCModel's default priors on ratios of these components; the priors on metabolites are left out, as they pull on results."""
    return tuple(RatioPrior(**{**prior, "denominator": tuple(prior["denominator"])}) for prior in macromolecule_data()["ratio_priors"])


@cache
def macromolecule_components() -> dict[str, tuple[GaussianLine, ...]]:
    """The parametrised components by name."""
    return {name: tuple(GaussianLine(**line) for line in lines) for name, lines in macromolecule_data()["components"].items()}


@cache
def macromolecule_data() -> Any:
    """Content of ``macromolecules.json``: its key ``about`` says what the others hold and where it comes from."""
    return json.loads(resources.files(__package__).joinpath("macromolecules.json").read_text(encoding="utf-8"))


def _basis(components: Mapping[str, tuple[GaussianLine, ...]], *, acquisition: Acquisition, sequence: str) -> BasisSet:
    fids = [sum((line.fid(acquisition) for line in lines), np.zeros(acquisition.n_points, dtype=complex)) for lines in components.values()]
    return BasisSet(
        metabolites=tuple(components),
        fids=np.array(fids).reshape(len(components), acquisition.n_points),
        acquisition=acquisition,
        sequence=sequence,
    )

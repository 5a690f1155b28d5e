"""BasisSet: the noise-free FIDs whose weighted sum explains a spectrum, and the one table of metabolite names."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from mrs_pipeline.acquisition import Acquisition, ComplexArray
from mrs_pipeline.errors import ConfigError, DataError
from mrs_pipeline.fids import read_only

#: Any name -> the name used in every table here (compared without regard to case), one row per metabolite: names of LCModel, Osprey and
#: FID-A, FSL-MRS, MARSS, jMRUI, TARQUIN and Vespa. "Eth" is ethanolamine (MARSS). "Cys" is left alone: MARSS means cystathionine by it.
ALIASES: dict[str, str] = {
    alias: standard
    for standard, aliases in {
        "2HG": ("2HG", "2-HG", "bHG", "2-hydroxyglutarate"),
        "Ace": ("Ace", "Act", "AcO", "acetate"),
        "Ala": ("Ala", "alanine"),
        "Asc": ("Asc", "ascorbate"),
        "Asp": ("Asp", "aspartate"),
        "bHB": ("bHB", "b-HB", "beta-hydroxybutyrate"),
        "Cho": ("Cho", "Ch", "choline"),
        "Cr": ("Cr", "Cre", "creatine"),
        "Cystat": ("Cystat", "cystathionine"),
        "EA": ("EA", "Eth", "ETA", "ethanolamine"),
        "EtOH": ("EtOH", "ethanol"),
        "GABA": ("GABA", "gamma-aminobutyrate"),
        "Glc": ("Glc", "glucose"),
        "Gln": ("Gln", "glutamine"),
        "Glu": ("Glu", "glutamate"),
        "Gly": ("Gly", "glycine"),
        "GPC": ("GPC", "glycerophosphocholine", "glycerophosphorylcholine"),
        "GSH": ("GSH", "Glth", "glutathione"),
        "HCar": ("HCar", "Hom", "homocarnosine"),
        "Ins": ("Ins", "mI", "mIns", "m-Ins", "Myo", "myo-Ins", "myo-inositol", "myoinositol"),
        "Lac": ("Lac", "lactate"),
        "NAA": ("NAA", "N-acetylaspartate"),
        "NAAG": ("NAAG", "N-acetylaspartylglutamate"),
        "PCh": ("PCh", "PCho", "phosphocholine", "phosphorylcholine"),
        "PCr": ("PCr", "phosphocreatine"),
        "PE": ("PE", "PEth", "phosphoethanolamine", "phosphorylethanolamine"),
        "Phe": ("Phe", "PA", "Phenyl", "phenylalanine"),
        "Ser": ("Ser", "serine"),
        "sIns": ("sIns", "sI", "Scy", "Scyllo", "scyllo-Ins", "scyllo-inositol", "scylloinositol"),
        "Tau": ("Tau", "Tauri", "taurine"),
        "Thr": ("Thr", "threonine"),
        "Trp": ("Trp", "Try", "tryptophan"),
        "Tyr": ("Tyr", "Tyros", "tyrosine"),
        "Val": ("Val", "valine"),
    }.items()
    for alias in aliases
}


def standard_name(name: str) -> str:
    """The name used here for a metabolite that another program may call differently; unknown names stay as they are."""
    folded = {alias.lower(): standard for alias, standard in ALIASES.items()}
    return folded.get(name.lower(), name)


def is_macromolecule(name: str) -> bool:
    """Whether a component stands for macromolecules or lipids (``Mac``, ``MM*``, ``Lip*``, ``-CrCH2`` is not one)."""
    return name.lower().startswith(("mac", "mm", "lip"))


def is_lipid(name: str) -> bool:
    """Whether a component stands for lipids, which come from outside the voxel and change with motion (``Lip*``)."""
    return name.lower().startswith("lip")


@dataclass(frozen=True, kw_only=True)
class BasisSet:
    """FIDs of unit amplitude, shape (n_metabolites, n_points), in the package's sign convention (`acquisition`).

    ``sequence`` says in words how they were made. FIDs carry no line broadening beyond what ``linewidth_hz`` states
    (full width at half maximum of the Lorentzian already in them). ``origins`` says of each metabolite where its numbers come from
    (empty: not known), ``assumptions`` what was taken for granted, in sentences; both are for people and change no number.
    """

    metabolites: tuple[str, ...]
    fids: ComplexArray
    acquisition: Acquisition
    sequence: str
    linewidth_hz: float = 0.0
    origins: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes and names; `DataError` names what is wrong."""
        fids = np.asarray(self.fids, dtype=np.complex128)
        expected = (len(self.metabolites), self.acquisition.n_points)
        if fids.shape != expected:
            raise DataError(f"basis FIDs have shape {fids.shape}, expected {expected} (metabolites, points)")
        if len(set(self.metabolites)) != len(self.metabolites):
            raise DataError(f"a metabolite appears twice in the basis: {', '.join(self.metabolites)}")
        if len(self.origins) not in {0, len(self.metabolites)}:
            raise DataError(f"the basis has {len(self.metabolites)} metabolites but {len(self.origins)} origins: state one each, or none")
        finite = np.all(np.isfinite(fids), axis=1)
        if not finite.all():
            raise DataError(f"component {self.metabolites[int(np.argmin(finite))]} of the basis holds values that are not finite numbers")
        object.__setattr__(self, "fids", read_only(fids))

    def select(self, metabolites: Iterable[str]) -> "BasisSet":
        """The named metabolites in the order asked for; `ConfigError` lists what is there if one is missing."""
        wanted = [standard_name(name) for name in metabolites]
        missing = [name for name in wanted if name not in self.metabolites]
        if missing:
            raise ConfigError(f"metabolite '{missing[0]}' is not in the basis: use one of {', '.join(sorted(self.metabolites))}")
        rows = [self.metabolites.index(name) for name in wanted]
        origins = tuple(self.origins[row] for row in rows) if self.origins else ()
        return replace(self, metabolites=tuple(wanted), fids=self.fids[rows], origins=origins)

"""Full names of the components of basis sets, for readers to whom an abbreviation says nothing."""

import re

#: Chemical name of each abbreviation in use, ours and those of imported sets.
FULL_NAMES: dict[str, str] = {
    "2HG": "2-hydroxyglutarate",
    "Ace": "acetate",
    "Act": "acetone",
    "Ala": "alanine",
    "Asc": "ascorbate",
    "Asp": "aspartate",
    "ATP": "adenosine triphosphate",
    "bHB": "β-hydroxybutyrate",
    "Cho": "choline",
    "Cit": "citrate",
    "Cr": "creatine",
    "-CrCH2": "correction of the CH₂ of creatine",
    "Cys": "cysteine",
    "Cystat": "cystathionine",
    "EA": "ethanolamine",
    "EtOH": "ethanol",
    "GABA": "γ-aminobutyrate",
    "Glc": "glucose",
    "Gln": "glutamine",
    "Glu": "glutamate",
    "Gly": "glycine",
    "GPC": "glycerophosphocholine",
    "GSH": "glutathione",
    "Gua": "guanidinoacetate",
    "H2O": "water",
    "HCar": "homocarnosine",
    "His": "histidine",
    "Homocarnosine": "homocarnosine",
    "Ins": "myo-inositol",
    "Lac": "lactate",
    "Mac": "macromolecules",
    "NAA": "N-acetylaspartate",
    "NAAG": "N-acetylaspartylglutamate",
    "PCh": "phosphocholine",
    "PCr": "phosphocreatine",
    "PE": "phosphoethanolamine",
    "Phe": "phenylalanine",
    "Pyr": "pyruvate",
    "Ser": "serine",
    "sIns": "scyllo-inositol",
    "Suc": "succinate",
    "Tau": "taurine",
    "Thr": "threonine",
    "Trp": "tryptophan",
    "Tyr": "tyrosine",
    "Val": "valine",
}

_BROAD = {"mm": "macromolecules", "lip": "lipids"}


def full_name(name: str) -> str:
    """Chemical name of a component; that of a broad one says where it lies (``MM09``: 0.9 ppm); nothing for one that is not known."""
    folded = {known.lower(): full for known, full in FULL_NAMES.items()}
    broad = re.fullmatch(r"(mm|lip)_?(\d)\.?(\d{1,2})[a-z]?", name.lower())
    if broad:
        return f"{_BROAD[broad[1]]} near {broad[2]}.{broad[3]} ppm"
    return folded.get(name.lower(), "")

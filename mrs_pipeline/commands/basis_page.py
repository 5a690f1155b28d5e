"""Page of the basis set: what is fitted in a study, and where it comes from."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mrs_pipeline.commands.basis import with_macromolecules
from mrs_pipeline.commands.provenance import provenance
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.basis_files import read_basis
from mrs_pipeline.report.basis_page import basis_page
from mrs_pipeline.report.contents import BasisReport


def write_basis_page(path: Path, *, config: Mapping[str, Any], out: Path, group_page: str = "") -> None:
    """Write ``basis.html``: the basis set of a study, with the macromolecules that its fits add.

    `config` needs the sections `study`, `basis`, `fitting` and `simulation` of a study.
    """
    basis = read_basis(path)
    macromolecules = config["basis"]["macromolecules"]
    fitted = with_macromolecules(basis, names=macromolecules)
    versions = provenance(config)
    low, high = config["fitting"]["ppm_range"]
    page = basis_page(
        BasisReport(
            title=f"Basis set: {config['study']['title'] or config['study']['name']}",
            basis=replace(fitted, sequence=basis.sequence),
            source=f"the file {config['basis']['file']}" if config["basis"]["file"] else "simulated by this program",
            fit_range=(float(low), float(high)),
            built_in=() if isinstance(macromolecules, str) else fitted.metabolites[len(basis.metabolites) :],
            group_page=group_page,
            provenance={
                "program": versions["program"],
                "libraries": versions["libraries"],
                "sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest()},
            },
        )
    )
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")

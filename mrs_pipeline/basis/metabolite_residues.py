"""What inversion does not null: signals of metabolites, those of one molecule apart where their T1 differ."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.macromolecules import macromolecule_data
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import SpinSystem, spin_system


@dataclass(frozen=True, kw_only=True)
class ResiduePart:
    """A share of a residue: the groups of a metabolite that have a spin near `near_ppm` (None: all), and their weight."""

    metabolite: str
    weight: float
    near_ppm: float | None = None

    def system(self) -> SpinSystem:
        """Spin system of this part alone."""
        whole = spin_system(self.metabolite)
        if self.near_ppm is None:
            return whole
        groups = [group for group in whole.groups if any(abs(spin.shift_ppm - self.near_ppm) < 0.05 for spin in group.spins)]
        return replace(whole, groups=tuple(groups))


def metabolite_residues() -> dict[str, tuple[ResiduePart, ...]]:
    """The residues by name, in the order in which they are listed (``macromolecules.json``)."""
    entries: dict[str, list[dict[str, Any]]] = macromolecule_data()["residues"]
    return {name: tuple(ResiduePart(**part) for part in parts) for name, parts in entries.items()}


def residue_basis(
    *,
    sequence: str,
    acquisition: Acquisition,
    names: Sequence[str] = (),
    echo_time_1_s: float | None = None,
    mixing_time_s: float | None = None,
) -> BasisSet:
    """FIDs of the residues of a metabolite-nulled scan at its echo time; any metabolite that can be simulated may be named besides.

    Default are all of the table. `ConfigError` for an unknown name, as in `simulate_basis`.
    """
    table = metabolite_residues()
    wanted = list(names) or list(table)
    parts = [table.get(name, (ResiduePart(metabolite=name, weight=1.0),)) for name in wanted]
    flat = [part for entry in parts for part in entry]
    simulated = simulate_basis(
        sequence=sequence,
        metabolites=[replace(part.system(), name=f"{part.metabolite} {number}") for number, part in enumerate(flat)],
        acquisition=acquisition,
        echo_time_1_s=echo_time_1_s,
        mixing_time_s=mixing_time_s,
    )
    ends = np.cumsum([len(entry) for entry in parts])
    rows = np.split(simulated.fids * np.array([part.weight for part in flat])[:, None], ends[:-1])
    return BasisSet(
        metabolites=tuple(wanted),
        fids=np.array([row.sum(axis=0) for row in rows]),
        acquisition=acquisition,
        sequence=simulated.sequence,
        assumptions=simulated.assumptions[:2],
    )

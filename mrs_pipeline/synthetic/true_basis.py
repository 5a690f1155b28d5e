"""The true signals of the metabolites: not those that an analysis would simulate.

Chemical shifts and couplings are drawn once a study about the published ones, so that generating and fitting a spectrum with the same
numbers (the "inverse crime") is a choice of the description rather than an accident. So are the pulses: those of a scanner are
slice-selective, and different metabolites then come from slightly different volumes.
"""

from functools import lru_cache

from mrs_pipeline.acquisition import Acquisition
from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.basis.pulse_sets import slice_selection
from mrs_pipeline.basis.simulation import simulate_basis
from mrs_pipeline.basis.spin_systems import perturbed, spin_system
from mrs_pipeline.synthetic.plan import StudyPlan
from mrs_pipeline.synthetic.sections.scanner import TrueBasis
from mrs_pipeline.synthetic.streams import stream


def true_basis(plan: StudyPlan) -> BasisSet:
    """The noise-free FIDs of the metabolites of a study, without broadening; simulated once a process."""
    description, recording = plan.description, plan.description.acquisition
    return _simulated(
        description.basis,
        metabolites=description.metabolites,
        acquisition=description.sampling,
        sequence=recording.sequence,
        echo_time_1_s=recording.echo_time_1_s,
        seed=plan.seed,
    )


@lru_cache(maxsize=4)
def _simulated(
    section: TrueBasis, *, metabolites: tuple[str, ...], acquisition: Acquisition, sequence: str, echo_time_1_s: float, seed: int
) -> BasisSet:
    rng = stream(seed, purpose="basis")
    systems = [
        perturbed(spin_system(name), rng=rng, shift_sd_ppm=section.shift_sd_ppm, coupling_sd_hz=section.coupling_sd_hz)
        for name in metabolites
    ]
    return simulate_basis(
        sequence=sequence,
        metabolites=systems,
        acquisition=acquisition,
        echo_time_1_s=echo_time_1_s,
        selection=slice_selection(section.pulses),
    )

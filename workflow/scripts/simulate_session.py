"""Write the raw data of one visit of a synthetic study."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.simulate import simulate_session

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    simulate_session(
        Path(snakemake.input[0]),
        Path(snakemake.params.out_dir),
        participant=snakemake.params.participant,
        session=snakemake.params.session,
        seed=snakemake.params.seed,
        basis=Path(snakemake.input.basis),
    )

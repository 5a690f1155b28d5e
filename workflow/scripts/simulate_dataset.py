"""Write what belongs to a synthetic dataset rather than to a visit."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.simulate import simulate_dataset_files

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    simulate_dataset_files(Path(snakemake.input[0]), Path(snakemake.params.out_dir), seed=snakemake.params.seed)

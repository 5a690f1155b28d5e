"""Simulate the true signals of the metabolites of a synthetic study, once for all visits."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.simulate import write_true_basis

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    write_true_basis(Path(snakemake.input[0]), Path(snakemake.output[0]), seed=snakemake.params.seed)

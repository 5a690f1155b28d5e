"""Lay files out as a BIDS dataset."""

from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.import_bids import import_table
from mrs_pipeline.commands.job import job_log

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    import_table(snakemake.input[0], snakemake.output[0], source_dir=snakemake.params.source_dir)

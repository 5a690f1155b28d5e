"""Describe the results as a BIDS derivative."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.layout import bids_dir
from mrs_pipeline.commands.provenance import describe_derivative
from mrs_pipeline.commands.study import study_config

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    config = study_config(snakemake.config, source="configuration")
    describe_derivative(config, source=bids_dir(config), out_dir=Path(snakemake.output[0]).parent)

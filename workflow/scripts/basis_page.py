"""Page of the basis set."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.basis_page import write_basis_page
from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.study import study_config

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    config = study_config(snakemake.config, source="configuration")
    write_basis_page(Path(snakemake.input[0]), config=config, out=Path(snakemake.output[0]), group_page="index.html")

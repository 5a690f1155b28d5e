"""Contrast of conditions from the measures of all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.contrast import contrast_file
from mrs_pipeline.commands.job import job_log

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    contrast_file(
        Path(snakemake.input[0]), config={"statistics": snakemake.params.statistics}, out_dir=Path(snakemake.output.contrasts).parent
    )

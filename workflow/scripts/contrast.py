"""Contrast of conditions from the measures of all sessions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.contrast import contrast_file
from mrs_pipeline.commands.job import job_log

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    tables = {name: Path(path) for name, path in snakemake.input.items()}
    contrast_file(**tables, config={"statistics": snakemake.params.statistics}, out_dir=Path(snakemake.output.contrasts).parent)

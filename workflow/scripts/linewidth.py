"""What a change of the linewidth does to the contrasts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.linewidth import linewidth_file

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    linewidth_file(
        Path(snakemake.input.measures),
        fitquality=Path(snakemake.input.quality),
        windows=Path(snakemake.input.windows),
        config={"statistics": snakemake.params.statistics},
        out_dir=Path(snakemake.output[0]).parent,
    )

"""Put the tables of all sessions together."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.group import collect
from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.layout import results_dir
from mrs_pipeline.commands.study import study_config, study_sessions

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    config = study_config(snakemake.config, source="configuration")
    sessions = list(study_sessions(config).values())
    collect(sessions, config=config, results=results_dir(config), out_dir=Path(snakemake.output.measures).parent)

"""Preprocess one session; bad data become a record with their reason."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.layout import PreprocessedNames
from mrs_pipeline.commands.preprocess import try_preprocess

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    participant, session = snakemake.params.session
    reason = try_preprocess(
        Path(snakemake.params.bids_dir),
        participant=participant,
        session=session,
        config=snakemake.params.config,
        out_dir=Path(snakemake.output.data).parent,
        names=PreprocessedNames.bids(snakemake.wildcards.label),
    )
    print(reason or "done")

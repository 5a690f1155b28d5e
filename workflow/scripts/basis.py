"""Simulate the basis set, or read the one given."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.basis import write_configured_basis
from mrs_pipeline.commands.job import job_log

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    remarks = write_configured_basis(snakemake.params.basis, out=Path(snakemake.output[0]))
    print("\n".join(remarks) or "done")

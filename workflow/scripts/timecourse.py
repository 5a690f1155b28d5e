"""Windows of one session and their fits; bad data become a status with its reason."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mrs_pipeline.commands.job import job_log
from mrs_pipeline.commands.layout import TimecourseNames
from mrs_pipeline.commands.quantification import with_tissue_of
from mrs_pipeline.commands.timecourse import try_timecourse

if TYPE_CHECKING:
    snakemake: Any

with job_log(snakemake.log[0]):
    params = snakemake.params
    reason = try_timecourse(
        Path(snakemake.input.data),
        record=Path(snakemake.input.record),
        events=Path(snakemake.input.events),
        config={
            "windows": params.windows,
            "timecourse": params.timecourse,
            "fitting": params.fitting,
            "measures": params.measures,
            "intervals": params.intervals,
            "quantification": with_tissue_of(params.quantification, bids_dir=Path(params.bids_dir), visit=params.visit),
            "basis": {"macromolecules": params.macromolecules},
        },
        basis=Path(snakemake.input.basis),
        out_dir=Path(snakemake.output.data).parent,
        names=TimecourseNames.bids(snakemake.wildcards.label),
    )
    print(reason or "done")

# What all rules share: the checked configuration, the sessions, and what a rule depends on besides its files.
from pathlib import Path

from snakemake.exceptions import WorkflowError

from mrs_pipeline.commands import layout, study
from mrs_pipeline.commands.basis import basis_sources, macromolecule_sources
from mrs_pipeline.commands.outputs import remove_remains
from mrs_pipeline.commands.preprocess import placing_event
from mrs_pipeline.commands.provenance import code_hash
from mrs_pipeline.errors import MrsPipelineError

# A file given by --configfile replaces the default study: nothing of the default leaks into it.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


try:
    STUDY = study.study_config(config, source=", ".join(map(str, workflow.configfiles)) or "--config")
    SESSIONS = study.study_sessions(STUDY)
    SOURCE = study.source_dir(STUDY) if STUDY["import"] else None
except MrsPipelineError as error:
    raise WorkflowError(str(error)) from None

RESULTS = layout.results_dir(STUDY)
BIDS = layout.bids_dir(STUDY)
LOGS = RESULTS / "logs"
BENCHMARKS = RESULTS / "benchmarks"
PREPROC = "{folder}/{label}_desc-preproc_"
WINDOW = "{folder}/{label}_desc-window_"
ENVIRONMENT = "../envs/mrs_pipeline.yaml"


wildcard_constraints:
    folder="|".join(sorted({item.folder for item in SESSIONS.values()})),
    label="|".join(SESSIONS),


def sections(*names):
    """The parts of the configuration that the results of a job depend on; a change elsewhere does not rerun it."""
    return {name: STUDY[name] for name in names}


def each_session(pattern):
    """A path pattern with {folder} and {label} for all sessions."""
    return [str(RESULTS / pattern.format(folder=item.folder, label=item.label)) for item in SESSIONS.values()]


def raw_inputs(wildcards):
    """Raw files of a session; the whole dataset where it is imported at once."""
    return [BIDS] if STUDY["import"] else list(SESSIONS[wildcards.label].inputs)

# Raw transients to the contrast of two conditions. Settings: config/config.yaml, or another study by --configfile.
from snakemake.utils import min_version

min_version("9.8")


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/basis.smk"
include: "workflow/rules/preprocess.smk"
include: "workflow/rules/timecourse.smk"
include: "workflow/rules/group.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        RESULTS / "report" / "index.html",
        RESULTS / "group" / "contrasts.tsv",
        RESULTS / "dataset_description.json",
    localrule: True


onstart:
    remove_remains(RESULTS)  # of a run that was killed: now the folder is locked, so nobody else writes there


onsuccess:
    print(f"Report: {RESULTS / 'report' / 'index.html'}")

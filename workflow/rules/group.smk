rule collect:
    input:
        each_session(f"{WINDOW}status.json"),
        each_session(f"{WINDOW}measures.tsv"),
        each_session(f"{PREPROC}record.json"),
        study.design_files(STUDY),
    output:
        measures=RESULTS / "group" / "measures.tsv",
        sessions=RESULTS / "group" / "sessions.tsv",
        quality=RESULTS / "group" / "fitquality.tsv",
        amplitudes=RESULTS / "group" / "amplitudes.tsv",
        windows=RESULTS / "group" / "windows.tsv",
        responses=RESULTS / "group" / "responses.tsv",
        transients=RESULTS / "group" / "transients.tsv",
    log:
        LOGS / "collect.log",
    conda:
        ENVIRONMENT
    params:
        covariates=STUDY["statistics"]["covariates"],
        code=code_hash("mrs_pipeline.commands.group"),
    script:
        "../scripts/collect.py"


rule contrast:
    input:
        measures=rules.collect.output.measures,
        fitquality=rules.collect.output.quality,
        windows=rules.collect.output.windows,
        sessions=rules.collect.output.sessions,
    output:
        contrasts=RESULTS / "group" / "contrasts.tsv",
        means=RESULTS / "group" / "marginal_means.tsv",
        diagnostics=RESULTS / "group" / "diagnostics.tsv",
        controls=RESULTS / "group" / "controls.tsv",
        exclusions=RESULTS / "group" / "exclusions.tsv",
        sensitivity=RESULTS / "group" / "sensitivity.tsv",
    log:
        LOGS / "contrast.log",
    benchmark:
        BENCHMARKS / "contrast.tsv"
    conda:
        ENVIRONMENT
    params:
        **sections("statistics"),
        code=code_hash("mrs_pipeline.commands.contrast"),
    script:
        "../scripts/contrast.py"


rule linewidth:
    input:
        measures=rules.collect.output.measures,
        quality=rules.collect.output.quality,
        windows=rules.collect.output.windows,
    output:
        RESULTS / "group" / "linewidth.tsv",
    log:
        LOGS / "linewidth.log",
    benchmark:
        BENCHMARKS / "linewidth.tsv"
    conda:
        ENVIRONMENT
    params:
        **sections("statistics"),
        code=code_hash("mrs_pipeline.commands.linewidth"),
    script:
        "../scripts/linewidth.py"


rule describe:
    output:
        RESULTS / "dataset_description.json",
        RESULTS / ".bidsignore",
    log:
        LOGS / "describe.log",
    conda:
        ENVIRONMENT
    params:
        **STUDY,
        code=code_hash("mrs_pipeline.commands.provenance"),
    script:
        "../scripts/describe.py"

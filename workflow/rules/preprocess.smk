rule preprocess:
    input:
        raw_inputs,
    output:
        data=RESULTS / f"{PREPROC}svs.nii.gz",
        transients=RESULTS / f"{PREPROC}transients.tsv",
        events=RESULTS / f"{PREPROC}events.tsv",
        record=RESULTS / f"{PREPROC}record.json",
    log:
        LOGS / "{folder}/{label}_preprocess.log",
    benchmark:
        BENCHMARKS / "{folder}/{label}_preprocess.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=2000,
    params:
        config={**sections("preprocessing", "selection"), "windows": {"event": placing_event(STUDY["windows"])}},
        bids_dir=str(BIDS),
        session=lambda wildcards: (SESSIONS[wildcards.label].participant, SESSIONS[wildcards.label].session),
        code=code_hash("mrs_pipeline.commands.preprocess"),
    script:
        "../scripts/preprocess.py"

rule timecourse:
    input:
        data=rules.preprocess.output.data,
        events=rules.preprocess.output.events,
        record=rules.preprocess.output.record,
        transients=rules.preprocess.output.transients,
        basis=rules.basis.output[0],
        macromolecules=macromolecule_sources(STUDY["basis"]),
        tissue=lambda wildcards: study.tissue_files(STUDY, participant=SESSIONS[wildcards.label].participant),
    output:
        **({"moving": RESULTS / f"{WINDOW}moving.tsv"} if STUDY["windows"]["moving"] else {}),
        data=RESULTS / f"{WINDOW}svs.nii.gz",
        windows=RESULTS / f"{WINDOW}windows.tsv",
        amplitudes=RESULTS / f"{WINDOW}amplitudes.tsv",
        correlations=RESULTS / f"{WINDOW}correlations.tsv",
        measures=RESULTS / f"{WINDOW}measures.tsv",
        quality=RESULTS / f"{WINDOW}fitquality.tsv",
        responses=RESULTS / f"{WINDOW}responses.tsv",
        curves=RESULTS / f"{WINDOW}curves.npz",
        status=RESULTS / f"{WINDOW}status.json",
    log:
        LOGS / "{folder}/{label}_timecourse.log",
    benchmark:
        BENCHMARKS / "{folder}/{label}_timecourse.tsv"
    conda:
        ENVIRONMENT
    resources:
        mem_mb=1000,
    params:
        **sections("windows", "timecourse", "fitting", "measures", "intervals", "quantification"),
        macromolecules=STUDY["basis"]["macromolecules"],
        bids_dir=str(BIDS),
        visit=lambda wildcards: (SESSIONS[wildcards.label].participant, SESSIONS[wildcards.label].session),
        code=code_hash("mrs_pipeline.commands.timecourse"),
    script:
        "../scripts/timecourse.py"

rule basis_page:
    input:
        rules.basis.output,
        macromolecule_sources(STUDY["basis"]),
    output:
        RESULTS / "report" / "basis.html",
    log:
        LOGS / "basis_page.log",
    conda:
        ENVIRONMENT
    params:
        **sections("basis"),
        title=STUDY["study"]["title"],
        ppm_range=STUDY["fitting"]["ppm_range"],
        code=code_hash("mrs_pipeline.commands.basis_page"),
    script:
        "../scripts/basis_page.py"


rule session_page:
    input:
        status=rules.timecourse.output.status,
        curves=rules.timecourse.output.curves,
        record=rules.preprocess.output.record,
        transients=rules.preprocess.output.transients,
    output:
        RESULTS / "report" / "sessions" / "{folder}" / "{label}.html",
    log:
        LOGS / "{folder}/{label}_page.log",
    conda:
        ENVIRONMENT
    params:
        **STUDY,
        code=code_hash("mrs_pipeline.commands.report"),
    script:
        "../scripts/session_page.py"


rule group_page:
    input:
        rules.collect.output,
        rules.contrast.output,
        rules.linewidth.output,
        each_session(f"{WINDOW}curves.npz"),
        basis=rules.basis_page.output,
        pages=each_session("report/sessions/{folder}/{label}.html"),
    output:
        report(RESULTS / "report" / "index.html", category="Report"),
    log:
        LOGS / "group_page.log",
    benchmark:
        BENCHMARKS / "group_page.tsv"
    conda:
        ENVIRONMENT
    params:
        **STUDY,
        code=code_hash("mrs_pipeline.commands.report"),
    script:
        "../scripts/group_page.py"

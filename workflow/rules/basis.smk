rule basis:
    input:
        STUDY["basis"]["file"] or [],
    output:
        RESULTS / "basis" / "basis.npz",
    log:
        LOGS / "basis.log",
    params:
        **sections("basis"),
        code=code_hash("mrs_pipeline.commands.basis"),
    conda:
        ENVIRONMENT
    script:
        "../scripts/basis.py"

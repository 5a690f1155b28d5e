rule basis:
    input:
        STUDY["basis"]["file"] or [],
    output:
        RESULTS / "basis" / "basis.npz",
    log:
        LOGS / "basis.log",
    conda:
        ENVIRONMENT
    params:
        **sections("basis"),
        code=code_hash("mrs_pipeline.commands.basis"),
    script:
        "../scripts/basis.py"

rule basis:
    input:
        basis_sources(STUDY["basis"]),
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

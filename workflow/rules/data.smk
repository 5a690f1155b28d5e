# Raw data that the workflow makes: a synthetic study, or files imported into a BIDS dataset.
if STUDY["simulation"]:

    SIMULATION = STUDY["simulation"]
    DESCRIPTION = study.simulation_files(STUDY)  # the description and those it extends
    TRUE_BASIS = RESULTS / "simulation" / "basis.npz"

    rule simulate_basis:
        input:
            DESCRIPTION,
        output:
            TRUE_BASIS,
        log:
            LOGS / "simulate_basis.log",
        benchmark:
            BENCHMARKS / "simulate_basis.tsv"
        conda:
            ENVIRONMENT
        params:
            seed=SIMULATION["seed"],
            code=code_hash("mrs_pipeline.synthetic.true_basis"),
        script:
            "../scripts/simulate_basis.py"

    rule simulate_dataset:
        input:
            DESCRIPTION,
        output:
            BIDS / "dataset_description.json",
            BIDS / "participants.tsv",
        log:
            LOGS / "simulate_dataset.log",
        conda:
            ENVIRONMENT
        params:
            seed=SIMULATION["seed"],
            out_dir=BIDS,
            code=code_hash("mrs_pipeline.commands.simulate"),
        script:
            "../scripts/simulate_dataset.py"

    for item in SESSIONS.values():
        keep = (lambda path: path) if STUDY["study"]["keep_raw"] else temp

        rule:
            name:
                f"simulate_{item.label.replace('-', '')}"
            input:
                DESCRIPTION,
                BIDS / "dataset_description.json",
                basis=TRUE_BASIS,
            output:
                [keep(path) for path in item.inputs],
            log:
                LOGS / f"{item.label}_simulate.log",
            benchmark:
                BENCHMARKS / f"{item.label}_simulate.tsv"
            conda:
                ENVIRONMENT
            resources:
                mem_mb=1000,
            params:
                seed=SIMULATION["seed"],
                out_dir=BIDS,
                participant=item.participant,
                session=item.session,
                code=code_hash("mrs_pipeline.commands.simulate"),
            script:
                "../scripts/simulate_session.py"


if STUDY["import"]:

    rule import_bids:
        input:
            STUDY["import"]["table"],
        output:
            directory(BIDS),
        log:
            LOGS / "import_bids.log",
        conda:
            ENVIRONMENT
        params:
            source_dir=SOURCE,
            code=code_hash("mrs_pipeline.commands.import_bids"),
        script:
            "../scripts/import_bids.py"

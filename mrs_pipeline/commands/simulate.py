"""Command ``simulate``: a synthetic study as a BIDS dataset with its truth, whole or one visit at a time."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from mrs_pipeline.basis.basis_set import BasisSet
from mrs_pipeline.commands.simulated_files import (
    column_dictionary,
    dataset_description,
    participants_table,
    phenotype_dictionary,
    readme,
    run_stem,
    scans_table,
    sessions_table,
    sidecar,
    truth_description,
)
from mrs_pipeline.commands.simulation_description import description_mapping, read_plan
from mrs_pipeline.errors import InputError
from mrs_pipeline.io.atomic import atomic_path
from mrs_pipeline.io.basis_files import read_basis, write_basis
from mrs_pipeline.io.nifti_mrs import write_fids
from mrs_pipeline.io.tables import write_json, write_table
from mrs_pipeline.synthetic.clinical import scale_tables
from mrs_pipeline.synthetic.plan import StudyPlan
from mrs_pipeline.synthetic.signals import RunSignals, session_signals
from mrs_pipeline.synthetic.timing import schedule
from mrs_pipeline.synthetic.true_basis import true_basis
from mrs_pipeline.synthetic.truth import truth_tables

#: Where the truth lies inside the dataset; no reader of the pipeline looks there.
TRUTH = Path("derivatives") / "truth"


def simulate_study(description_path: Path, out_dir: Path, *, seed: int | None = None) -> None:
    """Write a whole study: the files of the dataset, its truth and every visit. `InputError` if ``out_dir`` holds anything."""
    if out_dir.exists() and (not out_dir.is_dir() or any(out_dir.iterdir())):
        raise InputError(f"{out_dir} exists already and is not an empty folder: name a new folder or remove it first")
    plan = read_plan(description_path, seed=seed)
    simulate_dataset_files(description_path, out_dir, seed=seed)
    for visit in plan.visits:
        write_visit(plan, out_dir, participant=visit.participant.participant, session=visit.session)


def simulate_dataset_files(description_path: Path, out_dir: Path, *, seed: int | None = None) -> None:
    """Write what belongs to the dataset rather than to a visit: description, README, people, visits, ratings and the truth."""
    plan = read_plan(description_path, seed=seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    write_json(dataset_description(plan), out_dir / "dataset_description.json")
    with atomic_path(out_dir / "README.md") as temporary:
        temporary.write_text(readme(plan, description_name=description_path.name), encoding="utf-8")
    _write_described(participants_table(plan), out_dir / "participants.tsv")
    for person in plan.participants:
        label = f"sub-{person.participant}"
        (out_dir / label).mkdir(exist_ok=True)
        _write_described(sessions_table(person), out_dir / label / f"{label}_sessions.tsv")
    _write_phenotype(plan, out_dir / "phenotype")
    _write_truth(plan, out_dir / TRUTH, description_path=description_path)


def write_true_basis(description_path: Path, out: Path, *, seed: int | None = None) -> None:
    """Simulate the true signals of the metabolites of a study once, for the jobs of its visits."""
    write_basis(true_basis(read_plan(description_path, seed=seed)), out)


def simulate_session(
    description_path: Path, out_dir: Path, *, participant: str, session: str, seed: int | None = None, basis: Path | None = None
) -> None:
    """Write the files of one visit only, the same bytes as `simulate_study` writes for it; labels without ``sub-`` and ``ses-``.

    ``basis`` is the file of `write_true_basis`; without it the basis is simulated here.
    """
    signals = read_basis(basis) if basis else None
    write_visit(read_plan(description_path, seed=seed), out_dir, participant=participant, session=session, basis=signals)


def write_visit(plan: StudyPlan, out_dir: Path, *, participant: str, session: str, basis: BasisSet | None = None) -> None:
    """Write the recordings of one visit of a plan."""
    signals = session_signals(plan, participant=participant, session=session, basis=basis)
    label = f"sub-{participant}_ses-{session}"
    folder = out_dir / f"sub-{participant}" / f"ses-{session}" / "mrs"
    folder.mkdir(parents=True, exist_ok=True)
    for run, recording in enumerate(signals.runs):
        stem = run_stem(plan, participant=participant, session=session, run=run)
        _write_recording(plan, recording, stem=folder / stem)
    _write_described(scans_table(plan, signals, participant=participant, session=session), folder.parent / f"{label}_scans.tsv")


def _write_recording(plan: StudyPlan, recording: RunSignals, *, stem: Path) -> None:
    reference_uri = f"bids::{'/'.join(stem.parts[-4:])}_mrsref.nii.gz"
    for suffix, fids, extra in (("svs", recording.svs, {"ReferenceSignal": reference_uri}), ("mrsref", recording.reference, {})):
        path = stem.with_name(f"{stem.name}_{suffix}.nii.gz")
        write_fids(fids, path, affine=np.diag([*plan.description.acquisition.voxel_size_mm, 1.0]))
        times_s = recording.times_s if suffix == "svs" else None
        content = {**sidecar(plan, fids=fids, water_suppressed=suffix == "svs", times_s=times_s), **extra}
        write_json(content, path.with_name(f"{stem.name}_{suffix}.json"))
    if len(recording.events):
        _write_described(recording.events, stem.with_name(f"{stem.name}_events.tsv"))


def _write_phenotype(plan: StudyPlan, folder: Path) -> None:
    """One table of ratings a clinical scale."""
    for name, table in scale_tables(plan).items():
        folder.mkdir(exist_ok=True)
        write_table(table, folder / f"{name}.tsv", described=False)
        write_json(phenotype_dictionary(plan.description.clinical[name]), folder / f"{name}.json")


def _write_truth(plan: StudyPlan, folder: Path, *, description_path: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(truth_description(plan), folder / "dataset_description.json")
    with atomic_path(folder / "simulation.yaml") as temporary:
        text = yaml.safe_dump(description_mapping(description_path), sort_keys=False, width=140, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")
    for name, table in truth_tables(plan).items():
        _write_described(table, folder / f"truth_{name}.tsv")


def _write_described(table: pd.DataFrame, path: Path) -> None:
    """A table and the dictionary of its columns beside it."""
    descriptions: Mapping[str, object] = column_dictionary()
    write_table(table, path, described=False)
    write_json({str(name): descriptions[str(name)] for name in table.columns}, path.with_suffix(".json"))


def planned_files(plan: StudyPlan) -> dict[tuple[str, str], tuple[Path, ...]]:
    """The recordings each visit will consist of, relative to the dataset, by participant and session."""
    n_runs = schedule(plan.description.timing).n_runs
    files = {}
    for visit in plan.visits:
        who = visit.participant.participant
        stems = [run_stem(plan, participant=who, session=visit.session, run=run) for run in range(n_runs)]
        folder = Path(f"sub-{who}") / f"ses-{visit.session}" / "mrs"
        files[(who, visit.session)] = tuple(folder / f"{stem}_{suffix}.nii.gz" for stem in stems for suffix in ("svs", "mrsref"))
    return files

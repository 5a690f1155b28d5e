"""What it costs to generate a synthetic study: time of each part, peak memory, size on disk.

    python benchmarks/generation.py --sessions 8
    python benchmarks/generation.py config/simulation/phantom.yaml

Visits are written as jobs of the workflow write them: each in a process of its own, here one after another, with the true basis read from
a file. "study" is what all visits take on the number of cores given, the start of their processes included.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from mrs_pipeline.commands.simulate import simulate_dataset_files, simulate_session, write_true_basis
from mrs_pipeline.commands.simulation_description import read_plan

DESCRIPTION = Path(__file__).parents[1] / "config" / "simulation" / "infusion.yaml"


def measured(target: object, *arguments: object, **options: object) -> dict[str, float]:
    """Wall clock time, processor time and peak memory of a function in a process of its own."""
    queue = multiprocessing.get_context("spawn").Queue()
    start = time.perf_counter()
    process = multiprocessing.get_context("spawn").Process(target=_report, args=(queue, target, arguments, options))
    process.start()
    processor_s, memory_mb = queue.get()
    process.join()
    return {"wall_s": time.perf_counter() - start, "processor_s": processor_s, "peak_mb": memory_mb}


def _report(queue: object, target: object, arguments: tuple[object, ...], options: dict[str, object]) -> None:
    target(*arguments, **options)
    used = resource.getrusage(resource.RUSAGE_SELF)
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    queue.put((used.ru_utime + used.ru_stime, used.ru_maxrss / per_mb))


def size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def costs(description: Path, *, n_sessions: int, folder: Path) -> pd.DataFrame:
    """One row a part: files of the dataset, the true basis, and each of the visits asked for."""
    plan, basis, bids = read_plan(description), folder / "basis.npz", folder / "bids"
    rows = [{"part": "dataset files", **measured(simulate_dataset_files, description, bids), "size_mb": size_mb(bids)}]
    rows.append({"part": "true basis", **measured(write_true_basis, description, basis), "size_mb": basis.stat().st_size / 1e6})
    for visit in plan.visits[:n_sessions]:
        labels = {"participant": visit.participant.participant, "session": visit.session}
        cost = measured(simulate_session, description, bids, **labels, basis=basis)
        visit_folder = bids / f"sub-{labels['participant']}" / f"ses-{labels['session']}"
        rows.append({"part": f"sub-{labels['participant']} ses-{labels['session']}", **cost, "size_mb": size_mb(visit_folder)})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, *, n_visits: int, n_cores: int) -> pd.Series:
    """The whole study, from the mean of the visits measured."""
    once, visits = table.iloc[:2], table.iloc[2:]
    return pd.Series(
        {
            "visits": n_visits,
            "processor_s": once["processor_s"].sum() + n_visits * visits["processor_s"].mean(),
            f"wall_s on {n_cores} cores": once["wall_s"].sum() + n_visits * visits["wall_s"].mean() / n_cores,
            "peak_mb of a job": table["peak_mb"].max(),
            "size_gb": n_visits * visits["size_mb"].mean() / 1e3,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("description", type=Path, nargs="?", default=DESCRIPTION)
    parser.add_argument("--sessions", type=int, default=4, help="visits to write")
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = costs(options.description, n_sessions=options.sessions, folder=Path(folder))
    print(table.to_string(index=False, float_format=lambda value: f"{value:.2f}"))
    print()
    print(
        summary(table, n_visits=len(read_plan(options.description).visits), n_cores=options.cores).to_string(
            float_format=lambda v: f"{v:.2f}"
        )
    )


if __name__ == "__main__":
    main()
